"""Private attributes known to be safe (PS3.15 E.3.10), by their creator.

``safe_private.csv`` lists attributes that Table E.3.10-1 or widely used tools call safe, and of
these only such as hold numbers or enumerated words (scale factors, pitch, b-values, paddle angles).
Private text is never kept: what a vendor's software puts there differs between versions and sites.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from pydicom.dataelem import DataElement, RawDataElement

from .dummies import FREE_VRS

__all__ = ["safe_private"]

_REFUSED = FREE_VRS | {"SQ", "UI", "DT", "TM"}
_NUMBERS = re.compile(rb"[0-9.eE+\-\\ \0]*")


def safe_private(elements: Mapping[int, DataElement | RawDataElement]) -> set[int]:
    """The tags of a data set's safe private elements, and of their creators' elements."""
    creators: dict[tuple[int, int], str] = {}
    found = set()
    for tag, element in _sorted(elements):
        group, number = tag >> 16, tag & 0xFFFF
        if 0x10 <= number <= 0xFF:
            creators[group, number] = _words(element.value)
        elif number > 0xFF and _fits(element):
            creator = creators.get((group, number >> 8), "")
            if number & 0xFF in _table().get((group, creator), ()):
                found |= {tag, group << 16 | number >> 8}
    return found


def _sorted(
    elements: Mapping[int, DataElement | RawDataElement],
) -> Iterable[tuple[int, DataElement | RawDataElement]]:
    return ((tag, elements[tag]) for tag in sorted(t for t in elements if t >> 16 & 1))


def _fits(element: DataElement | RawDataElement) -> bool:
    """A number or an enumerated word, as far as the VR tells; where it tells nothing (implicit VR,
    UN), decimal digits or as many bytes as a binary number has."""
    if element.VR not in (None, "UN"):
        return element.VR not in _REFUSED
    value = element.value
    return isinstance(value, bytes) and (
        len(value) in (2, 4, 8) or _NUMBERS.fullmatch(value) is not None
    )


def _words(value: object) -> str:
    plain = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
    return plain.strip(" \0")


@lru_cache(maxsize=1)
def _table() -> Mapping[tuple[int, str], frozenset[int]]:
    with (Path(__file__).parent / "safe_private.csv").open(encoding="ascii", newline="") as file:
        return {
            (int(line["group"], 16), line["creator"]): frozenset(
                int(element, 16) for element in line["elements"].split()
            )
            for line in csv.DictReader(file)
        }
