"""Labelled images as they lie on disk: class folders, split files, tables, pairs directories."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from domainclip.data.labelled import Image, LabelledImages, PairImage, Part
from domainclip.errors import BadInput, nearest
from domainclip.pairs import assign_splits, open_pairs

__all__ = ["FRACTIONS", "from_folders", "from_pairs", "from_split_file", "from_table", "is_tree",
           "read_json"]  # fmt: skip

FRACTIONS = {"train": 0.5, "val": 0.2, "test": 0.3}  # CoOp's and BiomedCoOp's own shares
SPLIT_SEED = 1
SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".jp2"}
_LEVELS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}


@dataclass(frozen=True, slots=True)
class _Row:
    image: Image
    label: str
    split: str = ""
    group: str = ""


def is_tree(folder: Path) -> bool:
    """Whether the folder holds folders, as class folders do."""
    return any(path.is_dir() and not path.name.startswith(".") for path in folder.iterdir())


def from_folders(
    folder: Path, name: str, classnames: Mapping[str, str] | None = None,
    templates: Sequence[str] = (), fractions: Mapping[str, float] = FRACTIONS,
) -> LabelledImages:  # fmt: skip
    """A tree with a folder a class, under train/val/test or without; then split by a seed.

    classnames: folder -> words, in the order of the classes; without it every folder, sorted.
    """
    levels = {
        split: next((folder / word for word in words if (folder / word).is_dir()), None)
        for split, words in _LEVELS.items()
    }
    whole = levels["train"] is None or levels["test"] is None
    rows: list[_Row] = []
    for split, place in ({"": folder} if whole else levels).items():
        for inside in sorted(_folders(place)) if place is not None else ():
            found = sorted(
                path for path in inside.rglob("*")
                if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
            )  # fmt: skip
            if not found and (classnames is None or inside.name in classnames):
                raise BadInput(f"{inside}: a class folder without an image; fill or remove it.")
            rows += [_Row(path, inside.name, split) for path in found]
    return _labelled(rows, name, str(folder), classnames, templates, fractions)


def from_split_file(
    path: Path, images: Path | None, name: str, classnames: Mapping[str, str] | None = None,
    templates: Sequence[str] = (),
) -> LabelledImages:  # fmt: skip
    """``{"train": [[path, label, classname], ...], "val": ..., "test": ...}``, read as it is.

    The format of split_zhou_*.json (CoOp) and of BiomedCoOp's and CLIP-SVD's split_*.json; order,
    labels and names are the file's. images: what the paths start from; None looks beside the file.
    """
    content = read_json(path)
    if not isinstance(content, dict) or not {"train", "test"} <= set(content):
        raise BadInput(
            f'{path}: no split file; it must hold {{"train": [[path, label, classname], ...], '
            '"val": ..., "test": ...}.'
        )
    words: dict[int, str] = {}
    parts: dict[str, Part] = {}
    root = images
    for split in ("train", "val", "test"):
        rows = content.get(split) or []
        for number, row in enumerate(rows):
            if not isinstance(row, list) or len(row) != 3:
                raise BadInput(f"{path}: {split}[{number}] is {row!r}, not [path, label, name].")
            label, said = int(row[1]), str(row[2])
            said = (classnames or {}).get(said, said)
            if words.setdefault(label, said) != said:
                raise BadInput(
                    f"{path}: {split}[{number}] calls label {label} {said!r}, and it was "
                    f"{words[label]!r} before."
                )
        if root is None and rows:
            root = _beside(path, str(rows[0][0]))
        base = root or path.parent
        parts[split] = Part(
            tuple(base / str(row[0]) for row in rows), tuple(int(row[1]) for row in rows)
        )
    if sorted(words) != list(range(len(words))):
        raise BadInput(
            f"{path}: labels are {sorted(words)[:12]}; they must be 0 to {len(words) - 1}."
        )
    names = tuple(words[label] for label in range(len(words)))
    return LabelledImages(name, names, parts["train"], parts["val"], parts["test"],
                          tuple(templates))  # fmt: skip


def from_table(
    path: Path, name: str, *, image: str = "path", label: str = "label", split: str = "split",
    group: str = "group", images: Path | None = None,
    classnames: Mapping[str, str] | None = None, templates: Sequence[str] = (),
    fractions: Mapping[str, float] = FRACTIONS,
) -> LabelledImages:  # fmt: skip
    """A .csv, .tsv, .parquet, .jsonl or .json table with a row an image.

    image, label, split, group: columns (dots go into nested records); image may be a pattern such
    as "images/{image}.png". Without the split column rows are split by a seed, and a group never
    crosses. images: what the paths start from, by default the table's folder. classnames: label ->
    words; labels that it leaves out are left out, and two labels may share their words.
    """
    records = _records(path)
    if not records:
        raise BadInput(f"{path}: holds no row.")
    pattern = image if "{" in image else "{" + image + "}"
    for column in (pattern[pattern.index("{") + 1 : pattern.index("}")], label):
        if all(_value(record, column) is None for record in records):
            known = list(records[0])
            raise BadInput(
                f"{path}: no row has {column!r}.{nearest(column, known)} There are: "
                f"{', '.join(map(str, known))}."
            )
    column, root = pattern[pattern.index("{") + 1 : pattern.index("}")], images or path.parent
    rows = [
        _Row(
            root / pattern.replace("{" + column + "}", str(_value(record, column))),
            str(_value(record, label) or ""),
            str(_value(record, split) or ""),
            str(_value(record, group) or ""),
        )
        for record in records
    ]
    rows = [row for row in rows if row.label]
    if "{" in image:  # a pattern may name more than was downloaded; a plain column may not
        rows = [row for row in rows if isinstance(row.image, Path) and row.image.is_file()]
    return _labelled(rows, name, str(path), classnames, templates, fractions)


def from_pairs(
    folder: Path, name: str, fractions: Mapping[str, float] = FRACTIONS
) -> LabelledImages:
    """A pairs directory: the first of a row's labels, its split and its group."""
    table = open_pairs(folder).table(["key", "labels", "split", "group"])
    rows = [
        _Row(PairImage(folder, at, row["key"]), row["labels"][0], row["split"], row["group"])
        for at, row in enumerate(table.to_pylist())
        if row["labels"]
    ]
    return _labelled(rows, name, str(folder), None, (), fractions)


