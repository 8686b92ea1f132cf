"""InfoNCE beside another loss, as papers have it that add to CLIP's."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from domainclip.objectives.infonce import InfoNCE

__all__ = ["beside_infonce"]


def beside_infonce(loss: Tensor, clip: float, *features: Any, **given: Any) -> Tensor:
    """loss + clip · ``infonce`` with its defaults, which is called as every objective."""
    return loss if clip == 0 else loss + clip * InfoNCE()(*features, **given)
