"""Every input once, in the order of its name's hash, in memory that does not grow with the list.

The list is spread over 256 files by the hash's first byte and read back file by file, so that at
most 1/256 of it is held at once: a distribution sort. Up to ``buffer_bytes`` no file is written.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from domainclip.errors import UsageError
from domainclip.extraction._record import ErrorRow
from domainclip.extraction.protocol import Source
from domainclip.pairs.schema import Skip
from domainclip.pairs.writer import output_errors

__all__ = ["Listing", "name_hash"]


class Listing:
    """Sources go in as they are found; those not finished yet come out in hash order.

    listed: sources that went in. resumed: those whose name was finished before. repeated: those
    listed twice. clashes: those with another one's name, whose rows ``clash_rows`` gives. The last
    three are known when the iteration has come to its end.
    """

    def __init__(self, directory: Path, *, buffer_bytes: int = 8 << 20) -> None:
        self.listed = self.resumed = self.repeated = self.clashes = 0
        self._directory = directory
        self._limit = buffer_bytes
        self._buffered = 0
        self._lines: defaultdict[int, list[str]] = defaultdict(list)

    def add(self, source: Source) -> None:
        """Put in a source. Raises UsageError where the extractor made one that cannot be kept."""
        if not source.name:
            raise UsageError(f"The extractor listed {source.path!r} without a name.")
        try:
            line = json.dumps([source.name, source.path, source.part])
        except (TypeError, ValueError) as error:
            raise UsageError(
                f"{source.name!r}: the extractor's Source.part must hold JSON values: {error}."
            ) from error
        self.listed += 1
        self._put(source.name, line)

    def finished(self, name: str) -> None:
        """Say that the input of this name is finished: it will not come out."""
        self._put(name, json.dumps(name))

    def __iter__(self) -> Iterator[Source]:
        self.resumed = self.repeated = self.clashes = 0
        for bucket in range(256):
            yield from self._read(bucket)

    def clash_rows(self) -> Iterator[ErrorRow]:
        """An error row for every source that bears another one's name."""
        path = self._directory / "clashes"
        if self.clashes:
            with path.open(encoding="ascii") as lines:
                for line in lines:
                    yield ErrorRow.of(
                        Skip(
                            where=json.loads(line),
                            reason="name_clash",
                            detail="Another input of this run has the same name; extract the two "
                            "into directories of their own, then join them: "
                            "domainclip pairs merge.",
                        )
                    )

    def _read(self, bucket: int) -> Iterator[Source]:
        done: set[str] = set()
        sources: dict[str, list[Source]] = {}
        for line in self._bucket_lines(bucket):
            entry = json.loads(line)
            if isinstance(entry, str):
                done.add(entry)
                continue
            name, path, part = entry
            source = Source(name, path, tuple((key, value) for key, value in part))
            sources.setdefault(name, []).append(source)
        for name in sorted(sources, key=name_hash):
            first, *others = sources[name]
            for other in others:
                if other == first:
                    self.repeated += 1
                else:
                    self._clash(name)
            if name in done:
                self.resumed += 1
            else:
                yield first

    def _clash(self, name: str) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        with (self._directory / "clashes").open("a" if self.clashes else "w") as file:
            file.write(json.dumps(name) + "\n")
        self.clashes += 1

    def _put(self, name: str, line: str) -> None:
        self._lines[name_hash(name)[0]].append(line)
        self._buffered += len(line) + 60  # a str object's own bytes
        if self._buffered > self._limit:
            self._spill()

    def _spill(self) -> None:
        with output_errors(self._directory):
            self._directory.mkdir(parents=True, exist_ok=True)
            for bucket, lines in self._lines.items():
                # opened for a moment only: 256 open files are more than some systems allow
                with self._file(bucket).open("a", encoding="ascii") as file:
                    file.writelines(f"{line}\n" for line in lines)
        self._lines.clear()
        self._buffered = 0

    def _bucket_lines(self, bucket: int) -> Iterator[str]:
        if self._file(bucket).is_file():
            with self._file(bucket).open(encoding="ascii") as file:
                yield from file
        yield from self._lines.get(bucket, ())

    def _file(self, bucket: int) -> Path:
        return self._directory / f"{bucket:02x}"


def name_hash(name: str) -> bytes:
    """16 bytes that decide an input's place; the same on every machine and in every run."""
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
