"""Palettes as tables of 65,536 words: entries of 8 or 16 bits, plain or in segments.

PS3.3 C.7.6.3.1.5 and C.7.9.2.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from domainclip.errors import BadInput

from .luts import unpacked

__all__ = ["expand_segments", "palette_tables"]

Descriptor = tuple[int, int, int]

_MOST_ENTRIES = 1 << 16
_MOST_SEGMENTS = 1 << 16
_DEEPEST = 4  # the standard lets no indirect segment lead to another


@lru_cache(maxsize=8)
def palette_tables(
    descriptors: tuple[Descriptor, ...], data: tuple[bytes, ...], segmented: bool, signed: bool
) -> tuple[tuple[np.ndarray, ...], tuple[str, ...]]:
    """For each of red, green, blue the level uint8 (65536,) of every 16-bit word; and notes.

    descriptors: entries (0 is 65,536), first mapped value, bits. data: little-endian. Entries of 16
    bits give their upper 8, which is exact for both usual ways to widen 8 bits (v * 256, v * 257);
    where no entry of any colour exceeds 255 they are 8-bit values in 16-bit words.
    Raises BadInput for empty or broken tables.
    """
    notes: list[str] = []
    channels = []
    for (count, _, bits), one in zip(descriptors, data, strict=True):
        count = count or _MOST_ENTRIES
        if segmented:
            words = np.frombuffer(one, np.uint8 if bits == 8 else "<u2").astype(np.int64)
            entries = np.array(expand_segments(words.tolist(), bits == 8, count), np.uint16)
        else:
            entries = np.frombuffer(one, "<u2").astype(np.uint16)
            entries = unpacked(entries, count) if bits <= 8 and len(entries) else entries
        if not len(entries):
            raise BadInput("the file's palette is empty.")
        if len(entries) < count:
            notes.append("the palette holds fewer entries than it says")
        channels.append(entries[:count])
    deep = max(int(entries.max()) for entries in channels) > 255
    if not deep and descriptors[0][2] > 8 and any(entries.any() for entries in channels):
        notes.append("the palette's 16-bit entries hold 8-bit values")

    words = np.arange(1 << 16, dtype=np.uint16)
    values = words.view(np.int16).astype(np.int64) if signed else words.astype(np.int64)
    tables = []
    for (_, first, _), entries in zip(descriptors, channels, strict=True):
        if signed and first >= 1 << 15:
            first -= 1 << 16
        levels = (entries >> 8 if deep else entries).astype(np.uint8)
        table = levels[np.clip(values - first, 0, len(levels) - 1)]
        table.setflags(write=False)
        tables.append(table)
    return tuple(tables), tuple(dict.fromkeys(notes))


def expand_segments(data: list[int], bytewise: bool, most: int) -> list[int]:
    """The entries that segments stand for, at most ``most`` of them.

    data: the stored numbers, bytes or words. Segments are discrete (0: values as they are), linear
    (1: a line from the last value) or indirect (2: some segments again, from a byte offset).
    Raises BadInput for an unknown kind, a line from nowhere, or endless segments.
    """
    entries: list[int] = []
    budget = [_MOST_SEGMENTS]
    _expand(data, 0, None, bytewise, min(most, _MOST_ENTRIES), entries, budget, 0)
    return entries


def _expand(
    data: list[int],
    at: int,
    segments: int | None,
    bytewise: bool,
    most: int,
    entries: list[int],
    budget: list[int],
    depth: int,
) -> None:
    """Appends to ``entries`` what ``segments`` segments (all, where None) from ``at`` stand for."""
    while at + 1 < len(data) and len(entries) < most and (segments is None or segments > 0):
        segments = None if segments is None else segments - 1
        budget[0] -= 1
        if budget[0] < 0:
            raise BadInput("the file's segmented palette does not end.")
        kind, length = data[at], data[at + 1]
        at += 2
        if kind == 0:
            entries.extend(data[at : min(at + length, at + most - len(entries))])
            at += length
        elif kind == 1 and entries and at < len(data):
            line = np.linspace(entries[-1], data[at], length + 1)[1:]
            entries.extend(np.rint(line).astype(np.int64).tolist()[: most - len(entries)])
            at += 1
        elif kind == 2 and depth < _DEEPEST and at + (3 if bytewise else 1) < len(data):
            width = 4 if bytewise else 2
            base = 8 if bytewise else 16
            offset = sum(part << (base * place) for place, part in enumerate(data[at : at + width]))
            at += width
            start = offset if bytewise else offset // 2
            _expand(data, start, length, bytewise, most, entries, budget, depth + 1)
        else:
            raise BadInput("the file's segmented palette is broken.")
