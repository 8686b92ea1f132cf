"""STAC in: every item is one scene with what is known of it, or says why it is none."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp
from rasterio.shutil import copy as copy_raster

from domainclip.errors import BadInput
from domainclip.extractors.tiles.reading.rows import default_bands
from domainclip.extractors.tiles.records import Listed, SceneFacts
from domainclip.extractors.tiles.stac import documents, items
from domainclip.extractors.tiles.stac.facts import facts_of
from domainclip.extractors.tiles.stac.items import Refused, is_stac, scenes_of_stac
from tests.data.make_stac import (
    catalog,
    item,
    sentinel_assets,
    sentinel_catalog,
    write_band,
    write_json,
)

TIFF = "image/tiff; application=geotiff"


def listed(root: Path | str, **options: Any) -> list[Listed]:
    found = list(scenes_of_stac(str(root), **options))
    assert all(isinstance(each, Listed) for each in found), found
    return found  # type: ignore[return-value]


def refusals(root: Path | str, **options: Any) -> list[tuple[str, str]]:
    found = scenes_of_stac(str(root), **options)
    return [(each.name, each.reason) for each in found if isinstance(each, Refused)]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str, list[str]]]:
    """(folder, its URL, the paths that were asked for)."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            asked.append(self.path)

    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_item_is_the_stack_of_its_finest_common_bands(tmp_path: Path) -> None:
    root = sentinel_catalog(tmp_path, items=1)
    (scene,) = listed(root)
    folder = tmp_path / "s2" / "S2B_0"
    with rasterio.open(scene.path) as stack:
        assert stack.descriptions == ("blue", "green", "red", "nir") == scene.facts.bands
        for number, name in enumerate(stack.descriptions, start=1):
            with rasterio.open(folder / f"{name}.tif") as band:
                assert np.array_equal(stack.read(number), band.read(1))
                assert stack.crs == band.crs and stack.transform == band.transform
        assert stack.nodata == 0
        assert stack.scales == (0.0001,) * 4 and stack.offsets == (-0.1,) * 4
        assert default_bands(stack) == (3, 2, 1)


def test_an_item_says_what_is_known_of_its_scene(tmp_path: Path) -> None:
    (scene,) = listed(sentinel_catalog(tmp_path, items=1))
    facts = scene.facts
    assert scene.name == "s2/S2B_0"
    assert (facts.acquired, facts.sensor) == ("2019-07-14T10:32:11Z", "Sentinel-2")
    assert (facts.cloud_percent, facts.gsd_m, facts.item) == (12.5, 10.0, "S2B_0")
    assert facts.license == "CC-BY-4.0"  # its collection's


@pytest.mark.parametrize(
    ("assets", "bands", "gsd_m"),
    [
        (("red", "nir"), ("red", "nir"), 10),
        (("swir16", "rededge1"), ("swir16", "rededge"), 20),
        (("visual",), ("red", "green", "blue"), 10),
        (("scl",), ("scl",), None),  # the item's 10 m are not those of its 20 m pixels
    ],
)
def test_named_assets_are_taken_in_their_order(tmp_path: Path, assets, bands, gsd_m) -> None:
    root = sentinel_catalog(tmp_path, items=1)
    (scene,) = listed(root, assets=assets)
    assert scene.facts.bands == bands
    with rasterio.open(scene.path) as dataset:
        assert dataset.count == len(bands)
    assert scene.facts.gsd_m == gsd_m


def test_named_assets_of_two_grids_or_none_are_refused(tmp_path: Path) -> None:
    root = sentinel_catalog(tmp_path, items=1)
    assert refusals(root, assets=("red", "swir16")) == [("s2/S2B_0", "different_grids")]
    assert refusals(root, assets=("redd",)) == [("s2/S2B_0", "no_such_asset")]


