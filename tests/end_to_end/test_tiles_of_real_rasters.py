"""Every real raster ends in tiles or in one sentence, and the counts add up."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from domainclip.extraction import run_extraction
from domainclip.extractors.tiles import Tiles
from domainclip.extractors.tiles.reading.scenes import open_scene
from domainclip.pairs import Pair, Skip, open_pairs


def _rasters(shared_data: Path) -> list[Path]:
    found = sorted((shared_data / "tiles").rglob("*"))
    rasters = [path for path in found if path.suffix in (".tif", ".tiff", ".vrt")]
    assert len(rasters) > 40
    return rasters


def test_every_real_raster_is_cut_or_says_why(shared_data: Path) -> None:
    refused, empty = {}, set()
    for path in _rasters(shared_data):
        with rasterio.open(path) as dataset:
            size = min(128, dataset.width, dataset.height)
            scene = open_scene(str(path))  # put on a grid where points or polynomials place it
            size = min(size, scene.width, scene.height)
            expected = (scene.width // size) * (scene.height // size)
            tiles = Tiles(size_px=size, cell=1e5)
            items = [item for source in tiles.sources(str(path)) for item in tiles.pairs(source)]
            skips = [item for item in items if isinstance(item, Skip)]
            if len(items) == 1 and skips and skips[0].where == path.name:
                refused[path.name] = skips[0].reason
                assert skips[0].detail
                continue
            assert len(items) == expected, path
            pairs = [item for item in items if isinstance(item, Pair)]
            if not pairs:
                empty.add((path.name, skips[0].reason))
            for pair in pairs[:: max(1, len(pairs) // 4)]:
                _compare(pair, scene.dataset, has_place=scene.georeference is not None)
    assert refused == {}
    assert ("all-nodata.tif", "nodata") in empty


def test_many_scenes_in_one_run_and_the_bad_ones_named(shared_data: Path, tmp_path: Path) -> None:
    shapes = {"RGB.byte": (718, 791), "corrupt": (1024, 1024), "all-nodata": (2475, 71)}
    folder = shared_data / "tiles" / "rasterio"
    scenes = [str(folder / f"{name}.tif") for name in (*shapes, "rotated")]
    tiles = Tiles(size_px=64)
    summary = run_extraction(tiles, scenes, tmp_path / "pairs", workers=2)
    assert set(summary.quarantined) == {"smaller_than_a_tile", "unreadable"}
    assert set(summary.skipped) == {"nodata"}
    pairs = open_pairs(tmp_path / "pairs")
    assert {pair.document for pair in pairs} == {"RGB.byte.tif", "corrupt.tif"}
    expected = sum((height // 64) * (width // 64) for height, width in shapes.values())
    left_out = summary.quarantined["unreadable"] + summary.skipped.total()
    assert len(pairs) + left_out == expected
    assert summary.quarantined["smaller_than_a_tile"] == 1
    messages = pairs.errors().column("message").to_pylist()
    assert any("--size-px" in text for text in messages)


def _compare(pair: Pair, dataset: rasterio.DatasetReader, *, has_place: bool) -> None:
    """The pair's place, resolution and (for 8-bit rasters) pixels are what rasterio says."""
    window = Window(*pair.where["window"])
    if not has_place:
        assert "bounds" not in pair.where
    elif not (dataset.transform.b or dataset.transform.d):
        left, bottom, right, top = dataset.window_bounds(window)
        bounds = (min(left, right), min(bottom, top), max(left, right), max(bottom, top))
        assert pair.where["bounds"] == pytest.approx(bounds, rel=1e-12, abs=1e-9)
    if has_place:
        found = rasterio.Affine(*pair.where["transform"])
        assert found.almost_equals(dataset.window_transform(window), precision=1e-9)
    if has_place and dataset.crs.is_projected and dataset.crs.to_epsg() not in (3857, None):
        nominal = abs(dataset.transform.determinant) ** 0.5 * dataset.crs.linear_units_factor[1]
        assert pair.where["gsd_m"] == pytest.approx(nominal, rel=1e-9)
    values = dataset.read(window=window)
    if values.dtype == np.uint8 and dataset.colorinterp[0] != ColorInterp.palette:
        shown = np.moveaxis(np.asarray(Image.open(io.BytesIO(pair.image))), -1, 0)
        assert np.array_equal(shown, values[:3] if len(values) >= 3 else values[:1].repeat(3, 0))
