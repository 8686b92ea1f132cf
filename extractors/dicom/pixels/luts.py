"""Look-up tables of a file, read with care: descriptors of either sign, packed and cut data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from domainclip.images.voi import Lut

from .attributes import value_of

__all__ = ["FoundLut", "read_lut", "unpacked", "words_of"]


@dataclass(frozen=True, slots=True)
class FoundLut:
    """lut: None where the item holds no usable table. notes: what was odd."""

    lut: Lut | None
    notes: tuple[str, ...] = ()


def words_of(value: Any, little: bool) -> np.ndarray:
    """uint16 of a US, SS or OW value: integers as they are (negative ones by their bits), bytes as
    words of the given order; a last odd byte is the low one of a word."""
    if isinstance(value, bytes | bytearray):
        data = bytes(value) + b"\0" * (len(value) % 2)
        return np.frombuffer(data, "<u2" if little else ">u2").astype(np.uint16)
    if value is None or isinstance(value, str):
        return np.empty(0, np.uint16)
    try:
        listed = np.atleast_1d(np.asarray(value, np.int64))
    except (TypeError, ValueError, OverflowError):
        return np.empty(0, np.uint16)
    return (listed.ravel() & 0xFFFF).astype(np.uint16)


def unpacked(words: np.ndarray, count: int) -> np.ndarray:
    """Words (n,) uint16 of 8-bit entries: taken apart where two entries share one, which their
    number or a value beyond 8 bits tells."""
    shared = len(words) < count and (len(words) == (count + 1) // 2 or int(words.max()) > 255)
    return words.astype("<u2").view(np.uint8).astype(np.uint16) if shared else words


def read_lut(item: Dataset, *, inputs: tuple[float, float], little: bool) -> FoundLut:
    """The table of an item of a Modality or VOI LUT Sequence (PS3.3 C.11.1.1.1, C.11.2.1.1).

    inputs: the smallest and largest possible input; where it is negative the descriptor's first
    mapped value is signed, as the standard rules, unless only the other reading meets the inputs.
    Repaired, with a note: a count of entries that the data do not have, entries that need more bits
    than the descriptor says, 8-bit entries packed two a word (which the standard asks for) or not.
    """
    descriptor = words_of(value_of(item, "LUTDescriptor"), little)
    words = words_of(value_of(item, "LUTData"), little)
    if len(descriptor) < 3 or not len(words):
        return FoundLut(None, ("a look-up table without descriptor or entries was passed over",))
    count, bits = int(descriptor[0]) or 1 << 16, int(descriptor[2])
    notes = []
    if bits <= 8:
        words = unpacked(words, count)
    if len(words) < count:
        notes.append("a look-up table holds fewer entries than it says")
    words = words[:count]
    needed = max(int(words.max()).bit_length(), 1)
    if not 8 <= bits <= 16 or needed > bits:
        bits = 8 if needed <= 8 else max(needed, bits if bits <= 16 else 16)
        notes.append("the bits of a look-up table's entries were taken from its values")
    first, odd = _first_mapped(int(descriptor[1]), len(words), inputs)
    if odd:
        notes.append("the sign of a look-up table's first mapped value was taken from the pixels")
    return FoundLut(Lut(first, bits, words.astype("<u2").tobytes()), tuple(notes))


def _first_mapped(word: int, count: int, inputs: tuple[float, float]) -> tuple[int, bool]:
    """The value that a 16-bit word stands for, and whether the rule had to be left."""
    unsigned, signed = word, word - (1 << 16) if word >= 1 << 15 else word
    ruled, other = (signed, unsigned) if inputs[0] < 0 else (unsigned, signed)

    def meets(first: int) -> bool:
        return first <= inputs[1] and first + count - 1 >= inputs[0]

    return (other, True) if not meets(ruled) and meets(other) else (ruled, False)
