"""From a source to pairs: the tiles of some rows, cut, judged, pictured and put into words."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from domainclip.extraction import Source
from domainclip.images.encoded import encode
from domainclip.images.phash import phash, phashes
from domainclip.pairs import Pair, Skip, Text

from .captions.english import said
from .captions.writing import captions_of
from .labels.class_places import tile_key
from .labels.draws import draw
from .left_out import counted_skips
from .pixels.composites import Composite
from .pixels.cutting import tiles_of_row
from .pixels.keeping import keep_tile, raw_tile
from .pixels.rendering import Renderer
from .pixels.shown import shown_as
from .places.seasons import season_of
from .places.tiles import places_of_tiles
from .planning import listed_of
from .reading.georeference import default_cell
from .reading.rows import Rows, stays_in_memory
from .reading.scenes import BUILT_IN, Scene
from .records import Facts, Place
from .slicing import Corners, Slicing, slicing_of
from .tools import Tools, tools_of, words_in

if TYPE_CHECKING:
    from . import Tiles

__all__ = ["pairs_of"]

LABELLED = 0.9  # of a tile: its shares are told from this on


def pairs_of(tiles: Tiles, source: Source) -> Iterator[Pair | Skip]:
    """See Tiles.pairs."""
    part = dict(source.part)
    if "refused" in part:
        yield Skip(where=source.name, reason=part["refused"], detail=part["detail"])
        return
    if "left_out" in part:
        yield from counted_skips(source.name, part["left_out"])
        return
    tools = tools_of(tiles)
    listed = listed_of(source)
    scene = tools.open(listed)
    making = _Making(tools, scene, Composite.from_part(part["composite"]), part)
    rows = making.slicing.rows
    if "corners" not in part:
        rows = rows[part["first"] : part["first"] + part["rows"]]
    tools.left_out(scene, first=False)  # of a source that broke off, which counts for nothing
    for row in rows:
        yield from making.row(row)
    left_out = tools.left_out(scene, first=part["first"] == 0)
    yield from counted_skips(scene.name, left_out)


@dataclass
class _Making:
    """The tiles of one scene."""

    tools: Tools
    scene: Scene
    composite: Composite
    part: dict[str, Any]

    @property
    def tiles(self) -> Tiles:
        return self.tools.tiles

    @cached_property
    def slicing(self) -> Slicing:
        if "corners" in self.part:
            at = tuple((row, tuple(columns)) for row, columns in self.part["corners"])
            return Corners(self.part["size"], at)
        return _slicing(self.tiles, self.scene)

    @cached_property
    def rows(self) -> Rows:
        return _scene_rows(self.scene, self.composite.bands)

    @cached_property
    def picture_of(self) -> Renderer:
        return Renderer(self.composite, self.tools.look, self.part["limits"])

    @cached_property
    def shows(self) -> str:
        tiles = self.tiles
        return shown_as(self.scene, self.composite, sensor=tiles.sensor, decibels=tiles.decibels)

    def row(self, row: int) -> Iterator[Pair | Skip]:
        scene, size = self.scene, self.slicing.size
        columns = self.slicing.columns_in(row)
        facts, kept = [], []
        known = self.tools.facts_of_row(scene, row, columns, size)
        for column, of_tile in zip(columns.tolist(), known, strict=True):
            reason = of_tile if isinstance(of_tile, str) else self._undrawn(of_tile, column, row)
            if reason is not None:
                where = f"{scene.name} x{column} y{row}"
                yield Skip(where=where, reason=reason, quarantine=False)
            elif isinstance(of_tile, Facts):
                facts.append(of_tile)
                kept.append(column)
        if not kept:
            return
        columns = np.array(kept, np.int64)
        clouds = None
        if self.tools.clouds is not None:
            clouds = self.tools.clouds.shares(scene, row, columns, size)
        cuts = tiles_of_row(
            scene.name,
            self.rows,
            row,
            columns,
            size,
            shape=(scene.height, scene.width),
            max_nodata=self.tiles.max_nodata,
            clouds=clouds,
            max_cloud=self.tiles.max_cloud,
        )
        facts = self._placed(facts, columns, row)
        for at, cut in enumerate(cuts):
            if isinstance(cut, Skip):
                yield cut
                continue
            share = None if clouds is None else float(clouds[at])
            yield self._pair(kept[at], row, self.picture_of(*cut), facts[at], share)

    def _undrawn(self, facts: Facts, column: int, row: int) -> str | None:
        draws = self.part["draws"]
        if draws is None or not facts.label:
            return None
        limit = draws.get(facts.label, 0.0)
        if draw(self.tiles.seed, self.scene.name, column, row) <= limit:
            return None
        return "class_is_full" if limit else "rare_class"

    def _placed(self, facts: list[Facts], columns: np.ndarray, row: int) -> list[Facts]:
        """With place, date, season, sensor and bands, as far as they are known."""
        of_scene = self.scene.facts
        acquired = of_scene.acquired or self.tiles.acquired
        placed = [
            replace(
                one,
                acquired=acquired,
                sensor=self.tiles.sensor or of_scene.sensor,
                shows=self.shows,
            )
            for one in facts
        ]
        georeference = self.scene.georeference
        if georeference is None or not (self.tiles.places or acquired):
            return placed
        size = self.slicing.size
        _, lats = georeference.lonlats(columns, np.array(row), size)
        places: list[Place | None] = [None] * len(columns)
        if self.tiles.places:
            places = places_of_tiles(georeference, columns, row, size)
        return [
            replace(one, season=season_of(acquired, float(lat)), place=place)
            for one, lat, place in zip(placed, lats, places, strict=True)
        ]

    def _pair(
        self, column: int, row: int, picture: np.ndarray, facts: Facts, cloud: float | None
    ) -> Pair:
        tiles, scene, size = self.tiles, self.scene, self.slicing.size
        key = tile_key(scene.name, column, row, size)
        encoded, hashed = self._encode(picture)
        texts = self._texts(facts, key)
        where = self._where(column, row, facts, cloud)
        if tiles.geotiff is not None:
            raw = raw_tile(scene, column, row, size)
            name = PurePosixPath(key)
            keep_tile(Path(tiles.geotiff) / name.parent, name.name, raw)
            where["geotiff"] = f"{key}.tif"
        labels = (facts.label,) if facts.label else ()
        return Pair(
            key=key,
            image=encoded,
            image_path=f"{key}.{'jpg' if tiles.format == 'jpeg' else 'png'}",
            text=texts[0].text,
            texts=texts,
            labels=labels or tuple(sorted({one.category for one in facts.objects})),
            document=scene.name,
            group=self._group(column, row),
            source=f"tiles {tiles.version}",
            license=tiles.license or scene.license,
            width=size,
            height=size,
            sha256=hashlib.sha256(encoded).hexdigest(),
            phash=hashed,
            where=where,
            meta=self._meta(facts),
        )

    def _texts(self, facts: Facts, key: str) -> tuple[Text, ...]:
        """Captions in the languages asked for, in English where none of them has the words; then
        the class by itself, in the words of the captions: ``grassland`` of RSSCN7's aGrass."""
        told = _with_words(facts)
        texts: tuple[Text, ...] = ()
        for languages in (words_in(self.tiles.languages), ("en",)):
            texts = texts or captions_of(
                told,
                key=key,
                seed=self.tiles.seed,
                count=self.tiles.captions,
                languages=languages,
                templates=self.tools.templates,
            )
        if facts.label:
            lists = self.tools.templates.languages["en"].lists
            texts = (*texts, Text("label", said(facts.label, lists), "en"))
        return texts

    def _where(self, column: int, row: int, facts: Facts, cloud: float | None) -> dict[str, Any]:
        scene, size = self.scene, self.slicing.size
        where: dict[str, Any] = {"window": [column, row, size, size], "scene": scene.name}
        if scene.georeference is not None:
            where |= {
                "crs": scene.place.name,
                "bounds": list(scene.place.bounds(column, row, size)),
                "transform": scene.place.window_transform(column, row),
            }
        known = {
            "gsd_m": facts.gsd_m,
            "acquired": facts.acquired or None,
            "sensor": facts.sensor or None,
            "cloud_percent": scene.facts.cloud_percent,
            "cloud_share": None if cloud is None or np.isnan(cloud) else round(cloud, 4),
            "item": scene.facts.item or None,
        }
        return where | {name: value for name, value in known.items() if value is not None}

    def _meta(self, facts: Facts) -> dict[str, Any]:
        meta: dict[str, Any] = {"facts": facts.as_json()}
        if self.composite.name:
            meta["bands"] = self.composite.name
        if self.tiles.classes in BUILT_IN:
            meta["classes_license"] = BUILT_IN[self.tiles.classes][2]
        return meta

    def _group(self, column: int, row: int) -> str:
        """The map cell, or the scene where it has no place."""
        if self.scene.georeference is None:
            return self.scene.name
        size = self.slicing.size
        return self.scene.place.cell(column, row, size, self._cell)

    @cached_property
    def _cell(self) -> float:
        return self.tiles.cell or default_cell(self.scene.place, self.slicing.size)

    def _encode(self, picture: np.ndarray) -> tuple[bytes, int]:
        """The encoded picture and its perceptual hash."""
        image = Image.fromarray(picture)
        data = encode(image, self.tiles.format, quality=self.tiles.quality, photo=True)
        if self.tiles.format == "jpeg":
            with Image.open(io.BytesIO(data)) as image:
                return data, phash(image)
        return data, int(phashes(picture[None])[0])


def _with_words(facts: Facts) -> Facts:
    """Without classes that have a number for a name: no caption can say what they are. Nor do
    shares of what is labelled say what a tile shows of which a tenth has no class."""
    label = "" if facts.label.isdigit() else facts.label
    named = not any(name.isdigit() for name, _ in facts.shares)
    named &= facts.labelled is None or facts.labelled >= LABELLED
    return replace(facts, label=label, shares=facts.shares if named else ())


@lru_cache(maxsize=2)
def _slicing(tiles: Tiles, scene: Scene) -> Slicing:
    """An area of interest takes a while to lay over a scene, and a scene has many sources."""
    return slicing_of(tiles, scene)


@lru_cache(maxsize=2)
def _scene_rows(scene: Scene, bands: tuple[int, ...]) -> Rows:
    return Rows(scene.name, scene.dataset, bands, resident=stays_in_memory(scene.dataset))
