"""What a run calls its parts: the method that it makes, its evaluators."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from domainclip.recipe import Component, Recipe

__all__ = ["as_tree_of", "evaluator_labels", "method_name", "said_of_sweep"]

_SHOWN = 6


def evaluator_labels(components: Sequence[Component]) -> list[tuple[str, Component]]:
    """Each evaluator with its name; those that share one also with the options that differ."""
    found = []
    for component in components:
        same = [each for each in components if each.name == component.name]
        words = [
            str(value).replace("/", "_")
            for option, value in component.options.items()
            if any(each.options.get(option) != value for each in same)
        ]
        stem = component.name.rpartition("/")[2].removesuffix(".py").replace(":", ".")
        found.append(("-".join([stem, *words]), component))
    return found


def method_name(recipe: Recipe) -> str:
    """What the run makes, in a word or two; empty where it only measures."""
    parts = [part.name for part in (recipe.adapter, recipe.head) if part is not None]
    return " + ".join(parts)


def as_tree_of(component: Component) -> dict[str, Any]:
    """A component as plain values."""
    return {"name": component.name, **component.options}


def said_of_sweep(folder: Path) -> str:
    """That a directory holds a sweep and no run of its own, with some of its runs; empty for a
    run."""
    runs = sorted(path.parent for path in (folder / "runs").glob("*/recipe.yaml"))
    if not runs:
        return ""
    shown = ", ".join(map(str, runs[:_SHOWN]))
    more = f" and {len(runs) - _SHOWN} more" if len(runs) > _SHOWN else ""
    return f"{folder}: a sweep of several runs; name one of them: {shown}{more}."
