"""LABCLIP: a linear map of text embeddings, so that images tell apart what texts already do.

t' = A t / |A t|, A (d, d) without bias, from the identity; towers stay frozen. On pairs
(``fit_pairs``): with s = exp(tau) cos(x, t'), tau from 0 and trained, B pairs and for each pair one
caption wrong in one thing (entities or attributes swapped), loss = (CE of each image over the B
captions and the B wrong ones + CE of each caption over the B images) / 2. Adam, lr 1e-3,
batch 1,024, 10 epochs.
Reference: LABCLIP, Koishigarina et al. 2025, arXiv 2502.03566, and a copy of its released code.
Differs: ``fit`` on labelled images is ours: an image's wrong captions are the other classes' texts,
and a text's images all those of its class in the batch (their mean log-probability). It takes 300
epochs, since few images make few steps, and keeps the best step on validation images, A = I
included; without any the last. Outputs have the fixed ``scale``, for exp(tau) is not a calibration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Self

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.errors import BadInput
from domainclip.heads._fitted import FittedHead
from domainclip.heads._protocol import as_features, checked
from domainclip.heads._training import accuracy, held_out

__all__ = ["LABCLIP"]

EPOCHS_ON_PAIRS, EPOCHS_ON_LABELS = 10, 300


@dataclass
class LABCLIP(FittedHead):
    """epochs: None takes 10 on pairs and 300 on labelled images. scale: of the cosines."""

    epochs: Annotated[int, ">= 1"] | None = None
    lr: Annotated[float, "> 0"] = 1e-3
    batch_size: Annotated[int, ">= 1"] = 1024
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
        """Fit on features (n, d), labels (n,), class texts (c, d). Raises BadInput without any
        image."""
        z, y, w = checked(features, labels, class_text)
        if not len(z):
            raise BadInput("labclip needs at least one image.")
        z, text = functional.normalize(z, dim=-1), functional.normalize(w, dim=-1)
        held = held_out(validation, z.shape[1], len(text))
        matrix, tau = torch.eye(z.shape[1]), torch.zeros(())
        best, kept = -1.0, matrix
        if held is not None:
            best, kept = accuracy(held[0] @ text.T, held[1]), matrix.clone()
        optimizer = torch.optim.Adam([matrix, tau], lr=self.lr)
        for rows in self._batches(len(z), EPOCHS_ON_LABELS):
            _step(optimizer, lambda rows=rows: class_loss(z[rows], y[rows], text, matrix, tau))
            if held is None:
                continue
            right = accuracy(held[0] @ mapped(text, matrix).detach().T, held[1])
            if right > best:
                best, kept = right, matrix.detach().clone()
        self._keep(kept if held is not None else matrix, text)
        return self

    @torch.inference_mode(False)
    def fit_pairs(self, image: Any, text: Any, wrong_text: Any, class_text: Any = None) -> Self:
        """Fit on embeddings (n, d) of images, of their captions, and of one wrong caption of each.

        class_text (c, d): the classes that ``logits`` shall tell apart, where it shall. Raises
        BadInput where the three do not have one shape.
        """
        x, right, wrong = (
            as_features(values, name)
            for values, name in ((image, "images"), (text, "captions"), (wrong_text, "wrong ones"))
        )
        if not len(x) or not x.shape == right.shape == wrong.shape:
            raise BadInput(
                f"images have shape {tuple(x.shape)}, captions {tuple(right.shape)} and wrong ones "
                f"{tuple(wrong.shape)}: give all of one shape (n, d), with at least one image."
            )
        x, right, wrong = (functional.normalize(part, dim=-1) for part in (x, right, wrong))
        classes = torch.zeros(0, x.shape[1])
        if class_text is not None:
            classes = checked(x[:0], [], class_text)[2]
        matrix, tau = torch.eye(x.shape[1]), torch.zeros(())
        optimizer = torch.optim.Adam([matrix, tau], lr=self.lr)
        for rows in self._batches(len(x), EPOCHS_ON_PAIRS):
            _step(
                optimizer,
                lambda rows=rows: pair_loss(x[rows], right[rows], wrong[rows], matrix, tau),
            )
        self._keep(matrix, functional.normalize(classes, dim=-1))
        return self

    def transform(self, text: Any) -> Tensor:
        """Text embeddings (n, d) as the map leaves them, of unit length."""
        self._require_fit()
        return mapped(as_features(text, "texts", len(self._parts["matrix"])), self._parts["matrix"])

    def merged(self, text_projection: Tensor) -> Tensor:
        """A tower's ``text_projection`` (width, d), used as h @ projection, with A in it:
        projection @ Aᵀ, of its dtype and device. Raises BadInput for another d."""
        self._require_fit()
        matrix = self._parts["matrix"].to(text_projection)
        if text_projection.ndim != 2 or text_projection.shape[1] != len(matrix):
            raise BadInput(
                f"text_projection has shape {tuple(text_projection.shape)}, and must be "
                f"(width, {len(matrix)})."
            )
        return text_projection @ matrix.T

    def logits(self, features: Any) -> Tensor:
        """(m, d) -> (m, c)."""
        z = self._asked(features, "matrix")
        return self.scale * z @ mapped(self._parts["text"], self._parts["matrix"]).T

    def _keep(self, matrix: Tensor, text: Tensor) -> None:
        self._parts = {"matrix": matrix.detach(), "text": text}

    def _batches(self, count: int, epochs: int) -> list[Tensor]:
        generator = torch.Generator().manual_seed(self.seed)
        chosen = epochs if self.epochs is None else self.epochs
        return [
            rows
            for _ in range(chosen)
            for rows in torch.split(torch.randperm(count, generator=generator), self.batch_size)
        ]


def mapped(text: Tensor, matrix: Tensor) -> Tensor:
    """A t of unit length: (n, d), (d, d) -> (n, d)."""
    return functional.normalize(text @ matrix.T, dim=-1)


def pair_loss(image: Tensor, text: Tensor, wrong: Tensor, matrix: Tensor, tau: Tensor) -> Tensor:
    """The paper's loss of unit embeddings (b, d)."""
    own = torch.arange(len(image))
    cosine = image @ mapped(torch.cat([text, wrong]), matrix).T  # (b, 2 b)
    logits = tau.exp() * cosine
    to_text = functional.cross_entropy(logits, own)
    return (to_text + functional.cross_entropy(logits[:, : len(image)].T, own)) / 2


def class_loss(image: Tensor, y: Tensor, text: Tensor, matrix: Tensor, tau: Tensor) -> Tensor:
    """The same of unit images (b, d), their labels (b,) and unit class texts (c, d)."""
    logits = tau.exp() * image @ mapped(text, matrix).T  # (b, c)
    to_text = functional.cross_entropy(logits, y)
    share = functional.one_hot(y, len(text)).T.float()  # (c, b)
    share = share[share.sum(1) > 0]
    to_image = functional.cross_entropy(
        logits.T[torch.unique(y)], share / share.sum(1, keepdim=True)
    )
    return (to_text + to_image) / 2


def _step(optimizer: torch.optim.Optimizer, loss: Any) -> None:
    with torch.enable_grad():
        for parameter in optimizer.param_groups[0]["params"]:
            parameter.requires_grad_(True)
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    for parameter in optimizer.param_groups[0]["params"]:
        parameter.requires_grad_(False)
