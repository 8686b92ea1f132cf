"""Scenes of a bucket: a key, or all that lies below a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyogrio
import pytest

from domainclip.errors import BadInput
from domainclip.extractors.tiles.reading.finding import scenes_of
from domainclip.extractors.tiles.reading.scenes import open_scene
from domainclip.extractors.tiles.reading.stores import is_store_folder
from tests.data.make_rasters import scene_values, write_scene
from tests.data.serve_rasters import Served, serving

VALUES = scene_values(64, 64)


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A name of its own each time, since GDAL remembers what it was told of a bucket."""
    name = "b" + tmp_path.name.replace("_", "-")
    for key in ("scene.tif", "year/b.tif", "year/a/c.tif", "year/.hidden/d.tif"):
        path = tmp_path / name / key
        path.parent.mkdir(parents=True, exist_ok=True)
        write_scene(path, VALUES)
    (tmp_path / name / "year" / "notes.txt").write_text("x")
    (tmp_path / name / "texts").mkdir()
    (tmp_path / name / "texts" / "notes.txt").write_text("x")
    for variable in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(variable, str(tmp_path / "none"))
    with serving(tmp_path) as served:
        monkeypatch.setenv("AWS_S3_ENDPOINT", served.url.removeprefix("http://"))
        monkeypatch.setenv("AWS_HTTPS", "NO")
        monkeypatch.setenv("AWS_VIRTUAL_HOSTING", "FALSE")
        yield Served(f"s3://{name}")


def test_a_key_is_a_scene_and_a_folder_all_below_it(bucket: Served) -> None:
    (scene,) = scenes_of(f"{bucket.url}/scene.tif")
    assert np.array_equal(open_scene(scene.path).dataset.read(), VALUES)
    found = list(scenes_of(f"{bucket.url}/year/"))
    assert [listed.name for listed in found] == ["a/c.tif", "b.tif"]
    assert [listed.path for listed in found] == [
        f"{bucket.url}/year/a/c.tif",
        f"{bucket.url}/year/b.tif",
    ]
    for listed in found:
        assert np.array_equal(open_scene(listed.path).dataset.read(), VALUES)
    everything = [listed.name for listed in scenes_of(bucket.url)]
    assert everything == ["scene.tif", "year/a/c.tif", "year/b.tif"]
    assert pyogrio.get_gdal_config_option("AWS_NO_SIGN_REQUEST") is None, "nothing stays set"


def test_a_folder_of_a_bucket_that_gives_nothing_says_why(bucket: Served) -> None:
    with pytest.raises(BadInput, match="no raster that GDAL reads"):
        list(scenes_of(f"{bucket.url}/texts/"))
    with pytest.raises(BadInput, match="may not be listed without credentials"):
        list(scenes_of(f"{bucket.url}/absent/"))


@pytest.mark.parametrize(
    ("root", "folder"),
    [("s3://a", True), ("s3://a/", True), ("s3://a/b/", True), ("gs://a/b/c/", True),
     ("/vsis3/a/b/", True), ("s3://a/b", False), ("s3://a/b.tif", False), ("s3://", False),
     ("https://a/b/", False), ("/data/a/", False), ("s3://a/b/?x=1", False)],
)  # fmt: skip
def test_what_is_a_folder_of_a_store(root: str, folder: bool) -> None:
    assert is_store_folder(root) == folder


def test_keys_that_lead_out_of_the_folder_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = ["../x.tif", "a/../../x.tif", "/x.tif", "a//x.tif", "a\\x.tif", "good.tif", "a/"]
    monkeypatch.setattr(pyogrio, "vsi_listtree", lambda folder: [folder + key for key in keys])
    assert [listed.name for listed in scenes_of("s3://a/b/")] == ["good.tif"]
