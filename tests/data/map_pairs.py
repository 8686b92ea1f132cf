"""Pairs that look like a small world: tiles in map cells, four classes told apart by colour."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from domainclip.pairs import Pair, Pairs, Text
from tests.data.make_pairs import make_pair, write_pairs

CLASSES = ("desert", "forest", "ocean", "snow")
_COLOURS = ((200, 160, 90), (40, 110, 50), (30, 60, 140), (225, 230, 235))


def map_pairs(path: Path, count: int = 96, *, px: int = 16, **changes: Any) -> Pairs:
    """``count`` tiles in cells of four; splits by cell (train, train, val, test); bounds of 2°."""

    def pairs() -> Iterator[Pair]:
        stream = np.random.default_rng(7)
        for number in range(count):
            cell, kind = divmod(number, 4)
            noise = stream.integers(-55, 56, (px, px, 3))
            pixels = np.clip(np.array(_COLOURS[kind]) + noise, 0, 255).astype(np.uint8)
            buffer = BytesIO()
            Image.fromarray(pixels).save(buffer, "PNG")
            west, south = -170 + 12 * (cell % 28), -60 + 20 * (cell // 28) + 2.5 * kind
            fields = {
                "image": buffer.getvalue(), "width": px, "height": px, "labels": (CLASSES[kind],),
                "text": f"{CLASSES[kind]} seen from above in cell {cell}",
                "texts": (Text("label", CLASSES[kind]),), "group": f"cell {cell}",
                "document": "world", "split": ("train", "train", "val", "test")[cell % 4],
                "where": {"crs": "EPSG:4326", "bounds": [west, south, west + 2, south + 2]},
                "license": "CC0-1.0",
            }  # fmt: skip
            yield make_pair(number, **(fields | changes))

    return write_pairs(path, pairs())
