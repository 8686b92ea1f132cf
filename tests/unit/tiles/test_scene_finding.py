"""A folder gives each of its rasters once, a container each of its variables, in one order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil

from domainclip.errors import BadInput
from domainclip.extractors.tiles.reading.finding import scenes_of
from domainclip.extractors.tiles.reading.scenes import open_scene
from tests.data.make_arrays import write_zarr
from tests.data.make_rasters import scene_values, write_scene
from tests.data.make_safe import write_safe


def _names(root: Path, **options: object) -> list[str]:
    return [listed.name for listed in scenes_of(str(root), **options)]  # type: ignore[arg-type]


@pytest.fixture
def netcdf(tmp_path: Path) -> Path:
    """Three variables, Band1 to Band3."""
    folder = tmp_path / "cubes"
    folder.mkdir()
    values = scene_values(20, 30).astype(np.float32)
    plain = write_scene(tmp_path / "plain.tif", values)
    rasterio.shutil.copy(plain, folder / "a b.nc", driver="netCDF")
    return folder / "a b.nc"


def test_a_folder_gives_its_rasters_and_nothing_else(tmp_path: Path) -> None:
    for name in (
        "b/x.tif",
        "a.TIF",
        "b/.hidden.tif",
        ".cache/y.tif",
        "__MACOSX/z.tif",
        "b/c/x.tif",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_scene(path, scene_values(4, 4))
    for name in ("a.TIF.aux.xml", "a.TIF.ovr", "a.TIF.msk", "a.tfw", "labels.geojson", "b/t.csv",
                 "b/notes.txt", "b/x.hdr", "empty.xml"):  # fmt: skip
        (tmp_path / name).write_text("x")
    (tmp_path / "b" / "raw").write_bytes(bytes(12))
    (tmp_path / "b" / "raw.hdr").write_text(
        "ENVI\nsamples = 4\nlines = 3\nbands = 1\ndata type = 1\ninterleave = bsq\n"
    )
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    (tmp_path / "b" / "twice").symlink_to(tmp_path / "b" / "c")
    assert _names(tmp_path) == ["a.TIF", "b/c/x.tif", "b/raw", "b/x.tif"]
    assert _names(tmp_path, leave_out=lambda path: path.parent.name == "c") == [
        "a.TIF", "b/raw", "b/x.tif"
    ]  # fmt: skip
    for listed in scenes_of(str(tmp_path)):
        assert open_scene(listed.path, name=listed.name).name == listed.name


def test_a_container_gives_each_of_its_variables(netcdf: Path) -> None:
    assert _names(netcdf) == ["a b.nc:Band1", "a b.nc:Band2", "a b.nc:Band3"]
    assert _names(netcdf.parent) == _names(netcdf)
    (only,) = scenes_of(str(netcdf), subdatasets=("Band2",))
    scene = open_scene(only.path, name=only.name)
    assert np.array_equal(scene.dataset.read(1), scene_values(20, 30)[1].astype(np.float32))
    assert scene.georeference is not None
    with pytest.raises(BadInput, match=r"holds no 'Band4'; its rasters are Band1, Band2, Band3"):
        list(scenes_of(str(netcdf), subdatasets=("Band4",)))


def test_a_damaged_container_is_listed_and_says_why_when_opened(netcdf: Path) -> None:
    netcdf.write_bytes(netcdf.read_bytes()[:50])
    (only,) = scenes_of(str(netcdf.parent))
    with pytest.raises(BadInput, match="not a raster that GDAL can open"):
        open_scene(only.path)


def test_a_radar_product_gives_its_measurements(tmp_path: Path) -> None:
    product = tmp_path / "S1A_IW_GRDH.SAFE"
    for name in ("measurement/vv.tiff", "preview/quick-look.png"):
        (product / name).parent.mkdir(parents=True)
        write_scene(product / name, scene_values(4, 4))
    (product / "manifest.safe").write_text("<x/>")
    assert _names(tmp_path) == ["S1A_IW_GRDH.SAFE/measurement/vv.tiff"]


@pytest.mark.parametrize(
    ("root", "name"),
    [
        ("https://a.b/c/d.tif?signature=x", "d.tif"), ("s3://bucket/k/e.tif", "e.tif"),
        ("/vsizip/x.zip/f.tif", "f.tif"), ("blue_marble", "blue_marble"),
    ],
)  # fmt: skip
def test_what_is_no_folder_is_one_scene(root: str, name: str) -> None:
    (only,) = scenes_of(root)
    assert (only.name, only.path) == (name, root)


def test_nothing_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Did you mean 'blue_marble'"):
        list(scenes_of("blue_marbel"))
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(BadInput, match="no raster"):
        list(scenes_of(str(tmp_path)))


def test_every_real_folder_is_listed(shared_data: Path) -> None:
    root = shared_data / "tiles"
    found = _names(root)
    assert len(found) == len(set(found)) == 51 + 210
    assert "stars/s2.gpkg" not in found  # vectors alone
    assert found == sorted(found, key=lambda name: name.split("/"))


def test_a_zarr_store_is_a_scene_or_one_for_each_of_its_arrays(tmp_path: Path) -> None:
    plain = write_scene(tmp_path / "plain.tif", scene_values(20, 30, 1))
    folder = tmp_path / "stores"
    folder.mkdir()
    for version in ("V2", "V3"):
        rasterio.shutil.copy(
            plain, folder / f"{version}.zarr", driver="Zarr", FORMAT=f"ZARR_{version}"
        )
    write_zarr(folder / "many", a=scene_values(20, 30)[1], b=scene_values(20, 30)[2])
    names = _names(folder)
    assert names == ["V2.zarr", "V3.zarr", "many:a", "many:b"]
    assert _names(folder / "V2.zarr") == ["V2.zarr"]
    assert _names(folder / "many") == ["many:a", "many:b"]
    read = [open_scene(listed.path).dataset.read(1) for listed in scenes_of(str(folder))]
    expected = [scene_values(20, 30, 1)[0]] * 2 + list(scene_values(20, 30)[1:])
    assert all(np.array_equal(one, other) for one, other in zip(read, expected, strict=True))


def test_a_sentinel_2_product_gives_a_scene_for_each_resolution(tmp_path: Path) -> None:
    product, red = write_safe(tmp_path)
    for root in (tmp_path, product, product / "MTD_MSIL2A.xml"):
        found = {listed.name.split(":")[-2]: listed for listed in scenes_of(str(root))}
        assert {"10m", "20m"} <= set(found)
        scene = open_scene(found["10m"].path, name=found["10m"].name)
        assert scene.place.crs.to_epsg() == 32632
        assert scene.place.bounds(0, 0, 120) == (600000, 4998840, 601200, 5000040)
        assert scene.facts.acquired == "2019-07-14T10:30:31Z"
        assert (scene.facts.sensor, scene.facts.cloud_percent) == ("Sentinel-2", 3.5)
        assert np.array_equal(scene.dataset.read(1), red)


@pytest.mark.parametrize(
    "named",
    ["../../secret", "/etc/secret", "GRANULE/../../secret", "/vsicurl/http://h/x", "http://h/x",
     "&lt;VRTDataset/&gt;"],
)  # fmt: skip
def test_metadata_of_a_product_that_names_files_elsewhere_is_refused(
    tmp_path: Path, named: str
) -> None:
    product, _ = write_safe(tmp_path, named=named)
    for listed in scenes_of(str(product)):
        with pytest.raises(BadInput, match="does not lie below it"):
            open_scene(listed.path)


def test_overviews_that_lead_elsewhere_by_a_file_beside_are_not_opened(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    secret = write_scene(tmp_path / "secret.tif", scene_values(8, 8, 1))
    scene = write_scene(folder / "a.tif", scene_values(8, 8, 1))
    rasterio.shutil.copy(secret, folder / "over.tif", driver="VRT")
    with rasterio.open(scene, "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=":::BASE:::over.tif")
    with pytest.raises(BadInput, match="own folder"):
        open_scene(str(scene))
