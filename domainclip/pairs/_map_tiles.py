"""What a map of pairs shows: outlines on the Earth, and the values that tiles are coloured by."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from domainclip.errors import MissingExtra
from domainclip.pairs._parts import Group
from domainclip.pairs.reader import Pairs
from domainclip.pairs.schema import Pair

__all__ = ["MapTile", "MapTiles", "map_tiles", "middle_longitude", "texts_of", "value_of"]

_COLUMNS = ["key", "labels", "document", "group", "split", "source", "license", "where", "meta"]
_COLUMNS += ["width", "height"]
_AT_ONCE = 4096  # pairs whose outlines are made together


@dataclass(frozen=True, slots=True)
class MapTile:
    """One tile. row: its number in the directory. rings: outlines (m, 2) in degrees of longitude
    and latitude that are not closed, two or more where the dateline cuts it. values: by name."""

    row: int
    key: str
    rings: tuple[np.ndarray, ...]
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MapTiles:
    """tiles: at most as many as asked for, evenly drawn. placed: how many have a place.
    left_out: sentences about those that have none."""

    tiles: tuple[MapTile, ...]
    placed: int
    pairs: int
    left_out: tuple[str, ...]


def map_tiles(pairs: Pairs, *, limit: int | None = None, names: Sequence[str] = ()) -> MapTiles:
    """The pairs that have a place on the Earth; no text and no image is read.

    names: the values to keep, by default all that are plain. Raises MissingExtra where rasterio or
    shapely is missing, BadInput for damaged parts.
    """
    try:
        from domainclip.pairs._outlines import placed, sentences
    except ModuleNotFoundError as error:
        raise MissingExtra("tiles", error.name or "rasterio") from error
    left_out: Counter[str] = Counter()
    tiles: list[MapTile] = []
    step, seen = 1, 0
    every = enumerate(pairs.rows(_COLUMNS))
    while numbered := list(islice(every, _AT_ONCE)):
        rows = {pair.key: row for row, pair in numbered}
        for pair, shape in zip(*placed([pair for _, pair in numbered], left_out), strict=True):
            if seen % step == 0:
                values = _values(pair, names)
                tiles.append(MapTile(rows[pair.key], pair.key, _rings(shape), values))
                if limit is not None and len(tiles) > 2 * limit:
                    tiles, step = tiles[::2], 2 * step
            seen += 1
    if limit is not None and len(tiles) > limit:
        tiles = [tiles[at * len(tiles) // limit] for at in range(limit)]
    return MapTiles(tuple(tiles), seen, len(pairs), tuple(sentences(left_out)))


def value_of(pair: Pair, name: str) -> Any:
    """A field of the pair (``label``: its first), or what ``meta`` or ``where`` say under it."""
    if name == "label":
        return pair.labels[0] if pair.labels else None
    if name in _FIELDS:
        return getattr(pair, name) or None
    for place in (pair.where, pair.meta):
        if name in place:
            return place[name]
    return None


def texts_of(
    pairs: Pairs, tiles: Sequence[MapTile], pictures: int
) -> Iterator[tuple[str, bytes | None]]:
    """For each tile, in order, its caption and, of ``pictures`` evenly drawn ones, its image."""
    step = max(1, -(-len(tiles) // pictures)) if pictures else 0
    shown = {tile.row for tile in tiles[::step]} if step else set()
    by_group: dict[int, list[int]] = {}
    for tile in tiles:
        by_group.setdefault(pairs.groups.holding(tile.row), []).append(tile.row)
    for number, rows in by_group.items():
        group: Group = pairs.groups[number]
        inside = np.array(rows) - group.start
        captions = [pair.text for pair in pairs.read_rows(group, ["text"], inside)]
        wanted = np.array([row - group.start for row in rows if row in shown], dtype=np.intp)
        images = {
            int(row): pair.image
            for row, pair in zip(wanted, pairs.read_rows(group, ["image"], wanted), strict=True)
        }
        for at, caption in zip(inside.tolist(), captions, strict=True):
            yield caption, images.get(at)


def middle_longitude(tiles: Sequence[MapTile]) -> float:
    """The meridian opposite to the widest gap between tiles, -180 to 180: a map that has it in its
    middle cuts through no group of tiles where it can be helped. 0 where they circle the Earth."""
    if not tiles:
        return 0.0
    ends = np.array([(ring[:, 0].min(), ring[:, 0].max()) for t in tiles for ring in t.rings])
    ends = ends[np.argsort(ends[:, 0])]
    reach = np.maximum.accumulate(ends[:, 1])
    after = np.append(ends[1:, 0], ends[0, 0] + 360)
    gaps = after - reach
    widest = int(gaps.argmax())
    if gaps[widest] < 5:
        return 0.0
    middle = reach[widest] + gaps[widest] / 2 + 180
    return float((middle + 180) % 360 - 180)


_FIELDS = ("document", "group", "split", "source", "license")


def _values(pair: Pair, names: Sequence[str]) -> dict[str, Any]:
    if names:
        return {name: _plain(value_of(pair, name)) for name in names}
    found = {name: value_of(pair, name) for name in ("label", *_FIELDS)}
    for place in (pair.where, pair.meta):
        found |= {name: value for name, value in place.items() if _is_plain(value)}
    return found


def _plain(value: Any) -> Any:
    return value if _is_plain(value) else None if value is None else str(value)


def _is_plain(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int)


def _rings(shape: Any) -> tuple[np.ndarray, ...]:
    parts = getattr(shape, "geoms", [shape])
    return tuple(np.asarray(part.exterior.coords)[:-1, :2] for part in parts)
