"""Maps of pairs: each tile where it lies, in its group's colour, and a page that harms nobody."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from PIL import Image

from domainclip.commands._pairs_map import draw_map
from domainclip.errors import BadInput, MissingExtra, UsageError
from domainclip.pairs import Pairs
from domainclip.pairs._map_groups import ABSENT, COLOURS, OTHER, grouping
from domainclip.pairs._map_tiles import map_tiles, middle_longitude
from domainclip.pairs.map import write_map
from tests.data.make_pairs import encoded_image, make_pair
from tests.data.placed_pairs import placed_pair, placed_pairs

HOSTILE = '</script><!-- "><script>alert(1)</script> \u2028 \ud800'.encode(
    "utf-8", "replace"
).decode()
DEGREE = Affine(0.001, 0, 10, 0, -0.001, 50)


@pytest.fixture
def pairs(tmp_path: Path) -> Pairs:
    """Eight tiles in UTM 18N, and two pairs that lie nowhere."""
    made = [placed_pair(number, cloud_percent=number * 10.0) for number in range(8)]
    return placed_pairs(tmp_path / "pairs", *made, make_pair(50), make_pair(51))


def data_of(page: Path) -> dict[str, Any]:
    text = page.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found
    return dict(json.loads(found[1]))


def rings_of(page: Path) -> list[np.ndarray]:
    return [
        np.array(ring).reshape(-1, 2) / 1e6 for parts in data_of(page)["rings"] for ring in parts
    ]


def test_a_page_holds_each_tile_where_rasterio_puts_it(pairs: Pairs, tmp_path: Path) -> None:
    from rasterio.warp import transform

    report = write_map(pairs, tmp_path / "map.html")
    assert (report.pairs, report.placed, report.shown, report.pictures) == (10, 8, 8, 8)
    assert report.left_out == (
        "2 pairs have no place (where.crs and where.bounds), and were left out.",
    )
    rings = rings_of(tmp_path / "map.html")
    for pair, ring in zip(pairs, rings, strict=False):
        west, south, east, north = pair.where["bounds"]
        xs, ys = [west, east, east, west], [north, north, south, south]
        corners = np.array(transform(pair.where["crs"], "EPSG:4326", xs, ys)).T
        off = np.abs(ring[:, None] - corners[None]).max(axis=2).min(axis=0)
        assert off.max() < 1e-6  # what the page rounds to


def test_colours_are_what_the_pairs_say(pairs: Pairs, tmp_path: Path) -> None:
    report = write_map(pairs, tmp_path / "a.html", colour="split")
    assert report.groups == {"train": 4, "val": 4}
    data = data_of(tmp_path / "a.html")
    by_name = {choice["name"]: choice for choice in data["choices"]}
    assert data["by"] == "split"
    assert data["choices"][0]["name"] == "split"
    assert [by_name["split"]["groups"][of] for of in by_name["split"]["of"]] == ["train", "val"] * 4
    assert set(by_name) == {"label", "split", "group"}, "what tells tiles apart, and no more"
    assert write_map(pairs, tmp_path / "b.html", colour="cloud_percent").groups["70"] == 1
    with pytest.raises(UsageError, match="colour='clouds': no pair says it"):
        write_map(pairs, tmp_path / "c.html", colour="clouds")
    with pytest.raises(UsageError, match="colour='clouds': no pair says it"):
        write_map(pairs, tmp_path / "c.png", colour="clouds")
    assert not (tmp_path / "c.html").exists()


def test_nothing_from_the_data_becomes_markup(tmp_path: Path) -> None:
    made = [
        placed_pair(number, key=f"{HOSTILE}{number}", sensor=f"{HOSTILE}{number // 2}")
        for number in range(4)
    ]
    hostile = [
        type(pair)(**{
            **{name: getattr(pair, name) for name in pair.__slots__},
            "text": HOSTILE, "labels": (HOSTILE,), "document": HOSTILE, "split": HOSTILE,
        })
        for pair in made
    ]  # fmt: skip
    pairs = placed_pairs(tmp_path / "pairs", *hostile)
    write_map(pairs, tmp_path / "map.html")
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert page.count("<script") == 2
    assert page.count("</script") == 2
    assert "<!--" not in page
    assert not re.search(r"""(?:src|href)=["']?https?:|https?://|@import|url\(""", page)
    data = data_of(tmp_path / "map.html")
    assert data["captions"] == [HOSTILE] * 4, "and the words come back whole"
    write_map(pairs, tmp_path / "map.svg")
    assert "<script" not in (tmp_path / "map.svg").read_text(encoding="utf-8")


