"""A DICOM Structured Report as a Report: every text of its content tree, in sections, in order.

Source: DICOM PS3.3 A.35 (the SR IODs), C.17 (their modules), C.17.6 (key object selection).
Everything that has a content tree is read: Basic Text to Extensible SR, CAD, dose, procedure log,
key objects, the retired trial classes. What is read and what is shown:

- a container with a name is a section, one within a section a heading on a line of it;
- TEXT, CODE and NUM are lines, ``name: value`` where the name says more than the section does,
  and in a container that is CONTINUOUS parts of one paragraph;
- concept modifiers and properties stand in brackets behind what they modify;
- what is inferred from is shown where it stands in the tree and nowhere else: references to other
  items are followed for properties only;
- persons, dates, times, UIDs and the observation context are kept out of the text and given as
  identifiers; inside a paragraph ``[NAME]`` or ``[DATE]`` stands in their place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydicom.dataset import Dataset
from pydicom.uid import UID

from domainclip.errors import BadInput

from ..quiet import quiet
from ..records import Identifier, IdentifierKind, Report, Section
from .concepts import language_of
from .content_identifiers import identifiers_of
from .content_items import Item, content_items
from .content_text import sections_of_items
from .elements import concept_of, encodings_in, items_of, text_of
from .headings import Headings, heading_key, shipped_headings

__all__ = ["read_structured"]

_LANGUAGE, _COUNTRY, _PROCEDURE = "121049", "121046", "121058"
# CID 7010: a key object selection under these says that its images are not to be used.
_REJECTED = {"113001", "113037", "113038", "113039"}
# The identifying attributes of the trial SR classes (PS3.6, retired), which no module has any more.
_TRIAL: tuple[tuple[IdentifierKind, str], ...] = (
    ("name", "DocumentAuthorTrial"),
    ("name", "CurrentObserverTrial"),
    ("name", "VerbalSourceTrial"),
    ("address", "AddressTrial"),
    ("phone", "TelephoneNumberTrial"),
    ("date", "ObservationDateTrial"),
)


def read_structured(dataset: Dataset, *, headings: Headings | None = None) -> Report:
    """The report of a data set that has a content tree.

    sections: those of one name as one, at the place of the first, while text keeps the order of the
    tree; () where none of its headings is known, since its text may hold some. identifiers: of
    its content items only. references: SOP instances that the content names, then those of its
    evidence. facts: title, status, completion, verification, procedure, sop_class (its UID), kind
    (its name), and frames, a JSON object from a position in ``references`` to frame numbers
    (1-based). warnings tell of a
    report that is partial, unverified or empty, and of a tree that is damaged.

    headings: the user's words for sections. Raises BadInput where there is no content tree.
    """
    with quiet():
        try:
            return _read(dataset, headings)
        except RecursionError:
            raise BadInput("The structured report nests its content too deeply.") from None


def _read(dataset: Dataset, headings: Headings | None) -> Report:
    if not any(name in dataset for name in ("ContentSequence", "ValueType", "TextValue")):
        raise BadInput("The file is no structured report: it has no content tree.")
    items, warnings = content_items(dataset)
    root = items[0]
    sections = sections_of_items(items, warnings, headings)
    references, frames = _references(dataset, items)
    facts = _facts(dataset, items)
    if frames:
        facts["frames"] = json.dumps(frames)
    text = "\n\n".join(_shown(section) for section in sections)
    if facts.get("completion") == "partial":
        warnings.append("the report says that it is partial")
    if facts.get("verification") == "unverified":
        warnings.append("the report says that it is not verified")
    if root.concept.code in _REJECTED:
        warnings.append("the key object selection rejects the images that it names")
    if not text:
        warnings.append("the report holds no text")
    return Report(
        form="key_object" if _is_key_object(dataset) else "sr",
        text=text,
        sections=_merged(sections, headings or shipped_headings())
        if any(section.name for section in sections)
        else (),
        lang=_language(items),
        references=references,
        identifiers=(*identifiers_of(items), *_trial_identifiers(dataset)),
        facts=facts,
        warnings=tuple(warnings),
    )


def _shown(section: Section) -> str:
    """A section as it stands in the whole text, its heading not twice."""
    if not section.heading:
        return section.text
    if section.text.casefold().startswith((section.heading + ":").casefold()):
        return section.text
    return f"{section.heading}:\n{section.text}"


def _merged(sections: Sequence[Section], headings: Headings) -> tuple[Section, ...]:
    """Sections of a name as one: a tree has a container for each breast, each organ, each finding,
    where a free text has one heading. A heading that differs from the first stands before its
    text, unless it says no more than the section's name, as Impressions and Conclusion do."""
    found: dict[str, Section] = {}
    for place, section in enumerate(sections):
        key = section.name or f" {place}"
        first = found.get(key)
        if first is None:
            found[key] = section
            continue
        same = section.heading.casefold() == first.heading.casefold()
        same = same or headings.labels.get(heading_key(section.heading)) == section.name != ""
        text = section.text if same else f"{section.heading}: {section.text}"
        found[key] = Section(first.name, first.heading, f"{first.text}\n{text}")
    return tuple(found.values())


