"""Tags of features: columns and the hstore or JSON text that holds the rest, as OSM's key=value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

__all__ = ["PACKED", "key_of_column", "metres", "tags_of", "unpacked"]

# columns that hold many tags: OGR's OSM driver, osm2pgsql, osmtogeojson
PACKED = ("other_tags", "tags", "all_tags")
LONGEST = 255  # characters of a value, as in OSM; longer ones are no tags
_HSTORE = re.compile(r'"((?:[^"\\]|\\.)*)"\s*=>\s*(?:"((?:[^"\\]|\\.)*)"|NULL)')
_LENGTH = re.compile(r"\s*(\d+(?:[.,]\d+)?)\s*(m|metres?|meters?|km|ft|feet|')?\s*$")
_UNITS = {"km": 1000.0, "ft": 0.3048, "feet": 0.3048, "'": 0.3048}


def key_of_column(column: str, keys: Iterable[str]) -> str:
    """The tag key that a column holds, "" where it is none of ``keys``.

    Shapefiles cut names to ten bytes, and tables write ``:`` as ``_``: ``generator_`` is
    ``generator:source``, the first of those in alphabetical order that it may be.
    """
    folded = column.lower()
    same = [key for key in keys if folded in (key, key.replace(":", "_"))]
    if same:
        return min(same)
    if len(column) != 10:
        return ""
    return min((key for key in keys if key.replace(":", "_")[:10] == folded), default="")


def tags_of(columns: Mapping[str, np.ndarray], count: int) -> list[dict[str, str]]:
    """(key or one of PACKED -> values (n,)) -> the tags of each feature, without empty ones.

    What a column says wins over packed text.
    """
    found: list[dict[str, str]] = [{} for _ in range(count)]
    for key in sorted(columns, key=lambda each: each not in PACKED):
        for tags, value in zip(found, columns[key].tolist(), strict=True):
            if value is None or value == "":
                continue
            if key in PACKED:
                tags.update(unpacked(value))
            elif text := _text(value):
                tags[key] = text
    return found


def unpacked(value: Any) -> dict[str, str]:
    """``"a"=>"b","c"=>"d"`` (PostgreSQL's hstore, with its backslashes) or a JSON object -> tags;
    whatever is neither holds none."""
    text = str(value).strip()
    if text.startswith("{"):
        try:
            loaded = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        pairs = [(key, _text(each)) for key, each in loaded.items() if not _is_nested(each)]
    else:
        pairs = [(_unescaped(key), _text(_unescaped(each))) for key, each in _HSTORE.findall(text)]
    return {key: each for key, each in pairs if key and each}


def metres(value: str) -> float | None:
    """``12``, ``12.5 m``, ``40'`` -> metres; None for what is no length."""
    found = _LENGTH.match(value.lower())
    if found is None:
        return None
    return float(found[1].replace(",", ".")) * _UNITS.get(found[2] or "m", 1.0)


def _text(value: Any) -> str:
    if value is None or value != value:  # NaN stands for an empty number
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST else ""


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
