"""A kept tile is the scene's own window, with all that the file says of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasterio.io import MemoryFile
from rasterio.windows import Window

from domainclip.errors import OutputError, UsageError
from domainclip.extractors.tiles.pixels.keeping import keep_tile, raw_tile
from domainclip.extractors.tiles.reading.scenes import open_scene
from tests.data.make_rasters import scene_values, write_scene


@pytest.mark.parametrize(
    "kind", ["uint8", "int8", "uint16", "int16", "int32", "float32", "float64", "complex64"]
)
def test_values_and_place_are_the_scenes(tmp_path: Path, kind: str) -> None:
    values = scene_values(20, 30, 2).astype(kind)
    scene = open_scene(str(write_scene(tmp_path / "s.tif", values, nodata=3)))
    data = raw_tile(scene, 4, 6, 8)
    assert data == raw_tile(scene, 4, 6, 8)
    with MemoryFile(data) as memory, memory.open() as tile:
        assert np.array_equal(tile.read(), values[:, 6:14, 4:12])
        assert tile.dtypes == (kind, kind)
        assert tile.nodata == 3
        assert tile.crs == scene.dataset.crs
        west, north = 10 + 4 * 0.01, 50 - 6 * 0.01
        assert tile.bounds == pytest.approx((west, north - 0.08, west + 0.08, north))


def test_what_the_file_says_of_its_bands_comes_along(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "s.tif", scene_values(20, 30, 4).astype(np.uint16))
    with rasterio.open(path, "r+") as dataset:
        dataset.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue,
                               ColorInterp.alpha)  # fmt: skip
        dataset.scales, dataset.offsets = (1e-4, 2e-4, 3e-4, 1.0), (-0.1, 0.0, 0.0, 0.0)
        dataset.set_band_description(2, "B03")
        dataset.set_band_unit(1, "sr-1")
        dataset.update_tags(TIFFTAG_DATETIME="2019:07:14 10:00:00", PLATFORM="S2A", LONG="x" * 9999)
        dataset.update_tags(1, WAVELENGTH="665", STATISTICS_MEAN="3")
    scene = open_scene(str(path))
    with MemoryFile(raw_tile(scene, 0, 0, 8)) as memory, memory.open() as tile:
        assert tile.count == 4
        assert tile.colorinterp == scene.dataset.colorinterp
        assert tile.scales == scene.dataset.scales
        assert tile.offsets == scene.dataset.offsets
        assert tile.descriptions[1] == "B03"
        assert tile.units[0] == "sr-1"
        assert tile.tags()["PLATFORM"] == "S2A"
        assert "LONG" not in tile.tags()
        assert tile.tags(1) == {"WAVELENGTH": "665"}


def test_padding_is_nodata_or_masked(tmp_path: Path) -> None:
    values = scene_values(20, 30)
    with_nodata = open_scene(str(write_scene(tmp_path / "a.tif", values, nodata=255)))
    without = open_scene(str(write_scene(tmp_path / "b.tif", values)))
    for scene in (with_nodata, without):
        with MemoryFile(raw_tile(scene, 25, 15, 8)) as memory, memory.open() as tile:
            assert np.array_equal(tile.read()[:, :5, :5], values[:, 15:, 25:])
            inside = np.zeros((8, 8), bool)
            inside[:5, :5] = True
            assert np.array_equal(tile.dataset_mask() > 0, inside)


def test_a_palette_and_a_mask_of_the_files_own_are_kept(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "p.tif", scene_values(20, 30, 1), photometric="palette")
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {value: (value, 0, 255 - value, 255) for value in range(256)})
    with MemoryFile(raw_tile(open_scene(str(path)), 0, 0, 8)) as memory, memory.open() as tile:
        assert tile.colormap(1)[7] == (7, 0, 248, 255)
    path = write_scene(tmp_path / "m.tif", scene_values(20, 30))
    mask = np.zeros((20, 30), np.uint8)
    mask[3:9, 2:20] = 255
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(mask)
    with MemoryFile(raw_tile(open_scene(str(path)), 0, 0, 8)) as memory, memory.open() as tile:
        assert np.array_equal(tile.dataset_mask(), mask[:8, :8])


def test_scenes_without_a_place_are_kept_too(tmp_path: Path) -> None:
    scene = open_scene(str(write_scene(tmp_path / "s.tif", scene_values(20, 30), crs=None)))
    with MemoryFile(raw_tile(scene, 4, 6, 8)) as memory, memory.open() as tile:
        assert tile.crs is None
        assert np.array_equal(tile.read(), scene_values(20, 30)[:, 6:14, 4:12])


def test_files_are_written_whole_and_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    assert keep_tile(folder, "s_x1_y2", b"one") == folder / "s_x1_y2.tif"
    keep_tile(folder, "s_x1_y2", b"two")
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [
        ("s_x1_y2.tif", b"two")
    ]
    for key in ("../s", "a/b", "a\\b", "..", "", "a\0"):
        with pytest.raises(UsageError):
            keep_tile(folder, key, b"x")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        keep_tile(tmp_path / "file", "s", b"x")


def test_every_real_raster_can_be_kept(shared_data: Path) -> None:
    kept = 0
    for path in sorted((shared_data / "tiles").rglob("*.tif")):
        if path.name == "corrupt.tif":
            continue
        scene = open_scene(str(path))
        column, row = max(scene.width - 40, 0), max(scene.height - 40, 0)
        data = raw_tile(scene, column, row, 64)
        with MemoryFile(data) as memory, memory.open() as tile:
            wide, high = min(64, scene.width - column), min(64, scene.height - row)
            window = Window(column, row, wide, high)
            expected = scene.dataset.read(window=window)
            found = tile.read(window=Window(0, 0, wide, high))
            assert np.array_equal(found, expected, equal_nan=expected.dtype.kind in "fc"), path.name
        kept += 1
    assert kept > 35
