"""A report in a row of a table: its columns by what they are said to hold."""

from __future__ import annotations

import re
from collections.abc import Mapping

from domainclip.errors import BadInput

from ..records import Identifier, IdentifierKind, Report, Section
from .decoding import tidy
from .markup import unmarked

__all__ = ["read_table_row"]

# Role -> what its value tells.
_IDENTIFIERS: dict[str, tuple[IdentifierKind, str]] = {
    "patient": ("id", "PatientID"),
    "accession": ("id", "AccessionNumber"),
    "study": ("id", "StudyInstanceUID"),
    "series": ("id", "SeriesInstanceUID"),
}
_REFERENCES = ("sop", "image")
_FACTS = {
    "age", "sex", "modality", "plane", "view", "location", "region", "body_part", "laterality",
    "split", "license", "lang",
}  # fmt: skip
_BETWEEN_LABELS = re.compile(r"[|;,\n]")
_VOID = {"", "nan", "none", "null", "n/a", "na", "<na>", "-", "[]"}


def read_table_row(row: Mapping[str, str], roles: Mapping[str, str]) -> Report:
    """The report of a row.

    row: column -> value. roles: role -> column, as ``roles_of`` gives them: text; label (its values
    divided by ``| ; ,`` or lines); image and sop (references); patient, accession, study, series
    (identifiers); age, sex, modality, plane, view, location, region, body_part, laterality, split
    and license (facts); lang; any other is a section of that name. A value that says that there is
    none (``nan``, ``N/A``) is none. Where there is a text it is the text, else the sections are,
    each below its column's name. Raises BadInput where the row has neither.
    """
    values = {role: _value(row.get(column)) for role, column in roles.items()}
    known = {"text", "label", *_IDENTIFIERS, *_REFERENCES, *_FACTS}
    sections = tuple(
        Section(role, roles[role], value)
        for role, value in values.items()
        if role not in known and value
    )
    text = values.get("text", "") or "\n\n".join(
        section.text if section.name == "caption" else f"{section.heading}:\n{section.text}"
        for section in sections
    )
    labels = _labels(row.get(roles.get("label", "")))
    if not text and not labels:
        raise BadInput("The row of the table has neither a text nor a label.")
    references = (values.get(role, "") for role in _REFERENCES)
    return Report(
        form="table",
        text=text,
        sections=sections,
        lang=values.get("lang", ""),
        references=tuple(dict.fromkeys(value for value in references if value)),
        identifiers=tuple(
            Identifier(kind, values[role], name)
            for role, (kind, name) in _IDENTIFIERS.items()
            if values.get(role)
        ),
        labels=labels,
        facts={
            role: value for role, value in values.items() if role in _FACTS - {"lang"} and value
        },
        warnings=() if text else ("the report holds no text",),
    )


def _value(value: str | None) -> str:
    text = "" if value is None else tidy(unmarked(str(value)))
    return "" if text.lower() in _VOID else text


def _labels(value: str | None) -> tuple[str, ...]:
    """``['Edema', 'Normal']`` too, as pandas writes a list."""
    parts = _BETWEEN_LABELS.split("" if value is None else str(value).strip().strip("[]{}()"))
    labels = (tidy(part).strip("'\" ") for part in parts)
    return tuple(dict.fromkeys(label for label in labels if label.lower() not in _VOID))
