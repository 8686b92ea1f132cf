"""Places: the country by its border, the nearest town by the sphere, seasons by hemisphere."""

from __future__ import annotations

import builtins
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domainclip.errors import MissingExtra, UsageError
from domainclip.extractors.tiles.places.lookup import places_of
from domainclip.extractors.tiles.places.seasons import season_of

CAPITALS = Path(__file__).parents[2] / "data" / "capitals.csv"


@pytest.fixture(autouse=True)
def data() -> None:
    for name in ("tzfpy", "tzdata", "reverse_geocode", "scipy"):
        pytest.importorskip(name)


def test_capitals_lie_in_their_countries() -> None:
    rows = [line.split(",") for line in CAPITALS.read_text().splitlines()[1:]]
    codes, names, lons, lats = zip(*rows, strict=True)
    assert len(rows) == 194
    places = places_of(np.array(lons, dtype=float), np.array(lats, dtype=float))
    wrong = [
        (name, place.country_code)
        for code, name, place in zip(codes, names, places, strict=True)
        if place.country_code != code
    ]
    assert wrong == []
    assert all(place.country and place.town for place in places)


def test_towns_of_geonames_agree_with_the_borders_of_openstreetmap() -> None:
    from domainclip.extractors.tiles.places.towns import read_towns

    towns = read_towns()
    drawn = np.random.default_rng(0).choice(len(towns.codes), 1000, replace=False)
    x, y, z = towns.points[drawn].T
    places = places_of(np.degrees(np.arctan2(y, x)), np.degrees(np.arcsin(z)))
    agree = [p.country_code == code for p, code in zip(places, towns.codes[drawn], strict=True)]
    assert np.mean(agree) >= 0.98
    assert np.mean([p.town_km is not None and p.town_km < 100 for p in places]) >= 0.99
    # a town's own region is that of the towns about it, or none is given
    states = [towns.state_names[n] if n >= 0 else None for n in towns.states[drawn]]
    given = [p.region == s for p, s in zip(places, states, strict=True) if p.region]
    assert len(given) > 700
    assert np.mean(given) >= 0.99


@pytest.mark.parametrize(
    ("name", "lon", "lat", "code"),
    [
        ("an enclave", 12.4534, 41.9033, "VA"),
        ("an enclave in the mountains", 12.458, 43.942, "SM"),
        ("an enclave the size of a country", 28.2, -29.5, "LS"),
        ("South Africa beside it", 27.3, -29.3, "ZA"),
        ("France, a kilometre from Basel", 7.56, 47.59, "FR"),
        ("Basel", 7.59, 47.55, "CH"),
        ("Germany, across the river", 7.62, 47.61, "DE"),
        ("a German town inside Switzerland", 8.69, 47.697, "DE"),
        ("Spain in Africa", -5.31, 35.89, "ES"),
        ("three kilometres off the coast", -9.53, 38.70, "PT"),
        ("west of the dateline", 179.3, -16.7, "FJ"),
        ("east of the dateline", -179.9, -16.8, "FJ"),
        ("on the dateline", 180.0, 67.5, "RU"),
        ("on the dateline, said the other way", -180.0, 67.5, "RU"),
        ("Chukotka in the west", -175.0, 66.5, "RU"),
        ("a turn further", 185.0, 66.5, "RU"),
        ("a small island state", 166.93, -0.53, "NR"),
        ("a smaller one", 179.19, -8.52, "TV"),
        ("an ice sheet", -40.0, 75.0, "GL"),
        ("northern Vietnam, on Bangkok's time", 105.85, 21.03, "VN"),
        ("Vietnam's narrow part", 105.6, 18.3, "VN"),
        ("Thailand on the Mekong", 104.77, 17.4, "TH"),
        ("northern Thailand", 99.83, 19.91, "TH"),
        ("the south pole", 0.0, -90.0, "AQ"),
        ("the ice that nobody claims", -120.0, -78.0, "AQ"),
        ("Crimea", 34.0, 45.0, "UA"),
        ("Northern Cyprus", 33.9, 35.2, "CY"),
        ("the West Bank, where two zones lie", 35.25, 31.9, ""),
        ("Kosovo, where the sources differ", 21.16, 42.66, ""),
    ],
)
def test_borders_are_borders(name: str, lon: float, lat: float, code: str) -> None:
    (place,) = places_of([lon], [lat])
    assert (place.country_code, bool(place.country)) == (code, bool(code))
    assert not place.water


