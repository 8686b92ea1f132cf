"""Features before they get unit length, and those of a teacher: the model as training found it."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.backbones.shortening import shortened, text_features

__all__ = ["Teacher", "raw_image", "raw_text"]


def raw_image(model: Any, x: Tensor) -> Tensor:
    """Prepared images (b, 3, h, w) -> (b, d), as the tower gives it."""
    features: Tensor = model.encode_image(x, normalize=False)
    return features


def raw_text(model: Any, ids: Tensor, device: torch.device) -> Tensor:
    """Token ids (b, t), best still on the CPU -> (b, d), on the shortest exact context."""
    return text_features(model, shortened(model, ids).to(device))


class Teacher:
    """A frozen copy of a model, adapters and all, that does not train and is in no state dict.

    unit: its features get unit length.
    """

    def __init__(self, model: Any, *, unit: bool) -> None:
        self.unit = unit
        self._model = copy.deepcopy(model).requires_grad_(False).eval()

    def __call__(self, x: Tensor, ids: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        """Images and token ids -> (image (b, d), text (b, d))."""
        self._model.to(device)
        with torch.no_grad():
            image, text = raw_image(self._model, x), raw_text(self._model, ids, device)
            if self.unit:
                image, text = (functional.normalize(z, dim=-1) for z in (image, text))
        return image, text
