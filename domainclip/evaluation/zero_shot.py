"""Classification by class prompts alone, as CLIP is used without any training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from domainclip.evaluation._predict import prompt_probabilities
from domainclip.evaluation._protocol import Context, Value
from domainclip.evaluation.metrics import classification

__all__ = ["ZeroShot"]


@dataclass(frozen=True)
class ZeroShot:
    """Accuracy, balanced accuracy, macro-F1, AUROC and calibration error of the prompt ensemble.

    The class of an image is the one whose mean prompt embedding is nearest; probabilities are the
    softmax at the tower's own temperature. On an adapted model this is the adapted classifier.
    Reference: Radford et al. 2021, https://arxiv.org/abs/2103.00020, section 3.1.
    """

    again: ClassVar[bool] = True
    of_classes: ClassVar[bool] = True

    def run(self, context: Context) -> Iterator[tuple[str, Value]]:
        split = context.labelled(context.test, "zero_shot")
        chance = prompt_probabilities(context, split.features)
        yield from classification(
            chance, split.labels.numpy(), groups=split.groups,
            resamples=context.resamples, seed=context.seed,
        ).items()  # fmt: skip
