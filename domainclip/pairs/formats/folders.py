"""Class folders, ``<split>/<label>/<image>``: what torchvision's ImageFolder and its kin read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from domainclip.errors import BadInput, UsageError
from domainclip.pairs._output import new_directory
from domainclip.pairs.formats._shared import (
    IMAGE_SUFFIXES,
    REST,
    ExportReport,
    Progress,
    extension,
    imported,
    not_empty,
    read_bounded,
    safe_name,
    split_named,
)
from domainclip.pairs.reader import Pairs
from domainclip.pairs.schema import Pair, Skip
from domainclip.pairs.writer import output_errors

__all__ = ["read", "write"]

LOST = (
    "Folders hold image, first label and split: captions, texts, groups, places, sources, licences "
    "and everything else are not in them.",
    "Folders named other than train, val and test (or their kin) read back as no split.",
    "Quarantined inputs (_errors.parquet) have no place in folders.",
)
_SPLITS = ("train", "val", "test", "training", "valid", "validation", "dev", "testing", REST)


def write(
    pairs: Pairs, out: Path, *, split: str | None = None, progress: Progress | None = None
) -> ExportReport:
    """Write ``<split>/<label>/<key>.jpg`` into the new directory ``out``.

    Pairs without a label are left out, and counted in the report's ``lost``.
    """
    count = unlabelled = several = 0
    with new_directory(out) as directory, output_errors(out):
        for number, pair in enumerate(pairs.rows(split=split), start=1):
            if progress is not None:
                progress(number, len(pairs))
            if not pair.labels or not pair.labels[0]:
                unlabelled += 1
                continue
            several += len(pair.labels) > 1
            folder = directory / (safe_name(pair.split) or REST) / safe_name(pair.labels[0])
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{safe_name(pair.key)}.{extension(pair.image)}"
            if path.exists():  # keys that differ in case only, on a file system that ignores it
                path = folder / f"{safe_name(pair.key)}~{number}.{extension(pair.image)}"
            path.write_bytes(pair.image)
            count += 1
    lost = list(LOST)
    if unlabelled:
        lost.append(f"{unlabelled:,} pairs have no label and were left out.")
    if several:
        lost.append(f"{several:,} pairs have more labels than the first one.")
    return ExportReport("folders", out, count, count, tuple(lost))


def read(source: Path, *, template: str = "a photo of a {}.") -> Iterator[Pair | Skip]:
    """The images under ``source``, with the folder that holds them as label.

    template: the caption, ``{}`` stands for the label. The split is the first folder where that is
    a split's name. Files that are no images are counted, links that leave ``source`` are refused.
    """
    if not source.is_dir():
        raise BadInput(f"{source}: not a directory of class folders.")
    if template.count("{}") != 1:
        raise UsageError(f"template {template!r}: it needs one {{}} where the label goes.")
    found = _read(source, template)
    yield from not_empty(source, found, "holds no file in a class folder")


def _read(source: Path, template: str) -> Iterator[Pair | Skip]:
    root = source.resolve()
    for path in _files(source):
        relative = path.relative_to(source)
        where = str(relative)
        if path.suffix.lower() not in IMAGE_SUFFIXES | {".bin"}:
            yield Skip(where=where, reason="not_an_image", stage="import", quarantine=False)
            continue
        *folders, _ = relative.parts
        split = split_named(folders.pop(0)) if folders and folders[0] in _SPLITS else ""
        if not folders:
            detail = "not inside a class folder, so it has no label"
            yield Skip(where=where, reason="no_label", detail=detail, stage="import")
            continue
        label = unquote(folders[-1])
        try:
            if not path.resolve().is_relative_to(root):
                raise ValueError("a link that leads out of the directory")
            data = read_bounded(path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            yield Skip(where=where, reason="unreadable_image", detail=str(reason), stage="import")
            continue
        fields = {
            "key": relative.with_suffix("").as_posix(),
            "text": template.replace("{}", label),
            "labels": [label],
            "split": split,
            "image_path": relative.as_posix(),
        }
        yield imported(where, fields, data)


def _files(folder: Path) -> Iterator[Path]:
    # by folder, so that a large tree is never listed whole; linked folders are not entered
    entries = sorted(folder.iterdir())
    for path in entries:
        if path.name.startswith("."):
            continue
        if path.is_dir():
            if not path.is_symlink():
                yield from _files(path)
        else:
            yield path
