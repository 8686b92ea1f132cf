"""Pictures that are not of natural colour are known by the bands that they are made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

from domainclip.extractors.tiles import Tiles
from domainclip.extractors.tiles.pixels.bands import composite_of
from domainclip.extractors.tiles.pixels.shown import shown_as
from domainclip.extractors.tiles.reading.scenes import Scene, open_scene
from domainclip.extractors.tiles.records import SceneFacts
from domainclip.pairs import Pair
from tests.data.make_rasters import scene_values, write_scene

SENTINEL = ("B02", "B03", "B04", "B08", "B11", "B12")


def _scene(folder: Path, names: tuple[str, ...], dtype: str = "uint16", sensor: str = "") -> Scene:
    path = folder / "s.tif"
    write_scene(path, scene_values(6, 8, len(names)).astype(dtype), photometric="minisblack")
    with rasterio.open(path, "r+") as dataset:
        for at, text in enumerate(names, start=1):
            dataset.set_band_description(at, text)
    return replace(open_scene(str(path)), facts=SceneFacts(sensor=sensor))


@pytest.mark.parametrize(
    ("names", "bands", "shows"),
    [
        (SENTINEL, (), ""),
        (SENTINEL, ("true_colour",), ""),
        (SENTINEL, ("B04", "B03", "B02"), ""),
        (SENTINEL, ("3", "2", "1"), ""),
        (SENTINEL, ("B02", "B03", "B04"), "false_colour"),  # red and blue are the other way round
        (SENTINEL, ("B08", "B04", "B03"), "false_colour"),
        (SENTINEL, ("false_colour",), "false_colour"),
        (SENTINEL, ("swir",), "false_colour"),
        (SENTINEL, ("ndvi",), "ndvi"),
        (SENTINEL, ("mndwi",), "mndwi"),
        (SENTINEL, ("B08",), "grey"),
        (("nir", "red", "green"), (), "false_colour"),
        (("vv", "vh"), ("dual_pol",), "radar"),
        (("vv", "vh"), ("vv",), "radar"),
        (("VV", "VH"), (), "radar"),
        (("a", "b", "c"), (), ""),  # nothing says which is which
    ],
)
def test_bands_tell_what_a_picture_shows(
    tmp_path: Path, names: tuple[str, ...], bands: tuple[str, ...], shows: str
) -> None:
    sensor = "Sentinel-2" if names == SENTINEL else ""
    scene = _scene(tmp_path, names, sensor=sensor)
    assert shown_as(scene, composite_of(scene, bands), sensor="") == shows


def test_complex_values_decibels_and_sentinel_1_are_radar(tmp_path: Path) -> None:
    scene = _scene(tmp_path, ("a",), "complex64")
    assert shown_as(scene, composite_of(scene)) == "radar"
    scene = _scene(tmp_path, ("a",), "float32")
    assert shown_as(scene, composite_of(scene)) == "grey"
    assert shown_as(scene, composite_of(scene), decibels="power") == "radar"
    assert shown_as(scene, composite_of(scene), sensor="Sentinel-1A") == "radar"


@pytest.mark.parametrize(
    ("dtype", "shows"),
    [("uint8", ""), ("uint16", "grey"), ("int16", "grey"), ("float32", "grey"), ("uint32", "grey")],
)
def test_one_band_of_heights_is_grey_and_one_of_8_bits_a_photo(
    tmp_path: Path, dtype: str, shows: str
) -> None:
    scene = _scene(tmp_path, ("heights",), dtype)
    assert shown_as(scene, composite_of(scene)) == shows
    three = _scene(tmp_path, ("a", "b", "c"), dtype)
    assert shown_as(three, composite_of(three)) == ""
    assert shown_as(three, composite_of(three, ("2",))) == shows


def test_captions_and_facts_of_tiles_say_it(tmp_path: Path) -> None:
    values = np.dstack([np.tile(np.arange(16, dtype=np.uint16) * 60, (16, 1))] * 6).transpose(
        2, 0, 1
    )
    folder = tmp_path / "scenes" / "forest"
    folder.mkdir(parents=True)
    write_scene(folder / "s.tif", values, photometric="minisblack")
    with rasterio.open(folder / "s.tif", "r+") as dataset:
        for at, text in enumerate(SENTINEL, start=1):
            dataset.set_band_description(at, text)
    tiles = Tiles(classes="folders", bands=("false_colour",), sensor="Sentinel-2", size_px=8)
    pairs = [
        pair
        for source in tiles.sources(str(tmp_path / "scenes"))
        for pair in tiles.pairs(source)
        if isinstance(pair, Pair)
    ]
    assert pairs
    for pair in pairs:
        assert pair.meta["facts"]["shows"] == "false_colour"
        told = [text.text for text in pair.texts if text.role != "label"]
        assert all("false-colour" in text for text in told)
