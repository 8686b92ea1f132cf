"""What the tiles of all scenes share, opened once in a process: labels, clouds, captions, look."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .captions.proper import with_proper_names
from .captions.templates import Templates, read_templates
from .labels.boxes import Boxes, open_boxes
from .labels.cover import Cover, open_cover
from .labels.draws import class_limits, draw
from .labels.folders import open_folders
from .labels.masks import Masks, open_masks
from .labels.protocol import ClassLabels, Labels
from .labels.vectors.features import Vectors, open_vectors
from .pixels.clouds import Clouds, open_clouds
from .pixels.rendering import Look
from .reading.scenes import Scene, open_scene
from .records import Facts, Listed, View, told
from .slicing import Slicing

if TYPE_CHECKING:
    from . import Tiles

__all__ = ["FOLDERS", "Tools", "tools_of", "view_of", "words_in"]

FOLDERS = "folders"


@dataclass(frozen=True, eq=False)
class Tools:
    """classes: what gives tiles their class, if anything does; objects: what gives them objects;
    vectors: of features around them."""

    tiles: Tiles
    view: View
    look: Look
    templates: Templates
    classes: ClassLabels | None
    objects: tuple[Boxes | Masks, ...]
    vectors: Vectors | None
    clouds: Clouds | None

    def open(self, listed: Listed) -> Scene:
        """The scene on the grid that the options want. Raises BadInput, UsageError."""
        return open_scene(
            listed.path,
            self.view,
            name=listed.name,
            facts=listed.facts,
            # the XML that a STAC item's bands are stacked by is our own
            trusted=self.tiles.trusted or listed.path.startswith("<VRTDataset"),
        )

    @cached_property
    def labels(self) -> tuple[tuple[str, Labels], ...]:
        """All that says what tiles show, each with the option and file that the user typed."""
        tiles, found = self.tiles, list[tuple[str, Labels]]()
        if self.classes is not None:
            option = "classes" if tiles.classes else "labels"
            found.append((f"--{option} {tiles.classes or tiles.labels}", self.classes))
        for labels in self.objects:
            option = "boxes" if isinstance(labels, Boxes) else "masks"
            found.append((f"--{option} {getattr(tiles, option)}", labels))
        if self.vectors is not None:
            found.append((f"--vectors {tiles.vectors}", self.vectors))
        return tuple(found)

    def facts_of_row(
        self, scene: Scene, row: int, columns: np.ndarray, size: int
    ) -> list[Facts | str]:
        """What is known of the tiles of a row; a tile that every source of labels leaves out is
        left out for the first one's reason. Raises BadInput."""
        if not self.labels:
            return [Facts(size, gsd_m) for gsd_m in scene.gsds_m(row, columns, size)]
        known = [labels.of_row(scene, row, columns, size) for _, labels in self.labels]
        return [_together(of_tile) for of_tile in zip(*known, strict=True)]

    def left_out(self, scene: Scene, *, first: bool) -> dict[str, int]:
        """Objects and features that no tile shows, after the tiles of a source: reason -> number.
        first: of the scene's first source, which answers for all of the scene. Raises BadInput."""
        found: Counter[str] = Counter()
        for labels in (*self.objects, self.vectors):
            if labels is not None:
                found.update(labels.left_out(scene, first=first))
        return dict(found)

    def limits_of_draws(self, scene: Scene, slicing: Slicing) -> dict[str, float] | None:
        """For each class of a scene the largest draw that is kept; None: all are."""
        tiles = self.tiles
        if self.classes is None or (tiles.per_class is None and tiles.min_per_class <= 1):
            return None
        return class_limits(
            self._draws(scene, slicing),
            per_class=tiles.per_class,
            min_per_class=tiles.min_per_class,
        )

    def _draws(self, scene: Scene, slicing: Slicing) -> Iterator[tuple[str, float]]:
        assert self.classes is not None, "draws need classes"
        for row in slicing.rows:
            columns = slicing.columns_in(row)
            names = self.classes.classes_of_row(scene, row, columns, slicing.size)
            for column, name in zip(columns.tolist(), names, strict=True):
                if name is not None:
                    yield name, draw(self.tiles.seed, scene.name, column, row)