def test_items_collections_and_catalogues_give_the_same_scenes(tmp_path: Path) -> None:
    root = sentinel_catalog(tmp_path)
    values = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("s2/*/*.json"))]
    for value in values:
        for asset in value["assets"].values():
            asset["href"] = f"./s2/{value['id']}/" + asset["href"]
    features = {"type": "FeatureCollection", "features": values}
    write_json(tmp_path / "items.json", features)
    lines = "\n".join(map(json.dumps, values))
    (tmp_path / "items.ndjson").write_text(lines + "\n\n")
    expected = listed(root)
    assert len(expected) == 3
    for name in ("items.json", "items.ndjson", "s2/collection.json"):
        assert is_stac(str(tmp_path / name))
        found = listed(tmp_path / name)
        assert [scene.name for scene in found] == [scene.name for scene in expected]
        assert [scene.path for scene in found] == [scene.path for scene in expected]


def test_rows_of_stac_geoparquet_are_items(tmp_path: Path) -> None:
    sentinel_catalog(tmp_path, items=2)
    rows = []
    for path in sorted(tmp_path.glob("s2/*/*.json")):
        value = json.loads(path.read_text())
        for asset in value["assets"].values():
            asset["href"] = f"./s2/{value['id']}/" + asset["href"]
        moment = pa.scalar(value["properties"].pop("datetime")).cast(pa.timestamp("us", "UTC"))
        value |= value.pop("properties") | {"datetime": moment.as_py(), "geometry": b"", "bbox": {
            "xmin": 0.0, "ymin": 0.0, "xmax": 1.0, "ymax": 1.0}}  # fmt: skip
        rows.append(value)
    rows[1]["assets"].pop("nir")  # its column is null in this row
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "items.parquet")
    assert is_stac(str(tmp_path / "items.parquet"))
    first, second = listed(tmp_path / "items.parquet")
    assert first.facts == SceneFacts(
        "2019-07-14T10:32:11Z", "Sentinel-2", 12.5, 10.0, ("blue", "green", "red", "nir"), "",
        "S2B_0",
    )  # fmt: skip
    assert second.facts.bands == ("blue", "green", "red")


def test_what_is_no_stac_is_told_apart(tmp_path: Path) -> None:
    feature = {"type": "Feature", "properties": {}, "geometry": None}
    write_json(tmp_path / "a.geojson", {"type": "FeatureCollection", "features": [feature]})
    write_json(tmp_path / "b.json", {"type": "Topology", "stac_version": 1, "links": []})
    (tmp_path / "c.json").write_text("[1, 2")
    (tmp_path / "d.json").write_text('{"a":' * 100_000)
    write_band(tmp_path / "e.tif", 0)
    pq.write_table(pa.table({"id": [1]}), tmp_path / "f.parquet")
    for name in ("a.geojson", "b.json", "c.json", "d.json", "e.tif", "f.parquet", "none.json", ""):
        assert not is_stac(str(tmp_path / name))
    with pytest.raises(BadInput, match="not JSON"):
        list(scenes_of_stac(str(tmp_path / "c.json")))


def test_a_broken_child_costs_itself_alone(tmp_path: Path) -> None:
    root = sentinel_catalog(tmp_path, items=4)
    (tmp_path / "s2" / "S2B_0" / "S2B_0.json").write_text("{")
    (tmp_path / "s2" / "S2B_1" / "S2B_1.json").unlink()
    (tmp_path / "s2" / "S2B_2" / "red.tif").write_bytes(b"II*\0 and no more")
    found = list(scenes_of_stac(str(root)))
    assert [getattr(each, "reason", "") for each in found] == [
        "unreadable_document", "unreadable_document", "unreadable_asset", "",
    ]  # fmt: skip
    assert str(tmp_path) not in found[0].name


@pytest.mark.parametrize(
    "change",
    [
        {"properties": None}, {"properties": []}, {"assets": None}, {"assets": [1]},
        {"assets": {"a": 5}}, {"assets": {"a": {"href": None, "type": TIFF}}}, {"id": None},
        {"links": 5}, {"links": [5]}, {"stac_version": 7}, {"stac_version": "x"},
        {"stac_extensions": 3}, {"properties": {"datetime": "yesterday"}},
        {"properties": {"datetime": 5}}, {"assets": {"a": {"href": "a.tif", "roles": 5,
                                                             "eo:bands": 5, "type": 5}}},
    ],
)  # fmt: skip
def test_no_field_of_another_type_ends_the_run(tmp_path: Path, change: dict[str, Any]) -> None:
    good = item("good", sentinel_assets(tmp_path))
    features = [copy.deepcopy(good) | change | ({} if "id" in change else {"id": "bad"}), 7, good]
    value = {"type": "FeatureCollection", "stac_version": "1.0.0", "features": features}
    root = write_json(tmp_path / "i.json", value)
    found = list(scenes_of_stac(str(root)))
    assert len(found) == 3
    assert isinstance(found[2], Listed)
    assert isinstance(found[1], Refused)


