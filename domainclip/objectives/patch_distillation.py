"""FarSLIP's patch-to-patch distillation: the patches of a region say what its enlarged crop says.

loss = distill · mean over regions of (1 - cos(r, r')) + clip · InfoNCE of images and captions; r
is the mean of the image's patch features inside a region, r' that of the patches of the region's
crop, enlarged and read by a frozen teacher. ``by: class`` compares r with the crop's own feature.
References: FarSLIP, Li et al. 2025, https://github.com/NJU-LHRS/FarSLIP (its ``roi2pooled``,
weights 0.1 and 1); ``by: class`` is CLIPSelf, Wu et al. 2023, https://arxiv.org/abs/2310.01403,
on a grid of patches.
Differs: regions are the cells of a ``grid`` x ``grid``, FarSLIP's are random crops and boxes; r
averages the positions that a cell touches, without RoI-Align's interpolation. The teacher is
frozen, the model as training found it; FarSLIP's own one learns with the student. InfoNCE is
``infonce``, with its defaults.
Costs one more pass of the image tower with gradient and grid² without. Shapes: image, text (b, d),
patches (b, n, d) of a square of positions, crops (b, grid², d). Ranks: the mean over all images.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from torch import Tensor
from torch.nn import functional

from domainclip.errors import UsageError
from domainclip.objectives._beside import beside_infonce
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, rows_mean

__all__ = ["PatchDistillation"]


@dataclass(frozen=True)
class PatchDistillation:
    """grid: regions a side, 1 for the whole image. by: what the teacher says of a crop, the mean of
    its ``patches`` or its ``class`` feature. distill, clip: weights of the two parts; clip 0 beside
    another objective in ``weighted``.
    """

    grid: Annotated[int, ">= 1"] = 2
    by: Literal["patches", "class"] = "patches"
    distill: Annotated[float, ">= 0"] = 0.1
    clip: Annotated[float, ">= 0"] = 1.0

    needs: ClassVar[str] = "captions"
    wants: ClassVar[tuple[str, ...]] = ("patches", "crops")

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
        crops: tuple[Tensor, Tensor],
    ) -> Tensor:
        """This rank's part of the mean over all images."""
        taught = crops[self.by == "patches"].detach()
        cosines = functional.cosine_similarity(self._regions(patches), taught, dim=-1)
        gather(batch.labels)  # how many rows there are
        loss = rows_mean(self.distill * (1 - cosines).mean(1).sum(), len(image), gather)
        return beside_infonce(
            loss, self.clip, image, text, batch,
            logit_scale=logit_scale, logit_bias=logit_bias, gather=gather,
        )  # fmt: skip

    def _regions(self, patches: Tensor) -> Tensor:
        """(b, n, d) -> (b, grid², d): means of the positions that each cell touches."""
        side = math.isqrt(patches.shape[1])
        if side * side != patches.shape[1] or side < self.grid:
            raise UsageError(
                f"patch_distillation: the image tower has {patches.shape[1]} positions, which are "
                f"no square of at least {self.grid} x {self.grid}."
            )
        square = patches.mT.reshape(len(patches), patches.shape[2], side, side)
        return functional.adaptive_avg_pool2d(square, self.grid).flatten(2).mT
