"""Arrays on longitudes and latitudes have a place, and bands that are times have dates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domainclip.extractors.tiles.reading.finding import scenes_of
from domainclip.extractors.tiles.reading.rows import default_bands
from domainclip.extractors.tiles.reading.scenes import Scene, open_scene
from tests.data.make_arrays import write_netcdf, write_zarr

LATS = np.linspace(49.95, 48.05, 20)
LONS = np.linspace(10.05, 12.95, 30)
NORTH, EAST = {"units": "degrees_north"}, {"units": "degrees_east"}


def _scene(path: Path, *, times: Any = None, **changes: Any) -> Scene:
    lats, north = changes.get("lats", (LATS, NORTH))
    lons, east = changes.get("lons", (LONS, EAST))
    names = changes.get("names", ("lat", "lon"))
    dimensions: dict[str, Any] = {names[0]: (lats, north), names[1]: (lons, east)}
    if times is not None:
        dimensions = {"time": times, **dimensions}
    shape = [len(steps) for steps, _ in dimensions.values()]
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    return open_scene(str(write_netcdf(path, values, dimensions)))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"names": ("latitude", "longitude")},
        {"names": ("y", "x")},
        {"lats": (LATS[::-1], {"units": "degree_N"})},
        {"lats": (LATS.astype(np.float32), NORTH)},
    ],
)
def test_even_degrees_are_a_place(tmp_path: Path, changes: dict[str, Any]) -> None:
    scene = _scene(tmp_path / "a.nc", **changes)
    assert scene.georeference is not None
    assert scene.place.crs.to_epsg() == 4326
    assert scene.place.bounds(0, 0, 20) == pytest.approx((10, 48, 12, 50), abs=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"lats": (np.r_[LATS[:10], LATS[10:] - 3], NORTH)},  # a gap
        {"lats": (LATS, {}), "lons": (LONS, {})},
        {"lats": (LATS, {"units": "m"}), "lons": (LONS, {"units": "m"})},
        {"lons": (LONS, {"units": "degrees"})},  # of a rotated pole, maybe
    ],
)
def test_uneven_steps_and_other_units_are_none(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert _scene(tmp_path / "a.nc", **changes).georeference is None


def test_arrays_of_a_zarr_store_have_the_place_of_their_coordinates(tmp_path: Path) -> None:
    values = np.arange(600, dtype=np.float32).reshape(20, 30)
    dimensions = {"_ARRAY_DIMENSIONS": ["lat", "lon"]}
    attributes = {"sst": dimensions, "cube": {"_ARRAY_DIMENSIONS": ["time", "lat", "lon"]},
                  "lat": {"_ARRAY_DIMENSIONS": ["lat"], **NORTH},
                  "lon": {"_ARRAY_DIMENSIONS": ["lon"], **EAST}}  # fmt: skip
    arrays = {"lat": LATS, "lon": LONS, "sst": values, "cube": np.stack([values] * 3)}
    store = write_zarr(tmp_path / "a.zarr", attributes=attributes, **arrays)
    scenes = {listed.name: open_scene(listed.path) for listed in scenes_of(str(store))}
    assert list(scenes) == ["a.zarr:cube", "a.zarr:sst"]
    for scene in scenes.values():
        assert scene.place.bounds(0, 0, 20) == pytest.approx((10, 48, 12, 50), abs=1e-5)
        assert default_bands(scene.dataset) == (1,), "times are no colours"


def test_bands_that_are_times_are_called_by_their_dates(tmp_path: Path) -> None:
    hours = np.array([0.0, 24.0, 36.5])
    for number, (times, dates) in enumerate((
        ((hours, {"units": "hours since 2019-7-14"}),
         ("2019-07-14", "2019-07-15", "2019-07-15T12:30:00Z")),
        ((hours, {"units": "days since 2019-07-14 00:00:00", "calendar": "noleap"}), ()),
        ((hours, {"units": "hours since 2019-07-14 00:00:00 +02:00"}), ()),
        ((hours, {"units": "m"}), ()),
        ((hours * 1e12, {"units": "days since 2019-07-14"}), ()),
    )):  # fmt: skip
        scene = _scene(tmp_path / f"{number}.nc", times=times)
        assert scene.dataset.count == 3
        assert scene.facts.bands == dates
        assert scene.facts.acquired == "", "of several times none is the scene's"
        assert default_bands(scene.dataset) == (1,)


def test_the_only_time_is_when_a_scene_was_taken(tmp_path: Path) -> None:
    times = (np.array([18091.25]), {"units": "days since 1970-01-01", "calendar": "standard"})
    assert _scene(tmp_path / "a.nc", times=times).facts.acquired == "2019-07-14T06:00:00Z"
