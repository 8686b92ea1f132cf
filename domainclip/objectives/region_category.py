"""FarSLIP's region-category alignment: objects' boxes and the names of categories find each other.

loss = region · (CE(Y, s R Cᵀ) + CE(Y, s C Rᵀ)) / 2 + clip · InfoNCE of images and captions, means
over the boxes of all images; R a box's patches pooled, of unit length, C the prompt of its
category, Y uniform over all boxes of the same category (MPCL), s the logit scale.
Reference: FarSLIP, Li et al. 2025, https://github.com/NJU-LHRS/FarSLIP, its region loss with
multiple positives, weights 1 and 1.
Differs: a box's feature is that of the image's patches in it (FarSLIP's ``roi``), not of its crop,
and without RoI-Align: positions count by how much of them lies in the box. InfoNCE is ``infonce``.
Boxes are the objects that ``extract tiles --boxes`` found; a batch without any is InfoNCE alone.
Costs one more pass of the image tower, and a text for each category of the batch. Shapes: image,
text (b, d), patches (b, n, d) of a square of positions, regions (b, m, d), m = ``most``. Ranks:
this rank's boxes against those of all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.errors import UsageError
from domainclip.objectives._beside import beside_infonce
from domainclip.objectives._positives import Alike, both_ways
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, Region, numbers_of

__all__ = ["RegionCategory"]


@dataclass(frozen=True)
class RegionCategory:
    """template: of a category's prompt, with {} for its name. most: boxes of an image, the largest.
    region, clip: weights of the two parts; clip 0 beside another objective in ``weighted``."""

    template: str = "a satellite photo of {}."
    most: Annotated[int, ">= 1"] = 20
    region: Annotated[float, ">= 0"] = 1.0
    clip: Annotated[float, ">= 0"] = 1.0

    needs: ClassVar[str] = "captions"
    wants: ClassVar[tuple[str, ...]] = ("patches", "regions")

    def region_texts(self, batch: Batch) -> list[list[str]]:
        """b lists of ``most`` prompts, one a box; empty ones fill up."""
        if "{}" not in self.template:
            raise UsageError(f"region_category: template needs {{}}, and is {self.template!r}.")
        rows = [[self.template.replace("{}", name) for name, _ in self._kept(one)]
                for one in batch.regions]  # fmt: skip
        return [[*row, *[""] * (self.most - len(row))] for row in rows]

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
        patches: Tensor,
        regions: Tensor,
    ) -> Tensor:
        """This rank's part of the mean over all boxes."""
        kept = [self._kept(one) for one in batch.regions]
        rows = [row for row, boxes in enumerate(kept) for _ in boxes]
        places = [place for boxes in kept for place, _ in enumerate(boxes)]
        names = [name for boxes in kept for name, _ in boxes]
        corners = torch.tensor([box for boxes in kept for _, box in boxes], dtype=torch.float64)
        shares = _shares(corners.reshape(-1, 4), patches.shape[1])  # (r, n)
        weights = patches.new_zeros(len(patches), self.most, patches.shape[1])
        weights[rows, places] = shares.to(patches.dtype).to(patches.device)
        pooled = (weights @ patches)[rows, places]  # (r, d)
        boxes, prompts = functional.normalize(pooled, dim=-1), regions[rows, places]  # (r, d)
        every_box, every_prompt = gather(boxes), gather(prompts)
        numbers = numbers_of(names, patches.device)
        same = numbers[:, None] == gather(numbers)
        to_prompts = logit_scale * boxes @ every_prompt.T  # (r, all)
        to_boxes = logit_scale * prompts @ every_box.T
        loss = self.region * both_ways(to_prompts, to_boxes, Alike(same, torch.zeros_like(same)))
        # not rows_mean: a rank with as many boxes as images would take the count of the images
        loss = loss * (gather.world_size / max(len(every_box), 1))
        return beside_infonce(
            loss, self.clip, image, text, batch,
            logit_scale=logit_scale, logit_bias=logit_bias, gather=gather,
        )  # fmt: skip

    def _kept(self, regions: Sequence[Region]) -> list[Region]:
        def minus_area(one: Region) -> float:
            x0, y0, x1, y1 = one[1]
            return (x0 - x1) * (y1 - y0)

        return sorted(regions, key=minus_area)[: self.most]


def _shares(boxes: Tensor, positions: int) -> Tensor:
    """(r, 4) -> (r, n): how much of each position of a square of them lies in each box, together
    1; 0 of a box without area."""
    side = math.isqrt(positions)
    if side * side != positions:
        raise UsageError(
            f"region_category: the image tower has {positions} positions, which are no square."
        )
    low, high = (boxes * side).reshape(-1, 2, 2, 1).unbind(1)  # (r, 2, 1) each, of x and y
    at = torch.arange(side)
    across, down = (high.minimum(at + 1) - low.maximum(at)).clamp(min=0).unbind(1)  # (r, side)
    shares = (down[:, :, None] * across[:, None]).flatten(1)
    whole = shares.sum(1, keepdim=True)
    return shares / whole.where(whole > 0, 1.0)
