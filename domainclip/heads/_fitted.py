"""What heads have in common once they are fitted: named tensors, kept and restored as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor
from torch.nn import functional

from domainclip.errors import UsageError
from domainclip.heads._protocol import as_features

__all__ = ["FittedHead"]


@dataclass
class FittedHead:
    """``_parts``: name -> tensor, all that ``logits`` needs; empty before ``fit``."""

    _parts: dict[str, Tensor] = field(default_factory=dict, init=False, repr=False, compare=False)

    def state(self) -> dict[str, Tensor]:
        """Name -> tensor of what was fitted."""
        return dict(self._parts)

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take what ``state`` gave."""
        self._parts = dict(state)

    def _asked(self, features: object, like: str) -> Tensor:
        """Features (m, d) of unit length, as wide as the part ``like`` (n, d).

        Raises UsageError before ``fit``, BadInput for another width.
        """
        self._require_fit()
        width = self._parts[like].shape[1]
        return functional.normalize(as_features(features, width=width), dim=-1)

    def _require_fit(self) -> None:
        if not self._parts:
            name = type(self).__module__.rpartition(".")[2]
            raise UsageError(f"this {name} head is not fitted; call fit first.")
