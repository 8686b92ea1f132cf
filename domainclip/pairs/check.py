"""Check a pairs directory: every promise of the schema, every image, in bounded memory.

Keys, groups and images are compared by 64-bit hashes, 16 bytes a row; where two hashes agree the
names (of images: their sha256) are read again, so nothing is reported on a hash alone.

An image in two splits is a problem, since a test on it measures what was learned by heart. Several
times within one split is a count and no problem: a figure with two captions is two pairs.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domainclip.errors import BadInput
from domainclip.images.encoded import decoded
from domainclip.pairs._parts import TO_LIST, Groups, OpenParts, Part, read_footer
from domainclip.pairs._rows import pairs_of
from domainclip.pairs.schema import Pair

__all__ = ["KINDS", "CheckReport", "Problem", "check_pairs"]

Kind = Literal[
    "damaged_part",
    "duplicate_key",
    "bad_image",
    "empty_caption",
    "group_across_splits",
    "image_across_splits",
    "sha256_mismatch",
    "wrong_size",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

_COLUMNS = ["key", "image", "text", "group", "split", "width", "height", "sha256"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: its kind, the part and key it is in, a sentence about it."""

    kind: Kind
    part: str
    key: str
    detail: str


@dataclass(slots=True)
class CheckReport:
    """The outcome. counts: problems of each kind found; problems: the first ones of each kind.

    repeated_images: pairs whose image an earlier pair of their split has too, byte for byte; no
    problem in itself.
    """

    path: Path
    parts: int
    pairs: int = 0
    repeated_images: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """True where nothing is wrong."""
        return not self.counts


@dataclass(slots=True)
class _Found:
    """What reading one row group gave: problems, and hashes to compare with all the others."""

    rows: int
    problems: list[Problem]
    keys: np.ndarray  # (rows,) uint64
    group_splits: np.ndarray  # (distinct, 2) uint64: group, split; rows with both
    images: np.ndarray  # (rows,) uint64, by their bytes


def check_pairs(
    path: Path | str,
    *,
    decode: bool = True,
    workers: int = 1,
    shown: int = 100,
    progress: Callable[[int, int], None] | None = None,
) -> CheckReport:
    """Read all of the directory at ``path`` and report what is wrong; a bad part stops nothing.

    The same image in several splits is a problem, several times in one split is only counted.
    decode: also decode every image (nearly all of the time). workers: processes, a part each.
    shown: problems of each kind kept with their details. progress: called with rows done and rows
    in all. Raises BadInput where there are no parts at all.
    """
    directory = Path(path)
    files = sorted(directory.glob("part-*.parquet"))
    if not files:
        raise BadInput(f"{directory}: holds no part-*.parquet, so it is no pairs directory.")
    report = CheckReport(directory, len(files))
    parts: list[Part] = []
    for file in files:
        try:
            parts.append(read_footer(file))
        except BadInput as error:
            _add(report, Problem("damaged_part", file.name, "", _damage(file, error)), shown)
    total = sum(part.rows for part in parts)
    keys, group_splits, images = [_NONE[:, 0]], [_NONE], [_NONE[:, 0]]
    for found in _read_all(parts, decode, workers):
        report.pairs += found.rows
        for problem in found.problems:
            _add(report, problem, shown)
        keys.append(found.keys)
        group_splits.append(found.group_splits)
        images.append(found.images)
        if progress is not None:
            progress(report.pairs, total)
    _find_duplicates(report, parts, _repeated(np.concatenate(keys)), shown)
    distinct = np.unique(np.concatenate(group_splits), axis=0)
    _find_crossing(report, parts, _repeated(distinct[:, 0]), shown)
    _find_images(report, parts, _repeated(np.concatenate(images)), shown)
    return report


def _read_all(parts: Sequence[Part], decode: bool, workers: int) -> Iterator[_Found]:
    if workers <= 1:
        for part in parts:
            yield from _read_part(part, decode)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        tasks = [pool.submit(_read_whole_part, part, decode) for part in parts]
        for part, task in zip(parts, tasks, strict=True):
            try:
                yield from task.result()
            except BrokenProcessPool as error:
                raise BadInput(
                    f"{part.path}: reading it, or a part near it, crashed a process; run the check "
                    "with --workers 1 to see which, and make that part again."
                ) from error


def _read_whole_part(part: Part, decode: bool) -> list[_Found]:
    return list(_read_part(part, decode))


def _read_part(part: Part, decode: bool) -> Iterator[_Found]:
    """One _Found per row group; a damaged one is a problem, and reading goes on behind it."""
    files = OpenParts([part], limit=1)
    for group in Groups([part]):
        try:
            table = files.read(group, _COLUMNS)
        except BadInput as error:
            problem = Problem("damaged_part", part.path.name, "", _damage(part.path, error))
            yield _Found(group.rows, [problem], _NONE[:, 0], _NONE, _NONE[:, 0])
            continue
        digests = _names(table, "image")
        problems = [
            Problem(kind, part.path.name, pair.key, detail)
            for pair, digest in zip(pairs_of(table), digests, strict=True)
            for kind, detail in _wrong_with(pair, digest, decode)
        ]
        groups, splits = (_hashes(_names(table, name)) for name in ("group", "split"))
        both = (groups != _EMPTY) & (splits != _EMPTY)
        group_splits = np.unique(np.stack([groups, splits], axis=1)[both], axis=0)
        keys = _hashes(_names(table, "key"))
        yield _Found(group.rows, problems, keys, group_splits, _hashes(digests))