def tools_of(tiles: Tiles) -> Tools:
    """Kept in this process: a worker makes the tiles of many sources."""
    return _tools_of(tiles, os.getpid())


def view_of(tiles: Tiles) -> View:
    """The grid that scenes are seen on."""
    return View(
        crs=tiles.crs,
        gsd_m=tiles.gsd_m,
        resampling=tiles.resampling,
        bounds=tiles.bounds,
        bounds_crs=tiles.bounds_crs,
        pixel_m=tiles.pixel_m,
        subdatasets=tiles.subdatasets,
    )


def words_in(given: Iterable[object]) -> tuple[str, ...]:
    """``("red,green", 3)`` is ``("red", "green", "3")``: names of bands and languages hold no
    comma."""
    return tuple(word.strip() for one in given for word in str(one).split(","))


@lru_cache(maxsize=1)
def _tools_of(tiles: Tiles, process: int) -> Tools:
    classes = _classes(tiles)
    names = classes.names.values() if isinstance(classes, Cover) else ()
    return Tools(
        tiles=tiles,
        view=view_of(tiles),
        look=Look(
            stretch=tiles.stretch,
            percentiles=tiles.percentiles,  # type: ignore[arg-type]  # two: Look checks it
            fixed=tiles.limits,
            physical=tiles.physical,
            gamma=tiles.gamma,
            decibels=tiles.decibels,
        ),
        templates=with_proper_names(read_templates(tiles.templates), names),
        classes=classes,
        objects=tuple(_objects(tiles)),
        vectors=_vectors(tiles),
        clouds=open_clouds(tiles.clouds, kind=tiles.cloud_kind, sensor=tiles.sensor)
        if tiles.clouds
        else None,
    )


def _classes(tiles: Tiles) -> ClassLabels | None:
    source = tiles.classes or tiles.labels
    if source is None:
        return None
    if source == FOLDERS and not Path(source).exists():
        return open_folders(class_map=tiles.category_map)
    return open_cover(
        source,
        table=tiles.class_table,
        crs=tiles.labels_crs,
        label=tiles.label_column,
        include=tiles.include,
        exclude=tiles.exclude,
        purity=tiles.purity,
        inner_px=tiles.inner_px,
        min_labelled=tiles.min_labelled,
    )


def _objects(tiles: Tiles) -> Iterator[Boxes | Masks]:
    if tiles.boxes is not None:
        yield open_boxes(
            tiles.boxes,
            category=tiles.category,
            category_map=tiles.category_map,
            crs=tiles.labels_crs or "",
            min_score=tiles.min_score,
            min_visible=tiles.min_visible,
            min_side_px=tiles.min_side_px,
            keep_empty=tiles.keep_empty,
            seed=tiles.seed,
        )
    if tiles.masks is not None:
        yield open_masks(
            tiles.masks,
            table=tiles.mask_table,
            category=tiles.mask_category,
            category_map=tiles.category_map,
            by_instance=tiles.by_instance,
            min_area_px=tiles.min_area_px,
            keep_empty=tiles.keep_empty,
            seed=tiles.seed,
        )


def _vectors(tiles: Tiles) -> Vectors | None:
    if tiles.vectors is None:
        return None
    return open_vectors(
        tiles.vectors,
        layers=tiles.layers,
        crs=tiles.labels_crs,
        tags=tiles.tags,
        category=tiles.category if tiles.boxes is None else "",
    )


def _together(known: tuple[Facts | str, ...]) -> Facts | str:
    found = [one for one in known if isinstance(one, Facts)]
    if not found:
        return known[0]
    whole = found[0]
    for other in found[1:]:
        things = {
            "objects": whole.objects + other.objects,
            "features": whole.features + other.features,
        }
        whole = replace(whole, **(told(other) | things))
    return whole