def _labelled(
    rows: Sequence[_Row], name: str, where: str, classnames: Mapping[str, str] | None,
    templates: Sequence[str], fractions: Mapping[str, float],
) -> LabelledImages:  # fmt: skip
    if not rows:
        raise BadInput(f"{where}: holds no labelled image.")
    present = sorted({row.label for row in rows})
    named = dict(classnames) if classnames else {label: label for label in present}
    if not set(named) & set(present):
        raise BadInput(
            f"{where}: none of its labels ({', '.join(present[:8])}) is a class of {name}; its "
            f"classes are {', '.join(list(named)[:8])}."
        )
    rows = [row for row in rows if row.label in named]
    words = list(dict.fromkeys(named.values())) if classnames else present
    place = {label: words.index(word) for label, word in named.items()}
    splits, note = [row.split for row in rows], ""
    if not any(splits):
        # a class's words, so that labels which share them are stratified as one
        splits = assign_splits(
            [row.group for row in rows], [[named[row.label]] for row in rows], fractions, SPLIT_SEED
        )
        shares = "/".join(f"{share:.0%}".rstrip("%") for share in fractions.values())
        note = f"no published split: {shares} by seed {SPLIT_SEED}"
    alias = {word: split for split, heard in _LEVELS.items() for word in heard}
    parts = {
        split: [
            (row.image, place[row.label])
            for row, said in zip(rows, splits, strict=True)
            if alias.get(said.lower()) == split
        ]
        for split in _LEVELS
    }
    train, val, test = (
        Part(tuple(image for image, _ in part), tuple(label for _, label in part))
        for part in parts.values()
    )
    return LabelledImages(name, tuple(words), train, val, test, tuple(templates), note)


def _folders(place: Path) -> Iterable[Path]:
    return (path for path in place.iterdir() if path.is_dir() and not path.name.startswith("."))


def _beside(path: Path, first: str) -> Path:
    """The folder of the images: the file's own, or one in it, where the first path exists."""
    for folder in (path.parent, *sorted(_folders(path.parent))):
        if (folder / first).is_file():
            return folder
    raise BadInput(
        f"{path}: {first!r} lies neither in {path.parent} nor in a folder of it; put the images "
        "beside the split file."
    )


def _records(path: Path) -> list[dict[str, Any]]:
    if path.suffix in (".csv", ".tsv"):
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))
        except (UnicodeDecodeError, csv.Error) as error:
            raise BadInput(f"{path}: not a table of text ({error}).") from error
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    if path.suffix == ".jsonl":
        lines = path.read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines if line.strip()]
    else:
        found = read_json(path)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise BadInput(f"{path}: must be a list of records.")
    return found


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises BadInput."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read as JSON ({error}).") from error


def _value(record: Mapping[str, Any], column: str) -> Any:
    found: Any = record
    for word in [column] if column in record else column.split("."):
        found = found.get(word) if isinstance(found, Mapping) else None
    return found
