"""Small pairs with real, decodable images, made by arithmetic from a number."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from domainclip.pairs import Pair, Pairs, PairWriter, Text, open_pairs


def encoded_image(number: int, *, size: tuple[int, int] = (8, 6), form: str = "PNG") -> bytes:
    """An image of smooth noise; the same number gives the same bytes."""
    pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


def make_pair(number: int, **changes: Any) -> Pair:
    """Pair ``number``, every field filled; ``changes`` replace fields."""
    image = changes.pop("image", None) or encoded_image(number)
    fields: dict[str, Any] = {
        "key": f"pair-{number:06d}",
        "image": image,
        "text": f"caption of pair {number}",
        "texts": (Text("caption", f"caption of pair {number}", "en"), Text("mention", "see 1")),
        "labels": ("even" if number % 2 == 0 else "odd",),
        "document": f"document {number // 4}",
        "group": f"group {number // 4}",
        "source": "made 1",
        "license": "CC-BY-4.0",
        "width": 8,
        "height": 6,
        "sha256": hashlib.sha256(image).hexdigest(),
        "phash": number,
        "where": {"page": number},
        "meta": {"é": [1, 2.5, None]},
    }
    return Pair(**(fields | changes))


def write_pairs(path: Path, pairs: Iterable[Pair], **options: Any) -> Pairs:
    """A pairs directory of these, opened."""
    with PairWriter(path, **options) as writer:
        for pair in pairs:
            writer.write(pair)
    return open_pairs(path)
