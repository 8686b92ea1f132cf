"""Footprints of pairs as GeoParquet, read back by what people read it with."""

from __future__ import annotations

import argparse
import json
import tracemalloc
from pathlib import Path
from typing import Any

import geopandas
import pyarrow.parquet as pq
import pytest
import shapely
from affine import Affine

from domainclip import catalogue
from domainclip.commands._pairs_write import export
from domainclip.errors import BadInput, MissingExtra, OutputInUse
from domainclip.pairs.formats import geoparquet
from tests.data.make_pairs import encoded_image, make_pair
from tests.data.placed_pairs import placed_pair, placed_pairs


def test_geopandas_reads_what_the_pairs_say(tmp_path: Path) -> None:
    pairs = placed_pairs(tmp_path / "pairs", *(placed_pair(number) for number in range(5)))
    report = geoparquet.write(pairs, tmp_path / "out.parquet")
    frame = geopandas.read_parquet(tmp_path / "out.parquet")
    assert (report.pairs, report.files) == (5, 1)
    assert frame.crs == "OGC:CRS84"
    assert frame.geometry.is_valid.all()
    assert frame.key.tolist() == [pair.key for pair in pairs]
    first = frame.iloc[0]
    assert first.labels.tolist() == ["water", "beach"]
    assert (first.text, first.split, first.group) == ("Tile 0", "train", "cell 0")
    assert (first.scene, first.sensor, first.acquired) == (
        "made.tif", "Sentinel-2", "2019-07-14T10:32:11Z",
    )  # fmt: skip
    assert (first.gsd_m, first.cloud_percent, first.crs) == (10.0, 12.5, "EPSG:32618")
    assert frame.iloc[2].window.tolist() == [448, 0, 224, 224]
    back = frame.to_crs("EPSG:32618").geometry.iloc[3].bounds
    assert back == pytest.approx(tuple(pairs[3].where["bounds"]), abs=1e-3)


def test_readers_filter_by_the_covering_box_and_lose_none(tmp_path: Path) -> None:
    across = Affine(0.01, 0, 179, 0, -0.01, 10)
    pairs = placed_pairs(
        tmp_path / "pairs",
        *(placed_pair(number) for number in range(3)),
        placed_pair(0, crs="EPSG:4326", transform=across),
    )
    geoparquet.write(pairs, tmp_path / "out.parquet")
    beyond = geopandas.read_parquet(tmp_path / "out.parquet", bbox=(-179.9, 8, -179.8, 9))
    assert len(beyond) == 1
    assert beyond.geometry.iloc[0].geom_type == "MultiPolygon"
    assert len(geopandas.read_parquet(tmp_path / "out.parquet", bbox=(-75, 36, -74.99, 37))) == 1


def test_the_metadata_are_those_of_geoparquet_1_1(tmp_path: Path) -> None:
    pairs = placed_pairs(tmp_path / "pairs", placed_pair(0), placed_pair(1))
    geoparquet.write(pairs, tmp_path / "out.parquet")
    geo = json.loads(pq.read_metadata(tmp_path / "out.parquet").metadata[b"geo"])
    column = geo["columns"]["geometry"]
    frame = geopandas.read_parquet(tmp_path / "out.parquet")
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    assert (column["encoding"], column["geometry_types"]) == ("WKB", ["Polygon"])
    assert column["bbox"] == frame.total_bounds.tolist()
    assert column["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    assert all(shape.exterior.is_ccw for shape in frame.geometry)


def test_what_has_no_place_is_left_out_and_said(tmp_path: Path) -> None:
    pairs = placed_pairs(
        tmp_path / "pairs",
        placed_pair(0),
        make_pair(1),
        placed_pair(2, crs="IAU_2015:49900", bounds=[0, 0, 1, 1], transform=None),
    )
    report = geoparquet.write(pairs, tmp_path / "out.parquet")
    said = " ".join(report.lost)
    assert report.pairs == 1
    assert "1 pairs have no place" in said
    assert "another body than the Earth" in said


def test_fields_of_another_type_are_absent(tmp_path: Path) -> None:
    odd = placed_pair(0, gsd_m="ten", sensor=7, cloud_percent=True, scene=["x"])
    odd.where["window"] = [0.5, 0, 224, 224]
    geoparquet.write(placed_pairs(tmp_path / "pairs", odd), tmp_path / "out.parquet")
    row = pq.read_table(tmp_path / "out.parquet").to_pylist()[0]
    names = ("gsd_m", "sensor", "cloud_percent", "scene", "window")
    assert [row[name] for name in names] == [None] * 5


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    pairs = placed_pairs(tmp_path / "pairs", make_pair(0))
    with pytest.raises(BadInput, match="no pair has a footprint"):
        geoparquet.write(pairs, tmp_path / "new" / "out.parquet")
    assert not list((tmp_path / "new").iterdir())
    (tmp_path / "taken.parquet").write_text("mine")
    with pytest.raises(OutputInUse):
        geoparquet.write(pairs, tmp_path / "taken.parquet")
    assert (tmp_path / "taken.parquet").read_text() == "mine"


def test_the_same_pairs_give_the_same_bytes_and_a_split_its_rows(tmp_path: Path) -> None:
    pairs = placed_pairs(tmp_path / "pairs", *(placed_pair(number) for number in range(6)))
    geoparquet.write(pairs, tmp_path / "one.parquet")
    geoparquet.write(pairs, tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    report = geoparquet.write(pairs, tmp_path / "val.parquet", split="val")
    assert report.pairs == 3
    assert set(geopandas.read_parquet(tmp_path / "val.parquet").split) == {"val"}


def test_four_times_the_pairs_take_no_more_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geoparquet, "ROWS", 64)
    image = encoded_image(0)
    peaks = []
    for count in (400, 1600):
        made = (placed_pair(n % 90, image=image, key=str(n)) for n in range(count))
        pairs = placed_pairs(tmp_path / str(count), *made)
        tracemalloc.start()
        geoparquet.write(pairs, tmp_path / f"{count}.parquet")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert pq.read_metadata(tmp_path / "1600.parquet").num_rows == 1600
    assert peaks[1] < 1.25 * peaks[0]


def test_the_command_exports_and_names_the_extra_that_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    placed_pairs(tmp_path / "pairs", placed_pair(0), make_pair(1))
    arguments = argparse.Namespace(
        pairs=tmp_path / "pairs", output=tmp_path / "out.parquet", split=None, format="geoparquet",
        json=False,
    )  # fmt: skip
    assert export(arguments) == 0
    assert "1 pairs in 1 file (geoparquet)" in capsys.readouterr().out
    assert shapely.from_wkb(pq.read_table(tmp_path / "out.parquet")["geometry"][0].as_py()).area > 0

    def lacking(name: str) -> Any:
        raise ModuleNotFoundError(name="rasterio")

    monkeypatch.setattr(catalogue.importlib, "import_module", lacking)
    with pytest.raises(MissingExtra, match=r"\[tiles\]"):
        export(arguments)