def test_loops_end_and_depth_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "MOST_DEPTH", 5)
    value = item("deep", sentinel_assets(tmp_path))
    write_json(tmp_path / "item.json", value)
    root = write_json(tmp_path / "0.json", catalog("0", [("child", "1.json")]))
    for number in range(1, 9):
        links = [("child", "0.json"), ("child", f"{number}.json"), ("child", f"{number + 1}.json")]
        if number == 3:
            links.append(("item", "item.json"))
        write_json(tmp_path / f"{number}.json", catalog(str(number), links))
    found = list(scenes_of_stac(str(root)))
    assert [type(each).__name__ for each in found] == ["Refused", "Listed"]
    assert found[0].reason == "too_deep"


@pytest.mark.parametrize(
    "href",
    [
        "../secret.tif", "/etc/passwd", "file:///etc/passwd", "file://host/x.tif", "ftp://h/x.tif",
        "NETCDF:x.nc:v", "/vsizip/x.zip/a.tif", "//host/x.tif", "javascript:x", "a\nb.tif",
        "sub/../../secret.tif", "%2e%2e/secret.tif", "link.tif", "", "vrt:///x", "\\\\host\\x",
    ],
)  # fmt: skip
def test_hrefs_lead_nowhere_else(tmp_path: Path, href: str) -> None:
    folder = tmp_path / "catalogue"
    write_band(tmp_path / "secret.tif", 0)
    folder.mkdir()
    (folder / "link.tif").symlink_to(tmp_path / "secret.tif")
    asset = {"href": href, "type": TIFF, "roles": ["data"]}
    root = write_json(folder / "item.json", item("a", {"x": asset}))
    ((_, reason),) = refusals(root)
    assert reason == "unsafe_href"
    links = write_json(folder / "c.json", catalog("c", [("item", href), ("child", href)]))
    for _, reason in refusals(links):
        # a backslash is a letter here, and makes no path
        assert reason == ("unreadable_document" if "\\" in href else "unsafe_href")


def test_a_trusted_catalogue_may_name_files_elsewhere_and_nothing_else_more(tmp_path: Path) -> None:
    outside = write_band(tmp_path / "outside.tif", 0)
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "link.tif").symlink_to(outside)
    root = folder / "item.json"
    for href in ("../outside.tif", str(outside), f"file://{outside}", "link.tif"):
        write_json(root, item("a", {"x": {"href": href, "type": TIFF, "roles": ["data"]}}))
        (refused,) = scenes_of_stac(str(root))
        assert isinstance(refused, Refused)
        assert "--trusted" in refused.detail
        (scene,) = scenes_of_stac(str(root), trusted=True)
        assert isinstance(scene, Listed)
        assert scene.path == str(outside)
    for href in ("ftp://h/x.tif", "file://host/x.tif", "NETCDF:x.nc:v", "javascript:x"):
        write_json(root, item("a", {"x": {"href": href, "type": TIFF, "roles": ["data"]}}))
        (refused,) = scenes_of_stac(str(root), trusted=True)
        assert isinstance(refused, Refused)
        assert refused.reason == "unsafe_href"


def test_file_urls_absolute_and_escaped_paths_below_the_root_are_followed(tmp_path: Path) -> None:
    path = write_band(tmp_path / "a b#c.tif", 0)
    for href in (f"file://{tmp_path}/a%20b%23c.tif", str(path), "./a b#c.tif", "a%20b%23c.tif"):
        asset = {"href": href, "type": TIFF, "roles": ["data"]}
        (scene,) = listed(write_json(tmp_path / "item.json", item("a", {"x": asset})))
        assert scene.path == str(path)


