"""Which report speaks of which image: the surest tie of each pair, and no other.

In this order: an instance that the report names (``reference``, ``key_object``), the same study UID
(``study``), the same accession number of no other patient (``accession``), a row or record that
names the image or its study (``table``), a file that lies with the images or bears their study's
name (``folder``). The same patient alone ties nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from .index import StudyIndex, name_key, place_of
from .references import referenced_instances

__all__ = ["link_reports"]

_DICOM_FORMS = "('sr', 'pdf', 'key_object')"
_DISTINCT_NAME = 8  # letters of an image's name that stands for it in another folder too
_DISTINCT_ID = 4  # of a Study ID; shorter ones are numbers that every patient's studies have
_AFFIX = re.compile(r"(?:report|rpt)[-_ .]+(.+)|(.+?)[-_ .]+(?:report|rpt)", re.IGNORECASE)


def link_reports(index: StudyIndex) -> None:
    """Fills the index's links, the surest first: of a pair the first that is put in stays."""
    _name_references(index)
    linker = _Linker(index)
    linker.by_reference()
    linker.by_study()
    linker.by_accession()
    linker.by_table()
    linker.by_folder()


def _name_references(index: StudyIndex) -> None:
    query = (
        "SELECT id, path, steps FROM reports WHERE line < 0 AND sop <> '' AND id > ? "
        f"AND form IN {_DICOM_FORMS} ORDER BY id LIMIT 500"
    )
    last = 0
    while batch := list(index.rows(query, (last,))):
        for number, path, steps in batch:
            index.want(number, referenced_instances(place_of(path, steps)))
            last = number


