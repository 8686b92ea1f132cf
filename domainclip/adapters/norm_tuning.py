"""Norm tuning: only the scales and shifts of a tower's norms train.

gamma and beta of layer, batch and group norms; running statistics stay as they are.
Reference: "Training BatchNorm and Only BatchNorm", Frankle et al. 2021, arXiv 2003.00152, which
does it from random weights; here the pretrained ones stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from domainclip.adapters._protocol import Schedule
from domainclip.adapters._tuning import WeightTuning
from domainclip.backbones import Backbone

__all__ = ["NormTuning"]


@dataclass
class NormTuning(WeightTuning):
    """towers: image, text. logit_scale: train the scale of the cosines too."""

    schedule: ClassVar[Schedule] = Schedule(lr=1e-3, weight_decay=0.0)
    what: ClassVar[str] = "norm with weights"

    def _chosen(self, backbone: Backbone, names: list[str]) -> list[str]:
        norms = {path for path, module in backbone.model.named_modules() if _is_norm(module)}
        return [name for name in names if name.rpartition(".")[0] in norms]


def _is_norm(module: nn.Module) -> bool:
    return "norm" in type(module).__name__.lower()
