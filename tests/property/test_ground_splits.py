"""Splits on the ground: no two come nearer than the buffer, whatever the CRS, pole or dateline."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domainclip.errors import BadInput, UsageError
from domainclip.pairs import buffered_splits, plan_splits
from domainclip.pairs._close import close_pairs
from domainclip.pairs._footprints import read_footprints
from domainclip.pairs._ground import Ground
from tests.data.make_pairs import make_pair, write_pairs

rasterio = pytest.importorskip("rasterio")
warp = pytest.importorskip("rasterio.warp")
pyproj = pytest.importorskip("pyproj")

GEOD = pyproj.Geod(ellps="WGS84")
# CRS -> the middle of a place in it where the others have tiles too, by scene
SCENES = {
    "dateline": (180.0, -17.0, ["EPSG:4326", "EPSG:32701", "EPSG:32760", "EPSG:3832"]),
    "south pole": (30.0, -89.9, ["EPSG:4326", "EPSG:3031", "EPSG:3976"]),
    "north": (10.0, 84.5, ["EPSG:4326", "EPSG:3413", "EPSG:3995"]),
    "zones": (12.0, 50.0, ["EPSG:4326", "EPSG:32632", "EPSG:32633", "EPSG:3857", "EPSG:3035"]),
}
FRACTIONS = {"train": 0.6, "val": 0.15, "test": 0.25}
Where = dict[str, object]


def _tile(name: str, which: int, east_m: float, north_m: float, side_m: float) -> Where:
    """A tile about a place, in one of its CRSs, moved by metres of that CRS."""
    lon, lat, systems = SCENES[name]
    crs = systems[which % len(systems)]
    if crs == "EPSG:4326":
        step = 111_320.0
        across = step * max(np.cos(np.radians(lat)), 0.02)
        x, y = lon + east_m / across, lat + north_m / step
        w, s, e, n = x, y, x + side_m / across, y + side_m / step
        if w >= 180:
            w, e = w - 360, e - 360
        bounds = [w, s, e - 360 if e > 180 else e, n]  # as files have it: east < west
    else:
        (x,), (y,) = warp.transform("EPSG:4326", crs, [lon], [lat])
        bounds = [x + east_m, y + north_m, x + east_m + side_m, y + north_m + side_m]
    return {"crs": crs, "bounds": bounds}


def _sampled(where: Where, steps: int = 14) -> tuple[np.ndarray, np.ndarray]:
    """Points of a whole footprint, edges and inside, in degrees."""
    w, s, e, n = where["bounds"]  # type: ignore[misc]
    if where["crs"] == "EPSG:4326":
        s, n = np.clip([s, n], -90, 90)
    if where["crs"] == "EPSG:4326" and e < w:
        e += 360
    x, y = np.meshgrid(np.linspace(w, e, steps), np.linspace(s, n, steps))
    if where["crs"] == "EPSG:4326":
        return x.ravel(), y.ravel()
    moved = pyproj.Transformer.from_crs(str(where["crs"]), "EPSG:4326", always_xy=True)
    return moved.transform(x.ravel(), y.ravel())


def _slow_gap(a: Where, b: Where) -> float:
    """Metres between the nearest sampled points, by geodesics: never less than the truth."""
    (x1, y1), (x2, y2) = _sampled(a), _sampled(b)
    first, second = (v.ravel() for v in np.meshgrid(np.arange(len(x1)), np.arange(len(x2))))
    # the fifty nearest by chord, then truly
    points = [_unit(x, y) for x, y in ((x1, y1), (x2, y2))]
    chord = np.linalg.norm(points[0][first] - points[1][second], axis=1)
    best = np.argpartition(chord, 50)[:50]
    i, j = first[best], second[best]
    return float(np.min(GEOD.inv(x1[i], y1[i], x2[j], y2[j])[2]))


def _unit(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    x, y = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)], axis=-1)


tiles = st.builds(
    _tile,
    st.shared(st.sampled_from(sorted(SCENES)), key="scene"),
    st.integers(0, 4),
    st.integers(-30, 30).map(lambda k: k * 500.0),
    st.integers(-30, 30).map(lambda k: k * 500.0),
    st.sampled_from([320.0, 1_000.0, 5_000.0]),
)


@settings(max_examples=60, deadline=None)
@given(a=tiles, b=tiles)
def test_gaps_are_those_of_geodesics_between_sampled_points(a: Where, b: Where) -> None:
    ground = Ground(read_footprints([a, b]))
    one, two = np.array([0]), np.array([1])
    found, slow = float(ground.gaps(one, two)[0]), _slow_gap(a, b)
    assert float(ground.gaps(two, one)[0]) == pytest.approx(found, rel=1e-6, abs=1e-3)
    assert found <= slow * 1.0005 + 0.01
    # sampled points lie at most half a step off the nearest ones; sides that bend cost some metres
    longest = 5_000 / 13 * 1.5
    assert found >= slow * 0.9995 - longest - 60
    share = float(ground.shares(one, two)[0])
    assert 0 <= share <= 1
    assert (share == 0) or (found == 0)


@settings(max_examples=40, deadline=None)
@given(
    boxes=st.lists(
        st.tuples(
            st.floats(-180, 180),
            st.floats(-90, 90),
            st.floats(0.001, 40),
            st.floats(0.001, 40),
        ),
        min_size=2,
        max_size=2,
    )
)
def test_gaps_of_large_boxes_of_degrees_are_those_of_sampled_points(
    boxes: list[tuple[float, float, float, float]],
) -> None:
    a, b = (
        {"crs": "EPSG:4326", "bounds": [w, s, w + width, min(s + height, 90.0)]}
        for w, s, width, height in boxes
    )
    found = float(Ground(read_footprints([a, b])).gaps(np.array([0]), np.array([1]))[0])
    slow = _slow_gap(a, b)
    assert found <= slow * 1.005 + 1
    assert found >= slow * 0.99 - 111_320 * 40 / 13 * 1.5


@settings(max_examples=25, deadline=None)
@given(
    where=st.lists(tiles, min_size=2, max_size=9),
    splits=st.lists(st.sampled_from(["train", "val", "test"]), min_size=12, max_size=12),
    buffer=st.sampled_from([0.0, 400.0, 3_000.0]),
)
def test_splits_keep_their_distance_on_the_ground(
    where: list[Where], splits: list[str], buffer: float
) -> None:
    splits = splits[: len(where)]
    kept = buffered_splits(splits, where, buffer_m=buffer)
    rank = ["train", "val", "test"]
    ground = Ground(read_footprints(where))
    for i in range(len(where)):
        assert kept[i] in ("", splits[i])
        higher = [j for j, s in enumerate(kept) if s and rank.index(s) > rank.index(splits[i])]
        if kept[i]:
            for j in higher:
                assert _slow_gap(where[i], where[j]) > buffer
                assert ground.shares(np.array([i]), np.array([j]))[0] == 0
        else:
            # nothing goes out without a reason
            assert min(_slow_gap(where[i], where[j]) for j in higher) <= buffer * 1.01 + 600


def test_tiles_of_neighbouring_zones_that_lie_on_one_another_are_found() -> None:
    lon, lat = 12.0, 50.0  # where zones 32 and 33 meet
    where = []
    for crs in ("EPSG:32632", "EPSG:32633", "EPSG:4326"):
        (x,), (y,) = warp.transform("EPSG:4326", crs, [lon], [lat])
        side = 0.02 if crs == "EPSG:4326" else 2000
        where.append({"crs": crs, "bounds": [x, y, x + side, y + side]})
    ground = Ground(read_footprints(where))
    zero, one, two = (np.array([k]) for k in range(3))
    assert 0.9 < ground.shares(zero, one)[0] < 1
    assert 0.5 < ground.shares(zero, two)[0] < 1
    assert buffered_splits(["train", "test", "val"], where, buffer_m=0.0) == ["", "test", ""]
    with pytest.raises(BadInput, match="buffer_m"):
        buffered_splits(["train", "test", "val"], where, 0.0)


def test_tiles_beyond_the_edge_of_a_map_cost_only_themselves() -> None:
    disk = "+proj=geos +h=35785831 +lon_0=-75 +sweep=x"  # the Earth from a geostationary orbit
    where = [
        {"crs": disk, "bounds": [x * 1e6, y * 1e6, (x + 1) * 1e6, (y + 1) * 1e6]}
        for x in range(-6, 6)
        for y in range(-6, 6)
    ]
    ground = Ground(read_footprints(where))
    corners = np.array([[w["bounds"][i] for i in (0, 0, 2, 2)] for w in where])  # type: ignore[index]
    others = np.array([[w["bounds"][i] for i in (1, 3, 1, 3)] for w in where])  # type: ignore[index]
    inside = (np.hypot(corners, others) < 5.4e6).all(axis=1)
    assert 60 < inside.sum() < 80
    assert (ground.placed == inside).all()
    assert list(ground.refused) == [disk]
    with pytest.raises(BadInput, match="units of the CRS"):
        buffered_splits(["train"] * 144, where, buffer_m=0.0)


def test_areas_are_those_of_geodesics() -> None:
    where = [
        {"crs": "EPSG:4326", "bounds": [179.0, 60.0, -179.0, 61.0]},
        {"crs": "EPSG:32633", "bounds": [500_000, 5_500_000, 510_000, 5_510_000]},
    ]
    found = Ground(read_footprints(where)).areas(np.arange(2))
    for one, area in zip(where, found, strict=True):
        x, y = _sampled(one, 40)
        grid = np.arange(1600).reshape(40, 40)
        edge = [*grid[0], *grid[1:, -1], *grid[-1, -2::-1], *grid[-2:0:-1, 0]]
        true, _ = GEOD.polygon_area_perimeter(x[edge], y[edge])
        assert area == pytest.approx(abs(true), rel=0.01)


@settings(max_examples=60, deadline=None)
@given(
    points=st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1)), max_size=30),
    others=st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1)), max_size=30),
    sizes=st.lists(st.sampled_from([0.0, 0.001, 0.02, 0.5]), min_size=60, max_size=60),
    distance=st.sampled_from([0.0, 0.01, 0.3]),
    flat=st.booleans(),
)
def test_no_close_pair_is_missed_and_none_comes_twice(
    points: list[tuple[float, float, float]],
    others: list[tuple[float, float, float]],
    sizes: list[float],
    distance: float,
    flat: bool,
) -> None:
    dims = 2 if flat else 3
    a, b = (np.array(v, dtype=float).reshape(-1, 3)[:, :dims] for v in (points, others))
    ra, rb = np.array(sizes[: len(a)]), np.array(sizes[30 : 30 + len(b)])
    found = [
        (int(i), int(j))
        for rows, far in close_pairs(a, ra, b, rb, distance)
        for i, j in zip(rows, far, strict=True)
    ]
    assert len(found) == len(set(found))
    for i in range(len(a)):
        for j in range(len(b)):
            if np.abs(a[i] - b[j]).max() <= ra[i] + rb[j] + distance:
                assert (i, j) in set(found)


def test_many_candidates_come_in_parts() -> None:
    points = np.zeros((900, 3))
    found = list(close_pairs(points, np.zeros(900), points, np.zeros(900), 0.1))
    assert len(found) > 1
    assert sum(len(i) for i, _ in found) == 900 * 900
    done = np.zeros(900, dtype=bool)
    seen = 0
    for i, _ in close_pairs(points, np.zeros(900), points, np.zeros(900), 0.1, done=done):
        seen += len(i)
        done[:] = True
    assert 0 < seen < 900 * 900


def _scene_pairs(path: Path, **changes: object) -> object:
    """Two overlapping scenes in two UTM zones and one in degrees, 12 x 12 tiles each."""
    made = []
    for number, crs in enumerate(["EPSG:32632", "EPSG:32633", "EPSG:4326"]):
        (x,), (y,) = warp.transform("EPSG:4326", crs, [12.0], [50.0])
        step = 0.01 if crs == "EPSG:4326" else 700.0
        for at in range(144):
            w, s = x + at % 12 * step, y + at // 12 * step
            where = {
                "crs": crs,
                "bounds": [w, s, w + 1.4 * step, s + 1.4 * step],
                "acquired": f"2020-0{number + 1}-{1 + at // 12:02d}T10:00:00Z",
            }
            made.append(
                make_pair(len(made), where=where, document=f"scene {number}", group="", **changes)
            )
    return write_pairs(path, made)


def test_cells_of_the_earth_hold_tiles_of_every_crs_and_never_overlap(tmp_path: Path) -> None:
    pairs = _scene_pairs(tmp_path)
    plan = plan_splits(pairs, FRACTIONS, by="cell", cell_m=2_500)  # type: ignore[arg-type]
    assert plan.buffered > 0
    assert set(plan.splits) == {"train", "val", "test", ""}
    table = pairs.table(["where", "document"])  # type: ignore[attr-defined]
    ground = Ground(read_footprints(table.column("where").to_pylist()))
    rows = [np.flatnonzero(np.array(plan.splits) == name) for name in FRACTIONS]
    for first in range(3):
        for second in range(first):
            a, b = (v.ravel() for v in np.meshgrid(rows[first], rows[second]))
            assert ground.shares(a, b).max() == 0
            assert ground.gaps(a, b).min() > 0
    assert {unit.split("/")[0] for unit in plan.units} == {"earth"}
    documents = np.array(table.column("document").to_pylist())
    assert {len(set(documents[r])) for r in rows} == {3}  # scenes share the cells
    wide = plan_splits(pairs, FRACTIONS, by="cell", cell_m=2_500, buffer_m=800)  # type: ignore[arg-type]
    assert wide.buffered > plan.buffered
    assert plan == plan_splits(pairs, FRACTIONS, by="cell", cell_m=2_500)  # type: ignore[arg-type]


def test_cells_in_units_of_the_crs_are_those_of_the_extractor(tmp_path: Path) -> None:
    from rasterio import CRS, Affine

    from domainclip.extractors.tiles.reading.georeference import Georeference
    from domainclip.pairs._split_units import map_cells

    for crs, origin in (("EPSG:4326", (179.5, 10.0)), ("EPSG:32633", (480_000.0, 5_500_000.0))):
        pixel = 0.01 if crs == "EPSG:4326" else 10.0
        place = Georeference(
            CRS.from_user_input(crs), Affine(pixel, 0, origin[0], 0, -pixel, origin[1])
        )
        spots = [(column, row) for column in range(0, 300, 32) for row in range(0, 300, 32)]
        where = [{"crs": place.name, "bounds": list(place.bounds(c, r, 32))} for c, r in spots]
        side = 0.8 if crs == "EPSG:4326" else 900.0
        assert map_cells(read_footprints(where), side) == [
            place.cell(c, r, 32, side) for c, r in spots
        ]


def test_cells_of_the_earth_are_alike_everywhere() -> None:
    from domainclip.pairs._split_units import earth_cells

    lat = np.degrees(np.arcsin(np.random.default_rng(0).uniform(-1, 1, 60_000)))
    lon = np.random.default_rng(1).uniform(-180, 180, 60_000)
    where = [
        {"crs": "EPSG:4326", "bounds": [x, y, x, y]}
        for x, y in zip(lon.tolist(), lat.tolist(), strict=True)
    ]
    cells = earth_cells(Ground(read_footprints(where)), 1_000_000)
    counts = np.array(list(Counter(cells).values()))
    # 510 million km² in cells of a million
    assert 480 < len(counts) < 560
    assert counts.min() > 0.6 * counts.mean()
    ends = [
        {"crs": "EPSG:4326", "bounds": [x, y, x, y]} for x, y in ((180, 5), (-180, 5), (540, 5))
    ]
    assert len(set(earth_cells(Ground(read_footprints(ends)), 5_000))) == 1


def test_time_cuts_between_days_and_leaves_out_what_has_none(tmp_path: Path) -> None:
    days = [f"2021-03-{day:02d}" for day in range(1, 11)]
    made = [
        make_pair(
            at, where={"acquired": f"{days[at % 10]}T{at // 10:02d}:00:00Z"} if at < 95 else {}
        )
        for at in range(100)
    ]
    pairs = write_pairs(tmp_path, made)
    plan = plan_splits(pairs, FRACTIONS, by="time")
    assert plan.untimed == 5
    assert plan.buffered == 0
    of_day = {
        day: {plan.splits[at] for at in range(95) if at % 10 == number}
        for number, day in enumerate(days)
    }
    assert all(len(splits) == 1 for splits in of_day.values())
    order = ["train", "val", "test"]
    ranks = [order.index(next(iter(of_day[day]))) for day in days]
    assert ranks == sorted(ranks)
    assert ranks.count(0) == 6
    assert set(ranks) == {0, 1, 2}
    assert plan.splits[95:] == [""] * 5
    with pytest.raises(BadInput, match="10 days of acquisition"):
        plan_splits(pairs, {str(k): 1 / 11 for k in range(11)}, by="time")


def test_times_of_other_zones_and_forms_are_one_clock() -> None:
    said = [
        "2020-01-01T23:30:00-02:00",
        "2020-01-02",
        "20200102T0000Z",
        "2020-01-02T00:00:00.123456Z",
    ]
    said += ["2020-13-01", "soon", ""]
    days = read_footprints([{"acquired": one} for one in said]).days
    assert len(set(days[:4].tolist())) == 1
    assert len(set(days[4:].tolist())) == 1


def test_ways_to_split_that_contradict_are_refused(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path, [make_pair(i, where={}) for i in range(12)])
    for options, said in [
        ({"by": "cell"}, "side of a cell"),
        ({"by": "cell", "cell": 1.0, "cell_m": 1.0}, "side of a cell"),
        ({"cell_m": 5.0}, "belong to by='cell'"),
        ({"buffer": 1.0, "buffer_m": 1.0}, "one of them"),
        ({"buffer_m": -1.0}, "distance of 0 or more"),
        ({"by": "cell", "cell_m": 0.0}, "side above 0"),
        ({"by": "cel", "cell_m": 9.0}, "Did you mean 'cell'"),
    ]:
        with pytest.raises(UsageError, match=said):
            plan_splits(pairs, FRACTIONS, **options)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"no where\.bounds"):
        plan_splits(pairs, FRACTIONS, by="cell", cell_m=9.0)
    for crs, said in (
        ('LOCAL_CS["site",UNIT["metre",1]]', "bound to no planet"),
        ("", r"without where\.crs"),
        ("EPSG:1", "no CRS that PROJ knows"),
    ):
        with pytest.raises(BadInput, match=said):
            buffered_splits(["train"], [{"crs": crs, "bounds": [1, 2, 3, 4]}], buffer_m=1.0)


MARS = [
    "IAU_2015:49900",  # a sphere
    "+proj=longlat +a=3396190 +b=3376200 +no_defs",
    "+proj=eqc +R=3396190 +units=m +no_defs",
    "+proj=stere +lat_0=90 +R=3396190 +units=m +no_defs",
]


def _spots(crs: str, count: int = 64) -> list[Where]:
    """Tiles of about 10 km on Mars or another body, round 40° N 10° E."""
    lonlat = "longlat" in crs or crs.startswith("IAU")
    side = 0.17 if lonlat else 10_000.0
    if lonlat:
        x, y = 10.0, 40.0
    else:
        base = re.sub(r"\+proj=\w+", "+proj=longlat", crs)
        (x,), (y,) = warp.transform(base, crs, [10.0], [40.0])
    return [
        {"crs": crs, "bounds": [w, s, w + side, s + side]}
        for w, s in ((x + at % 8 * side, y + at // 8 * side) for at in range(count))
    ]


@pytest.mark.parametrize("crs", MARS)
def test_cells_in_metres_are_those_of_the_body(crs: str, tmp_path: Path) -> None:
    made = [make_pair(at, where=where, group="") for at, where in enumerate(_spots(crs))]
    pairs = write_pairs(tmp_path, made)
    plan = plan_splits(pairs, FRACTIONS, by="cell", cell_m=20_000)
    assert {unit.rpartition("/")[0].rpartition("/")[0] for unit in plan.units} == {
        "radius-3396km/20000"
    }
    # 80 km by 60 to 80 km; the pole's map has scale 1.2 at 40° N, and eqc stretches by 1.3
    assert 8 <= len(set(plan.units)) <= 25
    assert set(plan.splits) == {"train", "val", "test", ""}
    ground = Ground(read_footprints(w.where for w in made))
    rows = [np.flatnonzero(np.array(plan.splits) == name) for name in FRACTIONS]
    for first in range(3):
        for second in range(first):
            a, b = (v.ravel() for v in np.meshgrid(rows[first], rows[second]))
            assert ground.gaps(a, b).min() > 0


def test_maps_of_one_body_share_its_cells_and_ground_and_bodies_share_none() -> None:
    from domainclip.pairs._split_units import earth_cells

    point = {"eqc": (592_748.0, 1_185_497.0), "longlat": (10.0, 20.0)}
    where = [
        {"crs": crs, "bounds": [x, y, x, y]}
        for crs, (x, y) in [
            ("IAU_2015:49900", point["longlat"]),
            (MARS[2], point["eqc"]),
            # geodetic 20.2184°, which is 20° from the centre: what the spheres' maps give
            (MARS[1], (10.0, 20.2184004)),
            ("IAU_2015:30100", point["longlat"]),
            ("EPSG:4326", point["longlat"]),
        ]
    ]
    ground = Ground(read_footprints(where))
    cells = earth_cells(ground, 100.0)
    assert cells[0] == cells[1] == cells[2]
    assert [c.split("/")[0] for c in cells[2:]] == ["radius-3396km", "radius-1737km", "earth"]
    everything = np.arange(5)
    near = {
        (int(i), int(j))
        for rows, far in ground.close(everything, everything, 1e9)
        for i, j in zip(rows, far, strict=True)
    }
    assert near == {(i, j) for i in range(3) for j in range(3)} | {(3, 3), (4, 4)}
    assert buffered_splits(["train", "test", "", "train", "val"], where, buffer_m=1e6) == [
        "", "test", "", "train", "val",
    ]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    lonlats=st.lists(
        st.tuples(st.floats(-179, 178), st.floats(-85, 84)), min_size=2, max_size=2, unique=True
    ),
    polar=st.sampled_from([3396190.0, 3376200.0, 3300000.0]),
    near=st.booleans(),
)
def test_gaps_on_other_bodies_are_never_more_than_geodesics(
    lonlats: list[tuple[float, float]], polar: float, near: bool
) -> None:
    (x, y), (x2, y2) = lonlats
    if near:
        x2, y2 = x + (x2 + 180) / 360, y + (y2 + 90) / 180
    crs = f"+proj=longlat +a=3396190 +b={polar} +no_defs"
    where = [{"crs": crs, "bounds": [a, b, a + 1e-4, b + 1e-4]} for a, b in ((x, y), (x2, y2))]
    found = float(Ground(read_footprints(where)).gaps(np.array([0]), np.array([1]))[0])
    _, _, true = pyproj.Geod(a=3396190, b=polar).inv(x, y, x2, y2)
    assert found <= true * 1.000001 + 0.01
    if near:
        flat = 1 - polar / 3396190
        assert found >= true * (0.99 - 3 * flat) - 25


def test_refusals_name_what_was_asked_for_and_the_crs(tmp_path: Path) -> None:
    local = 'LOCAL_CS["dig site",UNIT["metre",1]]'
    tiles = [make_pair(at, where=place, group="") for at, place in enumerate(_spots(local))]
    alone = write_pairs(tmp_path / "alone", tiles)
    with pytest.raises(
        BadInput, match=r"'dig site': bound to no planet.*\(--cell SIDE\)"
    ) as caught:
        plan_splits(alone, FRACTIONS, by="cell", cell_m=20_000)
    assert "buffer" not in str(caught.value)
    both = [
        *tiles,
        *(make_pair(64 + at, where=w, group="") for at, w in enumerate(_spots(MARS[2]))),
    ]
    mixed = write_pairs(tmp_path / "mixed", both)
    for cells in ({"cell": 20_000.0}, {"cell_m": 20_000.0}):
        with pytest.raises(BadInput, match=r"[sS]plit such pairs by document or group"):
            plan_splits(mixed, FRACTIONS, by="cell", **cells)
    wkt = rasterio.CRS.from_user_input(MARS[2]).to_wkt()
    assert plan_splits(alone, FRACTIONS, by="cell", cell=20_000).units[0].startswith("LOCAL_CS")
    planets = [{"crs": wkt, "bounds": [0, 0, 1, 1]}, {"crs": "EPSG:4326", "bounds": [0, 0, 1, 1]}]
    two = write_pairs(tmp_path / "two", [make_pair(n, where=w) for n, w in enumerate(planets)])
    with pytest.raises(BadInput, match=r"'EPSG:4326'.* no one grid; give the side .*--cell-m"):
        plan_splits(two, {"a": 0.5, "b": 0.5}, by="cell", cell=1)


def test_names_of_crss_are_never_cut_wkt() -> None:
    from rasterio import CRS

    from domainclip.pairs._bodies import crs_name

    assert crs_name("EPSG:32633") == "'EPSG:32633'"
    mars = CRS.from_user_input(MARS[2])
    unnamed = "unnamed (Equirectangular, radius 3396 km)"
    for version in ("WKT1_GDAL", "WKT2_2019"):
        found = crs_name(mars.to_wkt(version=version))
        assert found.startswith("unnamed (Equi") and found.endswith(unnamed[-16:])
    assert crs_name(CRS.from_epsg(32633).to_wkt()) == "'WGS 84 / UTM zone 33N'"
    assert crs_name('{"type": "ProjectedCRS", "name": "Olympus"}') == "'Olympus'"
    long = crs_name("+proj=lcc " + "+lat_1=33 " * 30)
    assert len(long) < 90 and long.endswith("lat_1=33' (and more)")
