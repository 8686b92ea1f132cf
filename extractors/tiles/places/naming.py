"""Countries as a language says them: their names by CLDR, and what stands before them.

The names are those of the library Babel (Unicode CLDR); ``countries_said.yaml`` has the few that
no sentence can hold, and prepositions and articles of our languages: ``in den Niederlanden``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml

from domainclip.errors import MissingExtra

from .countries import EXTRA

__all__ = ["CountrySaid", "country_said", "require_names"]


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


def require_names() -> None:
    """Raises MissingExtra where Babel is not installed: before a run, and not within it."""
    _names("de")


@lru_cache(maxsize=32)
def _names(language: str) -> dict[str, str]:
    try:
        from babel import Locale, UnknownLocaleError
    except ImportError as error:
        raise MissingExtra(EXTRA, "babel") from error
    try:
        return dict(Locale.parse(language, sep="-").territories)
    except (UnknownLocaleError, ValueError):
        return {}


@lru_cache(maxsize=1)
def _said() -> dict[str, dict[str, Any]]:
    file = resources.files(__package__) / "countries_said.yaml"
    said: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return said