def test_an_asset_that_names_other_files_is_not_opened(tmp_path: Path) -> None:
    write_band(tmp_path / "secret.tif", 0)
    folder = tmp_path / "c"
    folder.mkdir()
    copy_raster(tmp_path / "secret.tif", folder / "x.tif", driver="VRT")
    asset = {"href": "x.tif", "type": TIFF, "roles": ["data"]}
    root = write_json(folder / "item.json", item("a", {"x": asset}))
    assert refusals(root) == [("a", "unreadable_asset")]


def test_names_that_are_markup_stay_text(tmp_path: Path) -> None:
    evil = '</Description><SourceFilename>/etc/passwd</SourceFilename>"&'
    assets = {}
    for number, name in enumerate((evil, "b\x00\x1f")):
        write_band(tmp_path / f"{number}&<.tif", number)
        bands = [{"name": name, "common_name": name}]
        assets[name] = {"href": f"{number}&<.tif", "roles": ["data"], "type": TIFF,
                        "eo:bands": bands}  # fmt: skip
    (scene,) = listed(write_json(tmp_path / "item.json", item("../..\n/a", assets)))
    with rasterio.open(scene.path) as stack:
        assert stack.descriptions[0] == evil
        assert stack.read().any()
    assert scene.name == ".._.._a"


def test_documents_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = sentinel_catalog(tmp_path, items=2)
    monkeypatch.setattr(documents, "MAX_BYTES", 3000)
    value = json.loads((tmp_path / "s2" / "S2B_1" / "S2B_1.json").read_text())
    write_json(tmp_path / "s2" / "S2B_1" / "S2B_1.json", value | {"padding": "x" * 3000})
    assert [reason for _, reason in refusals(root)] == ["too_large"]
    (tmp_path / "items.ndjson").write_text(json.dumps(value | {"padding": "x" * 3000}))
    with pytest.raises(BadInput, match="a line has more than"):
        list(scenes_of_stac(str(tmp_path / "items.ndjson")))


def test_catalogues_of_a_server_are_followed_and_read_in_ranges(served) -> None:
    folder, url, asked = served
    sentinel_catalog(folder, items=2)
    assert is_stac(f"{url}/catalog.json")
    scenes = listed(f"{url}/catalog.json")
    assert [scene.name for scene in scenes] == ["s2/S2B_0", "s2/S2B_1"]
    assert all(f"/vsicurl/{url}/s2/S2B_0/red.tif" in scene.path for scene in scenes[:1])
    assert scenes[0].facts.license == "CC-BY-4.0"
    assert asked.count("/s2/collection.json") == 1
    with rasterio.open(scenes[1].path) as stack:
        assert stack.read(3).any()


