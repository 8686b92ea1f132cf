"""FT-CLIP: the whole image tower trains, its lower blocks at smaller rates than its upper ones.

A weight of block i of L trains at lr · decay^(L - i), what lies before the blocks at
decay^(L + 1), what follows at lr; cross-entropy with smoothed labels.
Reference: FT-CLIP, Dong et al. 2022, arXiv 2212.06138; decay 0.6 for a ViT-B/16, smoothing 0.1.
Differs: the class prompts are the classifier and the tower pools as it did, where the authors put a
new layer on the mean of the patches. The patch embedding trains too, which they freeze at 224 px,
and position embeddings decay, which theirs do not. Their weight average, RandAugment and erasing
belong to long training; a recipe says the average by ``trainer.ema``, the rates by
``trainer.layer_decay``. The rate is theirs (6e-4 for 2,048 images) scaled to a batch of 32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from domainclip.adapters._protocol import Schedule
from domainclip.adapters._tuning import WeightTuning

__all__ = ["FTCLIP"]


@dataclass
class FTCLIP(WeightTuning):
    """towers: image, text. logit_scale: train the scale of the cosines too. Its rates are part of
    how ``few_shot`` trains it; a recipe says them in its trainer section."""

    schedule: ClassVar[Schedule] = Schedule(
        lr=1e-5, weight_decay=0.05, layer_decay=0.6, objective_options={"label_smoothing": 0.1}
    )
