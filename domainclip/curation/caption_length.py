"""Leave out pairs whose caption says next to nothing, or far more than a text tower reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domainclip.curation._protocol import Decision

__all__ = ["CaptionLength"]


@dataclass(frozen=True, slots=True)
class CaptionLength:
    """Keeps pairs whose caption (column ``text``) has a number of words within bounds.

    min_words: fewer are too few. max_words: more are too many (none: no bound). Words are runs of
    characters between blanks: right for languages that separate them.
    """

    columns: ClassVar[tuple[str, ...]] = ("text",)

    min_words: int = 3
    max_words: int | None = None

    def start(self) -> Decision:
        """A decision without memory."""
        return self._keep

    def _keep(self, table: pa.Table) -> NDArray[np.bool_]:
        words = pc.count_substring_regex(table.column("text"), r"\S+").to_numpy()  # (n,)
        keep: NDArray[np.bool_] = words >= self.min_words
        if self.max_words is not None:
            keep &= words <= self.max_words
        return keep
