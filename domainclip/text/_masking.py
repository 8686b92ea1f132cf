"""Texts with some of their words hidden, for a tower to say which they were, as BERT's training has
them.

Each token but the tokenizer's own marks is chosen with probability 0.15, for itself; of the chosen
0.8 become the mask, 0.1 another token at random, and 0.1 stay as they are.
Reference: BERT, Devlin et al. 2019, https://arxiv.org/abs/1810.04805, section 3.1.
The mask is the tokenizer's own. CLIP's has none: there it is the byte 0xFF, which no text in UTF-8
holds, so that its vector meant nothing before. A tokenizer without both (SigLIP's) has its unknown
token for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from domainclip.backbones.dense import hidden_width, real_positions
from domainclip.backbones.handle import Backbone
from domainclip.backbones.soft_prompts import token_embedding
from domainclip.errors import UnfitTower

__all__ = ["WordMask"]

_SHARE, _MASKED, _OTHER = 0.15, 0.8, 0.1
_REFUSED = "words cannot be masked, declip does without by mlm=0"
_NO_TEXT = "\u00ff"  # how byte-level BPE writes the byte 0xFF


class WordMask:
    """Hides words of a backbone's texts. words: its token embedding. width: of its last layer.

    Raises UnfitTower, naming the tower, for one that has no features of words or no token to mask
    them with.
    """

    def __init__(self, backbone: Backbone) -> None:
        try:
            self.width, self.words = hidden_width(backbone), token_embedding(backbone.model)
        except UnfitTower as error:
            raise UnfitTower(f"{_REFUSED}: {error}") from error
        self._backbone = backbone
        tokenizer: Any = backbone.tokenizer
        known, special, mask = _vocabulary(tokenizer)
        self._count = min(known, self.words.num_embeddings)
        if mask is None or mask >= self._count:
            raise UnfitTower(
                f"{_REFUSED}: the tokenizer of {backbone.name!r} has neither a mask nor an unknown "
                "token."
            )
        self._mask = mask
        self._special = np.array(sorted({*special, mask}), dtype=np.int64)

    def __call__(
        self, texts: Sequence[str], places: Sequence[tuple[int, ...]]
    ) -> tuple[Tensor, Tensor]:
        """Texts (n) -> token ids (n, t), some hidden, and targets (n, t): what the chosen ones
        were, -100 elsewhere; int64 on the CPU. places: a seed for each text, which all that is
        drawn for it depends on."""
        ids = self._backbone.tokenize(texts)
        words = real_positions(self._backbone, ids).numpy() & ~np.isin(ids.numpy(), self._special)
        shape = 3, ids.shape[1]
        drawn = np.array([np.random.default_rng(place).random(shape) for place in places])
        choice, how, which = drawn.reshape(len(ids), *shape).transpose(1, 0, 2)  # (n, t) each
        chosen = words & (choice < _SHARE)
        new = np.where(how < _MASKED, self._mask, self._others(which))
        new = np.where(chosen & (how < _MASKED + _OTHER), new, ids.numpy())
        targets = np.where(chosen, ids.numpy(), -100)
        return torch.from_numpy(new), torch.from_numpy(targets)

    def _others(self, share: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Numbers from 0 to 1 as ids of all tokens but the tokenizer's marks."""
        marks = self._special[self._special < self._count]
        ids = (share * (self._count - len(marks))).astype(np.int64)
        for mark in marks:  # in ascending order
            ids += ids >= mark
        return ids


def _vocabulary(tokenizer: Any) -> tuple[int, set[int], int | None]:
    """Of a tokenizer: how many tokens it has, its marks, and the one that masks a word."""
    if hasattr(tokenizer, "sot_token_id"):  # open_clip's BPE
        marks = {int(tokenizer.sot_token_id), int(tokenizer.eot_token_id)}
        return len(tokenizer.encoder), marks, tokenizer.encoder.get(_NO_TEXT)
    inner = getattr(tokenizer, "tokenizer", None)
    if inner is None:
        return 0, set(), None
    mask = getattr(inner, "mask_token_id", None)
    mask = getattr(inner, "unk_token_id", None) if mask is None else mask
    return len(inner), {int(each) for each in inner.all_special_ids}, mask
