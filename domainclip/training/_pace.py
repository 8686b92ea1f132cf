"""How many steps a run takes, and where in its schedule a step is, also after a change of ranks.

An epoch is a number of samples, which differs from epoch to epoch where fractions of copies are
drawn (``data.weights``); every epoch is trained whole, so the steps of a run are the sum over its
epochs. How many an epoch takes depends on the samples to a step: ranks x batch x accumulated
batches. A run that goes on with as many is one that was never interrupted. With
more or fewer it takes the steps that its remaining samples need, and its schedule goes on from the
share that was done: step t of a leg begun at step t0 with share s done, which ends at step T, is at
V (s + (1 - s) (t - t0) / (T - t0)) of the V steps that a whole run would take.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from domainclip.training.settings import TrainerSettings

__all__ = ["Leg", "Pace"]


@dataclass(frozen=True)
class Leg:
    """Where the steps of one size began. share: of the schedule that was done by ``start``."""

    samples: int = 0  # to a step, of all ranks; 0 before the first step
    start: int = 0
    share: float = 0.0
    total: int = 0  # the step that the run ends at


@dataclass(frozen=True)
class Pace:
    """What a leg means for a run. whole: steps of a run that is not interrupted."""

    leg: Leg
    whole: int
    epochs: int

    def at(self, step: int) -> float:
        """The place of a step in a schedule of ``whole`` steps."""
        leg = self.leg
        if leg.start == 0:
            return step
        left = max(1, leg.total - leg.start)
        return self.whole * (leg.share + (1 - leg.share) * (step - leg.start) / left)

    @classmethod
    def of(
        cls,
        settings: TrainerSettings,
        *,
        samples: Callable[[int], int],
        ranks: int,
        batch: int,
        leg: Leg,
        step: int = 0,
        epoch: int = 0,
        consumed: int = 0,
    ) -> Pace:
        """From a step, and a place in the data, that the steps of ``leg`` led to. samples: how many
        an epoch has, from 0."""
        of_step, epochs = ranks * batch * settings.accumulate, range(settings.epochs)

        def steps(count: int) -> int:
            batches = math.ceil(max(0, count) / (ranks * batch))
            return math.ceil(batches / settings.accumulate)

        here = steps(samples(epoch) - consumed)
        whole = settings.steps or sum(steps(samples(each)) for each in epochs)
        if leg.samples == 0:
            leg = Leg(of_step, total=whole)
        elif leg.samples != of_step and settings.steps is None:
            done = sum(samples(each) for each in epochs[:epoch]) + consumed
            share = done / sum(samples(each) for each in epochs)
            total = step + here + sum(steps(samples(each)) for each in epochs[epoch + 1 :])
            leg = Leg(of_step, step, share, total)
        elif leg.samples != of_step:
            leg = Leg(of_step, leg.start, leg.share, whole)  # the steps are what was asked for
        last, left = epoch, leg.total - step - here
        while left > 0:
            last += 1
            left -= steps(samples(last))
        return cls(leg, whole, last + 1)
