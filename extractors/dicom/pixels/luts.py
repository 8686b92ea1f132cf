"""What a file says of its grey values, read with care: numbers, functional groups, look-up tables.

Elements are read one by one, so that a broken one costs itself and not the image.
"""

from __future__ import annotations

import math
from collections.abc import MutableSequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from domainclip.images.voi import Lut

__all__ = [
    "FoundLut",
    "group_item",
    "items_of",
    "little_endian",
    "numbers_of",
    "read_lut",
    "text_of",
    "unpacked",
    "value_of",
    "words_of",
]

_LARGEST = 1e30  # of a number in a header; what lies beyond overflows in the formulas
_MOST_VALUES = 1024  # of a multi-valued attribute


@dataclass(frozen=True, slots=True)
class FoundLut:
    """lut: None where the item holds no usable table. notes: what was odd."""

    lut: Lut | None
    notes: tuple[str, ...] = ()


def value_of(dataset: Dataset, keyword: str | tuple[int, int]) -> Any:
    """The value of an attribute, None where it is absent, empty or cannot be read."""
    try:
        found = dataset.get(keyword)
        if isinstance(keyword, tuple) and found is not None:
            found = found.value
    except Exception:  # pydicom converts on reading, and raises nearly anything for broken bytes
        return None
    return None if found is None or (isinstance(found, str) and not found.strip()) else found


def text_of(dataset: Dataset, keyword: str) -> str:
    """The (first) value as upper-case text without outer blanks, "" where there is none."""
    found = value_of(dataset, keyword)
    if found is None or isinstance(found, bytes):
        return ""
    if isinstance(found, MutableSequence):  # pydicom's MultiValue is one
        found = found[0] if len(found) else ""
    return str(found).strip(" \0\t\r\n").upper()


def numbers_of(dataset: Dataset, keyword: str) -> list[float | None]:
    """All values of a numeric attribute, None for one that is no finite number (or beyond 1e30):
    broken neighbours of a good value do not cost it."""
    found: Any = None
    try:
        found = dataset.get(keyword)
    except Exception:  # one bad value of a list: its raw bytes still hold the good ones
        try:
            raw = dataset.get_item(keyword)
            found = getattr(raw, "value", None)
        except Exception:
            return []
    if found is None:
        return []
    if isinstance(found, bytes):
        found = found.decode("ascii", "replace")
    if isinstance(found, str):
        found = found.split("\\") if found.strip(" \0") else []
    elif not hasattr(found, "__iter__"):
        found = [found]
    return [_number(each) for each in list(found)[:_MOST_VALUES]]


def _number(value: Any) -> float | None:
    try:
        number = float(value.strip(" \0").replace(",", ".") if isinstance(value, str) else value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and abs(number) <= _LARGEST else None


def group_item(dataset: Dataset, frame_index: int, keyword: str) -> Dataset | None:
    """The first item of a functional group's sequence for a frame (PS3.3 C.7.6.16): of the frame's
    own groups, else of the shared ones, else None."""
    for groups, at in (
        ("PerFrameFunctionalGroupsSequence", frame_index),
        ("SharedFunctionalGroupsSequence", 0),
    ):
        found = value_of(dataset, groups)
        if isinstance(found, Sequence) and 0 <= at < len(found):
            for inner in items_of(found[at], keyword, 1):
                return inner
    return None


def items_of(dataset: Dataset, keyword: str, most: int = 64) -> list[Dataset]:
    """The first items of a sequence, none where it is absent or no sequence."""
    found = value_of(dataset, keyword)
    if not isinstance(found, Sequence):
        return []
    return [found[at] for at in range(min(len(found), most))]


def little_endian(dataset: Dataset) -> bool:
    """Whether the words of OW values lie with their low byte first; they are never swapped by
    pydicom."""
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    try:
        if syntax is not None:
            return bool(syntax.is_little_endian)
    except ValueError:  # no transfer syntax, or none that is known
        pass
    return (getattr(dataset, "original_encoding", None) or (None, None))[1] is not False


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
