"""A data set by its published name, or from a path: class folders, a split file, a table, pairs.

A name is a small JSON file in ``domainclip/data/sets``: where the published layout keeps the images
and the split, the class names and the prompts, with their source. A description of your own goes by
``./mine.json`` and has the same keys; a new named data set is one new file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from domainclip.data._layouts import (
    FRACTIONS,
    from_folders,
    from_pairs,
    from_split_file,
    from_table,
    is_tree,
    read_json,
)
from domainclip.data.labelled import LabelledImages
from domainclip.errors import BadInput, UnknownName, UsageError, nearest

__all__ = ["Description", "named", "open_dataset"]

TABLES = (".csv", ".tsv", ".parquet", ".jsonl", ".json")


@dataclass(frozen=True, slots=True)
class Description:
    """What a description file says.

    about, reference: for people. folders: what its folder may be called under the root. images:
    the folder of the images inside. split_file: the published split inside; without it (or where it
    is not there) class folders are split by a seed. table: a table inside instead, with its columns
    image (or a pattern), label, split, group. classnames: folder, label or name -> words, in the
    order of the classes. templates: prompts.
    """

    about: str = ""
    reference: str = ""
    folders: tuple[str, ...] = ()
    images: str = "."
    split_file: str = ""
    table: str = ""
    image: str = "path"
    label: str = "label"
    split: str = "split"
    group: str = "group"
    classnames: Mapping[str, str] | None = None
    templates: tuple[str, ...] = ()


@lru_cache
def named() -> dict[str, Description]:
    """Every named data set, by name."""
    folder = files("domainclip.data").joinpath("sets")
    return {
        item.name.removesuffix(".json"): _described(
            json.loads(item.read_text(encoding="utf-8")), item.name
        )
        for item in sorted(folder.iterdir(), key=lambda item: item.name)
        if item.name.endswith(".json")
    }


def open_dataset(
    what: str, *, root: Path | None = None, fractions: Sequence[float] | None = None,
    templates: Sequence[str] = (),
) -> LabelledImages:  # fmt: skip
    """The data set ``what``: a name (its folder lies in ``root``, by default here), or a path.

    Paths: a folder of class folders (under train/val/test or not), a pairs directory, a split file
    (split_zhou_*.json and the like), a table with the columns path, label and maybe split and
    group, or a description. fractions: shares of train, val and test where no split is published.
    templates: instead of the data set's own. Raises BadInput, UnknownName.
    """
    shares = _shares(fractions)
    path = Path(what).expanduser()
    if what in named() and not path.suffix:
        found = _described_set(
            what, named()[what], _folder(what, named()[what], root or Path()), shares
        )
    elif path.is_dir():
        if any(path.glob("part-*.parquet")):
            found = from_pairs(path, path.name, shares)
        elif is_tree(path):
            found = from_folders(path, path.resolve().name, fractions=shares)
        else:
            raise BadInput(
                f"{path}: holds neither class folders nor the parts of a pairs directory."
            )
    elif path.is_file() and path.suffix in TABLES:
        found = _of_file(path, root, shares)
    elif path.exists() or len(path.parts) > 1 or path.suffix:
        wrong = "not a data set" if path.exists() else "no such file or folder"
        raise BadInput(
            f"{path}: {wrong}; give class folders, a pairs directory, a split file, or a table "
            f"({', '.join(TABLES)})."
        )
    else:
        raise UnknownName("data set", what, named())
    return replace(found, templates=tuple(templates)) if templates else found


def _of_file(path: Path, root: Path | None, shares: Mapping[str, float]) -> LabelledImages:
    if path.suffix == ".json":
        content = read_json(path)
        if isinstance(content, dict) and "train" in content:
            return from_split_file(path, root, path.stem.removeprefix("split_"))
        if isinstance(content, dict):
            told = _described(content, str(path))
            return _described_set(
                path.stem, told, _folder(path.stem, told, root or path.parent), shares
            )
    return from_table(path, path.stem, images=root, fractions=shares)


def _described_set(
    name: str, told: Description, folder: Path, shares: Mapping[str, float]
) -> LabelledImages:
    if told.table:
        return from_table(
            folder / told.table, name, image=told.image, label=told.label, split=told.split,
            group=told.group, classnames=told.classnames, templates=told.templates,
            fractions=shares,
        )  # fmt: skip
    images = folder / told.images
    if not images.is_dir():
        raise BadInput(f"{name}: {images} is not there; {folder} must hold {told.images!r}.")
    if told.split_file and (folder / told.split_file).is_file():
        return from_split_file(
            folder / told.split_file, images, name, told.classnames, told.templates
        )
    return from_folders(images, name, told.classnames, told.templates, shares)


def _folder(name: str, told: Description, root: Path) -> Path:
    for folder in told.folders or (".",):
        if (root / folder).is_dir():
            return root / folder
    known = " or ".join(map(repr, told.folders))
    raise BadInput(f"{name}: {root.resolve()} holds no folder {known}; give its place by --root.")


def _described(content: Mapping[str, Any], where: str) -> Description:
    known = [field.name for field in fields(Description)]
    for key in content:
        if key not in known:
            raise BadInput(f"{where}: unknown key {key!r}.{nearest(key, known)}")
    lists = {key: tuple(content[key]) for key in ("folders", "templates") if key in content}
    return Description(**{**content, **lists})


def _shares(fractions: Sequence[float] | None) -> Mapping[str, float]:
    if fractions is None:
        return FRACTIONS
    if len(fractions) not in (2, 3):
        raise UsageError("fractions are those of train, val and test, or of train and test.")
    names = ("train", "val", "test") if len(fractions) == 3 else ("train", "test")
    return {name: share for name, share in zip(names, fractions, strict=True) if share}
