"""Class probabilities of a model: by its class prompts, or by a head on its features."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from domainclip.evaluation._bootstrap import Floats
from domainclip.evaluation._protocol import Context
from domainclip.evaluation.metrics import softmax

__all__ = ["head_probabilities", "prompt_probabilities"]


def prompt_probabilities(context: Context, features: Tensor) -> Floats:
    """(n, d) image features -> (n, c): softmax of the cosines times the tower's own scale."""
    backbone = context.backbone
    return softmax(backbone.classify(features, context.classes.names, context.templates).numpy())


def head_probabilities(head: Any, features: Tensor) -> Floats:
    """(n, d) features -> (n, c): softmax of the fitted head's logits."""
    return softmax(head.logits(features).numpy())
