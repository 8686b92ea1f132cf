"""Perceptual hashes: how fast, how well they tell copies from others, and search among millions.

    python benchmarks/tile_hashing.py hashing | copies | search [--words 1e6] [--distance 4]

hashing: hashes per second of our ``phashes`` and ``phash`` against ``imagehash.phash``, out of
arrays: of a row of tiles that was just cut, and of all that lie in memory; and how many bits are
not those of imagehash.

copies: tiles of NASA's Blue Marble at 224 and 112 px (those that are one colour left out) and the
photographs of RSSCN7 where they are at hand, against themselves re-encoded (JPEG 60 to 95),
rescaled (half to double) and turned: the share of copies that a distance misses, and the share of
tiles for which another one passes as a copy; by the hash alone, and verified.

search: ``--filter near_duplicates`` and ``nearest`` over made-up hashes: 64 random coefficients
above their median (even), the same with the spectrum of pictures around 200 centres (clustered),
and with a tenth of the words sharing 44 bits (hot). CPU seconds and resident memory.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imagehash
import numpy as np
import psutil
import pyarrow as pa
from PIL import Image

from domainclip.curation import near_duplicates
from domainclip.curation.near_duplicates import NearDuplicates
from domainclip.extractors.tiles.reading.scenes import open_scene
from domainclip.images.hamming import nearest, ones
from domainclip.images.phash import hashes_of, lowest, phash, phashes, turned

__all__ = ["main"]

PHOTOGRAPHS = Path(__file__).resolve().parents[2] / "shared" / "data" / "tiles" / "rsscn7"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("hashing", "copies", "search"))
    parser.add_argument("--words", type=float, default=1e6)
    parser.add_argument("--distance", type=int, default=4)
    arguments = parser.parse_args()
    if arguments.what == "hashing":
        hashing()
    elif arguments.what == "copies":
        for name, images in (
            ("Blue Marble 224 px", marble(224)),
            ("Blue Marble 112 px", marble(112)[::3]),
            ("RSSCN7", photographs()),
        ):
            if images:
                copies(name, images)
    else:
        for kind, words in made_words(int(arguments.words)):
            search(kind, words, arguments.distance)


def hashing() -> None:
    for side in (224, 112):
        for name, images in (("Blue Marble", marble(side)), ("RSSCN7", photographs())):
            images = [image.resize((side, side), Image.Resampling.BICUBIC) for image in images]
            if images:
                rates_of_hashing(f"{name}: {len(images)} tiles of {side} px, RGB", images)


def rates_of_hashing(name: str, images: list[Image.Image]) -> None:
    pixels = np.stack([np.asarray(image) for image in images])
    rows = [slice(start, start + 32) for start in range(0, len(images), 32)]
    ways: dict[str, Callable[[np.ndarray], object]] = {
        "imagehash.phash": lambda tiles: [imagehash.phash(Image.fromarray(tile)) for tile in tiles],
        "phash": lambda tiles: [phash(Image.fromarray(tile)) for tile in tiles],
        "phashes": phashes,
    }
    print(f"{name} (CPU time; a row is 32 tiles that were just cut)")
    theirs: dict[str, float] = {}
    for way, run in ways.items():
        taken = {
            "a row": fastest(run, given=lambda: (pixels[row].copy() for row in rows)),
            "all": fastest(run, given=lambda: [pixels]),
        }
        theirs = theirs or taken
        for part, seconds in taken.items():
            rate, ratio = len(images) / seconds, theirs[part] / seconds
            print(f"  {way + ', ' + part:<34} {rate:>9,.0f} /s   {ratio:.1f}x")
    halves = [pixels[::2].copy(), pixels[1::2].copy()]
    for count in (1, 2):
        with ThreadPoolExecutor(count) as threads:
            taken = min(wall(lambda: list(threads.map(phashes, halves))) for _ in range(7))
        print(f"  {f'phashes, wall time, threads: {count}':<34} {len(images) / taken:>9,.0f} /s")
    off = ones(
        phashes(pixels)
        ^ np.array([int(str(imagehash.phash(image)), 16) for image in images], dtype=np.uint64)
    )
    print(
        f"  bits that differ from imagehash: {off.mean():.2f} on average, none in "
        f"{np.mean(off == 0):.0%}, at most 2 in {np.mean(off <= 2):.0%}, most {off.max()}"
    )


def copies(name: str, images: list[Image.Image]) -> None:
    low = np.stack([lowest(image) for image in images])
    hashes = hashes_of(low)
    looks = near_duplicates._looks(low, False)[:, 0]
    print(f"{name}: {len(images)} tiles; missed copies at distance d, and verified (d v)")
    random = np.random.default_rng(0)
    for kind, change in CHANGES.items():
        versions = np.stack([lowest(change(image, random)) for image in images])
        many = turned(versions) if "turned" in kind else versions[:, None]
        bits = ones(hashes_of(many) ^ hashes[:, None])
        own = near_duplicates._looks(versions, "turned" in kind)
        alike = np.stack(
            [near_duplicates._alike(own[:, at], looks) for at in range(own.shape[1])], axis=1
        )
        shares = [f"{d}: {(bits > d).all(1).mean():6.2%}" for d in (2, 4, 6, 8)]
        shares += [f"{d} v: {1 - ((bits <= d) & alike).any(1).mean():6.2%}" for d in (6, 8)]
        print(f"  {kind:<24} {'  '.join(shares)}")
    for rotations in (False, True):
        many = turned(low) if rotations else low[:, None]
        bits = ones(hashes_of(many)[:, :, None] ^ hashes)  # (n, 1 or 8, n)
        bits[np.arange(len(low)), :, np.arange(len(low))] = 64
        own = near_duplicates._looks(low, rotations)
        alike = np.stack(
            [
                [near_duplicates._alike(np.broadcast_to(one, looks.shape), looks) for one in each]
                for each in own
            ]
        )
        near = {d: (bits <= d).any(axis=(1, 2)).mean() for d in (2, 4, 6, 8)}
        shares = [f"{d}: {share:6.2%}" for d, share in near.items()]
        shares += [f"{d} v: {((bits <= d) & alike).any(axis=(1, 2)).mean():6.2%}" for d in (6, 8)]
        print(f"  {'another tile is near' + (', turned' * rotations):<24} {'  '.join(shares)}")


def search(kind: str, words: np.ndarray, distance: int) -> None:
    before = psutil.Process().memory_info().rss
    start = time.process_time()
    decide = NearDuplicates(distance=distance).start()
    kept = 0
    for at in range(0, len(words), 8192):  # as curate does
        kept += int(decide(pa.table({"phash": words[at : at + 8192]})).sum())
    taken = time.process_time() - start
    held = (psutil.Process().memory_info().rss - before) / 1e9
    print(
        f"{kind:<10} {len(words):,} words, distance {distance}: filter keeps {kept:,} in "
        f"{taken:.1f} s CPU, {held:.2f} GB"
    )
    del decide
    if kind == "even":
        start = time.process_time()
        half = len(words) // 2
        found, _ = nearest(words[:half], words[half:], distance)
        print(f"{'':<10} nearest of its halves: {(found >= 0).sum():,} in "
              f"{time.process_time() - start:.1f} s CPU")  # fmt: skip


def made_words(count: int) -> Iterator[tuple[str, np.ndarray]]:
    random = np.random.default_rng(0)
    spectrum = 1 / (1 + np.add.outer(np.arange(8), np.arange(8)))
    centres = 2 * random.normal(size=(200, 8, 8)) * spectrum
    even, clustered = np.empty(count, np.uint64), np.empty(count, np.uint64)
    for at in range(0, count, 1 << 16):
        noise = random.normal(size=(min(1 << 16, count - at), 8, 8))
        even[at : at + len(noise)] = hashes_of(noise)
        centre = centres[random.integers(200, size=len(noise))]
        clustered[at : at + len(noise)] = hashes_of(centre + noise * spectrum)
    yield "even", even
    yield "clustered", clustered
    hot = even.copy()
    some = random.random(count) < 0.1
    mask = np.uint64(sum(1 << int(bit) for bit in random.permutation(64)[:44]))
    hot[some] = (hot[some] & ~mask) | (even[0] & mask)
    yield "hot", hot


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return Image.open(out)


def rescaled(image: Image.Image, scale: float) -> Image.Image:
    size = (round(image.width * scale), round(image.height * scale))
    return image.resize(size, Image.Resampling.BICUBIC)


def any_turn(image: Image.Image, random: np.random.Generator) -> Image.Image:
    return image.transpose(list(Image.Transpose)[random.integers(len(Image.Transpose))])


CHANGES: dict[str, Callable[[Image.Image, np.random.Generator], Image.Image]] = {
    **{f"JPEG {q}": lambda image, _, q=q: jpeg(image, q) for q in (60, 75, 85, 95)},
    **{f"scaled {s}": lambda image, _, s=s: rescaled(image, s) for s in (0.5, 0.75, 1.5, 2.0)},
    "half size, JPEG 75": lambda image, _: jpeg(rescaled(image, 0.5), 75),
    "turned": any_turn,
    "turned, JPEG 75": lambda image, random: jpeg(any_turn(image, random), 75),
}


def marble(side: int) -> list[Image.Image]:
    scene = open_scene("blue_marble").dataset.read().transpose(1, 2, 0)
    tiles = [
        scene[row : row + side, column : column + side]
        for row in range(0, scene.shape[0] - side + 1, side)
        for column in range(0, scene.shape[1] - side + 1, side)
    ]
    # what extract tiles leaves out as constant
    return [Image.fromarray(tile) for tile in tiles if (tile != tile[0, 0]).any()]


def photographs() -> list[Image.Image]:
    return [Image.open(file).convert("RGB") for file in sorted(PHOTOGRAPHS.rglob("*.jpg"))]


def fastest(
    run: Callable[[np.ndarray], object], *, given: Callable[[], Iterable[np.ndarray]]
) -> float:
    """CPU seconds of the fastest of seven runs over what is given; without the giving."""
    taken = []
    for _ in range(7):
        taken.append(0.0)
        for pixels in given():
            start = time.process_time()
            run(pixels)
            taken[-1] += time.process_time() - start
    return min(taken)


def wall(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
