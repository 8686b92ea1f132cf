"""Tables of reports (CSV, TSV, JSON, JSON lines): which column says what, and their rows.

A row is found again by its number, so that any process can read one without the others: of a text
table by the place where it begins in the file, of a JSON list from memory.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, BinaryIO

from domainclip.errors import BadInput, nearest
from domainclip.extraction.archives.places import file_identity

from ..records import Place
from .csv_rows import Faults, csv_rows
from .places import open_place, read_place

__all__ = [
    "KEY_ROLES",
    "SECTION_ROLES",
    "columns_of",
    "json_rows",
    "load_json",
    "read_row",
    "read_rows",
    "roles_of",
]

MAX_JSON_BYTES = 256 << 20
_LONGEST_LINE = 16 << 20
_DEEPEST = 8  # objects in objects, whose names are joined by dots

# What says of which image or study a row speaks, and the columns that usually do, the plainest
# first; letters and digits only, lower case.
KEY_ROLES: Mapping[str, tuple[str, ...]] = {
    "sop": ("sopinstanceuid", "sopuid", "instanceuid", "sop"),
    "image": (
        *("dicomid", "imageid", "imagepath", "imagefile", "imagefilename", "imagename", "image"),
        *("images", "dicompath", "dicomfile", "filepath", "filename", "file", "path", "dicom"),
        *("img", "imgpath", "imgname", "id"),
    ),
    "study": ("studyinstanceuid", "studyuid", "studyid", "study", "examid", "exam"),
    "series": ("seriesinstanceuid", "seriesuid", "seriesid", "series"),
    "accession": ("accessionnumber", "accession", "accessionno", "accno", "acc"),
    "patient": ("patientid", "subjectid", "patient", "subject", "mrn"),
}
SECTION_ROLES: Mapping[str, tuple[str, ...]] = {
    "text": (
        *("report", "reporttext", "text", "fulltext", "fullreport", "radiologyreport"),
        *("caption", "captions", "description", "narrative", "content", "originalreport"),
    ),
    "indication": ("indication", "indications", "reason", "reasonforexam"),
    "history": ("history", "clinicalhistory", "clinicalinformation"),
    "technique": ("technique", "procedure"),
    "comparison": ("comparison", "comparisons"),
    "findings": ("findings", "finding"),
    "impression": ("impression", "impressions", "conclusion", "conclusions"),
    "recommendation": ("recommendation", "recommendations"),
    "addendum": ("addendum",),
}


def roles_of(header: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Role -> column of a table with these columns: those named, then by their usual names.

    columns: role -> column. Roles: image, sop, study, series, accession, patient, text, and any
    section (findings, impression, ...); a role that is none of these is a section of that name.
    A column has one role. Raises BadInput where a named column is not there.
    """
    roles: dict[str, str] = {}
    for role, column in columns.items():
        if column not in header:
            plain = {_plain(each): each for each in reversed(header)}
            if _plain(column) not in plain:
                raise BadInput(
                    f"The table has no column {column!r} (for {role!r}).{nearest(column, header)} "
                    f"Its columns: {', '.join(header[:40])}."
                )
            column = plain[_plain(column)]
        roles[role] = column
    by_name: dict[str, str] = {}
    for each in header:
        by_name.setdefault(_plain(each), each)
    inner = {_plain(each.rpartition(".")[2]): each for each in reversed(header)}
    taken = set(roles.values())
    for role, usual in (*KEY_ROLES.items(), *SECTION_ROLES.items()):
        if role in roles:
            continue
        for name in usual:
            column = by_name.get(name, "")
            if not column and role in SECTION_ROLES:  # of ``case.findings`` too
                column = inner.get(name, "")
            if name == "id" and {"sop", "study", "accession"} & set(roles):
                continue
            if column and column not in taken:
                roles[role] = column
                taken.add(column)
                break
    return roles


def columns_of(place: Place) -> tuple[str, ...]:
    """The names in a text table's first line; () of JSON, whose rows name their columns. Raises
    BadInput."""
    if _is_json(place, _state(place)):
        return ()
    with open_place(place) as file:
        return _header(file)


def read_rows(place: Place, faults: Faults | None = None) -> Iterator[dict[str, str]]:
    """The rows of a table, column -> value, in their order.

    faults: of the rows of a text table that are malformed, which are left out (``csv_rows``).

    JSON: a list of objects, or an object of such lists; a list of values in a row becomes lines, an
    object in it columns ``outer.inner``. Text: UTF-8 with or without its mark; a line that is no
    UTF-8 is read as Latin-1. Raises BadInput (malformed, UTF-16).
    """
    state = _state(place)
    if _is_json(place, state):
        yield from _json_rows(place, state)
        return
    with open_place(place) as file:
        yield from _text_rows(file, faults=faults)


def read_row(place: Place, row: int) -> dict[str, str]:
    """One row by its number from 0. Raises BadInput (no such row, malformed)."""
    state = _state(place)
    if _is_json(place, state):
        rows = _json_rows(place, state)
        if not 0 <= row < len(rows):
            raise _no_row()
        return dict(rows[row])
    starts, header = _starts(place, state)
    if not 0 <= row < len(starts):
        raise _no_row()
    with open_place(place) as file:
        layout = _Layout.of(file)
        file.seek(starts[row])
        for _, values in layout.records(file, width=len(header)):
            return layout.row(header, values)
    raise _no_row()


