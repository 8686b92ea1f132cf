"""What the parts of the DICOM extractor hand to one another: files, links, reports, identifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "Identifier",
    "IdentifierKind",
    "LinkKind",
    "Place",
    "Refused",
    "Report",
    "ReportForm",
    "ReportLink",
    "Section",
    "StudyFiles",
]

ReportForm = Literal["sr", "pdf", "key_object", "text", "openi", "table", "medpix"]

# How a report was found to speak of an image, the surest first.
LinkKind = Literal["reference", "key_object", "study", "accession", "table", "folder"]

IdentifierKind = Literal[
    "name",  # of the patient, a relative, a physician, an operator
    "id",  # patient ID, accession number, study ID, any number of an order or a device
    "date",
    "address",
    "institution",  # hospital, department, station
    "phone",
    "other",
]


@dataclass(frozen=True, slots=True)
class Place:
    """A file. path: on disk. steps: from that file to a member of it where it is an archive
    (``domainclip.extraction.archives``), else ()."""

    path: str
    steps: tuple[tuple[Any, ...], ...] = ()

    def plain(self) -> list[Any]:
        """As JSON values."""
        return [self.path, [list(step) for step in self.steps]]

    @classmethod
    def of(cls, plain: Sequence[Any]) -> Place:
        """What ``plain`` gave, before or after a way through JSON."""
        path, steps = plain
        return cls(path, tuple(tuple(step) for step in steps))


@dataclass(frozen=True, slots=True)
class ReportLink:
    """A report that speaks of images of a study.

    row: of a table or of a JSON list, else -1. how: what ties it to them. images: the SOP instance
    UIDs, or for images without one the file names, that it speaks of; () for all of the study.
    """

    place: Place
    form: ReportForm
    how: LinkKind
    row: int = -1
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A file of the archive that cannot be used. reason: as of a Skip. detail: one sentence, which
    names neither the file nor any value of it."""

    place: Place
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class StudyFiles:
    """One unit of work: all that was found of one study.

    study_uid: as the files say it, "" for images without one. images: DICOM instances that may have
    pixels, and web images (PNG, JPEG). reports: those linked to them, or, where there are no
    images, the reports that nothing was found for.
    """

    study_uid: str = ""
    images: tuple[Place, ...] = ()
    reports: tuple[ReportLink, ...] = ()
    refused: tuple[Refused, ...] = ()

    def part(self) -> tuple[tuple[str, Any], ...]:
        """As the ``part`` of a Source."""
        links = [[r.place.plain(), r.form, r.how, r.row, list(r.images)] for r in self.reports]
        refused = [[each.place.plain(), each.reason, each.detail] for each in self.refused]
        return (
            ("study", self.study_uid),
            ("images", [place.plain() for place in self.images]),
            ("reports", links),
            ("refused", refused),
        )

    @classmethod
    def of(cls, part: Sequence[tuple[str, Any]]) -> StudyFiles:
        """What ``part`` gave, before or after a way through JSON."""
        plain = dict(part)
        return cls(
            plain["study"],
            tuple(Place.of(each) for each in plain["images"]),
            tuple(
                ReportLink(Place.of(place), form, how, row, tuple(images))
                for place, form, how, row, images in plain["reports"]
            ),
            tuple(Refused(Place.of(p), reason, detail) for p, reason, detail in plain["refused"]),
        )


@dataclass(frozen=True, slots=True)
class Identifier:
    """A value that tells who somebody is, as a header or a report's own fields give it. name: of
    the attribute (``PatientName``)."""

    kind: IdentifierKind
    value: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report. name: indication, history, examination, technique, comparison, findings,
    impression, recommendation, addendum; of tables and cases also caption and title; "" where its
    heading is none of these. heading: as it stands there, "" for text before the first one. text:
    below it, blanks normalised."""

    name: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report as it was read, nothing taken out of it yet.

    text: all of it, for reading. sections: as far as the form itself tells them (a content tree's
    containers, a table's columns), else (): then ``sections_of(text)`` finds them. lang: BCP 47 tag
    or "". references: SOP instance UIDs that it names. identifiers: of its own headers. labels:
    class names that come with it (MeSH, a table's column). facts: other plain values that come with
    it and identify nobody (modality, plane, location). warnings: what was odd, in words.
    """

    form: ReportForm
    text: str
    sections: tuple[Section, ...] = ()
    lang: str = ""
    references: tuple[str, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    labels: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
