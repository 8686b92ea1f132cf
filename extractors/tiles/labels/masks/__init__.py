"""Masks as facts of tiles: connected components, or instances, become objects with their boxes."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np

from domainclip.errors import BadInput, UsageError

from ...reading.scenes import Scene, open_scene
from ...records import Facts, Thing
from ..boxes.categories import Categories, read_category_map
from ..boxes.laid import FileGrid, grid_of_file
from ..boxes.matching import path_of
from ..extent import Holds
from ..things import facts_of_tiles
from .components import Parts, components, instances
from .files import LaidMask, MaskFiles
from .tables import MaskClasses, packed, read_mask_table

__all__ = ["Masks", "open_masks"]


def open_masks(
    path: str | Path,
    *,
    table: str | Path | None = None,
    category: str = "",
    category_map: str | Path | None = None,
    by_instance: bool = False,
    min_area_px: int = 16,
    keep_empty: float = 0.0,
    seed: int = 0,
) -> Masks:
    """A mask with a CRS, or masks named as their scenes, in a file or a folder.

    table: CSV of classes, see ``read_mask_table``; what it does not name is background. category:
    of all pixels that are not 0, where there is no table. category_map: CSV with the columns from
    and to for the table's names. by_instance: every value is one object, not every component.
    min_area_px: objects with fewer pixels in a tile are left out as specks. keep_empty: share,
    0 to 1, of the tiles without objects that are kept, drawn with the seed.

    Raises BadInput and UsageError.
    """
    if (table is None) == (not category):
        raise UsageError(
            "--masks needs either --mask-table, with a name for each value or colour, or "
            "--mask-category, where all pixels that are not 0 are of one kind."
        )
    if not 0 <= keep_empty <= 1:
        raise UsageError(f"--keep-empty {keep_empty:g} must lie between 0 and 1.")
    if min_area_px < 1:
        raise UsageError(f"--min-area-px {min_area_px} must be at least 1.")
    renamed = read_category_map(category_map) if category_map is not None else None
    classes = (
        MaskClasses((category,))
        if table is None
        else read_mask_table(Path(table), Categories(renamed))
    )
    return Masks(
        MaskFiles(Path(path)),
        classes,
        by_instance=by_instance,
        min_area_px=min_area_px,
        keep_empty=keep_empty,
        seed=seed,
    )


class Masks:
    """The objects that masks show. Implements ``Labels``.

    Objects are found in each tile by itself, so that their count is what the tile shows: two
    halves of a building whose middle lies beyond the edge are two. A tile whose centre no mask
    covers is left out as ``not_annotated``. specks: scene -> objects left out as too small,
    until they are asked for. damaged: none by themselves, each is an error of its scene.
    """

    damaged: tuple[tuple[str, str], ...] = ()

    def __init__(
        self,
        files: MaskFiles,
        classes: MaskClasses,
        *,
        by_instance: bool,
        min_area_px: int,
        keep_empty: float,
        seed: int,
    ) -> None:
        self._files, self._classes, self._by_instance = files, classes, by_instance
        self._min_area_px, self._keep_empty, self._seed = min_area_px, keep_empty, seed
        self._here: tuple[Scene, LaidMask | None] | None = None
        self.specks: Counter[str] = Counter()

    def reaches(self, scene: Scene) -> bool:
        return self._files.reaches(scene)

    def holds(self) -> Holds:
        return self._files.holds()

    def names_like(self, path: str, name: str) -> set[str]:
        """The masks' names that mean a scene (what GDAL opens, its name in the run)."""
        return self._files.names_like(path, name)

    def without_scene(self, named: set[str]) -> dict[str, int]:
        """Masks of none of the scenes of a run: reason -> number."""
        count = self._files.without_scene(named)
        return {"mask_without_scene": count} if count else {}

    def left_out(self, scene: Scene, *, first: bool) -> dict[str, int]:
        """Objects left out as too small since this was last asked for: reason -> number."""
        count = self.specks.pop(scene.name, 0)
        return {"speck": count} if count else {}

    def of_row(self, scene: Scene, row: int, columns: np.ndarray, size: int) -> list[Facts | str]:
        mask = self._of(scene)
        if mask is None or not len(columns):
            return ["not_annotated"] * len(columns)
        bottom = min(row + size, scene.height)
        x = (columns + np.minimum(columns + size, scene.width)) / 2
        covered = mask.covers(x, np.full(len(columns), (row + bottom) / 2))
        tiles, read = self._tiles(mask, row, bottom - row, columns, size)
        facts = facts_of_tiles(
            scene,
            row,
            columns,
            size,
            self._things(scene, mask, tiles),
            keep_empty=self._keep_empty,
            seed=self._seed,
        )
        found: list[Facts | str] = []
        for fact, there, good in zip(facts, covered.tolist(), read, strict=True):
            shows = isinstance(fact, Facts) and fact.objects
            found.append(
                "unreadable_mask" if not good else fact if there or shows else "not_annotated"
            )
        return found

    def _tiles(
        self, mask: LaidMask, row: int, rows: int, columns: np.ndarray, size: int
    ) -> tuple[np.ndarray, list[bool]]:
        """Classes, or numbers of instances, (tiles, size, size), 0 for the background and beyond
        the scene; and which tiles could be read. Where the rows cannot be read as a whole, each
        tile is by itself, so that a damaged block costs the tiles on it alone."""
        band = None
        with suppress(BadInput):
            band = self._marked(mask.at(row, rows))
        tiles, read = np.zeros((len(columns), size, size), np.int32), []
        if band is not None:
            tiles = tiles.astype(band.dtype)
        for tile, column in zip(tiles, columns.tolist(), strict=True):
            wide = min(column + size, mask.width) - column
            part = None if band is None else band[:, column : column + wide]
            if part is None:
                with suppress(BadInput):
                    part = self._marked(mask.window(column, row, wide, rows))
            read.append(part is not None)
            if part is not None:
                tile[:rows, :wide] = part
        return tiles, read

    def _marked(self, values: np.ndarray) -> np.ndarray:
        """Pixels of a mask (1 or 3, h, w) -> class, or number of the instance, (h, w)."""
        classes = self._classes.of(values)
        if not self._by_instance:
            return classes
        return np.where(classes > 0, packed(values) if len(values) == 3 else values[0], 0)

    def _things(self, scene: Scene, mask: LaidMask, tiles: np.ndarray) -> list[tuple[Thing, ...]]:
        parts = instances(tiles) if self._by_instance else components(tiles)
        codes = self._codes_of(parts, mask) if self._by_instance else parts.values
        large = parts.areas >= self._min_area_px
        self.specks[scene.name] += int((~large).sum())
        found: list[list[Thing]] = [[] for _ in tiles]
        names = ("", *self._classes.names)
        for tile, code, box, area in zip(
            parts.tiles[large].tolist(),
            codes[large].tolist(),
            parts.boxes[large].astype(float).tolist(),
            parts.areas[large].astype(float).tolist(),
            strict=True,
        ):
            found[tile].append(Thing(names[code], tuple(box), area))
        return [tuple(things) for things in found]

    def _codes_of(self, parts: Parts, mask: LaidMask) -> np.ndarray:
        """The class of each instance by its value."""
        if mask.coloured:
            colours = [parts.values >> 16, parts.values >> 8 & 255, parts.values & 255]
            shown = np.stack(colours).astype(np.uint8)[:, None]
        else:
            shown = parts.values.astype(mask.dtype)[None, None]
        return self._classes.of(shown)[0]

    def _of(self, scene: Scene) -> LaidMask | None:
        if self._here is None or self._here[0] is not scene:
            path = self._files.of(scene, path_of(scene))
            laid = None
            if path is not None:
                placed = open_scene(str(path)).georeference is not None
                # what lies by its own place needs no pixels of the scene's file
                grid = FileGrid(scene.width, scene.height) if placed else grid_of_file(scene)
                laid = LaidMask(path, scene, grid, coloured=self._is_coloured(path))
            self._here = scene, laid
        return self._here[1]

    def _is_coloured(self, path: Path) -> bool:
        """Are its classes told by colour? By value where both are known and it has one band."""
        if self._classes.by_colour is None:
            return self._classes.by_value is None and open_scene(str(path)).dataset.count >= 3
        return self._classes.by_value is None or open_scene(str(path)).dataset.count >= 3
