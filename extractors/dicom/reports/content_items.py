"""The content tree of a structured report as a flat list, whatever state it is in.

Source: DICOM PS3.3 C.17.3 (SR Document Content Module), C.18 (value types). Nothing here is
recursive and every value is read by itself, so that a missing, empty, mistyped or looping item
costs that item alone. Values are decoded from their bytes (``decoding``), since the character set
that a report declares is often not the one it is written in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydicom.dataset import Dataset

from .concepts import unit_text
from .decoding import tidy
from .elements import NO_CONCEPT, Concept, concept_of, encodings_in, items_of, number_text, text_of
from .markup import unmarked

__all__ = ["Item", "content_items"]

MAX_ITEMS = 100_000
MAX_DEPTH = 1_000

# Attributes that hold an item's value, with the value type each tells (PS3.3 table C.17.3-5).
_VALUES = {
    "TextValue": "TEXT",
    "PersonName": "PNAME",
    "DateTime": "DATETIME",
    "Date": "DATE",
    "Time": "TIME",
    "UID": "UIDREF",
}
_TYPES = {
    *_VALUES.values(), "CONTAINER", "CODE", "NUM", "IMAGE", "COMPOSITE", "WAVEFORM", "SCOORD",
    "SCOORD3D", "TCOORD", "TABLE",
}  # fmt: skip
_SHOWN = {"TEXT", "CODE", "NUM", "TABLE"}


@dataclass(slots=True)
class Item:
    """A content item. parent: its index in the list, -1 for the document itself. kind: the value
    type, as written or guessed from what is there; "REFERENCE" for an item given by reference.

    concept: its name. value: as text, "" where empty: of a NUM with its unit, of a CODE its
    meaning. coded: the value of a CODE. target: the position (1-based, the document first) that a
    reference points to. images: (SOP instance UID, frames) of IMAGE, COMPOSITE and WAVEFORM.
    """

    parent: int
    depth: int
    relation: str
    kind: str
    concept: Concept
    value: str = ""
    coded: Concept = NO_CONCEPT
    continuous: bool = False
    target: tuple[int, ...] = ()
    images: tuple[tuple[str, tuple[int, ...]], ...] = ()
    children: list[int] = field(default_factory=list)

    @property
    def shown(self) -> bool:
        """Whether it holds text to read, by its kind or because a text stands in it."""
        return self.kind in _SHOWN


def content_items(dataset: Dataset) -> tuple[list[Item], list[str]]:
    """All items in document order, the document itself first, and what was odd, in words."""
    items: list[Item] = []
    warnings: list[str] = []
    encodings = encodings_in(dataset, ())
    stack: list[tuple[Dataset, int, int, tuple[str, ...]]] = [(dataset, -1, 0, encodings)]
    sources: list[Dataset] = []
    while stack:
        source, parent, depth, encodings = stack.pop()
        if _is_above(source, parent, items, sources):  # one made in memory can hold itself
            _note(warnings, "a content item holds itself")
            continue
        if len(items) >= MAX_ITEMS or depth > MAX_DEPTH:
            _note(warnings, "the content tree is too large: its rest was left out")
            continue
        sources.append(source)
        encodings = encodings_in(source, encodings)
        index = len(items)
        items.append(_item(source, parent, depth, encodings))
        if parent >= 0:
            items[parent].children.append(index)
        children = [
            (child, index, depth + 1, encodings) for child in items_of(source, "ContentSequence")
        ]
        stack += reversed(children)
    return items, warnings


def _is_above(source: Dataset, at: int, items: list[Item], sources: list[Dataset]) -> bool:
    """Whether ``source`` is the item at an index or one that holds it."""
    while at >= 0:
        if sources[at] is source:
            return True
        at = items[at].parent
    return False


def _item(source: Dataset, parent: int, depth: int, encodings: tuple[str, ...]) -> Item:
    concept = concept_of(source, "ConceptNameCodeSequence", encodings)
    relation = " ".join(text_of(source, "RelationshipType").upper().split())
    kind = text_of(source, "ValueType").strip().upper()
    target = _numbers(number_text(source, "ReferencedContentItemIdentifier"))
    held = {name: text_of(source, name, encodings) for name in _VALUES if name in source}
    if kind not in _TYPES:
        kind = _guessed(source, held, target)
    item = Item(
        parent, depth, relation, kind, concept, target=target if kind == "REFERENCE" else ()
    )
    item.continuous = text_of(source, "ContinuityOfContent").strip().upper() == "CONTINUOUS"
    if kind == "NUM":
        item.value = _measured(source, encodings)
    elif kind == "CODE":
        item.coded = concept_of(source, "ConceptCodeSequence", encodings)
        item.value = item.coded.meaning or item.coded.code
    elif kind == "TABLE":
        item.value = _table(source, encodings)
    elif kind in _VALUES.values() and kind != "TEXT":
        item.value = next(
            (held[name] for name, of in _VALUES.items() if of == kind and name in held), ""
        )
    text = held.get("TextValue", "")
    if text:  # wherever a text stands, it is read: under a wrong value type too
        text = tidy(unmarked(text))
        item.value = text if kind == "TEXT" or not item.value else f"{item.value}\n{text}"
        if kind not in _SHOWN and kind != "CONTAINER":
            item.kind = "TEXT"
    item.images = tuple(_images(source))
    return item


def _guessed(source: Dataset, held: Mapping[str, str], target: tuple[int, ...]) -> str:
    """The value type that an item does not say, by the attributes it has."""
    for name, kind in _VALUES.items():
        if name in held:
            return kind
    for name, kind in (
        ("MeasuredValueSequence", "NUM"),
        ("ConceptCodeSequence", "CODE"),
        ("TabulatedValuesSequence", "TABLE"),
        ("ReferencedSOPSequence", "COMPOSITE"),
        ("GraphicData", "SCOORD"),
        ("TemporalRangeType", "TCOORD"),
    ):
        if name in source:
            return kind
    if target:
        return "REFERENCE"
    return "CONTAINER"


def _measured(source: Dataset, encodings: tuple[str, ...]) -> str:
    """``3 cm``; the qualifier where there is no number (``Not a number``); "" for neither."""
    found: list[str] = []
    for measured in items_of(source, "MeasuredValueSequence")[:100] or [source]:
        number = next(
            (
                text.strip()
                for name in ("NumericValue", "FloatingPointValue")
                if (text := number_text(measured, name))
            ),
            "",
        )
        if not number:
            continue
        unit = concept_of(measured, "MeasurementUnitsCodeSequence", encodings)
        unit_ = unit_text(unit.code, unit.meaning)
        joint = "" if unit_ in ("%", "°") else " "
        found.append(f"{number}{joint}{unit_}".strip())
    return (
        "; ".join(found)
        or concept_of(source, "NumericValueQualifierCodeSequence", encodings).meaning
    )


def _table(source: Dataset, encodings: tuple[str, ...]) -> str:
    """A line a row, ``row: column value; column value`` (PS3.3 C.18.10)."""
    rows: dict[str, list[str]] = {}
    for table in items_of(source, "TabulatedValuesSequence")[:10]:
        names = [
            {
                number_text(each, number): concept_of(
                    each, "ConceptNameCodeSequence", encodings
                ).meaning
                for each in items_of(table, sequence)[:1000]
            }
            for number, sequence in (
                ("TableRowNumber", "TableRowDefinitionSequence"),
                ("TableColumnNumber", "TableColumnDefinitionSequence"),
            )
        ]
        for cell in items_of(table, "CellValuesSequence")[:100_000]:
            row, column = (
                number_text(cell, "TableRowNumber"),
                number_text(cell, "TableColumnNumber"),
            )
            value = _cell(cell, encodings)
            if value:
                rows.setdefault(names[0].get(row) or "", []).append(
                    f"{names[1].get(column, '')} {value}".strip()
                )
    return "\n".join(
        f"{row}: {'; '.join(cells)}" if row else "; ".join(cells) for row, cells in rows.items()
    )


def _cell(cell: Dataset, encodings: tuple[str, ...]) -> str:
    code = concept_of(cell, "ConceptCodeSequence", encodings)
    if code.meaning:
        return code.meaning
    for name in (
        "NumericValue", "FloatingPointValue", "TextValue",
        *(f"Selector{vr}Value" for vr in ("UT", "LT", "ST", "LO", "SH", "CS", "DS", "FD", "FL",
                                          "IS", "US", "UL", "SS", "SL")),
    ):  # fmt: skip
        if name in cell:
            return tidy(number_text(cell, name, encodings))
    return ""


def _images(source: Dataset) -> Iterator[tuple[str, tuple[int, ...]]]:
    for reference in items_of(source, "ReferencedSOPSequence"):
        uid = text_of(reference, "ReferencedSOPInstanceUID").strip("\0 ")
        if "." in uid:  # "0" and the like stand where a template was not filled in
            yield uid, _numbers(number_text(reference, "ReferencedFrameNumber"))[:10_000]


def _numbers(text: str) -> tuple[int, ...]:
    parts = text.split("\\") if text else []
    return tuple(int(part) for part in parts if part.strip().isdecimal() and len(part) < 10)


def _note(warnings: list[str], words: str) -> None:
    if words not in warnings:
        warnings.append(words)
