"""Grids cover what they promise, and every tile is the file's own window, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.windows import Window

from domainclip.extractors.tiles.grid import EDGES, Edge, Grid
from domainclip.extractors.tiles.pixels.cutting import tiles_of_row
from domainclip.extractors.tiles.reading.rows import Rows
from domainclip.pairs import Skip
from tests.data.make_rasters import scene_values, write_scene

sides = st.integers(1, 40)


@settings(max_examples=300, deadline=None)
@given(sides, sides, st.integers(1, 15), st.integers(1, 15), st.sampled_from(EDGES))
def test_a_grid_covers_what_its_edge_promises(
    width: int, height: int, size: int, stride: int, edge: Edge
) -> None:
    grid = Grid(width, height, size, stride, edge)
    rows, columns = list(grid.rows), grid.columns.tolist()
    for starts, side in ((rows, height), (columns, width)):
        assert starts == sorted(set(starts))
        assert all(0 <= start < side for start in starts)
        if edge != "pad":
            assert all(start + size <= side for start in starts)
            regular = [start for start in range(0, side, stride) if start + size <= side]
            if rows and columns:
                assert starts[: len(regular)] == regular
        else:
            assert all(start % stride == 0 for start in starts)
            # no padded tile shows only what the ones before it show
            assert all(a + size < side for a in starts[:-1]) or stride > size
        if edge == "drop" and rows and columns:
            assert len(starts) == len(regular)
        if edge != "drop" and rows and columns and stride <= size:
            covered = {at for start in starts for at in range(start, start + size)}
            assert set(range(side)) <= covered
    fits = min(width, height) >= size
    assert bool(rows and columns) == (fits or edge == "pad")
    refused = grid.refused
    assert (refused is None) == bool(rows and columns)
    assert refused is None or refused[0] == "smaller_than_a_tile"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grid") / "s.tif"
    values = scene_values(37, 53)
    values[:, 20:, 40:] = 0
    return write_scene(path, values, nodata=0, tiled=True, blockxsize=16, blockysize=16)


@settings(max_examples=60, deadline=None)
@given(st.integers(4, 60), st.integers(5, 40), st.sampled_from(EDGES))
def test_every_tile_is_the_files_window(scene: Path, size: int, stride: int, edge: Edge) -> None:
    with rasterio.open(scene) as dataset:
        shape = dataset.shape
        grid = Grid(shape[1], shape[0], size, stride, edge)
        rows = Rows("s", dataset, (1, 2, 3))
        for row in grid.rows:
            tiles = tiles_of_row("s", rows, row, grid.columns, size, shape=shape, max_nodata=0.999)
            for column, tile in zip(grid.columns.tolist(), tiles, strict=True):
                window = Window(column, row, size, size)
                expected = dataset.read(window=window, boundless=True, fill_value=0)
                held = (expected != 0).any(axis=0)
                if isinstance(tile, Skip):
                    kept = expected[:, held]
                    assert tile.reason in ("nodata", "constant")
                    assert (tile.reason == "nodata") <= (held.mean() <= 0.5)
                    assert (tile.reason == "constant") <= bool((kept == kept[:, :1]).all())
                    continue
                values, valid = tile
                assert values.shape == (3, size, size)
                assert np.array_equal(values, expected)
                assert np.array_equal(valid, held)
