"""Georeferenced tiles of scenes with a class from a raster or table, and captions about it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from domainclip.errors import BadInput, nearest
from domainclip.extraction import Source
from domainclip.images.encoded import encode
from domainclip.images.phash import phash
from domainclip.images.stretch import Stretch
from domainclip.pairs import Pair, Skip, Text

from .captions.classes import captions_of, read_templates
from .checks import check_options
from .labels.class_tables import open_class_table, tile_key
from .labels.classes import Classes, open_raster_classes
from .labels.draws import class_limits, draw
from .pixels.cutting import cut_row
from .reading.georeference import default_cell
from .reading.rows import (
    GDAL_ERRORS,
    Rows,
    default_bands,
    rows_of_band,
    stays_in_memory,
    words_of,
)
from .reading.scenes import BUILT_IN, Scene, open_scene, refusal, stretch_limits

__all__ = ["Tiles"]


@dataclass(frozen=True)
class Tiles:
    """Square tiles of a scene (any raster that rasterio opens, or ``blue_marble``).

    classes: a class raster of any resolution and CRS, ``koppen_geiger``, or a CSV with the column
    label and west, south, east, north (boxes), geometry (WKT polygons), x, y or lon, lat (points),
    or key (tiles). class_table: CSV with columns value and name for a class raster.
    classes_crs: CRS of a CSV's coordinates; by default the scene's.
    size_px: side of a tile, in pixels of the scene. stride_px: distance between tiles, in pixels;
    by default their side. inner_px: side of the central square that decides the class; by default
    the whole tile. purity: least share of that square, 0 to 1, that must be of one class.
    include: names of the classes to keep; by default all. exclude: names of classes to leave out.
    per_class: at most this many tiles of a class in a scene, drawn with the seed before those
    without data are left out. min_per_class: a class with fewer tiles in a scene is left out.
    seed: of the draw and of the choice of captions.
    cell: side of the map cells that no split divides, in units of the scene's CRS; a tile belongs
    to the cell of its centre. By default about eight tiles: give it where scenes differ in
    resolution. bands: three band numbers from 1, or one; by default red, green and blue.
    stretch: percentiles of the scene shown black and white; 8-bit values are left as they are.
    max_nodata: largest share of pixels without data in a tile.
    templates: a text file of captions, one a line; {class}, {a_class} and {gsd} are filled in.
    captions: how many of them each tile gets.
    format: png keeps every value; jpeg is smaller. quality: of jpeg, 1 to 95.
    license: of the scenes, an SPDX name where there is one.
    """

    classes: str
    class_table: str | None = None
    classes_crs: str | None = None
    size_px: int = 224
    stride_px: int | None = None
    inner_px: int | None = None
    purity: float = 0.5
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    per_class: int | None = None
    min_per_class: int = 0
    seed: int = 0
    cell: float | None = None
    bands: tuple[int, ...] = ()
    stretch: tuple[float, ...] = (2.0, 98.0)
    max_nodata: float = 0.05
    templates: str | None = None
    captions: int = 2
    format: Literal["png", "jpeg"] = "png"
    quality: int = 92
    license: str = ""

    version = "1"

    def sources(self, root: str) -> Iterator[Source]:
        """One source for each band of rows of tiles; a scene that cannot be cut is one source that
        says why. Raises BadInput (no such file, unusable classes), UsageError, MissingExtra."""
        check_options(self, _classes(self.classes, self.class_table, self.classes_crs))
        try:
            scene = open_scene(root)
            bands = self.bands or default_bands(scene.dataset)
            refused = refusal(scene, bands, self.size_px)
            limits = None if refused else stretch_limits(scene, bands, self._percentiles)
        except BadInput as error:
            if ":" not in root and not root.startswith("/vsi") and not Path(root).exists():
                raise BadInput(
                    f"{root}: no such file, and no built-in scene.{nearest(root, BUILT_IN)}"
                ) from error
            refused = "unreadable", str(error)
        except GDAL_ERRORS as error:
            refused = "unreadable", f"GDAL cannot make it out ({words_of(error)})."
        if refused:
            yield Source(Path(root).name, root, (("refused", refused[0]), ("detail", refused[1])))
            return
        part: tuple[tuple[str, Any], ...] = (("bands", bands),)
        if limits is not None:
            part += (("limits", limits),)
        if self.per_class is not None or self.min_per_class > 1:
            most = class_limits(
                self._draws(scene), per_class=self.per_class, min_per_class=self.min_per_class
            )
            part += (("draws", tuple(most.items())),)
        rows = list(self._rows(scene))
        taken = rows_of_band(scene.dataset, self.size_px, self._stride)
        for at in range(0, len(rows), taken):
            own = (("row", rows[at]), ("rows", len(rows[at : at + taken])))
            yield Source(f"{scene.name}#row{rows[at]:06d}", root, own + part)

    def pairs(self, source: Source) -> Iterator[Pair | Skip]:
        """The tiles of some rows that are of one class and hold something. Raises BadInput where
        the class raster cannot be decoded; rows of the scene that cannot are skipped."""
        part = dict(source.part)
        if "refused" in part:
            yield Skip(where=source.name, reason=part["refused"], detail=part["detail"])
            return
        scene = open_scene(source.path)
        bands = tuple(part["bands"])
        rows = _scene_rows(scene, bands)
        limits = part.get("limits")
        show = Stretch(None if limits is None else tuple((low, high) for low, high in limits))
        most = dict(part["draws"]) if "draws" in part else None
        columns = self._columns(scene)
        for row in range(part["row"], part["row"] + part["rows"] * self._stride, self._stride):
            names, shares = self._judge(scene, row)
            chosen = []
            for number, (column, name) in enumerate(zip(columns.tolist(), names, strict=True)):
                reason = self._left_out(scene, column, row, name, shares[number], most)
                if reason is None:
                    chosen.append(number)
                else:
                    where = f"{scene.name} x{column} y{row}"
                    yield Skip(where=where, reason=reason, quarantine=False)
            if not chosen:
                continue
            gsds = scene.place.gsd_m(columns[chosen], row, self.size_px)
            cuts = cut_row(scene.name, rows, row, columns[chosen], self.size_px, self.max_nodata)
            for number, gsd_m, cut in zip(chosen, gsds, cuts, strict=True):
                if isinstance(cut, Skip):
                    yield cut
                    continue
                facts = (names[number], float(shares[number]), gsd_m)
                yield self._pair(scene, int(columns[number]), row, show(cut), *facts)

    def _left_out(
        self,
        scene: Scene,
        column: int,
        row: int,
        name: str | None,
        share: float,
        most: dict[str, float] | None,
    ) -> str | None:
        if name is None:
            return "no_class"
        if share < self.purity:
            return "below_purity"
        if most is None:
            return None
        limit = most.get(name, 0.0)
        if draw(self.seed, scene.name, column, row) <= limit:
            return None
        return "class_is_full" if limit else "rare_class"

    def _pair(
        self,
        scene: Scene,
        column: int,
        row: int,
        picture: np.ndarray,
        name: str,
        share: float,
        gsd_m: float | None,
    ) -> Pair:
        place, size = scene.place, self.size_px
        key = tile_key(scene.name, column, row, size)
        cell = self.cell or default_cell(place, size)
        encoded, hashed = self._encode(picture)
        first = hashlib.sha256(f"{self.seed} {key}".encode()).digest()[:4]
        texts = captions_of(
            read_templates(self.templates),
            name,
            gsd_m,
            first=int.from_bytes(first, "big"),
            count=self.captions,
        )
        meta = {"purity": round(share, 4), "classes": Path(self.classes).name}
        if self.classes in BUILT_IN:
            meta["classes_license"] = BUILT_IN[self.classes][2]
        return Pair(
            key=key,
            image=encoded,
            image_path=f"{key}.{'jpg' if self.format == 'jpeg' else 'png'}",
            text=texts[0] if texts else name,
            texts=(*(Text("caption", text, "en") for text in texts), Text("label", name, "en")),
            labels=(name,),
            document=scene.name,
            group=place.cell(column, row, size, cell),
            source=f"tiles {self.version}",
            license=self.license or scene.license,
            width=size,
            height=size,
            sha256=hashlib.sha256(encoded).hexdigest(),
            phash=hashed,
            where={
                "crs": place.name,
                "bounds": list(place.bounds(column, row, size)),
                "transform": place.window_transform(column, row),
                "gsd_m": gsd_m,
                "window": [column, row, size, size],
                "scene": scene.name,
            },
            meta=meta,
        )

    def _encode(self, picture: np.ndarray) -> tuple[bytes, int]:
        """The encoded picture and its perceptual hash."""
        image = Image.fromarray(picture)
        data = encode(image, self.format, quality=self.quality)
        if self.format == "jpeg":
            with Image.open(io.BytesIO(data)) as image:
                return data, phash(image)
        return data, phash(image)

    def _judge(self, scene: Scene, row: int) -> tuple[list[Any], np.ndarray]:
        """(class name or None, share) of each tile of a row."""
        classes = _classes(self.classes, self.class_table, self.classes_crs)
        inner = self.inner_px or self.size_px
        values, shares = classes.shares(scene, row, self._columns(scene), self.size_px, inner)
        names: dict[int, str | None] = {}
        for value in np.unique(values[shares > 0]).tolist():
            name = classes.names.get(value) if classes.names else str(value)
            left_out = name in self.exclude or (self.include and name not in self.include)
            names[value] = None if left_out else name
        return [names.get(value) for value in values.tolist()], shares

    def _draws(self, scene: Scene) -> Iterable[tuple[str, float]]:
        for row in self._rows(scene):
            names, shares = self._judge(scene, row)
            for column, name, share in zip(
                self._columns(scene).tolist(), names, shares.tolist(), strict=True
            ):
                if name is not None and share >= self.purity:
                    yield name, draw(self.seed, scene.name, column, row)

    @property
    def _stride(self) -> int:
        return self.stride_px or self.size_px

    @property
    def _percentiles(self) -> tuple[float, float]:
        low, high = self.stretch
        return low, high

    def _rows(self, scene: Scene) -> range:
        return range(0, scene.height - self.size_px + 1, self._stride)

    def _columns(self, scene: Scene) -> np.ndarray:
        return np.arange(0, scene.width - self.size_px + 1, self._stride)


@lru_cache(maxsize=2)
def _classes(source: str, table: str | None, crs: str | None) -> Classes:
    """Kept open in this process: a worker judges many rows."""
    if source.endswith((".csv", ".tsv")):
        return open_class_table(Path(source), crs)
    return open_raster_classes(source, table)


@lru_cache(maxsize=2)
def _scene_rows(scene: Scene, bands: tuple[int, ...]) -> Rows:
    return Rows(scene.name, scene.dataset, bands, resident=stays_in_memory(scene.dataset))
