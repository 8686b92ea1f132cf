"""What a study's reports say for its images: in sections, cleaned of names, with findings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from domainclip.errors import BadInput
from domainclip.pairs import Skip, Text

from .checks import columns_of
from .naming import Naming
from .privacy.identifiers import identifiers_of
from .privacy.text import scrub
from .privacy.text_placeholders import tidy_placeholders
from .records import Identifier, LinkKind, Place, Report, ReportLink, Section
from .reports.findings import Finding, Findings, findings_of, read_findings
from .reports.headings import Headings, read_headings
from .reports.reading import read_report
from .reports.sections import sections_of
from .sources.places import read_place
from .study import Instance, Study, header_of, skip_of

if TYPE_CHECKING:
    from . import Dicom

__all__ = ["Told", "caption_of", "cleaner_of", "read_reports", "told_of"]

# objects whose content tree is numbers of a machine, not what a reader says of the images
_NO_REPORTS = frozenset(
    f"1.2.840.10008.5.1.4.1.1.88.{number}"
    for number in ("40", "50", "65", "67", "68", "69", "70", "71", "72", "73", "74", "75", "76")
)
# of a report that holds no others, the whole of it is a protocol and no reader's word
_PREAMBLES = frozenset({"examination", "technique", "comparison", "indication"})
_WORD = re.compile(r"[^\W\d_]{3,}")
_RANK = {how: rank for rank, how in enumerate(get_args(LinkKind))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One report, cleaned. images: SOP instance UIDs or file names, () for all. sections: name and
    text. whole: all of it. patient: as a table names them. status: finding -> present, uncertain or
    absent."""

    how: LinkKind
    form: str
    images: tuple[str, ...]
    sections: tuple[tuple[str, str], ...]
    whole: str
    patient: str = ""
    lang: str
    labels: tuple[str, ...] = ()
    status: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def read_reports(
    options: Dicom, study: Study, links: Sequence[ReportLink], naming: Naming
) -> Iterator[Told | Skip]:
    """The study's reports in their order; one that cannot be read is a skip."""
    columns = columns_of(options)
    for link in links:
        where = f"{study.name}/{naming.file(link.place)}"
        try:
            report = read_report(
                link, read=_read, columns=columns, headings=_headings(options.headings)
            )
            if link.form != "key_object" and report.facts.get("sop_class") in _NO_REPORTS:
                detail = "Its content is a machine's numbers, not a reader's words."
                yield Skip(
                    where=where, reason="no_clinical_report", detail=detail, quarantine=False
                )
                continue
            yield _told(options, study, link, report, naming)
        except BadInput as error:
            yield skip_of(where, error, "unreadable_report")


def told_of(instance: Instance, told: Sequence[Told]) -> list[Told]:
    """Those of the surest kind that speak of an image."""
    of = [each for each in told if not each.images or instance.sop_uid in each.images]
    of = [each for each in of if each.whole.strip()]
    best = min((_RANK[each.how] for each in of), default=0)
    return [each for each in of if _RANK[each.how] == best]


def caption_of(
    preferred: Sequence[str], told: Sequence[Told], header: str
) -> tuple[str, tuple[Text, ...]]:
    """(text to train on, every text). ``preferred``: sections, ``report``, ``header``.

    The first of the preferred texts that any report has; of several sections of a name the last one
    (an addendum's findings correct the report's). A whole report of technique and the like alone,
    as scanners write of their protocol, gives way to the header's sentence. "" and () where there
    is none.
    """
    texts: list[Text] = []
    for each in told:
        for name, section in each.sections:
            # what a recipe trains on has no placeholders; the whole report keeps them
            tidy = tidy_placeholders(section, "drop").strip()
            if any(letter.isalpha() for letter in tidy):
                texts.append(Text(name or "other", tidy, each.lang))
        texts.append(Text("report", each.whole, each.lang))
    machine = bool(told) and not any(_says_something(each) for each in told)
    if header:
        texts.append(Text("header", header, "en"))
    for wanted in preferred:
        if wanted == "report" and machine and header and "header" in preferred:
            continue
        for text in reversed(texts):
            tidy = tidy_placeholders(text.text, "drop").strip() if text.role == wanted else ""
            if not any(letter.isalpha() for letter in tidy):
                continue
            if tidy != text.text:
                texts.insert(0, Text("caption", tidy, text.lang))
            return tidy, tuple(dict.fromkeys(texts))
    return "", tuple(dict.fromkeys(texts))


def _says_something(told: Told) -> bool:
    """Does the report hold more than what was examined and how?"""
    if not told.sections:
        return bool(told.whole.strip())
    return any(name not in _PREAMBLES and _WORD.search(text) for name, text in told.sections)


def _told(options: Dicom, study: Study, link: ReportLink, report: Report, naming: Naming) -> Told:
    sections = report.sections or sections_of(report.text, headings=_headings(options.headings))
    known = (
        *study.identifiers,
        *(_as_name(each) for each in report.identifiers),
        *_header_identifiers(link),
    )
    clean = cleaner_of(options, known, study.patient, naming)
    kept = tuple((section.name, clean(section.text)) for section in sections)
    found: tuple[Finding, ...] = ()
    if options.labels:
        chest = True if study.chest else None
        found = findings_of(sections, _findings(options.findings), chest)
    return Told(
        how=link.how,
        form=link.form,
        images=link.images or (report.references if link.how == "reference" else ()),
        sections=kept,
        whole=clean(_whole(report, sections)),
        patient=next((each.value for each in report.identifiers if each.name == "PatientID"), ""),
        lang=report.lang,
        labels=tuple(label for label in report.labels if clean(label) == label),
        status={finding.name: finding.status for finding in found},
        facts=report.facts,
        warnings=report.warnings,
    )


def _as_name(identifier: Identifier) -> Identifier:
    """A table's patient column holds a number, or a name: then it is looked for like one."""
    if identifier.kind == "id" and not any(letter.isdigit() for letter in identifier.value):
        return Identifier("name", identifier.value, identifier.name)
    return identifier


def _whole(report: Report, sections: Sequence[Section]) -> str:
    if report.text.strip():
        return report.text
    return "\n".join(
        f"{each.heading}: {each.text}" if each.heading else each.text for each in sections
    )


def cleaner_of(
    options: Dicom, known: Sequence[Identifier], patient: str, naming: Naming
) -> Callable[[str], str]:
    """What takes the identifiers out of a text; where they are kept, nothing."""
    if options.keep_identifiers or naming.pseudonyms is None:
        return str
    shift = None
    if options.dates == "shift":
        shift = partial(naming.pseudonyms.shift_date, patient=patient)
    return lambda text: scrub(text, known, shift_date=shift).text


def _header_identifiers(link: ReportLink) -> tuple[Identifier, ...]:
    if link.form not in ("sr", "pdf", "key_object"):
        return ()
    try:
        header = header_of(link.place)
    except BadInput:
        return ()  # a loose PDF has no header
    return () if header is None else identifiers_of(header)


def _read(place: Place, limit: int) -> bytes:
    return read_place(place, limit=limit)


@lru_cache(maxsize=2)
def _headings(path: str) -> Headings | None:
    return read_headings(Path(path)) if path else None


@lru_cache(maxsize=2)
def _findings(path: str) -> Findings | None:
    return read_findings(Path(path)) if path else None
