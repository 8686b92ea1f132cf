"""Cut a text at the tower's context length, as CLIP itself does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from domainclip.backbones.handle import Backbone

__all__ = ["Truncate"]


@dataclass(frozen=True)
class Truncate:
    """Texts (n) -> (n, d) unit length. Reference: Radford et al. 2021, arXiv 2103.00020,
    section 2.4."""

    def encode(self, backbone: Backbone, texts: Sequence[str], *, batch_size: int = 256) -> Tensor:
        """batch_size: texts per forward pass; they are batched by length."""
        return backbone.encode_ids(backbone.tokenize(texts), batch_size)
