"""Read a long text as ClipMD does: its tokens in strides of 70, the plain mean of what is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from domainclip.backbones._unit import unit
from domainclip.backbones.handle import Backbone
from domainclip.errors import UsageError
from domainclip.text._pooling import sums
from domainclip.text._protocol import PieceEncoder, Pieces
from domainclip.text._tokens import content_of, marks_of, spread

__all__ = ["ClipMD"]


@dataclass(frozen=True)
class ClipMD(PieceEncoder):
    """Texts (n) -> (n, d) unit length; a text that fits is encoded as ``truncate`` would.

    tokens = (SOT, content, EOT), l of them, t the context: windows tokens[o k : o k + t] with
    stride o = t - overlap (70) for k = 0 .. (l - t) // o, and what follows the last stride, filled
    up. feature = mean of the windows' features as the tower gives them, then of unit length.
    The first window has no EOT and those between have no mark at all: the tower reads them where
    it pools. CLIP pools the highest id, which in the first window is SOT, and SOT sees no word: the
    first window says the same of every text. ``window`` is what we would rather use.
    most: windows that are read of a text, at even distances; texts of up to 4,500 tokens have less.
    Reference: ClipMD, Glassberg and Hope 2023, arXiv 2303.13340; idan0405/ClipMD, ClipMDModel.py.
    Differs: nothing is filled up with EOT but with the tower's own pad, which a causal tower does
    not see and a BERT masks, as ClipMD masks its own; ``most``.
    """

    overlap: Annotated[int, ">= 0"] = 7
    most: Annotated[int, ">= 1"] = 64

    raw: ClassVar[bool] = True

    def check(self, backbone: Backbone) -> None:
        """Raises UsageError where windows would not move on."""
        length = backbone.context_length
        if not self.overlap < length:
            raise UsageError(
                f"text.overlap: {self.overlap} is not between 0 and {length - 1}; a window of "
                f"{backbone.name!r} has {length} tokens."
            )

    def pieces(self, backbone: Backbone, texts: Sequence[str]) -> Pieces:
        """Windows. Raises UsageError for a tower that marks neither start nor end of a text."""
        plain = backbone.tokenize(texts)
        length = plain.shape[1]
        marks = marks_of(backbone, "clipmd")
        self.check(backbone)
        rows: list[Tensor] = []
        owners: list[int] = []
        fits: list[bool] = []
        for number, content in enumerate(content_of(backbone, texts)):
            fits.append(len(content) + 2 <= length)
            if fits[-1]:
                windows = [plain[number]]
            else:
                ids = torch.tensor([marks.first, *content, marks.last], dtype=plain.dtype)
                windows = self._windows(ids, length, marks.pad)
            rows += windows
            owners += [number] * len(windows)
        ids = torch.stack(rows) if rows else plain
        return Pieces(
            ids, torch.tensor(owners, dtype=torch.int64), torch.ones(len(owners)),
            torch.tensor(fits, dtype=torch.bool),
        )  # fmt: skip

    def pool(self, z: Tensor, pieces: Pieces) -> Tensor:
        """The mean, which is brought to unit length; so is a single window's feature."""
        if not len(pieces):
            return z
        owners = pieces.owners.to(z.device)
        return unit(sums(z, owners, torch.ones_like(z[:, 0]), int(pieces.owners[-1]) + 1))

    def _windows(self, ids: Tensor, length: int, pad: int) -> list[Tensor]:
        """ids (l,), l > length."""
        stride = length - self.overlap
        whole = (len(ids) - length) // stride + 1
        kept = spread(whole + 1, self.most)
        windows = [ids[stride * at : stride * at + length] for at in kept]
        if len(windows[-1]) < length:
            last = torch.full((length,), pad, dtype=ids.dtype)
            last[: len(windows[-1])] = windows[-1]
            windows[-1] = last
        return windows
