"""What every sentence of a tile may say: the kind of picture, resolution, time, place, sensor."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from ..records import Facts
from .language import Language
from .phrases import number_of

__all__ = ["Alternatives", "context_of"]

Alternatives = dict[str, tuple[str, ...]]

# A town says where a tile is when it is near; farther, the region or the country does.
_NEAR_KM = 30.0
# Below it pictures come from aircraft: the best satellites that sell images resolve some 0.3 m.
_AERIAL_GSD_M = 0.25
_TIME = re.compile(r"(\d{4})(?:-(\d{2}))?")


def context_of(facts: Facts, language: Language) -> Alternatives:
    """Slot -> the ways to fill it; a slot that the facts say nothing of is absent."""
    aerial = _is_aerial(facts, language)
    found = dict(_pictures(language, aerial, facts.sensor))
    gsd_m = facts.gsd_m
    if gsd_m is not None and math.isfinite(gsd_m) and gsd_m > 0:
        found["gsd"] = _gsd(language, gsd_m)
    when = _when(language, facts.acquired[:7], facts.season)
    if when:
        found["when"] = when
    if facts.place is not None:
        place = facts.place
        near = place.town_km is not None and place.town_km <= _NEAR_KM
        town = place.town if near else ""
        where = _where(language, place.water, place.country, place.region, town)
        if where:
            found["where"] = where
    return found


def _is_aerial(facts: Facts, language: Language) -> bool:
    if facts.sensor:
        sensor = facts.sensor.lower()
        return any(name in sensor for name in language.aerial_sensors)
    return facts.gsd_m is not None and 0 < facts.gsd_m < _AERIAL_GSD_M


@lru_cache(maxsize=1000)
def _pictures(language: Language, aerial: bool, sensor: str) -> Alternatives:
    kinds = language.pictures["aerial" if aerial else "satellite"]
    grammar = language.grammar
    made: Alternatives = {
        "picture": (language.picture_word.one,),
        "a_picture": tuple(grammar.one(noun, noun.one) for noun in kinds),
        "bare_picture": tuple(noun.one for noun in kinds),
    }
    made["a_sensor_picture"] = made["a_picture"]
    made["bare_sensor_picture"] = made["bare_picture"]
    if sensor:
        made["sensor"] = (language.sensor_by.replace("{sensor}", sensor),)
        named = [
            (noun, _filled(language.sensor_picture, sensor=sensor, picture=noun.one))
            for noun in kinds
        ]
        made["a_sensor_picture"] = tuple(grammar.one(noun, text) for noun, text in named)
        made["bare_sensor_picture"] = tuple(text for _, text in named)
    return made


@lru_cache(maxsize=10_000)
def _gsd(language: Language, gsd_m: float) -> tuple[str, ...]:
    said = [_filled(pattern, n=number_of(language, gsd_m)) for pattern in language.gsd]
    if gsd_m < 1:
        said.append(_filled(language.gsd_cm, n=number_of(language, gsd_m * 100)))
    return tuple(said)


@lru_cache(maxsize=10_000)
def _when(language: Language, acquired: str, season: str) -> tuple[str, ...]:
    """The month and year, and the season: a winter lies in two years, and is said without one."""
    said = []
    time = _TIME.match(acquired)
    year = time[1] if time else ""
    month = int(time[2]) if time and time[2] else 0
    if 1 <= month <= 12:
        said.append(_filled(language.when["month"], month=language.months[month - 1], year=year))
    elif year:
        said.append(_filled(language.when["year"], year=year))
    if season in language.season:
        said.append(language.season[season])
        if year and season in language.season_year and month not in (12, 1, 2):
            said.append(_filled(language.season_year[season], year=year))
    return tuple(said)


@lru_cache(maxsize=10_000)
def _where(
    language: Language, water: bool, country: str, region: str, town: str
) -> tuple[str, ...]:
    """town: "" where none is near."""
    if water:
        return language.where.get("sea", ())
    if not country:
        return ()
    in_country = f"the {country}" if country in language.lists.the_countries else country
    names = {"country": country, "in_country": in_country}
    said = [_filled(one, **names) for one in language.where.get("country", ())]
    if region and region != country:
        named = {**names, "region": region}
        said += [_filled(one, **named) for one in language.where.get("region", ())]
    if town:
        named = {**names, "town": town}
        said += [_filled(one, **named) for one in language.where.get("town", ())]
    return tuple(said)


def _filled(pattern: str, **values: str) -> str:
    """One pass, so that a name with a brace in it is left alone."""
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), pattern)
