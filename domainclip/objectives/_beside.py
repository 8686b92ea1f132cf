"""InfoNCE beside another loss, as papers have it that add to CLIP's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from domainclip.objectives.infonce import InfoNCE

__all__ = ["beside_infonce"]


def beside_infonce(
    loss: Tensor, clip: float, *features: Any, like: Mapping[str, Any] | None = None, **given: Any
) -> Tensor:
    """loss + clip · ``infonce``, called as any objective. like: its options."""
    return loss if clip == 0 else loss + clip * InfoNCE(**(like or {}))(*features, **given)
