"""Options that mean nothing without another one, or beside it.

An option counts as given where it differs from its default: what was typed is not known here, and
a default that is typed changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from domainclip.errors import UsageError

from .labels.cover import VECTORS
from .pixels.cloud_rules import RULES
from .tools import FOLDERS

if TYPE_CHECKING:
    from . import Tiles

__all__ = ["any_of", "check_partners", "flag", "is_given"]

OF_COVER = ("include", "exclude", "purity", "inner_px", "min_labelled")
# partners, one of which is needed -> the options that need it
NEEDED: dict[tuple[str, ...], tuple[str, ...]] = {
    ("vectors",): ("tags", "layers", "around"),
    ("masks",): ("mask_table", "mask_category", "by_instance", "min_area_px"),
    ("boxes",): ("min_score", "min_visible", "min_side_px"),
    ("boxes", "masks"): ("keep_empty",),
    ("boxes", "vectors"): ("category",),
    ("boxes", "masks", "classes"): ("category_map",),
    ("labels", "boxes", "vectors", "classes"): ("labels_crs",),
    ("classes", "labels"): (
        "class_table", "label_column", *OF_COVER, "per_class", "min_per_class",
    ),
    ("clouds",): ("cloud_kind", "max_cloud"),
}  # fmt: skip
# of which only one can be
RIVALS = (
    ("classes", "labels"),
    ("size_px", "size_m"),
    ("stride_px", "stride_m"),
    ("mask_table", "mask_category"),
    ("around", "whole"),
    ("physical", "decibels"),
)  # fmt: skip
GRID = ("stride_px", "stride_m", "edge", "aoi")


def flag(name: str) -> str:
    """An option's name as one types it."""
    return f"--{name.replace('_', '-')}"


def any_of(names: Sequence[str]) -> str:
    """``--boxes, --masks or --classes``"""
    *others, last = map(flag, names)
    return f"{', '.join(others)} or {last}" if others else last


def is_given(tiles: Tiles, name: str) -> bool:
    """Does an option differ from its default?"""
    default = next(each.default for each in fields(tiles) if each.name == name)
    return bool(getattr(tiles, name) != default)


def check_partners(tiles: Tiles) -> None:
    """Raises UsageError for the first option that would be ignored, or stand against another."""
    for partners, options in NEEDED.items():
        there = any(is_given(tiles, each) for each in partners)
        for name in options:
            if not there and is_given(tiles, name):
                raise UsageError(
                    f"{flag(name)} needs {any_of(partners)}; give that, or leave {flag(name)} out."
                )
    for one, other in RIVALS:
        if is_given(tiles, one) and is_given(tiles, other):
            raise UsageError(f"{flag(one)} and {flag(other)} exclude each other; give one.")
    for name, why in _without_effect(tiles):
        if is_given(tiles, name):
            raise UsageError(f"{flag(name)} {why}.")
    if tiles.masks and not (tiles.mask_table or tiles.mask_category):
        raise UsageError(
            "--masks needs the names of what they show; give --mask-table with a name for each "
            "value or colour, or --mask-category where all is of one kind."
        )


def _without_effect(tiles: Tiles) -> Iterator[tuple[str, str]]:
    """Options, and why they can have none."""
    if tiles.whole:
        for name in ("size_px", "size_m", *GRID):
            yield name, "has no effect with --whole, which takes all it can; leave one out"
    if tiles.around:
        for name in GRID:
            yield name, "has no effect with --around, which cuts tiles on no grid; leave one out"
    yield from _without_effect_on_labels(tiles)
    if tiles.clouds in RULES:
        yield "cloud_kind", f"says how a mask is read, and --clouds {tiles.clouds} is a rule"
    if tiles.stretch == "fixed":
        yield "percentiles", "has no effect with --stretch fixed --limits; leave one out"
    else:
        yield "limits", "is of --stretch fixed; give that too"
        yield "physical", "says what --limits are in; give --stretch fixed and these too"
    if tiles.format != "jpeg":
        yield "quality", "is of --format jpeg; give that too"


def _without_effect_on_labels(tiles: Tiles) -> Iterator[tuple[str, str]]:
    source = tiles.classes or tiles.labels
    by_folder = source == FOLDERS and not Path(source).exists()
    suffix = "" if source is None else Path(source).suffix.lower()
    table_or_vectors = by_folder or suffix in (".csv", ".tsv") or suffix in VECTORS
    crs = () if tiles.boxes or tiles.vectors else ("labels_crs",)
    if table_or_vectors:
        yield "class_table", f"names the values of a class raster, and {source} is none"
    elif source and suffix != ".gpkg":  # which may be a raster or vectors
        for name in ("label_column", *crs):
            yield name, f"is of a table or vectors, and {source} is a class raster"
    if by_folder:
        why = "has no effect with --classes folders; choose these with --category-map"
        for name in (*OF_COVER, "label_column", *crs):
            yield name, why
    elif not (tiles.boxes or tiles.mask_table):
        yield "category_map", "is for --boxes, a --mask-table or --classes folders; give one"
    if tiles.purity == 0 and source:
        for name in ("inner_px", "per_class", "min_per_class"):
            yield name, "is about the class of a tile, and --purity 0 gives tiles none"
