"""domainclip: adapt CLIP to a domain. Pairs in, adapted backbone out.

Every public name is loaded when it is first used, so ``import domainclip`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from domainclip import adapters, heads, objectives
    from domainclip.adapters.storage import load_adapter
    from domainclip.backbones import load_backbone
    from domainclip.classifier import few_shot, load_classifier
    from domainclip.pairs import Pair, open_pairs
    from domainclip.recipe import load_recipe
    from domainclip.runs import run

__version__ = "0.1.0"

__all__ = [
    "Pair",
    "__version__",
    "adapters",
    "few_shot",
    "heads",
    "load_adapter",
    "load_backbone",
    "load_classifier",
    "load_recipe",
    "objectives",
    "open_pairs",
    "run",
]

_HOME = {
    "Pair": "domainclip.pairs",
    "open_pairs": "domainclip.pairs",
    "load_adapter": "domainclip.adapters.storage",
    "load_backbone": "domainclip.backbones",
    "few_shot": "domainclip.classifier",
    "load_classifier": "domainclip.classifier",
    "load_recipe": "domainclip.recipe",
    "run": "domainclip.runs",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from domainclip.catalogue import import_optional

        value = getattr(import_optional(_HOME[name]), name)
        globals()[name] = value
        return value
    if name in ("adapters", "heads", "objectives"):
        return import_module(f"domainclip.{name}")
    raise AttributeError(f"module 'domainclip' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
