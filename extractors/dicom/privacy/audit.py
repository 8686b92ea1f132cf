"""What of the identifying values of an archive is found in the pairs made of it.

Every study's values are looked for in everything that the pairs say of that study: keys, texts,
labels, places, the images' own metadata, errors. They are compared in lower case, without accents,
as whole words; names also by each of their parts. Values shorter than four characters are not
looked for, nor parts of names that are common words of reports: "Chest" is no leak of a patient
called so. The card and the names of files are looked through for the values of all studies. What
is unmistakable, whole names and long numbers, is looked for in the pairs of all studies, so that
a leak is found where pairs cannot be told to be of a study.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainclip.errors import BadInput, UsageError
from domainclip.extraction.audit import Audit, AuditRow, made_of

from ..checks import columns_of
from ..listing import studies_of
from ..naming import naming_of
from ..pixels.reading import read_dataset
from ..quiet import quiet
from ..records import Identifier, StudyFiles
from ..reports.reading import read_report
from ..sources.places import open_place, read_place
from .identifiers import identifiers_of
from .matching import forms_of
from .outputs import Outputs, Said, outputs_of
from .phrases import Phrases, unmistakable

if TYPE_CHECKING:
    from .. import Dicom

__all__ = ["audit"]


def audit(options: Dicom, roots: Sequence[str], pairs: Path) -> Audit:
    """Compare the studies under ``roots`` with the pairs directory, and with the copies and volumes
    that the options name.

    Raises UsageError where the pairs were made with another key or with options that make other
    comparisons; BadInput where there are no pairs, or none of the sources is one of theirs.
    """
    made = made_of(pairs, "dicom")
    unlooked = () if made is None else _agreed(options, made.options, pairs)
    inputs = frozenset() if made is None else made.inputs
    naming = naming_of(options, options.key_check)
    outputs = outputs_of(pairs, {"copies": options.copies, "volumes": options.volumes})
    everywhere = outputs.everywhere
    looked: Counter[str] = Counter()
    found: Counter[str] = Counter()
    places: defaultdict[str, set[str]] = defaultdict(set)
    phrases, values = Phrases(), list[str]()
    sources = missing = 0
    with quiet():
        for study in studies_of(options, roots):
            sources += 1
            name = naming.study(study, roots)
            missing += _is_missing(name, study, outputs, inputs, noted=made is not None)
            output = {**outputs.studies.get(name, {}), **everywhere}
            for identifier in _identifiers(study, columns_of(options)):
                attribute = identifier.name or identifier.kind
                looked[attribute] += 1
                where = _where(identifier, output)
                if where:
                    found[attribute] += 1
                    places[attribute].update(where)
                    continue
                for phrase in unmistakable(identifier):
                    phrases.add(phrase, len(values))
                values.append(attribute)
    remaining: set[int] = set()
    for columns in outputs.studies.values():
        for column, said in columns.items():
            for number in phrases.found(said.text):
                remaining.add(number)
                places[values[number]].add(column)
    found.update(values[number] for number in remaining)
    if missing == sources and not found.total():
        raise BadInput(f"{pairs} was not made of these sources, or with another key.")
    rows = [
        AuditRow(name, looked[name], found[name], tuple(sorted(places[name])))
        for name in sorted(looked, key=lambda each: (-found[each], each))
    ]
    return Audit(
        sources,
        outputs.pairs,
        missing,
        tuple(rows),
        tuple(outputs.texts),
        unread=outputs.unread,
        looked=outputs.looked,
        unlooked=unlooked,
    )


def _agreed(options: Dicom, made: Mapping[str, Any], pairs: Path) -> tuple[str, ...]:
    """The options that name what the run made beside the pairs, where they are not given now.

    Raises UsageError where this command line cannot be compared with that of the run.
    """
    if bool(made.get("keep_identifiers")) != options.keep_identifiers:
        how = "without" if options.keep_identifiers else "with"
        raise UsageError(
            f"{pairs} was made {how} --keep-identifiers, so its names would not be found: audit it "
            f"{how} --keep-identifiers."
        )
    if made.get("key_check", "") != options.key_check:
        raise UsageError(
            f"{pairs} was made with another key than this one, so its names would not be found: "
            "audit it with the key that it was made with, as --key FILE."
        )
    if made.get("reports") and not options.reports:
        raise UsageError(
            f"{pairs} was made with --reports, whose values would not be looked for: audit it with "
            "the same --reports."
        )
    beside = [name for name in ("copies", "volumes") if made.get(name)]
    return tuple(f"--{name}" for name in beside if not getattr(options, name))


def _is_missing(
    name: str, study: StudyFiles, outputs: Outputs, inputs: frozenset[str], *, noted: bool
) -> bool:
    """Whether nothing tells that the pairs are of this source. noted: the run noted its inputs;
    else nothing tells of a source that gives neither pairs nor errors, as reports alone."""
    if name in outputs.known or name in inputs:
        return False
    return noted or bool(study.images)


def _identifiers(study: StudyFiles, columns: Mapping[str, str]) -> set[Identifier]:
    """Of the headers of its images and reports, and of what reports say of themselves."""
    found: set[Identifier] = set()
    for place in (*study.images, *(link.place for link in study.reports)):
        try:
            with open_place(place) as file:
                found.update(identifiers_of(read_dataset(file, pixels=False)))
        except BadInput:
            continue  # a picture, a text: it has no header
    for link in study.reports:
        try:
            report = read_report(link, read=lambda at, most: read_place(at, limit=most),
                                 columns=columns)  # fmt: skip
            found.update(report.identifiers)
        except BadInput:
            continue
    return found


def _where(identifier: Identifier, output: Mapping[str, Said]) -> list[str]:
    """The columns that hold a value, or a part of a name."""
    wanted = forms_of([identifier])
    return [column for column, said in output.items() if any(map(said.holds, wanted))]
