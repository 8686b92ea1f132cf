"""Logistic regression on frozen image features, trained on the whole training split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from domainclip.evaluation._predict import head_probabilities
from domainclip.evaluation._protocol import Context, Value
from domainclip.evaluation.metrics import classification
from domainclip.heads.linear_probe import LinearProbe as Head

__all__ = ["LinearProbe"]


@dataclass(frozen=True)
class LinearProbe:
    """What the image tower alone knows of the classes; the text tower has no part in it.

    The regularisation is chosen on the validation split where there is one, else by
    cross-validation. strength: C, instead of that search. Reference: Radford et al. 2021,
    https://arxiv.org/abs/2103.00020, appendix A.3; see ``domainclip show linear_probe``.
    """

    strength: float | None = None

    again: ClassVar[bool] = True

    def run(self, context: Context) -> Iterator[tuple[str, Value]]:
        test = context.labelled(context.test, "linear_probe")
        train = context.labelled("train", "linear_probe")
        head = Head(strength=self.strength)
        head.fit(train.features, train.labels, context.class_text, context.validation())
        yield from classification(
            head_probabilities(head, test.features), test.labels.numpy(), groups=test.groups,
            resamples=context.resamples, seed=context.seed,
        ).items()  # fmt: skip