def _references(
    dataset: Dataset, items: Sequence[Item]
) -> tuple[tuple[str, ...], dict[int, list[int]]]:
    """SOP instance UIDs, each once, and the frames of those that the content names frames of."""
    found: dict[str, list[int]] = {}
    for item in items:
        for uid, frames in item.images:
            known = found.setdefault(uid, [])
            known += [frame for frame in dict.fromkeys(frames) if frame not in known]
    for sequence in (
        "CurrentRequestedProcedureEvidenceSequence",
        "PertinentOtherEvidenceSequence",
    ):
        for study in items_of(dataset, sequence):
            for series in items_of(study, "ReferencedSeriesSequence"):
                for instance in items_of(series, "ReferencedSOPSequence"):
                    uid = text_of(instance, "ReferencedSOPInstanceUID")
                    if "." in uid:
                        found.setdefault(uid, [])
    frames_of = {place: frames for place, frames in enumerate(found.values()) if frames}
    return tuple(found), frames_of


def _facts(dataset: Dataset, items: Sequence[Item]) -> dict[str, str]:
    encodings = encodings_in(dataset, ())
    title = items[0].concept.meaning
    if not title:
        title = concept_of(dataset, "ConceptNameCodeSequence", encodings).meaning
    procedures = [
        items[child].value
        for child in items[0].children
        if items[child].concept.code == _PROCEDURE and items[child].kind in ("CODE", "TEXT")
    ]
    uid = UID(text_of(dataset, "SOPClassUID").strip())
    found = {
        "title": title,
        "procedure": "; ".join(dict.fromkeys(filter(None, procedures))),
        "completion": text_of(dataset, "CompletionFlag").lower(),
        "verification": text_of(dataset, "VerificationFlag").lower(),
        "status": text_of(dataset, "PreliminaryFlag").lower(),
        "sop_class": str(uid),
        "kind": uid.name.removesuffix(" Storage") if uid.name != str(uid) else "",
    }
    return {name: value for name, value in found.items() if value}


def _is_key_object(dataset: Dataset) -> bool:
    return text_of(dataset, "SOPClassUID").strip() == "1.2.840.10008.5.1.4.1.1.88.59"


def _language(items: Sequence[Item]) -> str:
    """TID 1204: a modifier of the document, or of its first section, with its country below it."""
    for item in items[:200]:
        if item.concept.code == _LANGUAGE and item.kind == "CODE" and item.depth <= 2:
            countries = [items[child] for child in item.children]
            country = next((c.coded.code for c in countries if c.concept.code == _COUNTRY), "")
            language = language_of(item.coded.code, country)
            if language:
                return language
    return ""


def _trial_identifiers(dataset: Dataset) -> list[Identifier]:
    encodings = encodings_in(dataset, ())
    found = [(kind, text_of(dataset, name, encodings), name) for kind, name in _TRIAL]
    return [Identifier(kind, value, name) for kind, value, name in found if value]
