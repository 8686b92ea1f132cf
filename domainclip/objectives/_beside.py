"""InfoNCE beside another loss, as papers have it that add to CLIP's."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from domainclip.objectives.infonce import InfoNCE

__all__ = ["beside_infonce"]


def beside_infonce(
    loss: Tensor, clip: float, *features: Any, of: InfoNCE | None = None, **given: Any
) -> Tensor:
    """loss + clip · ``infonce``, with its defaults or as ``of`` has it, called as any objective."""
    return loss if clip == 0 else loss + clip * (of or InfoNCE())(*features, **given)
