"""Reports that are no DICOM: which files are some, and of which images or studies they speak."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from lxml import etree

from domainclip.errors import BadInput
from domainclip.extraction.archives.names import shown

from ..records import Place, Refused
from .csv_rows import Faults
from .index import StudyIndex
from .places import read_place
from .tables import KEY_ROLES, columns_of, json_rows, load_json, read_rows, roles_of
from .walking import Seen

__all__ = ["Unusable", "put_report_file"]

_MAX_XML_BYTES = 16 << 20
_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")
# What comes with any set of files, and is no report.
_ABOUT = re.compile(
    r"(read[-_ ]?me|licen[cs]e|copying|notice|change(s|log)|index|manifest|checksums?|"
    r"sha\d*sums?|md5sums?|about|authors|citation|terms([-_ ]of[-_ ]use)?|requirements)"
    r"([-_. ].*)?",
    re.IGNORECASE,
)
_IMAGES_APART = re.compile(r"[\n;|]")
# OpenI's XML calls CXR1_1_IM-0001-3001 what its DICOM files call 1_IM-0001-3001, and
# CXR1000_IM-0003-2001 what they call 1000_IM-0003-2001.
_OPENI = re.compile(r"CXR(?:\d+_(?=\d+_))?")
_DISTINCT = 4  # characters of a study's number that tells it without the patient
_HEADER_ROWS = 50  # of a table of JSON objects, whose columns are its first rows'
_SHOWN = 20  # columns
# What stands in rows, and in no line of names: numbers, files, sentences, names of patients.
_NO_NAME = re.compile(
    r"\W*\d.*|.*(\d{4}|[\^@]|[.!?]$|\.(dcm|png|jpe?g|txt)$).*|.{41,}", re.S | re.I
)


class Unusable(BadInput):
    """A table of which no row can be used as a report; says why, and what would mend it."""


def put_report_file(
    seen: Seen, index: StudyIndex, columns: Mapping[str, str], passed: Counter[str]
) -> bool:
    """Puts a file's reports into the index; False where by its name it may be something else.

    Raises BadInput where a table lacks a column that the user named; Unusable where it has none of
    a report, or no row.
    """
    assert seen.window is not None
    name, head = seen.name.lower(), seen.window.data
    last = name.rsplit("/", 1)[-1]
    if last.startswith("."):
        return False
    if name.endswith(_TABLES):
        _table(seen, index, columns, passed)
    elif name.endswith(".xml"):
        _xml(seen, index, passed)
    elif name.endswith(".txt"):
        if _ABOUT.fullmatch(last.removesuffix(".txt")) or b"\0" in head or not head.strip():
            passed["txt"] += 1
        else:
            index.add_report(seen.place, seen.name, "text")
    elif name.endswith(".pdf") and b"%PDF-" in head[:1024]:
        index.add_report(seen.place, seen.name, "pdf")
    else:
        return False
    return True


def _xml(seen: Seen, index: StudyIndex, passed: Counter[str]) -> None:
    assert seen.window is not None
    data = seen.window.data
    if b"<eCitation" not in data:
        passed["xml"] += 1
        return
    try:
        if len(data) < seen.size:
            data = read_place(seen.place, limit=_MAX_XML_BYTES)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        index.refuse(Refused(seen.place, "malformed_xml", "Its XML breaks off or is malformed."))
        return
    except BadInput as error:
        index.refuse(Refused(seen.place, "unreadable_file", str(error)))
        return
    names = [each.get("id") or "" for each in root.iter("parentImage")]
    others = [name[found.end() :] for name in names if (found := _OPENI.match(name))]
    others += [name.removeprefix("CXR") for name in names]
    wanted = dict.fromkeys(filter(None, (*names, *others)))
    index.add_report(seen.place, seen.name, "openi", wanted=wanted)


def _table(seen: Seen, index: StudyIndex, columns: Mapping[str, str], passed: Counter[str]) -> None:
    kind = seen.name.rpartition(".")[2].lower()
    faults = Faults()
    try:
        if kind == "json":
            rows = json_rows(load_json(seen.place))
            if rows and {"image", "Description"} <= set(rows[0]):
                _medpix(seen.place, seen.name, rows, index)
                return
        records = read_rows(seen.place, faults)
        first, broken = _looked_at(records)
        header = columns_of(seen.place) or tuple(dict.fromkeys(chain.from_iterable(first)))
    except BadInput as error:
        index.refuse(Refused(seen.place, "unreadable_table", str(error)))
        return
    if faults.count and not header:
        _tell(faults, seen.place, index, passed)
        return
    try:
        roles = roles_of(header, columns)
    except BadInput:
        passed["table_without_columns"] += 1
        raise
    texts = [column for role, column in roles.items() if role not in KEY_ROLES]
    keys = [column for role, column in roles.items() if role in KEY_ROLES and role != "patient"]
    if not (texts and keys):
        passed[kind] += 1
        raise Unusable(_lacking(header, bool(texts), bool(keys)))
    number, before = -1, index.reported
    try:
        for number, row in enumerate(chain(first, records)):
            if any(row.get(column, "").strip() for column in texts):
                _row(seen.place, seen.name, number, row, roles, index)
            else:
                passed["row_without_text"] += 1
        if broken is not None:
            raise broken
    except BadInput as error:
        detail = f"Its rows are read up to number {number}. {error}"
        index.refuse(Refused(seen.place, "unreadable_table", detail))
    _tell(faults, seen.place, index, passed)
    if number < 0 and not faults.count:
        raise Unusable("The table has no rows below its columns' names.")
    if index.reported == before and not faults.count:
        raise Unusable("No row of the table has a text.")


def _looked_at(records: Iterator[dict[str, str]]) -> tuple[list[dict[str, str]], BadInput | None]:
    """The first rows, and what breaks the table off after them, if it does; raised where there is
    none before."""
    first: list[dict[str, str]] = []
    try:
        for row in islice(records, _HEADER_ROWS):
            first.append(row)  # noqa: PERF402 - those before a break are kept
    except BadInput as error:
        if not first:
            raise
        return first, error
    return first, None


def _lacking(header: Sequence[str], texts: bool, keys: bool) -> str:
    """What a table lacks, its columns, and what to do."""
    if not header:
        return "The table is empty."
    if any(_NO_NAME.fullmatch(each) for each in header):
        # it is a patient's row, which no message repeats
        return (
            "The first line of the table is a row and no names of columns; put a line above it, as "
            "image,findings."
        )
    lacks = {
        (False, False): "that says of which image or study a row speaks, nor one of a text",
        (True, False): "that says of which image or study a row speaks",
        (False, True): "of a text, a section or a label",
    }[texts, keys]
    more = f" and {len(header) - _SHOWN} more" if len(header) > _SHOWN else ""
    return (
        f"The table has no column that is known as one {lacks}; its columns: "
        f"{', '.join(map(shown, header[:_SHOWN]))}{more}. Name them as --columns "
        "image=COLUMN,text=COLUMN (or study, accession; findings, impression, label)."
    )


def _tell(faults: Faults, place: Place, index: StudyIndex, passed: Counter[str]) -> None:
    if faults.count:
        passed["malformed_row"] += faults.count
        detail = (
            f"{faults.count:,} of its rows are left out; of the first, at line {faults.line:,}: "
            f"{faults.why}."
        )
        index.refuse(Refused(place, "malformed_row", detail))


def _row(
    place: Place,
    name: str,
    number: int,
    row: Mapping[str, str],
    roles: Mapping[str, str],
    index: StudyIndex,
) -> None:
    values = {role: row.get(column, "").strip() for role, column in roles.items()}
    study, patient = values.get("study", ""), values.get("patient", "")
    # "1" may be every patient's first study
    bunch = f"{patient}\n{study}" if study and (patient or len(study) >= _DISTINCT) else ""
    index.add_report(
        place,
        name,
        "table",
        line=number,
        study=study,
        series=values.get("series", ""),
        sop=values.get("sop", ""),
        accession=values.get("accession", ""),
        patient=patient,
        bunch=bunch,
        wanted=filter(None, map(str.strip, _IMAGES_APART.split(values.get("image", "")))),
    )


def _medpix(place: Place, name: str, rows: list[dict[str, Any]], index: StudyIndex) -> None:
    for number, row in enumerate(rows):
        index.add_report(place, name, "medpix", line=number, wanted=list(_names(row.get("image"))))


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
