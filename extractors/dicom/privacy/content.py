"""Content items of structured reports under Clean Structured Content (PS3.15 E.3.4).

``content.csv`` is Table E.3.4-1: by the code of an item's concept name, what is done with its
value. Items stay in their place, since others refer to them by their number in the tree: where the
table removes an item, its value is a dummy. Text of a concept that is not in the table is cleaned.
Names, dates and UIDs of items are attributes of Table E.1-1 (0040,A120 to A124) and go by that one.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pydicom.dataset import Dataset

from .decode import decoded, plain
from .plan import Op, Step
from .profile import resolve

__all__ = ["item_steps"]

_TEXT, _CODE, _MEASURED, _CHILDREN = 0x0040A160, 0x0040A168, 0x0040A300, 0x0040A730

_VALUE_TYPE, _CONCEPT, _CODE_VALUE, _SCHEME = 0x0040A040, 0x0040A043, 0x00080100, 0x00080102

_CLEANED = {_TEXT: Step(Op.CLEAN, "UT")}
_KEPT = {_TEXT: Step(Op.KEEP, "UT")}
_DUMMIED = {
    _TEXT: Step(Op.DUMMY, "UT"),
    _CODE: Step(Op.DUMMY, "SQ"),
    _MEASURED: Step(Op.EMPTY, "SQ"),
    _CHILDREN: Step(Op.DROP, "SQ"),
}


def item_steps(item: Dataset, columns: tuple[str, ...]) -> Mapping[int, Step]:
    """tag -> step for the value of a content item, before those of the attributes' table; none for
    an item of a sequence that is no content item. columns: of ``Policy.columns``.
    """
    if _VALUE_TYPE not in item:
        return {}
    value_type, scheme, code = plain(item, _VALUE_TYPE), "", ""
    concept = item.get_item(_CONCEPT)
    if concept is not None:
        for name in decoded(item, concept, "SQ").value[:1]:
            scheme, code = plain(name, _SCHEME), plain(name, _CODE_VALUE)
    found = _table().get((scheme, code))
    if found is None or (value_type not in found and value_type != "CODE"):
        return _CLEANED
    basic, options = found.get(value_type) or next(iter(found.values()))
    wanted = {options[column] for column in columns if column in options}
    if "K" in wanted:
        return _KEPT
    if "C" in wanted:
        return _CLEANED
    return _DUMMIED if resolve(basic, "1") in "XZD" else _CLEANED


@lru_cache(maxsize=1)
def _table() -> Mapping[tuple[str, str], Mapping[str, tuple[str, Mapping[str, str]]]]:
    found: dict[tuple[str, str], dict[str, tuple[str, Mapping[str, str]]]] = {}
    with (Path(__file__).parent / "content.csv").open(encoding="ascii", newline="") as file:
        for line in csv.DictReader(file):
            scheme, code = line.pop("scheme"), line.pop("code")
            value_type, basic = line.pop("value_type"), line.pop("basic")
            options = {name: action for name, action in line.items() if action}
            found.setdefault((scheme, code), {})[value_type] = (basic, options)
    return found
