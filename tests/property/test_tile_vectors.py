"""Rows of features equal what asking for each tile and feature alone would give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domainclip.extractors.tiles.labels.vectors.features import open_vectors
from domainclip.extractors.tiles.labels.vectors.tags import unpacked
from domainclip.extractors.tiles.labels.vectors.vocabulary import read_vocabulary
from domainclip.extractors.tiles.reading.scenes import Scene, open_scene
from domainclip.extractors.tiles.records import Facts
from tests.data.make_rasters import scene_values, write_scene
from tests.data.make_vectors import geojson

SIDE = 120
KINDS = (
    {"landuse": "forest"}, {"building": "yes"}, {"leisure": "park"}, {"highway": "primary"},
    {"natural": "tree"}, {"amenity": "school"},
)  # fmt: skip


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    path = tmp_path_factory.mktemp("vectors") / "s.tif"
    values = scene_values(SIDE, SIDE, 1)
    return open_scene(
        str(write_scene(path, values, crs="EPSG:32632", origin=(5e5, 5e6), pixel=1.0))
    )


@settings(max_examples=30, deadline=None)
@example(4628, 1, 12, 5)  # its one feature lies beyond the scene
@example(1, 12, 12, 5)  # a line of 300 m shows rounded coordinates
@given(st.integers(0, 10**6), st.integers(1, 25), st.integers(12, 70), st.integers(5, 60))
def test_a_row_equals_every_tile_and_feature_alone(
    scene: Scene, seed: int, count: int, size: int, stride: int
) -> None:
    rng = np.random.default_rng(seed)
    features = []
    for number in range(count):
        points = rng.uniform(-30, SIDE + 30, 2) + rng.uniform(-40, 40, (4, 2))
        shape = (shapely.MultiPoint(points).convex_hull, shapely.LineString(points))[number % 2]
        features.append((shape, KINDS[rng.integers(len(KINDS))]))
    placed = [
        (shapely.transform(shape, lambda xy: xy * [1, -1] + [5e5, 5e6]), tags)
        for shape, tags in features
    ]
    path = geojson(Path(scene.dataset.name).parent / "v.geojson", placed, "EPSG:32632")
    # what the file holds: so far from the origin coordinates are rounded to 1e-9 m
    features = [
        (shapely.transform(shape, lambda xy: (xy - [5e5, 5e6]) * [1, -1]), tags)
        for shape, tags in placed
    ]
    vectors = open_vectors(str(path))
    west, north, east, south = shapely.total_bounds([shape for shape, _ in features])
    reached = west <= SIDE and north <= SIDE and east >= 0 and south >= 0
    columns = np.arange(0, SIDE, stride)
    for row in range(0, SIDE, stride):
        found = vectors.of_row(scene, row, columns, size)
        if not reached:
            assert found == ["not_annotated"] * len(columns)
            continue
        for column, facts in zip(columns.tolist(), found, strict=True):
            assert isinstance(facts, Facts)
            told = sorted((t.category, t.area_px, t.length_px, *t.box) for t in facts.features)
            slow = sorted(_slow(features, column, row, size))
            assert [each[0] for each in told] == [each[0] for each in slow]
            for one, other in zip(told, slow, strict=True):
                assert one[1:] == pytest.approx(other[1:], abs=1e-5)


def _slow(
    features: list[tuple[shapely.Geometry, dict[str, str]]], column: int, row: int, size: int
) -> list[tuple[str, float, float, float, float, float, float]]:
    right, low = min(column + size, SIDE), min(row + size, SIDE)
    frame = shapely.box(column, row, right, low)
    found = []
    for shape, tags in features:
        meaning = read_vocabulary(None).of(tags)
        part = shape.intersection(frame)
        if meaning is None or part.is_empty:
            continue
        x0, y0, x1, y1 = part.bounds
        if shape.geom_type == "Polygon":
            area, length, wide = part.area, 0.0, 0.0
            seen = area**0.5 >= meaning.pixels
        else:
            wide = meaning.size_m or 0.0
            length, area = part.length, part.length * wide
            seen = length >= 16 and wide >= 0.5
        if seen:
            box = (
                max(x0 - wide / 2, column) - column, max(y0 - wide / 2, row) - row,
                min(x1 + wide / 2, right) - column, min(y1 + wide / 2, low) - row,
            )  # fmt: skip
            found.append((meaning.category, area, length, *box))
    return found


@given(
    st.dictionaries(
        st.text(st.characters(codec="ascii", exclude_characters="\n\r\t"), min_size=1).map(
            str.strip
        ),
        st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), max_size=60),
        max_size=5,
    )
)
def test_hstore_text_comes_back_as_its_tags(tags: dict[str, str]) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    text = ",".join(f"{quoted(key)}=>{quoted(value)}" for key, value in tags.items())
    assert unpacked(text) == {key: value for key, value in tags.items() if key and value}


@given(st.text(max_size=200))
def test_any_text_at_all_holds_tags_or_none(text: str) -> None:
    assert all(key and value for key, value in unpacked(text).items())
