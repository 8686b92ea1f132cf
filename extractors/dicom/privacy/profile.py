"""Table E.1-1 of DICOM PS3.15: what is done with each attribute, and of which Type it is.

``profile.csv`` holds a row per attribute: its tag (``50xxxxxx`` and ``60xx3000`` for repeating
groups, ``private`` for odd groups), keyword, VR, the edition that it came with (2024b; 2026d for
what later editions added; ``own`` for attributes that the table leaves out and that name a person,
a place or a thing nonetheless), the action of the Basic Profile, the actions of the options, and
the kind of identifier that its value is (ours: empty for descriptions, numbers and sequences).

``types.csv`` says of the attributes with alternatives (X/D, X/Z, X/Z/D, Z/D, X/Z/U*) which Type
(PS3.5 7.4) the IODs of PS3.3 give them. 1C and 2C count as 1 and 2, and modules that are optional
count as if they were there: then the file stays valid, and a dummy hides as much as nothing does.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from ..records import IdentifierKind

__all__ = ["Action", "Row", "kinds", "resolve", "row_of", "rows", "type_keys", "type_of"]

# X remove, Z empty, D dummy of its VR, U another UID for the same UID, K keep, C clean.
Action = Literal["X", "Z", "D", "U", "K", "C"]

_FOLDER = Path(__file__).parent
_SOP_ROOT = "1.2.840.10008.5.1.4."
_NOT_OPTIONS = ("tag", "keyword", "vr", "edition", "basic", "kind")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table. basic: an action, or alternatives such as ``X/Z/D``. options: the action
    of each option that has one for it, by its column."""

    tag: str
    keyword: str
    vr: str
    edition: Literal["2024b", "2026d", "own"]
    basic: str
    kind: IdentifierKind | Literal[""]
    options: Mapping[str, Action]


@lru_cache(maxsize=1)
def rows() -> Mapping[str, Row]:
    """All rows by their tag: eight digits, upper case, or a pattern."""
    return {row.tag: row for row in _read_rows()}


def row_of(tag: int) -> Row | None:
    """The row for a tag, through the patterns too; None where there is none."""
    group = tag >> 16
    if group & 1:
        return rows()["private"]
    if group & 0xFF00 == 0x5000:
        return rows()["50xxxxxx"]
    if group & 0xFF00 == 0x6000:
        return rows().get(f"60xx{tag & 0xFFFF:04X}")
    return rows().get(f"{tag:08X}")


@lru_cache(maxsize=1)
def kinds() -> Mapping[int, tuple[IdentifierKind, str]]:
    """tag -> (kind of identifier, keyword) for the attributes whose value tells who somebody is."""
    return {
        int(row.tag, 16): (row.kind, row.keyword)
        for row in rows().values()
        if row.kind and "x" not in row.tag
    }


def resolve(basic: str, attribute_type: str) -> Action:
    """One action of the alternatives, by Type 1, 2 or 3.

    The first that keeps the IOD valid: X for Type 3, Z for Type 2, D (or U) for Type 1; X/D of a
    Type 2 attribute is D, X/Z of a Type 1 attribute is D too (Z allows a dummy).
    """
    choices = basic.rstrip("*").split("/")
    if len(choices) == 1:
        return _action(basic)
    for fits in {"3": "XZD", "2": "ZDU", "1": "DU"}[attribute_type]:
        if fits in choices:
            return _action(fits)
    return "D"


def type_of(tag: int, sop_class: str, within: str) -> str:
    """Type 1, 2 or 3 of an attribute of ``types.csv``.

    sop_class: the UID of the SOP class; one that is not in the table has the Type that most have.
    within: tag of the sequence that holds it, as eight digits, or "" at the top level; in a
    sequence that is not in the table it has the strictest Type that it has in any.
    """
    table = _types().get(f"{tag:08X}", {})
    if within:
        return table.get((within, "*")) or table.get(("*", "*")) or "1"
    short = sop_class.removeprefix(_SOP_ROOT)
    return table.get(("", short)) or table.get(("", "*")) or table.get(("*", "*")) or "1"


@lru_cache(maxsize=1)
def type_keys() -> tuple[frozenset[str], frozenset[str]]:
    """The SOP class UIDs and the sequences' tags that ``type_of`` tells apart."""
    keys = [key for table in _types().values() for key in table]
    return (
        frozenset(_SOP_ROOT + sop_class for _, sop_class in keys if sop_class != "*"),
        frozenset(within for within, _ in keys if within not in ("", "*")),
    )


def _read_rows() -> Iterator[Row]:
    with (_FOLDER / "profile.csv").open(encoding="ascii", newline="") as file:
        for line in csv.DictReader(file):
            options = {
                name: _action(action)
                for name, action in line.items()
                if action and name not in _NOT_OPTIONS
            }
            yield Row(
                tag=line["tag"],
                keyword=line["keyword"],
                vr=line["vr"],
                edition=line["edition"],  # type: ignore[arg-type]
                basic=line["basic"],
                kind=line["kind"],  # type: ignore[arg-type]
                options=options,
            )


@lru_cache(maxsize=1)
def _types() -> Mapping[str, Mapping[tuple[str, str], str]]:
    found: dict[str, dict[tuple[str, str], str]] = {}
    with (_FOLDER / "types.csv").open(encoding="ascii", newline="") as file:
        for line in csv.DictReader(file):
            table = found.setdefault(line["tag"], {})
            for within in line["within"].split() or [""]:
                for sop_class in line["sop_classes"].split():
                    table[within, sop_class] = line["type"]
    return found


def _action(letter: str) -> Action:
    if letter not in ("X", "Z", "D", "U", "K", "C"):
        raise ValueError(f"no action: {letter!r}")
    return letter  # type: ignore[return-value]
