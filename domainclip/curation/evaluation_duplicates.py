"""Leave out training pairs whose image is in an evaluation set: the same, resized, turned.

RemoteCLIP and RS5M do so by the Hamming distance of perceptual hashes, up to 2. Here each
evaluation image has eight hashes, one for each way to turn and mirror it, made from its own
frequencies; of the training pairs only two narrow columns are read.

Reference: RemoteCLIP, Liu et al. 2024, https://arxiv.org/abs/2306.11029.
Reference: RS5M, Zhang et al. 2024, https://arxiv.org/abs/2306.11300.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domainclip.curation._protocol import Decision
from domainclip.errors import BadInput, UsageError
from domainclip.images.encoded import decoded
from domainclip.images.hamming import MAX_DISTANCE, Buckets, telling
from domainclip.images.phash import dihedral_hashes
from domainclip.pairs import open_pairs

__all__ = ["EvaluationDuplicates"]

_SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".jp2"}
_MOST_BYTES = 1 << 30  # of one file


@dataclass(frozen=True, slots=True)
class EvaluationDuplicates:
    """Leaves out pairs that are near any image of an evaluation set (columns phash, sha256).

    against: the evaluation set, a pairs directory or a folder of images with its subfolders.
    split: of a pairs directory, only the images of this split. distance: bits, of 64, in which the
    perceptual hashes may differ (0 to 8; RemoteCLIP takes 2; 4 misses a third as many copies).
    rotations: evaluation images turned by quarters or mirrored count as well.
    The same file, byte for byte, is always left out. An image without a hash, or so flat that its
    hash has fewer than 8 ones, is compared by its bytes alone. Memory: 600 bytes an evaluation
    image, a third of it without rotations.
    """

    columns: ClassVar[tuple[str, ...]] = ("phash", "sha256")

    against: str = ""
    split: str = ""
    distance: int = 4
    rotations: bool = True

    def __post_init__(self) -> None:
        if not self.against:
            raise UsageError(
                "evaluation_duplicates: give against=PATH, a pairs directory or a folder of images."
            )
        if not 0 <= self.distance <= MAX_DISTANCE:
            raise UsageError(f"distance={self.distance}: must be from 0 to {MAX_DISTANCE} bits.")

    def start(self) -> Decision:
        """A decision against the whole evaluation set, whose images are decoded now (1 to 3 ms
        each). Raises BadInput where it holds no image that can be decoded."""
        hashes, digests = _evaluation_set(Path(self.against), self.split)
        words = np.unique(hashes if self.rotations else hashes[:, 0])
        buckets = Buckets(words[telling(words)], self.distance)

        def keep(table: pa.Table) -> NDArray[np.bool_]:
            own = table.column("phash").to_numpy().astype(np.uint64)
            same = [sha256 in digests for sha256 in table.column("sha256").to_pylist()]
            result = ~np.array(same, dtype=bool)
            asked = np.flatnonzero(result & telling(own))
            result[asked[buckets.near(own[asked])]] = False
            return result

        return keep


def _evaluation_set(path: Path, split: str) -> tuple[NDArray[np.uint64], frozenset[str]]:
    """(n, 8) hashes of the images that can be decoded; the SHA-256 of all, hexadecimal."""
    hashes, digests = [], set()
    for data in _images(path, split):
        digests.add(hashlib.sha256(data).hexdigest())
        try:
            hashes.append(dihedral_hashes(decoded(data)))
        except ValueError:
            continue  # its bytes can still be recognised
    if not hashes:
        of_split = f" of split {split!r}" if split else ""
        raise BadInput(
            f"{path}: holds no image{of_split} that can be decoded; give the pairs directory or "
            f"the folder of images ({', '.join(sorted(_SUFFIXES))}) of the evaluation set."
        )
    return np.stack(hashes), frozenset(digests)


def _images(path: Path, split: str) -> Iterator[bytes]:
    if any(path.glob("part-*.parquet")):
        for pair in open_pairs(path).rows(["image", "split"], split=split or None):
            yield pair.image
        return
    if not path.is_dir():
        raise BadInput(f"{path}: no such directory; give a pairs directory or a folder of images.")
    if split:
        raise UsageError(f"split={split!r}: {path} is a folder of images, which has no splits.")
    for file in sorted(path.rglob("*")):
        if file.suffix.lower() in _SUFFIXES and file.is_file():
            if file.stat().st_size > _MOST_BYTES:
                raise BadInput(f"{file}: more than 1 GB; an evaluation image is smaller than that.")
            yield file.read_bytes()
