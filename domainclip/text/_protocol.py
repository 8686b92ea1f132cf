"""What a text strategy is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from domainclip.backbones.handle import Backbone

__all__ = ["TextEncoder"]


class TextEncoder(Protocol):
    """A frozen dataclass of options with one verb."""

    def encode(self, backbone: Backbone, texts: Sequence[str], *, batch_size: int = 256) -> Tensor:
        """Texts (n) -> features (n, d) of unit length, float32, without gradient."""
        ...
