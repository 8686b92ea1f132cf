"""What kind of figure a caption speaks of, and the kind by caption and picture together.

Each piece of evidence adds a log-likelihood ratio (nats) to a kind: how much likelier its words
are under figures of that kind than under the rest. About 4.5 settles the matter ("forest plot"), 3
is strong ("ultrasound"), 1.5 a lean ("versus"), 0.7 a hint ("arrows point"). The values are chosen
from what the words mean, not fitted: labelled captions are too few for rare kinds. A kind's sum
saturates, and is joined to the picture's probabilities as if the two were independent given the
kind (naive Bayes). ``benchmarks/figure_kinds.py``: right for 0.81 of whole figures, by the picture
alone for 0.62, with pictures held out by article, but words written with the captions in sight.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from PIL import Image

from domainclip.images.figure_kind import KINDS, kind_probabilities

from .figure_acronyms import ACRONYMS
from .figure_word_list import WORDS, Speaks

__all__ = ["joined", "kind_by_both", "words_speak_for"]

_READ_CHARS = 3000  # hostile captions have no end
_FIRST_CHARS = 160  # about the first sentence, which says what the figure is
_LATER = 0.6  # what evidence after it is worth: panels, methods, comparisons
_MOST = 5.0  # nats that a kind's words may add up to
# Exponents of both. The picture is surer than it should be where it is wrong. The sample would
# take 1.2 for the words, which were written with its captions in sight: so what they mean stays.
_PICTURE, _WORDS = 0.6, 1.0

# Words of several kinds that mean one thing together: joined, so that the parts do not count.
_JOINED = re.compile(
    r"\b(?:(?P<plot>heat|contact|recurrence|poincar[eé]|bifurcation|volcano|correlation|density)"
    r"|(?P<none>feature|saliency|attention|activation|site|road|genetic|linkage|concept|mind|self"
    r"|self-organi[sz]ing|probability|parametric|disparity|depth|bit|pixel|logistic|map))"
    r"[\s-]?maps?(?:ping)?\b"
    r"|\b(?P<scale>scale|calibration|size)[\s-]?bars?\b|\b(?P<error>error)[\s-]?bars?\b",
    re.IGNORECASE,
)


def words_speak_for(caption: str, label: str = "") -> dict[str, float]:
    """Evidence for kinds of ``KINDS`` in nats, at most 5; a kind of which nothing speaks is absent.

    caption: of a figure or of one panel. label: what is printed before it, as "Scheme 2".
    """
    text = f"{label[:40]}: {caption[:_READ_CHARS]}" if label else caption[:_READ_CHARS]
    text = _JOINED.sub(_join, text)
    found: dict[str, float] = {}
    for pattern, speaks in _evidence():
        hit = pattern.search(text)
        if hit:
            share = 1.0 if hit.start() < _FIRST_CHARS else _LATER
            for kind, nats in speaks.items():
                found[kind] = min(_MOST, found.get(kind, 0.0) + share * nats)
    return found


def kind_by_both(image: Image.Image, caption: str, label: str = "") -> tuple[str, float]:
    """The kind (one of ``KINDS``) by picture and caption, and its probability.

    Without a word that speaks for a kind, it is the picture's alone.
    """
    seen = kind_probabilities(image)
    spoken = words_speak_for(caption, label)
    if not spoken:
        best = max(KINDS, key=lambda kind: seen[kind])
        return best, seen[best]
    together = joined(seen, spoken)
    best = max(KINDS, key=lambda kind: together[kind])
    return best, together[best]


def joined(seen: Mapping[str, float], spoken: Mapping[str, float]) -> dict[str, float]:
    """p(kind) proportional to p_picture(kind)^a * exp(b * words(kind)), over ``KINDS``."""
    logits = np.array(
        [
            _PICTURE * np.log(max(seen[kind], 1e-9)) + _WORDS * spoken.get(kind, 0.0)
            for kind in KINDS
        ]
    )
    odds = np.exp(logits - logits.max())
    return dict(zip(KINDS, (odds / odds.sum()).tolist(), strict=True))


def _join(hit: re.Match[str]) -> str:
    if hit["plot"]:
        return "heatmap"
    if hit["scale"]:
        return "scalebar"
    return "errorbar" if hit["error"] else "mapping"


@lru_cache
def _evidence() -> tuple[tuple[re.Pattern[str], Speaks], ...]:
    return (
        *((re.compile(pattern), speaks) for speaks, pattern in ACRONYMS),
        *((re.compile(pattern, re.IGNORECASE), speaks) for speaks, pattern in WORDS),
    )
