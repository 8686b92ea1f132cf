"""Captions and cases of MedPix (MedPix 2.0): a JSON list of images, another of cases.

Source: Siragusa et al., "MedPix 2.0: a comprehensive multimodal biomedical dataset", 2024,
arXiv:2407.02994. Descriptions.json holds a row an image, Case_topic.json a row a case; ``U_id``
ties them. Nothing of the topic's essay is taken: it speaks of the disease, not of the image.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from domainclip.errors import BadInput

from ..records import Identifier, Report, Section
from .decoding import decode_file, tidy

__all__ = ["read_medpix", "read_medpix_file"]

MAX_BYTES = 256 << 20
_VOID = {"n/a", "na", "none", "null", "", "-", "not applicable"}

# Key of a case -> (name of the section, heading).
_CASE = (
    ("Title", "title", "Title"),
    ("History", "history", "History"),
    ("Exam", "", "Exam"),
    ("Findings", "findings", "Findings"),
    ("Differential Diagnosis", "", "Differential Diagnosis"),
    ("Case Diagnosis", "impression", "Diagnosis"),
    ("Treatment & Follow Up", "recommendation", "Treatment & Follow Up"),
)


def read_medpix(description_item: Mapping[str, Any], case: Mapping[str, Any] | None) -> Report:
    """The texts of one image and of its case.

    sections: "caption" (of this image alone), then of the case "title", "history", "" (Exam,
    Differential Diagnosis), "findings", "impression" (Case Diagnosis), "recommendation". The text
    begins with the caption. references: the image, its file name without the ending. facts:
    modality, plane, location, region, kind, figure_part, acr_codes, category; age (years) and sex,
    which are characteristics of the patient. Raises BadInput for an item that is no such object.
    """
    if not isinstance(description_item, Mapping):
        raise BadInput("The row of the MedPix descriptions is no JSON object.")
    told = _mapping(description_item.get("Description"))
    case_ = _mapping(case.get("Case")) if isinstance(case, Mapping) else {}
    topic = _mapping(case.get("Topic")) if isinstance(case, Mapping) else {}
    sections = [Section("caption", "Caption", _words(told.get("Caption")))]
    sections += [Section(name, heading, _words(case_.get(key))) for key, name, heading in _CASE]
    sections = [section for section in sections if section.text]
    facts = {
        "modality": _words(told.get("Modality")),
        "plane": _words(told.get("Plane")),
        "location": _words(description_item.get("Location")),
        "region": _words(description_item.get("Location Category")),
        "kind": _words(description_item.get("Type")),
        "figure_part": _words(told.get("Figure Part")),
        "acr_codes": _words(told.get("ACR Codes")),
        "category": _words(topic.get("Category")),
        "age": _words(told.get("Age")),
        "sex": _words(told.get("Sex")).lower(),
    }
    image = _words(description_item.get("image"))
    case_id = _words(description_item.get("U_id"))
    text = "\n\n".join(
        section.text if section.name == "caption" else f"{section.heading}:\n{section.text}"
        for section in sections
    )
    return Report(
        form="medpix",
        text=text,
        sections=tuple(sections),
        references=(image,) if image else (),
        identifiers=(Identifier("id", case_id, "PatientID"),) if case_id else (),
        facts={name: value for name, value in facts.items() if value},
        warnings=() if text else ("the report holds no text",),
    )


def read_medpix_file(data: bytes, row: int, cases: bytes | None = None) -> Report:
    """The texts of the image in row ``row`` (0-based) of the descriptions.

    cases: the file of cases, where it is at hand. Raises BadInput: no JSON list of objects, no such
    row, more than 256 MB.
    """
    rows = _rows(data)
    if not 0 <= row < len(rows):
        raise BadInput("The MedPix descriptions have no such row.")
    item = rows[row]
    case = None
    if cases is not None and isinstance(item, Mapping):
        case = _by_id(cases).get(_words(item.get("U_id")))
    return read_medpix(item, case)


# Kept, since a file is asked for once a row: parsing it each time would be quadratic.
@lru_cache(maxsize=2)
def _rows(data: bytes) -> list[Any]:
    if len(data) > MAX_BYTES:
        raise BadInput(f"The MedPix file holds more than {MAX_BYTES >> 20} MB, which is the limit.")
    try:
        rows = json.loads(decode_file(data))
    except (ValueError, RecursionError):
        raise BadInput("The MedPix file is no JSON.") from None
    if not isinstance(rows, list):
        raise BadInput("The MedPix file is no JSON list.")
    return rows


@lru_cache(maxsize=2)
def _by_id(data: bytes) -> dict[str, Mapping[str, Any]]:
    rows = [row for row in _rows(data) if isinstance(row, Mapping)]
    return {_words(row.get("U_id")): row for row in rows}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _words(value: object) -> str:
    """A value as text, "" for those that say that there is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = tidy(str(value))
    return "" if text.lower() in _VOID else text
