"""What a text strategy is: it cuts texts into pieces that a tower can read, and pools what it says.

Training and inference share the two steps; between them the tower reads all pieces of all texts in
batches, with gradient or without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from domainclip.backbones.handle import Backbone
from domainclip.text._pooling import pooled

__all__ = ["PieceEncoder", "Pieces", "TextEncoder"]


@dataclass(frozen=True)
class Pieces:
    """w pieces of n texts, those of a text side by side and in its order.

    ids: (w, t) int64 token ids, on the CPU. owners: (w,) int64, the text 0 to n - 1 of each piece;
    every text has one at least. weights: (w,) float32 above 0, what each counts in a mean.
    """

    ids: Tensor
    owners: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return len(self.owners)


class TextEncoder(Protocol):
    """A frozen dataclass of options. raw: pieces are pooled as the tower gives them, and not of
    unit length."""

    raw: ClassVar[bool]

    def pieces(self, backbone: Backbone, texts: Sequence[str]) -> Pieces:
        """Texts (n) as token ids. Raises UsageError for a tower that cannot be read so."""
        ...

    def read(self, backbone: Backbone, ids: Tensor) -> Tensor:
        """Token ids (w, t) -> features (w, d), unit length unless raw; differentiable."""
        ...

    def pool(self, z: Tensor, pieces: Pieces) -> Tensor:
        """Features of pieces (w, d) -> of texts (n, d), unit length; differentiable."""
        ...

    def encode(self, backbone: Backbone, texts: Sequence[str], *, batch_size: int = 256) -> Tensor:
        """Texts (n) -> features (n, d) of unit length, float32 on the CPU, without gradient.
        batch_size: pieces per forward pass."""
        ...


class PieceEncoder:
    """What strategies share. A text of one piece has exactly the tower's feature of it."""

    raw: ClassVar[bool] = False

    def pieces(self, backbone: Backbone, texts: Sequence[str]) -> Pieces:
        """One piece a text: the text as the tower's own tokenizer cuts it."""
        n = len(texts)
        return Pieces(backbone.tokenize(texts), torch.arange(n), torch.ones(n))

    def read(self, backbone: Backbone, ids: Tensor) -> Tensor:
        """By the tower itself."""
        return backbone.text_raw(ids) if self.raw else backbone.text(ids)

    def pool(self, z: Tensor, pieces: Pieces) -> Tensor:
        """The weighted mean of each text's pieces."""
        return pooled(z, pieces.owners, pieces.weights, "mean")

    def encode(self, backbone: Backbone, texts: Sequence[str], *, batch_size: int = 256) -> Tensor:
        """batch_size: pieces per forward pass; they are batched by length, equal ones read once."""
        if not len(texts):
            return torch.zeros(0, backbone.embed_dim)
        pieces = self.pieces(backbone, texts)
        # reports say many a sentence in the same words
        ids, at = torch.unique(pieces.ids, dim=0, return_inverse=True)
        if len(ids) == len(at):
            ids, at = pieces.ids, torch.arange(len(at))
        # the tower itself is compiled where ``Backbone.compile`` was called
        if self.raw or type(self).read is not PieceEncoder.read:
            z = backbone.encode_ids(ids, batch_size, read=lambda part: self.read(backbone, part))
        else:
            z = backbone.encode_ids(ids, batch_size)
        z = z[at]
        return self.pool(z, pieces)
