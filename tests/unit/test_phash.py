"""The perceptual hash: stable under resizing and recompression, the same on every machine."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from domainclip.errors import UsageError
from domainclip.images.phash import dihedral, dihedral_hashes, phash
from domainclip.images.phash_batch import phashes


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


@pytest.mark.parametrize("size", [(224, 224), (256, 200), (90, 301), (31, 33), (700, 57)])
@pytest.mark.parametrize("bands", [1, 3])
def test_a_batch_agrees_with_single_pictures(size: tuple[int, int], bands: int) -> None:
    images = [smooth(seed).resize(size, Image.Resampling.BICUBIC) for seed in range(24)]
    images = [image.convert("L" if bands == 1 else "RGB") for image in images]
    pixels = np.stack([np.asarray(image) for image in images])
    singles = np.array([phash(image) for image in images], dtype=np.uint64)
    off = np.bitwise_count(singles ^ phashes(pixels))
    assert off.max() <= 4
    assert np.mean(off == 0) > 0.7
    if bands == 1:
        assert (phashes(pixels) == phashes(pixels[..., None])).all()


def test_a_batch_gives_flat_pictures_the_flat_hash_and_takes_any_number() -> None:
    greys = np.arange(1, 256, dtype=np.uint8)
    for side in (5, 64, 100, 224, 333):
        flat = np.broadcast_to(greys[:, None, None, None], (255, side, side, 3))
        assert set(phashes(flat[:: 1 if side < 200 else 16]).tolist()) == {1 << 63}
    assert phashes(np.empty((0, 8, 8, 3), np.uint8)).shape == (0,)


def test_a_batch_does_not_depend_on_what_else_is_in_it() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 70, 3), dtype=np.uint8)
    whole = phashes(pixels)
    assert (whole[::-1] == phashes(pixels[::-1])).all()
    assert (whole == np.concatenate([phashes(pixels[at : at + 1]) for at in range(40)])).all()


@pytest.mark.parametrize("shape", [(2, 8, 8, 4), (8, 8), (2, 0, 8, 3)])
def test_a_batch_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="phashes: "):
        phashes(np.zeros(shape, np.uint8))
    with pytest.raises(UsageError, match="float32"):
        phashes(np.zeros((1, 8, 8, 3), np.float32))


def test_equal_to_imagehash_on_real_tiles(shared_data: Path) -> None:
    imagehash = pytest.importorskip("imagehash")
    for file in sorted((shared_data / "tiles" / "rsscn7").rglob("*.jpg"))[::20]:
        with Image.open(file) as image:
            assert phash(image) == int(str(imagehash.phash(image)), 16)
