"""Options that are wrong or would be ignored: one sentence with the flag, before any scene."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

from domainclip.cli import main
from domainclip.errors import BadInput, UsageError
from domainclip.extractors.tiles import Tiles
from domainclip.extractors.tiles.partners import NEEDED, flag
from domainclip.extractors.tiles.pixels.sensors import check_sensor
from domainclip.pairs import Skip
from tests.data.make_rasters import scene_values, write_scene

ABSENT = "absent.tif"  # found only once the options are checked


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return write_scene(tmp_path / "scene.tif", scene_values(32, 32))


def _refused(options: dict[str, Any]) -> str:
    with pytest.raises((UsageError, BadInput)) as raised:
        list(Tiles(**options).sources(ABSENT))
    return str(raised.value)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"bands": ("ndvii",)}, "--bands ndvii: no such preset or index. Did you mean 'ndvi'?"),
        ({"bands": ("truecolor",)}, "Did you mean 'true_colour'?"),
        ({"bands": ("red,green",)}, "--bands red,green: give one or three, a preset"),
        ({"bands": ("ndvi,red,nir",)}, "'ndvi' stands for all of them"),
        ({"bands": ("0",)}, "'0' is no band; they are counted from 1"),
        ({"bands": ("1.5",)}, "'1.5' is no band"),
        ({"bands": ("red,,blue",)}, "'' is no band"),
        ({"stretch": "fixed"}, "--stretch fixed needs --limits LOW,HIGH."),
        ({"stretch": "local"}, "--stretch 'local': choose one of scene, tile, fixed."),
        ({"limits": (0.0, 3000.0)}, "--limits is of --stretch fixed; give that too."),
        ({"stretch": "fixed", "limits": (5.0, 1.0)}, "--limits 5,1: give LOW,HIGH"),
        ({"stretch": "fixed", "limits": (0.0, math.inf)}, "--limits 0,inf: give LOW,HIGH"),
        ({"stretch": "fixed", "limits": (0.0, 1.0), "percentiles": (1.0, 99.0)}, "--percentiles"),
        ({"percentiles": (98.0, 2.0)}, "--percentiles 98,2: give two from 0 to 100"),
        ({"physical": True}, "--physical says what --limits are in; give --stretch fixed"),
        ({"gamma": 0.0}, "--gamma 0: must be above 0"),
        ({"decibels": "volts"}, "--decibels 'volts': choose one of amplitude, power."),
        ({"sensor": "Sentinl-2"}, "--sensor 'Sentinl-2' is not known. Did you mean 'sentinel-2'?"),
        ({"clouds": "band:"}, "--clouds 'band:' names no band"),
        ({"clouds": "mask.tif"}, "--clouds 'mask.tif' is no file"),
        ({"clouds": "potential_cloud"}, "Did you mean 'potential_clouds'?"),
        ({"clouds": "none/{scene}.tif"}, "there is no folder none"),
        ({"clouds": "band:1", "cloud_kind": "sci"}, "--cloud-kind 'sci': choose one of auto"),
        ({"clouds": "bright_and_white", "cloud_kind": "scl"}, "--cloud-kind says how a mask is"),
        ({"resampling": "cubicc"}, "--resampling 'cubicc': choose one of auto, nearest"),
        ({"min_visible": 2.0}, "--min-visible 2: must lie between 0 and 1."),
        ({"keep_empty": -0.5}, "--keep-empty -0.5: must lie between 0 and 1."),
        ({"min_area_px": -1}, "--min-area-px -1: must be at least 1."),
        ({"min_side_px": -1.0}, "--min-side-px -1: must be 0 or more"),
        ({"min_score": 101.0}, "--min-score 101: must be a number up to 100."),
        ({"size_m": 1e-9}, "--size-m 1e-09: must be 0.001 metres or more."),
        ({"size_px": 1 << 20}, "--size-px 1048576: must be from 2 to 16,384."),
        ({"size_px": 8, "size_m": 8.0}, "--size-px and --size-m exclude each other; give one."),
        ({"classes": "c.tif", "labels": "l.csv"}, "--classes and --labels exclude each other"),
        ({"classes": "c.tif", "inner_px": 225}, "--inner-px 225 is more than the tile's side of 2"),
        ({"classes": "c.tif", "purity": 0.0, "per_class": 5}, "--per-class is about the class"),
        ({"classes": "c.tif", "label_column": "kind"}, "--label-column is of a table or vectors"),
        ({"labels": "l.csv", "class_table": "nlcd"}, "--class-table names the values of a class"),
        ({"classes": "folders", "purity": 0.9}, "--purity has no effect with --classes folders"),
        ({"classes": "c.tif", "category_map": "m.csv"}, "--category-map is for --boxes"),
        ({"masks": "m.tif"}, "--masks needs the names of what they show; give --mask-table"),
        (
            {"masks": "m.tif", "mask_table": "t.csv", "mask_category": "house"},
            "--mask-table and --mask-category exclude each other; give one.",
        ),
        ({"whole": True, "size_px": 8}, "--size-px has no effect with --whole"),
        ({"whole": True, "edge": "pad"}, "--edge has no effect with --whole"),
        (
            {"vectors": "v.gpkg", "around": True, "aoi": "1,2,3,4"},
            "--aoi has no effect with --around",
        ),
        ({"quality": 50}, "--quality is of --format jpeg; give that too."),
        ({"bounds": (1.0, 2.0, 3.0)}, "--bounds=1,2,3: give four numbers, W,S,E,N."),
        ({"bounds": (175.0, 0.0, -175.0, 5.0)}, "across the dateline, east is more than 180"),
        ({"bounds": (0.0, 5.0, 5.0, 0.0)}, "south must be less than north"),
        ({"bounds": (5e5, 4e6, 5.1e5, 4.1e6)}, "are no degrees; name the CRS"),
        ({"bounds_crs": "EPSG:nine"}, "--bounds-crs 'EPSG:nine' is no CRS that PROJ knows"),
        ({"boxes": "b.json", "labels_crs": "WGS"}, "--labels-crs 'WGS' is no CRS that PROJ knows"),
        ({"crs": "utmm"}, "--crs 'utmm' is no CRS that PROJ knows, nor utm"),
        ({"crs": "EPSG:4978"}, "--crs 'EPSG:4978' is no CRS of a map"),
        ({"aoi": "5,50,6,40"}, "--aoi=5,50,6,40: give W,S,E,N in degrees, the south first."),
        ({"aoi": "1.2.3,50,6,60"}, "--aoi 1.2.3,50,6,60: the area of interest is neither W,S,E,N"),
        ({"acquired": "14-07-2019"}, "--acquired '14-07-2019' is no date; write 2019-07-14"),
        ({"acquired": "0019-07-14"}, "is no date"),
        ({"acquired": "9019-07-14"}, "lies in the future"),
        (
            {"classes": "folders", "label_column": "kind"},
            "--label-column has no effect with --classes",
        ),
        ({"acquired": "2019-07-14T10:32:11+02:00"}, "must be in UTC and ISO 8601; write 2019-07-1"),
        ({"languages": ("en,fy",)}, "--languages 'fy': there are no captions in it; known are en"),
        ({"languages": ("en", "en")}, "--languages en,en names one twice"),
        ({"captions": 0}, "--captions 0: must be at least 1."),
        ({"assets": ("red",)}, "--assets: are of STAC items"),
    ],
)
def test_an_option_that_cannot_be_is_refused_before_any_scene(
    options: dict[str, Any], words: str
) -> None:
    assert words in _refused(options)


GIVEN: dict[str, Any] = {
    "tags": "t.yaml", "layers": ("roads",), "around": True, "mask_table": "t.csv",
    "mask_category": "house", "by_instance": True, "min_area_px": 4, "min_score": 0.5,
    "min_visible": 0.5, "min_side_px": 4.0, "keep_empty": 0.1, "category": "kind",
    "category_map": "m.csv", "labels_crs": "EPSG:4326", "class_table": "nlcd",
    "label_column": "kind", "include": ("forest",), "exclude": ("water",), "purity": 0.9,
    "inner_px": 8, "min_labelled": 0.9, "per_class": 5, "min_per_class": 2, "cloud_kind": "scl",
    "max_cloud": 0.5,
}  # fmt: skip


@pytest.mark.parametrize("name", [name for names in NEEDED.values() for name in names])
def test_an_option_without_its_partner_names_it(name: str) -> None:
    partners = next(partners for partners, names in NEEDED.items() if name in names)
    said = _refused({name: GIVEN[name]})
    assert said.startswith(f"{flag(name)} needs --")
    assert all(flag(partner) in said for partner in partners)


def test_what_is_no_number_is_refused_wherever_a_number_is_asked_for() -> None:
    hints = get_type_hints(Tiles)
    asked = [each.name for each in fields(Tiles) if "float" in str(hints[each.name])]
    assert len(asked) >= 15
    for name in asked:
        several = "tuple" in str(hints[name])
        said = _refused({name: (math.nan, 1.0, 2.0, 3.0) if several else math.nan})
        assert flag(name) in said


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bands": ("B8", "B4", "B3")},
        {"bands": ("ndvi_2",)},  # as a file may call one of its bands
        {"bands": ("swir3",)},
        {"bands": ("True-Color",)},
        {"stretch": "fixed", "limits": (0.0, 0.3), "physical": True},
        {"bounds": (175.0, -5.0, 185.0, 5.0)},
        {"bounds": (5e5, 4e6, 5.1e5, 4.1e6), "bounds_crs": "EPSG:32633"},
        {"aoi": "175,-5,-175,5"},
        {"crs": "UTM", "gsd_m": 10.0, "resampling": "mode"},
        {"format": "jpeg", "quality": 50},
        {"decibels": "power", "sensor": "Sentinel-1"},
        {"clouds": "band:SCL", "cloud_kind": "scl", "max_cloud": 0.5},
    ],
)
def test_options_that_go_together_are_taken(options: dict[str, Any]) -> None:
    assert "absent.tif: no such file" in _refused(options)


def test_a_sensor_that_is_not_known_here_may_be_said() -> None:
    for name in (
        "", "Sentinel-2A", "LANDSAT_8", "Landsat 8-9 OLI/TIRS", "Landsat Next",
        "Sentinel-5P", "Gaofen-2", "SkySat", "KOMPSAT-3A", "drone",
        "Cartosat-3", "Resourcesat-2", "SuperView-1", "FORMOSAT-2", "PRISMA", "EnMAP", "Planet",
        "WorldView-4", "aerial", "高分二号",
    ):  # fmt: skip
        check_sensor(name)
    for name in ("Sentinal-2", "Lansat 8", "Worldveiw-3"):
        with pytest.raises(UsageError, match="Did you mean"):
            check_sensor(name)
    for name, there in (
        ("Landsat9000", "Landsat 1 to 9"), ("landsat-10 OLI", "Landsat 1 to 9"),
        ("Sentinel 0", "Sentinel 1 to 6"), ("WorldView_5", "WorldView 1 to 4"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=f"not known: there are {there};"):
            check_sensor(name)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "raw"):
        assert f"--geotiff {folder}: no tile can be written there" in _refused(
            {"geotiff": str(folder)}
        )


def _reason(scene: Path, **options: Any) -> str:
    tiles = Tiles(**options)
    (source,) = tiles.sources(str(scene))
    (skip,) = tiles.pairs(source)
    assert isinstance(skip, Skip)
    assert skip.quarantine
    return f"{skip.reason}: {skip.detail}"


def test_what_cannot_be_of_one_scene_costs_that_scene_once(tmp_path: Path, scene: Path) -> None:
    gsd_m = 0.01  # below what any pixel here is
    assert "finer_than_a_pixel: --size-m 0.01 is less" in _reason(scene, size_m=gsd_m)
    assert "finer_than_a_pixel: --stride-m 0.01 is" in _reason(scene, size_px=8, stride_m=gsd_m)
    said = _reason(scene, size_px=8, clouds="band:SCL")
    assert said.startswith("clouds_unknown: scene.tif: band SCL is asked for")
    assert said.endswith("choose with --clouds.")
    (tmp_path / "clouds").mkdir()
    said = _reason(scene, size_px=8, clouds=f"{tmp_path}/clouds/{{scene}}.tif")
    assert said.startswith("clouds_unknown") and "clouds/scene.tif" in said


def test_tiles_without_end_are_counted_and_refused(tmp_path: Path) -> None:
    large = write_scene(tmp_path / "large.tif", np.zeros((1, 8, 8), np.uint8))
    text = f"""<VRTDataset rasterXSize="60000" rasterYSize="60000">
    <GeoTransform>0, 1e-4, 0, 0, 0, -1e-4</GeoTransform><SRS>EPSG:4326</SRS>
    <VRTRasterBand dataType="Byte" band="1"><SimpleSource>
    <SourceFilename relativeToVRT="1">{large.name}</SourceFilename><SourceBand>1</SourceBand>
    <DstRect xOff="0" yOff="0" xSize="60000" ySize="60000"/></SimpleSource></VRTRasterBand>
    </VRTDataset>"""
    (tmp_path / "large.vrt").write_text(text)
    said = _reason(tmp_path / "large.vrt", size_px=8, stride_px=1)
    assert said.startswith("too_many_tiles: It would give about 3,599,160,049 tiles of 8 pixels")


def test_decibels_are_not_taken_of_decibels(tmp_path: Path) -> None:
    powers = np.random.default_rng(0).uniform(1e-3, 1, (1, 32, 32)).astype(np.float32)
    already = write_scene(tmp_path / "db.tif", 10 * np.log10(powers))
    assert "decibels_already: Most of its values lie below 0" in _reason(
        already, decibels="power", size_px=32
    )
    powers[0, :3] = -1e-5  # as where noise was subtracted
    few = write_scene(tmp_path / "few.tif", powers)
    (source,) = Tiles(decibels="power", size_px=32).sources(str(few))
    assert "refused" not in dict(source.part)


def test_options_that_no_scene_had_a_use_for_are_told(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(where: Path, **options: Any) -> str:
        list(Tiles(size_px=8, acquired="2019-07-14", **options).sources(str(where)))
        return capsys.readouterr().err

    placeless = tmp_path / "plain"
    placeless.mkdir()
    write_scene(placeless / "a.tif", scene_values(32, 32), crs=None)
    for options, where in (
        ({"pixel_m": 0.5}, scene),
        ({"bounds": (1.0, 2.0, 3.0, 4.0)}, scene),
        ({"bounds_crs": "EPSG:32633"}, scene),
        ({"subdatasets": ("sst",)}, scene),
        ({"resampling": "mode"}, scene),
    ):
        (name,) = options
        assert told(where, **options).startswith(f"{flag(name)} had no effect: ")
    bounds = (1.0, 2.0, 3.0, 4.0)
    assert not told(scene)
    assert not told(scene, resampling="mode", gsd_m=20_000.0)
    for options in ({"pixel_m": 0.5}, {"bounds": bounds}, {"gsd_m": 1.0, "pixel_m": 0.5}):
        assert not told(placeless, **options)
    for options in ({"crs": "utm"}, {"gsd_m": 1.0}, {"cell": 100.0}, {"places": True}):
        (name,) = options
        assert told(placeless, **options).startswith(f"{flag(name)} had no effect: no scene ")
    write_scene(placeless / "b.tif", scene_values(32, 32), crs=None)
    assert "--bounds gave 2 scenes the same place" in told(placeless, bounds=bounds)


def test_the_end_of_a_run_says_why_nothing_came_of_it(
    tmp_path: Path, scene: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["extract", "tiles", str(scene), "-o", str(tmp_path / "out"), "--workers", "1"]
    assert main([*words, "--bands", "B09"]) == 1
    printed = capsys.readouterr()
    assert "rows of tiles of them, or labels that fit none) = 0 gave pairs" in printed.out
    assert "No input gave a pair, and 1 failed; the reason of all is no_such_band" in printed.err
    assert "band B09 is asked for" in printed.err
    for most in ("nan", "101", "-1"):
        assert main([*words, "--max-errors", most]) == 2
        assert f"--max-errors {most}: must be a percentage, 0 to 100." in capsys.readouterr().err
    assert main([*words, "--engine", "dask"]) == 2
    assert capsys.readouterr().err.startswith("usage: domainclip extract NAME SOURCE... -o PAIRS")


@pytest.mark.parametrize("option", ["crs", "bounds_crs", "labels_crs"])
def test_a_crs_that_proj_lacks_is_refused_in_one_sentence(
    option: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = {option: "EPSG:99999"}
    if option == "labels_crs":
        options["vectors"] = str(tmp_path / "absent.geojson")
    assert "'EPSG:99999' is no CRS that PROJ knows" in _refused(options)
    assert capfd.readouterr().err == ""  # GDAL prints there by itself
