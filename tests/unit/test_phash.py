"""The perceptual hash: stable under resizing and recompression, the same on every machine."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from domainclip.images.phash import dihedral, dihedral_hashes, phash


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


# in the order of dihedral_hashes; the first four, then each of them transposed
TURNS = [
    (),
    (Image.Transpose.FLIP_LEFT_RIGHT,),
    (Image.Transpose.FLIP_TOP_BOTTOM,),
    (Image.Transpose.ROTATE_180,),
]
TURNS += [(*turn, Image.Transpose.TRANSPOSE) for turn in TURNS]


def turned_image(image: Image.Image, turns: tuple[Image.Transpose, ...]) -> Image.Image:
    for turn in turns:
        image = image.transpose(turn)
    return image


def test_turned_versions_have_the_hashes_of_rendered_ones() -> None:
    off = []
    for seed in range(20):
        image = smooth(seed)
        rendered = [phash(turned_image(image, turn)) for turn in TURNS]
        derived = dihedral_hashes(image)
        assert derived.shape == (8,)
        assert derived[0] == phash(image)
        off += [distance(a, b) for a, b in zip(rendered, derived.tolist(), strict=True)]
        assert len(set(rendered)) == 8, "versions of a picture without symmetry"
    # the thumbnail's rounding differs between versions, seldom to any effect
    assert max(off) <= 2
    assert np.mean(np.array(off) == 0) > 0.9


def test_versions_of_a_hash_alone_are_near_and_their_own_inverse() -> None:
    images = [smooth(seed) for seed in range(20)]
    hashes = np.array([phash(image) for image in images], dtype=np.uint64)
    versions = dihedral(hashes)
    exact = np.stack([dihedral_hashes(image) for image in images])
    assert (versions[:, [0, 4]] == exact[:, [0, 4]]).all(), "as it is, and transposed"
    assert np.bitwise_count(versions ^ exact).max() <= 24
    for version in range(5):  # mirrored or transposed twice is as it was
        assert (dihedral(versions[:, version])[:, version] == hashes).all()
    # a quarter turn four times
    assert (dihedral(versions[:, 5])[:, 6] == hashes).all()
    assert dihedral(np.empty(0, np.uint64)).shape == (0, 8)


def test_equal_to_imagehash_on_real_tiles(shared_data: Path) -> None:
    imagehash = pytest.importorskip("imagehash")
    for file in sorted((shared_data / "tiles" / "rsscn7").rglob("*.jpg"))[::20]:
        with Image.open(file) as image:
            assert phash(image) == int(str(imagehash.phash(image)), 16)
