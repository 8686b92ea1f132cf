"""The tokens of a text, uncut, and the marks that a tower's own tokenizer puts around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from domainclip.backbones._words import breakable
from domainclip.backbones.handle import Backbone
from domainclip.errors import UsageError

__all__ = [
    "Marks",
    "content_of",
    "fitting",
    "lengths",
    "lost_beyond",
    "marks_of",
    "spread",
    "whole",
]


class Marks(NamedTuple):
    """Token ids: of the start and the end of a text, and of what fills up behind it."""

    first: int
    last: int
    pad: int


def marks_of(backbone: Backbone, strategy: str) -> Marks:
    """Raises UsageError, naming the strategy, for a tower that marks neither start nor end."""
    tokenizer: Any = backbone.tokenizer
    if hasattr(tokenizer, "encode") and hasattr(tokenizer, "sot_token_id"):  # open_clip's BPE
        return Marks(int(tokenizer.sot_token_id), int(tokenizer.eot_token_id), 0)
    inner = getattr(tokenizer, "tokenizer", None)
    first, last = _either(inner, "cls", "bos"), _either(inner, "sep", "eos")
    if first is None or last is None:
        raise UsageError(
            f"the text tower of {backbone.name!r} marks neither start nor end of a text, so "
            f"{strategy} does not apply to it; use long='truncate'."
        )
    return Marks(first, last, _either(inner, "pad") or 0)


def content_of(backbone: Backbone, texts: Sequence[str]) -> list[list[int]]:
    """The token ids of each text, uncut and without marks, cleaned as the tokenizer cleans."""
    tokenizer: Any = backbone.tokenizer
    if hasattr(tokenizer, "sot_token_id"):  # it cleans as it encodes
        return [list(tokenizer.encode(text)) for text in breakable(tokenizer, texts)]
    clean = getattr(tokenizer, "clean_fn", str)
    cleaned = [clean(text) for text in texts]
    if not cleaned:
        return []
    found = tokenizer.tokenizer(cleaned, add_special_tokens=False, verbose=False)
    return [list(ids) for ids in found["input_ids"]]


def lengths(backbone: Backbone, texts: Sequence[str]) -> Tensor:
    """(n,) int64: positions that each text would take uncut, start and end included."""
    inner = getattr(backbone.tokenizer, "tokenizer", None)
    count = getattr(inner, "num_special_tokens_to_add", None)
    marks = 2 if count is None else int(count())
    found = [len(ids) + marks for ids in content_of(backbone, texts)]
    return torch.tensor(found, dtype=torch.int64)


def fitting(backbone: Backbone, texts: Sequence[str], ids: Tensor) -> Tensor:
    """(n,) bool: which texts take no more positions than the tower has. ids: (n, t), as it
    tokenizes them; only texts without a pad at the end are counted anew."""
    tokenizer: Any = backbone.tokenizer
    pad = 0 if hasattr(tokenizer, "sot_token_id") else _either(
        getattr(tokenizer, "tokenizer", None), "pad"
    )  # fmt: skip
    if pad is None:
        return lengths(backbone, texts) <= backbone.context_length
    # two pads: a tokenizer may end texts by what it fills up with
    fits = (ids[:, -2:] == pad).all(dim=1)
    full = (~fits).nonzero()[:, 0].tolist()
    if full:
        fits[full] = lengths(backbone, [texts[at] for at in full]) <= backbone.context_length
    return fits


def lost_beyond(backbone: Backbone, texts: Sequence[str], length: int) -> tuple[int, float]:
    """(texts of more than ``length`` positions, share of all their tokens that lie beyond)."""
    needed = lengths(backbone, texts)
    over = (needed - length).clamp(min=0)
    return int((over > 0).sum()), float(over.sum() / max(int(needed.sum()), 1))


def spread(count: int, most: int) -> list[int]:
    """Which of ``count`` pieces in a row are kept: all, or ``most`` at even distances, the first
    and the last among them (of one alone, the first)."""
    if count <= most:
        return list(range(count))
    return [number * (count - 1) // max(most - 1, 1) for number in range(most)]


def whole(content: Sequence[int], marks: Marks, length: int) -> list[int]:
    """start, content, end and pads: ``length`` ids. The content must fit in length - 2."""
    ids = [marks.first, *content, marks.last]
    return ids + [marks.pad] * (length - len(ids))


def _either(tokenizer: Any, *names: str) -> int | None:
    """The id of the first of these tokens that the tokenizer has."""
    for name in names:
        found = getattr(tokenizer, f"{name}_token_id", None)
        if found is not None:
            return int(found)
    return None
