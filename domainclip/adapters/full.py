"""Full tuning of one tower or both: all the weights themselves train, by any objective.

Reference: Radford et al. 2021, arXiv 2103.00020, appendix on end-to-end fine-tuning; ``ft_clip``
and ``flyp`` are two published ways of it.
Differs: the classifier is the text tower's class prompts, not a new layer.
"""

from __future__ import annotations

from dataclasses import dataclass

from domainclip.adapters._tuning import WeightTuning

__all__ = ["Full"]


@dataclass
class Full(WeightTuning):
    """towers: image, text. logit_scale: train the scale of the cosines too. Running statistics of
    batch norms stay as they are."""