class _Linker:
    def __init__(self, index: StudyIndex) -> None:
        self._index = index

    def by_reference(self) -> None:
        self._run(
            "INSERT OR IGNORE INTO links SELECT r.id, i.id, CASE r.form WHEN 'key_object' THEN"
            " 'key_object' ELSE 'reference' END FROM reports r JOIN wanted w ON w.report = r.id"
            " JOIN images i ON i.sop = w.name AND i.sop <> ''"
            f" WHERE r.line < 0 AND r.sop <> '' AND r.form IN {_DICOM_FORMS}"
        )

    def by_study(self) -> None:
        # a key object selection speaks of what it names only
        self._run(
            "INSERT OR IGNORE INTO links SELECT r.id, i.id, 'study' FROM reports r JOIN images i"
            " ON i.study = r.study WHERE r.line < 0 AND r.study <> '' AND r.form IN ('sr', 'pdf')"
        )

    def by_accession(self) -> None:
        query = (
            "SELECT id, accession, patient FROM reports WHERE line < 0 AND accession <> ''"
            " AND form IN ('sr', 'pdf')"
        )
        for report, accession, patient in self._each(query):
            self._put(report, self._of_accession(accession, patient), "accession")

    def by_table(self) -> None:
        query = (
            "SELECT id, form, study, series, sop, accession, patient FROM reports"
            " WHERE line >= 0 OR form = 'openi'"
        )
        for report, _, study, series, sop, accession, patient in self._each(query):
            self._put(report, self._of_row(report, study, series, sop, accession, patient), "table")

    def by_folder(self) -> None:
        query = (
            "SELECT id, folder, name, key FROM reports WHERE line < 0 AND sop = ''"
            " AND form IN ('text', 'openi', 'pdf')"
            " AND NOT EXISTS (SELECT 1 FROM links WHERE report = reports.id)"
        )
        for report, folder, name, key in self._each(query):
            self._put(report, self._of_file(folder, name, key), "folder")

    def _of_row(
        self, report: int, study: str, series: str, sop: str, accession: str, patient: str
    ) -> list[int]:
        """The images of a table's row: what it says most exactly decides, found here or not."""
        if sop:
            return self._numbers("SELECT id FROM images WHERE sop = ? AND sop <> ''", sop)
        names = [name for (name,) in self._rows("SELECT name FROM wanted WHERE report = ?", report)]
        if names:
            return list(dict.fromkeys(each for name in names for each in self._named(name)))
        if series:
            return self._numbers("SELECT id FROM images WHERE series = ? AND series <> ''", series)
        if study:
            return self._of_study(study) or self._in_folder("", (study, f"s{study}"))
        return self._of_accession(accession, patient)

    def _named(self, name: str) -> list[int]:
        """The image of a name, a path or a SOP instance UID; none where several could be meant."""
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        if not parts:
            return []
        key, last = name_key(parts[-1]), parts[-1].casefold()
        folders = [part.casefold() for part in parts[:-1]]
        query = "SELECT id, folder, name FROM images WHERE key = ?"
        found: list[tuple[int, str, str]] = []
        if folders:
            found = list(self._rows(f"{query} AND parent = ?", key, folders[-1]))
        beside = bool(found)
        found = found or list(self._rows(f"{query} LIMIT 100", key))
        if not found:
            return self._numbers("SELECT id FROM images WHERE sop = ? AND sop <> ''", parts[-1])
        if folders and not beside and any(folder for _, folder, _ in found):
            # it lies elsewhere than the name says: only a name that nothing else bears will do
            named = "SELECT DISTINCT name FROM wanted WHERE key = ? LIMIT 2"
            if len(key) < _DISTINCT_NAME or len(list(self._rows(named, key))) > 1:
                return []
        ranked = [
            (_common(folders, folder.casefold().split("/")), other.casefold() == last, number)
            for number, folder, other in found
        ]
        best = max(each[:2] for each in ranked)
        chosen = [number for *rank, number in ranked if tuple(rank) == best]
        return chosen if len(chosen) == 1 else []

    def _of_study(self, study: str) -> list[int]:
        """By study UID, else by a Study ID that one study has."""
        found = self._numbers("SELECT id FROM images WHERE study = ? AND study <> ''", study)
        if found or len(study) < _DISTINCT_ID:
            return found
        return self._one_study("study_id = ? AND study_id <> ''", study)

    def _of_accession(self, accession: str, patient: str) -> list[int]:
        """Where the images are of one patient, or of the report's."""
        if not accession.strip("0-. ") or not any(map(str.isalnum, accession)):
            return []
        where = "accession = ? AND accession <> ''"
        query = f"SELECT DISTINCT patient FROM images WHERE {where} AND patient <> '' LIMIT 2"
        patients = list(self._rows(query, accession))
        if patient:
            query = f"SELECT id FROM images WHERE {where} AND patient IN ('', ?)"
            return self._numbers(query, accession, patient)
        if len(patients) > 1:
            return []
        return self._numbers(f"SELECT id FROM images WHERE {where}", accession)

    def _of_file(self, folder: str, name: str, key: str) -> list[int]:
        stem = name.rpartition(".")[0] or name
        found = _AFFIX.fullmatch(stem)
        stems = [stem, *filter(None, found.groups() if found else ())]
        for each in stems:
            images = self._of_study(each) or self._of_accession(each, "")
            if images:
                return images
        return (
            self._in_folder(folder, stems)
            or self._beside(folder, [name_key(each) for each in stems])
            or self._alone(folder)
        )

    def _in_folder(self, folder: str, names: Iterable[str]) -> list[int]:
        """The images of a folder of one study that bears one of the names.

        Of several such folders the one that lies as the report does, as far as their paths agree.
        """
        for name in names:
            path = self._folder_like(f"{folder}/{name}" if folder else name, alike=1)
            if path:
                return self._one_study(*_below(path), loose=True)
        return []

    def _folder_like(self, path: str, *, alike: int) -> str:
        """The folder with images at this path, else the one whose last folders agree with it best,
        and at least ``alike`` of them; "" where none or several do."""
        if any(self._rows("SELECT 1 FROM folders WHERE path = ?", path)):
            return path
        parts = path.casefold().split("/")
        query = "SELECT path FROM folders WHERE name = ?"
        found: list[str] = []
        if len(parts) > 1:
            beside = self._rows(f"{query} AND parent = ? LIMIT 100", parts[-1], parts[-2])
            found = [each for (each,) in beside]
        if not found and alike < 2:
            found = [each for (each,) in self._rows(f"{query} LIMIT 2", parts[-1])]
        ranked = sorted((_common(parts, each.casefold().split("/")), each) for each in found)
        if len(ranked) > 1 and ranked[-1][0] == ranked[-2][0]:
            return ""
        return ranked[-1][1] if ranked else ""

    def _beside(self, folder: str, keys: Iterable[str]) -> list[int]:
        """The image of the file's own name, in its folder or only once anywhere."""
        for key in keys:
            found = self._numbers("SELECT id FROM images WHERE folder = ? AND key = ?", folder, key)
            if not found:
                query = "SELECT 1 FROM reports WHERE line < 0 AND key = ? LIMIT 2"
                if len(list(self._rows(query, key))) == 1:
                    found = self._numbers("SELECT id FROM images WHERE key = ? LIMIT 2", key)
            if len(found) == 1:
                return found
        return []

    def _alone(self, folder: str) -> list[int]:
        """The images of the one study in the folder where this is the only report."""
        query = (
            "SELECT 1 FROM reports WHERE line < 0 AND sop = '' AND folder = ?"
            " AND form IN ('text', 'openi', 'pdf') LIMIT 2"
        )
        if len(list(self._rows(query, folder))) != 1:
            return []
        if not folder:
            return self._one_study("1")
        like = self._folder_like(folder, alike=2)
        return self._one_study(*_below(like)) if like else []

    def _one_study(self, where: str, *values: str, loose: bool = False) -> list[int]:
        """The images that these words of a query choose, if all are of one study.

        loose: or web images of one folder, where there are no others.
        """
        query = f"SELECT DISTINCT study FROM images WHERE {where} LIMIT 2"
        studies = list(self._rows(query, *values))
        if len(studies) != 1:
            return []
        if not studies[0][0]:
            query = f"SELECT DISTINCT folder FROM images WHERE {where} LIMIT 2"
            if not loose or len(list(self._rows(query, *values))) != 1:
                return []
        return self._numbers(f"SELECT id FROM images WHERE {where}", *values)

    def _each(self, query: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query while others are written."""
        yield from self._index.database.execute(query)

    def _rows(self, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        return self._index.rows(query, values)

    def _numbers(self, query: str, *values: object) -> list[int]:
        return [number for (number,) in self._index.rows(query, values)]

    def _put(self, report: int, images: Iterable[int], how: str) -> None:
        rows = [(report, image, how) for image in images]
        if rows:
            self._index.database.executemany("INSERT OR IGNORE INTO links VALUES (?, ?, ?)", rows)

    def _run(self, query: str) -> None:
        self._index.database.execute(query)


def _below(folder: str) -> tuple[str, ...]:
    """Words of a query, and their values, for the images of a folder and those below it."""
    return ("(folder = ? OR (folder >= ? AND folder < ?))", folder, f"{folder}/", f"{folder}0")


def _common(folders: list[str], others: list[str]) -> int:
    """How many last folders of two paths are the same."""
    count = 0
    for one, other in zip(reversed(folders), reversed(others), strict=False):
        if one != other:
            break
        count += 1
    return count
