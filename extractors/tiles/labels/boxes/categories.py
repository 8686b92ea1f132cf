"""Category names as captions say them: ``Small_Vehicle`` -> ``small vehicle``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import inflect

from domainclip.errors import BadInput

from ..csv_lines import lines_of_two, read_text

__all__ = ["XVIEW_TYPES", "Categories", "cleaned", "read_category_map"]

# Names that a rule cannot take apart, without case, blanks and joints: those of DOTA, iSAID, DIOR,
# NWPU VHR-10 and VisDrone.
_KNOWN = {
    "smallvehicle": "small vehicle", "largevehicle": "large vehicle",
    "storagetank": "storage tank", "oiltank": "oil tank", "swimmingpool": "swimming pool",
    "baseballdiamond": "baseball diamond", "baseballfield": "baseball field",
    "basketballcourt": "basketball court", "tenniscourt": "tennis court",
    "groundtrackfield": "ground track field", "soccerballfield": "soccer field",
    "footballfield": "football field", "golffield": "golf course", "golfcourse": "golf course",
    "trainstation": "train station", "containercrane": "container crane",
    "expresswayservicearea": "expressway service area", "windmill": "wind turbine",
    "expresswaytollstation": "expressway toll station", "awningtricycle": "awning tricycle",
    "motor": "motorcycle", "people": "person", "trafficlight": "traffic light",
    "parkinglot": "parking lot", "huttent": "hut or tent", "truckwbox": "box truck",
    "truckwflatbed": "flatbed truck", "truckwliquid": "tank truck",
    "fixedwingaircraft": "fixed-wing aircraft", "scrapertractor": "scraper or tractor",
    "frontloaderbulldozer": "front loader or bulldozer",
}  # fmt: skip

# xView's type_id, which has no names in its GeoJSON (xview_class_labels.txt of its baseline)
XVIEW_TYPES = {
    11: "fixed-wing aircraft", 12: "small aircraft", 13: "cargo plane", 15: "helicopter",
    17: "passenger vehicle", 18: "small car", 19: "bus", 20: "pickup truck", 21: "utility truck",
    23: "truck", 24: "cargo truck", 25: "box truck", 26: "truck tractor", 27: "trailer",
    28: "flatbed truck", 29: "tank truck", 32: "crane truck", 33: "railway vehicle",
    34: "passenger car", 35: "cargo car", 36: "flat car", 37: "tank car", 38: "locomotive",
    40: "maritime vessel", 41: "motorboat", 42: "sailboat", 44: "tugboat", 45: "barge",
    47: "fishing vessel", 49: "ferry", 50: "yacht", 51: "container ship", 52: "oil tanker",
    53: "engineering vehicle", 54: "tower crane", 55: "container crane", 56: "reach stacker",
    57: "straddle carrier", 59: "mobile crane", 60: "dump truck", 61: "haul truck",
    62: "scraper or tractor", 63: "front loader or bulldozer", 64: "excavator",
    65: "cement mixer", 66: "ground grader", 71: "hut or tent", 72: "shed", 73: "building",
    74: "aircraft hangar", 76: "damaged building", 77: "facility", 79: "construction site",
    83: "vehicle lot", 84: "helipad", 86: "storage tank", 89: "shipping container lot",
    91: "shipping container", 93: "pylon", 94: "tower",
}  # fmt: skip

# singular though they end in s, and those that inflect would shorten
_STAY = {
    "gas", "bus", "lens", "canvas", "atlas", "species", "series", "crossroads", "barracks",
    "headquarters", "gasworks", "waterworks", "works", "means", "gallows", "news", "sheep", "fish",
    "aircraft", "spacecraft", "hovercraft", "watercraft", "rotorcraft", "debris", "rails", "data",
}  # fmt: skip
_WORD = re.compile(r"[^\W_]+(?:['.&][^\W_]+)*")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")


LONGEST_NAME = 100


class Categories:
    """Raw names of annotations -> nouns.

    renamed: raw or cleaned name -> the noun to say, as it is; an empty one leaves the category out.
    Raises BadInput where a name is only a number, which no caption can say.
    """

    def __init__(self, renamed: Mapping[str, str] | None = None) -> None:
        self._renamed = dict(renamed or {})
        self._said: dict[str, str | None] = {}

    def of(self, raw: str, where: str) -> str | None:
        """The noun, or None for a category that is left out. where: the file, for the error."""
        if raw not in self._said:
            self._said[raw] = self._find(raw, where)
        return self._said[raw]

    def _find(self, raw: str, where: str) -> str | None:
        clean = cleaned(raw)
        for name in (raw, clean):
            if name in self._renamed:
                return self._renamed[name] or None
        if len(clean) > LONGEST_NAME:
            raise BadInput(f"{where}: {raw[:40]!r}... is too long for the name of a category.")
        if not any(letter.isalpha() for letter in clean):
            raise BadInput(
                f"{where}: the category {raw!r} has no name; give it one with --category-map, a "
                "CSV with the columns from and to."
            )
        return clean


@lru_cache(maxsize=4096)
def cleaned(name: str) -> str:
    """A noun in the singular, in lower case but for names such as ``A220``; '' for no words."""
    joined = "".join(_WORD.findall(name)).lower()
    if joined in _KNOWN:
        return _KNOWN[joined]
    if joined.endswith("s") and joined[:-1] in _KNOWN:
        return _KNOWN[joined[:-1]]
    words = [_cased(word) for word in _WORD.findall(_CAMEL.sub(" ", name))]
    return " ".join([*words[:-1], _singular(words[-1])]) if words else ""


def read_category_map(path: str | Path) -> dict[str, str]:
    """A CSV with the columns from and to. Raises BadInput."""
    what = "the category map"
    text = read_text(path, what)
    lines = lines_of_two(text, path, what, option="--category-map", names=("from", "to"))
    renamed: dict[str, str] = {}
    for _, line in lines:
        name = (line["from"] or "").strip()
        if name in renamed:
            raise BadInput(f"{path}: {name!r} stands twice in the column from; keep one.")
        renamed[name] = (line["to"] or "").strip()
    return renamed


def _cased(word: str) -> str:
    short = word.isupper() and len(word) <= 4 and len(word) > 1
    return word if short or any(letter.isdigit() for letter in word) else word.lower()


def _singular(word: str) -> str:
    if (
        word in _STAY
        or not (word.isalpha() and word.islower())
        or word.endswith(("ss", "us", "is"))
    ):
        return word
    if word.endswith("s") and word[:-1] in _STAY:
        return word[:-1]
    found = _engine().singular_noun(word)
    # what does not lead back was no plural
    if not found or len(found) < 3 or _engine().plural_noun(found) not in (word, "people"):
        return word
    return str(found)


@lru_cache(maxsize=1)
def _engine() -> inflect.engine:
    return inflect.engine()
