"""Symile: three modalities of a pair at once, by the product of all three and not by pairs of them.

MIP(x, y, z) = Σ_d x_d y_d z_d, of image, caption and ``third``. For anchor x and its row i
    L_i = -log(exp a MIP(x_i, y_i, z_i) / Σ_{(j,k) in N(i)} exp a MIP(x_i, y_j, z_k))
and likewise for the anchors y and z; the loss is the mean over rows and over the three anchors.
a: the logit scale times ``scale``. N(i) has (i, i) and, of n pairs,
    n    (j, π(j)) for each j but i, π a permutation without fixed points, drawn at every step
    n2   every other (j, k): n² - 1 negatives, at n³ d multiplications
Reference: Saporta et al. 2024, https://arxiv.org/abs/2411.01053 and its code.
Differs: for n the authors shuffle both others freely, which may deal a positive as a negative; π
cannot. For n2, all three sums are taken of one pass over the products, few rows at a time, which
the backward pass computes again. Combinations of three rows that are all alike, by caption or
group, are left out of N (``ignore``; with both ``negative`` it is the original). Of two figures of
one article and a text of another the third is wrong, as it is beside a pair; they stay.
The product of three features of unit length is small (1/d for unrelated ones), and towers that were
aligned in pairs have no larger one for what belongs together: it has to be learned. A ``scale`` of
the order of d / 50 makes up for the length. A third that is missing is another's copy: a pair with
one caption has it twice.
Shapes: image, text, second (b, d) or views (b, 1, d). Ranks: this rank's rows against all; for n2
the loss is the joint batch's; for n so too, with π by numbers that every rank draws for its rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from domainclip.backbones._unit import widened
from domainclip.objectives._positives import own_of, same_as
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, rows_mean

__all__ = ["Symile"]

_AT_ONCE = 2**22  # products at once; in single precision 16 MB, of which a few lie in memory


@dataclass(frozen=True)
class Symile:
    """third: another caption of the pair, or another view of its image. negatives: n - 1 or n² - 1
    of each row. scale: what the logit scale is multiplied by. same_text, same_group: combinations
    of pairs of one caption or group are left out of the negatives, or are negatives."""

    third: Literal["second", "view"] = "second"
    negatives: Literal["n", "n2"] = "n"
    scale: Annotated[float, "> 0"] = 1.0
    same_text: Literal["ignore", "negative"] = "ignore"
    same_group: Literal["ignore", "negative"] = "ignore"

    needs: ClassVar[str] = "captions"

    @property
    def wants(self) -> tuple[str, ...]:
        """The third modality."""
        return ("views",) if self.third == "view" else ("second",)

    @property
    def views(self) -> int:
        """How many more views."""
        return int(self.third == "view")

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
        second: Tensor | None = None,
        views: Tensor | None = None,
    ) -> Tensor:
        """This rank's part of the mean over all rows and anchors."""
        third = second if views is None else views[:, 0]
        assert third is not None
        mine = torch.stack([widened(each) for each in (image, text, third)])  # (3, b, d)
        everyone = gather(mine.transpose(0, 1)).transpose(0, 1)  # (3, n, d)
        scale = logit_scale * self.scale
        together = (scale * mine.prod(0)).sum(1)  # (b,) of the positives
        alike = same_as(batch, gather, image.device).judged(
            text=self.same_text, group=self.same_group
        )
        kin = alike.positive | alike.left_out  # (b, n): itself and those alike
        if self.negatives == "n":
            sums = _by_permutation(mine, everyone, together, scale, kin, gather)
        else:
            sums = _over_all(mine, everyone, scale, kin, gather)
        return rows_mean((sums - together).sum() / 3, len(image), gather)


def _by_permutation(
    mine: Tensor, everyone: Tensor, together: Tensor, scale: Tensor, kin: Tensor, gather: Gather
) -> Tensor:
    """(3, b): log Σ exp over the positive and n - 1 negatives of each row, by anchor."""
    other = _without_fixed_points(mine.shape[1], gather, mine.device)
    own = own_of(mine.shape[1], gather, mine.device)
    both = kin.gather(1, other[slice(*gather.mine(len(kin)))][:, None])  # (b, 1): a row and its π
    left_out = kin & kin[:, other] & gather(both.int()).bool()[:, 0]
    sums = []
    for anchor in range(3):
        y, z = (everyone[each] for each in range(3) if each != anchor)
        logits = scale * mine[anchor] @ (y * z[other]).T  # (b, n)
        logits = logits.masked_fill(left_out, -torch.inf)
        sums.append(torch.where(own, together[:, None], logits).logsumexp(1))
    return torch.stack(sums)


def _without_fixed_points(rows: int, gather: Gather, device: torch.device) -> Tensor:
    """(n,) a permutation, the same on every rank: one cycle through all rows, at random."""
    cycle = gather(torch.rand(rows).to(device)).argsort(stable=True)
    after = torch.empty_like(cycle)
    after[cycle] = cycle.roll(-1)
    return after


def _over_all(mine: Tensor, everyone: Tensor, scale: Tensor, kin: Tensor, gather: Gather) -> Tensor:
    """(3, b): log Σ exp over the combinations of each row that count, by anchor."""
    n, d = everyone.shape[1:]
    size = max(_AT_ONCE // max(n * max(n, d), 1), 1)
    start, stop = gather.mine(mine.shape[1])
    everyones_kin = gather(kin.int()).bool()  # (n, n)
    rows = torch.arange(start, stop, device=mine.device)
    parts = [
        checkpoint(_slab, x, everyone[1], everyone[2], scale, everyones_kin, at,
                   use_reentrant=False, preserve_rng_state=False)
        for x, at in zip(torch.split(mine[0], size), torch.split(rows, size), strict=True)
    ]  # fmt: skip
    images = torch.cat([part[0] for part in parts])  # (b,)
    slabs = torch.stack([part[1] for part in parts]).logsumexp(0)  # (2, n): this rank's images
    others = gather(slabs[None]).logsumexp(0)  # (2, n)
    return torch.cat([images[None], others[:, start:stop]])


def _slab(
    x: Tensor, y: Tensor, z: Tensor, scale: Tensor, kin: Tensor, at: Tensor
) -> tuple[Tensor, Tensor]:
    """x (a, d), the rows ``at`` (a,) of all; y, z (n, d) -> log Σ exp by x (a,), and by y and z of
    these x alone (2, n)."""
    logits = widened((scale * x[:, None] * y) @ z.T)  # (a, n, n)
    left_out = kin[at][:, :, None] & kin[at][:, None] & kin
    left_out[torch.arange(len(at), device=at.device), at, at] = False
    # not -inf: a sum of nothing else would have no gradient that is a number
    logits.masked_fill_(left_out, torch.finfo(logits.dtype).min)
    by_third = logits.logsumexp(1)  # (a, n)
    by_text = logits.logsumexp(2)  # (a, n)
    sums = torch.stack([by_text.logsumexp(0), by_third.logsumexp(0)])
    return by_text.logsumexp(1), sums