@pytest.mark.parametrize(
    ("lon", "lat"), [(-30.0, 30.0), (0.0, 90.0), (180.0, -40.0), (-180.0, -40.0), (51.0, 42.0)]
)
def test_the_open_sea_belongs_to_no_country(lon: float, lat: float) -> None:
    (place,) = places_of([lon], [lat])
    assert place.water
    assert (place.country, place.region, place.town, place.town_km) == ("", "", "", None)


def test_the_town_is_the_nearest_of_its_country() -> None:
    from domainclip.extractors.tiles.places.towns import read_towns

    towns = read_towns()
    rng = np.random.default_rng(1)
    lons, lats = rng.uniform(-180, 180, 400), rng.uniform(-60, 80, 400)
    lons[:40] = np.where(rng.random(40) < 0.5, 178.5, -179.9)  # Fiji and Chukotka
    lats[:20], lats[20:40] = rng.uniform(-18.5, -16.2, 20), rng.uniform(64.5, 69, 20)
    seen = 0
    for place in places_of(lons, lats):
        if not place.country_code:
            continue
        own = np.flatnonzero(towns.codes == place.country_code)
        km = np.array([_haversine_km(place.lon, place.lat, towns.points[n]) for n in own])
        large = towns.populations[own] >= 5000
        near = large & (km <= 100) if (large & (km <= 100)).any() else km <= 100
        if not near.any():
            assert place.town == ""
            continue
        seen += 1
        best = own[near][np.argmin(km[near])]
        assert place.town == towns.names[int(best)].as_py()
        assert place.town_km == pytest.approx(km[near].min(), abs=0.06)
    assert seen > 40


def _haversine_km(lon: float, lat: float, point: np.ndarray) -> float:
    """The textbook's way, from degrees."""
    there = math.atan2(point[1], point[0]), math.asin(point[2])
    here = math.radians(lon), math.radians(lat)
    half = (
        math.sin((there[1] - here[1]) / 2) ** 2
        + math.cos(here[1]) * math.cos(there[1]) * math.sin((there[0] - here[0]) / 2) ** 2
    )
    return 2 * 6371.0088 * math.asin(math.sqrt(half))


def test_names_are_said_as_one_says_them() -> None:
    from domainclip.extractors.tiles.places.countries import country_names

    names = country_names()
    assert (names["GB"], names["KR"], names["CI"]) == (
        "United Kingdom", "South Korea", "Ivory Coast",
    )  # fmt: skip
    odd = [name for name in names.values() if set(name) & set("()&.")]
    assert odd == []


@pytest.mark.parametrize(("lon", "lat"), [(0.0, 90.1), (math.nan, 0.0), (0.0, math.nan)])
def test_what_is_no_point_is_refused(lon: float, lat: float) -> None:
    with pytest.raises(UsageError, match="no point in degrees"):
        places_of([lon], [lat])


def test_missing_data_name_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name == "tzfpy":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtra, match=r"'tzfpy' is not installed.*\[places\]"):
        places_of([0.0], [50.0])


@pytest.mark.parametrize(
    ("acquired", "lat", "season"),
    [
        ("2019-12-01", 50.0, "winter"),
        ("2019-02-28T23:59:59Z", 50.0, "winter"),
        ("2019-03-01", 50.0, "spring"),
        ("2019-07-14T10:32:11.123456Z", 50.0, "summer"),
        ("2019-11-30", 50.0, "autumn"),
        ("2019-12-01", -50.0, "summer"),
        ("2019-03", -50.0, "autumn"),
        ("2019-07-14", -33.0, "winter"),
        ("20190914", -33.0, "spring"),
        ("2019-07-14", 23.43, ""),
        ("2019-07-14", 23.44, "summer"),
        ("2019-07-14", -23.44, "winter"),
        ("2019-07-14", 90.0, "summer"),
        ("2019-07-14", math.nan, ""),
        ("2019-07-14", 91.0, ""),
        ("2019-02-31", 50.0, ""),
        ("2019-13-01", 50.0, ""),
        ("2019", 50.0, ""),
        ("", 50.0, ""),
        ("summer", 50.0, ""),
    ],
)
def test_seasons_turn_with_the_hemisphere(acquired: str, lat: float, season: str) -> None:
    assert season_of(acquired, lat) == season
