"""Mammo-CLIP's multi-view supervision: two images and two texts of a pair all find each other.

C(X, Y) = (CE(s X Yᵀ) + CE(s Y Xᵀ)) / 2, targets on the diagonal, s the logit scale.
loss = 1/4 Σ_{a,b in 1,2} C(I_a, T_b) + ``image_weight`` C(I_1, I_2) + ``text_weight`` C(T_1, T_2)
Reference: Mammo-CLIP, Ghosh et al. 2024, https://arxiv.org/abs/2405.12255; after
CXR-CLIP, You et al. 2023, arXiv 2310.13292. Weights by default are those of the authors' settings.
Differs: pairs of one caption or group (study, patient) are left out of each other's negatives, in
every term, unless ``negative`` is asked for. Only first captions are compared: a second one that is
another pair's first is a negative. A pair of which nothing but itself is left adds 0.
I_2 is another image of the study where ``data.second_view`` asks for it; without, and for a view
that a study lacks, as in the paper, an augmentation of I_1: the same image where nothing is drawn
at random. T_2 is another
caption of the pair, and T_1 again where there is none: C(T_1, T_2) then only parts captions.
Shapes: image, text, second (b, d), views (b, 1, d). Ranks: this rank's rows against those of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor

from domainclip.objectives._positives import both_ways, same_as
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, rows_mean

__all__ = ["MultiView"]


@dataclass(frozen=True)
class MultiView:
    """image_weight, text_weight: of the terms within images and within texts; 0 leaves one out.
    label_smoothing: share of the target spread over the batch, in image-text terms, 0 to 1.
    same_text, same_group: pairs of one caption or group are left out of each other's negatives."""

    image_weight: Annotated[float, ">= 0"] = 1.0
    text_weight: Annotated[float, ">= 0"] = 0.5
    label_smoothing: Annotated[float, ">= 0 <= 1"] = 0.0
    same_text: Literal["ignore", "negative"] = "ignore"
    same_group: Literal["ignore", "negative"] = "ignore"

    needs: ClassVar[str] = "captions"
    wants: ClassVar[tuple[str, ...]] = ("views", "second")
    views: ClassVar[int] = 1

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
        views: Tensor,
        second: Tensor,
    ) -> Tensor:
        """This rank's part of the mean over all pairs."""
        mine = torch.stack([image, views[:, 0], text, second], 1)  # (b, 4, d)
        everyone = gather(mine)
        alike = same_as(batch, gather, image.device).judged(
            text=self.same_text, group=self.same_group
        )

        def between(one: int, other: int, smoothing: float = 0.0) -> Tensor:
            there = logit_scale * mine[:, one] @ everyone[:, other].T  # (b, n)
            back = logit_scale * mine[:, other] @ everyone[:, one].T
            return both_ways(there, back, alike, smoothing)

        across = [between(a, b, self.label_smoothing) for a in (0, 1) for b in (2, 3)]
        loss = torch.stack(across).mean()
        loss = loss + self.image_weight * between(0, 1) + self.text_weight * between(2, 3)
        return rows_mean(loss, len(image), gather)
