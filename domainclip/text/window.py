"""Read a long text in overlapping windows of the tower's own length and pool their features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Annotated

import torch
from torch import Tensor

from domainclip.backbones.handle import Backbone
from domainclip.errors import UsageError
from domainclip.text._pooling import PoolBy, pooled
from domainclip.text._protocol import PieceEncoder, Pieces
from domainclip.text._sentences import sentences_of
from domainclip.text._tokens import content_of, marks_of, spread, whole

__all__ = ["Window"]


@dataclass(frozen=True)
class Window(PieceEncoder):
    """Texts (n) -> (n, d) unit length; a text that fits is encoded as ``truncate`` would.

    Each window is a whole prompt: the tower's own first and last token around at most t - 2 content
    tokens. overlap: content tokens that neighbouring windows share. pool: ``mean`` of the windows'
    unit features, weighted by the content tokens that each adds; ``max`` of each dimension; or
    ``attention``, see ``_pooling``. sentences: a window ends where a sentence does, if one ends in
    its second half; windows then share no token. most: windows that are read of a text, at even
    distances; texts of up to 4,300 tokens have less.
    Reference: ClipMD, Glassberg and Hope 2023, arXiv 2303.13340.
    Differs: ClipMD's middle windows lack the start and end token and are read at an arbitrary
    position, its windows are averaged without normalisation, and a tail that is already covered
    counts as much as a full window; ``clipmd`` computes that.
    """

    overlap: Annotated[int, ">= 0"] = 7
    pool_by: PoolBy = "mean"
    sentences: bool = False
    most: Annotated[int, ">= 1"] = 64

    def check(self, backbone: Backbone) -> None:
        """Raises UsageError where windows would not move on."""
        size = backbone.context_length - 2
        if not self.overlap < size:
            raise UsageError(
                f"text.overlap: {self.overlap} is not between 0 and {size - 1}; a window of "
                f"{backbone.name!r} has {size} tokens."
            )

    def pieces(self, backbone: Backbone, texts: Sequence[str]) -> Pieces:
        """Windows. Raises UsageError for a tower that marks neither start nor end of a text."""
        plain = backbone.tokenize(texts)
        length = plain.shape[1]
        marks, size = marks_of(backbone, "window"), length - 2
        self.check(backbone)
        rows: list[Tensor] = []
        owners: list[int] = []
        weights: list[int] = []
        fits: list[bool] = []
        for number, content in enumerate(content_of(backbone, texts)):
            fits.append(len(content) <= size)
            if fits[-1]:
                spans, new = [(0, len(content))], [len(content)]
                rows.append(plain[number])
            else:
                spans = list(self._spans(backbone, texts[number], content, size))
                new = [b - a for a, b in pairwise([0, *(stop for _, stop in spans)])]
                kept = spread(len(spans), self.most)
                spans, new = [spans[at] for at in kept], [new[at] for at in kept]
                windows = [whole(content[start:stop], marks, length) for start, stop in spans]
                rows += torch.tensor(windows, dtype=plain.dtype).unbind()
            owners += [number] * len(spans)
            weights += [max(count, 1) for count in new]
        ids = torch.stack(rows) if rows else plain
        return Pieces(
            ids, torch.tensor(owners, dtype=torch.int64), torch.tensor(weights).float(),
            torch.tensor(fits, dtype=torch.bool),
        )  # fmt: skip

    def pool(self, z: Tensor, pieces: Pieces) -> Tensor:
        """As ``pool_by`` says."""
        return pooled(z, pieces.owners, pieces.weights, self.pool_by)

    def _spans(
        self, backbone: Backbone, text: str, content: Sequence[int], size: int
    ) -> Iterator[tuple[int, int]]:
        """(start, stop) of each window; none lies inside another."""
        ends = self._sentence_ends(backbone, text, len(content)) if self.sentences else []
        start = stop = 0
        while stop < len(content):
            stop = min(start + size, len(content))
            aligned = [end for end in ends if start + size // 2 < end <= stop]
            if aligned and stop < len(content):
                stop = aligned[-1]
            yield start, stop
            start = stop if aligned else stop - self.overlap

    def _sentence_ends(self, backbone: Backbone, text: str, total: int) -> list[int]:
        """Token counts up to the end of each sentence; none where sentences alone are other tokens
        than the text."""
        counts = [len(ids) for ids in content_of(backbone, sentences_of(text))]
        ends = list(accumulate(counts))
        return ends if ends[-1] == total else []
