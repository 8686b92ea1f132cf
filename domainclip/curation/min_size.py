"""Leave out images whose shorter side is too small to show anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domainclip.curation._protocol import Decision

__all__ = ["MinSize"]


@dataclass(frozen=True, slots=True)
class MinSize:
    """Keeps images of at least ``px`` pixels on their shorter side.

    px: shorter side in pixels. max_aspect: the longer side may be so many times the shorter one
    (none: any shape).
    """

    columns: ClassVar[tuple[str, ...]] = ("width", "height")

    px: int = 64
    max_aspect: float | None = None

    def start(self) -> Decision:
        """A decision without memory."""
        return self._keep

    def _keep(self, table: pa.Table) -> NDArray[np.bool_]:
        width = table.column("width").to_numpy()
        height = table.column("height").to_numpy()
        shorter, longer = np.minimum(width, height), np.maximum(width, height)
        keep: NDArray[np.bool_] = shorter >= self.px
        if self.max_aspect is not None:
            keep &= longer <= self.max_aspect * shorter
        return keep
