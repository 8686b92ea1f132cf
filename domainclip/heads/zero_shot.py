"""Zero-shot: the cosine to each class's text, times the temperature; nothing is fitted.

logits = 100 x Wᵀ, x (m, d) unit length, W (c, d) the class texts.
Reference: Radford et al. 2021, arXiv 2103.00020, section 3.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

from torch import Tensor
from torch.nn import functional

from domainclip.errors import UsageError
from domainclip.heads._protocol import as_features

__all__ = ["ZeroShot"]


@dataclass
class ZeroShot:
    """scale: the temperature's inverse; 100 is OpenAI CLIP's."""

    scale: Annotated[float, "> 0"] = 100.0
    _weight: Tensor | None = field(default=None, init=False, repr=False, compare=False)

    def fit(
        self,
        features: Any,
        labels: Any,
        class_text: Any,
        validation: tuple[Any, Any] | None = None,
    ) -> Self:
        """Keep the class texts (c, d); features and labels are not looked at."""
        self._weight = functional.normalize(as_features(class_text, "class texts"), dim=-1)
        return self

    def logits(self, features: Any) -> Tensor:
        """(m, d) -> (m, c)."""
        if self._weight is None:
            raise UsageError("this zero_shot head is not fitted; call fit first.")
        return (
            self.scale
            * functional.normalize(as_features(features, width=self._weight.shape[1]), dim=-1)
            @ self._weight.T
        )

    def state(self) -> dict[str, Tensor]:
        return {} if self._weight is None else {"weight": self._weight}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        self._weight = state["weight"]
