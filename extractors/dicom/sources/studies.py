"""Studies out of the index, one by one: their images, the reports that speak of them, the rest."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from ..records import Refused, ReportLink, StudyFiles
from .index import StudyIndex, place_of

__all__ = ["studies"]

_ORDER = "ORDER BY path, steps"
# What would have tied a report that nothing was found for.
_UNTIED = {"sr": "study", "pdf": "study", "key_object": "key_object", "text": "folder"}


def studies(index: StudyIndex) -> Iterator[StudyFiles]:
    """DICOM studies in the order of their UIDs; web images; reports without images; what was
    refused and belongs to none of these."""
    index.database.execute("CREATE INDEX link_image ON links (image)")
    for (study,) in _every(index, "SELECT DISTINCT study FROM images WHERE dicom ORDER BY study"):
        yield _study(index, study)
    yield from _loose(index)
    yield from _reports_alone(index)
    yield from _refused_alone(index)


def _study(index: StudyIndex, study: str) -> StudyFiles:
    query = f"SELECT id, path, steps, sop FROM images WHERE study = ? AND dicom {_ORDER}"
    images = list(index.rows(query, (study,)))
    names = {number: sop for number, _, _, sop in images}
    links = index.rows(
        "SELECT l.report, l.how, l.image FROM images i JOIN links l ON l.image = i.id"
        " WHERE i.study = ? AND i.dicom ORDER BY l.report, l.how, i.path, i.steps",
        (study,),
    )
    return StudyFiles(
        study,
        tuple(place_of(path, steps) for _, path, steps, _ in images),
        tuple(_links(index, links, names)),
        _refused(index, study),
    )


def _links(
    index: StudyIndex, links: Iterator[tuple[Any, ...]], names: dict[int, str]
) -> Iterator[ReportLink]:
    for (report, how), group in groupby(links, key=itemgetter(0, 1)):
        spoken = tuple(names[image] for *_, image in group)
        yield _link(index, report, how, () if len(spoken) == len(names) else spoken)


def _link(index: StudyIndex, report: int, how: Any, images: tuple[str, ...] = ()) -> ReportLink:
    query = "SELECT path, steps, form, line FROM reports WHERE id = ?"
    ((path, steps, form, line),) = index.rows(query, (report,))
    return ReportLink(place_of(path, steps), form, how, line, images)


def _refused(index: StudyIndex, study: str) -> tuple[Refused, ...]:
    query = f"SELECT path, steps, reason, detail FROM refused WHERE study = ? {_ORDER}"
    return tuple(
        Refused(place_of(path, steps), reason, detail)
        for path, steps, reason, detail in index.rows(query, (study,))
    )


def _loose(index: StudyIndex) -> Iterator[StudyFiles]:
    """Web images: together where one report, or rows of one study, speak of them, else alone."""
    index.database.execute(
        "UPDATE images SET bunch = COALESCE((SELECT CASE r.bunch WHEN '' THEN 'r' || r.id ELSE"
        " 's' || r.bunch END FROM links l JOIN reports r ON r.id = l.report"
        " WHERE l.image = images.id ORDER BY r.id LIMIT 1), 'i' || id) WHERE NOT dicom"
    )
    index.database.execute("CREATE INDEX image_bunch ON images (bunch, path, steps)")
    query = (
        "SELECT bunch, id, path, steps, name FROM images WHERE NOT dicom"
        " ORDER BY bunch, path, steps"
    )
    for _, group in groupby(_every(index, query), key=itemgetter(0)):
        images = [row[1:] for row in group]
        spoken = {number: _reports_of(index, number) for number, *_ in images}
        sets = {frozenset(each.items()) for each in spoken.values()}
        names = [name for *_, name in images]
        # a name tells an image of several only where it is a file's own and nothing else's
        if len(sets) > 1 and (len(set(names)) < len(names) or any(row[2] for row in images)):
            for each in sorted(sets, key=sorted):
                yield _bunch(index, [r for r in images if spoken[r[0]].items() == each], spoken)
        else:
            yield _bunch(index, images, spoken)


def _bunch(
    index: StudyIndex, images: list[tuple[Any, ...]], spoken: dict[int, dict[int, str]]
) -> StudyFiles:
    links: dict[tuple[int, str], list[str]] = {}
    for number, _, _, name in images:
        for tie in spoken[number].items():
            links.setdefault(tie, []).append(name)
    return StudyFiles(
        "",
        tuple(place_of(path, steps) for _, path, steps, _ in images),
        tuple(
            _link(index, report, how, () if len(names) == len(images) else tuple(names))
            for (report, how), names in sorted(links.items())
        ),
    )


def _reports_of(index: StudyIndex, image: int) -> dict[int, str]:
    return dict(
        index.rows("SELECT report, how FROM links WHERE image = ? ORDER BY report", (image,))
    )


def _reports_alone(index: StudyIndex) -> Iterator[StudyFiles]:
    """Reports that speak of nothing here, those of one study together."""
    query = (
        "SELECT study, id, form, line FROM reports WHERE NOT EXISTS (SELECT 1 FROM links WHERE"
        " report = reports.id) ORDER BY study, path, steps, line"
    )
    for study, group in groupby(_every(index, query), key=itemgetter(0)):
        links = (_link(index, number, _how(form, line)) for _, number, form, line in group)
        if study:
            images = "SELECT 1 FROM images WHERE study = ? AND dicom LIMIT 1"
            taken = any(index.rows(images, (study,)))
            refused = () if taken else _refused(index, study)
            yield StudyFiles(study, reports=tuple(links), refused=refused)
        else:
            for link in links:
                yield StudyFiles(reports=(link,))


def _refused_alone(index: StudyIndex) -> Iterator[StudyFiles]:
    """Refused files of studies that are not told of otherwise, those of one study together: a plan
    and its structure set are one unit of work, or their names would clash."""
    query = (
        "SELECT study, path, steps, reason, detail FROM refused WHERE NOT EXISTS"
        " (SELECT 1 FROM images WHERE images.study = refused.study AND dicom)"
        " AND (study = '' OR NOT EXISTS (SELECT 1 FROM reports WHERE reports.study = refused.study"
        " AND NOT EXISTS (SELECT 1 FROM links WHERE report = reports.id)))"
        " ORDER BY study, path, steps"
    )
    for study, group in groupby(_every(index, query), key=itemgetter(0)):
        refused = (Refused(place_of(path, steps), *told) for _, path, steps, *told in group)
        if study:
            yield StudyFiles(study, refused=tuple(refused))
        else:
            for each in refused:
                yield StudyFiles(refused=(each,))


def _how(form: str, line: int) -> str:
    return "table" if line >= 0 or form == "openi" else _UNTIED[form]


def _every(index: StudyIndex, query: str) -> Iterator[tuple[Any, ...]]:
    return iter(index.database.cursor().execute(query))
