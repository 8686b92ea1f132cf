"""Reports that are no DICOM: which files are some, and of which images or studies they speak."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any

from lxml import etree

from domainclip.errors import BadInput

from ..records import Place, Refused
from .index import StudyIndex
from .places import read_place
from .tables import KEY_ROLES, json_rows, load_json, read_rows, roles_of
from .walking import Seen

__all__ = ["put_report_file"]

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


def put_report_file(
    seen: Seen, index: StudyIndex, columns: Mapping[str, str], passed: Counter[str]
) -> bool:
    """Puts a file's reports into the index; False where by its name it may be something else.

    Raises BadInput where a table lacks a column that the user named.
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
    try:
        if kind == "json":
            rows = json_rows(load_json(seen.place))
            if rows and {"image", "Description"} <= set(rows[0]):
                _medpix(seen.place, seen.name, rows, index)
                return
        records = read_rows(seen.place)
        first = list(islice(records, _HEADER_ROWS))
    except BadInput as error:
        index.refuse(Refused(seen.place, "unreadable_table", str(error)))
        return
    roles = roles_of(list(dict.fromkeys(chain.from_iterable(first))), columns)
    texts = [column for role, column in roles.items() if role not in KEY_ROLES]
    keys = [column for role, column in roles.items() if role in KEY_ROLES and role != "patient"]
    if not (texts and keys):
        passed[kind] += 1
        return
    number = -1
    try:
        for number, row in enumerate(chain(first, records)):
            if any(row.get(column, "").strip() for column in texts):
                _row(seen.place, seen.name, number, row, roles, index)
            else:
                passed["row_without_text"] += 1
    except BadInput as error:
        detail = f"Its rows are read up to number {number}. {error}"
        index.refuse(Refused(seen.place, "unreadable_table", detail))


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
