"""Cut a text at the tower's context length, as CLIP itself does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domainclip.backbones.handle import Backbone
from domainclip.text._protocol import PieceEncoder
from domainclip.text._tokens import lost_beyond

__all__ = ["Truncate"]


@dataclass(frozen=True)
class Truncate(PieceEncoder):
    """Texts (n) -> (n, d) unit length. Reference: Radford et al. 2021, arXiv 2103.00020,
    section 2.4."""

    def lost(self, backbone: Backbone, texts: Sequence[str]) -> tuple[int, float]:
        """(texts that are cut, share of all their tokens, 0 to 1, that the tower never sees)."""
        return lost_beyond(backbone, texts, backbone.context_length)
