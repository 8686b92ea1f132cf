"""MedCLIP's semantic matching: an image belongs to every text by how far their findings agree.

l_i: the multi-hot tags of pair i; s_ij = l_i·l_j / (|l_i| |l_j|); y_i = softmax_j(s_ij / t)
loss = -1/2n Σ_ij y_ij (log softmax_j(s I_i·T_j) + log softmax_j(s T_i·I_j)), s the logit scale,
t = ``temperature``. Reference: Wang et al. 2022, https://arxiv.org/abs/2210.10163.
Differs: images and texts come in pairs here, so both sides of s_ij are tags of pairs; the paper
also draws images and texts that have labels but no partner. Tags are there or not; the authors'
code has -1 for what is negated, too, and products in place of cosines. With the paper's t = 1 a
full match has e = 2.7 times the target of none, which in a large batch is nearly uniform; a
smaller t counts more on matches; towards 0, equal sets of tags are what makes a positive.
A pair without tags belongs to its caption alone. Equal captions agree in full, s_ij = 1, whatever
their tags (``same_text: positive``). Pairs of one group are left out of both softmaxes, also where
their tags agree (``same_group: ignore``), and a pair of which nothing but itself is left adds 0.
With both ``negative`` the tags alone say it, as in the original.
Ranks: this rank's images and texts against those of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.objectives._positives import log_shares, same_as
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, rows_mean

__all__ = ["MedCLIP"]


@dataclass(frozen=True)
class MedCLIP:
    """temperature: of the targets, the paper's 1; smaller counts more on what agrees. same_text,
    same_group: pairs of one caption or one group agree in full (``positive``), are left out
    (``ignore``), or agree as their tags do (``negative``)."""

    temperature: Annotated[float, "> 0"] = 1.0
    same_text: Literal["positive", "ignore", "negative"] = "positive"
    same_group: Literal["ignore", "positive", "negative"] = "ignore"

    needs: ClassVar[str] = "captions"

    @single_precision
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
        alike = same_as(batch, gather, image.device).judged(
            text=self.same_text, group=self.same_group
        )
        agreement = _agreement(batch, gather, image.device).masked_fill(alike.positive, 1)
        agreement = agreement.masked_fill(alike.left_out, -torch.inf)
        target = (agreement / self.temperature).softmax(1)  # (b, n)
        said = log_shares(logit_scale * image @ texts.T, alike.left_out)
        said = said + log_shares(logit_scale * text @ images.T, alike.left_out)
        return rows_mean(-(target * said).sum() / 2, len(image), gather)


def _agreement(batch: Batch, gather: Gather, device: torch.device) -> Tensor:
    """(b, n) cosines of the tags of this rank's pairs and of all ranks'; 0 without tags."""
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
    everyone = gather(mine)
    start, stop = gather.mine(len(tags))
    return everyone[start:stop] @ everyone.T
