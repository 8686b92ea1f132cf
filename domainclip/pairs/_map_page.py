"""The map as a page: one HTML file to pan, zoom, colour and search, that asks nothing of a net."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from markupsafe import Markup

from domainclip.images.rgb import thumbnail
from domainclip.pairs._html import page_of
from domainclip.pairs._map_groups import ABSENT, grouping
from domainclip.pairs._map_tiles import MapTile, MapTiles, middle_longitude, texts_of
from domainclip.pairs.reader import Pairs

__all__ = ["map_page"]

THUMBNAIL_PX = 64
_MOST_CHOICES = 12  # what the page can colour by
_MOST_LICENCES = 8
_CAPTION = 300  # letters of one


def map_page(
    pairs: Pairs, found: MapTiles, *, title: str, by: str, pictures: int
) -> tuple[str, int]:
    """The page, and how many thumbnails are on it.

    Everything that comes from data is escaped: in the markup by jinja2, in the JSON by writing
    ``<`` as ``\\u003c``, and the script writes text only as text.
    """
    tiles, captions, images, drawn = [], [], [], 0
    order = sorted(found.tiles, key=lambda tile: tile.row)
    for tile, (caption, image) in zip(order, texts_of(pairs, order, pictures), strict=True):
        picture = thumbnail(image, THUMBNAIL_PX) if image else ""
        tiles.append(tile)
        captions.append(caption if len(caption) <= _CAPTION else caption[: _CAPTION - 1] + "…")
        images.append(picture.partition(",")[2])
        drawn += bool(picture)
    choices = _choices(tiles, by)
    data = {
        "middle": round(middle_longitude(tiles), 6),
        "by": by,
        "keys": [tile.key for tile in tiles],
        "captions": captions,
        "images": images,
        # outlines as whole millionths of a degree, 0.1 m
        "rings": [[(ring * 1e6).round().astype(int).ravel().tolist() for ring in tile.rings]
                  for tile in tiles],
        "choices": choices,
    }  # fmt: skip
    text = page_of(
        "map",
        {
            "title": title,
            "found": found,
            "drawn": drawn,
            "licences": _licences(tiles),
            "choices": [choice["name"] for choice in choices],
            "by": by,
            "data": Markup(_safe(data)),
        },
    )
    return text, drawn


def _licences(tiles: list[MapTile]) -> list[str]:
    """Of the pictures on the page, the most frequent first; what has none is said beside others."""
    found = Counter(str(tile.values.get("license") or "none stated") for tile in tiles)
    names = [name for name, _ in found.most_common()]
    if len(names) > _MOST_LICENCES:
        names = [*names[:_MOST_LICENCES], f"{len(names) - _MOST_LICENCES:,} more"]
    return [] if names == ["none stated"] else names


def _choices(tiles: list[MapTile], by: str) -> list[dict[str, Any]]:
    """What tells tiles apart: the name, its groups, and each tile's group."""
    names = dict.fromkeys(["label", "split", by])
    names |= dict.fromkeys(name for tile in tiles for name in tile.values)
    found = []
    for name in names:
        groups = grouping([tile.values.get(name) for tile in tiles])
        several = len(set(groups.names) - {ABSENT}) > 1
        # a name of nearly every tile its own (an id) tells nothing
        telling = groups.counts and max(groups.counts) > 1
        if name == by or (several and telling):
            found.append(
                {
                    "name": name,
                    "groups": groups.names,
                    "colours": groups.colours,
                    "counts": groups.counts,
                    "of": groups.of,
                }
            )
    found.sort(key=lambda choice: choice["name"] != by)  # stable
    return found[:_MOST_CHOICES]


def _safe(data: dict[str, Any]) -> str:
    """JSON that can stand in a script element: no end of it, no comment, no line separators."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text.encode("utf-8", "replace").decode()
