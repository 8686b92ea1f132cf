"""What kind of figure a picture is, from cheap statistics of its pixels.

A linear softmax over the 60 numbers of ``figure_statistics`` decides. Its weights
(``figure_kind.json``) are linear discriminants with Ledoit-Wolf shrinkage, fitted by
``benchmarks/figure_kinds.py --fit`` on 717 pictures labelled by hand and on parts and sheets of
them. On articles that it has not seen the kind is right for 0.71 of regions of one kind and 0.62
of whole figures, compound ones too; 0.95 and 0.94 are well told drawn (plot, diagram, equation,
table, other) from imaged; microscopy is mostly called a photograph. Where there is a caption, it
tells more: the papers extractor takes both. A good backbone sees more, too: the filter
``figure_kind`` takes one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from domainclip.errors import UsageError, nearest

from .figure_statistics import statistics

__all__ = ["KINDS", "check_kinds", "figure_kind", "kind_probabilities", "statistics"]

KINDS = (
    "plot",
    "diagram",
    "microscopy",
    "radiology",
    "photograph",
    "map",
    "equation",
    "table",
    "other",
)


def check_kinds(option: str, names: Iterable[str]) -> None:
    """Raises UsageError for a name of ``option`` that is no kind."""
    for name in names:
        if name not in KINDS:
            raise UsageError(
                f"{option}: unknown kind {name!r}.{nearest(name, KINDS)} Known: {', '.join(KINDS)}."
            )


def figure_kind(image: Image.Image) -> tuple[str, float]:
    """The kind (one of ``KINDS``) and how sure it is, 0 to 1: its probability.

    image: of any mode and size; transparency counts as white paper.
    """
    found = kind_probabilities(image)
    best = max(KINDS, key=lambda kind: found[kind])
    return best, found[best]


def kind_probabilities(image: Image.Image) -> Mapping[str, float]:
    """The probability of every kind, in the order of ``KINDS``; their sum is 1."""
    mean, scale, weights, bias = _model()
    logits = ((statistics(image) - mean) / scale) @ weights + bias  # (kinds,)
    odds = np.exp(logits - logits.max())
    return dict(zip(KINDS, (odds / odds.sum()).tolist(), strict=True))


@lru_cache
def _model() -> tuple[NDArray[np.float64], ...]:
    text = files("domainclip.images").joinpath("figure_kind.json").read_text(encoding="utf-8")
    model = json.loads(text)
    return tuple(np.array(model[name]) for name in ("mean", "scale", "weights", "bias"))
