"""Values of a header as plain Python ones; what is malformed is absent, as if it were not there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

_tag = lru_cache(maxsize=None)(tag_for_keyword)

__all__ = ["floats", "integer", "items", "number", "seconds", "text", "words"]

_LONGEST = 1 << 20  # values of one attribute; a vector has one a frame


def floats(dataset: Dataset, keyword: str, count: int = 0) -> tuple[float, ...] | None:
    """``count`` finite numbers (0: one or more), else None."""
    found = _value(dataset, keyword)
    if found is None or isinstance(found, str | bytes):
        return None
    several = isinstance(found, MultiValue | list | tuple)
    values = found if several else [found]
    if not values or len(values) > _LONGEST or (count and len(values) != count):
        return None
    try:
        numbers = tuple(float(each) for each in values)
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if all(math.isfinite(each) for each in numbers) else None


def number(dataset: Dataset, keyword: str) -> float | None:
    """One finite number, else None."""
    found = floats(dataset, keyword, 1)
    return found[0] if found else None


def integer(dataset: Dataset, keyword: str) -> int | None:
    """One whole number, else None."""
    found = number(dataset, keyword)
    return int(found) if found is not None and found == int(found) else None


def text(dataset: Dataset, keyword: str) -> str:
    """One value as a string without blanks around it, "" where there is none."""
    found = _value(dataset, keyword)
    if found is None or isinstance(found, MultiValue | bytes):
        return ""
    return str(found).strip(" \0")


def words(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """All values of a multi-valued string."""
    found = _value(dataset, keyword)
    if found is None or isinstance(found, bytes):
        return ()
    several = found if isinstance(found, MultiValue | list | tuple) else [found]
    return tuple(str(each).strip(" \0") for each in several)


def items(dataset: Dataset | None, keyword: str) -> Sequence[Dataset]:
    """The items of a sequence, () where there is none."""
    found = None if dataset is None else _value(dataset, keyword)
    return found if isinstance(found, Sequence) and not isinstance(found, str | bytes) else ()


def seconds(dataset: Dataset, date: str, time: str, both: str) -> float | None:
    """A moment of an attribute of date and time, or of a date and a time, in seconds since a day
    that is the same for all; without a date since midnight. None without a time.

    date, time, both: keywords of VR DA, TM and DT (PS3.5 6.2).
    """
    day, clock = text(dataset, both)[:8], text(dataset, both)[8:]
    if not clock:
        day, clock = text(dataset, date), text(dataset, time)
    clock = clock.replace(":", "").split("+")[0].split("-")[0]
    whole, _, part = clock.partition(".")
    if not whole.isdecimal() or len(whole) not in (2, 4, 6) or (part and not part.isdecimal()):
        return None
    hours, minutes, rest = (int(whole[at : at + 2] or 0) for at in (0, 2, 4))
    days = 0
    if len(day) == 8 and day.isdecimal():
        days = (int(day[:4]) * 12 + int(day[4:6])) * 31 + int(day[6:])  # grows with the date
    return days * 86400.0 + hours * 3600 + minutes * 60 + rest + float(f"0.{part[:6] or 0}")


def _value(dataset: Dataset, keyword: str) -> Any:
    tag = _tag(keyword)
    # most are absent, and Dataset.__contains__ costs ten times as much
    if tag not in dataset.keys():  # noqa: SIM118
        return None
    try:
        return dataset[tag].value
    except Exception:  # converting a malformed value, pydicom raises nearly anything
        return None
