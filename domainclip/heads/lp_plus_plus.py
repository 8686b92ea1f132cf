"""LP++: a linear probe blended with the class texts, step sizes from Lipschitz bounds.

logits = x Wᵀ + b + alpha_c (x . t_c), no temperature; W starts at the sums of each class's support
features, alpha at 250 times the mean cosine of images to their class's text. Full-batch gradient
descent with momentum 0.9 and lr_W = 4 n / lambda_max(XᵀX); every tenth epoch a plain step on alpha
along the sum of all its gradients so far, lr_alpha = n / (4 max_c sum_i (x_i . t_c)²); 300 epochs,
the last best one on validation images.
Reference: LP++, Huang et al. 2024, arXiv 2404.02285, section 4, and the released code.
Differs: b starts at 0, where the released code draws it, as ``seed`` does. Without validation
images it is the last epoch. The sum is the released code's, which never clears alpha's gradient;
the paper's step along the present gradient alone is ``accumulate=False``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.errors import BadInput
from domainclip.heads._fitted import FittedHead
from domainclip.heads._protocol import checked
from domainclip.heads._training import accuracy, held_out

__all__ = ["LPPlusPlus"]

MOMENTUM = 0.9
ALPHA_EVERY = 10


@dataclass
class LPPlusPlus(FittedHead):
    """epochs: full-batch steps. accumulate: alpha's gradients, see above. seed: of b's
    start, which is then that of ``nn.Linear``; None starts it at 0."""

    epochs: Annotated[int, ">= 1"] = 300
    accumulate: bool = True
    seed: int | None = None

    def fit(
        self,
        features: Any,
        labels: Any,
        class_text: Any,
        validation: tuple[Any, Any] | None = None,
    ) -> Self:
        """Fit on features (n, d), labels (n,), class texts (c, d). Raises BadInput without any
        image."""
        x, y, w = checked(features, labels, class_text)
        if not len(x):
            raise BadInput("lp_plus_plus needs at least one image.")
        x, text = functional.normalize(x, dim=-1), functional.normalize(w, dim=-1)
        held = held_out(validation, x.shape[1], len(text))
        cosine = x @ text.T  # (n, c)
        present = torch.unique(y)
        own = cosine[torch.arange(len(y)), y]
        alpha = torch.stack([own[y == c].mean() for c in present]).mean() * 250
        weight = torch.zeros_like(text).index_add_(0, y, x)
        bias = self._first_bias(*text.shape)
        alpha = alpha.repeat(len(text))
        lr = 4 * len(x) / float(torch.linalg.matrix_norm(x, 2) ** 2)
        lr_alpha = len(x) / (4 * float(cosine.square().sum(0).max()))
        momenta = [torch.zeros_like(weight), torch.zeros_like(bias)]
        summed = torch.zeros_like(alpha)
        truth = functional.one_hot(y, len(text)).float()
        best, kept = -1.0, (weight, bias, alpha)
        for epoch in range(self.epochs):
            logits = x @ weight.T + bias + alpha * cosine
            error = (logits.softmax(1) - truth) / len(x)  # (n, c) the gradient of the mean loss
            toward_alpha = (error * cosine).sum(0)
            summed = summed + toward_alpha if self.accumulate else toward_alpha
            for momentum, gradient in zip(momenta, (error.T @ x, error.sum(0)), strict=True):
                momentum.mul_(MOMENTUM).add_(gradient)
            weight, bias = weight - lr * momenta[0], bias - lr * momenta[1]
            if (epoch + 1) % ALPHA_EVERY == 0:
                alpha = alpha - lr_alpha * summed
            right = 0.0
            if held is not None:
                seen = held[0] @ weight.T + bias + alpha * (held[0] @ text.T)
                right = accuracy(seen, held[1])
            if right >= best:
                best, kept = right, (weight, bias, alpha)
        self._parts = dict(zip(("weight", "bias", "alpha"), kept, strict=True)) | {"text": text}
        return self

    def logits(self, features: Any) -> Tensor:
        """(m, d) -> (m, c)."""
        z, parts = self._asked(features, "text"), self._parts
        linear = z @ parts["weight"].T + parts["bias"]
        return linear + parts["alpha"] * (z @ parts["text"].T)

    def _first_bias(self, classes: int, width: int) -> Tensor:
        """b (c,)."""
        if self.seed is None:
            return torch.zeros(classes)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return nn.Linear(width, classes).bias.detach().clone()
