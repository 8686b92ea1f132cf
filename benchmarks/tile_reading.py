"""Tiles per second out of one raster: row bands that slide down, against four usual ways.

    python -m benchmarks.tile_reading [--height 2700 --width 5400 --size 224 --stride 112]

For a striped and a tiled GeoTIFF (deflate): the file opened for each tile; opened and wrapped in a
WarpedVRT for each tile; the method of torchgeo's raster datasets (an open WarpedVRT is kept for
each file, and every query goes through rasterio's merge of the files that it meets, here one; the
method alone, none of its code); one open file and a window for each tile; and the row bands of
``domainclip extract tiles``, which also look for nodata and constant tiles; and torchgeo itself
where it is installed (``pip install torchgeo``). Tiles are counted as arrays, as each way gives
them. The bands' bytes are compared with the windows' and the merges'. Then the memory that the
bands take, in rows of tiles; 16-bit tiles as pictures of 8 bits, with limits of the scene and of
each tile's own, against numpy's percentile of each; and the whole way from a 16-bit file to such
pictures, against the kept WarpedVRT, its merge and numpy's percentile. Rates are per CPU second, so
that a busy machine does not change the ratios much.

The raster is NASA's Blue Marble where its wheel is installed, else smooth noise.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import rasterio
from rasterio import Affine
from rasterio.merge import merge
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from domainclip.errors import MissingExtra
from domainclip.extractors.tiles.grid import Grid
from domainclip.extractors.tiles.pixels.bands import composite_of
from domainclip.extractors.tiles.pixels.composites import Channel, Composite
from domainclip.extractors.tiles.pixels.cutting import tiles_of_row
from domainclip.extractors.tiles.pixels.limits import scene_limits
from domainclip.extractors.tiles.pixels.rendering import Look, Renderer
from domainclip.extractors.tiles.reading.rows import Rows
from domainclip.extractors.tiles.reading.scenes import open_scene
from domainclip.images.stretch import percentile_limits
from domainclip.pairs import Skip

__all__ = ["main"]

BANDS = (1, 2, 3)


def opened_for_each(path: Path, places: list[tuple[int, int]], size: int) -> Iterator[np.ndarray]:
    """rasterio.open, a window, close."""
    for row, column in places:
        with rasterio.open(path) as dataset:
            yield dataset.read(BANDS, window=Window(column, row, size, size))


def warped_for_each(path: Path, places: list[tuple[int, int]], size: int) -> Iterator[np.ndarray]:
    """The same through a WarpedVRT, as readers that may have to reproject do."""
    for row, column in places:
        with rasterio.open(path) as dataset, WarpedVRT(dataset) as warped:
            yield warped.read(BANDS, window=Window(column, row, size, size))


def one_handle(path: Path, places: list[tuple[int, int]], size: int) -> Iterator[np.ndarray]:
    """One open file: GDAL's block cache saves what was decoded."""
    with rasterio.open(path) as dataset:
        for row, column in places:
            yield dataset.read(BANDS, window=Window(column, row, size, size))


def merged(path: Path, places: list[tuple[int, int]], size: int) -> Iterator[np.ndarray]:
    """One WarpedVRT kept open, and rasterio's merge of it within the bounds of each tile."""
    with rasterio.open(path) as dataset, WarpedVRT(dataset, crs=dataset.crs) as warped:
        for row, column in places:
            bounds = warped.window_bounds(Window(column, row, size, size))
            yield merge([warped], bounds=bounds, res=warped.res, indexes=list(BANDS))[0]


def torchgeo_for_each(path: Path, places: list[tuple[int, int]], size: int) -> Iterator[np.ndarray]:
    """torchgeo's RasterDataset, asked for the bounds of each tile."""
    from torchgeo.datasets import RasterDataset

    dataset = RasterDataset(path)
    with rasterio.open(path) as opened:
        transform = opened.transform
    for row, column in places:
        west, north = transform @ (column, row)
        east, south = transform @ (column + size, row + size)
        yield dataset[west:east, south:north]["image"].numpy()  # type: ignore[misc]


def row_bands(path: Path, places: list[tuple[int, int]], size: int) -> Iterator[np.ndarray]:
    """What the extractor does."""
    with rasterio.open(path) as dataset:
        rows = Rows(path.name, dataset, BANDS)
        for row in sorted({row for row, _ in places}):
            columns = np.array([column for each, column in places if each == row])
            tiles = tiles_of_row(path.name, rows, row, columns, size, shape=dataset.shape)
            for tile in tiles:
                yield np.zeros((3, size, size), np.uint8) if isinstance(tile, Skip) else tile[0]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("height", 2700), ("width", 5400), ("size", 224), ("stride", 112)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    values = _values(options.height, options.width)
    size, stride = options.size, options.stride
    places = [
        (row, column)
        for row in range(0, options.height - size + 1, stride)
        for column in range(0, options.width - size + 1, stride)
    ]
    print(f"{options.width} x {options.height}, {len(places):,} tiles of {size} px every {stride}")
    with tempfile.TemporaryDirectory() as folder:
        for layout, creation in (
            ("striped", {}),
            ("tiled", {"tiled": True, "blockxsize": 256, "blockysize": 256}),
        ):
            path = Path(folder) / f"{layout}.tif"
            _write(path, values, **creation)
            _compare(layout, path, places, size)
        _stretch(values, size)
        path = Path(folder) / "deep.tif"
        _write(path, _deep(values), tiled=True, blockxsize=256, blockysize=256)
        _whole_way(path, size, stride)


