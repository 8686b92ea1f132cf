"""Cut a text at the tower's context length, as CLIP itself does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from domainclip.backbones.handle import Backbone

__all__ = ["Truncate"]


@dataclass(frozen=True)
class Truncate:
    """Texts (n) -> (n, d) unit length; equal texts are encoded once.

    batch_size: texts per forward pass; they are batched by length. Reference: Radford et al. 2021,
    arXiv 2103.00020, section 2.4.
    """

    batch_size: int = 256

    def encode(self, backbone: Backbone, texts: Sequence[str]) -> Tensor:
        unique = list(dict.fromkeys(texts))
        row = {text: i for i, text in enumerate(unique)}
        z = backbone.encode_ids(backbone.tokenize(unique), self.batch_size) if unique else None
        if z is None:
            return backbone.encode_ids(backbone.tokenize(["a"])[:0])
        return z[[row[text] for text in texts]]
