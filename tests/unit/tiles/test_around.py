"""Tiles around features, as SkyScript takes its images, instead of on a grid."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from domainclip.errors import UsageError
from domainclip.extractors.tiles import Tiles
from domainclip.pairs import Pair, Skip
from tests.data.make_rasters import scene_values, write_scene


def _stadium(middle: tuple[float, float], side: float) -> dict[str, object]:
    x, y = middle
    half = side / 2
    corners = [(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)]
    ring = [[x + dx, y + dy] for dx, dy in corners]
    return {
        "type": "Feature",
        "properties": {"leisure": "stadium"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def _vectors(path: Path, middles: list[tuple[float, float]]) -> Path:
    features = [_stadium(middle, 0.001) for middle in middles]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_a_tile_lies_around_each_feature_and_is_about_it(tmp_path: Path) -> None:
    values = scene_values(400, 400)
    scene = write_scene(tmp_path / "s.tif", values, origin=(10.0, 50.0), pixel=1e-5)
    vectors = _vectors(tmp_path / "v.geojson", [(10.001, 49.999), (10.003, 49.998)])
    tiles = Tiles(vectors=str(vectors), around=True, size_px=150)
    items = [item for source in tiles.sources(str(scene)) for item in tiles.pairs(source)]
    pairs = [item for item in items if isinstance(item, Pair)]
    assert [pair.where["window"][:2] for pair in pairs] == [[25, 25], [225, 125]]
    for pair in pairs:
        assert pair.meta["facts"]["focus"]
        assert pair.meta["facts"]["features"][0]["category"] == "stadium"
        assert "stadium" in pair.text.lower()
        west, south, east, north = pair.where["bounds"]
        assert np.allclose([east - west, north - south], 150e-5)


def test_a_scene_without_such_a_feature_says_so(tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "s.tif", scene_values(64, 64), pixel=1e-5)
    vectors = _vectors(tmp_path / "v.geojson", [(20.0, 20.0)])
    tiles = Tiles(vectors=str(vectors), around=True, size_px=16)
    skips = [skip for source in tiles.sources(str(scene)) for skip in tiles.pairs(source)]
    assert [skip.reason for skip in skips if isinstance(skip, Skip)] == [
        "nothing_to_be_about",
        "labels_fit_no_scene",
    ]


def test_around_is_refused_with_what_it_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--around needs --vectors"):
        list(Tiles(around=True).sources("blue_marble"))
    with pytest.raises(UsageError, match="no grid"):
        list(Tiles(vectors="v.geojson", around=True, stride_px=8).sources("blue_marble"))
