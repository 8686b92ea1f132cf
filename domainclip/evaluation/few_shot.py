"""A head fitted on a few images of each class, over several draws of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from domainclip.catalogue import load
from domainclip.data.few_shot import Shots, draw_shots
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

    head: Annotated[str, "heads"] = "gda"
    shots: tuple[Annotated[int, ">= 1"], ...] = (1, 4, 16)
    draws: Annotated[int, ">= 1"] = 3
    sampler: Literal["coop", "tip"] = "coop"
    validation: bool = True
    head_options: Annotated[Mapping[str, Any], "options of head"] = field(default_factory=dict)

    again: ClassVar[bool] = False
    of_classes: ClassVar[bool] = True

    def run(self, context: Context) -> Iterator[tuple[str, Value]]:
        if self.draws < 1 or not self.shots or min(self.shots) < 1:
            raise BadInput("few_shot: give at least one draw, and shots of 1 or more.")
        context.require_labels("train", "few_shot")
        head_class = load("heads", self.head)
        test = context.labelled(context.test, "few_shot")
        truth, sampling = test.labels.numpy(), context.sampling(test)
        draws = {
            (shots, draw): self._draw(context, shots, context.seed + draw)
            for shots in self.shots
            for draw in range(self.draws)
        }
        # only images that some draw took are encoded
        train = _Rows(context, "train", [row for drawn in draws.values() for row in drawn.train])
        held = _Rows(context, "val", [row for drawn in draws.values() for row in drawn.val])
        for step, shots in enumerate(self.shots):
            right = []
            for draw in range(self.draws):
                drawn = draws[shots, draw]
                features, labels = train.of(drawn.train)
                checked = held.of(drawn.val)
                head = head_class(**self.head_options).fit(
                    features, labels, context.class_text, checked if len(checked[1]) else None
                )
                right.append(head_probabilities(head, test.features).argmax(1) == truth)
            context.progress(step + 1, len(self.shots))
            yield f"accuracy@{shots}", _over_draws(np.array(right), sampling, context.seed)

    def _draw(self, context: Context, shots: int, seed: int) -> Shots:
        labels = [context.features.labels(name).tolist() for name in ("train", "val")]
        held = labels[1] if self.validation else []
        return draw_shots(labels[0], held, shots=shots, seed=seed, sampler=self.sampler)


class _Rows:
    """Features and labels of drawn rows of a split; images that can't be decoded are missing."""

    def __init__(self, context: Context, split: str, rows: list[int]) -> None:
        keys = context.pairs.table(["key"], split=split).column("key")
        self._keys = {row: keys[row].as_py() for row in set(rows)}
        self._split = context.features.rows(split, rows) if rows else None
        self._at = {key: at for at, key in enumerate(self._split.keys)} if self._split else {}

    def of(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        at = [self._at[self._keys[row]] for row in rows if self._keys[row] in self._at]
        if self._split is None:
            return torch.zeros(0, 0), torch.zeros(0, dtype=torch.int64)
        return self._split.features[at], self._split.labels[at]


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
