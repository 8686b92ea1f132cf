"""Encapsulated pixel data cut into frames: by what the fragments begin with, else by the tables.

A frame may be spread over several fragments, and the offset table that tells where frames begin
(PS3.5 A.4, PS3.3 C.7.6.3.1.8 for the extended one) is often empty or wrong. What a frame begins
with cannot be.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .jpeg_headers import begins_codestream

__all__ = ["Fragments", "frames_of", "split"]

# A frame of a long cine is one fragment; more than this is no image.
_MOST_FRAGMENTS = 1 << 20


@dataclass(frozen=True, slots=True)
class Fragments:
    """Where the fragments lie in the value. spans: (start, end) of each, without the offset table.
    offsets: of that table, from the first fragment's tag on. missing: bytes that the last one
    lacks of the length it says."""

    spans: tuple[tuple[int, int], ...]
    offsets: tuple[int, ...] = ()
    missing: int = 0

    @property
    def first(self) -> int:
        """Of the first fragment's tag, which the offsets count from."""
        return self.spans[0][0] - 8


def split(value: bytes, little: bool = True) -> Fragments | None:
    """The fragments of a value, or None where it is not made of them."""
    item, end_item = (struct.pack("<HH" if little else ">HH", 0xFFFE, e) for e in (0xE000, 0xE0DD))
    if not value.startswith(item) or len(value) < 8:
        return None
    spans: list[tuple[int, int]] = []
    at, missing = 0, 0
    length_of = struct.Struct("<L" if little else ">L")
    while at + 8 <= len(value) and len(spans) <= _MOST_FRAGMENTS:
        if value.startswith(end_item, at) or not value.startswith(item, at):
            break
        (length,) = length_of.unpack_from(value, at + 4)
        end = at + 8 + length
        if end > len(value):
            missing = end - len(value)
            end = len(value)
        spans.append((at + 8, end))
        at = end
    if not spans:
        return None
    # The first item is the offset table, empty or of four bytes a frame. Writers that forget it
    # begin with a frame.
    start, end = spans[0]
    offsets: tuple[int, ...] = ()
    if not begins_codestream(value[start : min(end, start + 64)]):
        count = (end - start) // 4
        offsets = struct.unpack_from(f"{'<' if little else '>'}{count}L", value, start)
        del spans[0]
    return Fragments(tuple(spans), offsets, missing) if spans else None


def frames_of(
    value: bytes,
    fragments: Fragments,
    *,
    declared: int,
    extended: Sequence[int] = (),
) -> tuple[tuple[tuple[int, int], ...], ...]:
    """The spans of every frame, in order. declared: the number of frames of the header.

    Fragments that begin a codestream begin a frame: its first bytes cannot come up inside another.
    Where these are too few, a table that gives the declared number is believed, or one fragment a
    frame where that number fits.
    """
    spans = fragments.spans
    begins = [
        i
        for i, (start, end) in enumerate(spans)
        if begins_codestream(value[start : min(end, start + 64)])
    ]
    if begins and begins[0] == 0 and len(begins) >= declared:
        return _grouped(spans, begins)
    for table in (extended, fragments.offsets):
        starts = _starts(fragments, table)
        if starts and len(starts) == declared:
            return _grouped(spans, starts)
    if declared == len(spans):
        return tuple((span,) for span in spans)
    if begins and begins[0] == 0:
        return _grouped(spans, begins)
    return (spans,) if declared <= 1 else tuple((span,) for span in spans)


def _starts(fragments: Fragments, table: Sequence[int]) -> list[int]:
    """Which fragments a table points at; [] where one of its offsets hits none, or they are not in
    order."""
    if not table or table[0] != 0:
        return []
    at = {start - 8 - fragments.first: i for i, (start, _) in enumerate(fragments.spans)}
    starts = [at.get(offset, -1) for offset in table]
    ordered = all(a < b for a, b in pairwise(starts))
    return starts if ordered and starts[0] == 0 else []


def _grouped(
    spans: tuple[tuple[int, int], ...], starts: Sequence[int]
) -> tuple[tuple[tuple[int, int], ...], ...]:
    ends = [*starts[1:], len(spans)]
    return tuple(spans[a:b] for a, b in zip(starts, ends, strict=True))