def test_assets_of_a_public_bucket_are_read_unsigned(
    served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url, asked = served
    sentinel_catalog(folder / "bucket", items=1)
    (path,) = folder.glob("bucket/s2/S2B_0/*.json")
    document = json.loads(path.read_text())
    for asset in document["assets"].values():
        asset["href"] = f"s3://bucket/s2/S2B_0/{Path(asset['href']).name}"
    write_json(tmp_path / "item.json", document)
    for name, value in {
        "AWS_S3_ENDPOINT": url.removeprefix("http://"), "AWS_HTTPS": "NO",
        "AWS_VIRTUAL_HOSTING": "FALSE", "AWS_EC2_METADATA_DISABLED": "YES",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    (scene,) = listed(tmp_path / "item.json")
    assert scene.facts.bands == ("blue", "green", "red", "nir")
    assert any(each.startswith("/bucket/") for each in asked)


def test_a_server_cannot_point_at_files_of_this_machine(served, tmp_path: Path) -> None:
    folder, url, _ = served
    path = write_band(tmp_path / "mine.tif", 0)
    for number, href in enumerate((f"file://{path}", f"{path}", "../mine.tif")):
        asset = {"href": href, "type": TIFF, "roles": ["data"]}
        write_json(folder / f"{number}.json", item("a", {"x": asset}))
        ((_, reason),) = refusals(f"{url}/{number}.json", trusted=True)
        # a path is one of the server's, which has no such file
        assert reason == ("unsafe_href" if href.startswith("file:") else "unreadable_asset")


def test_pages_of_an_api_are_followed_to_the_last(served) -> None:
    folder, url, _ = served
    assets = sentinel_assets(folder)
    for page in range(40):
        links = [{"rel": "next", "href": f"{url}/page{page + 1}.json"},
                 {"rel": "next", "href": f"{url}/search", "method": "POST"}]  # fmt: skip
        features = [item(f"i{page}", {"red": assets["red"]})]
        write_json(folder / f"page{page}.json", {"type": "FeatureCollection", "features": features,
                   "links": links if page < 39 else []})  # fmt: skip
    write_json(folder / "c.json", catalog("c", [("items", "page0.json")], extent={}, license="MIT"))
    scenes = listed(f"{url}/c.json")
    assert [scene.name for scene in scenes] == [f"i{page}" for page in range(40)]
    assert {scene.facts.license for scene in scenes} == {"MIT"}


def test_bands_of_stac_1_1_are_understood(tmp_path: Path) -> None:
    assets = {}
    for number, (key, common) in enumerate([("B04", "red"), ("B03", "green"), ("B02", "blue")]):
        write_band(tmp_path / f"{key}.tif", number)
        assets[key] = {
            "href": f"{key}.tif", "type": TIFF, "roles": ["data"], "gsd": 10,
            "bands": [{"name": key, "eo:common_name": common, "raster:scale": 0.5, "nodata": 3}],
        }  # fmt: skip
    write_band(tmp_path / "aot.tif", 9)
    assets["aerosol"] = {
        "href": "aot.tif",
        "type": TIFF,
        "roles": ["data"],
        "bands": [{"name": "a"}],
    }
    value = item("a", assets, stac_version="1.1.0")
    (scene,) = listed(write_json(tmp_path / "item.json", value))
    assert scene.facts.bands == ("red", "green", "blue")
    with rasterio.open(scene.path) as stack:
        assert stack.scales == (0.5, 0.5, 0.5)


def test_items_of_stac_0_9_are_migrated(tmp_path: Path) -> None:
    assets = {}
    for number, key in enumerate(("B4", "B3", "B2")):
        write_band(tmp_path / f"{key}.tif", number)
        assets[key] = {"href": f"{key}.tif", "type": "image/tiff", "eo:bands": [number]}
    names = ("red", "green", "blue")
    value = item("a", assets, stac_version="0.9.0", stac_extensions=["eo"], properties={
        "eo:gsd": 10, "eo:bands": [{"name": n, "common_name": n} for n in names]})  # fmt: skip
    (scene,) = listed(write_json(tmp_path / "item.json", value))
    assert scene.facts.bands == names


def test_a_panchromatic_band_does_not_stand_for_the_colours(tmp_path: Path) -> None:
    assets = sentinel_assets(tmp_path)
    write_band(tmp_path / "pan.tif", 7, side_m=5)
    assets["pan"] = {"href": "pan.tif", "type": TIFF, "roles": ["data"], "gsd": 5,
                     "eo:bands": [{"name": "B8", "common_name": "pan"}]}  # fmt: skip
    (scene,) = listed(write_json(tmp_path / "item.json", item("a", assets)))
    assert scene.facts.bands == ("blue", "green", "red", "nir")


def test_bands_of_one_name_are_called_by_their_keys(tmp_path: Path) -> None:
    assets = {}
    for number in (1, 2):
        write_band(tmp_path / f"re{number}.tif", number)
        assets[f"re{number}"] = {"href": f"re{number}.tif", "type": TIFF, "roles": ["data"],
                                 "eo:bands": [{"common_name": "rededge"}]}  # fmt: skip
    (scene,) = listed(write_json(tmp_path / "item.json", item("a", assets)))
    assert scene.facts.bands == ("re1", "re2")


def test_a_file_of_all_bands_is_opened_as_it_is_unless_its_colours_are_untold(
    tmp_path: Path,
) -> None:
    path = write_band(tmp_path / "x.tif", 0, count=4, photometric="minisblack")
    bands = [{"name": n, "common_name": n} for n in ("blue", "green", "red", "nir")]
    asset = {"href": "x.tif", "type": TIFF, "roles": ["data"], "eo:bands": bands}
    (scene,) = listed(write_json(tmp_path / "item.json", item("a", {"analytic": asset})))
    assert scene.facts.bands == ("blue", "green", "red", "nir")
    with rasterio.open(scene.path) as stack, rasterio.open(path) as file:
        assert default_bands(stack) == (3, 2, 1)
        assert np.array_equal(stack.read(), file.read())
    del asset["eo:bands"]
    (scene,) = listed(write_json(tmp_path / "item.json", item("a", {"analytic": asset})))
    assert (scene.path, scene.facts.bands) == (str(path), ())


def test_bands_without_a_place_of_their_own_take_the_items(tmp_path: Path) -> None:
    write_band(tmp_path / "x.tif", 0, crs=None, transform=rasterio.Affine.identity())
    asset = {"href": "x.tif", "type": TIFF, "roles": ["data"]}
    place = {"proj:code": "EPSG:32618", "proj:transform": [10, 0, 5e5, 0, -10, 4e6]}
    value = item("a", {"x": asset}, properties=place)
    (scene,) = listed(write_json(tmp_path / "item.json", value))
    with rasterio.open(scene.path) as stack:
        assert stack.crs == "EPSG:32618"
        assert list(stack.transform)[:6] == place["proj:transform"]
    (scene,) = listed(write_json(tmp_path / "item.json", item("a", {"x": asset}, properties={
        "proj:code": "EPSG:32618"})))  # fmt: skip
    with rasterio.open(scene.path) as dataset:
        assert dataset.crs is None or dataset.transform.is_identity


def test_masks_and_control_points_come_with_the_stack(tmp_path: Path) -> None:
    assets = {}
    points = [GroundControlPoint(r, c, 7 + c / 100, 50 - r / 100) for r in (0, 64) for c in (0, 64)]
    for number, key in enumerate(("vv", "vh")):
        path = write_band(tmp_path / f"{key}.tif", number, crs=None, nodata=None,
                          transform=rasterio.Affine.identity())  # fmt: skip
        with rasterio.open(path, "r+") as dataset:
            dataset.gcps = points, rasterio.CRS.from_epsg(4326)
            mask = np.full((64, 64), 255, np.uint8)
            mask[:8] = 0
            dataset.write_mask(mask)
        assets[key] = {"href": f"{key}.tif", "type": TIFF, "roles": ["data"]}
    properties = {"sar:instrument_mode": "IW", "platform": "SENTINEL-1A"}
    (scene,) = listed(write_json(tmp_path / "item.json", item("a", assets, properties=properties)))
    assert (scene.facts.bands, scene.facts.sensor) == (("vv", "vh"), "Sentinel-1")
    with rasterio.open(scene.path) as stack:
        found, crs = stack.gcps
        assert crs == "EPSG:4326"
        assert [(p.row, p.col, p.x, p.y) for p in found] == [
            (p.row, p.col, p.x, p.y) for p in points
        ]
        assert not stack.read_masks(1)[:8].any() and stack.read_masks(2)[8:].all()


@pytest.mark.parametrize(
    ("properties", "collection", "sensor"),
    [
        ({"platform": "sentinel-2a", "constellation": "sentinel-2"}, "", "Sentinel-2"),
        ({"platform": "landsat-8", "instruments": ["oli", "tirs"]}, "", "Landsat 8"),
        ({"platform": "LANDSAT_9"}, "", "Landsat 9"),
        ({}, "naip", "NAIP"),
        ({"platform": "WV03"}, "", "WorldView-3"),
        ({"platform": "GE01"}, "", "GeoEye-1"),
        ({"platform": "terra", "instruments": ["modis"]}, "", "MODIS"),
        ({"platform": "0f4c", "constellation": "planetscope"}, "", "PlanetScope"),
        ({"platform": "cbers-4a"}, "", "CBERS-4A"),
        ({"platform": "pleiades-neo-3"}, "", "Pléiades Neo"),
        ({"platform": "drone 7"}, "", "drone 7"),
        ({"platform": ["x"], "constellation": 5, "instruments": "msi"}, "", ""),
        ({}, "", ""),
    ],
)
def test_sensors_are_called_as_one_says_them(properties, collection, sensor) -> None:
    assert facts_of("a", properties, collection=collection).sensor == sensor


@pytest.mark.parametrize(
    ("properties", "acquired"),
    [
        ({"datetime": None, "start_datetime": "2019-07-14T10:00:00Z",
          "end_datetime": "2019-07-14T11:00:00Z"}, "2019-07-14T10:00:00Z"),
        ({"datetime": "2019-07-14T12:32:11+02:00"}, "2019-07-14T10:32:11Z"),
        ({"datetime": "2020-07-01T00:00:00Z", "start_datetime": "2020-01-01T00:00:00Z",
          "end_datetime": "2020-12-31T00:00:00Z"}, ""),
        ({"datetime": "last summer"}, ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_the_time_is_the_start_of_the_acquisition_or_none(properties, acquired) -> None:
    assert facts_of("a", properties).acquired == acquired


def test_values_that_cannot_be_count_as_not_stated() -> None:
    facts = facts_of("a", {"eo:cloud_cover": 200, "gsd": -1, "license": "various"})
    assert (facts.cloud_percent, facts.gsd_m, facts.license) == (None, None, "")
    facts = facts_of("a", {"eo:cloud_cover": True, "gsd": float("nan")}, license="MIT")
    assert (facts.cloud_percent, facts.gsd_m, facts.license) == (None, None, "MIT")


def test_a_thermal_band_on_the_grid_of_the_others_does_not_set_their_resolution() -> None:
    facts = facts_of("a", {"gsd": 15}, assets=[{"gsd": 30}, {"gsd": 100}, {"gsd": 30}])
    assert facts.gsd_m == 30


def test_a_file_of_several_bands_stands_alone_even_if_it_does_not_say_so(tmp_path: Path) -> None:
    assets = {}
    for number, (key, count) in enumerate([("analytic", 4), ("udm", 1), ("other", 3)]):
        write_band(tmp_path / f"{key}.tif", number, count=count)
        assets[key] = {"href": f"{key}.tif", "type": TIFF, "roles": ["data"]}
    (scene,) = listed(write_json(tmp_path / "item.json", item("a", assets)))
    assert scene.path == str(tmp_path / "analytic.tif")
    (scene,) = listed(tmp_path / "item.json", assets=("udm", "analytic"))
    assert scene.facts.bands == ("udm", "analytic_1", "analytic_2", "analytic_3", "analytic_4")


def test_a_raster_behind_a_url_without_suffix_is_not_downloaded(served) -> None:
    folder, url, _ = served
    write_band(folder / "scene", 0)
    assert not is_stac(f"{url}/scene")
    assert not is_stac(f"{url}/none")
    write_json(folder / "items", {"type": "FeatureCollection", "features": [
        item("a", sentinel_assets(folder))]})  # fmt: skip
    assert is_stac(f"{url}/items")
    assert len(listed(f"{url}/items")) == 1


def test_an_id_met_twice_is_listed_once(tmp_path: Path) -> None:
    value = item("a", sentinel_assets(tmp_path))
    root = write_json(
        tmp_path / "i.json", {"type": "FeatureCollection", "features": [value, value]}
    )
    found = list(scenes_of_stac(str(root)))
    assert isinstance(found[0], Listed)
    assert found[1].reason == "repeated_id"


def test_pixels_beside_each_other_do_not_stack(tmp_path: Path) -> None:
    assets = sentinel_assets(tmp_path)
    write_band(
        tmp_path / "nir.tif", 3, transform=rasterio.Affine(10, 0, 500_005, 0, -10, 4_000_000)
    )
    (scene,) = listed(write_json(tmp_path / "item.json", item("a", assets)))
    assert scene.facts.bands == ("blue", "green", "red")
    with rasterio.open(scene.path) as stack:
        assert ColorInterp.undefined not in stack.colorinterp