def test_a_limit_draws_evenly_and_is_said(tmp_path: Path) -> None:
    made = [placed_pair(number, size=8) for number in range(100)]
    pairs = placed_pairs(tmp_path / "pairs", *made)
    report = write_map(pairs, tmp_path / "map.html", limit=10, pictures=3)
    assert (report.placed, report.shown, report.pictures) == (100, 10, 3)
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert "10 of 100 tiles, evenly drawn; 3 with their picture" in page
    keys = data_of(tmp_path / "map.html")["keys"]
    columns = [int(key.split("/")[1].split("_")[0]) // 8 for key in keys]
    assert columns == sorted(columns)
    assert np.diff(columns).max() <= 20
    assert columns[-1] >= 80
    assert "10 of 100 tiles" in str(report)
    with pytest.raises(UsageError, match="limit=0"):
        write_map(pairs, tmp_path / "map.html", limit=0)


def test_across_the_dateline_neighbours_stay_neighbours(tmp_path: Path) -> None:
    fiji = Affine(0.01, 0, 178.0, 0, -0.01, -17.0)
    made = [placed_pair(number, crs="EPSG:4326", transform=fiji, size=50) for number in range(8)]
    pairs = placed_pairs(tmp_path / "pairs", *made)  # 178 E to 178 W
    found = map_tiles(pairs)
    assert abs(abs(middle_longitude(found.tiles)) - 180) < 0.01
    write_map(pairs, tmp_path / "map.html")
    data = data_of(tmp_path / "map.html")
    assert abs(abs(data["middle"]) - 180) < 0.01
    for ring in rings_of(tmp_path / "map.html"):
        assert np.ptp(ring[:, 0]) <= 0.51
    write_map(pairs, tmp_path / "map.svg")
    words = (tmp_path / "map.svg").read_text(encoding="utf-8")
    assert "179°E" in words
    assert "179°W" in words
    assert "0°E" not in words


@pytest.mark.parametrize(
    "spans, middle",
    [
        ([(10, 11), (12, 13)], 11.5),
        ([(-180, -178), (178, 180)], -180.0),
        ([(-170, -160), (100, 110)], 150.0),
        ([(west, west + 1) for west in range(-180, 180, 2)], 0.0),
    ],
)
def test_the_middle_is_opposite_to_the_widest_gap(
    spans: list[tuple[float, float]], middle: float, tmp_path: Path
) -> None:
    made = [
        placed_pair(
            number,
            crs="EPSG:4326",
            transform=None,
            window=None,
            key=str(number),
            bounds=[west, 0, east, 1],
        )
        for number, (west, east) in enumerate(spans)
    ]
    found = map_tiles(placed_pairs(tmp_path / "pairs", *made))
    assert abs((middle_longitude(found.tiles) - middle + 180) % 360 - 180) < 1e-6


def test_rotated_tiles_have_their_own_corners(tmp_path: Path) -> None:
    turned = Affine.translation(10, 50) * Affine.rotation(30) * Affine.scale(0.001, -0.001)
    pairs = placed_pairs(
        tmp_path / "pairs", placed_pair(0, crs="EPSG:4326", transform=turned, size=100)
    )
    ring = map_tiles(pairs).tiles[0].rings[0]
    expected = [turned * corner for corner in ((0, 0), (100, 0), (100, 100), (0, 100))]
    off = np.abs(ring[:, None] - np.array(expected)[None]).max(axis=2).min(axis=0)
    assert off.max() < 1e-9


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_picture_has_each_colour_and_the_same_bytes_again(
    pairs: Pairs, tmp_path: Path, suffix: str
) -> None:
    for name in ("a", "b"):
        write_map(pairs, tmp_path / f"{name}.{suffix}")
    first = (tmp_path / f"a.{suffix}").read_bytes()
    assert first == (tmp_path / f"b.{suffix}").read_bytes()
    if suffix == "svg":
        words = first.decode()
        assert "forest (4)" in words
        assert "water (4)" in words
        assert "°W" in words
        assert COLOURS[0] in words
        return
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).reshape(-1, 3).astype(int)
    for colour in COLOURS[:2]:
        wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        laid = 0.7 * np.array(wanted) + 0.3 * 255
        assert (np.abs(pixels - laid).max(axis=1) <= 3).sum() > 1000


