"""The output directory of an extraction: locked, made by one set of options, resumable.

``_state/`` beside the parts holds ``lock``; ``extraction.json`` (which extractor, which options);
``chunks/<name>.json``, one record per finished chunk. A chunk is finished when its part bears its
name: the record is written before, so a record without a part is nothing, and a part never stands
without its record. Whoever extracts, on this machine or another, writes below ``work/<this run>/``;
only the run itself, the lock's one holder, moves a part from there into its place. So a process
that outlives its run, or a node that was given up and comes back, cannot touch the output.

The lock is flock's: it goes with the process, however that ends. On NFS, Linux makes of it a lock
on the server, which keeps runs on other machines out as well; storage without locks is refused.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from socket import gethostname
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from domainclip.errors import OutputError, OutputInUse
from domainclip.extraction._identity import differences, extractor_name, options_of
from domainclip.extraction._listing import Listing
from domainclip.extraction._record import Record, read_record, write_record
from domainclip.extraction.protocol import Extractor
from domainclip.extraction.summary import Summary
from domainclip.extraction.task import Piece
from domainclip.pairs._files import write_bytes
from domainclip.pairs.card import write_card
from domainclip.pairs.schema import ERROR_SCHEMA
from domainclip.pairs.writer import (
    clear_temporaries,
    output_errors,
    sync_directory,
    write_errors,
)

__all__ = ["Directory"]


class Directory:
    """An output directory, held for one run as a context manager.

    Raises OutputInUse where another run holds it, or where it was made by another extractor,
    version or options; OutputError where it cannot be written.
    """

    def __init__(self, path: Path, extractor: Extractor) -> None:
        self.path = path
        self.state = path / "_state"
        self.chunks = self.state / "chunks"
        self.work = self.state / "work" / secrets.token_hex(8)
        self.remade = 0
        self._made: dict[str, Any] = {
            "extractor": extractor_name(extractor),
            "version": str(extractor.version),
            "options": options_of(extractor),
        }
        self._inputs_are = str(getattr(extractor, "inputs_are", ""))
        self._descriptor = -1

    def __enter__(self) -> Self:
        if not self.state.is_dir():
            self._refuse_strangers()
        with output_errors(self.path):
            self.chunks.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.state / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._hold()
            self._match()
            self._clear()
            with output_errors(self.path):
                self.work.mkdir(parents=True)
        except BaseException:
            os.close(self._descriptor)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._clear()
        if kind is not None and not any(self.chunks.glob("[!.]*.json")):
            # nothing was made with these options: other ones may be given, mostly better ones
            with suppress(OSError):
                (self.state / "extraction.json").unlink(missing_ok=True)
        os.close(self._descriptor)

    def _refuse_strangers(self) -> None:
        """Raises OutputInUse for a folder with files of other kinds: somebody's inputs, often."""
        if not self.path.is_dir():
            return
        # a README.md of a person's own is kept (write_card)
        others = [each.name for each in self.path.iterdir() if each.name != "README.md"]
        if any(name.startswith("part-") for name in others):
            raise OutputInUse(
                f"{self.path}: holds pairs that no extraction made here; choose another output."
            )
        visible = [name for name in others if not name.startswith(".")]
        if visible:
            raise OutputInUse(
                f"{self.path}: holds other files ({min(visible)!r}); name a new directory for the "
                "pairs."
            )

    def records(self) -> Iterator[Record]:
        """The record of every finished chunk, one by one."""
        for path in sorted(self.chunks.glob("[!.]*.json")):
            yield read_record(path)

    def listing(self) -> Listing:
        """An empty listing that knows what is finished; damaged parts are removed to be remade."""
        listing = Listing(self.work / "listing")
        parts = {path.name for path in self.path.glob("part-*.parquet")}
        for path in sorted(self.chunks.glob("[!.]*.json")):
            part = self.path / f"part-{path.stem}.parquet"
            present = part.name in parts
            parts.discard(part.name)
            record = _finished(path, part) if present else None
            if record is None:
                self.remade += present
                with output_errors(part):
                    part.unlink(missing_ok=True)
                    path.unlink()
                continue
            for name in record.names:
                listing.finished(name)
        if parts:
            raise OutputInUse(
                f"{self.path}: {min(parts)} was not made by this extraction; move it elsewhere, or "
                "choose another output."
            )
        return listing

    def commit(self, name: str, piece: Piece) -> None:
        """Take a finished chunk's record and part in, durably."""
        assert piece.part is not None
        write_record(self.chunks / f"{name}.json", piece.record)
        part = self.path / f"part-{name}.parquet"
        with output_errors(part):
            piece.part.replace(part)
            sync_directory(self.path)

    def finish(self, listing: Listing, *, made: str, seconds: float) -> Summary:
        """Write ``_errors.parquet`` and the card; add everything up."""
        whole = Record(failed=listing.clashes, without_pairs=listing.repeated)
        if listing.repeated:
            whole.skipped["listed_twice"] = listing.repeated
        names = 0
        tables = [_error_table(list(listing.clash_rows()))]
        for record in self.records():
            names += len(record.names)
            whole.add_counts(record)
            if record.errors:
                tables.append(_error_table(record.errors))
        errors = pa.concat_tables(tables)
        reasons = Counter(
            {row["values"]: row["counts"] for row in errors["error"].value_counts().to_pylist()}
        )
        write_errors(self.path, errors)
        with output_errors(self.path):
            write_card(self.path, made=made)
        return Summary(
            out=self.path,
            extractor=self._made["extractor"],
            sources=names + listing.clashes + listing.repeated,
            with_pairs=whole.with_pairs,
            without_pairs=whole.without_pairs,
            failed=whole.failed,
            pairs=whole.pairs,
            skipped=whole.skipped,
            quarantined=reasons,
            resumed=listing.resumed,
            remade=self.remade,
            seconds=seconds,
            inputs_are=self._inputs_are,
        )

    def _hold(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            who = os.pread(self._descriptor, 200, 0).decode(errors="replace").strip()
            raise OutputInUse(
                f"{self.path}: another run is writing it{f' ({who})' if who else ''}; wait for its "
                "end, or choose another output."
            ) from error
        except OSError as error:
            raise OutputError(
                f"{self.path}: its file system has no locks ({error.strerror}), so two runs could "
                "write it at once; mount it with them (Lustre: flock), or choose another output."
            ) from error
        with output_errors(self.state):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"process {os.getpid()} on {gethostname()}\n".encode(), 0)

    def _match(self) -> None:
        path = self.state / "extraction.json"
        if path.is_file():
            try:
                before = json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                before = None  # a crash in the first instant; nothing was extracted before it
            if before is not None and before != self._made:
                raise OutputInUse(
                    f"{self.path}: was made with {differences(before, self._made)}; choose "
                    "another output, or go on with what it was made with."
                )
            if before is not None:
                return
        made = json.dumps(self._made, indent=1, ensure_ascii=False, sort_keys=True)
        write_bytes(path, made.encode("utf-8", "surrogatepass"))

    def _clear(self) -> None:
        """Remove what is under way only: of the last run when entering, of this one when done."""
        shutil.rmtree(self.work.parent, ignore_errors=True)
        with suppress(OSError):
            clear_temporaries(self.path)
            clear_temporaries(self.chunks)


def _finished(path: Path, part: Path) -> Record | None:
    """The chunk's record if its part is whole, else None."""
    try:
        record = read_record(path)
        rows = pq.read_metadata(part).num_rows
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None
    return record if rows == record.pairs else None


def _error_table(rows: list[Any]) -> pa.Table:
    columns = [pa.array([getattr(row, name) for row in rows], pa.string()) for name in _ERROR_TEXTS]
    time = pa.array([row.time for row in rows], pa.string()).cast(ERROR_SCHEMA.field("time").type)
    return pa.Table.from_arrays([*columns, time], schema=ERROR_SCHEMA)


_ERROR_TEXTS = [name for name in ERROR_SCHEMA.names if name != "time"]
