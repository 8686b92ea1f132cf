"""Which mask belongs to a scene, and its pixels laid over the scene's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.enums import ColorInterp

from domainclip.errors import BadInput

from ...reading.between import between
from ...reading.errors import Placeless
from ...reading.georeference import Georeference
from ...reading.laying import laid_over
from ...reading.rows import Rows, is_sequential, stays_in_memory
from ...reading.scenes import Scene, open_scene
from ..boxes.laid import FileGrid
from ..boxes.matching import Names, path_of
from ..boxes.reading import files_below
from ..extent import Extent, Holds, extent_of_raster, holds_of_raster

__all__ = ["LaidMask", "MaskFiles"]

RESIDENT_PX = 1 << 26  # a warped mask that decodes from its start is kept whole up to this size
_ENDINGS = {".tif", ".tiff", ".png", ".bmp", ".gif", ".jp2", ".vrt", ".img", ".jpg", ".jpeg"}
_SUFFIX = re.compile(
    r"[._-](?:masks?|labels?|gt|seg|segmentation|annotations?|lc|semantic"
    r"|instance_(?:color|id)_rgb)$",
    re.IGNORECASE,
)


class MaskFiles:
    """A mask, or a folder of masks named as their scenes (``P1.tif``: ``P1.png``, ``P1_mask.png``).

    One mask with a CRS lies over whatever scenes it covers; one without lies on the scene that is
    named as it, else on any with as many pixels. Raises BadInput where there is none.
    """

    def __init__(self, root: Path) -> None:
        if not root.exists() and "://" not in str(root) and not str(root).startswith("/vsi"):
            raise BadInput(f"{root}: no such mask or folder of masks.")
        self._over: Path | None = None
        self._extent: Extent | None = None  # of the mask over all
        self._alone: tuple[Path, tuple[int, int]] | None = None
        self._paths: dict[str, list[Path]] = {}
        if root.is_dir():
            for path in files_below(root, _ENDINGS):
                name = path.relative_to(root).with_suffix("").as_posix()
                self._paths.setdefault(_SUFFIX.sub("", name), []).append(path)
            if not self._paths:
                raise BadInput(f"{root}: no masks in this folder.")
        else:
            self._paths[_SUFFIX.sub("", root.stem)] = [root]
            mask = open_scene(str(root))
            if mask.georeference is not None:
                self._over, self._extent = root, extent_of_raster(mask)
            else:
                self._alone = root, (mask.width, mask.height)
        self._names = Names(self._paths)

    def of(self, scene: Scene, path: str) -> Path | None:
        """The mask of a scene (its path), or None. Raises BadInput where two could be meant."""
        if self._over is not None:
            return self._over
        name = self._names.of(path)
        if name is None:
            sides = scene.file.width, scene.file.height
            if self._alone is not None and self._alone[1] == sides:
                return self._alone[0]
            return None
        # where masks lie beside the scenes, they are those with an ending such as _mask
        found = self._paths[name]
        ended = [one for one in found if _SUFFIX.search(one.stem)]
        found = [one for one in ended or found if str(one) != path]
        if len(found) > 1:
            raise BadInput(
                f"{scene.name}: both {found[0].name} and {found[1].name} may be its mask; keep one."
            )
        return found[0] if found else None

    def reaches(self, scene: Scene) -> bool:
        """Does a mask cover a scene, or is one named as it? Raises BadInput."""
        if self._extent is not None:
            return self._extent.meets(scene)
        return self.of(scene, path_of(scene)) is not None

    def holds(self) -> Holds:
        """See Labels."""
        if self._extent is not None:
            return holds_of_raster("mask", self._extent)
        remedy = "name them alike, or give the scenes that they are of"
        if self._alone is not None:
            wide, high = self._alone[1]
            remedy = f"name it as its scene, of {wide} x {high} pixels, or give that scene"
        said = f"none of {len(self._paths):,} masks is named as a scene"
        return Holds(said, remedy, names=tuple(self._paths))

    def names_like(self, path: str, name: str) -> set[str]:
        """The masks' names that mean a scene (what GDAL opens, its name in the run)."""
        return self._names.nearest(path, name)

    def without_scene(self, named: set[str]) -> int:
        """How many masks of a folder have none of these names."""
        if self._over is not None or self._alone is not None:
            return 0
        return len(self._paths.keys() - named)


