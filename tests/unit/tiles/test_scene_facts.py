"""What is known of a scene comes from its file, the file beside it and its name, and no guess."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from hypothesis import given
from hypothesis import strategies as st

from domainclip.extractors.tiles.reading.file_names import facts_of_name
from domainclip.extractors.tiles.reading.scenes import BUILT_IN, open_scene
from domainclip.extractors.tiles.reading.spelling import as_iso, as_percent, as_said
from domainclip.extractors.tiles.records import SceneFacts
from tests.data.make_rasters import scene_values, write_scene

SAFE = "S2A_MSIL2A_20190714T103031_N0213_R108_T32TQM_20190714T120000.SAFE"
LANDSAT = "LC08_L2SP_192023_20190714_20200827_02_T1"


@pytest.mark.parametrize(
    ("path", "acquired", "sensor"),
    [
        (f"{SAFE}/GRANULE/L2A_T32TQM_A021_20190714T103400/IMG_DATA/R10m/x.jp2",
         "2019-07-14T10:30:31Z", "Sentinel-2"),
        ("T32TQM_20190714T103031_B8A_20m.jp2", "2019-07-14T10:30:31Z", "Sentinel-2"),
        ("https://a.b/S2B_32TQM_20190714_0_L2A/B04.tif?x=S2A", "2019-07-14", "Sentinel-2"),
        ("S1A_IW_GRDH_1SDV_20190714T051234_20190714T051259_028111_032CC8_ABCD.tif",
         "2019-07-14T05:12:34Z", "Sentinel-1"),
        ("s1a-iw-grd-vv-20190714t051234-20190714t051259-028111-032cc8-001.tiff",
         "2019-07-14T05:12:34Z", "Sentinel-1"),
        (f"{LANDSAT}_SR_B4.TIF", "2019-07-14", "Landsat 8"),
        ("LE07_L1TP_192023_20020714_20200827_02_T1_B4.TIF", "2002-07-14", "Landsat 7"),
        ("LC81920232013297LGN00_B4.TIF", "2013-10-24", "Landsat 8"),
        ("HLS.L30.T32TQM.2019195T103031.v2.0.B04.tif", "2019-07-14T10:30:31Z", "Landsat"),
        ("m_4007315_sw_18_060_20190714_20191013.tif", "2019-07-14", "NAIP"),
        ("20190714_103211_1032_3B_AnalyticMS_SR.tif", "2019-07-14T10:32:11Z", "PlanetScope"),
        ("20210714_103211_12_2413_3B_AnalyticMS.tif", "2021-07-14T10:32:11Z", "PlanetScope"),
        ("20190714_103211_ssc2d3_0003_pansharpened.tif", "2019-07-14T10:32:11Z", "SkySat"),
        ("19JUL14103211-M2AS-012345678_01_P001.TIF", "2019-07-14T10:32:11Z", ""),
        ("MOD09GA.A2019195.h18v04.006.2019197.hdf", "2019-07-14", "MODIS"),
        ("OR_ABI-L2-CMIPF-M6C02_G16_s20191951030123_e1_c1.nc", "2019-07-14T10:30:12Z", "GOES-16"),
        ("AST_L1T_00307142019103211_20190715.tif", "2019-07-14T10:32:11Z", "ASTER"),
        # names that merely look like it
        ("LC08_L2SP_192023_20191314_20200827_02_T1_SR_B4.TIF", "", ""),
        ("XS2A_MSIL2A_20190714T103031_N.tif", "", ""),
        ("scene_20190714.tif", "", ""),
        ("20190714_103211.tif", "", ""),
    ],
)  # fmt: skip
def test_names_of_providers(path: str, acquired: str, sensor: str) -> None:
    facts = facts_of_name(path)
    assert (facts.acquired, facts.sensor) == (acquired, sensor)


def test_the_resolution_in_a_name_of_naip() -> None:
    assert facts_of_name("m_4007315_sw_18_060_20190714.tif").gsd_m == 0.6
    assert facts_of_name("m_4007315_sw_18_1_20150714.tif").gsd_m == 1
    assert facts_of_name("m_4007315_sw_18_7_20150714.tif").gsd_m is None


@given(st.text(max_size=60))
def test_no_name_is_too_strange(name: str) -> None:
    facts = facts_of_name(name)
    assert facts.acquired == "" or as_iso(facts.acquired) == facts.acquired


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019-07-14", "2019-07-14"), ("2019-07-14 10:32:11", "2019-07-14T10:32:11Z"),
        ("2019-07-14T10:32:11.024Z", "2019-07-14T10:32:11Z"),
        ("2019-07-14T10:32:11+02:00", "2019-07-14T08:32:11Z"),
        ("2019-07-14T10:32", "2019-07-14T10:32:00Z"),
        ("2019:07:14 10:32:11", "2019-07-14"),  # a camera's clock, of no known zone
        ("2019-13-14", ""), ("2019-02-30T10:00:00Z", ""), ("", ""), ("summer", ""),
        ("0001-01-01T00:00:00Z", ""), ("14.07.2019", ""),
    ],
)  # fmt: skip
def test_dates(text: str, expected: str) -> None:
    assert as_iso(text) == expected


def test_sensors_and_cloud_shares() -> None:
    said = {"Sentinel-2A": "Sentinel-2", "LANDSAT_8": "Landsat 8", "LANDSAT 8": "Landsat 8",
            "WV03": "WorldView-3", "GE01": "GeoEye-1", "My  drone": "My drone", "": ""}  # fmt: skip
    assert {name: as_said(name) for name in said} == said
    assert [as_percent(text) for text in ("12.5", "0", "100", "999", "-1", "nan", "", None)] == [
        12.5, 0, 100, None, None, None, None, None
    ]  # fmt: skip


def test_a_landsat_file_beside_its_metadata(tmp_path: Path) -> None:
    text = (
        "GROUP = IMAGE_ATTRIBUTES\n  SPACECRAFT_ID = \"LANDSAT_8\"\n  CLOUD_COVER = 7.31\n"
        "  DATE_ACQUIRED = 2019-07-14\n  SCENE_CENTER_TIME = \"10:02:33.1234560Z\"\nEND\n"
    )  # fmt: skip
    as_json = '{"A": {\n"SPACECRAFT_ID": "LANDSAT_8",\n"CLOUD_COVER": "7.31",\n' + (
        '"DATE_ACQUIRED": "2019-07-14",\n"SCENE_CENTER_TIME": "10:02:33.1234560Z"\n}}'
    )
    for ending, content in (("txt", text), ("json", as_json)):
        folder = tmp_path / ending
        folder.mkdir()
        scene = write_scene(folder / f"{LANDSAT}_SR_B4.TIF", scene_values(4, 4, 1))
        (folder / f"{LANDSAT}_MTL.{ending}").write_text(content)
        facts = open_scene(str(scene)).facts
        assert (facts.acquired, facts.sensor, facts.cloud_percent) == (
            "2019-07-14T10:02:33Z", "Landsat 8", 7.31
        )  # fmt: skip


def test_a_sentinel_file_in_its_product(tmp_path: Path) -> None:
    folder = tmp_path / SAFE / "GRANULE" / "L2A" / "IMG_DATA" / "R10m"
    folder.mkdir(parents=True)
    scene = write_scene(folder / "T32TQM_20190714T103031_B04_10m.tif", scene_values(4, 4, 1))
    metadata = tmp_path / SAFE / "MTD_MSIL2A.xml"
    metadata.write_text(
        '<n1:P xmlns:n1="urn:x"><DATATAKE_SENSING_START>2019-07-14T10:30:31.024Z'
        "</DATATAKE_SENSING_START><SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME>"
        "<Cloud_Coverage_Assessment>3.5</Cloud_Coverage_Assessment></n1:P>"
    )
    facts = open_scene(str(scene)).facts
    assert facts == SceneFacts("2019-07-14T10:30:31Z", "Sentinel-2", 3.5)
    metadata.write_text('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    scene.touch()
    assert open_scene(str(scene), name="again").facts.cloud_percent is None  # and no error


def test_metadata_in_the_file_and_what_is_known_beforehand(tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "m_4007315_sw_18_060_20190714.tif", scene_values(4, 4, 2))
    with rasterio.open(scene, "r+") as dataset:
        dataset.update_tags(TIFFTAG_DATETIME="2001:01:01 00:00:00")  # of the software
        dataset.update_tags(
            ns="IMAGERY", ACQUISITIONDATETIME="2019-07-15 10:00:00", SATELLITEID="WV02",
            CLOUDCOVER="999",
        )  # fmt: skip
        dataset.set_band_description(1, "red")
    facts = open_scene(str(scene)).facts
    assert facts == SceneFacts("2019-07-15T10:00:00Z", "WorldView-2", None, 0.6, ("red", ""))
    known = SceneFacts(acquired="2020-01-01", license="CC-BY-4.0", item="x")
    merged = open_scene(str(scene), facts=known)
    assert (merged.facts.acquired, merged.facts.sensor) == ("2020-01-01", "WorldView-2")
    assert (merged.license, merged.facts.item) == ("CC-BY-4.0", "x")


@pytest.mark.parametrize(
    ("domain", "tags", "acquired"),
    [
        ("", {"TIFFTAG_DATETIME": "2019:07:14 10:00:00"}, ""),  # when the file was made
        ("", {"SENSING_TIME": "2019-07-14T10:30:31.12Z; 2019-07-14T10:30:55.12Z"},
         "2019-07-14T10:30:31Z"),  # of HLS, where granules meet
        ("", {"ACQUISITION_START_TIME": "2019-07-14T10:30:31.12"}, "2019-07-14T10:30:31Z"),
        ("", {"NITF_IDATIM": "20190714103031"}, "2019-07-14T10:30:31Z"),
        ("", {"NITF_IDATIM": "20190714------"}, "2019-07-14"),
        ("", {"NITF_IDATIM": "--------------"}, ""),
        ("", {"NITF_IDATIM": "20191314103031"}, ""),
        ("ENVI", {"acquisition_time": "2019-07-14T10:30:31.0Z"}, "2019-07-14T10:30:31Z"),
        ("EXIF", {"EXIF_DateTimeOriginal": "2019:07:14 10:30:31"}, "2019-07-14"),
        ("EXIF", {"EXIF_DateTime": "2019:07:14 10:30:31"}, ""),  # when the file was changed
    ],
)  # fmt: skip
def test_only_a_time_of_acquisition_is_one(
    tmp_path: Path, domain: str, tags: dict[str, str], acquired: str
) -> None:
    path = write_scene(tmp_path / "x.tif", scene_values(4, 4, 1))
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(ns=domain or None, **tags)
    assert open_scene(str(path)).facts.acquired == acquired


def test_global_attributes_of_a_netcdf(tmp_path: Path) -> None:
    plain = write_scene(tmp_path / "plain.tif", scene_values(4, 4, 1).astype(np.float32))
    with rasterio.open(plain, "r+") as dataset:
        dataset.update_tags(
            **{"NC_GLOBAL#time_coverage_start": "2019-07-14T10:00:00Z",
               "NC_GLOBAL#platform": "Sentinel-3A", "NC_GLOBAL#license": "CC-BY-4.0"}
        )  # fmt: skip
    rasterio.shutil.copy(plain, tmp_path / "x.nc", driver="netCDF")
    facts = open_scene(str(tmp_path / "x.nc")).facts
    assert (facts.acquired, facts.sensor) == ("2019-07-14T10:00:00Z", "Sentinel-3")
    assert facts.license == "CC-BY-4.0"


def test_a_file_that_says_nothing_has_no_facts(tmp_path: Path) -> None:
    assert (
        open_scene(str(write_scene(tmp_path / "x.tif", scene_values(4, 4)))).facts == SceneFacts()
    )
    assert all(licence for _, _, licence in BUILT_IN.values())
