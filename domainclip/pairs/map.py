"""A map of pairs: the outlines of tiles, coloured by class, split or whatever is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainclip.errors import BadInput, UsageError, nearest
from domainclip.pairs._files import write_bytes
from domainclip.pairs._map_groups import grouping
from domainclip.pairs._map_page import map_page
from domainclip.pairs._map_plot import plot_map
from domainclip.pairs._map_tiles import MapTiles, map_tiles, middle_longitude
from domainclip.pairs.reader import Pairs

__all__ = ["MapReport", "write_map"]

SUFFIXES = (".png", ".svg", ".html")
_COLOURS = ("label", "split", "document")
PAGE_TILES = 20_000  # of them a page remains smooth
PICTURES = 2_000  # 64 px each, about 2.5 kB: 5 MB of a page


@dataclass(frozen=True, slots=True)
class MapReport:
    """What is on the map. placed: pairs that have a place on the Earth, of which ``shown`` were
    drawn. pictures: thumbnails on the page. left_out: sentences about pairs without a place.
    groups: how many tiles of each colour."""

    out: Path
    pairs: int
    placed: int
    shown: int
    pictures: int
    by: str
    groups: dict[str, int]
    left_out: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The fields as plain values, for ``--json``."""
        return {
            "map": str(self.out),
            "pairs": self.pairs,
            "placed": self.placed,
            "shown": self.shown,
            "pictures": self.pictures,
            "colour": self.by,
            "groups": self.groups,
            "left_out": list(self.left_out),
        }

    def __str__(self) -> str:
        drawn = f" of {self.placed:,}" if self.shown < self.placed else ""
        pictures = f", {self.pictures:,} with their picture" if self.pictures else ""
        return "\n".join(
            [
                f"{self.out}: {self.shown:,}{drawn} tile{'s' * (self.placed != 1)} by {self.by}"
                f"{pictures}, "
                f"{self.out.stat().st_size / 1e6:,.1f} MB",
                *(f"  {sentence}" for sentence in self.left_out),
            ]
        )


def write_map(
    pairs: Pairs,
    out: Path | str,
    *,
    colour: str = "",
    limit: int | None = None,
    pictures: int = PICTURES,
) -> MapReport:
    """Draw pairs to ``out``: .png or .svg, or .html, a page to look around in.

    colour: label, split, document, group, license, source, or a name in where or meta (``scene``,
    ``gsd_m``); by default the first of label, split and document that tells pairs apart, else the
    first that they have. limit: at most so
    many tiles, evenly drawn; by default all on a picture and 20,000 on a page. pictures: thumbnails
    on a page, at most, evenly drawn.

    Raises UsageError for another ending or a colour that no pair has, BadInput where no pair has a
    place, MissingExtra (rasterio and shapely, and for pictures matplotlib), OutputError.
    """
    path = Path(out)
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: a map ends in {', '.join(SUFFIXES)}.")
    if limit is not None and limit < 1:
        raise UsageError(f"limit={limit}: must be at least 1.")
    page = path.suffix.lower() == ".html"
    if page:
        limit = PAGE_TILES if limit is None else limit
    asked = (colour,) if colour else _COLOURS
    found = map_tiles(pairs, limit=limit, names=() if page else asked)
    if not found.tiles:
        said = "; ".join(sentence.partition(",")[0] for sentence in found.left_out)
        raise BadInput(f"{pairs.path}: no pair has a place on the Earth ({said or 'no pairs'}).")
    names = sorted({name for tile in found.tiles for name in tile.values})
    told = _told(found, asked)
    if colour and not told:
        others = [name for name in names if name != colour]
        raise UsageError(
            f"colour={colour!r}: no pair says it.{nearest(colour, others)}"
            + (f" Known: {', '.join(names)}." if page else "")
        )
    colour = told[0] if told else _COLOURS[0]
    groups = grouping([tile.values.get(colour) for tile in found.tiles])
    title = pairs.path.resolve().name
    drawn = 0
    if page:
        text, drawn = map_page(pairs, found, title=title, by=colour, pictures=pictures)
        data = text.encode()
    else:
        heading = f"{title}: {_many(found)}"
        middle = middle_longitude(found.tiles)
        kind = path.suffix[1:].lower()
        data = plot_map(kind, found.tiles, groups, title=heading, by=colour, middle=middle)
    write_bytes(path, data)
    return MapReport(
        out=path,
        pairs=found.pairs,
        placed=found.placed,
        shown=len(found.tiles),
        pictures=drawn,
        by=colour,
        groups=dict(zip(groups.names, groups.counts, strict=True)),
        left_out=found.left_out,
    )


def _told(found: MapTiles, asked: tuple[str, ...]) -> list[str]:
    """Of the names asked for those that any tile has, first those that tell tiles apart."""
    held = {name: {tile.values.get(name) for tile in found.tiles} for name in asked}
    told = [name for name in asked if any(held[name])]
    return sorted(told, key=lambda name: len(held[name]) < 2)  # stable


def _many(found: MapTiles) -> str:
    if len(found.tiles) == found.pairs:
        return f"{found.pairs:,} tile{'s' * (found.pairs != 1)}"
    return f"{len(found.tiles):,} of {found.pairs:,} pairs"