class LaidMask:
    """A mask in the pixels of a scene; coloured: its classes are told by red, green and blue.

    A mask without a CRS lies on the pixels of the scene's file. Raises BadInput where it does not
    fit.
    """

    def __init__(self, path: Path, scene: Scene, grid: FileGrid, *, coloured: bool) -> None:
        mask = open_scene(str(path))
        self._scene, self._mask = scene, mask
        source = mask.dataset
        if source.driver == "JPEG":
            raise BadInput(f"{path}: JPEG blurs the values of a mask; keep masks as PNG or TIFF.")
        kinds = {np.dtype(kind).kind for kind in source.dtypes}
        if not kinds <= {"u", "i"}:
            raise BadInput(
                f"{path}: its values are {source.dtypes[0]}, and classes are whole numbers; "
                "convert it with gdal_translate -ot Int32."
            )
        palette = source.colorinterp[0] == ColorInterp.palette
        if coloured and not palette and (source.count < 3 or source.dtypes[0] != "uint8"):
            raise BadInput(
                f"{path}: --mask-table tells classes by colour, and it has {source.count} band(s) "
                f"of {source.dtypes[0]}; give a table with the column value."
            )
        self.place = _placed(mask, scene, grid)
        dataset = self._on_pixels(path, grid)
        resident = (
            stays_in_memory(source)
            if dataset is source
            else is_sequential(source) and scene.width * scene.height <= RESIDENT_PX
        )
        bands = [1, 2, 3] if coloured and not palette else [1]
        self._rows = Rows(mask.name, dataset, bands, resident=resident, palette=coloured)
        self.coloured, self.dtype, self.width = coloured, source.dtypes[0], scene.width

    def at(self, row: int, rows: int) -> np.ndarray:
        """(1 or 3, rows, width), 0 where the mask holds no data. Raises BadInput."""
        return self._known(*self._rows.at(row, rows))

    def window(self, column: int, row: int, width: int, height: int) -> np.ndarray:
        """The same of a window. Raises BadInput."""
        return self._known(*self._rows.window(column, row, width, height))

    def _known(self, values: np.ndarray, valid: np.ndarray) -> np.ndarray:
        values = values[: 3 if self.coloured else 1]
        return values if valid.all() else np.where(valid, values, 0)

    def covers(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Do pixels of the scene lie in the mask? (n,) bool"""
        if self.place is None or self._scene.georeference is None:
            return np.ones(len(x), bool)
        x, y = self._scene.georeference.point(x, y)
        x, y = between(self._scene.georeference.crs, self.place.crs, x, y)
        column, row = self.place.pixels(x, y)
        wide, high = self._mask.width, self._mask.height
        with np.errstate(invalid="ignore"):
            within: np.ndarray = (column >= 0) & (column <= wide) & (row >= 0) & (row <= high)
        return within

    def _on_pixels(self, path: Path, grid: FileGrid) -> Any:
        """The mask on the scene's pixels."""
        scene, mask = self._scene, self._mask
        if self.place is not None and scene.georeference is not None:
            return laid_over(mask, self.place, scene, "mask")
        if (mask.width, mask.height) == (scene.width, scene.height) and grid.to_scene is None:
            return mask.dataset
        if mask.georeference is not None:
            raise Placeless(
                f"{scene.name}: has no place on the ground, and the mask {path} has one; give it "
                "with --bounds W,S,E,N, or a mask of its size."
            )
        raise BadInput(
            f"{path}: has {mask.width} x {mask.height} pixels and no CRS, and {scene.name} has "
            f"{grid.width} x {grid.height}; give a mask of its size, or one with a CRS."
        )


def _placed(mask: Scene, scene: Scene, grid: FileGrid) -> Georeference | None:
    """Its own place, or that of the scene's file where it has the same pixels."""
    if mask.georeference is not None:
        return mask.georeference
    if (mask.width, mask.height) != (grid.width, grid.height):
        return None
    return grid.georeference if grid.to_scene is not None else scene.georeference
