"""Tiles without anything to see are left out, with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from domainclip.extractors.tiles.pixels.cutting import tiles_of_row
from domainclip.extractors.tiles.reading.rows import Rows
from domainclip.pairs import Skip
from tests.data.make_rasters import scene_values, write_scene


def _tiles(path: Path, row: int, columns: list[int], size: int, **options: Any) -> list[Any]:
    with rasterio.open(path) as dataset:
        rows = Rows("s", dataset, list(range(1, dataset.count + 1)))
        return list(
            tiles_of_row("s", rows, row, np.array(columns), size, shape=dataset.shape, **options)
        )


def _reasons(tiles: list[Any]) -> list[str]:
    return [tile.reason if isinstance(tile, Skip) else "" for tile in tiles]


def test_constant_is_told_of_the_pixels_with_data(tmp_path: Path) -> None:
    values = scene_values(8, 32)
    values[:, :, 8:16] = 5  # constant
    values[:, :, 16:24] = 5
    values[:, 0, 16] = 0  # constant beside one pixel of no data
    values[:, :, 24:] = 0
    path = write_scene(tmp_path / "s.tif", values, nodata=0)
    tiles = _tiles(path, 0, [0, 8, 16, 24], 8)
    assert _reasons(tiles) == ["", "constant", "constant", "nodata"]
    assert not any(tile.quarantine for tile in tiles if isinstance(tile, Skip))


def test_a_constant_float_with_holes_is_constant(tmp_path: Path) -> None:
    values = np.full((1, 8, 8), 2.5, np.float32)
    values[0, :2, 3] = np.nan
    path = write_scene(tmp_path / "s.tif", values)
    assert _reasons(_tiles(path, 0, [0], 8)) == ["constant"]


def test_max_nodata_counts_what_lies_in_the_scene(tmp_path: Path) -> None:
    values = scene_values(6, 10)
    values[:, 0, 8] = 0  # one pixel of the two columns that the padded tile has
    path = write_scene(tmp_path / "s.tif", values, nodata=0)
    assert _reasons(_tiles(path, 0, [8], 8, max_nodata=0.09)) == [""]
    assert _reasons(_tiles(path, 0, [8], 8, max_nodata=0.08)) == ["nodata"]
    ((padded, valid),) = _tiles(path, 0, [8], 8, max_nodata=0.09)
    assert valid.sum() == 11
    assert not padded[:, ~valid].any()


@pytest.mark.parametrize("kind", ["uint8", "int16"])
def test_padding_is_of_the_type_of_the_values(tmp_path: Path, kind: str) -> None:
    path = write_scene(tmp_path / "s.tif", scene_values(6, 10).astype(kind))
    ((values, _),) = _tiles(path, 0, [8], 8)
    assert values.dtype == kind
    assert (values[:, 6:] == 0).all()


def test_cloudy_tiles_are_not_read(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "s.tif", scene_values(8, 32))
    tiles = _tiles(path, 0, [0, 8, 16], 8, clouds=[0.2, 0.21, float("nan")], max_cloud=0.2)
    assert _reasons(tiles) == ["", "cloudy", ""]


def test_a_bad_block_costs_its_tiles_alone(shared_data: Path) -> None:
    path = shared_data / "tiles" / "rasterio" / "corrupt.tif"
    with rasterio.open(path) as dataset:
        columns = list(range(0, dataset.width, 256))
        reasons = [
            _reasons(_tiles(path, row, columns, 256)) for row in range(0, dataset.height, 256)
        ]
    flat = [reason for row in reasons for reason in row]
    assert flat.count("unreadable") == 4
    assert flat.count("") == 12
