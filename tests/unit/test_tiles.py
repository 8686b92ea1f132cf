"""Tiles are the scene's own pixels with the right class, place and group."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.errors import NotGeoreferencedWarning

from domainclip.errors import BadInput, MissingExtra, OutputInUse, UsageError
from domainclip.extraction import run_extraction
from domainclip.extractors.tiles import Tiles
from domainclip.extractors.tiles.reading.scenes import open_scene
from domainclip.images.phash import phash
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


def test_the_class_is_the_majority_and_purity_its_share(scene: Path, classes: Path) -> None:
    pairs, skips = _run(Tiles(classes=str(classes), size_px=32, stride_px=8, purity=0.75), scene)
    for pair in pairs:
        column = pair.where["window"][0]
        left = min(max(48 - column, 0), 32) / 32  # share of class 1
        assert pair.labels == ("1" if left > 0.5 else "2",)
        assert pair.meta["facts"]["purity"] == pytest.approx(max(left, 1 - left), abs=1e-3)
        assert pair.meta["facts"]["purity"] >= 0.75
    assert Counter(skip.reason for skip in skips) == {"below_purity": 5}
    assert len(pairs) + len(skips) == 5 * 9


def test_per_class_keeps_the_same_tiles_whatever_is_asked_first(scene: Path, classes: Path) -> None:
    tiles = Tiles(classes=str(classes), size_px=8, per_class=5, seed=3)
    pairs, _ = _run(tiles, scene)
    assert Counter(p.labels[0] for p in pairs) == {"1": 5, "2": 5}
    sources = list(pickle.loads(pickle.dumps(tiles)).sources(str(scene)))
    backwards = [p.key for s in reversed(sources) for p in tiles.pairs(s) if isinstance(p, Pair)]
    assert sorted(backwards) == sorted(p.key for p in pairs)
    other, _ = _run(Tiles(classes=str(classes), size_px=8, per_class=5, seed=4), scene)
    assert {p.key for p in other} != {p.key for p in pairs}


def test_shares_are_told_only_of_tiles_that_have_classes_nearly_everywhere(
    tmp_path: Path, scene: Path
) -> None:
    """Tiles of which 1, 0.95, 0.6 and 0.3 have a class, from left to right."""
    values = np.zeros((64, 96), int)
    for number, rows in enumerate((20, 19, 12, 6)):
        values[:rows, number * 20 : number * 20 + 20] = 1
        values[: rows // 3, number * 20 : number * 20 + 20] = 2
    classes = write_classes(tmp_path / "c.tif", values, nodata=0)
    table = tmp_path / "t.csv"
    table.write_text("value,name\n1,forest\n2,cropland\n")
    tiles = Tiles(classes=str(classes), class_table=str(table), purity=0, size_px=20, captions=4)
    pairs, skips = _run(tiles, scene)
    told = {pair.where["window"][0]: {text.role for text in pair.texts} for pair in pairs}
    assert "cover" in told[0] and "cover" in told[20]
    assert told[40] and "cover" not in told[40]
    assert [pair.meta["facts"].get("labelled") for pair in pairs] == [None, 0.95, 0.6]
    reasons = Counter(skip.reason for skip in skips)
    assert reasons == {"mostly_unlabelled": 1, "no_class": 8}
    every, _ = _run(replace(tiles, min_labelled=0.0), scene)
    assert len(every) == len(pairs) + 1


def test_a_tile_with_too_few_classes_takes_no_place_in_the_draw(
    tmp_path: Path, scene: Path
) -> None:
    values = np.zeros((64, 96), int)
    values[:, 48:] = 1
    values[:3] = 1
    classes = write_classes(tmp_path / "c.tif", values, nodata=0)
    tiles = Tiles(classes=str(classes), size_px=16, purity=0.1, per_class=12)
    pairs, _ = _run(tiles, scene)
    assert len(pairs) == 12 and all(pair.where["window"][0] >= 48 for pair in pairs)


def test_rare_classes_are_left_out(tmp_path: Path, scene: Path) -> None:
    values = np.ones((64, 96), int)
    values[:16, :16] = 2
    classes = write_classes(tmp_path / "c.tif", values)
    tiles = Tiles(classes=str(classes), size_px=16, min_per_class=2)
    pairs, skips = _run(tiles, scene)
    assert Counter(p.labels[0] for p in pairs) == {"1": 23}
    assert [skip.reason for skip in skips] == ["rare_class"]


def test_nothing_to_see_is_left_out_and_counted(tmp_path: Path) -> None:
    values = scene_values(32, 64)
    values[:, :16, :16] = 0
    values[:, :16, 16:32] = 7
    scene = write_scene(tmp_path / "s.tif", values, nodata=0)
    classes = write_classes(tmp_path / "c.tif", np.ones((32, 64)))
    pairs, skips = _run(Tiles(classes=str(classes), size_px=16), scene)
    assert Counter(skip.reason for skip in skips) == {"nodata": 1, "constant": 1}
    assert len(pairs) == 6


def test_a_few_pixels_without_data_are_let_pass(tmp_path: Path) -> None:
    values = scene_values(16, 32)
    values[:, 0, :4] = 0  # 4 of 256 pixels without data
    values[0, 0, 16:32] = 0  # dark red is not without data
    scene = write_scene(tmp_path / "s.tif", values, nodata=0)
    classes = write_classes(tmp_path / "c.tif", np.ones((16, 32)))
    pairs, _ = _run(Tiles(classes=str(classes), size_px=16), scene)
    assert len(pairs) == 2
    strict, skips = _run(Tiles(classes=str(classes), size_px=16, max_nodata=0.0), scene)
    assert [pair.where["window"][0] for pair in strict] == [16]
    assert [skip.reason for skip in skips] == ["nodata"]


def test_deep_values_are_stretched_between_the_scenes_percentiles(tmp_path: Path) -> None:
    ramp = np.linspace(1000, 3000, 64 * 64).reshape(1, 64, 64).astype(np.uint16)
    scene = write_scene(tmp_path / "deep.tif", ramp)
    classes = write_classes(tmp_path / "c.tif", np.ones((64, 64)))
    pairs, _ = _run(Tiles(classes=str(classes), size_px=32), scene)
    low, high = np.percentile(ramp, (2, 98))
    expected = ((ramp[0] - low) / (high - low) * 255).clip(0, 255).round()
    for pair in pairs:
        column, row, size, _ = pair.where["window"]
        shown = np.asarray(Image.open(io.BytesIO(pair.image)))
        assert shown.shape == (32, 32, 3)
        assert np.array_equal(shown[..., 1], expected[row : row + size, column : column + size])


def test_bands_are_those_that_the_file_calls_red_green_and_blue(tmp_path: Path) -> None:
    values = scene_values(16, 16, bands=4)
    scene = write_scene(tmp_path / "bgrn.tif", values)
    with rasterio.open(scene, "r+") as dataset:
        names = ("blue", "green", "red", "undefined")
        dataset.colorinterp = [rasterio.enums.ColorInterp[name] for name in names]
    classes = write_classes(tmp_path / "c.tif", np.ones((16, 16)))
    for bands, expected in (((), [2, 1, 0]), ((4, 3, 2), [3, 2, 1])):
        pairs, _ = _run(Tiles(classes=str(classes), size_px=16, bands=bands), scene)
        shown = np.asarray(Image.open(io.BytesIO(pairs[0].image)))
        assert np.array_equal(np.moveaxis(shown, -1, 0), values[expected])


def test_a_date_of_the_users_own_is_for_scenes_that_have_none(tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "s.tif", scene_values(16, 16), origin=(10.0, -50.0))
    (pair,) = _run(Tiles(size_px=16, acquired="2019-07-14"), scene)[0]
    assert pair.where["acquired"] == "2019-07-14"
    assert pair.meta["facts"]["season"] == "winter"  # in the south
    with pytest.raises(UsageError, match="no date"):
        list(Tiles(acquired="14 July").sources(str(scene)))


def test_a_colour_that_is_clear_is_no_data(tmp_path: Path) -> None:
    image = Image.fromarray(np.repeat(np.array([[0, 1]], np.uint8), 16, axis=0).repeat(8, axis=1))
    image.putpalette([9, 9, 9, 200, 0, 0])
    image.save(tmp_path / "p.png", transparency=bytes([255, 0]))
    _, skips = _run(Tiles(size_px=8), tmp_path / "p.png")
    assert {skip.where for skip in skips if skip.reason == "nodata"} == {
        "p.png x8 y0",
        "p.png x8 y8",
    }


def test_a_palette_is_shown_in_its_colours(tmp_path: Path) -> None:
    values = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    scene = write_scene(tmp_path / "p.tif", values)
    with rasterio.open(scene, "r+") as dataset:
        dataset.write_colormap(1, {v: (255 - v, v // 2, 7, 255) for v in range(256)})
    classes = write_classes(tmp_path / "c.tif", np.ones((16, 16)))
    pairs, _ = _run(Tiles(classes=str(classes), size_px=16), scene)
    shown = np.asarray(Image.open(io.BytesIO(pairs[0].image))).reshape(256, 3)
    assert shown[[0, 100, 255]].tolist() == [[255, 0, 7], [155, 50, 7], [0, 127, 7]]


def test_a_pair_says_what_it_is(scene: Path, classes: Path) -> None:
    for form, suffix in (("png", ".png"), ("jpeg", ".jpg")):
        tiles = Tiles(classes=str(classes), size_px=32, format=form, license="CC0-1.0")  # type: ignore[arg-type]
        pair = _run(tiles, scene)[0][0]
        image = Image.open(io.BytesIO(pair.image))
        assert (image.format, image.size) == (form.upper(), (pair.width, pair.height))
        assert pair.sha256 == hashlib.sha256(pair.image).hexdigest()
        assert pair.phash == phash(image)
        assert pair.key == "scene.tif_x000000_y000000_32px"
        assert pair.image_path == pair.key + suffix
        assert (pair.document, pair.license) == ("scene.tif", "CC0-1.0")
        assert pair.where["scene"] == "scene.tif"
        assert [t.text for t in pair.texts if t.role == "label"] == list(pair.labels)


def test_captions_name_the_class_and_repeat_themselves(scene: Path, classes: Path) -> None:
    table = classes.with_suffix(".csv")
    table.write_text("value,name\n1,orchard\n2,wheat field\n")
    tiles = Tiles(classes=str(classes), class_table=str(table), size_px=16)
    first, second = _run(tiles, scene)[0], _run(tiles, scene)[0]
    assert first == second
    for pair in first:
        captions = [t.text for t in pair.texts if t.role != "label"]
        assert len(captions) == len(set(captions)) == 2
        assert all(pair.labels[0] in text.lower() for text in captions)
        assert not any("a orchard" in text or "an wheat" in text for text in captions)


def test_options_that_cannot_be_are_refused(tmp_path: Path, scene: Path, classes: Path) -> None:
    def refused(error: type[Exception], words: str, **options: object) -> None:
        with pytest.raises(error, match=words):
            list(Tiles(**{"classes": str(classes), "size_px": 8, **options}).sources(str(scene)))  # type: ignore[arg-type]

    refused(UsageError, "purity", purity=1.5)
    refused(UsageError, "inner-px", inner_px=9)
    refused(UsageError, "percentiles", percentiles=(98.0, 2.0))
    refused(UsageError, "fixed", stretch="fixed")
    refused(UsageError, "exclude each other", labels=str(classes))
    refused(UsageError, "--languages 'xx'", languages=("xx",))
    refused(UsageError, "quality", quality=100)
    refused(UsageError, "bands", bands=("1", "2"))
    table = _text(tmp_path, "value,name\n1,orchard\n2,pasture\n", "names.csv")
    refused(UsageError, "Did you mean 'orchard'", class_table=str(table), include=("orchards",))
    nameless = _text(tmp_path, "a,b\n1,2\n")
    refused(BadInput, "columns value and name", class_table=str(nameless))
    refused(BadInput, "cannot be read", templates=str(tmp_path / "absent.txt"))
    height = write_scene(tmp_path / "dem.tif", np.full((1, 8, 8), 1.5, np.float32))
    refused(BadInput, "whole numbers", classes=str(height))
    with pytest.raises(BadInput, match="no such file"):
        list(Tiles(classes=str(classes)).sources(str(tmp_path / "absent.tif")))


def test_options_that_were_refused_do_not_hold_the_output(tmp_path: Path, scene: Path) -> None:
    wrong, right = Tiles(size_px=8, captions=0), Tiles(size_px=8)
    with pytest.raises(UsageError, match="captions"):
        run_extraction(wrong, [str(scene)], tmp_path / "out", workers=1)
    assert run_extraction(right, [str(scene)], tmp_path / "out", workers=1).pairs
    with pytest.raises(OutputInUse, match="was made with"):
        run_extraction(Tiles(size_px=9), [str(scene)], tmp_path / "out", workers=1)


def test_numbers_and_words_that_cannot_be_are_told_by_their_option(scene: Path) -> None:
    for options, words in (
        ({"gsd_m": 0.0}, "--gsd-m"),
        ({"gsd_m": float("nan")}, "--gsd-m"),
        ({"pixel_m": -1.0}, "--pixel-m"),
        ({"crs": "foo"}, "--crs 'foo'"),
    ):
        with pytest.raises(UsageError, match=words):
            list(Tiles(**options).sources(str(scene)))  # type: ignore[arg-type]
    with pytest.raises((UsageError, BadInput), match="nowhere"):
        list(Tiles(aoi="nowhere.geojson").sources(str(scene)))


def test_a_name_that_is_no_text_costs_its_own_scene(tmp_path: Path, scene: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    scene.rename(folder / "good.tif")
    os.link(folder / "good.tif", os.fsencode(folder) + b"/bad\xff.tif")
    summary = run_extraction(Tiles(size_px=8), [str(folder)], tmp_path / "out", workers=1)
    assert summary.pairs
    assert sum(summary.quarantined.values()) == 1


def test_a_scene_that_cannot_be_cut_says_why_and_stops_no_other(
    tmp_path: Path, classes: Path
) -> None:
    values = scene_values(16, 16)

    def reason(path: Path, words: str, **options: object) -> str:
        tiles = Tiles(**{"classes": str(classes), "size_px": 8, **options})  # type: ignore[arg-type]
        (source,) = tiles.sources(str(path))
        (skip,) = pickle.loads(pickle.dumps(tiles)).pairs(source)
        assert isinstance(skip, Skip)
        assert skip.quarantine
        assert skip.where == path.name
        assert words in skip.detail
        return skip.reason

    good = write_scene(tmp_path / "good.tif", values)
    broken = tmp_path / "broken.tif"
    broken.write_bytes(good.read_bytes()[:40])
    nowhere = _placeless(tmp_path / "nowhere.tif", values)
    assert reason(broken, "not a raster that GDAL can open") == "unreadable"
    assert reason(nowhere, "give it with --bounds") == "no_place"
    assert reason(good, "--bands", bands=("1", "2", "5")) == "no_such_band"
    assert reason(good, "--size-px", size_px=17) == "smaller_than_a_tile"


def test_a_scene_without_a_place_has_tiles_without_one(tmp_path: Path) -> None:
    values = scene_values(16, 16)
    pairs, _ = _run(Tiles(size_px=8, pixel_m=0.5), _placeless(tmp_path / "nowhere.tif", values))
    assert len(pairs) == 4
    for pair in pairs:
        assert pair.where.keys() == {"window", "scene", "gsd_m"}
        assert pair.where["gsd_m"] == 0.5
        assert pair.group == "nowhere.tif"
        column, row, width, height = pair.where["window"]
        window = values[:, row : row + height, column : column + width]
        assert np.array_equal(_picture(pair), np.moveaxis(window, 0, -1))


def test_complex_values_are_shown_as_decibels(tmp_path: Path) -> None:
    amplitudes = 10.0 ** (np.arange(64).reshape(1, 8, 8) / 20)  # 0 to 63 dB
    scene = write_scene(tmp_path / "sar.tif", (amplitudes * 1j).astype(np.complex64))
    (pair,) = _run(Tiles(size_px=8, percentiles=(0, 100)), scene)[0]
    expected = np.round(np.arange(64) * 255 / 63).reshape(8, 8)
    assert np.abs(_picture(pair)[..., 0].astype(int) - expected).max() <= 1


def test_one_bad_block_costs_the_tiles_on_it(tmp_path: Path) -> None:
    values = scene_values(128, 128)
    scene = write_scene(
        tmp_path / "s.tif", values, tiled=True, blockxsize=64, blockysize=64, compress="deflate"
    )
    with rasterio.open(scene) as dataset:
        offset = int(dataset.get_tag_item("BLOCK_OFFSET_1_0", "TIFF", bidx=1))
    damaged = bytearray(scene.read_bytes())  # in the upper right block
    damaged[offset : offset + 64] = b"\xff" * 64
    scene.write_bytes(damaged)
    classes = write_classes(tmp_path / "c.tif", np.ones((128, 128)))
    pairs, skips = _run(Tiles(classes=str(classes), size_px=32), scene)
    assert {skip.reason for skip in skips} == {"unreadable"}
    assert {skip.where for skip in skips} == {f"s.tif x{x} y{y}" for x in (64, 96) for y in (0, 32)}
    assert all(skip.quarantine and "cannot be decoded" in skip.detail for skip in skips)
    assert len(pairs) == 12


def test_the_built_in_scenes_give_the_climates_that_are_there() -> None:
    try:
        open_scene("koppen_geiger"), open_scene("blue_marble")
    except MissingExtra:
        pytest.skip("the wheels with the built-in scenes are not installed")
    tiles = Tiles(classes="koppen_geiger", size_px=32, purity=1.0, cell=3.2)
    source = next(s for s in tiles.sources("blue_marble") if s.name.endswith("row000960"))
    pairs = [p for p in tiles.pairs(source) if isinstance(p, Pair)]  # 24 to 26 degrees north
    sahara = [p for p in pairs if 0 < p.where["bounds"][0] < 25]
    assert sahara
    assert {p.labels[0] for p in sahara} == {"hot desert climate"}
    assert "NASA" in pairs[0].license


def _placeless(path: Path, values: np.ndarray) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return write_scene(path, values, crs=None)


def _picture(pair: Pair) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(pair.image)))


def _text(folder: Path, text: str, name: str = "t.txt") -> Path:
    path = folder / name
    path.write_text(text)
    return path
