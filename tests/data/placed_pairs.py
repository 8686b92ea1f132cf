"""Pairs with places: tiles of made-up scenes in any CRS, as the extractor of tiles states them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from affine import Affine

from domainclip.pairs import Pair, Pairs, Text
from tests.data.make_pairs import encoded_image, make_pair, write_pairs

UTM = Affine(10, 0, 500_000, 0, -10, 4_000_000)


def placed_pair(
    number: int,
    *,
    crs: str = "EPSG:32618",
    transform: Affine | None = UTM,
    size: int = 224,
    image: bytes | None = None,
    key: str = "",
    **where: Any,
) -> Pair:
    """Tile ``number`` of a row of tiles; ``where`` replaces what it says, None leaves that out."""
    column = number * size
    a, b, c, d, e, f = (transform or UTM)[:6]
    c, f = a * column + c, d * column + f
    xs = [a * x + b * y + c for x in (0, size) for y in (0, size)]
    ys = [d * x + e * y + f for x in (0, size) for y in (0, size)]
    place: dict[str, Any] = {
        "crs": crs,
        "bounds": [min(xs), min(ys), max(xs), max(ys)],
        "transform": transform and [a, b, c, d, e, f],
        "gsd_m": 10.0,
        "window": [column, 0, size, size],
        "scene": "made.tif",
        "acquired": "2019-07-14T10:32:11Z",
        "sensor": "Sentinel-2",
        "cloud_percent": 12.5,
    }
    return make_pair(
        number,
        image=image or encoded_image(number % 7),
        key=key or f"made.tif/{column}_0",
        labels=("forest",) if number % 2 else ("water", "beach"),
        text=f"Tile {number}",
        texts=(Text("caption", f"Tile {number}", "en"),),
        split=("train", "val")[number % 2],
        document="made.tif",
        group=f"cell {number // 4}",
        width=size,
        height=size,
        where={name: value for name, value in (place | where).items() if value is not None},
    )


def placed_pairs(path: Path, *pairs: Pair) -> Pairs:
    return write_pairs(path, pairs)
