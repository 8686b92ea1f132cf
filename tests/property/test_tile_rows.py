"""Sliding windows and running counts equal what reading and counting each tile would give; damaged
files end in pairs and sentences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.windows import Window

from domainclip.extractors.tiles import Tiles
from domainclip.extractors.tiles.labels.classes import NO_CLASS, leading, tally
from domainclip.extractors.tiles.labels.draws import class_limits
from domainclip.extractors.tiles.reading.rows import Rows
from domainclip.pairs import Pair, Skip
from tests.data.make_rasters import scene_values, write_scene

HEIGHT, WIDTH = 60, 30


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "s.tif"
    values = scene_values(HEIGHT, WIDTH)
    values[:, 10:13, 4:9] = 0
    return write_scene(path, values, nodata=0, tiled=True, blockxsize=16, blockysize=16)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, HEIGHT - 1), st.integers(1, 20)).map(
            lambda each: (each[0], min(each[1], HEIGHT - each[0]))
        ),
        max_size=8,
    ),
    st.booleans(),
)
def test_rows_are_those_of_the_file_in_any_order(
    scene: Path, asked: list[tuple[int, int]], resident: bool
) -> None:
    with rasterio.open(scene) as dataset:
        rows = Rows("s", dataset, (3, 1), resident=resident)
        for row, count in asked:
            values, valid = rows.at(row, count)
            window = Window(0, row, WIDTH, count)
            assert np.array_equal(values, dataset.read([3, 1], window=window))
            assert np.array_equal(valid, dataset.dataset_mask(window=window) > 0)


def test_no_row_is_read_twice(scene: Path) -> None:
    class Counting:
        def __init__(self, dataset: object) -> None:
            self.dataset, self.rows = dataset, 0

        def __getattr__(self, name: str) -> object:
            return getattr(self.dataset, name)

        def read(self, bands: list[int], window: Window) -> np.ndarray:
            self.rows += int(window.height)
            return self.dataset.read(bands, window=window)  # type: ignore[attr-defined, no-any-return]

    with rasterio.open(scene) as dataset:
        counting = Counting(dataset)
        rows = Rows("s", counting, (1,))
        for row in range(0, HEIGHT - 16 + 1, 4):
            rows.at(row, 16)
        assert counting.rows == HEIGHT


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 5), st.booleans())
def test_the_majority_is_that_of_a_count(seed: int, side: int, classes: int, holes: bool) -> None:
    rng = np.random.default_rng(seed)
    band = rng.integers(-2, classes - 2, (side, 25)).astype(np.int16)
    valid = rng.random((side, 25)) < (0.7 if holes else 1.1)
    columns = np.arange(0, 25 - side + 1, 2)
    best, share = leading(*tally(band, valid, columns, side))
    for at, column in enumerate(columns):
        square = np.s_[:, column : column + side]
        values, counts = np.unique(band[square][valid[square]], return_counts=True)
        if not len(values):
            assert (best[at], share[at]) == (NO_CLASS, 0)
        else:
            assert best[at] == values[counts.argmax()]
            assert share[at] == counts.max() / side**2


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(1e-6, 1)), unique_by=lambda each: each[1]),
    st.one_of(st.none(), st.integers(1, 4)),
    st.integers(0, 3),
)
def test_the_smallest_draws_of_each_class_are_kept(
    draws: list[tuple[str, float]], per_class: int | None, min_per_class: int
) -> None:
    limits = class_limits(draws, per_class=per_class, min_per_class=min_per_class)
    for name in {name for name, _ in draws}:
        own = sorted(number for each, number in draws if each == name)
        expected = [] if len(own) < min_per_class else own[:per_class]
        assert [number for number in own if number <= limits[name]] == expected


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=20),
    st.booleans(),
    st.floats(0, 1),
)
def test_a_damaged_file_ends_in_pairs_and_sentences(
    scene: Path, changes: list[tuple[float, int]], in_the_header: bool, cut: float
) -> None:
    data = bytearray(scene.read_bytes())
    reach = 400 if in_the_header else len(data)
    for at, value in changes:
        data[min(int(at * reach), len(data) - 1)] = value
    if cut < 0.3:
        del data[int(len(data) * cut / 0.3) :]
    damaged = scene.with_name("damaged.tif")
    damaged.write_bytes(data)
    table = scene.with_name("everywhere.csv")
    table.write_text("label,west,south,east,north\nland,-1e9,-1e9,1e9,1e9\n")
    tiles = Tiles(classes=str(table), size_px=15)
    for at, source in enumerate(tiles.sources(str(damaged))):
        for item in tiles.pairs(source):
            assert isinstance(item, Pair | Skip)
            assert isinstance(item, Pair) or item.detail or not item.quarantine
        if at == 3:
            break
