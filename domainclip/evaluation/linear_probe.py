"""Logistic regression on image features, trained on the training split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

from domainclip.evaluation._predict import head_probabilities
from domainclip.evaluation._probe import fitted_probe
from domainclip.evaluation._protocol import Context, Value
from domainclip.evaluation.metrics import classification

__all__ = ["LinearProbe"]


@dataclass(frozen=True)
class LinearProbe:
    """What the image tower alone knows of the classes; the text tower has no part in it.

    images: at most so many training images, evenly over the classes; null for all. strength: C;
    null chooses it on the validation split, or without one on held-out training rows. Reference:
    Radford et al. 2021, https://arxiv.org/abs/2103.00020, appendix A.3.
    """

    images: Annotated[int, ">= 1"] | None = None
    strength: Annotated[float, "> 0"] | None = None

    again: ClassVar[bool] = True
    of_classes: ClassVar[bool] = True

    def run(self, context: Context) -> Iterator[tuple[str, Value]]:
        context.require_labels(context.test, "linear_probe")
        train = context.labelled("train", "linear_probe", self.images)
        test = context.labelled(context.test, "linear_probe")
        head = fitted_probe(
            train.features, train.labels, len(context.classes), context.validation(), self.strength
        )
        yield from classification(
            head_probabilities(head, test.features),
            test.labels.numpy(),
            groups=test.groups,
            resamples=context.resamples,
            seed=context.seed,
        ).items()
