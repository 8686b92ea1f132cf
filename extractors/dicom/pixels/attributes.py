"""Attributes of a header read with care, one by one, so that a broken one costs itself and not the
image: as they are, as upper-case text, as numbers, as items of sequences and functional groups.
"""

from __future__ import annotations

import math
from collections.abc import MutableSequence
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

__all__ = ["group_item", "items_of", "little_endian", "numbers_of", "text_of", "value_of"]

_LARGEST = 1e30  # of a number in a header; what lies beyond overflows in the formulas
_MOST_VALUES = 1024  # of a multi-valued attribute


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
