"""What a scan found, in a temporary database: any number of files in a few megabytes of memory.

SQLite's private temporary database keeps 8 MB of pages in memory and the rest in a file that only
this user can read and that has no name once it is open; it is gone when the process is.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from domainclip.extraction.archives.names import shown

from ..records import Place, Refused, ReportForm
from .header import Header

__all__ = ["StudyIndex", "name_key", "place_of"]

_BATCH = 1000
_ENDINGS = (
    *(".dcm", ".dicom", ".ima", ".img", ".png", ".jpg", ".jpeg", ".gz"),
    *(".txt", ".xml", ".pdf"),
)

_TABLES = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8000;
CREATE TABLE images (id INTEGER PRIMARY KEY, path TEXT, steps TEXT, folder TEXT, name TEXT,
  key TEXT, dicom INTEGER, study TEXT, series TEXT, sop TEXT,
  accession TEXT, patient TEXT, study_id TEXT, parent TEXT, bunch TEXT DEFAULT '',
  UNIQUE (path, steps));
CREATE TABLE folders (path TEXT PRIMARY KEY, name TEXT, parent TEXT) WITHOUT ROWID;
CREATE TABLE reports (id INTEGER PRIMARY KEY, path TEXT, steps TEXT, line INTEGER, form TEXT,
  folder TEXT, name TEXT, key TEXT, study TEXT, series TEXT, sop TEXT, accession TEXT,
  patient TEXT, bunch TEXT, UNIQUE (path, steps, line));
CREATE TABLE wanted (report INTEGER, key TEXT, name TEXT);
CREATE TABLE refused (path TEXT, steps TEXT, reason TEXT, detail TEXT, study TEXT,
  UNIQUE (path, steps));
CREATE TABLE links (report INTEGER, image INTEGER, how TEXT, PRIMARY KEY (report, image))
  WITHOUT ROWID;
"""
_INDEXES = """
CREATE INDEX image_study ON images (study, path, steps);
CREATE INDEX image_sop ON images (sop) WHERE sop <> '';
CREATE INDEX image_accession ON images (accession) WHERE accession <> '';
CREATE INDEX image_study_id ON images (study_id) WHERE study_id <> '';
CREATE INDEX image_folder ON images (folder, key);
CREATE INDEX image_key ON images (key, parent);
CREATE INDEX image_series ON images (series) WHERE series <> '';
CREATE INDEX folder_name ON folders (name, parent);
CREATE INDEX report_key ON reports (key) WHERE line < 0;
CREATE INDEX report_folder ON reports (folder) WHERE line < 0;
CREATE INDEX report_study ON reports (study);
CREATE INDEX wanted_report ON wanted (report);
CREATE INDEX wanted_key ON wanted (key);
CREATE INDEX refused_study ON refused (study);
"""


