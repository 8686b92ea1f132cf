"""Check a recipe: every unknown key, wrong type and missing value, each with its line."""

from __future__ import annotations

import argparse
import json
import sys

from domainclip.errors import DomainclipError, RecipeError
from domainclip.recipe import Component, Recipe, as_tree, expand, load_recipe

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", help="a recipe file, or a name that `list recipes` shows")
    parser.add_argument("override", nargs="*", default=[], help="key.sub=value, as for `run`")
    parser.add_argument("--json", action="store_true", help="print the resolved recipe as JSON")


def run(arguments: argparse.Namespace) -> int:
    try:
        recipe = load_recipe(arguments.recipe, arguments.override, files=True)
    except RecipeError as error:
        errors = str(error).split("\n")
        if arguments.json:
            print(json.dumps({"ok": False, "errors": errors}, indent=2, ensure_ascii=False))
        else:
            print(*errors, sep="\n", file=sys.stderr)
        return DomainclipError.exit_code
    runs = expand(recipe)
    if arguments.json:
        found = {"ok": True, "recipe": as_tree(recipe), "runs": [label for label, _ in runs]}
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return 0
    print(f"ok: {recipe.name}")
    for name, text in _summary(recipe):
        print(f"  {name:<9}  {text}")
    if recipe.sweep:
        print(f"  {'sweep':<9}  {len(runs)} runs: {'; '.join(label for label, _ in runs[:6])}"
              f"{'; ...' if len(runs) > 6 else ''}")  # fmt: skip
    return 0


def _summary(recipe: Recipe) -> list[tuple[str, str]]:
    data, trainer = recipe.data, recipe.trainer
    source = data.pairs or (f"{data.extract.name} {' '.join(data.extract.source)}"
                            if data.extract else "")  # fmt: skip
    lines = [
        ("backbone", f"{recipe.backbone.name} {recipe.backbone.pretrained or ''}".strip()),
        ("data", f"{source}, batches of {data.batch_size}"),
    ]
    parts = {"adapter": recipe.adapter, "head": recipe.head, "objective": recipe.objective}
    lines += [(name, _component(part)) for name, part in parts.items() if part is not None]
    if recipe.adapter is not None:
        length = f"{trainer.steps} steps" if trainer.steps else f"{trainer.epochs} epochs"
        lines.append(("trainer", f"{length}, {trainer.optimizer}, lr {trainer.lr:g}, "
                                 f"{trainer.precision}, seed {recipe.seed}"))  # fmt: skip
    if recipe.evaluate:
        lines.append(("evaluate", ", ".join(part.name for part in recipe.evaluate)))
    return lines


def _component(part: Component) -> str:
    options = ", ".join(f"{name}={value}" for name, value in part.options.items())
    return f"{part.name} ({options})" if options else part.name
