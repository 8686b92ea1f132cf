"""How much of a tile is cloud: from a mask, or by a rule from the bands themselves."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Protocol

import numpy as np

from domainclip.errors import BadInput, UsageError, nearest

from ..reading.laying import laid_over
from ..reading.remote import is_remote
from ..reading.rows import Rows, is_sequential
from ..reading.scenes import Scene, open_scene
from .bands import band_number
from .cloud_rules import RULES, Rule
from .sensors import key_of

__all__ = ["Clouds", "MaskKind", "open_clouds"]

MaskKind = Literal["auto", "scl", "qa_pixel", "probability", "mask"]
KINDS: tuple[MaskKind, ...] = ("auto", "scl", "qa_pixel", "probability", "mask")

# Sentinel-2 Level-2A scene classification (ESA, S2 MSI Level-2A ATBD): cloud shadows, clouds of
# medium and high probability, thin cirrus. 0 is no data.
SCL_CLOUD = (3, 8, 9, 10)
# Landsat Collection 2 QA_PIXEL (USGS LSDS-1619): bit 1 dilated cloud, 2 cirrus, 3 cloud, 4 cloud
# shadow. Bit 0 is fill.
QA_CLOUD, QA_FILL = 0b11110, 0b1
# s2cloudless' own threshold; its rasters hold shares or per cent.
PROBABILITY = 0.4
RESIDENT_PX = 1 << 26

# values as read -> (cloudy, known), both bool of one band's shape
Reading = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class Clouds(Protocol):
    """Says how cloudy tiles are."""

    def check(self, scene: Scene) -> None:
        """Raises BadInput where it cannot be told of a scene: it lacks the band, or a mask."""
        ...

    def shares(self, scene: Scene, row: int, columns: np.ndarray, size: int) -> np.ndarray:
        """Tiles of ``size`` pixels at (columns, row) -> the cloudy share of the pixels of each that
        lie in the scene and are known, 0 to 1; NaN where none is. Raises BadInput."""
        ...


@dataclass
class _OfRows:
    """Clouds of any rows that can be read pixel by pixel of the scene."""

    open_rows: Callable[[Scene], tuple[Rows, Reading]]
    _open: tuple[Scene, Rows, Reading] | None = field(default=None, repr=False)

    def check(self, scene: Scene) -> None:
        self._opened(scene)

    def shares(self, scene: Scene, row: int, columns: np.ndarray, size: int) -> np.ndarray:
        rows, reading = self._opened(scene)
        values, valid = rows.at(row, min(size, scene.height - row))
        cloudy, known = reading(values)
        known = known & valid
        starts, ends = columns, np.minimum(columns + size, scene.width)
        counts = []
        for which in (cloudy & known, known):
            along = np.concatenate([[0], np.cumsum(which.sum(axis=0))])
            counts.append(along[ends] - along[starts])
        with np.errstate(invalid="ignore"):
            return np.asarray(counts[0] / counts[1])

    def _opened(self, scene: Scene) -> tuple[Rows, Reading]:
        if self._open is None or self._open[0] is not scene:
            self._open = scene, *self.open_rows(scene)
        return self._open[1:]


def open_clouds(source: str, *, kind: MaskKind = "auto", sensor: str = "") -> Clouds:
    """Clouds of scenes.

    source: a raster of any resolution and CRS that is laid over the scene (nearest neighbour), in
    which ``{scene}`` stands for the scene's name without its extension, where each has its own;
    ``band:SCL`` or ``band:5``, a band of the scene itself; or a rule of ``cloud_rules``:
    ``potential_clouds`` from reflectances, ``bright_and_white`` from red, green and blue alone.
    kind: how a mask is to be read. ``scl``: Sentinel-2's classes 3, 8, 9, 10. ``qa_pixel``:
    Landsat's bits 1 to 4. ``probability``: at or above 0.4, or 40 where values are whole numbers.
    ``mask``: what is not zero. ``auto``: the one that its name or its band's description says, a
    probability where values are floating point, else a mask.

    A scene without a place can only have a mask of its own width and height. Raises UsageError,
    and BadInput where the raster cannot be opened.
    """
    if kind not in KINDS:
        raise UsageError(f"--cloud-kind {kind!r}: choose one of {', '.join(KINDS)}.")
    if source in RULES:
        rule = RULES[source]
        return _OfRows(lambda scene: _rows_of_rule(scene, rule, sensor))
    if source.startswith("band:"):
        band = source.removeprefix("band:")
        if not key_of(band) or (band.isdigit() and int(band) < 1):
            raise UsageError(
                f"--clouds {source!r} names no band; give its name or its number from 1, as "
                "band:SCL."
            )

        def of_band(scene: Scene) -> tuple[Rows, Reading]:
            number = band_number(scene, band, sensor, option="--clouds")
            reading = _reading_of(scene.dataset, number, band, kind)
            return Rows(scene.name, scene.dataset, (number,)), reading

        return _OfRows(of_band)

    def of_raster(scene: Scene) -> tuple[Rows, Reading]:
        name = source.replace("{scene}", str(PurePosixPath(scene.name).with_suffix("")))
        mask = open_scene(name)
        laid = _laid_over(mask, scene)
        # a format that decodes from its start is read once, and not for each row
        resident = is_sequential(mask.dataset) and scene.width * scene.height <= RESIDENT_PX
        reading = _reading_of(mask.dataset, 1, name, kind)
        return Rows(mask.name, laid, (1,), resident=resident), reading

    if "{scene}" in source:
        folder = PurePosixPath(source.partition("{scene}")[0] + "x").parent
        if _is_local(source) and not Path(folder).is_dir():
            raise BadInput(f"--clouds {source!r}: there is no folder {folder}.")
    elif _is_local(source) and not Path(source).exists():
        raise BadInput(
            f"--clouds {source!r} is no file, no band:NAME and none of {', '.join(RULES)}."
            f"{nearest(source, RULES)}"
        )
    else:
        _reading_of(open_scene(source).dataset, 1, source, kind)  # told at the start
    return _OfRows(of_raster)


def _is_local(source: str) -> bool:
    """Is it the plain path of a file, rather than what GDAL takes apart itself?"""
    return not (is_remote(source) or re.match(r"/vsi|<|[A-Za-z0-9_]{2,}:", source.lstrip()))


def _reading_of(dataset: Any, band: int, name: str, kind: MaskKind) -> Reading:
    """How a band's values say cloud. Raises BadInput for values that cannot be of that kind."""
    dtype = np.dtype(dataset.dtypes[band - 1])
    if kind == "auto":
        kind = _kind_of(f"{name} {dataset.descriptions[band - 1] or ''}".upper(), dtype)
    if kind in ("scl", "qa_pixel") and dtype.kind not in "iu":
        raise BadInput(f"{name}: its values are {dtype}, and {kind} has whole numbers.")
    if kind == "scl":
        table = np.zeros(256, bool)
        table[list(SCL_CLOUD)] = True  # what is beyond the classes is none of them
        return lambda values: (table.take(values[0], mode="clip"), values[0] != 0)
    if kind == "qa_pixel":
        return lambda values: (values[0] & QA_CLOUD != 0, values[0] & QA_FILL == 0)
    if kind == "mask":
        return lambda values: (values[0] != 0, np.ones(values[0].shape, bool))
    least = PROBABILITY * (100 if dtype.kind in "iu" else 1)
    return lambda values: (values[0] >= least, np.ones(values[0].shape, bool))


