"""Which words were masked, said by a small network on the text tower's last layer, as in BERT."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from domainclip.backbones._unit import widened
from domainclip.objectives._protocol import Gather, Words

__all__ = ["WordHead"]

_AT_ONCE = 1024  # words whose logits over CLIP's vocabulary are 200 MB


class WordHead(nn.Module):
    """Linear, GELU, normalisation, and the products with the tower's own token embedding, which
    adds no more than a bias for each token of the vocabulary.

    Reference: BERT, Devlin et al. 2019, https://arxiv.org/abs/1810.04805, and its code.
    """

    def __init__(self, words: Words) -> None:
        super().__init__()
        self.layer = nn.Linear(words.width, words.embedding)
        self.norm = nn.LayerNorm(words.embedding)
        self.bias = nn.Parameter(torch.zeros(words.tokens))

    def forward(self, z: Tensor, targets: Tensor, words: nn.Embedding, gather: Gather) -> Tensor:
        """This rank's part of the mean cross-entropy over the masked words of all ranks; 0 where
        there is none. Arguments as ``masked`` in ``_protocol``; logits are made for the masked
        words alone, and for some of them at once."""
        chosen = targets >= 0
        rows, columns = (each.to(z.device) for each in chosen.nonzero(as_tuple=True))
        right = targets[chosen].to(z.device)
        parts = zip(
            torch.split(z[rows, columns], _AT_ONCE), torch.split(right, _AT_ONCE), strict=True
        )
        if len(right) > _AT_ONCE:
            losses = [checkpoint(self._summed, *part, words, use_reentrant=False) for part in parts]
        else:
            losses = [self._summed(*part, words) for part in parts]
        # counted by row: as many words as rows would be taken for these (``RankGather``)
        counts = gather(chosen.sum(1).to(z.device))
        loss: Tensor = torch.stack(losses).sum()
        return loss * gather.world_size / counts.sum().clamp(min=1)

    def _summed(self, x: Tensor, right: Tensor, words: nn.Embedding) -> Tensor:
        """x (m, w), right (m,): the summed cross-entropy."""
        h = self.norm(functional.gelu(self.layer(x)))  # (m, e)
        logits = functional.linear(h, words.weight.to(h.dtype), self.bias.to(h.dtype))
        return functional.cross_entropy(widened(logits), right, reduction="sum")
