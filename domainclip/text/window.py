"""Read a long text in overlapping windows of the tower's own length and pool their features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.backbones.handle import Backbone
from domainclip.errors import UsageError

__all__ = ["Window"]


@dataclass(frozen=True)
class Window:
    """Texts (n) -> (n, d) unit length; a text that fits is encoded as ``truncate`` would.

    Each window is a whole prompt: the tower's own first and last token around at most t - 2 content
    tokens. overlap: content tokens that neighbouring windows share. The feature is the mean of the
    windows' unit features, weighted by the content tokens each adds. Reference: ClipMD, Glassberg
    and Hope 2023, arXiv 2303.13340.
    Differs: ClipMD's middle windows lack the start and end token and are read at an arbitrary
    position, its windows are averaged without normalisation, and a tail that is already covered
    counts as much as a full window.
    """

    overlap: int = 7

    def encode(self, backbone: Backbone, texts: Sequence[str], *, batch_size: int = 256) -> Tensor:
        """batch_size: windows per forward pass."""
        if not texts:
            return backbone.encode_ids(backbone.tokenize(texts))
        rows, owners, weights = [], [], []
        for number, text in enumerate(texts):
            for ids, new in self._windows(backbone, text):
                rows.append(ids)
                owners.append(number)
                weights.append(float(new))
        z = backbone.encode_ids(torch.stack(rows), batch_size)  # (windows, d)
        pooled = torch.zeros(len(texts), z.shape[1])
        pooled.index_add_(0, torch.tensor(owners), z * torch.tensor(weights)[:, None])
        return functional.normalize(pooled, dim=-1)

    def _windows(self, backbone: Backbone, text: str) -> list[tuple[Tensor, int]]:
        """(token ids (t,), content tokens that no earlier window holds) of each window."""
        length = backbone.context_length
        whole = backbone.tokenize([text])[0]
        content, first, last = self._content(backbone, text)
        size = length - 2
        if len(content) <= size:
            return [(whole, max(len(content), 1))]
        if not 0 <= self.overlap < size:
            raise UsageError(f"overlap {self.overlap} must lie between 0 and {size - 1}.")
        windows, start, covered = [], 0, 0
        while covered < len(content):
            piece = content[start : start + size]
            ids = torch.full((length,), self._pad(backbone, last), dtype=whole.dtype)
            ids[: len(piece) + 2] = torch.tensor([first, *piece, last])
            windows.append((ids, start + len(piece) - covered))
            covered = start + len(piece)
            start += size - self.overlap
        return windows

    def _content(self, backbone: Backbone, text: str) -> tuple[list[int], int, int]:
        tokenizer = backbone.tokenizer
        if hasattr(tokenizer, "encode") and hasattr(tokenizer, "sot_token_id"):  # open_clip's BPE
            # an own tokenizer applies its cleaning before it encodes
            clean = getattr(tokenizer, "clean_fn", str)
            return (
                list(tokenizer.encode(clean(text))),
                tokenizer.sot_token_id,
                tokenizer.eot_token_id,
            )
        inner = getattr(tokenizer, "tokenizer", None)
        if inner is not None:
            clean = getattr(tokenizer, "clean_fn", str)
            first = getattr(inner, "cls_token_id", None)
            last = getattr(inner, "sep_token_id", None)
            first = inner.bos_token_id if first is None else first
            last = inner.eos_token_id if last is None else last
            if first is not None and last is not None:
                return list(inner.encode(clean(text), add_special_tokens=False)), first, last
        raise UsageError(
            f"the text tower of {backbone.name!r} marks neither start nor end of a text, so "
            "windows do not apply to it; use long='truncate'."
        )

    def _pad(self, backbone: Backbone, last: int) -> int:
        inner = getattr(backbone.tokenizer, "tokenizer", None)
        pad = getattr(inner, "pad_token_id", None)
        return int(pad) if pad is not None else 0
