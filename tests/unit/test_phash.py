"""The perceptual hash: stable under resizing and recompression, the same on every machine."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from domainclip.images.phash import phash


def smooth(seed: int, side: int = 200) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC)


def distance(a: int, b: int) -> int:
    return (a ^ b).bit_count()


def test_equals_the_slow_definition() -> None:
    # DCT-II written out as its double sum, imagehash's order of bits
    image = smooth(0)
    grey = np.asarray(image.convert("L").resize((32, 32), Image.Resampling.LANCZOS), dtype=float)
    low = np.zeros((8, 8))
    x = np.arange(32)
    for u in range(8):
        for v in range(8):
            cosines = np.outer(
                np.cos(np.pi * (2 * x + 1) * u / 64), np.cos(np.pi * (2 * x + 1) * v / 64)
            )
            low[u, v] = 4 * (grey * cosines).sum()
    bits = "".join("1" if value > np.median(low) else "0" for value in low.ravel())
    assert phash(image) == int(bits, 2)


def test_survives_resizing_and_jpeg_and_tells_pictures_apart() -> None:
    image = smooth(1)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=30)
    near = [image.resize((90, 70)), Image.open(buffer), image.convert("L")]
    assert max(distance(phash(image), phash(other)) for other in near) <= 4
    far = [distance(phash(image), phash(smooth(seed))) for seed in range(2, 12)]
    assert min(far) >= 14


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "I", "F", "LA"])
def test_any_mode_and_size_gives_64_bits(mode: str) -> None:
    for size in ((1, 1), (3, 500)):
        assert 0 <= phash(Image.new(mode, size)) < 1 << 64


def test_flat_pictures_agree_whatever_the_rounding() -> None:
    hashes = {phash(Image.new("L", (50, 50), grey)) for grey in range(1, 256)}
    assert hashes == {1 << 63}