class StudyIndex:
    """Images, reports and refused files by place; who speaks of whom in ``links``."""

    def __init__(self) -> None:
        self.database = sqlite3.connect("")  # "": temporary
        self.database.executescript(_TABLES)
        self.reported = 0  # how many reports were put in
        self.refusal = ""  # the last detail of what was refused
        self._images: list[tuple[Any, ...]] = []

    def add_image(self, place: Place, name: str, header: Header | None) -> None:
        """header: None for a web image."""
        folder, _, last = shown(name).rpartition("/")
        values: tuple[str, ...] = ("",) * 6
        if header is not None:
            values = (header.study, header.series, header.sop, header.accession, header.patient)
            values = (*values, header.study_id)
        known = (*_key(place), folder, last, name_key(last), header is not None)
        self._images.append((*known, *values, folder.rpartition("/")[2].casefold()))
        if len(self._images) == _BATCH:
            self._flush()

    def add_report(
        self,
        place: Place,
        name: str,
        form: ReportForm,
        *,
        line: int = -1,
        header: Header | None = None,
        study: str = "",
        series: str = "",
        sop: str = "",
        accession: str = "",
        patient: str = "",
        bunch: str = "",
        wanted: Iterable[str] = (),
    ) -> None:
        """line: of a table. wanted: names or SOP instance UIDs of images that it speaks of.

        bunch: what ties images without study together, "" for the report itself.
        """
        self.reported += 1
        if header is not None:
            study, sop, accession = header.study, header.sop, header.accession
            patient = header.patient
        folder, _, last = shown(name).rpartition("/")
        values = map(_storable, (study, series, sop, accession, patient, bunch))
        cursor = self.database.execute(
            "INSERT OR IGNORE INTO reports (path, steps, line, form, folder, name, key, study,"
            " series, sop, accession, patient, bunch)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*_key(place), line, form, folder, last, name_key(last), *values),
        )
        if cursor.rowcount:
            self.want(int(cursor.lastrowid or 0), wanted)

    def want(self, report: int, names: Iterable[str]) -> None:
        """Puts down of what a report speaks."""
        stored = map(_storable, names)
        rows = [(report, name_key(name.rsplit("/", 1)[-1]), name) for name in stored]
        self.database.executemany("INSERT INTO wanted VALUES (?, ?, ?)", rows)

    def refuse(self, refused: Refused, study: str = "") -> None:
        """A file that cannot be used."""
        self.refusal = refused.detail
        self.database.execute(
            "INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?, ?)",
            (*_key(refused.place), refused.reason, refused.detail, study),
        )

    def ready(self) -> None:
        """To be called when all is in: makes the indexes, and sets copies of an instance apart."""
        self._flush()
        self.database.executescript(_INDEXES)
        self._part_copies()
        self._put_folders()

    def close(self) -> None:
        """Give the space back."""
        self.database.close()

    def rows(self, query: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, one by one."""
        return iter(self.database.execute(query, values))

    def _flush(self) -> None:
        self.database.executemany(
            "INSERT OR IGNORE INTO images (path, steps, folder, name, key, dicom, study, series,"
            " sop, accession, patient, study_id, parent)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            self._images,
        )
        self._images.clear()

    def _put_folders(self) -> None:
        """Every folder that has images in it or below."""
        for (folder,) in self.database.execute("SELECT DISTINCT folder FROM images"):
            rows = []
            while folder:
                above, _, name = folder.rpartition("/")
                rows.append((folder, name.casefold(), above.rpartition("/")[2].casefold()))
                folder = above
            self.database.executemany("INSERT OR IGNORE INTO folders VALUES (?, ?, ?)", rows)

    def _part_copies(self) -> None:
        """Of several files with one SOP instance UID the first by its place is kept."""
        detail = "Another file here is the same instance; one of them is used."
        for table, which in (("images", "sop <> ''"), ("reports", "sop <> '' AND line < 0")):
            copies = (
                "SELECT id FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY sop ORDER BY path,"
                f" steps) AS place FROM {table} WHERE {which} AND sop IN (SELECT sop FROM {table}"
                f" WHERE {which} GROUP BY sop HAVING COUNT(*) > 1)) WHERE place > 1"
            )
            self.database.execute(
                "INSERT OR IGNORE INTO refused SELECT path, steps, 'duplicate_instance', ?, study"
                f" FROM {table} WHERE id IN ({copies})",
                (detail,),
            )
            self.database.execute(f"DELETE FROM {table} WHERE id IN ({copies})")


def place_of(path: str, steps: str) -> Place:
    """The place of a row of the index."""
    if path.startswith("\1"):
        path = path[1:].encode("latin-1").decode("utf-8", "surrogateescape")
    return Place(path, tuple(tuple(step) for step in json.loads(steps))) if steps else Place(path)


def name_key(name: str) -> str:
    """What two names of one image have in common: the last part without its endings, case-folded.

    ``1_IM-0001-4001.dcm.png`` is ``1_im-0001-4001``.
    """
    key = name.casefold()
    while True:
        for ending in _ENDINGS:
            if key.endswith(ending) and len(key) > len(ending):
                key = key[: -len(ending)]
                break
        else:
            return key


def _key(place: Place) -> tuple[str, str]:
    """A place's path and steps as the database holds them: a path may be no text."""
    path = place.path
    try:
        path.encode()
    except UnicodeEncodeError:
        path = "\1" + path.encode("utf-8", "surrogateescape").decode("latin-1")
    return path, json.dumps(place.steps, separators=(",", ":")) if place.steps else ""


def _storable(value: str) -> str:
    return value.encode("utf-8", "replace").decode()