def test_tiny_tiles_are_dots(tmp_path: Path) -> None:
    made = [placed_pair(0, size=10, transform=DEGREE, crs="EPSG:4326", key="a")]
    far = Affine(0.001, 0, 60, 0, -0.001, 10)
    made.append(placed_pair(1, size=10, transform=far, crs="EPSG:4326", key="b"))
    pairs = placed_pairs(tmp_path / "pairs", *made)
    write_map(pairs, tmp_path / "map.png")
    pixels = np.asarray(Image.open(tmp_path / "map.png").convert("RGB")).astype(int)
    below_legend = pixels[len(pixels) // 2 :]
    blue = np.abs(below_legend - (0, 0x72, 0xB2)).max(axis=2) < 60
    assert 2 <= blue.sum() <= 16


def test_groups_are_at_most_twenty_with_the_rest_as_other() -> None:
    values = [
        name for name in "abcdefghijklmnopqrstuvwxyz" for _ in range(ord("z") - ord(name) + 1)
    ]
    found = grouping([*values, None, ""])
    assert found.names == (*"abcdefghijklmnopqrs", OTHER, ABSENT)
    assert sum(found.counts) == len(values) + 2
    assert found.counts[-1] == 2
    assert len(set(found.colours)) == len(found.colours)
    for value, group in zip(values, found.of, strict=False):
        assert found.names[group] == (value if value <= "s" else OTHER)
    assert len(grouping(list("abcdefghijklmnopqrst")).names) == 20


def test_splits_look_alike_on_every_map() -> None:
    few = grouping(["test", "test", "train", ""])
    many = grouping(["train"] * 5 + ["val"] * 9 + ["test"])
    assert many.names == ("train", "val", "test")
    assert few.names == ("train", "test", ABSENT)
    colours = dict(zip(many.names, many.colours, strict=True))
    assert few.colours[:2] == (colours["train"], colours["test"])
    assert len(set(many.colours)) == 3


def test_a_map_is_coloured_by_what_tells_its_tiles_apart(tmp_path: Path) -> None:
    one = placed_pairs(
        tmp_path / "one",
        replace(placed_pair(0), labels=("tree",), split="train"),
        replace(placed_pair(1), labels=("tree",), split="test"),
    )
    assert write_map(one, tmp_path / "a.png").by == "split"
    assert write_map(one, tmp_path / "b.html").by == "split"
    single = placed_pairs(tmp_path / "single", replace(placed_pair(0), labels=("tree",)))
    report = write_map(single, tmp_path / "c.html")
    assert report.by == "label"
    assert ": 1 tile by label" in str(report)
    assert ">1 tile. <" in (tmp_path / "c.html").read_text().replace("Licence: CC-BY-4.0. ", "")


def test_the_page_names_the_licences_of_its_pictures(tmp_path: Path) -> None:
    made = [replace(placed_pair(at), license="CC0-1.0" if at else HOSTILE) for at in range(3)]
    write_map(placed_pairs(tmp_path / "a", *made), tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text()
    assert "Licences: CC0-1.0, " in text
    assert HOSTILE not in text
    bare = placed_pairs(tmp_path / "b", *(replace(placed_pair(at), license="") for at in range(2)))
    write_map(bare, tmp_path / "b.html")
    assert "Licence" not in (tmp_path / "b.html").read_text()


def test_numbers_become_steps_and_dates_months_or_years() -> None:
    values: list[Any] = [0.5 * number for number in range(201)]
    found = grouping([*values, None])
    assert found.names == (
        "0 to 20", "20 to 40", "40 to 60", "60 to 80", "80 to 100", ABSENT,
    )  # fmt: skip
    assert found.counts == (40, 40, 40, 40, 41, 1)
    assert grouping([-1.5, *(number / 7 for number in range(40))]).names[0] == "-2 to 0"
    assert grouping([3, 1, 3]).names == ("3", "1"), "few numbers are classes"
    assert grouping([True, False, True]).names == ("yes", "no")
    months = grouping(["2019-07-14T10:00:00Z", "2018-01-02", "2019-07-01"])
    assert (months.names, months.counts) == (("2018-01", "2019-07"), (1, 2))
    years = grouping([f"{1990 + number // 12}-{number % 12 + 1:02}-01" for number in range(60)])
    assert years.names == ("1990", "1991", "1992", "1993", "1994")


def test_pairs_without_any_place_are_said_and_nothing_is_written(tmp_path: Path) -> None:
    pairs = placed_pairs(tmp_path / "pairs", make_pair(1), placed_pair(2, crs="no such CRS"))
    for name in ("map.html", "map.png"):
        with pytest.raises(BadInput, match="no pair has a place on the Earth"):
            write_map(pairs, tmp_path / name)
        assert not (tmp_path / name).exists()
    with pytest.raises(UsageError, match=r"a map ends in \.png, \.svg, \.html"):
        write_map(pairs, tmp_path / "map.pdf")
    assert not list(tmp_path.glob(".map*"))


def test_a_broken_image_costs_its_picture_alone(tmp_path: Path) -> None:
    pairs = placed_pairs(
        tmp_path / "pairs",
        placed_pair(0, image=b"no image"),
        placed_pair(1, image=encoded_image(1)),
    )
    assert write_map(pairs, tmp_path / "map.html").pictures == 1
    assert [bool(image) for image in data_of(tmp_path / "map.html")["images"]] == [False, True]


@pytest.mark.parametrize("missing, name", [("rasterio", "html"), ("matplotlib", "png")])
def test_a_missing_library_is_named_with_its_extra(
    pairs: Pairs, tmp_path: Path, missing: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [*sys.modules]:
        if module.split(".")[0] == missing or module.endswith("pairs._outlines"):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtra, match=missing):
        write_map(pairs, tmp_path / f"map.{name}")


def test_the_command_says_what_is_on_the_map(
    pairs: Pairs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = argparse.Namespace(
        pairs=pairs.path, output=tmp_path / "map.html", colour="label", limit=None, json=True
    )
    assert draw_map(words) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["placed"], said["groups"]) == (8, {"forest": 4, "water": 4})
    words.json = False
    assert draw_map(words) == 0
    said = capsys.readouterr().out
    assert "8 tiles by label, 8 with their picture" in said
    assert "2 pairs have no place" in said


def test_the_page_runs_in_a_browser(pairs: Pairs, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no browser here")
    write_map(pairs, tmp_path / "map.html", colour="split")
    # --no-sandbox: as root there is none; the page asks nothing of a net
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/own",
         "--dump-dom", (tmp_path / "map.html").as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    legend = re.search(r'<div id="groups">(.*?)</div>', done.stdout, re.S)
    assert legend, done.stderr[-2000:]
    assert legend[1].count('type="checkbox"') == 2
    assert "train" in legend[1]
    assert "8 shown." in done.stdout
