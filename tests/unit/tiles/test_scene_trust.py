"""A raster found in a folder leads nowhere else."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest
import rasterio

from domainclip.errors import BadInput
from domainclip.extractors.tiles.reading.refusals import refusal
from domainclip.extractors.tiles.reading.rows import HELD_BYTES, Rows
from domainclip.extractors.tiles.reading.scenes import open_scene
from domainclip.extractors.tiles.records import View
from tests.data.make_rasters import scene_values, write_scene
from tests.data.serve_rasters import serving

BAND = '<VRTRasterBand dataType="Byte" band="1">{}</VRTRasterBand>'
SOURCE = (
    '<SimpleSource><SourceFilename relativeToVRT="{}">{}</SourceFilename>'
    "<SourceBand>1</SourceBand></SimpleSource>"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    (folder / "below").mkdir(parents=True)
    write_scene(folder / "own.tif", scene_values(8, 8, 1))
    write_scene(folder / "below" / "own.tif", scene_values(8, 8, 1))
    write_scene(tmp_path / "secret.tif", scene_values(8, 8, 1))
    return folder


def _vrt(folder: Path, inside: str, name: str = "x.vrt") -> str:
    path = folder / name
    path.write_text(f'<VRTDataset rasterXSize="8" rasterYSize="8">{inside}</VRTDataset>')
    return str(path)


def test_a_vrt_of_its_own_folder_opens(folder: Path) -> None:
    for named in ("own.tif", "below/own.tif"):
        scene = open_scene(_vrt(folder, BAND.format(SOURCE.format(1, named))))
        assert np.array_equal(scene.dataset.read(), scene_values(8, 8, 1))
    nested = _vrt(folder, BAND.format(SOURCE.format(1, "x.vrt")), "outer.vrt")
    assert np.array_equal(open_scene(nested).dataset.read(), scene_values(8, 8, 1))


@pytest.mark.parametrize(
    "named",
    ["../secret.tif", "below/../../secret.tif", "{outside}", "/vsicurl/http://127.0.0.1:9/a.tif",
     "http://127.0.0.1:9/a.tif", "vrt://../secret.tif", "/vsizip//etc/x.zip/a.tif", "link.tif",
     "/vsisubfile/0_10,/etc/passwd", "absent.tif", "PG:dbname=x", "&lt;GDAL_WMS/&gt;",
     'NETCDF:"{outside}":x', "own.xml", "loop.vrt", "wms.tif"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["x.vrt", "x.tif"])
def test_a_vrt_that_leads_elsewhere_is_refused(folder: Path, named: str, name: str) -> None:
    outside = folder.parent / "secret.tif"
    (folder / "link.tif").symlink_to(outside)
    (folder / "own.xml").write_text("<GDAL_WMS></GDAL_WMS>")
    (folder / "wms.tif").write_text("<GDAL_WMS></GDAL_WMS>")
    _vrt(folder, BAND.format(SOURCE.format(1, "loop.vrt")), "loop.vrt")
    path = _vrt(folder, BAND.format(SOURCE.format(1, named.format(outside=outside))), name)
    with pytest.raises(BadInput):
        open_scene(path)


@pytest.mark.parametrize(
    "inside",
    [
        '<VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand">'
        "<SourceFilename>own.tif</SourceFilename></VRTRasterBand>",
        '<VRTRasterBand dataType="Byte" band="1" subClass="VRTDerivedRasterBand">'
        "<PixelFunctionCode>import os</PixelFunctionCode></VRTRasterBand>",
        '<OverviewList/><Metadata domain="GEOLOCATION"><MDI key="X_DATASET">/etc/passwd</MDI>'
        "</Metadata>",
        "<GDALWarpOptions><SourceDataset>/etc/passwd</SourceDataset></GDALWarpOptions>",
        "<GDALWarpOptions><Transformer><RPCTransformer><DEMPath>/etc/passwd</DEMPath>"
        "</RPCTransformer></Transformer></GDALWarpOptions>",
    ],
)
def test_raw_bytes_code_and_other_ways_to_a_file_are_refused(folder: Path, inside: str) -> None:
    with pytest.raises(BadInput, match=r"x\.vrt"):
        open_scene(_vrt(folder, inside))


def test_entities_are_not_expanded(folder: Path) -> None:
    path = folder / "x.vrt"
    path.write_text('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><VRTDataset>&b;')
    with pytest.raises(BadInput, match="document type"):
        open_scene(str(path))


def test_the_user_may_trust_a_vrt(folder: Path) -> None:
    path = _vrt(folder, BAND.format(SOURCE.format(1, "../secret.tif")))
    assert np.array_equal(open_scene(path, trusted=True).dataset.read(), scene_values(8, 8, 1))


def test_no_request_is_made_for_overviews_and_masks_that_lie_elsewhere(
    folder: Path, tmp_path: Path
) -> None:
    with serving(tmp_path) as server:
        elsewhere = f"/vsicurl/{server.url}/secret.tif"
        inside = write_scene(folder / "a.tif", scene_values(8, 8, 1))
        with rasterio.open(inside, "r+") as dataset:
            dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=elsewhere)
        beside = write_scene(folder / "b.tif", scene_values(8, 8, 1))
        (folder / "b.tif.aux.xml").write_text(
            '<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">'
            f"{elsewhere}</MDI></Metadata></PAMDataset>"
        )
        masked = write_scene(folder / "c.tif", scene_values(8, 8, 1))
        _vrt(folder, BAND.format(SOURCE.format(0, elsewhere)), "c.tif.msk")
        for path in (inside, beside, masked):
            with pytest.raises(BadInput):
                open_scene(str(path), View(gsd_m=5000.0))
        assert not server.requests()


@pytest.mark.parametrize(
    "text", ['{"stac_version": "1.0.0"}', "<GDAL_WMS/>", "<GDALTileIndexDataset/>"]
)
def test_services_and_catalogues_are_no_rasters(folder: Path, text: str) -> None:
    path = folder / "x.tif"
    path.write_text(text)
    with pytest.raises(BadInput, match="no raster"):
        open_scene(str(path))


def test_a_small_file_of_a_million_by_a_million_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=10**6, height=10**6, count=3, dtype="uint16",
        tiled=True, blockxsize=512, blockysize=512, sparse_ok=True, bigtiff=True,
        compress="deflate",
    ) as dataset:  # fmt: skip
        assert dataset.width == 10**6
    scene = open_scene(str(path))
    assert refusal(scene, 1) is None
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = Rows(scene.name, scene.dataset, (1, 2, 3))
    with pytest.raises(BadInput, match="one by one"):
        rows.at(0, 224)
    values, _ = rows.window(500_000, 500_000, 224, 224)
    assert values.shape == (3, 224, 224)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < HELD_BYTES / 4


def test_blocks_that_no_memory_holds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "block.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=64000, height=32000, count=1, dtype="uint8",
        tiled=True, blockxsize=64000, blockysize=32000, sparse_ok=True, compress="deflate",
    ):  # fmt: skip
        pass
    scene = open_scene(str(path))
    refused = refusal(scene, 1)
    assert refused is not None
    assert refused[0] == "blocks_too_large"


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("nested", [False, True])
def test_python_in_a_vrt_is_refused_even_if_the_vrt_is_trusted(
    folder: Path, trusted: bool, nested: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GDAL_VRT_ENABLE_PYTHON", "YES")
    derived = (
        '<VRTRasterBand dataType="Byte" band="1" subClass="VRTDerivedRasterBand">'
        "<PixelFunctionType>os.path.join</PixelFunctionType>"
        "<PixelFunctionLanguage>{}</PixelFunctionLanguage>"
        f"{SOURCE.format(1, 'own.tif')}</VRTRasterBand>"
    )
    path = _vrt(folder, derived.format("Python"), "inner.vrt")
    if nested:
        path = _vrt(folder, BAND.format(SOURCE.format(1, "inner.vrt")))
    with pytest.raises(BadInput, match=r"inner\.vrt: computes its pixels by Python code"):
        open_scene(path, trusted=trusted)
    function_of_gdal = derived.format("C").replace("os.path.join", "inv")
    assert open_scene(_vrt(folder, function_of_gdal)).dataset.read().any()