def _kind_of(text: str, dtype: np.dtype[Any]) -> MaskKind:
    if "SCL" in text:
        return "scl"
    if "QA_PIXEL" in text or "PIXEL_QA" in text:
        return "qa_pixel"
    if dtype.kind == "f" or any(each in text for each in ("CLDPRB", "CLOUDPROB", "PROBABILITY")):
        return "probability"
    return "mask"


def _rows_of_rule(scene: Scene, rule: Rule, sensor: str) -> tuple[Rows, Reading]:
    bands = rule.bands_of(scene, sensor)
    numbers = tuple(dict.fromkeys(bands.values()))
    at = {name: numbers.index(number) for name, number in bands.items()}
    dataset = scene.dataset
    scales = [(dataset.scales[n - 1], dataset.offsets[n - 1]) for n in numbers]
    dtype = np.dtype(dataset.dtypes[numbers[0] - 1])

    def reading(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        named = {name: values[number] for name, number in at.items()}
        of_named = {name: scales[number] for name, number in at.items()}
        return rule.cloudy(named, of_named, dtype), np.ones(values.shape[1:], bool)

    return Rows(scene.name, dataset, numbers), reading


def _laid_over(mask: Scene, scene: Scene) -> Any:
    """The mask's raster on the scene's pixels."""
    same = (mask.width, mask.height) == (scene.width, scene.height)
    if mask.georeference is None or scene.georeference is None:
        if same:
            return mask.dataset
        raise BadInput(
            f"{mask.name}: the cloud mask has {mask.width} x {mask.height} pixels and the scene"
            f" {scene.name} {scene.width} x {scene.height}; without a place they must be equal."
        )
    return laid_over(mask, mask.place, scene, "cloud mask")
