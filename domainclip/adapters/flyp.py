"""FLYP: both towers train as they were pretrained, on the images and their class's prompts.

loss = (CE(s I Tᵀ) + CE(s T Iᵀ)) / 2 over the batch, T the prompts of the images' classes by a
template drawn at every step; images of one class are each other's negatives. The classifier is the
tuned text tower's.
Reference: FLYP, Goyal et al. 2023, arXiv 2212.00638; AdamW, lr 1e-5, weight decay 0.1.
Differs: ``same_text: positive`` counts a batch's images of one class as one positive each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from domainclip.adapters._protocol import Schedule
from domainclip.adapters._tuning import WeightTuning
from domainclip.backbones.sites import Tower

__all__ = ["FLYP"]


@dataclass
class FLYP(WeightTuning):
    """towers: image, text. logit_scale: train the scale of the cosines too. same_text: what images
    of one class are to each other in ``few_shot``; a recipe says it in its objective (``infonce``
    with ``captions: classes``)."""

    towers: tuple[Tower, ...] = ("image", "text")
    logit_scale: bool = True
    same_text: Literal["negative", "positive"] = "negative"

    @property
    def schedule(self) -> Schedule:  # type: ignore[override]
        """The authors' few-shot training."""
        return Schedule(
            lr=1e-5, weight_decay=0.1, objective="infonce",
            objective_options={"captions": "classes", "same_text": self.same_text},
        )  # fmt: skip
