"""Where labels lie and which images they name, to be told beside the scenes that they miss."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..reading.scenes import Scene
from .vectors.placing import regions

__all__ = [
    "SHOWN",
    "Box",
    "Extent",
    "Holds",
    "around",
    "extent_of_raster",
    "holds_of_places",
    "some_of",
]

Box = tuple[float, float, float, float]
SHOWN = 3  # names in a sentence


@dataclass(frozen=True, eq=False)
class Extent:
    """Boxes that hold all of some labels: (n, 4) west, south, east, north in a CRS, None: the
    scene's."""

    boxes: np.ndarray
    crs: Any

    @classmethod
    def of(cls, places: Any, crs: Any) -> Extent:
        """Of one box or some; those that are no numbers lie nowhere."""
        boxes = np.asarray(places, float).reshape(-1, 4)
        return cls(boxes[np.isfinite(boxes).all(axis=1)], crs)

    @property
    def bounds(self) -> Box | None:
        """Around them all; None: there are none."""
        return around(self.boxes)

    def of_scene(self, scene: Scene) -> np.ndarray:
        """Boxes around a scene with a place, in this CRS: two where the dateline is crossed. Raises
        BadInput where it has no place there, as on another planet."""
        source = scene.place.crs if self.crs is None else self.crs
        found = [box for box, _ in regions(scene, (0, scene.height), source)]
        return np.array(found, float).reshape(-1, 4)

    def meets(self, scene: Scene) -> bool:
        """May any of them lie in a scene? One without a place has none of them in it. Raises
        BadInput as of_scene."""
        if scene.georeference is None or not len(self.boxes):
            return False
        crs = scene.place.crs if self.crs is None else self.crs
        for west, south, east, north in self.of_scene(scene).tolist():
            for turn in (-360, 0, 360) if crs.is_geographic else (0,):
                own = self.boxes
                wide = (own[:, 0] + turn <= east) & (own[:, 2] + turn >= west)
                if bool((wide & (own[:, 1] <= north) & (own[:, 3] >= south)).any()):
                    return True
        return False


def extent_of_raster(raster: Scene) -> Extent:
    """Of one with a place."""
    x, y = np.meshgrid([0.0, raster.width], [0.0, raster.height])
    xs, ys = raster.place.point(x, y)
    return Extent.of([xs.min(), ys.min(), xs.max(), ys.max()], raster.place.crs)


@dataclass(frozen=True)
class Holds:
    """What labels speak of, for the sentence on labels that fit no scene.

    said: what is so, ``none of its 12 points lies in a scene``. remedy: a clause. extents: of what
    has coordinates. names: of what belongs to images by their name.
    """

    said: str
    remedy: str
    extents: tuple[Extent, ...] = ()
    names: tuple[str, ...] = ()


def holds_of_places(count: int | None, what: str, extents: tuple[Extent, ...]) -> Holds:
    """Of labels with coordinates, whose CRS can be told on the command line."""
    number = "" if count is None else f"{count:,} "
    return Holds(
        f"none of its {number}{what} lies in a scene",
        "give their right CRS with --labels-crs EPSG:..., or the scenes that they are of",
        extents,
    )


def holds_of_raster(what: str, extent: Extent) -> Holds:
    """Of a raster over whatever scenes it covers."""
    return Holds(
        f"the {what} covers no scene",
        "give it its right CRS with gdal_edit.py -a_srs EPSG:..., or the scenes that it is of",
        (extent,),
    )


def some_of(names: Iterable[str], count: int) -> str:
    """``'a', 'b', 'c' and 9 more``, of so many."""
    shown = sorted(names)[:SHOWN]
    words = ", ".join(map(repr, shown))
    return f"{words} and {count - len(shown):,} more" if count > len(shown) else words


def around(boxes: np.ndarray) -> Box | None:
    """The box around boxes (n, 4); None: there are none."""
    if not len(boxes):
        return None
    low, high = boxes[:, :2].min(axis=0).tolist(), boxes[:, 2:].max(axis=0).tolist()
    return (low[0], low[1], high[0], high[1])
