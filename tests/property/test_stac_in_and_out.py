"""Whatever an item says, listing goes on; wherever a tile lies, its footprint is a valid place."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pyproj
import pytest
import shapely
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domainclip.extractors.tiles.records import Listed
from domainclip.extractors.tiles.stac.items import Refused, scenes_of_stac
from domainclip.pairs._outlines import outlines
from tests.data.make_stac import item, sentinel_assets, write_json
from tests.data.placed_pairs import placed_pair

ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=True), st.text(max_size=8),
    st.just([]), st.just({}), st.lists(st.integers(), max_size=2),
    st.just([{}]), st.just({"a": {}}), st.just("../x.tif"), st.just("red.tif"), st.just(10**400),
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to everything in a JSON value."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        inner = list(value.items() if isinstance(value, dict) else enumerate(value))
    return [(*path, at) for at, _ in inner] + [
        each for at, one in inner for each in places(one, (*path, at))
    ]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("stac")
    links = [{"rel": "collection", "href": "c.json"}, {"rel": "self", "href": "x.json"}]
    return folder, item("good", sentinel_assets(folder), links=links)


@given(st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_item_is_a_scene_or_a_reason(good: Any, data: st.DataObject) -> None:
    folder, value = good
    changed = copy.deepcopy(value)
    for _ in range(data.draw(st.integers(1, 3))):
        *path, last = data.draw(st.sampled_from(places(changed)))
        parent = changed
        for step in path:
            parent = parent[step]
        parent[last] = data.draw(ODD)
    both = [changed, value | {"id": "last"}]
    features = {"type": "FeatureCollection", "stac_version": "1.0.0", "features": both}
    root = write_json(folder / "items.json", features)
    found = list(scenes_of_stac(str(root)))
    assert [isinstance(each, Listed | Refused) for each in found] == [True, True]
    assert isinstance(found[1], Listed)
    write_json(folder / "alone.json", changed)
    if changed.get("type") == "Feature" and {"stac_version", "assets"} <= set(changed):
        assert len(list(scenes_of_stac(str(folder / "alone.json")))) == 1


@given(
    crs=st.sampled_from([*range(32601, 32661, 7), 32760, 3857, 3413, 3031, 6933]),
    x=st.floats(-1, 1), y=st.floats(-1, 1), turn=st.floats(0, 360),
    side=st.sampled_from([0.3, 10, 500, 3000]),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_a_footprint_is_valid_and_holds_the_middle_of_its_tile(crs, x, y, turn, side) -> None:
    if crs in (3857, 6933):
        place = x * 1.6e7, y * 6e6
    else:
        utm = 32600 < crs < 32800
        place = (5e5 + x * 3e5, (1.1e6 if crs > 32700 else 1e6) + abs(y) * 7.5e6) if utm else (
            x * 3e6, y * 3e6)  # fmt: skip
    cos, sin = math.cos(math.radians(turn)) * side, math.sin(math.radians(turn)) * side
    transform = Affine(cos, sin, place[0], sin, -cos, place[1])
    (found,) = outlines([placed_pair(0, crs=f"EPSG:{crs}", transform=transform)])
    assert not isinstance(found, str), found
    assert found.is_valid
    west, south, east, north = found.bounds
    assert -180 <= west < east <= 180 and -90 <= south < north <= 90
    a, b, c, d, e, f = list(transform)[:6]
    middle = a * 112 + b * 112 + c, d * 112 + e * 112 + f
    to_degrees = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True).transform
    assert found.distance(shapely.Point(*to_degrees(*middle))) < 1e-9
    geod = pyproj.Geod(ellps="WGS84")
    parts = shapely.get_parts(found)
    assert all(part.exterior.is_ccw for part in parts)
    if crs == 6933:  # of equal area
        area = sum(abs(geod.geometry_area_perimeter(part)[0]) for part in parts)
        assert area == pytest.approx((224 * side) ** 2, rel=0.02)
