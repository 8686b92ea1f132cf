"""The objects of a tile, with their boxes as shares of what the tower sees of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from domainclip.data.settings import AugmentSettings
from domainclip.errors import BadInput
from domainclip.pairs import Pairs

__all__ = ["Region", "check_boxes", "check_stays", "regions_of"]

Region = tuple[str, tuple[float, float, float, float]]  # category, (x0, y0, x1, y1) from 0 to 1
_LEAST = 0.5  # of a box that the centre crop must leave


def regions_of(
    meta: Mapping[str, Any], width: int, height: int, size: tuple[int, int]
) -> tuple[Region, ...]:
    """The objects that ``extract tiles`` wrote into a pair's meta, none where it wrote none.

    width, height: of the pair's image, pixels, where boxes lie. size: (h, w) that the tower sees:
    the middle of the image, as wide or as high as that is. Objects that it mostly cuts off are
    left out.
    """
    scale = max(size[0] / height, size[1] / width) if width and height else 1.0
    seen = size[1] / scale, size[0] / scale  # pixels of the image, across and down
    left, top = (width - seen[0]) / 2, (height - seen[1]) / 2
    found = []
    for category, (x0, y0, x1, y1) in _objects(meta):
        shares = (x0 - left) / seen[0], (y0 - top) / seen[1], (x1 - left) / seen[0], (
            y1 - top) / seen[1]  # fmt: skip
        a, b, c, d = (min(max(share, 0.0), 1.0) for share in shares)
        whole = (shares[2] - shares[0]) * (shares[3] - shares[1])
        if whole > 0 and (c - a) * (d - b) >= _LEAST * whole:
            found.append((category, (a, b, c, d)))
    return tuple(found)


def check_stays(augment: AugmentSettings) -> None:
    """Raises BadInput where views move objects away from their boxes."""
    plain = AugmentSettings()
    moving = ("flip", "vertical_flip", "rot90", "crop_scale", "rotate", "scale", "keep_whole")
    named = [name for name in moving if getattr(augment, name) != getattr(plain, name)]
    if named:
        raise BadInput(
            f"data.augment: {', '.join(named)} would move objects away from their boxes, which the "
            "objective learns from; leave only colour, gamma, noise and bias_field."
        )


def check_boxes(pairs: Pairs) -> None:
    """Raises BadInput where no training pair has an object; reads until one is found."""
    for table, _ in pairs.read_parts(["split", "meta"]):
        columns = (table.column(name).to_pylist() for name in ("split", "meta"))
        for split, meta in zip(*columns, strict=True):
            if split == "train" and '"objects"' in (meta or "") and any(_objects(json.loads(meta))):
                return
    raise BadInput(
        "objective region_category: no training pair has boxes of objects; make pairs that have "
        "with `domainclip extract tiles --boxes FILE` (or --masks), or leave it out."
    )


def _objects(meta: Mapping[str, Any]) -> Iterator[tuple[str, list[float]]]:
    facts = meta.get("facts")
    for one in facts.get("objects", ()) if isinstance(facts, Mapping) else ():
        box = one.get("box") if isinstance(one, Mapping) else None
        if one.get("category") and isinstance(box, list) and len(box) == 4:
            yield str(one["category"]), [float(number) for number in box]
