"""Long-CLIP's loss: the image finds its long text, and what is primary of it finds the short text.

loss = CE(I, T_long) + CE(I_s, T_short), each CE the symmetric InfoNCE of ``infonce`` with label
smoothing 0.1; I_s = (I - m) V Vᵀ + m, V (d, 32) the first principal directions of the images around
their mean m, not brought to unit length again. Without it a model tuned on long texts forgets which
of their attributes matter most. I, T (b, d).
Reference: Long-CLIP, Zhang et al. 2024, arXiv 2403.15378, section 3.2; defaults of the authors'
code, which weighs both terms by 1.
Over ranks: m and V are those of the joint batch, which every rank gathers.
Differs: the authors' V is of one rank's batch. No gradient flows into V, whose derivative is
unbounded where two singular values meet; it does into m. Identical texts are one positive and pairs
of one group no negatives, as in ``infonce``; ``same_text: negative, same_group: negative`` is the
original.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor, nn

from domainclip.objectives._positives import both_ways, same_as
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, numbers_of, rows_mean
from domainclip.text._sentences import sentences_of

__all__ = ["PrimaryComponent"]


@dataclass(frozen=True)
class PrimaryComponent:
    """short: the first ``sentence`` of the caption, or the ``second`` caption of the pair.
    components: width of V. A batch of ``components`` + 1 images or fewer has no direction beyond
    them, so I_s is I; a line says so once. basis: V of the ``batch``, or of a ``running`` mean
    and covariance of the batches so far, which does its work in small batches too; decay: how much
    of those a step keeps. label_smoothing, same_text, same_group: see ``infonce``.
    """

    short: Literal["sentence", "second"] = "sentence"
    components: Annotated[int, ">= 1"] = 32
    basis: Literal["batch", "running"] = "batch"
    decay: Annotated[float, ">= 0 < 1"] = 0.99
    label_smoothing: Annotated[float, ">= 0 <= 1"] = 0.1
    same_text: Literal["positive", "negative"] = "positive"
    same_group: Literal["ignore", "positive", "negative"] = "ignore"

    needs: ClassVar[str] = "captions"

    @property
    def wants(self) -> tuple[str, ...]:
        """The short text, and room for the running covariance."""
        return ("second", "parts") if self.basis == "running" else ("second",)

    def make_parts(self, dim: int) -> nn.Module:
        """The running mean and covariance; nothing in it trains."""
        return _Running(dim, self.decay)

    def second_texts(self, batch: Batch) -> Sequence[str]:
        """b short texts."""
        if self.short == "second":
            found: Sequence[str] = getattr(batch, "seconds", ()) or batch.captions
            return found
        return [_first_sentence(caption) for caption in batch.captions]

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
        second: Tensor,
        parts: nn.Module | None = None,
    ) -> Tensor:
        """This rank's part of the mean over all; image, text, second (b, d)."""
        images, texts, seconds = gather(image), gather(text), gather(second)  # (n, d)
        start, stop = gather.mine(len(image))
        long = same_as(batch, gather, image.device)
        numbers = gather(numbers_of(self.second_texts(batch), image.device))
        short = replace(long, text=numbers[start:stop, None] == numbers)
        primary = self._primary(images, parts)
        loss = torch.zeros((), device=image.device)
        for pictures, words, same in ((images, texts, long), (primary, seconds, short)):
            alike = same.judged(text=self.same_text, group=self.same_group)
            to_texts = logit_scale * pictures[start:stop] @ words.T  # (b, n)
            to_images = logit_scale * words[start:stop] @ pictures.T
            loss = loss + both_ways(to_texts, to_images, alike, self.label_smoothing)
        return rows_mean(loss, len(image), gather)

    def _primary(self, images: Tensor, parts: nn.Module | None) -> Tensor:
        """(n, d) -> (n, d): what the first directions around the mean say of each."""
        if isinstance(parts, _Running):
            if torch.is_grad_enabled():
                parts.add(images.detach())
            mean, directions = parts.basis(self.components)
        else:
            if min(len(images) - 1, images.shape[1]) <= self.components:
                if torch.is_grad_enabled():
                    _warn_of(self.components)
                return images
            mean = images.mean(0)
            directions = _directions((images - mean).detach(), self.components)
        return (images - mean) @ directions @ directions.T + mean


class _Running(nn.Module):
    """Mean (d,) and second moment (d, d) of the images of all batches so far."""

    mean: Tensor
    moment: Tensor
    batches: Tensor
    track_running_stats = True  # kept with the weights, like those of a batch norm

    def __init__(self, dim: int, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("moment", torch.zeros(dim, dim))
        self.register_buffer("batches", torch.zeros(()))

    def add(self, images: Tensor) -> None:
        """images (n, d). The first batches count alike, later ones 1 - decay."""
        self.batches += 1
        share = (1 / self.batches).clamp(min=1 - self.decay)
        self.mean.lerp_(images.mean(0).to(self.mean), share.to(self.mean))
        self.moment.lerp_((images.T @ images / len(images)).to(self.moment), share.to(self.moment))

    def basis(self, components: int) -> tuple[Tensor, Tensor]:
        """(d,) and (d, k); all directions before the first batch, and where a number is none."""
        covariance = self.moment - torch.outer(self.mean, self.mean)
        every = torch.eye(len(self.mean), dtype=self.mean.dtype, device=self.mean.device)
        if components >= len(every) or not bool(self.batches) or not _finite(covariance):
            return self.mean, every
        return self.mean, torch.linalg.eigh(covariance).eigenvectors[:, -components:]


@lru_cache(maxsize=2**14)  # a step asks twice: what to encode, and which of them are equal
def _first_sentence(caption: str) -> str:
    return sentences_of(caption)[0]


def _directions(centred: Tensor, components: int) -> Tensor:
    """(n, d) -> (d, k), the first principal directions."""
    if not _finite(centred):  # the decomposition would raise; the loss is no number and says so
        return torch.eye(centred.shape[1], dtype=centred.dtype, device=centred.device)
    return torch.linalg.svd(centred, full_matrices=False).Vh[:components].T


def _finite(x: Tensor) -> bool:
    return bool(torch.isfinite(x).all())


def _warn_of(components: int) -> None:
    # the same words for every batch, so that they are said once
    warnings.warn(
        f"primary_component: batches of {components + 1} images or fewer have no direction beyond "
        f"the first {components}, so its second term sees their images as they are; enlarge the "
        "batch, lower components, or take basis=running.",
        stacklevel=3,
    )