def _wrong_with(pair: Pair, digest: str, decode: bool) -> Iterator[tuple[Kind, str]]:
    if not pair.text.strip():
        yield "empty_caption", "text is empty; write a caption, or leave the pair out"
    if digest != pair.sha256:
        yield "sha256_mismatch", f"image has {digest[:12]}…, the row says {pair.sha256[:12]}…"
    if not decode:
        return
    try:
        size = decoded(pair.image).size
    except ValueError as error:
        yield "bad_image", f"image cannot be decoded: {error}"
        return
    if size != (pair.width, pair.height):
        yield (
            "wrong_size",
            f"image is {size[0]} x {size[1]} pixels, the row says {pair.width} x {pair.height}",
        )


def _find_duplicates(
    report: CheckReport, parts: Sequence[Part], suspects: np.ndarray, shown: int
) -> None:
    seen: dict[str, str] = {}
    for part, names in _named(parts, suspects, "key"):
        for (key,) in names:
            if key in seen:
                detail = f"also in {seen[key]}; keys must be unique, so merge or rename"
                _add(report, Problem("duplicate_key", part, key, detail), shown)
            else:
                seen[key] = part


def _find_crossing(
    report: CheckReport, parts: Sequence[Part], suspects: np.ndarray, shown: int
) -> None:
    splits: dict[str, dict[str, str]] = {}
    for part, names in _named(parts, suspects, "group", "split"):
        for group, split in names:
            if split:
                splits.setdefault(group, {}).setdefault(split, part)
    for group, found in sorted(splits.items()):
        if len(found) > 1:
            detail = f"group {group!r} is in {', '.join(sorted(found))}; split again by group"
            where = found[max(found)]
            _add(report, Problem("group_across_splits", where, "", detail), shown)


def _find_images(
    report: CheckReport, parts: Sequence[Part], suspects: np.ndarray, shown: int
) -> None:
    """Count images within their splits, and report those that stand in more than one."""
    first: dict[bytes, dict[str, tuple[str, str]]] = {}  # image -> split -> part and key
    for part, rows in _named(parts, suspects, "image", "split", "key"):
        for digest, split, key in rows:
            splits = first.setdefault(bytes.fromhex(digest), {})
            report.repeated_images += split in splits
            splits.setdefault(split, (part, key))
    for found in first.values():
        crossed = {split: at for split, at in sorted(found.items()) if split}
        if len(crossed) > 1:
            places = ", ".join(f"{split} as {key!r}" for split, (_, key) in crossed.items())
            detail = (
                f"the same image is in {places}; keep it once (domainclip curate --filter "
                "exact_duplicates), or give its pairs one group and split again"
            )
            part, key = crossed[max(crossed)]
            _add(report, Problem("image_across_splits", part, key, detail), shown)


def _named(
    parts: Sequence[Part], suspects: np.ndarray, column: str, *others: str
) -> Iterator[tuple[str, Iterator[tuple[str, ...]]]]:
    """Part by part, the values of the columns in rows whose first column's hash is suspect."""
    if not len(suspects):
        return
    for part in parts:
        files = OpenParts([part], limit=1)
        for group in Groups([part]):
            try:
                table = files.read(group, [column, *others])
            except BadInput:
                continue  # reported when it was first read
            names = _names(table, column)
            rows = np.flatnonzero(np.isin(_hashes(names), suspects))
            if len(rows):
                lists = [names, *(_names(table, name) for name in others)]
                yield part.path.name, (tuple(each[row] for each in lists) for row in rows)


def _names(table: pa.Table, column: str) -> list[str]:
    """A column's texts, empty for absent ones; of the images their sha256 in hex."""
    if column != "image":
        return [name or "" for name in table.column(column).to_pylist()]
    images = pc.struct_field(table.column("image"), "bytes")
    return [hashlib.sha256(image.as_buffer() or b"").hexdigest() for image in images]


def _repeated(hashes: np.ndarray) -> np.ndarray:
    values, counts = np.unique(hashes, return_counts=True)
    return values[counts > 1]


def _hashes(names: Sequence[str]) -> np.ndarray:
    """(n,) uint64, one per name."""
    digests = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names]
    return np.frombuffer(b"".join(digests), dtype="<u8")


_EMPTY = _hashes([""])[0]
_NONE = np.zeros((0, 2), np.uint64)


def _damage(path: Path, error: BadInput) -> str:
    """What is wrong with a part, without its path, which stands beside, and without the advice to
    run this check."""
    return str(error).removeprefix(f"{path}: ").replace(TO_LIST, "")


def _add(report: CheckReport, problem: Problem, shown: int) -> None:
    if report.counts[problem.kind] < shown:
        report.problems.append(problem)
    report.counts[problem.kind] += 1
