"""Bias tuning: only the bias vectors of a tower train.

Reference: BitFit, Ben Zaken et al. 2022, arXiv 2106.10199; there of a language model with a task
head, which class prompts replace here. Norms' shifts are biases too, as in its code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from domainclip.adapters._protocol import Schedule
from domainclip.adapters._tuning import WeightTuning
from domainclip.backbones import Backbone

__all__ = ["BitFit"]


@dataclass
class BitFit(WeightTuning):
    """towers: image, text. logit_scale: train the scale of the cosines too."""

    schedule: ClassVar[Schedule] = Schedule(lr=1e-3, weight_decay=0.0)
    what: ClassVar[str] = "bias"

    def _chosen(self, backbone: Backbone, names: list[str]) -> list[str]:
        return [name for name in names if name.endswith("bias")]
