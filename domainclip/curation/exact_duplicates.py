"""Keep one of all pairs whose image is the same file, byte for byte."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domainclip.curation._protocol import Decision
from domainclip.curation._sorted import SortedSet

__all__ = ["ExactDuplicates"]


@dataclass(frozen=True, slots=True)
class ExactDuplicates:
    """Keeps the first pair of each image (column ``sha256``), or of each image and caption.

    same_text: only pairs whose caption is the same as well are duplicates. A pair without a sha256
    is kept. Memory: 16 bytes an image.
    """

    columns: ClassVar[tuple[str, ...]] = ("sha256", "text")

    same_text: bool = False

    def start(self) -> Decision:
        """A decision that remembers every image it has seen."""
        seen = SortedSet(np.dtype("S16"))

        def keep(table: pa.Table) -> NDArray[np.bool_]:
            hashes = table.column("sha256").to_pylist()
            texts = table.column("text").to_pylist() if self.same_text else [""] * len(hashes)
            digests = np.array(
                [_digest(sha256, text) for sha256, text in zip(hashes, texts, strict=True)],
                dtype="S16",
            )
            known = np.array([bool(sha256) for sha256 in hashes], dtype=bool)
            result = ~known
            new = np.flatnonzero(known & ~seen.contains(digests))
            _, first = np.unique(digests[new], return_index=True)
            result[new[first]] = True
            seen.add(digests[new[first]])
            return result

        return keep


def _digest(sha256: str, text: str) -> bytes:
    # 128 bits: no two images among 10^12 share them by chance (p < 1e-14)
    return hashlib.blake2b(f"{sha256}\n{text}".encode(), digest_size=16).digest()
