"""Objects as annotation files draw them, before they are laid over a scene."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely

from .categories import Categories

__all__ = ["Drawing", "Drawn", "areal", "polygons_of"]

Box = Sequence[float]


@dataclass(frozen=True)
class Drawn:
    """The objects of one image that make sense, and how many did not.

    boxes (n, 4): x0, y0, x1, y1 in pixels of the image's file from its upper left corner, or in
    shares of its sides where relative. codes (n,): of their category in names. areas (n,): pixels,
    NaN where it is that of the shape or box. shapes (n,): polygons, None for a box; None: all are
    boxes. gsd_m, sides: metres to a pixel, and width and height of the image in pixels, as the
    annotation states them. dropped: reason -> number.
    """

    boxes: np.ndarray
    codes: np.ndarray
    names: tuple[str, ...]
    areas: np.ndarray
    shapes: np.ndarray | None = None
    relative: bool = False
    gsd_m: float | None = None
    sides: tuple[int, int] | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)


class Drawing:
    """Collects the objects of one image, in their order."""

    def __init__(self, *, relative: bool = False) -> None:
        self.relative = relative
        self.gsd_m: float | None = None
        self.sides: tuple[int, int] | None = None
        self.dropped: Counter[str] = Counter()
        self._categories: list[str] = []
        self._boxes: list[Box] = []
        self._scores: list[float] = []
        self._areas: list[float] = []
        self._rings: list[np.ndarray] = []
        self._owners: list[int] = []
        self._shapes: dict[int, shapely.Geometry] = {}

    def add(
        self,
        category: str,
        *,
        box: Box | None = None,
        rings: Sequence[np.ndarray] = (),
        shape: shapely.Geometry | None = None,
        score: float | None = None,
        area: float | None = None,
    ) -> None:
        """An object: its box, or its outlines (points, 2), parts of one object, or a polygon; with
        both, the box is taken at its word. score: of a detector."""
        number = len(self._categories)
        rings = [ring for ring in rings if len(ring) >= 3]
        if box is None and not rings and shape is None:
            self.dropped["no_box"] += 1
            return
        if shape is not None:
            self._shapes[number] = shape
            if box is None:
                box = shapely.bounds(shape).tolist()
        if box is None:
            corners = np.concatenate(rings)
            box = (*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
        self._rings += rings
        self._owners += [number] * len(rings)
        self._categories.append(category)
        self._boxes.append(box)
        self._scores.append(np.nan if score is None else score)
        self._areas.append(np.nan if area is None else area)

    def done(self, categories: Categories, *, min_score: float, where: str) -> Drawn:
        """What was collected. Raises BadInput for a category that cannot be said."""
        boxes = np.array(self._boxes, np.float64).reshape(-1, 4)
        scores, areas = np.array(self._scores, float), np.array(self._areas, float)
        nouns = {raw: categories.of(raw, where) for raw in dict.fromkeys(self._categories) if raw}
        names = sorted({noun for noun in nouns.values() if noun})
        place = {name: number for number, name in enumerate(names)}
        code_of = {raw: place[noun] if noun else -1 for raw, noun in nouns.items()}
        codes = np.array([code_of.get(raw, -2) for raw in self._categories], np.int64)
        dropped = Counter(self.dropped)
        good = np.ones(len(boxes), bool)
        with np.errstate(invalid="ignore", over="ignore"):
            wide, high = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
            reasons = {
                "no_category": codes == -2,
                "left_out_category": codes == -1,
                "not_a_number": ~np.isfinite(boxes).all(axis=1),
                "reversed": (wide < 0) | (high < 0),
                "zero_area": (wide == 0) | (high == 0),
                "low_score": scores < min_score,
            }
        for reason, bad in reasons.items():
            if count := int((good & bad).sum()):
                dropped[reason] += count
            good &= ~bad
        shapes = self._outlines(boxes, good)
        return Drawn(
            boxes=boxes[good],
            codes=codes[good],
            names=tuple(names),
            areas=areas[good],
            shapes=None if shapes is None else shapes[good],
            relative=self.relative,
            gsd_m=self.gsd_m,
            sides=self.sides,
            dropped=dict(dropped),
        )

    def _outlines(self, boxes: np.ndarray, good: np.ndarray) -> np.ndarray | None:
        """(n,) polygons of those that are not simply their box, or None where all are."""
        if not self._rings and not self._shapes:
            return None
        kept = [at for at, owner in enumerate(self._owners) if good[owner]]
        shapes = polygons_of(
            [self._rings[at] for at in kept], [self._owners[at] for at in kept], len(boxes)
        )
        for number, shape in self._shapes.items():
            if good[number]:
                shapes[number] = shape
        there = np.flatnonzero(~shapely.is_missing(shapes))
        shapes[there] = areal(shapes[there])
        whole = np.prod(boxes[there, 2:] - boxes[there, :2], axis=1)
        areas = shapely.area(shapes[there])
        # also of outlines without an area, whose box is all there is to go by
        shapes[there[(areas <= 0) | (np.abs(areas / whole - 1) < 1e-9)]] = None
        return shapes if not shapely.is_missing(shapes).all() else None


def polygons_of(rings: Sequence[np.ndarray], owners: Sequence[int], count: int) -> np.ndarray:
    """Outlines (points, 2) and whose they are, ascending -> (count,) polygons, or several as one;
    None for those without. Outlines of what is not a number are left out."""
    shapes = np.full(count, None, object)
    pairs = [
        (ring, owner) for ring, owner in zip(rings, owners, strict=True) if np.isfinite(ring).all()
    ]
    if not pairs:
        return shapes
    lengths = np.array([len(ring) for ring, _ in pairs])
    points = np.concatenate([ring for ring, _ in pairs])
    closed = shapely.linearrings(points, indices=np.repeat(np.arange(len(pairs)), lengths))
    polygons = shapely.polygons(closed)
    owner_of = np.array([owner for _, owner in pairs])
    own, first, parts = np.unique(owner_of, return_index=True, return_counts=True)
    shapes[own[parts == 1]] = polygons[first[parts == 1]]
    for number, start, many in zip(own, first, parts, strict=True):
        if many > 1:
            shapes[number] = shapely.union_all(areal(polygons[start : start + many]))
    return shapes


def areal(shapes: np.ndarray) -> np.ndarray:
    """Outlines that cross themselves made valid, and of mixtures the polygons alone; the rest as
    it is."""
    kinds = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
    bad = ~shapely.is_valid(shapes) | ~np.isin(shapely.get_type_id(shapes), kinds)
    if bad.any():
        shapes = shapes.copy()
        for number in np.flatnonzero(bad):
            parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(shapes[number])))
            polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
            shapes[number] = shapely.union_all(polygons)
    return shapes
