"""Georeferenced tiles of scenes with a class from a raster or table, and captions about it."""

from __future__ import annotations

import hashlib
import heapq
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image

from domainclip.errors import BadInput, UsageError
from domainclip.extraction import Source
from domainclip.images.phash import phash
from domainclip.pairs import Pair, Skip, Text

from .captions import caption, read_templates
from .classes import Classes, open_classes
from .scenes import Scene, open_scene

__all__ = ["Tiles"]


@dataclass(frozen=True)
class Tiles:
    """Square tiles of a scene (any raster that rasterio opens, or ``blue_marble``).

    classes: a class raster of any resolution and CRS, a CSV of boxes or points with a label, or
    ``koppen_geiger``. class_table: CSV with columns value and name for a class raster.
    size_px, stride_px: side of a tile and distance between tiles, in pixels of the scene.
    inner_px: side of the central square that decides the class; by default the whole tile.
    purity: least share of that square, 0 to 1, that must be of one class.
    include, exclude: names of classes to keep, and to leave out.
    per_class: at most this many tiles of a class in a scene, drawn with ``seed``.
    cell: side of the map cells that no split divides, in units of the scene's CRS; a tile belongs
    to the cell of its centre. bands: three band numbers from 1, or one.
    templates: a text file of captions, one a line. captions: how many of them each tile gets.
    format: png keeps every value; jpeg (quality 92) is smaller.
    """

    classes: str
    class_table: str | None = None
    size_px: int = 224
    stride_px: int | None = None
    inner_px: int | None = None
    purity: float = 0.5
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    per_class: int | None = None
    seed: int = 0
    cell: float = 1.0
    bands: tuple[int, ...] = (1, 2, 3)
    templates: str | None = None
    captions: int = 2
    format: Literal["png", "jpeg"] = "png"

    version = "1"

    def sources(self, root: str) -> Iterator[Source]:
        """One source for each row of tiles. Raises BadInput, UsageError or MissingExtra."""
        self._check()
        scene = open_scene(root)
        if scene.crs is None:
            raise BadInput(
                f"{root}: no georeference (CRS and transform) in it, so its tiles have no place; "
                "give it one, e.g. with gdal_translate -a_srs and -a_ullr."
            )
        if max(self.bands) > scene.dataset.count:
            raise BadInput(
                f"{root}: band {max(self.bands)} is asked for, and it has {scene.dataset.count}; "
                "choose with --bands."
            )
        if "complex" in scene.dataset.dtypes[self.bands[0] - 1]:
            raise BadInput(
                f"{root}: its values are complex (SAR); convert them to amplitudes first, e.g. "
                "with gdal_calc --calc='abs(A)'."
            )
        limits = self._limits(scene) if self.per_class is not None else ()
        for row in self._rows(scene):
            part = (("row", row), *limits)
            yield Source(f"{scene.name}#row{row:06d}", root, part)

    def pairs(self, source: Source) -> Iterator[Pair | Skip]:
        """The tiles of one row that are of one class and hold something."""
        part = dict(source.part)
        row, limits = part["row"], {k: v for k, v in part.items() if k != "row"}
        scene = open_scene(source.path)
        names, _, shares = self._judge(scene, row)
        columns = self._columns(scene)
        chosen = []
        for number, name in enumerate(names):
            where = f"{source.name} column {columns[number]}"
            if name is None or shares[number] < self.purity:
                reason = "no_class" if name is None else "below_purity"
                yield Skip(where=where, reason=reason, quarantine=False)
            elif limits and self._draw(scene, row, columns[number]) > limits.get(name, 0.0):
                yield Skip(where=where, reason="class_is_full", quarantine=False)
            else:
                chosen.append(number)
        if not chosen:
            return
        pixels, mask = scene.read(self.bands, row, self.size_px)
        for number in chosen:
            column = int(columns[number])
            here = slice(column, column + self.size_px)
            where = f"{source.name} column {column}"
            tile = pixels[:, :, here]
            if not mask[:, here].all():
                yield Skip(where=where, reason="nodata", quarantine=False)
            elif (tile == tile[:, :1, :1]).all():
                yield Skip(where=where, reason="constant", quarantine=False)
            else:
                yield self._pair(scene, row, column, tile, names[number], shares[number])

    def _pair(
        self, scene: Scene, row: int, column: int, tile: Any, name: str | None, share: float
    ) -> Pair:
        assert name is not None
        size = self.size_px
        west, south, east, north = bounds = scene.bounds(column, row, size)
        gsd_m = scene.gsd_m(column, row, size)
        key = f"{scene.name}_x{column:06d}_y{row:06d}_{size}px"
        encoded = self._encode(scene.to_8_bit(tile))
        lines = read_templates(self.templates)
        first = int.from_bytes(hashlib.sha256(f"{self.seed} {key}".encode()).digest()[:4], "big")
        texts = [
            Text("caption", caption(lines[(first + i) % len(lines)], name, gsd_m), "en")
            for i in range(min(self.captions, len(lines)))
        ]
        cell_x = int((west + east) / 2 // self.cell)
        cell_y = int((south + north) / 2 // self.cell)
        with Image.open(io.BytesIO(encoded)) as picture:
            hashed = phash(picture)
        return Pair(
            key=key,
            image=encoded,
            image_path=f"{key}.{'jpg' if self.format == 'jpeg' else 'png'}",
            text=texts[0].text if texts else name,
            texts=(*texts, Text("label", name, "en")),
            labels=(name,),
            document=scene.name,
            group=f"{scene.crs.to_string()}/{self.cell:g}/{cell_x}/{cell_y}",
            source=f"tiles {self.version}",
            license=scene.license,
            width=size,
            height=size,
            phash=hashed,
            where={
                "crs": scene.crs.to_string(),
                "bounds": list(bounds),
                "gsd_m": gsd_m,
                "window": [column, row, size, size],
                "scene": scene.name,
            },
            meta={"purity": round(float(share), 4), "classes": self.classes},
        )

    def _encode(self, picture: np.ndarray) -> bytes:
        out = io.BytesIO()
        image = Image.fromarray(picture)
        if self.format == "jpeg":
            image.save(out, "JPEG", quality=92)
        else:
            image.save(out, "PNG")
        return out.getvalue()

    def _judge(self, scene: Scene, row: int) -> tuple[list[str | None], np.ndarray, np.ndarray]:
        """(name or None, class value, share) of each tile of a row."""
        classes = _classes(self.classes, self.class_table)
        inner = self.inner_px or self.size_px
        values, shares = classes.shares(scene, row, self._columns(scene), self.size_px, inner)
        names: dict[int, str | None] = {}
        for value in np.unique(values).tolist():
            name = classes.names.get(value) if classes.names else str(value)
            out = name is None or name in self.exclude
            names[value] = None if out or (self.include and name not in self.include) else name
        return [names[value] for value in values.tolist()], values, shares

    def _limits(self, scene: Scene) -> tuple[tuple[str, float], ...]:
        """class -> the largest draw that is kept, so that each source decides on its own.

        Holds the ``per_class`` smallest draws of each class and nothing else.
        """
        assert self.per_class is not None
        kept: dict[str, list[float]] = {}
        for row in self._rows(scene):
            names, _, shares = self._judge(scene, row)
            for column, name, share in zip(self._columns(scene), names, shares, strict=True):
                if name is None or share < self.purity:
                    continue
                heap, draw = kept.setdefault(name, []), self._draw(scene, row, column)
                if len(heap) < self.per_class:
                    heapq.heappush(heap, -draw)
                else:
                    heapq.heappushpop(heap, -draw)
        return tuple((name, -heap[0]) for name, heap in sorted(kept.items()))

    def _draw(self, scene: Scene, row: int, column: int) -> float:
        """A number in (0, 1] that depends on the seed and the tile alone."""
        name = f"{self.seed} {scene.name} {int(column)} {row}"
        digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
        return (int.from_bytes(digest, "big") + 1) / 2**64

    def _rows(self, scene: Scene) -> range:
        return range(0, scene.height - self.size_px + 1, self.stride_px or self.size_px)

    def _columns(self, scene: Scene) -> np.ndarray:
        return np.arange(0, scene.width - self.size_px + 1, self.stride_px or self.size_px)

    def _check(self) -> None:
        inner = self.inner_px or self.size_px
        if self.size_px < 1 or (self.stride_px is not None and self.stride_px < 1):
            raise UsageError("tiles: size_px and stride_px must be at least 1.")
        if not 1 <= inner <= self.size_px:
            raise UsageError(f"tiles: inner_px {inner} must lie between 1 and {self.size_px}.")
        if not 0 < self.purity <= 1 or self.cell <= 0:
            raise UsageError("tiles: purity must lie in (0, 1], and cell must be positive.")
        if len(self.bands) not in (1, 3) or min(self.bands) < 1:
            raise UsageError("tiles: give one band or three, counted from 1.")
        classes = _classes(self.classes, self.class_table)
        read_templates(self.templates)
        for name in (*self.include, *self.exclude):
            if classes.names and name not in classes.names.values():
                raise UsageError(f"tiles: {name!r} is no class of {self.classes}.")


_OPEN: dict[tuple[str, str | None], Classes] = {}


def _classes(source: str, table: str | None) -> Classes:
    """Kept open in this process: a worker judges many rows."""
    if (source, table) not in _OPEN:
        _OPEN.clear()
        _OPEN[source, table] = open_classes(source, table)
    return _OPEN[source, table]
