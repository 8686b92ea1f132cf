"""What every sentence of a tile may say: the kind of picture, resolution, time, place, sensor."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from itertools import product

from ..places.naming import country_said, town_said
from ..records import Facts
from .language import Language
from .nouns import Noun
from .phrases import measured, number_of
from .waters import mostly_sea

__all__ = ["PICTURES", "Alternatives", "context_of"]

Alternatives = dict[str, tuple[str, ...]]

# the slots that say what kind of picture it is
PICTURES = frozenset(
    {"picture", "a_picture", "bare_picture", "a_sensor_picture", "bare_sensor_picture"}
)
# A town says where a tile is when it is near; farther, the region or the country does.
_NEAR_KM = 30.0
# Below it pictures come from aircraft: the best satellites that sell images resolve some 0.3 m.
_AERIAL_GSD_M = 0.25
# From it on they come from satellites: mapping agencies fly at 1 m and below. Between them both do.
_SATELLITE_GSD_M = 2.0
# what pictures may show beside natural colour; anything else is the name of an index
_SHOWN = ("radar", "false_colour", "grey")
_LEAST_PREFIX = 4  # letters of a satellite's name that may go on: Landsat8, but no "S2" in "S200"
_TIME = re.compile(r"(\d{4})(?:-(\d{2}))?")
_WORD = re.compile(r"[^\W_]+")


def context_of(facts: Facts, language: Language) -> Alternatives:
    """Slot -> the ways to fill it; a slot that the facts say nothing of is absent."""
    found = dict(_pictures(language, _view_of(facts, language), facts.shows, facts.sensor))
    gsd_m = facts.gsd_m
    if gsd_m is not None and math.isfinite(gsd_m) and gsd_m > 0:
        found["gsd"] = _gsd(language, gsd_m)
    when = _when(language, facts.acquired[:7], facts.season)
    if when:
        found["when"] = when
    place = facts.place
    at_sea = place is not None and place.water
    if place is not None and (at_sea or not mostly_sea(facts, language.lists)):
        near = place.town_km is not None and place.town_km <= _NEAR_KM
        town = place.town if near else ""
        where = _where(language, place.water, place.country_code, place.country, place.region, town)
        if where:
            found["where"] = where
    of_picture = ("when",) if at_sea else ("where", "when")  # a ship is at sea, the camera is not
    taken = [found[name] for name in of_picture if name in found]
    if taken:
        found["taken"] = tuple(" ".join(each) for each in product(*taken))
    return found


def _view_of(facts: Facts, language: Language) -> str:
    """satellite or aerial where the sensor or the resolution tells, else overhead."""
    carrier = _carrier(language, facts.sensor)
    if carrier:
        return carrier
    if facts.gsd_m is not None and 0 < facts.gsd_m < _AERIAL_GSD_M:
        return "aerial"
    if facts.gsd_m is not None and facts.gsd_m >= _SATELLITE_GSD_M:
        return "satellite"
    return "overhead"


@lru_cache(maxsize=1000)
def _carrier(language: Language, sensor: str) -> str:
    """aerial or satellite where the sensor's name tells, else ""."""
    sensor = sensor.lower()
    names = (*language.aerial_sensors, *language.lists.aerial_sensors)
    if any(name in sensor for name in names):
        return "aerial"
    words = _WORD.findall(sensor)
    if any(_is_satellite(word, name) for word in words for name in language.lists.satellites):
        return "satellite"
    return ""


def _is_satellite(word: str, name: str) -> bool:
    return word == name or (len(name) >= _LEAST_PREFIX and word.startswith(name))


@lru_cache(maxsize=1000)
def _pictures(language: Language, view: str, shows: str, sensor: str) -> Alternatives:
    kinds = _nouns(language, view, shows)
    grammar = language.grammar
    made: Alternatives = {
        "picture": (_short(language, kinds[0]) if shows else language.picture_word.one,),
        "a_picture": tuple(grammar.one(noun, noun.one) for noun in kinds),
        "bare_picture": tuple(noun.one for noun in kinds),
    }
    if view == "satellite" and not shows and language.from_space:
        made["from_space"] = (language.from_space,)
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


def _nouns(language: Language, view: str, shows: str) -> tuple[Noun, ...]:
    """What a picture is called: by what it shows where that is not natural colour, else by where it
    was taken from. The plain word is true of all, and stands where a language has no other."""
    kind = view if not shows else shows if shows in _SHOWN else "index"
    nouns = language.pictures.get(kind, (language.picture_word,))
    if kind != "index":
        return nouns
    index = shows.upper()
    return tuple(
        Noun(noun.one.replace("{index}", index), noun.more.replace("{index}", index), noun.gender)
        for noun in nouns
    )


def _short(language: Language, noun: Noun) -> str:
    """``image``, or ``radar image`` where the articles of the sentences fit that as well."""
    word = language.picture_word
    one = noun.one
    fits = one.startswith(f"{word.one} ") or one.lower().endswith(word.one.lower())
    return one if fits and noun.gender == word.gender else word.one


@lru_cache(maxsize=10_000)
def _gsd(language: Language, gsd_m: float) -> tuple[str, ...]:
    said = [measured(language, pattern, "n", gsd_m, km_from=1000) for pattern in language.gsd]
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
    language: Language, water: bool, code: str, country: str, region: str, town: str
) -> tuple[str, ...]:
    """code: of the country, which has its name from CLDR in all languages but English. town: ""
    where none is near."""
    if water:
        return language.where.get("sea", ())
    names = _country(language, code, country)
    kinds = ["country"] if names else []
    if names and region and region not in (country, names["country"]):
        kinds.append("region")
        names["region"] = region
    if names and town and town not in (country, names["country"]):
        kinds.append("town")
        town = town if language.code == "en" else town_said(town, code, language.code)
        names |= {"town": town, "of_town": language.grammar.of_place(town)}
    patterns = [one for kind in kinds for one in language.where.get(kind, ())]
    return tuple(
        _filled(one, **names) for one in patterns if names.get("within") or "{within}" not in one
    )


def _country(language: Language, code: str, country: str) -> dict[str, str]:
    """country: its name. in_country: in English, with the article that it has there. within: in the
    other languages, with its preposition. Empty where it has no name."""
    if language.code == "en":
        article = "the " if country in language.lists.the_countries else ""
        return {"country": country, "in_country": article + country} if country else {}
    said = country_said(code, language.code) if code else None
    return {"country": said.name, "within": said.within} if said else {}


def _filled(pattern: str, **values: str) -> str:
    """One pass, so that a name with a brace in it is left alone."""
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), pattern)
