"""Linear probe: multinomial logistic regression on unit features, its strength chosen by search.

Reference: Radford et al. 2021, arXiv 2103.00020, appendix A.3 (L2, L-BFGS, 1,000 iterations).
Reference: CoOp, Zhou et al. 2022, arXiv 2109.01134, appendix: a coarse search over 1e-6 ... 1e6,
then binary refinement on a small validation set.
Differs: CoOp's features keep the lengths that the tower gives them; here they are brought to length
sqrt(d) / 4 (spread about 1 / 4 a dimension), so that one grid of C fits every tower, and 1e-4 ...
1e2 is enough of it. C is the one of least log-loss, which few held-out images tell apart better
than CoOp's accuracy, after ``refine`` steps in place of 8. L-BFGS stops at 1e-3 and not at 1e-4,
which moves logits by about 1 in 100. CoOp's own are ``scaling="none", criterion="accuracy",
refine=8, tolerance=1e-4``; the code of LP++ has them with ``scaling="unit"``. Without a validation
set C is chosen by stratified cross-validation on the support set, and with one image a class, where
there is nothing to hold out, C = 1.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from torch import Tensor
from torch.nn import functional

from domainclip.errors import BadInput, UsageError
from domainclip.heads._protocol import as_features, checked
from domainclip.heads._training import held_out

__all__ = ["LinearProbe"]

COARSE = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2)
COARSE_OF_COOP = (1e6, 1e4, 1e2, 1.0, 1e-2, 1e-4, 1e-6)  # of equals the first is taken

Scaling = Literal["spread", "unit", "none"]


@dataclass
class LinearProbe:
    """strength: C, the inverse of the regularisation; None searches. refine: steps of the binary
    search between the best of the coarse grid and its neighbours. scaling: features of length
    sqrt(d) / 4, of length 1, or as they come. criterion: what the search goes by, "accuracy" on
    CoOp's grid and in its steps. tolerance: at which gradient L-BFGS stops."""

    strength: Annotated[float, "> 0"] | None = None
    refine: Annotated[int, ">= 0"] = 2
    iterations: Annotated[int, ">= 1"] = 1000
    scaling: Scaling = "spread"
    criterion: Literal["log_loss", "accuracy"] = "log_loss"
    tolerance: Annotated[float, "> 0"] = 1e-3
    _weight: Tensor | None = field(default=None, init=False, repr=False, compare=False)
    _bias: Tensor | None = field(default=None, init=False, repr=False, compare=False)

    def fit(
        self,
        features: Any,
        labels: Any,
        class_text: Any,
        validation: tuple[Any, Any] | None = None,
    ) -> Self:
        """Fit on features (n, d) and labels (n,); class_text (c, d) says how many classes there
        are.

        Raises BadInput with fewer than two classes among the labels, UsageError for an unknown
        scaling or criterion. A class without an image gets the least logit of its row.
        """
        if self.scaling not in ("spread", "unit", "none"):
            raise UsageError(
                f"linear_probe: scaling is {self.scaling!r}, and must be 'spread', 'unit' or "
                "'none'."
            )
        if self.criterion not in ("log_loss", "accuracy"):
            raise UsageError(
                f"linear_probe: criterion is {self.criterion!r}, and must be 'log_loss' or "
                "'accuracy'."
            )
        z, y, w = checked(features, labels, class_text)
        if len(torch.unique(y)) < 2:
            raise BadInput("a linear probe needs images of at least two classes.")
        x, target = self._scaled(z).numpy(), y.numpy()
        chosen = self.strength or self._search(x, target, validation, len(w))
        model = self._regression(x, target, chosen)
        classes = torch.as_tensor(model.classes_)
        coefficients, intercept = torch.as_tensor(model.coef_), torch.as_tensor(model.intercept_)
        if len(classes) == 2:  # sklearn keeps one row for two classes
            coefficients = torch.cat([-coefficients, coefficients]) / 2
            intercept = torch.cat([-intercept, intercept]) / 2
        self._weight = torch.zeros(len(w), z.shape[1])
        self._bias = torch.full((len(w),), float("-inf"))
        self._weight[classes] = coefficients.float()
        self._bias[classes] = intercept.float()
        return self

    def logits(self, features: Any) -> Tensor:
        """(m, d) -> (m, c)."""
        if self._weight is None or self._bias is None:
            raise UsageError("this linear_probe head is not fitted; call fit first.")
        x = self._scaled(as_features(features, width=self._weight.shape[1]))
        out = x @ self._weight.T + self._bias
        least = out.masked_fill(out.isinf(), float("inf")).min(1, keepdim=True).values
        return torch.where(out.isinf(), least, out)

    def state(self) -> dict[str, Tensor]:
        if self._weight is None or self._bias is None:
            return {}
        return {"weight": self._weight, "bias": self._bias}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        self._weight, self._bias = state["weight"], state["bias"]

    def _search(self, x: Any, y: Any, validation: tuple[Any, Any] | None, classes: int) -> float:
        held = held_out(validation, x.shape[1], classes, unit=False)
        if held is not None:
            held_x, held_y = self._scaled(held[0]).numpy(), held[1].numpy()
            folds = [(np.arange(len(x)), None)]
        else:
            largest = int(np.bincount(y).max())
            if largest < 2:
                return 1.0
            splitter = StratifiedKFold(min(largest, 4), shuffle=True, random_state=0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # a class smaller than the folds
                folds = [fold for fold in splitter.split(x, y) if len(np.unique(y[fold[0]])) > 1]
            held_x, held_y = x, y

        def loss(strength: float) -> float:
            total = 0.0
            for train, held in folds:
                model = self._regression(x[train], y[train], strength)
                inside = held_x if held is None else held_x[held]
                truth = held_y if held is None else held_y[held]
                if self.criterion == "accuracy":
                    total += float((model.predict(inside) != truth).sum())
                    continue
                known = np.isin(truth, model.classes_)
                chance = model.predict_proba(inside[known])
                column = np.searchsorted(model.classes_, truth[known])
                total -= float(np.log(chance[np.arange(len(column)), column] + 1e-12).sum())
            return total

        return (_halved if self.criterion == "accuracy" else _narrowed)(loss, self.refine)

    def _regression(self, x: Any, y: Any, strength: float) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = LogisticRegression(C=strength, max_iter=self.iterations, tol=self.tolerance)
            return model.fit(x, y)

    def _scaled(self, z: Tensor) -> Tensor:
        if self.scaling == "none":
            return z
        unit = functional.normalize(z, dim=-1)
        return unit if self.scaling == "unit" else unit * z.shape[1] ** 0.5 / 4


def _narrowed(loss: Callable[[float], float], steps: int) -> float:
    """The best of the grid, or of ever nearer neighbours of the best so far."""
    losses = {strength: loss(strength) for strength in COARSE}
    step = 10.0
    for _ in range(steps):
        step = step**0.5
        best = min(losses, key=lambda s: losses[s])
        for strength in (best / step, best * step):
            losses[strength] = loss(strength)
    return min(losses, key=lambda s: losses[s])


def _halved(loss: Callable[[float], float], steps: int) -> float:
    """CoOp's: of a tenth and ten times the best of its grid, the half with the better end, anew."""
    best = min(COARSE_OF_COOP, key=loss)
    left, right = best / 10, best * 10
    for _ in range(steps):
        middle = (left * right) ** 0.5
        if loss(left) > loss(right):
            best, left = right, middle
        else:
            best, right = left, middle
    return best
