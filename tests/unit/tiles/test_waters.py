"""What is open water is never called land, and lies in no country."""

from __future__ import annotations

import re

import pytest

from domainclip.extractors.tiles.captions import LANGUAGES, captions_of, read_templates
from domainclip.extractors.tiles.records import Facts, Place, Thing

OURS = read_templates(None)
# what is said of solid ground, in seven languages, and the terms for land cover
LAND = re.compile(r"\b(land|ground|boden|sol|suelo|suolo|grond|solo|terreno)\b", re.I)
COVER = re.compile(r"land cover|occupation du sol|del suelo|del suolo|do solo", re.I)
LIBYA = Place(20.0, 31.5, "Libya", "LY", "", "Benghazi", 9.0)
WHEN = {"acquired": "2004-07-04", "sensor": "MODIS"}


def write(facts: Facts, code: str = "en", count: int = 60) -> list[str]:
    made = captions_of(facts, key="a", seed=0, count=count, languages=(code,), templates=OURS)
    return [text.text for text in made]


@pytest.mark.parametrize("code", LANGUAGES)
def test_nothing_is_called_land_of_which_only_sensor_and_time_are_known(code: str) -> None:
    ship = Thing("ship", (9.0, 9.0, 19.0, 14.0), 50.0)
    several = (ship, Thing("ship", (99.0, 99.0, 119.0, 110.0), 99.0))
    for facts in (
        Facts(64),
        Facts(64, 1000.0, **WHEN),
        Facts(64, 1000.0, place=Place(-30.0, 10.0, water=True), **WHEN),
        Facts(128, 1.0, objects=several, looked=True, **WHEN),
        Facts(64, 10.0, shares=(("ocean", 0.9), ("forest", 0.1)), **WHEN),
    ):
        made = write(facts, code)
        assert made
        assert not [text for text in made if LAND.search(COVER.sub("", text))]


@pytest.mark.parametrize(
    "facts",
    [
        Facts(64, label="ocean", place=LIBYA),
        Facts(64, label="Water", place=LIBYA),
        Facts(64, label="SeaLake", place=LIBYA),
        Facts(64, label="ocean", shares=(("desert", 0.6), ("ocean", 0.4)), place=LIBYA),
        Facts(64, shares=(("Permanent water bodies", 0.51), ("Grassland", 0.49)), place=LIBYA),
        Facts(64, shares=(("forest", 0.4), ("sea", 0.3), ("water", 0.3)), place=LIBYA),
        Facts(64, features=(Thing("water", (0, 0, 64, 64), 3000.0),), place=LIBYA),
        Facts(64, objects=(Thing("water", (0, 0, 64, 64), 3000.0),), place=LIBYA),
        Facts(64, features=(Thing("sea", (0, 0, 64, 64), 3000.0),), focus=True, place=LIBYA),
    ],
)
def test_what_is_mostly_sea_or_may_be_is_in_no_country(facts: Facts) -> None:
    for code, word in zip(
        LANGUAGES, ("Lib", "Lib", "Lib", "Lib", "Lib", "Lib", "Líb"), strict=True
    ):
        said = write(facts, code)
        assert said and not [text for text in said if word in text or "Beng" in text]


@pytest.mark.parametrize(
    "facts",
    [
        Facts(64, label="desert", place=LIBYA),
        Facts(64, label="lake", place=LIBYA),
        Facts(64, label="river", place=LIBYA),
        Facts(64, label="desert", shares=(("desert", 0.6), ("water", 0.4)), place=LIBYA),
        Facts(64, shares=(("forest", 0.51), ("water", 0.49)), place=LIBYA),
        Facts(64, features=(Thing("water", (0, 0, 64, 64), 300.0),), place=LIBYA),
        Facts(64, 10.0, place=LIBYA),
    ],
)
def test_land_lakes_and_what_is_half_land_have_their_country(facts: Facts) -> None:
    assert any("Libya" in text for text in write(facts))


def test_a_coast_is_in_its_country_and_its_sea_is_not() -> None:
    shares = (("desert", 0.6), ("ocean", 0.4))
    made = write(Facts(64, shares=shares, place=LIBYA, **WHEN), count=90)
    assert any("Libya" in text for text in made)
    assert not [text for text in made if "ocean" in text.lower() and "Libya" in text]
