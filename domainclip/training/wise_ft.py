"""After training: the point between the plain and the trained weights that a recipe asks for.

Of several points the one with the best validation is taken; of equals the one nearer to the plain
weights, which forgets less. Reference: WiSE-FT, Wortsman et al. 2022, arXiv 2109.01903.
Differs: the authors report all points on the test set; here the test split has no say.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from domainclip.adapters.interpolation import interpolate, start_of
from domainclip.errors import BadInput, NotFinite
from domainclip.training.keeper import score
from domainclip.training.module import Tuning
from domainclip.training.settings import TrainerSettings

__all__ = ["check_line", "finish", "settle"]

_log = logging.getLogger(__name__)


def check_line(adapter: Any, settings: TrainerSettings, data_module: Any) -> None:
    """Before any training: whether ``settle`` will be able to do its part.

    Raises UsageError for a method that moves along no line, BadInput where a list has no validation
    split to choose by.
    """
    start_of(adapter, adapter.state() if hasattr(adapter, "state") else {})
    if isinstance(settings.wise_ft, tuple) and not data_module.val_dataloader():
        raise BadInput(
            "trainer.wise_ft is a list, and there is no validation split to choose from it by; "
            "give one number, or a split with data.split.fractions."
        )


def settle(
    adapter: Any,
    settings: TrainerSettings,
    module: Tuning,
    data_module: Any,
    make_trainer: Callable[[], Any],
) -> float | None:
    """Leave the adapter at the chosen point, and give its alpha; None where none is asked for."""
    wanted = settings.wise_ft
    if not isinstance(wanted, tuple):
        if wanted is not None:
            interpolate(adapter, wanted)
        return wanted
    trained, found = adapter.state(), dict[float, float]()
    for alpha in sorted(set(wanted)):
        interpolate(adapter, alpha, trained)
        make_trainer().validate(module, datamodule=data_module, verbose=False)
        assert module.validated is not None
        found[alpha] = score(module.validated, settings.monitor)
        _log.info("wise_ft %g: validation %.4f", alpha, found[alpha])
    numbers = [alpha for alpha in found if math.isfinite(found[alpha])]
    if not numbers:
        raise NotFinite(
            "trainer.wise_ft: no point that it lists gives a validation that is a number, so there "
            "is none to choose; give one number in place of the list."
        )
    best = max(numbers, key=lambda alpha: found[alpha])  # the first of equals
    interpolate(adapter, best, trained)
    return best


def finish(adapter: Any, module: Tuning, data_module: Any) -> None:
    """What an adapter does to itself once it is trained, see ``adapters._protocol``."""
    if not hasattr(adapter, "finish"):
        return

    def losses() -> Iterator[Tensor]:
        module.model.eval()
        with torch.enable_grad():
            for batch in data_module.train_dataloader():
                batch = module.on_before_batch_transfer(batch, 0).to(module.device)
                batch = data_module.on_after_batch_transfer(batch, 0)
                for row in range(len(batch)):
                    one = slice(row, row + 1)
                    single = replace(
                        batch, images=batch.images[one], labels=batch.labels[one],
                        captions=batch.captions[one], keys=batch.keys[one],
                    )  # fmt: skip
                    yield module.loss_alone(single)

    adapter.finish(losses)
