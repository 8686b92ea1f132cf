"""Gaussian discriminant analysis whose classes need no images: new ones borrow the base images.

A new class with text t takes the k base images X nearest to it: mu_c is the mean of X and 16 copies
of t, S_c = (X - t)ᵀ(X - t) / (k - 1), and P = mean_c D ((k - 1) S_c + tr(S_c) I)⁻¹; then
w_c = P mu_c, b_c = log(1 / C) - mu_cᵀ w_c / 2 and logits = 100 x tᵀ + alpha (x wᵀ + b), alpha as it
was chosen on the base classes.
Reference: "A Hard-to-Beat Baseline ...", Wang et al. 2024, arXiv 2402.04087, base-to-new.
Differs: P is never formed, each class is a Cholesky solve of k x k (Woodbury) in place of a D x D
pseudo-inverse, at any D (512 is written into the released code). Base classes take the shrunken
precision of ``gda``; the released pseudo-inverse of the mean covariance, which is not of full rank
in a few shots, is ``base="paper"``. alpha is chosen as in ``gda``, never on test images.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Self

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.errors import BadInput, UsageError
from domainclip.heads._fitted import FittedHead
from domainclip.heads._gaussian import blended, chosen_alpha, gaussian, linear
from domainclip.heads._protocol import as_features, checked

__all__ = ["GDANew"]

COPIES = 16  # of a new class's text among the images that its mean is taken of
CLASSES_AT_ONCE = 64


@dataclass
class GDANew(FittedHead):
    """``fit`` on base classes, then ``for_new(texts)`` gives the head of other classes.

    neighbours: k, base images that stand in for a new class's. alpha: weight of the Gaussian
    logits; None chooses one of 1e-4 ... 1e2. base: precision of the base classes. scale: zero-shot.
    """

    neighbours: Annotated[int, ">= 1"] = 64
    alpha: Annotated[float, ">= 0"] | None = None
    base: Literal["shrunk", "paper"] = "shrunk"
    scale: Annotated[float, "> 0"] = 100.0

    def fit(
        self,
        features: Any,
        labels: Any,
        class_text: Any,
        validation: tuple[Any, Any] | None = None,
    ) -> Self:
        """Fit the base classes on features (n, d), labels (n,), class texts (c, d).

        A class without an image keeps its zero-shot logit plus the least Gaussian one. Raises
        BadInput without any image, UsageError for fewer than two neighbours.
        """
        if self.neighbours < 2 or self.base not in ("shrunk", "paper"):
            raise UsageError("gda_new: neighbours is 2 or more, and base 'shrunk' or 'paper'.")
        z, y, w = checked(features, labels, class_text)
        if not len(z):
            raise BadInput("gda_new needs at least one image.")
        z, text = functional.normalize(z, dim=-1), functional.normalize(w, dim=-1)
        estimate = gaussian if self.base == "shrunk" else _unshrunk
        weight, bias = estimate(z, y, len(text))
        alpha = self.alpha
        if alpha is None:
            alpha = chosen_alpha(
                z, y, text, validation, scale=self.scale, fit=estimate, fitted=(weight, bias)
            )
        self._parts = {
            "text": text, "weight": weight, "bias": bias, "alpha": torch.tensor(alpha), "images": z,
        }  # fmt: skip
        return self

    def for_new(self, class_text: Any) -> GDANew:
        """The head of new classes from their texts (c, d) alone; this one stays as it is.

        Raises BadInput for texts of another width, UsageError before ``fit``.
        """
        if not self._parts:
            raise UsageError("this gda_new head is not fitted; call fit first.")
        z = self._parts["images"]
        text, width = as_features(class_text, "class texts"), z.shape[1]
        if text.shape[1] != width or not len(text):
            raise BadInput(f"class texts have shape {tuple(text.shape)}, and must be (c, {width}).")
        text = functional.normalize(text, dim=-1)
        weight, bias = borrowed(z, text, min(self.neighbours, len(z)))
        head = replace(self)
        head._parts = {**self._parts, "text": text, "weight": weight, "bias": bias}
        return head

    def logits(self, features: Any) -> Tensor:
        """(m, d) -> (m, c)."""
        return blended(self._asked(features, "text"), self._parts, self.scale)


def borrowed(z: Tensor, text: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """w (c, d) and b (c,) of new classes: unit base features (n, d), unit class texts (c, d)."""
    d, count = z.shape[1], len(text)
    nearest = (text @ z.T).topk(k, dim=1).indices  # (c, k)
    t = text.double()
    means = torch.stack([z[rows].sum(0, dtype=torch.float64) for rows in nearest])
    means = (means + COPIES * t) / (k + COPIES)
    # mean_c D (ZᵀZ + s I)⁻¹ = D mean_c (1 / s) I - D mean_c VᵀV, with V = L⁻¹ Z / √s and
    # L Lᵀ = Z Zᵀ + s I; the second term meets the means as (mu Vᵀ) V, or once summed to d x d
    inverse, summed = 0.0, 2 * count > d
    taken = torch.zeros(d, d, dtype=torch.float64) if summed else torch.zeros_like(means)
    for part in torch.split(torch.arange(count), CLASSES_AT_ONCE):
        apart = z[nearest[part]].double() - t[part, None]  # (b, k, d)
        gram = apart @ apart.transpose(1, 2)
        trace = gram.diagonal(dim1=1, dim2=2).sum(1) / max(k - 1, 1)
        trace = torch.where(trace > 0, trace, 1.0)
        gram.diagonal(dim1=1, dim2=2).add_(trace[:, None])
        factor = torch.linalg.cholesky(gram)
        v = torch.linalg.solve_triangular(factor, apart, upper=False) / trace.sqrt()[:, None, None]
        v = v.flatten(0, 1)
        taken += v.T @ v if summed else means @ v.T @ v
        inverse += float((1 / trace).sum())
    weight = d / count * (inverse * means - (means @ taken if summed else taken))
    return weight.float(), linear(weight, means).float()


def _unshrunk(z: Tensor, y: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """w, b by the pseudo-inverse of the mean of the classes' covariances; -inf as in ``gda``."""
    means = torch.zeros(classes, z.shape[1], dtype=torch.float64)
    covariance = torch.zeros(z.shape[1], z.shape[1], dtype=torch.float64)
    present = torch.unique(y).tolist()
    for c in present:
        rows = z[y == c].double()
        means[c] = rows.mean(0)
        if len(rows) > 1:  # one image has no covariance
            covariance += torch.cov(rows.T) / len(present)
    # the cut-off of the released code, whose pseudo-inverse is taken in float32
    cut = torch.finfo(torch.float32).eps * z.shape[1]
    weight = means @ torch.linalg.pinv(covariance, rtol=cut, hermitian=True)
    absent = torch.bincount(y, minlength=classes) == 0
    bias = linear(weight, means).masked_fill(absent, float("-inf"))
    return weight.float(), bias.float()
