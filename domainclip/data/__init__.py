"""Pairs as batches: the data module, transforms, few-shot draws, features. Loaded when named."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from domainclip.data.classes import Classes, find_classes
    from domainclip.data.features import Split, split_features
    from domainclip.data.few_shot import draw_shots
    from domainclip.data.module import PairsDataModule
    from domainclip.data.settings import DataSettings

__all__ = [
    "Classes",
    "DataSettings",
    "PairsDataModule",
    "Split",
    "draw_shots",
    "find_classes",
    "split_features",
]

_HOME = {
    "Classes": "classes",
    "DataSettings": "settings",
    "PairsDataModule": "module",
    "Split": "features",
    "draw_shots": "few_shot",
    "find_classes": "classes",
    "split_features": "features",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f"domainclip.data.{_HOME[name]}"), name)
