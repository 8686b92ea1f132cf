"""MedCLIP's semantic matching: an image belongs to every text by how far their findings agree.

l_i: the multi-hot tags of pair i; s_ij = l_i·l_j / (|l_i| |l_j|); y_i = softmax_j(s_ij / t)
loss = -1/2n Σ_ij y_ij (log softmax_j(s I_i·T_j) + log softmax_j(s T_i·I_j)), s the logit scale,
t = ``temperature``. Reference: Wang et al. 2022, https://arxiv.org/abs/2210.10163.
Differs: images and texts come in pairs here, so both sides of s_ij are tags of pairs; the paper
also draws images and texts that have labels but no partner. Tags are there or not; the authors'
code has -1 for what is negated, too, and products in place of cosines. With the paper's t = 1 a
full match has e = 2.7 times the target of none, which in a large batch is nearly uniform; a
smaller t counts more on matches; towards 0, equal sets of tags are what makes a positive.
A pair without tags has one of its own, which only such pairs share that also have none and the very
same caption: it belongs to its caption alone.
Ranks: this rank's images and texts against those of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.objectives._positives import widened
from domainclip.objectives._protocol import Batch, Gather, numbers_of, rows_mean

__all__ = ["MedCLIP"]


@dataclass(frozen=True)
class MedCLIP:
    """temperature: of the targets, the paper's 1; smaller counts more on what agrees."""

    temperature: Annotated[float, "> 0"] = 1.0

    needs: ClassVar[str] = "captions"

    def __call__(
        self,
        image: Tensor,
        text: Tensor,
        batch: Batch,
        *,
        logit_scale: Tensor,
        logit_bias: Tensor | None,
        gather: Gather,
    ) -> Tensor:
        """This rank's part of the mean over all images and captions; image, text (b, d)."""
        images, texts = gather(image), gather(text)  # (n, d)
        target = (_agreement(batch, gather, image.device) / self.temperature).softmax(1)  # (b, n)
        shares = [
            widened(logit_scale * rows @ others.T).log_softmax(1)
            for rows, others in ((image, texts), (text, images))
        ]
        return rows_mean(-(target * (shares[0] + shares[1])).sum() / 2, len(image), gather)


def _agreement(batch: Batch, gather: Gather, device: torch.device) -> Tensor:
    """(b, n) cosines of the tags of this rank's pairs and of all ranks'."""
    tags = batch.tags or ((),) * len(batch.captions)
    if batch.class_counts is not None:
        width = len(batch.class_counts)
    else:  # ranks may know different tags
        most = torch.tensor([max(each, default=-1) + 1 for each in tags], dtype=torch.int64)
        width = int(torch.cat([gather(most.to(device)), most.new_zeros(1).to(device)]).max())
    hot = torch.zeros((len(tags), width))  # filled on the CPU, then sent at once
    for row, each in enumerate(tags):
        hot[row, list(each)] = 1
    mine = functional.normalize(hot, dim=1).to(device)
    bare = torch.tensor([not each for each in tags], dtype=torch.int64, device=device)
    everyone = gather(mine)
    barely, captions = gather(torch.stack([bare, numbers_of(batch.captions, device)], 1)).unbind(1)
    start, stop = gather.mine(len(tags))
    alone = (barely[start:stop, None] & barely) * (captions[start:stop, None] == captions)
    return everyone[start:stop] @ everyone.T + alone
