"""Bands are found by any of their names, and by no other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from domainclip.errors import BadInput, UsageError
from domainclip.extractors.tiles.pixels.bands import band_number, composite_of
from domainclip.extractors.tiles.pixels.composites import INDICES, PRESETS, Composite
from domainclip.extractors.tiles.pixels.sensors import COMMON, key_of, sensor_of
from domainclip.extractors.tiles.reading.scenes import Scene, open_scene
from domainclip.extractors.tiles.records import SceneFacts
from tests.data.make_rasters import scene_values, write_scene

SENTINEL = ("B01", "B02", "B03", "B04", "B08", "B8A", "B11", "B12")


def _scene(
    folder: Path,
    descriptions: tuple[str, ...] = (),
    *,
    count: int = 0,
    colours: tuple[ColorInterp, ...] = (),
    **facts: Any,
) -> Scene:
    path = folder / f"s{len(list(folder.iterdir()))}.tif"
    write_scene(
        path,
        scene_values(6, 8, count or len(descriptions)).astype(np.uint16),
        photometric="minisblack",
    )
    with rasterio.open(path, "r+") as dataset:
        for at, text in enumerate(descriptions, start=1):
            dataset.set_band_description(at, text)
        if colours:
            dataset.colorinterp = colours
    return replace(open_scene(str(path)), facts=SceneFacts(**facts))


def _shown(scene: Scene, *bands: str, sensor: str = "") -> list[int]:
    composite = composite_of(scene, bands, sensor)
    return [composite.bands[at] for channel in composite.channels for at in channel.at]


@pytest.mark.parametrize(
    "spelled", ["B4", "B04", "b4", "band 4", "Band_04", "SR_B4", "band4", "B4, central 665 nm",
                "B04 - red", "Band 4 (Red)", "red", "Red band"]
)  # fmt: skip
def test_every_spelling_of_a_description_is_found(tmp_path: Path, spelled: str) -> None:
    scene = _scene(tmp_path, ("B2", spelled, "B3"), sensor="Sentinel-2A")
    assert band_number(scene, "red") == 2
    if "4" in spelled:
        assert band_number(scene, "B04") == band_number(scene, "SR_B4") == 2


def test_numbers_are_numbers_and_names_may_repeat(tmp_path: Path) -> None:
    scene = _scene(tmp_path, count=5)
    assert _shown(scene, "5", "1", "5") == [5, 1, 5]
    assert composite_of(scene, ("5", "1", "5")).bands == (5, 1)
    assert _shown(scene, "2") == [2]
    with pytest.raises(BadInput, match="band 6 is asked for, and it has 5"):
        composite_of(scene, ("6",))
    for wrong in (("0",), ("1", "2"), ("",), ("ndvi", "1", "2"), ("1", "2", "3", "4")):
        with pytest.raises(UsageError):
            composite_of(scene, wrong)


def test_presets_follow_the_sensor(tmp_path: Path) -> None:
    scene = _scene(tmp_path, SENTINEL)
    expected = {
        "true_colour": [4, 3, 2],
        "false_colour": [5, 4, 3],
        "swir": [8, 6, 4],
        "agriculture": [7, 5, 2],
        "geology": [8, 7, 2],
        "urban": [8, 7, 4],
        "vegetation": [7, 5, 4],
        "bathymetry": [4, 3, 1],
    }
    assert {name: _shown(scene, name) for name in expected} == expected
    assert _shown(scene, "false-color") == expected["false_colour"]
    landsat = _scene(tmp_path, tuple(f"SR_B{n}" for n in range(1, 8)), sensor="Landsat 8 OLI/TIRS")
    assert _shown(landsat, "true_colour") == [4, 3, 2]
    assert _shown(landsat, "agriculture") == [6, 5, 2]
    assert _shown(landsat, "ndvi") == [5, 4]


@pytest.mark.parametrize(
    ("sensor", "count", "numbers"),
    [
        ("NAIP", 4, [4, 1, 2]),
        ("planetscope", 4, [4, 3, 2]),
        ("SuperDove", 8, [8, 6, 4]),
        ("WorldView-3", 8, [7, 5, 3]),
        ("Landsat 7", 6, [4, 3, 2]),
    ],
)
def test_a_documented_order_serves_files_that_name_no_band(
    tmp_path: Path, sensor: str, count: int, numbers: list[int]
) -> None:
    scene = _scene(tmp_path, count=count)
    assert _shown(scene, "false_colour", sensor=sensor) == numbers
    with pytest.raises(BadInput, match="give numbers, or its --sensor"):
        composite_of(scene, ("false_colour",))
    with pytest.raises(BadInput, match=rf"order of .* is known of .*, and it has {count + 1};"):
        composite_of(_scene(tmp_path, count=count + 1), ("false_colour",), sensor)


def test_without_bands_what_is_named_red_green_and_blue_is_shown(tmp_path: Path) -> None:
    assert _shown(_scene(tmp_path, SENTINEL)) == [4, 3, 2]
    assert _shown(_scene(tmp_path, count=5)) == [1, 2, 3]
    assert _shown(_scene(tmp_path, count=2)) == [1]
    colours = (ColorInterp.blue, ColorInterp.green, ColorInterp.red, ColorInterp.alpha)
    assert _shown(_scene(tmp_path, count=4, colours=colours)) == [3, 2, 1]
    stated = _scene(tmp_path, count=4, bands=("nir", "blue", "green", "red"))
    assert _shown(stated) == [4, 3, 2]


def test_a_missing_band_is_named_with_what_there_is(tmp_path: Path) -> None:
    scene = _scene(tmp_path, ("red", "green", "blue"))
    with pytest.raises(BadInput, match="ndvi needs the band nir, and it has blue, green, red"):
        composite_of(scene, ("ndvi",))
    with pytest.raises(UsageError, match="Did you mean 'true_colour'"):
        composite_of(scene, ("true_colur",))
    with pytest.raises(BadInput, match="band ndvi_2 is asked for"):  # as a file may call one
        composite_of(scene, ("ndvi_2",))
    with pytest.raises(BadInput, match=r"band wir16 is asked for.*Did you mean 'swir16'"):
        composite_of(scene, ("wir16",))


def test_a_sensor_whose_bands_are_not_known_is_not_asked_for_again(tmp_path: Path) -> None:
    scene = _scene(tmp_path, count=4)
    for sensor, ends in (
        ("Gaofen-2", r"known \(known are those of sentinel-2, .*\); give numbers\.$"),
        ("Sentinel-3", r"give numbers\. Did you mean 'sentinel-[12]'\?$"),
    ):
        with pytest.raises(BadInput, match=f"the bands of '{sensor}' are not .*{ends}"):
            composite_of(scene, ("ndvi",), sensor)
    with pytest.raises(BadInput, match=r"sentinel-2 bands is known of no files, and it has 4;"):
        composite_of(_scene(tmp_path, count=4, sensor="Sentinel-2"), ("ndvi",))
    assert sensor_of("Landsat9000") is None
    assert sensor_of("Landsat 8-9 OLI/TIRS") == sensor_of("Landsat 8")


def test_a_well_known_band_is_no_slip_for_one_that_is_spelt_alike(tmp_path: Path) -> None:
    scene = _scene(tmp_path, ("red", "green", "blue"))
    for name in ("nir", "n", "thermal", "swir1"):
        with pytest.raises(BadInput, match=r"and it has blue, green, red; choose with --bands\.$"):
            composite_of(scene, (name, "red", "green"))


def test_the_number_in_a_name_means_what_its_sensor_means(tmp_path: Path) -> None:
    names = tuple(f"B{n}" for n in range(1, 6))
    assert _shown(_scene(tmp_path, names, sensor="Landsat 7"), "nir") == [4]
    assert _shown(_scene(tmp_path, names, sensor="Landsat 8"), "nir") == [5]
    assert _shown(_scene(tmp_path, names), "B4") == [4]
    with pytest.raises(BadInput):  # B4 is red of one and near infrared of another
        composite_of(_scene(tmp_path, names), ("nir",))


def test_a_composite_survives_its_way_through_json(tmp_path: Path) -> None:
    scenes = (_scene(tmp_path, (*SENTINEL, "VV", "VH")), _scene(tmp_path, count=1))
    for bands in ((), *((name,) for name in (*PRESETS, *INDICES)), ("1",)):
        for scene in scenes if not bands or bands == ("1",) else scenes[:1]:
            composite = composite_of(scene, bands)
            part = json.loads(json.dumps(composite.to_part()))
            assert Composite.from_part(part) == composite


def test_every_sensor_has_bands_of_known_names() -> None:
    for name in ("Sentinel-2", "S2B", "LC09", "landsat-7 ETM+", "TM", "NAIP", "WV03", "PSB.SD"):
        sensor = sensor_of(name)
        assert sensor is not None, name
        assert {common for common in sensor.bands.values() if common} <= COMMON.keys()
        assert all(key == key_of(key) for key in sensor.bands)
    assert sensor_of("Kodak") is None
    assert sensor_of("", ("B04", "B03")) == sensor_of("sentinel-2")
    assert sensor_of("", ("B4", "B3")) is None


def test_real_files_show_what_they_call_colours(shared_data: Path) -> None:
    tiles = shared_data / "tiles"
    assert _shown(open_scene(str(tiles / "rasterio" / "all-nodata.tif")), "false_colour") == [
        4,
        3,
        2,
    ]
    assert _shown(open_scene(str(tiles / "rasterio" / "RGBA.uint16.tif"))) == [3, 2, 1]
    landsat = open_scene(str(tiles / "stars" / "L7_ETMs.tif"))
    assert _shown(landsat, "nbr", sensor="Landsat 7") == [4, 6]
    palette = composite_of(open_scene(str(tiles / "stars" / "lc.tif")))
    assert palette.palette