def _compare(layout: str, path: Path, places: list[tuple[int, int]], size: int) -> None:
    bands, expected = _timed(row_bands, path, places, size)
    print(f"\n{layout:8} row bands        {bands:10,.0f} tiles/s")
    for way, words in (
        (one_handle, "one open file"),
        (merged, "kept VRT, merged"),
        *([(torchgeo_for_each, "torchgeo")] if find_spec("torchgeo") else []),
        (opened_for_each, "opened for each"),
        (warped_for_each, "warped for each"),
    ):
        whole = way in (one_handle, merged)
        some = places[:: 1 if whole else 16]  # the slow ones: a sixteenth of them
        rate, digest = _timed(way, path, some, size)
        assert not whole or digest == expected, "other bytes"
        print(f"{layout:8} {words:16} {rate:10,.0f} tiles/s  row bands are {bands / rate:6.1f} x")
    tracemalloc.start()
    for _ in row_bands(path, places, size):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    with rasterio.open(path) as dataset:
        height_bytes = 3 * size * dataset.width
    held = peak / height_bytes
    print(f"{layout:8} memory           {peak / 1e6:10.1f} MB: {held:.2f} rows of tiles")


def _timed(
    way: Callable[[Path, list[tuple[int, int]], int], Iterator[np.ndarray]],
    path: Path,
    places: list[tuple[int, int]],
    size: int,
) -> tuple[float, str]:
    """(tiles per second, the better of two; a hash of all of them)"""
    best = float("inf")
    for _ in range(2):
        started = time.process_time()
        for _ in way(path, places, size):
            pass
        best = min(best, time.process_time() - started)
    digest = hashlib.blake2b()
    if way in (row_bands, one_handle, merged):
        for tile in way(path, places, size):
            digest.update(np.ascontiguousarray(tile))
    return len(places) / best, digest.hexdigest()


def _stretch(values: np.ndarray, size: int) -> None:
    deep = _deep(values[:, : 4 * size, : 8 * size])
    tiles = [
        deep[:, row : row + size, column : column + size]
        for row in range(0, deep.shape[1] - size + 1, size)
        for column in range(0, deep.shape[2] - size + 1, size)
    ]
    valid = np.ones((size, size), bool)
    composite = Composite(
        "", BANDS, tuple(Channel("band", (at,)) for at in range(3)), "uint16", ((1.0, 0.0),) * 3
    )
    of_scene = Renderer(composite, Look(), percentile_limits(deep))
    of_tile = Renderer(composite, Look(stretch="tile"))
    of_scene(tiles[0], valid)
    numpy = _rate(tiles, _by_numpy)
    print(f"\n16-bit   numpy percentile {numpy:10,.0f} tiles/s")
    for words, show in (("scene's limits", of_scene), ("each tile's own", of_tile)):
        ours = _rate(tiles, lambda tile, show=show: show(tile, valid))
        print(f"16-bit   {words:16} {ours:10,.0f} tiles/s  {ours / numpy:.1f} x numpy")


def _whole_way(path: Path, size: int, stride: int) -> None:
    """From a file of 16 bits to pictures."""
    started = time.process_time()
    scene = open_scene(str(path))
    grid = Grid(scene.width, scene.height, size, stride)
    composite = composite_of(scene)
    render = Renderer(composite, Look(), scene_limits(scene, composite, Look()))
    rows = Rows(scene.name, scene.dataset, composite.bands)
    count = 0
    for row in grid.rows:
        tiles = tiles_of_row(
            scene.name, rows, row, grid.columns, size, shape=(scene.height, scene.width)
        )
        for tile in tiles:
            count += 1
            if not isinstance(tile, Skip):
                render(*tile)
    ours = count / (time.process_time() - started)
    places = [(row, column) for row in grid.rows for column in grid.columns.tolist()][::8]
    started = time.process_time()
    for tile in merged(path, places, size):
        _by_numpy(tile)
    theirs = len(places) / (time.process_time() - started)
    print(
        f"\n16-bit file to pictures: row bands, scene's limits {ours:,.0f} tiles/s; "
        f"kept VRT, merged, numpy percentile {theirs:,.0f}: {ours / theirs:.1f} x"
    )


def _by_numpy(tile: np.ndarray) -> np.ndarray:
    low, high = np.percentile(tile, (2, 98), axis=(1, 2), keepdims=True)
    return np.clip((tile - low) / np.maximum(high - low, 1) * 255, 0, 255).astype(np.uint8)


def _rate(tiles: list[np.ndarray], show: Callable[[np.ndarray], np.ndarray]) -> float:
    """Tiles per CPU second, the best of three."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        for tile in tiles:
            show(tile)
        best = min(best, time.process_time() - started)
    return len(tiles) / best


def _deep(values: np.ndarray) -> np.ndarray:
    """As a sensor of 12 bits gives them."""
    low_bits = np.random.default_rng(0).integers(0, 16, values.shape, dtype=np.uint16)
    return values.astype(np.uint16) * 16 + low_bits


def _values(height: int, width: int) -> np.ndarray:
    try:
        found: np.ndarray = open_scene("blue_marble").dataset.read()[:, :height, :width]
    except MissingExtra:
        x, y = np.arange(width), np.arange(height)[:, None]
        waves = [128 + 90 * np.sin(x / (40 + 9 * k)) * np.cos(y / 31) for k in range(3)]
        rng = np.random.default_rng(0)
        found = (np.stack(waves) + rng.normal(0, 6, (3, height, width))).clip(0, 255)
    return found.astype(np.uint8)


def _write(path: Path, values: np.ndarray, **creation: object) -> None:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=3,
        height=values.shape[1],
        width=values.shape[2],
        dtype=values.dtype,
        crs="EPSG:4326",
        transform=Affine(1 / 15, 0, -180, 0, -1 / 15, 90),
        compress="deflate",
        **creation,
    ) as dataset:
        dataset.write(values)


if __name__ == "__main__":
    main()
