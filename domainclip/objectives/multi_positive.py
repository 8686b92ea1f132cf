"""InfoNCE with several positives: a caption or class that repeats is not its image's negative.

Images I are anchors among texts T, and texts among images; the loss is the mean of both.
P(i): the positives of i, A(i): those and its negatives; z_ij = s I_i·T_j, s the logit scale.
    out: L_i = -1/|P(i)| Σ_{p in P(i)} log(exp z_ip / Σ_{a in A(i)} exp z_ia)
    in:  L_i = -log(1/|P(i)| Σ_{p in P(i)} exp z_ip / Σ_{a in A(i)} exp z_ia)
``out`` asks for every positive alike; ``in`` is content with one that is close.
Reference: SupCon, Khosla et al. 2020, https://arxiv.org/abs/2004.11362, equations 2 and 3. With
positives by class alone ``out`` is the loss of UniCL, Yang et al. 2022, arXiv 2204.03610.
Differs: anchors and the others are of different kinds, so an anchor's own partner is a positive and
nothing is excluded; pairs can be left out of A(i), such as figures of one article.
A pair of which nothing but itself is left adds 0. Where all that is left is positive (equal
captions throughout) ``in`` is log|P| whatever the features, and ``out`` levels their similarities.
Ranks: this rank's images and texts against those of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from domainclip.objectives._positives import Alike, both_ways, log_shares, same_as
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, rows_mean

__all__ = ["MultiPositive"]


@dataclass(frozen=True)
class MultiPositive:
    """What pairs are to each other that have the very same caption, the same class (``labels``;
    a pair without one shares none), or the same group (article, patient, map cell; without a name,
    none): positives, negatives, or neither (``ignore``). Positive goes before ignore, and ignore
    before negative. form: L_out or L_in.
    """

    same_text: Literal["positive", "ignore", "negative"] = "positive"
    same_label: Literal["positive", "ignore", "negative"] = "positive"
    same_group: Literal["ignore", "positive", "negative"] = "ignore"
    form: Literal["out", "in"] = "out"

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
            text=self.same_text, label=self.same_label, group=self.same_group
        )
        both = (logit_scale * image @ texts.T, logit_scale * text @ images.T)  # (b, n) each
        if self.form == "out":
            loss = both_ways(*both, alike)
        else:
            loss = (_together(both[0], alike) + _together(both[1], alike)) / 2
        return rows_mean(loss, len(image), gather)


def _together(logits: Tensor, alike: Alike) -> Tensor:
    """L_in, summed over the rows (b, n)."""
    shares = log_shares(logits, alike.left_out)
    together = shares.masked_fill(~alike.positive, -torch.inf).logsumexp(1)
    return (alike.positive.sum(1).log() - together).sum()
