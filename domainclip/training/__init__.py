"""Training: the loop, its optimiser groups, averaging, exact checkpoints. Loaded when named."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from domainclip.training.fit import FitResult, fit
    from domainclip.training.settings import TrainerSettings

__all__ = ["FitResult", "TrainerSettings", "fit"]

_HOME = {"FitResult": "fit", "fit": "fit", "TrainerSettings": "settings"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(name)
    value = getattr(import_module(f"domainclip.training.{_HOME[name]}"), name)
    globals()[name] = value  # the function shares its module's name, and must win
    return value
