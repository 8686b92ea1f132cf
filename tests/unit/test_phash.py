"""The perceptual hash: stable under resizing and recompression, the same on every machine."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from domainclip.errors import UsageError
from domainclip.images.phash import dihedral, dihedral_hashes, lowest, lowest_of, phash, phashes


def smooth(seed: int, side: int = 200) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC)


def distance(a: int, b: int) -> int:
    return (a ^ b).bit_count()


def slow_lowest(pixels: np.ndarray) -> np.ndarray:
    """Grey, means of areas that share pixels, and the DCT-II written out as its double sum."""
    grey = (
        (pixels.astype(float) @ [77, 150, 29]) / 256 if pixels.ndim == 3 else pixels.astype(float)
    )
    for _ in range(2):  # rows, then columns
        size = len(grey)
        finer = np.repeat(grey, 32, axis=0)  # each of 32 parts of a row belongs to one mean
        grey = finer.reshape(32, size, -1).mean(axis=1).T
    x = np.arange(32)
    cosines = [np.rint(128 * np.cos(np.pi * (2 * x + 1) * u / 64)) / 128 for u in range(8)]
    return np.array([[4 * (grey * np.outer(a, b)).sum() for b in cosines] for a in cosines])


@pytest.mark.parametrize(
    "shape",
    # multiples of 32, of less, of nothing; small; so large and odd that sums are rounded
    [(224, 224, 3), (112, 400), (100, 37, 3), (5, 31, 3), (1, 1), (301, 257, 3), (9001, 33, 3)],
)
def test_equals_the_slow_definition(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (2, *shape), dtype=np.uint8)
    low = lowest_of(pixels)
    slow = np.stack([slow_lowest(each) for each in pixels])
    assert np.abs(low - slow).max() < 1e-2, "of a million for white"
    assert np.array_equal(low[0], lowest(Image.fromarray(pixels[0])))
    if shape[0] <= 256:
        assert np.abs(low - slow).max() < 1e-8
        bits = ["".join("01"[int(value > np.median(one))] for value in one.ravel()) for one in low]
        assert phashes(pixels).tolist() == [int(each, 2) for each in bits]


@pytest.mark.parametrize("shape", [(224, 224, 3), (112, 112), (75, 90, 3)])
def test_a_batch_has_the_hashes_of_its_pictures_whatever_its_size_and_layout(
    shape: tuple[int, ...],
) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (37, *shape), dtype=np.uint8)
    single = [phash(Image.fromarray(each)) for each in pixels]
    assert phashes(pixels).tolist() == single
    assert np.concatenate([phashes(pixels[:1]), phashes(pixels[1:])]).tolist() == single
    assert phashes(np.asfortranarray(pixels)).tolist() == single
    assert phashes(pixels[::-1]).tolist() == single[::-1]
    assert phashes(pixels[:0]).shape == (0,)
    if len(shape) == 2:
        assert phashes(np.stack([pixels] * 3, axis=-1)).tolist() == single, "grey in three bands"


def test_only_pictures_of_8_bits_are_hashed() -> None:
    wrong: list[np.ndarray] = [
        np.zeros((2, 8, 8), np.float32),
        np.zeros((8, 8), np.uint8),
        np.zeros((2, 8, 8, 4), np.uint8),
        np.zeros((2, 0, 8), np.uint8),
    ]
    for pixels in wrong:
        with pytest.raises(UsageError, match="height, width"):
            phashes(pixels)


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


@pytest.mark.parametrize("side", [200, 224, 112, 75])
def test_turned_versions_have_the_hashes_of_rendered_ones(side: int) -> None:
    for seed in range(8):
        image = smooth(seed, side)
        rendered = [phash(turned_image(image, turn)) for turn in TURNS]
        assert dihedral_hashes(image).tolist() == rendered
        assert len(set(rendered)) == 8, "versions of a picture without symmetry"


def test_turned_versions_of_large_odd_pictures_are_those_but_for_rounding() -> None:
    image = smooth(0, 301)
    rendered = [phash(turned_image(image, turn)) for turn in TURNS]
    derived = dihedral_hashes(image).tolist()
    assert derived[:4] == rendered[:4], "mirrored ones exactly"
    assert max(distance(a, b) for a, b in zip(rendered, derived, strict=True)) <= 2


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


def test_near_imagehash_on_real_tiles(shared_data: Path) -> None:
    # measured over all 210: 0.82 bits on average, 4 at most
    imagehash = pytest.importorskip("imagehash")
    off = []
    for file in sorted((shared_data / "tiles" / "rsscn7").rglob("*.jpg"))[::10]:
        with Image.open(file) as image:
            off.append(distance(phash(image), int(str(imagehash.phash(image)), 16)))
    assert max(off) <= 4
    assert np.mean(off) < 1.5
