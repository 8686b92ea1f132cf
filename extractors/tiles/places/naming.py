"""Countries and towns as a language says them: names by CLDR, and what stands before a country.

The names are those of the library Babel (Unicode CLDR); ``countries_said.yaml`` has the few that
no sentence can hold, and prepositions and articles of our languages: ``in den Niederlanden``.
Of towns CLDR names those that time zones are called after, most capitals among them.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml

from domainclip.errors import MissingExtra

from .countries import EXTRA, country_of_zones

__all__ = ["CountrySaid", "country_said", "require_names", "town_said"]

_SOFT_HYPHEN = "\u00ad"


@dataclass(frozen=True, slots=True)
class CountrySaid:
    """name: ``Niederlande``. within: ``in den Niederlanden``; "" for languages but our six, which
    need not have one word for it."""

    name: str
    within: str


@lru_cache(maxsize=4096)
def country_said(code: str, language: str) -> CountrySaid | None:
    """A country (ISO 3166-1 alpha-2) in a language (BCP 47) other than English; None where CLDR
    has no name for it. Raises MissingExtra without the extra ``places``."""
    said = _said().get(language, {})
    name = said.get("names", {}).get(code) or _names(language).get(code, "")
    if not name:
        return None
    name = name.replace("’", "'")  # as our sentences write it
    ways = [way for way, codes in said.get("ways", {}).items() if code in codes]
    way = ways[0] if ways else said.get("within", "")
    return CountrySaid(name, said.get("phrases", {}).get(code) or way.replace("{}", name))


def town_said(name: str, code: str, language: str) -> str:
    """A town of the country ``code`` in a language: ``Prague`` -> ``Prag``; the name as it is where
    CLDR has no other. Raises MissingExtra without the extra ``places``."""
    return _towns(language).get((_key(name), code), name)


def require_names() -> None:
    """Raises MissingExtra where Babel is not installed: before a run, and not within it."""
    _locale("de")


@lru_cache(maxsize=32)
def _names(language: str) -> dict[str, str]:
    locale = _locale(language)
    return dict(locale.territories) if locale is not None else {}


@lru_cache(maxsize=32)
def _towns(language: str) -> dict[tuple[str, str], str]:
    """(key of its English name, country) -> its name in the language."""
    locale = _locale(language)
    if locale is None:
        return {}
    found = {}
    for zone, code in country_of_zones().items():
        said = locale.time_zones.get(zone, {}).get("city", "").replace(_SOFT_HYPHEN, "")
        if said and not re.search(r"[,(\[]", said):  # told apart from others: Knox, Indiana
            found[_key(zone.rpartition("/")[2]), code] = said.replace("’", "'")
    return found


def _key(name: str) -> str:
    letters = unicodedata.normalize("NFD", name.replace("_", " ").casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _locale(language: str) -> Any:
    """Babel's data of a language, None where it has none."""
    try:
        from babel import Locale, UnknownLocaleError
    except ImportError as error:
        raise MissingExtra(EXTRA, "babel") from error
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return None


@lru_cache(maxsize=1)
def _said() -> dict[str, dict[str, Any]]:
    file = resources.files(__package__) / "countries_said.yaml"
    said: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return said
