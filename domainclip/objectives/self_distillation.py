"""DINO's self-distillation: views of an image are to say what the average model says of the image.

loss = distill · mean over images and views of -Σ_k P_k log Q_k + clip · InfoNCE of images and
captions; Q = softmax(h(v) / τ_s) of a view, P = softmax((h'(i') - c) / τ_t) of the image by the
averaged tower and head, h a head onto prototypes, c the running mean of h'(i').
References: DINO, Caron et al. 2021, https://arxiv.org/abs/2104.14294, section 3; beside InfoNCE as
in RS-M-CLIP, Silva et al. 2024, https://arxiv.org/abs/2410.23370.
Differs: views and the image come from the recipe's one augmentation at one size, so what is local
is what ``augment.crop_scale`` cuts out; DINO's local crops are smaller images. The average sees the
image alone. Its decay is constant, τ_t has no warm-up, and prototypes learn from the first epoch
on. There are fewer of them, for archives of thousands; DINO has 65536. InfoNCE is ``infonce``.
Beside the head, parts hold its average and c: they follow the towers' average after each step. The
averages are kept in float32 beside towers in half precision too, and read under autocast.
Shapes: image, text (b, d), views (b, v, d). Ranks: the mean over all images; c is that of all.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn

from domainclip.backbones._unit import widened
from domainclip.objectives._beside import beside_infonce
from domainclip.objectives._heads import Prototypes
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, rows_mean

__all__ = ["SelfDistillation"]


@dataclass(frozen=True)
class SelfDistillation:
    """views: how many an image. momentum: decay of the average, nearer to 1 for slower.
    student_temperature, teacher_temperature: τ, the lower the sharper. centre: decay of the running
    mean. prototypes, hidden, bottleneck: widths of the head. distill, clip: weights of the two
    parts; clip 0 beside another objective in ``weighted``.
    """

    views: Annotated[int, ">= 1"] = 2
    momentum: Annotated[float, ">= 0 < 1"] = 0.996
    student_temperature: Annotated[float, "> 0"] = 0.1
    teacher_temperature: Annotated[float, "> 0"] = 0.04
    centre: Annotated[float, ">= 0 < 1"] = 0.9
    prototypes: Annotated[int, ">= 2"] = 4096
    hidden: Annotated[int, ">= 1"] = 2048
    bottleneck: Annotated[int, ">= 1"] = 256
    distill: Annotated[float, ">= 0"] = 1.0
    clip: Annotated[float, ">= 0"] = 1.0

    needs: ClassVar[str] = "captions"
    wants: ClassVar[tuple[str, ...]] = ("views", "momentum", "parts")
    averaged_views: ClassVar[bool] = False  # what the average says of the image is enough

    def make_parts(self, dim: int) -> nn.Module:
        """The head, its average and the running mean."""
        head = Prototypes(dim, self.hidden, self.bottleneck, self.prototypes)
        return _Heads(head, momentum=self.momentum, centre=self.centre)

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
        momentum: tuple[Tensor, Tensor],
        parts: nn.Module,
    ) -> Tensor:
        """This rank's part of the mean over all images."""
        assert isinstance(parts, _Heads)
        taught = parts.taught(momentum[0], gather, self.teacher_temperature)  # (b, k)
        head = parts.head
        loss = image.new_zeros((), dtype=taught.dtype)
        for view in views.unbind(1):
            scores = widened(head.scores(head.bottleneck(view, gather)))
            loss = loss - (taught * (scores / self.student_temperature).log_softmax(1)).sum()
        loss = rows_mean(self.distill * loss / views.shape[1], len(image), gather)
        return beside_infonce(
            loss, self.clip, image, text, batch,
            logit_scale=logit_scale, logit_bias=logit_bias, gather=gather,
        )  # fmt: skip


class _Heads(nn.Module):
    average: Prototypes
    mean: Tensor
    waiting: Tensor
    seen: Tensor

    def __init__(self, head: Prototypes, *, momentum: float, centre: float) -> None:
        super().__init__()
        self.head, self.average = head, copy.deepcopy(head).requires_grad_(False)
        self._momentum, self._centre = momentum, centre
        prototypes, bottleneck = head.prototypes.shape
        self.register_buffer("mean", torch.zeros(prototypes))
        self.register_buffer("waiting", torch.zeros(bottleneck))  # summed since the last step
        self.register_buffer("seen", torch.tensor(0.0))

    def taught(self, image: Tensor, gather: Gather, temperature: float) -> Tensor:
        """(b, d) -> (b, prototypes): what the average says, centred and sharpened."""
        training = self.training and torch.is_grad_enabled()
        with torch.no_grad():
            z = self.average.bottleneck(image, gather)
            everyone = gather(z)
            if training:
                self.waiting = self.waiting + everyone.sum(0).to(self.waiting.dtype)
                self.seen = self.seen + len(everyone)
            scores = widened(self.average.scores(z))
            return ((scores - self.mean) / temperature).softmax(1)

    def after_step(self) -> None:
        """Move the running mean and the average head."""
        with torch.no_grad():
            # scores are linear in z, so their mean is that of the mean
            now = self.average.scores(self.waiting / self.seen.clamp(min=1))
            weight = (1 - self._centre) * (self.seen > 0)
            self.mean = self.mean + weight * (now - self.mean)
            self.waiting, self.seen = torch.zeros_like(self.waiting), torch.zeros_like(self.seen)
            for old, new in zip(self.average.parameters(), self.head.parameters(), strict=True):
                old.lerp_(new.to(old), 1 - self._momentum)
