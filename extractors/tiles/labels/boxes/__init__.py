"""Boxes and outlines as facts of tiles: COCO, PASCAL VOC, DOTA, YOLO, tables, vector files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from domainclip.errors import BadInput, UsageError

from ...reading.scenes import Scene
from ...records import Facts
from ..extent import Holds, holds_of_places
from ..things import Objects, Shown, facts_of_tiles
from .categories import Categories, read_category_map
from .drawn import Drawn
from .laid import FileGrid, grid_of_file, to_objects
from .layers import Layer
from .matching import Names, path_of, stem_of
from .reading import Asked, counted
from .sources import Annotated, find_annotations

__all__ = ["Boxes", "open_boxes"]


def open_boxes(
    path: str | Path,
    *,
    category: str = "",
    all_are: str = "",
    category_map: str | Path | None = None,
    crs: str = "",
    min_score: float = 0.0,
    min_visible: float = 0.3,
    min_side_px: float = 2.0,
    keep_empty: float = 0.0,
    seed: int = 0,
) -> Boxes:
    """Annotations of a file, or of the files in a folder; the format is told by their content.

    category: the column or property that names the category; by default one of the usual names.
    all_are: the category of all objects, whatever the files say. category_map: CSV with the columns
    from and to; an empty ``to`` leaves a category out. crs: of vector files that state none or a
    wrong one; ``pixels`` where their outlines are in pixels of the image with the file's name.
    min_score: detections below are left out. min_visible: see ``things``. min_side_px: objects
    whose longer side is shorter in the scene's pixels, by more than a thousandth, are left out.
    keep_empty: share, 0 to 1, of the tiles without objects that are kept, drawn with the seed.

    Raises BadInput, naming file and line, and UsageError.
    """
    if category and all_are:
        raise UsageError(
            f"boxes: all objects are {all_are!r} (all_are), or the field {category!r} says what "
            "each is (--category); give one of the two."
        )
    for name, share in (("min-visible", min_visible), ("keep-empty", keep_empty)):
        if not 0 <= share <= 1:
            raise UsageError(f"--{name} {share:g} must lie between 0 and 1.")
    if not min_side_px >= 0:
        raise UsageError(f"--min-side-px {min_side_px:g} must be 0 or more.")
    renamed = read_category_map(category_map) if category_map is not None else None
    asked = Asked(Categories(renamed), category, all_are, crs, min_score)
    return Boxes(
        find_annotations(Path(path), asked),
        min_visible=min_visible,
        min_side_px=min_side_px,
        keep_empty=keep_empty,
        seed=seed,
    )


class Boxes:
    """The objects that annotations draw. Implements ``Labels``.

    A scene that is named by them is looked at as a whole; polygons on the map are looked for within
    the bounds of all of their layer, or in all of the scene whose name their file has. Tiles beyond
    are left out as ``not_annotated``.
    """

    def __init__(
        self,
        found: Annotated,
        *,
        min_visible: float,
        min_side_px: float,
        keep_empty: float,
        seed: int,
    ) -> None:
        self._found, self._names = found, Names(found.pictured)
        self._min_visible, self._min_side_px = min_visible, min_side_px
        self._keep_empty, self._seed = keep_empty, seed
        self._here: tuple[Scene, _Here | None] | None = None

    @property
    def unread(self) -> tuple[str, ...]:
        """Files of the folder that hold no annotations."""
        return tuple(self._found.unread)

    @property
    def damaged(self) -> tuple[tuple[str, str], ...]:
        """Files of the folder whose annotations cannot be read: (name, sentence)."""
        return tuple(self._found.damaged)

    @property
    def lost(self) -> dict[str, int]:
        """Objects that belong to no image, or are no areas of a map: reason -> number."""
        of_layers: Mapping[str, int] = {}
        for layer in self._found.layers:
            of_layers = counted(of_layers, layer.dropped)
        return counted(self._found.dropped, of_layers)

    def reaches(self, scene: Scene) -> bool:
        path = path_of(scene)
        return self._names.of(path) is not None or any(
            layer.path.stem == stem_of(path) or layer.extent.meets(scene)
            for layer in self._found.layers
        )

    def holds(self) -> Holds:
        names, layers = self._found.pictured, self._found.layers
        extents = tuple(layer.extent for layer in layers)
        if not names:
            count = sum(len(layer.shapes) for layer in layers)
            return holds_of_places(count, "polygons", extents)
        remedy = "name them alike, or give the scenes that they are of"
        said = f"none of the {len(names):,} images that its annotations name is a scene"
        return Holds(said, remedy, extents, tuple(names))

    def names_like(self, path: str, name: str) -> set[str]:
        """The images of the annotations that a scene is (what GDAL opens, its name in the run)."""
        return self._names.nearest(path, name)

    def without_scene(self, named: set[str]) -> dict[str, int]:
        """What belongs to none of the scenes of a run, which are these images: reason -> number of
        objects, of images or their files, and of files that hold no annotations."""
        files, images = set(), 0
        for name, entries in self._found.pictured.items():
            files |= {path for path, drawn in entries if drawn is None}
            images += name not in named and any(drawn is not None for _, drawn in entries)
        for name in named:
            files -= {path for path, _ in self._found.pictured[name]}
        found = {f"object_{reason}": count for reason, count in self.lost.items()}
        found["annotations_without_scene"] = len(files) + images
        found["file_without_annotations"] = len(self.unread)
        return counted(found, {})

    def left_out(self, scene: Scene, *, first: bool) -> dict[str, int]:
        """Objects of a scene that no tile shows: reason -> number, to the first who asks for it.
        Raises BadInput."""
        dropped = self.dropped(scene) if first else {}
        return {f"object_{reason}": count for reason, count in dropped.items()}

    def dropped(self, scene: Scene) -> Mapping[str, int]:
        """Objects of a scene that were left out: reason -> number. Raises BadInput."""
        here = self._of(scene)
        return {} if here is None else here.dropped

    def objects(self, scene: Scene) -> Objects | None:
        """All of a scene, in its pixels; None where it is not annotated. Raises BadInput."""
        here = self._of(scene)
        return None if here is None else here.objects

    def of_row(self, scene: Scene, row: int, columns: np.ndarray, size: int) -> list[Facts | str]:
        here = self._of(scene)
        if here is None:
            return ["not_annotated"] * len(columns)
        facts = facts_of_tiles(
            scene,
            row,
            columns,
            size,
            here.shown.of_row(row, columns, size),
            keep_empty=self._keep_empty,
            seed=self._seed,
            gsd_m=here.gsd_m,
        )
        if here.within is None:
            return facts
        # the centre of the part that lies in the scene
        x = (columns + np.minimum(columns + size, scene.width)) / 2
        y = np.full(len(columns), (row + min(row + size, scene.height)) / 2)
        looked = np.logical_or.reduce([layer.reaches(scene, x, y) for layer in here.within])
        return [
            fact if there or (isinstance(fact, Facts) and fact.objects) else "not_annotated"
            for fact, there in zip(facts, looked.tolist(), strict=True)
        ]

    def _of(self, scene: Scene) -> _Here | None:
        if self._here is None or self._here[0] is not scene:
            self._here = scene, self._lay(scene)
        return self._here[1]

    def _lay(self, scene: Scene) -> _Here | None:
        found, path = self._found, path_of(scene)
        name, stem = self._names.of(path), stem_of(path)
        if name is not None:
            grid = grid_of_file(scene)
            drawn = found.drawn(name)
            _check_sides(scene, drawn, grid, found.file(name))
            # what the annotation says of the file's pixels is not true of others
            gsd_m = drawn.gsd_m if grid.to_scene is None else None
            return self._here_of(scene, [self._objects(scene, drawn, grid)], grid, None, gsd_m)
        named = [layer for layer in found.layers if layer.path.stem == stem]
        layers = named or found.layers
        if not layers or (scene.georeference is None and not all(map(_is_empty, layers))):
            return None
        parts = [
            self._objects(scene, layer.drawn(scene, found.asked), None)
            for layer in layers
            if len(layer.shapes)
        ]
        return self._here_of(scene, parts, None, None if named else layers, None)

    def _here_of(
        self,
        scene: Scene,
        parts: Sequence[tuple[Objects, dict[str, int]]],
        grid: FileGrid | None,
        within: Sequence[Layer] | None,
        gsd_m: float | None,
    ) -> _Here:
        objects, dropped = _together(parts)
        if grid is None:  # what lies beyond a part of the map is not lost
            dropped.pop("outside", None)
        shown = Shown(
            objects, width=scene.width, height=scene.height, min_visible=self._min_visible
        )
        return _Here(objects, dropped, shown, within, gsd_m)

    def _objects(
        self, scene: Scene, drawn: Drawn, grid: FileGrid | None
    ) -> tuple[Objects, dict[str, int]]:
        sides = {"width": scene.width, "height": scene.height}
        return to_objects(drawn, grid, **sides, min_side_px=self._min_side_px)


@dataclass(frozen=True)
class _Here:
    """What was found for a scene. within: layers outside of which nothing was looked for."""

    objects: Objects
    dropped: dict[str, int]
    shown: Shown
    within: Sequence[Layer] | None
    gsd_m: float | None


def _together(parts: Sequence[tuple[Objects, dict[str, int]]]) -> tuple[Objects, dict[str, int]]:
    if len(parts) == 1:
        return parts[0]
    names = tuple(sorted({name for objects, _ in parts for name in objects.names}))
    codes, boxes, areas, shapes = (
        [np.zeros(0, np.int64)],
        [np.zeros((0, 4))],
        [np.zeros(0)],
        [np.full(0, None, object)],
    )
    dropped: dict[str, int] = {}
    for objects, own in parts:
        place = np.array([names.index(name) for name in objects.names], np.int64)
        codes.append(place[objects.codes])
        boxes.append(objects.boxes)
        areas.append(objects.areas)
        missing = np.full(len(objects.codes), None, object)
        shapes.append(missing if objects.shapes is None else objects.shapes)
        dropped = counted(dropped, own)
    polygons = np.concatenate(shapes)
    return Objects(
        names,
        np.concatenate(codes),
        np.concatenate(boxes),
        np.concatenate(areas),
        None if shapely.is_missing(polygons).all() else polygons,
    ), dropped


def _check_sides(scene: Scene, drawn: Drawn, grid: FileGrid, path: Path) -> None:
    """Boxes made on an image of another size would lie anywhere."""
    if drawn.sides in (None, (grid.width, grid.height)):
        return
    wide, high = drawn.sides
    remedy = "give the image that they were made on, or mend the size that they state"
    if grid.width * high == grid.height * wide:
        remedy = f"multiply their coordinates and size by {grid.width / wide:.6g}, or {remedy}"
    raise BadInput(
        f"{scene.name}: its annotations in {path} are of an image of {wide} x {high} pixels, and "
        f"it has {grid.width} x {grid.height}; {remedy}."
    )


def _is_empty(layer: Layer) -> bool:
    return not len(layer.shapes)
