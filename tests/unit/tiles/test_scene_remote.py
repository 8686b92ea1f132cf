"""Remote scenes: only what is needed is fetched; a read that fails half-way is taken up again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from rasterio.env import getenv

from domainclip.errors import BadInput
from domainclip.extractors.tiles.reading import remote
from domainclip.extractors.tiles.reading.errors import ServerGone
from domainclip.extractors.tiles.reading.remote import (
    environment,
    is_remote,
    vsi_path,
    without_secrets,
)
from domainclip.extractors.tiles.reading.rows import Rows
from domainclip.extractors.tiles.reading.scenes import open_scene
from domainclip.extractors.tiles.records import View
from tests.data.make_rasters import scene_values, write_scene
from tests.data.serve_rasters import Fault, Served, serving

VALUES = scene_values(1024, 1024)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    write_scene(folder / "plain.tif", VALUES, pixel=0.0001)
    rasterio.shutil.copy(
        folder / "plain.tif", folder / "cog.tif", driver="COG", compress="deflate", blocksize=128
    )
    return folder


@pytest.fixture
def server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(remote, "PAUSES_S", (0.01, 0.02, 0.03))
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "1")
    monkeypatch.setenv("GDAL_HTTP_RETRY_DELAY", "0.01")
    with serving(folder) as served:
        yield served


def _read(url: str, view: View | None = None) -> Iterator[np.ndarray]:
    scene = open_scene(url, view or View())
    rows = Rows(scene.name, scene.dataset, (1, 2, 3))
    for row in range(0, scene.height - 127, 128):
        yield rows.at(row, 128)[0]


def test_a_remote_scene_is_that_of_the_file(server: Served) -> None:
    scene = open_scene(f"{server.url}/cog.tif?signature=secret")
    assert scene.name == "cog.tif"
    found = np.concatenate(list(_read(f"{server.url}/cog.tif")), axis=1)
    assert np.array_equal(found, VALUES)


def test_only_the_blocks_of_a_window_are_fetched(server: Served, folder: Path) -> None:
    scene = open_scene(f"{server.url}/cog.tif")
    opened = sum(sent for _, sent in server.requests())
    found, _ = Rows(scene.name, scene.dataset, (1, 2, 3)).window(512, 512, 128, 128)
    assert np.array_equal(found, VALUES[:, 512:640, 512:640])
    asked = server.requests()
    sent = sum(sent for _, sent in asked)
    block = 128 * 128 * 3  # random values do not shrink
    assert opened <= 64 * 1024
    assert block <= sent - opened <= 2 * block
    assert sent < (folder / "cog.tif").stat().st_size / 20
    assert {path for path, _ in asked} == {"/cog.tif"}  # no side files are tried


def test_a_coarse_view_fetches_the_overview(server: Served, folder: Path) -> None:
    gsd = open_scene(str(folder / "cog.tif")).gsd_m
    assert gsd is not None
    coarse = list(_read(f"{server.url}/cog.tif", View(gsd_m=4 * gsd)))
    assert coarse[0].shape == (3, 128, 256)
    assert sum(sent for _, sent in server.requests()) < 0.1 * (folder / "cog.tif").stat().st_size


@pytest.mark.parametrize("view", [View(), View(crs="utm")])
@pytest.mark.parametrize(
    ("fault", "count"), [("503", 1), ("503", 4), ("drop", 2), ("hang up", 1), ("hang up", 3)]
)
def test_a_read_that_fails_half_way_is_taken_up(
    server: Served, folder: Path, fault: Fault, count: int, view: View
) -> None:
    expected = list(_read(str(folder / "plain.tif"), view))
    reading = _read(f"{server.url}/plain.tif", view)
    found = [next(reading)]
    server.fail_next(fault, count)
    found += reading
    assert len(found) == len(expected)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_a_scene_opens_when_its_server_fails_once(server: Served) -> None:
    server.fail_next("hang up", 2)
    assert open_scene(f"{server.url}/cog.tif?1").width == 1024
    server.fail_next("404", 1)
    assert open_scene(f"{server.url}/cog.tif?2").width == 1024


def test_a_server_that_stays_dead_is_named_once_and_not_waited_for_again(server: Served) -> None:
    scene = open_scene(f"{server.url}/plain.tif?signature=secret")
    server.fail_next("hang up", 1000)
    rows = Rows(scene.name, scene.dataset, (1,))
    with pytest.raises(ServerGone, match=r"/plain\.tif: the server no longer answers") as raised:
        rows.at(512, 8)
    assert "secret" not in str(raised.value)
    asked = len(server.requests())
    with pytest.raises(ServerGone):
        rows.at(520, 8)
    assert len(server.requests()) == asked
    with pytest.raises(BadInput, match=r"/cog\.tif: not a raster that GDAL can open") as refused:
        open_scene(f"{server.url}/cog.tif?signature=secret")
    assert "secret" not in str(refused.value)


def test_a_damaged_remote_file_is_told_from_a_dead_server(server: Served, folder: Path) -> None:
    data = bytearray((folder / "cog.tif").read_bytes())
    with rasterio.open(folder / "cog.tif") as dataset:
        offset = int(dataset.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1))
    data[offset : offset + 256] = bytes(256)
    (folder / "damaged.tif").write_bytes(data)
    scene = open_scene(f"{server.url}/damaged.tif")
    rows = Rows(scene.name, scene.dataset, (1, 2, 3))
    with pytest.raises(BadInput, match="cannot be decoded"):
        rows.at(0, 64)
    assert np.array_equal(rows.at(256, 128)[0], VALUES[:, 256:384])


@pytest.mark.parametrize(
    ("path", "far"),
    [
        ("https://a.b/c.tif", True), ("s3://a/b.tif", True), ("gs://a/b.tif", True),
        ("/vsicurl/https://a.b/c.tif", True), ("zip+https://a.b/c.zip!d.tif", True),
        ('NETCDF:"/vsis3/a/b.nc":sst', True), ("/vsizip//vsicurl/https://a.b/c.zip/d.tif", True),
        ("/data/a.tif", False), ("a.nc", False), ("netcdf:/data/a.nc:sst", False),
        ("/vsizip/a.zip/b.tif", False), ("https.tif", False),
    ],
)  # fmt: skip
def test_what_leads_over_the_network(path: str, far: bool) -> None:
    assert is_remote(path) is far


def test_a_path_as_gdal_takes_it_and_as_it_is_shown() -> None:
    assert vsi_path("s3://a/b.tif") == "/vsis3/a/b.tif"
    assert vsi_path("https://a.b/c.tif") == "/vsicurl/https://a.b/c.tif"
    assert without_secrets("https://me:word@a.b/c.tif?sig=1") == "https://a.b/c.tif"
    assert without_secrets("/vsicurl/https://a.b/c.tif?sig=1") == "https://a.b/c.tif"


def test_what_the_user_has_set_is_left_and_nothing_stays_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("GDAL_HTTP_CONNECTTIMEOUT", "77")
    with rasterio.Env(VSI_CACHE="FALSE"), environment("s3://a/b.tif"):
        options = getenv()
    assert "GDAL_HTTP_CONNECTTIMEOUT" not in options  # GDAL reads it itself
    assert options["VSI_CACHE"] in ("FALSE", False)
    assert options["AWS_NO_SIGN_REQUEST"] in ("YES", True)
    assert options["GDAL_DISABLE_READDIR_ON_OPEN"] == "EMPTY_DIR"
    monkeypatch.setenv("AWS_PROFILE", "mine")
    with environment("s3://a/b.tif"):
        assert "AWS_NO_SIGN_REQUEST" not in getenv()
    with environment("/data/a.tif"):
        assert "GDAL_DISABLE_READDIR_ON_OPEN" not in getenv()
    assert not rasterio.env.hasenv()
