"""CLIP-Refine: a last epoch of pretraining that draws the two modalities together.

Both towers train on pairs of image and text by the objective ``clip_refine``: one random vector
that both features of a pair shall meet, and the plain model's similarities as a guide.
Reference: CLIP-Refine, Yamaguchi et al. 2025, arXiv 2504.12717; AdamW, lr 1e-6, weight decay 0.1,
one epoch, batches of 512.
Differs: in ``few_shot`` the texts are the class prompts; in a recipe they are the pairs' captions,
which is what it is made for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from domainclip.adapters._protocol import Schedule
from domainclip.adapters._tuning import WeightTuning
from domainclip.backbones.sites import Tower

__all__ = ["CLIPRefine"]


@dataclass
class CLIPRefine(WeightTuning):
    """towers: image, text. logit_scale: the objective does not use it, so it does not train."""

    towers: tuple[Tower, ...] = ("image", "text")

    schedule: ClassVar[Schedule] = Schedule(
        lr=1e-6, weight_decay=0.1, epochs=1, batch_size=512, objective="clip_refine"
    )
