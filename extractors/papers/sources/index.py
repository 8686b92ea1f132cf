"""The files of an archive by folder, in a temporary database that spills to disk.

Members come in any order and in any number, and what belongs together is known only when all are
seen. SQLite's private temporary database keeps 8 MB of pages in memory and the rest on disk.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from .folders import Entry, matters
from .names import stem

__all__ = ["FilesIndex"]

_BATCH = 2000


class FilesIndex:
    """Files by folder. Of two with one name the later is kept, as unpacking would keep it."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")  # "": temporary, on disk when it grows
        self._database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8000;"
            "CREATE TABLE files (folder TEXT, name TEXT, stem TEXT, kind TEXT, note TEXT,"
            " size INTEGER, steps TEXT, matters INTEGER, PRIMARY KEY (folder, name)) WITHOUT ROWID;"
            "CREATE TABLE folders (folder TEXT, name TEXT, PRIMARY KEY (folder, name))"
            " WITHOUT ROWID;"
        )
        self._rows: list[tuple[Any, ...]] = []
        self._known: dict[str, None] = {}  # folders written lately
        self._indexed = False

    def add(self, folder: str, entry: Entry, *, size: int = 0, steps: Sequence[Any] = ()) -> None:
        """Put in a file of a folder; "" is the topmost."""
        written = json.dumps(steps, separators=(",", ":")) if steps else ""
        self._rows.append(
            (
                *(folder, entry.name, stem(entry.name), entry.kind, entry.note),
                *(size, written, matters(entry)),
            )
        )
        self._add_folder(folder)
        if len(self._rows) >= _BATCH:
            self._flush()

    def folder(self, path: str, folders: Sequence[str] | None = None) -> IndexedFolder:
        """One folder. folders: those in it, where they are not in the index."""
        return IndexedFolder(self._read(), path, folders)

    def below(self, path: str) -> Iterator[tuple[str, int, str]]:
        """(name relative to ``path``, size, steps as JSON) of every file in a folder and below."""
        start = f"{path}/" if path else ""
        query = "SELECT folder, name, size, steps FROM files WHERE folder = ?"
        values: tuple[str, ...] = (path,)
        if path:
            query += " OR (folder >= ? AND folder < ?)"
            values = (path, start, f"{path}0")  # "0" follows "/"
        else:
            query, values = "SELECT folder, name, size, steps FROM files", ()
        for folder, name, size, steps in self._read().execute(query, values):
            whole = f"{folder}/{name}" if folder else name
            yield whole[len(start) :], size, steps

    def file(self, path: str) -> tuple[int, str] | None:
        """(size, steps as JSON) of one file, None where there is no such."""
        folder, _, name = path.rpartition("/")
        query = "SELECT size, steps FROM files WHERE folder = ? AND name = ?"
        found = self._read().execute(query, (folder, name)).fetchone()
        return None if found is None else (found[0], found[1])

    def files(self, folder: str, names: Collection[str]) -> Iterator[tuple[str, int, str]]:
        """(name, size, steps as JSON) of some files of one folder, sorted by name."""
        marks = ", ".join("?" * len(names))
        query = f"SELECT name, size, steps FROM files WHERE folder = ? AND name IN ({marks})"
        yield from sorted(self._read().execute(query, (folder, *names)))

    def images(self, folder: str) -> Iterator[str]:
        """The names of a folder's images."""
        query = "SELECT name FROM files WHERE folder = ? AND kind = 'image'"
        for (name,) in self._read().execute(query, (folder,)):
            yield name

    def texts(self) -> Iterator[tuple[str, str]]:
        """(path, kind) of every JATS and TeX file."""
        query = "SELECT folder, name, kind FROM files WHERE kind IN ('jats', 'jats_set', 'tex')"
        for folder, name, kind in self._read().execute(query):
            yield (f"{folder}/{name}" if folder else name), kind

    def close(self) -> None:
        """Give the space back."""
        self._database.close()

    def _add_folder(self, folder: str) -> None:
        if folder in self._known:
            return
        if len(self._known) > _BATCH:
            self._known.clear()
        self._known[folder] = None
        rows = []
        while folder:
            above, _, name = folder.rpartition("/")
            rows.append((above, name))
            folder = above
        self._database.executemany("INSERT OR IGNORE INTO folders VALUES (?, ?)", rows)

    def _flush(self) -> None:
        self._database.executemany(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._rows
        )
        self._rows.clear()

    def _read(self) -> sqlite3.Connection:
        if self._rows:
            self._flush()
        if not self._indexed:
            # made when all is in: keeping it up to date row by row takes longer
            self._database.execute(
                "CREATE INDEX stems ON files (folder, stem, name, kind, note) WHERE matters"
            )
            self._indexed = True
        return self._database


class IndexedFolder:
    """One folder of the index."""

    def __init__(
        self, database: sqlite3.Connection, path: str, folders: Sequence[str] | None
    ) -> None:
        self._database, self._path = database, path
        query = "SELECT kind, COUNT(*) FROM files WHERE folder = ? GROUP BY kind"
        self.count: Mapping[str, int] = Counter(dict(database.execute(query, (path,)).fetchall()))
        if folders is None:
            query = "SELECT name FROM folders WHERE folder = ? ORDER BY name"
            folders = [name for (name,) in database.execute(query, (path,))]
        self.folders: Sequence[str] = folders

    def groups(self) -> Iterator[tuple[str, list[Entry]]]:
        query = (
            "SELECT stem, name, kind, note FROM files INDEXED BY stems WHERE folder = ? AND matters"
            " ORDER BY stem, name"
        )
        rows = self._database.execute(query, (self._path,))
        for key, members in groupby(rows, key=lambda row: row[0]):
            yield key, [Entry(*row[1:]) for row in members]

    def group(self, stem: str) -> list[Entry]:
        query = (
            "SELECT name, kind, note FROM files INDEXED BY stems"
            " WHERE folder = ? AND matters AND stem = ? ORDER BY name"
        )
        return [Entry(*row) for row in self._database.execute(query, (self._path, stem))]

    def beginning_with(self, start: str) -> Iterator[str]:
        query = "SELECT name FROM files WHERE folder = ? AND name >= ? ORDER BY name"
        for (name,) in self._database.execute(query, (self._path, start)):
            if not name.startswith(start):
                return
            yield name
