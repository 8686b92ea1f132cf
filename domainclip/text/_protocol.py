"""What a text strategy is: it cuts texts into pieces that a tower can read, and pools what it says.

Training and inference share the two steps; between them the tower reads all pieces of all texts in
batches, with gradient or without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from domainclip.backbones.handle import Backbone
from domainclip.text._pooling import pooled
from domainclip.text._tokens import fitting

__all__ = ["PieceEncoder", "Pieces", "TextEncoder"]


@dataclass(frozen=True)
class Pieces:
    """w pieces of n texts, those of a text side by side and in its order.

    ids: (w, t) int64 token ids, on the CPU. owners: (w,) int64, the text 0 to n - 1 of each piece;
    every text has one at least. weights: (w,) float32 above 0, what each counts in a mean.
    fits: (n,) bool, texts that the tower reads as they are, of one piece each; None where nothing
    is told of that.
    """

    ids: Tensor
    owners: Tensor
    weights: Tensor
    fits: Tensor | None = None

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

    def check(self, backbone: Backbone) -> None:
        """Raises UsageError for a tower that cannot be read so, as far as can be told without its
        tokenizer."""

    def pieces(self, backbone: Backbone, texts: Sequence[str]) -> Pieces:
        """One piece a text: the text as the tower's own tokenizer cuts it."""
        n, ids = len(texts), backbone.tokenize(texts)
        return Pieces(ids, torch.arange(n), torch.ones(n), fitting(backbone, texts, ids))

    def read(self, backbone: Backbone, ids: Tensor) -> Tensor:
        """By the tower itself."""
        return backbone.text_raw(ids) if self.raw else backbone.text(ids)

    def pool(self, z: Tensor, pieces: Pieces) -> Tensor:
        """The weighted mean of each text's pieces."""
        return pooled(z, pieces.owners, pieces.weights, "mean")

    def encode(self, backbone: Backbone, texts: Sequence[str], *, batch_size: int = 256) -> Tensor:
        """batch_size: pieces per forward pass; they are batched by length, equal ones read once.

        Texts that fit are read in batches of their own, so that they are the same bit for bit
        whatever the others are and however those are read: rounding depends on a batch's shape.
        """
        found = torch.zeros(len(texts), backbone.embed_dim)
        if not len(texts):
            return found
        with torch.no_grad():  # where nothing is drawn
            pieces = self.pieces(backbone, texts)
        fits = torch.zeros(len(texts), dtype=torch.bool) if pieces.fits is None else pieces.fits
        alone = fits[pieces.owners]
        if bool(fits.any()):
            ids = pieces.ids[alone, : backbone.context_length]
            found[fits] = _read_once(ids, lambda ids: backbone.encode_ids(ids, batch_size))
        if not bool(fits.all()):
            owners = ((~fits).cumsum(0) - 1)[pieces.owners[~alone]]
            others = Pieces(pieces.ids[~alone], owners, pieces.weights[~alone])
            # the tower itself is compiled where ``Backbone.compile`` was called
            own = self.raw or type(self).read is not PieceEncoder.read
            read = partial(self.read, backbone) if own else None
            z = _read_once(others.ids, lambda ids: backbone.encode_ids(ids, batch_size, read=read))
            found[~fits] = self.pool(z, others)
        return found


def _read_once(ids: Tensor, read: Callable[[Tensor], Tensor]) -> Tensor:
    """Features (w, d) of ids (w, t), equal rows read once: reports say much in the same words."""
    distinct, at = torch.unique(ids, dim=0, return_inverse=True)
    return read(ids) if len(distinct) == len(at) else read(distinct)[at]
