"""A report from the link that leads to it, whatever form it has."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pydicom.dataset import Dataset

from domainclip.errors import BadInput

from ..pixels.reading import read_dataset
from ..records import Place, Report, ReportLink
from ..sources.tables import read_row, roles_of
from .encapsulated_pdf import MAX_BYTES as MAX_PDF_BYTES
from .encapsulated_pdf import read_pdf, read_pdf_bytes
from .headings import Headings
from .medpix import MAX_BYTES as MAX_MEDPIX_BYTES
from .medpix import read_medpix_file
from .openi import MAX_BYTES as MAX_OPENI_BYTES
from .openi import read_openi
from .plain import MAX_BYTES as MAX_PLAIN_BYTES
from .plain import read_plain
from .structured import read_structured
from .table import read_table_row

__all__ = ["read_report"]

MAX_DICOM_BYTES = MAX_PDF_BYTES + (1 << 20)
MAX_SR_BYTES = 64 << 20
MAX_DEPTH = 256  # of nested items; PS3.16's deepest templates have some 20
MEDPIX_CASES = "Case_topic.json"


def read_report(
    link: ReportLink,
    *,
    read: Callable[[Place, int], bytes],
    columns: Mapping[str, str],
    headings: Headings | None = None,
) -> Report:
    """The report that a link leads to, read by its form.

    read: the bytes of a place, up to so many. columns: role -> column, of tables. headings: the
    user's words for sections. A pdf may be loose or a DICOM object. Raises BadInput; Undecodable,
    which is one, for what is no DICOM.
    """
    place = link.place
    if link.form == "text":
        return read_plain(read(place, MAX_PLAIN_BYTES))
    if link.form == "openi":
        return read_openi(read(place, MAX_OPENI_BYTES))
    if link.form == "medpix":
        return read_medpix_file(read(place, MAX_MEDPIX_BYTES), link.row, _cases(place, read))
    if link.form == "table":
        return _row_report(link, columns)
    if link.form == "pdf":
        data = read(place, MAX_DICOM_BYTES)
        if data[:5] == b"%PDF-":
            return read_pdf_bytes(data)
        return read_pdf(_dataset(data))
    return read_structured(_dataset(read(place, MAX_SR_BYTES)), headings=headings)


def _dataset(data: bytes) -> Dataset:
    # pydicom goes down with the items, some five calls for each
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 1000 + 8 * MAX_DEPTH))
    try:
        return read_dataset(data, pixels=False, max_depth=MAX_DEPTH, max_bytes=MAX_DICOM_BYTES)
    finally:
        sys.setrecursionlimit(limit)


def _row_report(link: ReportLink, columns: Mapping[str, str]) -> Report:
    row = read_row(link.place, link.row)
    # rows of a JSON list need not all have the columns that the user named
    names = {_plain(name) for name in row}
    absent = {role for role, column in columns.items() if _plain(column) not in names}
    named = {role: column for role, column in columns.items() if role not in absent}
    roles = roles_of(list(row), named)
    return read_table_row(row, {role: at for role, at in roles.items() if role not in absent})


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _cases(place: Place, read: Callable[[Place, int], bytes]) -> bytes | None:
    """The cases that lie beside MedPix's descriptions, where they do."""
    if place.steps:
        return None
    try:
        return read(Place(str(Path(place.path).with_name(MEDPIX_CASES))), MAX_MEDPIX_BYTES)
    except BadInput:
        return None
