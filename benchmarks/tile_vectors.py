"""Tiles a second from vectors: rows of tiles against one tile and feature at a time.

    python benchmarks/tile_vectors.py [--tiles-side 45] [--features 20]

A made scene of 224-pixel tiles at 0.5 m with about so many features in each (buildings, parks,
roads, points), from an indexed GeoPackage and from a GeoJSON. The comparison clips each feature to
each tile as geopandas.clip does, by shapely, with an index. Shares of land cover are timed against
counting each tile by numpy.unique. Process time, one core.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import rasterio
import shapely
from rasterio import Affine

from domainclip.extractors.tiles.labels.cover import open_cover
from domainclip.extractors.tiles.labels.vectors.features import open_vectors
from domainclip.extractors.tiles.labels.vectors.reading import open_layers
from domainclip.extractors.tiles.labels.vectors.vocabulary import read_vocabulary
from domainclip.extractors.tiles.reading.scenes import Scene, open_scene

SIZE, GSD = 224, 0.5
KEYS = ("building", "leisure", "highway", "amenity")
TAGS = (("building", "yes"), ("building", "house"), ("leisure", "park"), ("highway", "residential"),
        ("amenity", "fountain"))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiles-side", type=int, default=30)
    parser.add_argument("--features", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        scene = _scene(path / "s.tif", options.tiles_side * SIZE)
        count = options.tiles_side**2 * options.features
        gpkg = _features(path / "v.gpkg", "GPKG", scene.width, count)
        geojson = _features(path / "v.geojson", "GeoJSON", scene.width, count)
        columns = np.arange(0, scene.width - SIZE + 1, SIZE)
        tiles = len(columns) ** 2
        print(f"{tiles} tiles of {SIZE} px, {count / tiles:.1f} features a tile")
        for name, file in (("GeoPackage", gpkg), ("GeoJSON", geojson)):
            vectors, before = open_vectors(str(file)), _peak_mb()
            seconds, seen = _timed(lambda v=vectors: _rows(v, scene, columns))  # type: ignore[misc]
            print(
                f"rows from {name:10} {tiles / seconds:8.0f} tiles/s, {seen / tiles:.1f} visible, "
                f"{_peak_mb() - before:.0f} MB on top"
            )
        slow_tiles = min(tiles, 200)
        slow, _ = _timed(lambda: _one_by_one(gpkg, scene, slow_tiles))
        print(
            f"one tile at a time   {slow_tiles / slow:8.0f} tiles/s (bbox read of the GeoPackage)"
        )
        cover = open_cover(str(_cover(path / "c.tif", scene.width)), table="worldcover", purity=0)
        half = np.arange(0, scene.width - SIZE + 1, SIZE // 2)
        fast, _ = _timed(lambda: [cover.of_row(scene, row, half, SIZE) for row in half.tolist()])
        counted, _ = _timed(lambda: _counted(path / "c.tif", half))
        print(
            f"land cover at 224/112 {len(half) ** 2 / fast:7.0f} tiles/s, "
            f"{len(half) ** 2 / counted:.0f} by numpy.unique of each window of the same rows"
        )


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _rows(vectors: Any, scene: Scene, columns: np.ndarray) -> int:
    return sum(
        len(facts.features)
        for row in columns.tolist()
        for facts in vectors.of_row(scene, row, columns, SIZE)
    )


def _one_by_one(file: Path, scene: Scene, most: int) -> int:
    """What a loader does that reads each tile's box and clips."""
    vocabulary = read_vocabulary(None)
    (layer,) = open_layers(str(file))
    seen = 0
    side = scene.width // SIZE
    for number in range(most):
        column, row = number % side * SIZE, number // side * SIZE
        west, south, east, north = scene.place.bounds(column, row, SIZE)
        _, _, wkb, data = pyogrio.raw.read(str(file), bbox=(west, south, east, north))
        frame = shapely.box(west, south, east, north)
        for at, shape in enumerate(shapely.from_wkb(wkb)):
            part = shape.intersection(frame)
            values = zip(layer.fields, data, strict=True)
            tags = {key: each[at] for key, each in values if each[at]}
            seen += vocabulary.of(tags) is not None and not part.is_empty
    return seen


def _counted(file: Path, columns: np.ndarray) -> list[Any]:
    with rasterio.open(file) as dataset:
        found = []
        for row in columns.tolist():
            band = dataset.read(1, window=rasterio.windows.Window(0, row, dataset.width, SIZE))
            for column in columns.tolist():
                window = band[:, column : column + SIZE]
                found.append(np.unique(window, return_counts=True))
    return found


def _scene(path: Path, side: int) -> Scene:
    # the pixels are never read
    with rasterio.open(
        path, "w", driver="GTiff", width=side, height=side, count=1, dtype="uint8",
        crs="EPSG:32632", transform=Affine(GSD, 0, 5e5, 0, -GSD, 5e6), sparse_ok=True,
    ):  # fmt: skip
        pass
    return open_scene(str(path))


def _features(path: Path, driver: str, side: int, count: int) -> Path:
    rng = np.random.default_rng(0)
    middles = rng.uniform(0, side * GSD, (count, 2)) * [1, -1] + [5e5, 5e6]
    kinds = rng.integers(0, len(TAGS), count)
    angles = np.linspace(0, 2 * np.pi, 13)[:-1]
    radii = rng.uniform(4, 15, (count, 1)) * rng.uniform(0.7, 1, (count, 12))
    rings = middles[:, None] + radii[..., None] * np.stack([np.cos(angles), np.sin(angles)], -1)
    shapes = shapely.polygons(rings).astype(object)
    lines, points = kinds == 3, kinds == 4
    shapes[lines] = shapely.linestrings(rings[lines, :5])
    shapes[points] = shapely.points(middles[points])
    tags = [TAGS[kind] for kind in kinds.tolist()]
    pyogrio.raw.write(
        str(path),
        geometry=shapely.to_wkb(shapes),
        field_data=[np.array([v if k == key else "" for k, v in tags], object) for key in KEYS],
        fields=list(KEYS),
        driver=driver,
        crs="EPSG:32632",
        geometry_type="Unknown",
    )
    return path


def _cover(path: Path, side: int) -> Path:
    rng = np.random.default_rng(0)
    coarse = rng.integers(1, 10, (side // 20 + 1, side // 20 + 1)) * 10
    values = coarse.repeat(20, 0).repeat(20, 1)[:side, :side].astype(np.uint8)
    with rasterio.open(
        path, "w", driver="GTiff", width=side, height=side, count=1, dtype="uint8", tiled=True,
        compress="deflate", crs="EPSG:32632", transform=Affine(GSD, 0, 5e5, 0, -GSD, 5e6),
    ) as dataset:  # fmt: skip
        dataset.write(values, 1)
    return path


if __name__ == "__main__":
    main()
