"""Single values of elements as they lie in the file."""

from __future__ import annotations

import re
from collections.abc import Callable

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.multival import MultiValue
from pydicom.uid import UID_dictionary

__all__ = ["age", "as_bytes", "strings", "uids"]

_UID = re.compile(r"[0-9.]{1,64}")
_AGE = re.compile(r"(\d{1,3})([DWMY])")
# HIPAA safe harbour, 45 CFR 164.514(b)(2)(i)(C): ages over 89 are one category.
_OLDEST = 90


def as_bytes(element: DataElement | RawDataElement) -> bytes:
    """A text value as bytes: as it lies in the file, or, decoded already, as UTF-8. Of sequences
    and of values that were left in the file, nothing."""
    value = element.value
    if isinstance(value, bytes):
        return value
    if value is None or element.VR == "SQ":
        return b""
    return "\\".join(strings(element)).encode("utf-8", "replace")


def strings(element: DataElement | RawDataElement) -> list[str]:
    """Each value of a decoded element as text."""
    value = element.value
    parts = value if isinstance(value, MultiValue | list | tuple) else (value,)
    return [str(part) for part in parts if part is not None]


def uids(value: bytes, other: Callable[[str], str], keep: bool) -> str:
    """UIDs with the ones that stand for them; registered ones (PS3.6 Annex A) stay. keep: all that
    have the form of a UID stay. "" for none."""
    made = []
    for part in value.decode("ascii", "replace").split("\\"):
        uid = part.strip(" \0\t\r\n")
        if not uid or uid in UID_dictionary or (keep and _UID.fullmatch(uid)):
            made.append(uid)
        else:
            made.append(other(uid))
    return "\\".join(made)


def age(value: bytes) -> str:
    """An AS: at most 90 years; "" for what is no age."""
    found = _AGE.fullmatch(value.decode("ascii", "replace").strip(" \0").upper())
    if found is None:
        return ""
    number, unit = int(found[1]), found[2]
    years = number / {"D": 365.25, "W": 52.2, "M": 12, "Y": 1}[unit]
    return f"{_OLDEST:03d}Y" if years >= _OLDEST else f"{number:03d}{unit}"