def json_rows(data: Any) -> list[dict[str, Any]]:
    """The objects of a list, or of an object's lists one after another (``{"train": [...]}``), or
    of an object of objects, whose names are their ``id``."""
    if isinstance(data, dict) and data and all(isinstance(each, dict) for each in data.values()):
        return [{"id": name} | each for name, each in data.items()]
    if isinstance(data, dict):
        lists = [each for each in data.values() if isinstance(each, list)]
        data = [each for part in lists for each in part]
    return [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []


@lru_cache(maxsize=4)
def _json_rows(place: Place, state: object) -> list[dict[str, str]]:
    return [_flat(each) for each in json_rows(load_json(place))]


def load_json(place: Place) -> Any:
    """What a JSON file holds. Raises BadInput."""
    data = read_place(place, limit=MAX_JSON_BYTES)
    try:
        return json.loads(_decoded(data.removeprefix(b"\xef\xbb\xbf")))
    except (ValueError, RecursionError):
        raise BadInput("The table is no JSON; JSON lines belong in a .jsonl file.") from None


@lru_cache(maxsize=8)
def _is_json(place: Place, state: object) -> bool:
    """Told by the first characters: a JSON list or object of more than one line's object."""
    with open_place(place) as file:
        head = file.read(1 << 16).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"["):
        return True
    return head.startswith(b"{") and not _is_object(head.split(b"\n", 1)[0])


def _is_object(line: bytes) -> bool:
    """Is the line an object of its own, as in JSON lines, and not one of rows?"""
    try:
        data = json.loads(_decoded(line))
    except (ValueError, RecursionError):
        return False
    if not isinstance(data, dict) or not data:
        return False
    rows = [each for each in data.values() if isinstance(each, list) and each]
    return not any(isinstance(each[0], dict) for each in rows) and not all(
        isinstance(each, dict) for each in data.values()
    )


class _Layout:
    """How a text table is written."""

    def __init__(self, encoding: str, delimiter: str, start: int) -> None:
        self.encoding, self.delimiter, self.start = encoding, delimiter, start

    @classmethod
    def of(cls, file: BinaryIO) -> _Layout:
        head = file.read(1 << 16)
        encoding, start = "utf-8", 0
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise BadInput("The table is UTF-16; save it as UTF-8.")
        if head.startswith(b"\xef\xbb\xbf"):
            start = 3
        first = _decoded(head[start:].split(b"\n", 1)[0])
        if first.lstrip().startswith("{"):
            return cls(encoding, "", start)
        counts = {each: first.count(each) for each in ("\t", ";", ",", "|")}
        return cls(encoding, max(counts, key=lambda each: counts[each]), start)

    def lines(self, file: BinaryIO) -> Iterator[tuple[int, str]]:
        """(the byte it begins at, the line)."""
        at = file.tell()
        while line := file.readline(_LONGEST_LINE):
            if len(line) == _LONGEST_LINE:
                raise BadInput(
                    f"The table has a line of more than {_LONGEST_LINE >> 20} MB; a cell is too "
                    "long."
                )
            yield at, _decoded(line)
            at += len(line)

    def records(
        self, file: BinaryIO, faults: Faults | None = None, width: int = 0
    ) -> Iterator[tuple[int, Any]]:
        """(the byte it begins at, its list of values or its dict of JSON lines), not empty ones."""
        lines = self.lines(file)
        if self.delimiter:
            faults = Faults() if faults is None else faults
            yield from csv_rows(lines, self.delimiter, faults, width=width)
            return
        for at, line in lines:
            if not line.strip():
                continue
            try:
                data = json.loads(line)
            except (ValueError, RecursionError):
                raise BadInput("A line of the table is no JSON object.") from None
            if isinstance(data, dict) and data:
                yield at, data

    def row(self, header: Sequence[str], values: Any) -> dict[str, str]:
        if isinstance(values, dict):
            return _flat(values)
        return dict(zip(header, values, strict=False))


def _text_rows(
    file: BinaryIO, starts: array[int] | None = None, faults: Faults | None = None
) -> Iterator[dict[str, str]]:
    """starts: filled with the place at which each row begins."""
    layout = _Layout.of(file)
    file.seek(layout.start)
    records = layout.records(file, faults)
    header = _names(records) if layout.delimiter else []
    for at, values in records:
        if starts is not None:
            starts.append(at)
        yield layout.row(header, values)


def _names(records: Iterator[tuple[int, Any]]) -> list[str]:
    _, values = next(records, (0, []))
    return [name.strip() for name in values]


@lru_cache(maxsize=8)
def _starts(place: Place, state: object) -> tuple[array[int], tuple[str, ...]]:
    """(where each row begins, the columns) of a text table: 8 bytes a row."""
    starts: array[int] = array("Q")
    with open_place(place) as file:
        with suppress(BadInput):  # what stands before the break is read
            for _ in _text_rows(file, starts):
                pass
        return starts, _header(file)


def _header(file: BinaryIO) -> tuple[str, ...]:
    file.seek(0)
    layout = _Layout.of(file)
    if not layout.delimiter:
        return ()
    file.seek(layout.start)
    return tuple(_names(layout.records(file)))


def _state(place: Place) -> object:
    """What is kept for a file holds only as long as it stays as it is."""
    try:
        return file_identity(place.path)
    except BadInput:
        raise BadInput("The table cannot be read; it is gone.") from None


def _flat(row: Mapping[str, Any], above: str = "", depth: int = 0) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in row.items():
        if isinstance(value, dict) and depth < _DEEPEST:
            found |= _flat(value, f"{above}{name}.", depth + 1)
        elif value is not None:
            found[f"{above}{name}"] = _value(value)
    return found


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Iterable):
        return "\n".join(each if isinstance(each, str) else json.dumps(each) for each in value)
    return json.dumps(value)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _no_row() -> BadInput:
    return BadInput("The table has no such row any more; it was changed after it was listed.")
