"""CLAP: a linear probe that starts at the class texts and is held near them, class by class.

logits = scale cos(x, w_c), w_c from the class's text t_c; loss = cross-entropy
+ mean_c lambda_c |w_c - t_c|², lambda_c the mean zero-shot probability of c on c's support images:
a class whose text is right stays, one whose text is wrong may go. That is the paper's one outer
step of an augmented Lagrangian; it needs no validation images, and looks at none. SGD, lr 0.1,
momentum 0.9, batch 256, 300 epochs, the first at lr 1e-5, then cosine by epoch; the last step's w.
Reference: CLAP, Silva-Rodríguez et al. 2024, arXiv 2312.12730, section 4, and the released code.
Its name for ``class_adaptive`` is l2, and ``none`` is ZS-LP; ``l2`` here is one lambda for all
classes, their mean.
Differs: there t_c is the mean of un-normalised text embeddings, and its length sets the step
against lr 0.1; class texts that come with length 1 have lost it, and are brought to
``text_length``. Others are taken as they come. A class without an image has the other classes'
mean lambda, not 0 / 0. ``outer_steps`` is a branch of the released code that its published runs
leave out: after each epoch lambda <- max(lambda + rho h, 0) with h_c = |w_c - t_c|², then rho <- h,
from rho = 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.errors import BadInput, UsageError
from domainclip.heads._fitted import FittedHead
from domainclip.heads._protocol import checked

__all__ = ["CLAP"]

MOMENTUM = 0.9
WARM_UP_LR = 1e-5
UNIT = 0.01  # how far from 1 a length may be that rounding to bfloat16 has left


@dataclass
class CLAP(FittedHead):
    """constraint: how w is held. views: rows of features an image, in place of which 20 augmented
    ones are published; an epoch takes as many rows as there are images. text_length: of class
    texts that come with length 1, of the order of CLIP's own; None leaves it at 1. scale: of the
    cosines."""

    constraint: Literal["class_adaptive", "l2", "none"] = "class_adaptive"
    outer_steps: bool = False
    epochs: Annotated[int, ">= 1"] = 300
    lr: Annotated[float, "> 0"] = 0.1
    batch_size: Annotated[int, ">= 1"] = 256
    views: Annotated[int, ">= 1"] = 1
    text_length: Annotated[float, "> 0"] | None = 10.0
    seed: int = 0
    scale: Annotated[float, "> 0"] = 100.0

    @torch.inference_mode(False)  # its steps need gradients, whoever calls it
    def fit(
        self,
        features: Any,
        labels: Any,
        class_text: Any,
        validation: tuple[Any, Any] | None = None,
    ) -> Self:
        """Fit on features (n, d), labels (n,), class texts (c, d).

        Raises BadInput without any image, UsageError for an unknown constraint.
        """
        if self.constraint not in ("class_adaptive", "l2", "none"):
            raise UsageError(
                f"clap: constraint is {self.constraint!r}, and must be 'class_adaptive', 'l2' or "
                "'none'."
            )
        z, y, text = checked(features, labels, class_text)
        if not len(z):
            raise BadInput("clap needs at least one image.")
        z = functional.normalize(z, dim=-1)
        if self.text_length is not None and bool(((text.norm(dim=-1) - 1).abs() < UNIT).all()):
            text = self.text_length * functional.normalize(text, dim=-1)
        held = multipliers(self._cosines(z, text), y, len(text), self.constraint)
        weight = text.clone()
        optimizer = torch.optim.SGD([weight], lr=self.lr, momentum=MOMENTUM)
        generator = torch.Generator().manual_seed(self.seed)
        penalty = torch.zeros_like(held)  # rho
        # the released loader drops an incomplete batch where there is a whole one
        batches = max(1, len(z) // max(self.views, 1) // self.batch_size)
        with torch.enable_grad():
            weight.requires_grad_(True)
            for epoch in range(self.epochs):
                optimizer.param_groups[0]["lr"] = self._rate(epoch)
                rows = torch.randperm(len(z), generator=generator)
                for batch in torch.split(rows, self.batch_size)[:batches]:
                    loss = self._loss(weight, z[batch], y[batch], text, held)
                    optimizer.zero_grad()
                    loss.backward()  # type: ignore[no-untyped-call]
                    optimizer.step()
                if self.outer_steps and self.constraint != "none":
                    held, penalty = outer_step(weight.detach(), text, held, penalty)
        self._parts = {"weight": weight.detach(), "lambda": held}
        return self

    def logits(self, features: Any) -> Tensor:
        """(m, d) -> (m, c)."""
        return self._cosines(self._asked(features, "weight"), self._parts["weight"])

    def _loss(self, weight: Tensor, z: Tensor, y: Tensor, text: Tensor, held: Tensor) -> Tensor:
        away = (weight - text).square().sum(1)  # (c,)
        return functional.cross_entropy(self._cosines(z, weight), y) + (held * away).mean()

    def _cosines(self, z: Tensor, weight: Tensor) -> Tensor:
        return self.scale * z @ functional.normalize(weight, dim=-1).T

    def _rate(self, epoch: int) -> float:
        if epoch == 0:
            return WARM_UP_LR
        return self.lr * (1 + math.cos(math.pi * (epoch - 1) / self.epochs)) / 2


def multipliers(zero_shot: Tensor, y: Tensor, classes: int, constraint: str) -> Tensor:
    """lambda (c,) from the zero-shot logits (n, c) of the support images."""
    if constraint == "none":
        return torch.zeros(classes)
    own = zero_shot.softmax(1)[torch.arange(len(y)), y]
    counts = torch.bincount(y, minlength=classes)
    mean = torch.zeros(classes).index_add_(0, y, own) / counts.clamp(min=1)
    typical = mean[counts > 0].mean()
    if constraint == "l2":
        return typical.repeat(classes)
    return torch.where(counts > 0, mean, typical)


def outer_step(
    weight: Tensor, text: Tensor, held: Tensor, penalty: Tensor
) -> tuple[Tensor, Tensor]:
    """The next lambda and rho (c,): the derivative of the PHR penalty, and the violation."""
    violation = (weight - text).square().sum(1)
    return (held + penalty * violation).clamp(min=0), violation
