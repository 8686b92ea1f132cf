"""WebDataset tars: what open_clip trains on (``--train-data 'train-{000000..000009}.tar'``).

A sample is ``000000042.jpg`` (or ``.png``), ``.txt`` with the caption and ``.json`` with every
other field. Reading streams the tar and puts nothing on disk, so no member name, link or device in
it can reach outside; pickled members are never opened.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

from domainclip.errors import BadInput
from domainclip.pairs._output import new_directory
from domainclip.pairs.formats._shared import (
    IMAGE_SUFFIXES,
    MAX_IMAGE_BYTES,
    MAX_TEXT_BYTES,
    REST,
    ExportReport,
    Progress,
    extension,
    fields_of,
    imported,
    not_empty,
    safe_name,
    split_named,
)
from domainclip.pairs.reader import Pairs
from domainclip.pairs.schema import Pair, Skip
from domainclip.pairs.writer import output_errors

__all__ = ["read", "write"]

LOST = (
    "The order of pairs is kept within a split, not between splits.",
    "Quarantined inputs (_errors.parquet) have no place in a tar.",
)

# webdataset's own rule: the key is everything before the first dot of the file name
_MEMBER = re.compile(r"^((?:.*/)?[^./][^./]*)\.([^/]+)$")
_MAX_MEMBERS = 64


def write(
    pairs: Pairs,
    out: Path,
    *,
    split: str | None = None,
    shard_pairs: int = 10_000,
    progress: Progress | None = None,
) -> ExportReport:
    """Write ``<split>-000000.tar`` and so on into the new directory ``out``."""
    count = 0
    with new_directory(out) as directory, output_errors(out):
        shards: dict[str, _Shards] = {}
        try:
            for pair in pairs.rows(split=split):
                name = safe_name(pair.split) or REST
                shards.setdefault(name, _Shards(directory, name, shard_pairs)).add(pair)
                count += 1
                if progress is not None:
                    progress(count, len(pairs))
        finally:
            for each in shards.values():
                each.close()
    files = sum(each.number for each in shards.values())
    return ExportReport("webdataset", out, count, files, LOST)


class _Shards:
    """The tars of one split, each with at most so many pairs."""

    def __init__(self, directory: Path, name: str, shard_pairs: int) -> None:
        self.directory, self.name, self.shard_pairs = directory, name, shard_pairs
        self.number = self.count = 0
        self.tar: tarfile.TarFile | None = None

    def add(self, pair: Pair) -> None:
        if self.tar is None or self.count % self.shard_pairs == 0:
            self.close()
            path = self.directory / f"{self.name}-{self.number:06d}.tar"
            self.tar = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
            self.number += 1
        fields = fields_of(pair)
        caption = fields.pop("text")
        sidecar = json.dumps(fields, ensure_ascii=False, sort_keys=True, allow_nan=False)
        for suffix, data in (
            (extension(pair.image), pair.image),
            ("txt", caption.encode()),
            ("json", sidecar.encode()),
        ):
            # no time, owner or mode of ours: the same pairs give the same tar
            member = tarfile.TarInfo(f"{self.count:09d}.{suffix}")
            member.size = len(data)
            self.tar.addfile(member, BytesIO(data))
        self.count += 1

    def close(self) -> None:
        if self.tar is not None:
            self.tar.close()


def read(source: Path) -> Iterator[Pair | Skip]:
    """The pairs of a tar, or of all ``*.tar`` in a directory, one sample in memory at a time."""
    tars = sorted(source.glob("*.tar")) if source.is_dir() else [source]
    if not tars:
        raise BadInput(f"{source}: holds no *.tar; unpack compressed ones (.tar.gz) first.")
    found = (item for path in tars for item in _read_tar(path))
    yield from not_empty(source, found, "holds no sample")


def _read_tar(path: Path) -> Iterator[Pair | Skip]:
    stem, parts, size = "", {}, 0  # type: str, dict[str, bytes], int
    try:
        with tarfile.open(path, "r|") as tar:
            for member in tar:
                tar.members = []  # type: ignore[attr-defined]  # else tarfile remembers every header
                where = f"{path.name}:{member.name}"
                problem = _problem(member)
                if problem is not None:
                    yield Skip(where=where, reason=problem[0], detail=problem[1], stage="import")
                    continue
                named = _MEMBER.match(member.name.removeprefix("./"))
                if not member.isfile() or named is None:
                    continue
                if named[1] != stem:
                    yield from _sample(path, stem, parts)
                    stem, parts, size = named[1], {}, 0
                size += member.size
                if size > MAX_IMAGE_BYTES + MAX_TEXT_BYTES or len(parts) >= _MAX_MEMBERS:
                    detail = "more members than a sample may have"
                    yield Skip(where=where, reason="too_large", detail=detail, stage="import")
                    continue
                if _wanted(named[2]):
                    file = tar.extractfile(member)
                    parts[named[2].lower()] = file.read() if file is not None else b""
    except (tarfile.TarError, EOFError, OSError) as error:
        detail = f"cut short or not a tar ({error}); pairs before the damage were kept"
        yield Skip(where=str(path), reason="damaged_shard", detail=detail, stage="import")
        return  # the sample that the damage fell into may lack its caption
    yield from _sample(path, stem, parts)


def _problem(member: tarfile.TarInfo) -> tuple[str, str] | None:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or "\\" in member.name:
        return "unsafe_member", "its name leads out of the archive"
    if not (member.isfile() or member.isdir()):
        return "unsafe_member", "a link or device; only plain files are read"
    if member.size > (MAX_IMAGE_BYTES if _is_image(name.suffix) else MAX_TEXT_BYTES):
        return "too_large", f"{member.size:,} bytes"
    return None


def _is_image(suffix: str) -> bool:
    return suffix.lower() in IMAGE_SUFFIXES


def _wanted(suffix: str) -> bool:
    last = "." + suffix.lower().rpartition(".")[2]
    return _is_image(last) or last in (".txt", ".json", ".caption", ".cls", ".bin")


def _sample(path: Path, stem: str, parts: dict[str, bytes]) -> Iterator[Pair | Skip]:
    if not parts:
        return
    where = f"{path.name}:{stem}"
    image = next((data for suffix, data in parts.items() if _is_image(f".{suffix}")), None)
    if image is None:
        image = parts.get("bin")
    if image is None:
        yield Skip(where=where, reason="no_image", detail="no image in the sample", stage="import")
        return
    try:
        fields = _fields(path, stem, parts)
    except ValueError as error:  # of JSON, of UTF-8
        yield Skip(where=where, reason="bad_fields", detail=str(error), stage="import")
        return
    yield imported(where, fields, image)


def _fields(path: Path, stem: str, parts: dict[str, bytes]) -> dict[str, Any]:
    try:
        fields = json.loads(parts.get("json") or b"{}")
    except RecursionError as error:
        raise ValueError("its JSON is nested too deeply") from error
    if not isinstance(fields, dict):
        raise ValueError("its JSON is no object")
    ours = "key" in fields and "texts" in fields
    if not ours:  # of another maker, as by img2dataset: all of its JSON goes to meta
        fields = {"meta": fields, "split": split_named(path.stem.rpartition("-")[0])}
        fields["split"] = fields["split"] if fields["split"] in ("train", "val", "test") else ""
        fields["key"] = f"{path.stem}/{stem}"
        if "cls" in parts:
            fields["labels"] = [parts["cls"].decode().strip()]
    fields["text"] = (parts["txt"] if "txt" in parts else parts.get("caption", b"")).decode()
    return fields
