"""A head fitted on a few images of each class, over several draws of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from domainclip.catalogue import load
from domainclip.data.few_shot import draw_shots
from domainclip.errors import BadInput
from domainclip.evaluation._bootstrap import Floats
from domainclip.evaluation._predict import head_probabilities
from domainclip.evaluation._protocol import Context, Value
from domainclip.evaluation.metrics import Sampling

__all__ = ["FewShot"]


@dataclass(frozen=True)
class FewShot:
    """Accuracy on the test split of a head that saw ``shots`` training images of each class.

    head: a name that ``domainclip list heads`` shows; head_options: its options. shots: numbers of
    images. draws: how many draws of them are averaged (seeds seed, seed + 1, ...). sampler: whose
    draws (see ``data.few_shot``). validation: let the head choose its strength on min(shots, 4)
    validation images of each class, as the published code does; false: on the shots alone.

    The interval covers both chances: which images were drawn, and which test groups there are
    (draws and groups are resampled together).
    """

    head: str = "gda"
    shots: tuple[int, ...] = (1, 4, 16)
    draws: int = 3
    sampler: Literal["coop", "tip"] = "coop"
    validation: bool = True
    head_options: Mapping[str, Any] = field(default_factory=dict)

    again: ClassVar[bool] = False

    def run(self, context: Context) -> Iterator[tuple[str, Value]]:
        if self.draws < 1 or not self.shots or min(self.shots) < 1:
            raise BadInput("few_shot: give at least one draw, and shots of 1 or more.")
        head_class = load("heads", self.head)
        test = context.labelled(context.test, "few_shot")
        train = context.labelled("train", "few_shot")
        held = context.validation() if self.validation else None
        truth = test.labels.numpy()
        sampling = context.sampling(test)
        for step, shots in enumerate(self.shots):
            right = []
            for draw in range(self.draws):
                rows = draw_shots(
                    train.labels.tolist(), held[1].tolist() if held else [],
                    shots=shots, seed=context.seed + draw, sampler=self.sampler,
                )  # fmt: skip
                chosen = None
                if held is not None and rows.val:
                    at = list(rows.val)
                    chosen = (held[0][at], held[1][at])
                head = head_class(**self.head_options)
                mine = list(rows.train)
                head.fit(train.features[mine], train.labels[mine], context.class_text, chosen)
                chance = head_probabilities(head, test.features)
                right.append(chance.argmax(1) == truth)
            context.progress(step + 1, len(self.shots))
            yield f"accuracy@{shots}", _over_draws(np.array(right), sampling, context.seed)


def _over_draws(right: np.ndarray, sampling: Sampling, seed: int) -> Value:
    """(draws, n) hits -> the mean, with draws and groups resampled together."""
    draws = len(right)
    hits = sampling.total(right.T)  # (units, draws)
    size = sampling.total(np.ones(right.shape[1]))
    stream = np.random.default_rng(seed + 1)
    first = True

    def statistic(counts: Floats) -> Floats:
        nonlocal first
        found = hits.T @ counts / (size @ counts)  # (draws, r)
        weight = stream.multinomial(draws, np.full(draws, 1 / draws), size=counts.shape[1]).T
        if first:  # the first column of all is the data as they are
            weight[:, 0], first = 1, False
        return np.asarray((found * weight).sum(0) / draws)

    return sampling.value(statistic)
