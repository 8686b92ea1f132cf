"""Measure the model of a run, or any backbone, on pairs that it was not made with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainclip._run_names import said_of_sweep
from domainclip._run_stages import Bar, backbone_of, no_bar
from domainclip.adapters.storage import load_adapter
from domainclip.backbones import DEFAULT_TEMPLATES, Backbone, load_backbone
from domainclip.backbones.cache import cache_folder
from domainclip.catalogue import load
from domainclip.classifier import load_classifier
from domainclip.errors import BadInput, UsageError
from domainclip.evaluation._features import Features
from domainclip.evaluation._predict import head_probabilities
from domainclip.evaluation._protocol import Context
from domainclip.evaluation._results import ADAPTED, Measured
from domainclip.evaluation.metrics import classification
from domainclip.pairs import Pairs, open_pairs
from domainclip.recipe import Recipe, load_recipe

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True)
class Evaluation:
    """What was measured. split: empty for all rows. notes: what the reader must know."""

    model: str
    pairs: str
    split: str
    rows: int
    values: tuple[Measured, ...]
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        rows = []
        for each in self.values:
            row = each.as_json()
            del row["stage"]
            rows.append(row)
        return {
            "model": self.model, "pairs": self.pairs, "split": self.split, "rows": self.rows,
            "values": rows, "notes": list(self.notes),
        }  # fmt: skip


def evaluate(
    model: str,
    on: str | Path,
    *,
    split: str | None = None,
    pretrained: str | None = None,
    evaluators: Sequence[str] | None = None,
    templates: Sequence[str] | None = None,
    image_px: int | None = None,
    device: str = "auto",
    seed: int = 0,
    bar: Bar = no_bar,
) -> Evaluation:
    """Measure a run's directory or a backbone on the pairs directory ``on``.

    split: default ``test``, or all rows where none is in it. evaluators: names with their default
    options; by default those that the pairs can answer. templates, image_px: instead of the run's.

    Raises BadInput for pairs or a run that cannot be used, UsageError for options that do not fit.
    """
    recipe = _recipe_of(model, pretrained)
    pairs = open_pairs(on)
    pairs, name = _chosen(pairs, split)
    backbone = _backbone(recipe, model, pretrained, device)
    adapted = recipe is not None and recipe.adapter is not None
    if recipe is not None and recipe.adapter is not None:
        load_adapter(Path(model) / "adapter", backbone, method=recipe.adapter.name)
    px = image_px if image_px is not None or recipe is None else recipe.data.image_px
    if px is not None:
        backbone.check_sees(px)
    features = Features(
        backbone, pairs, px, None if adapted else cache_folder() / "features",
        _classnames(recipe, model, pairs), recipe.data.text_roles if recipe else ("caption",),
        views=recipe.data.views if recipe else "plain",
    )  # fmt: skip
    prompts = tuple(templates or (recipe.text.templates if recipe else DEFAULT_TEMPLATES))
    for prompt in prompts:
        if "{}" not in prompt:
            raise UsageError(f"--template {prompt!r}: lacks the {{}} where the class name goes.")
    context = Context(features, prompts, backbone.encode_text, test="test", seed=seed)
    labelled = len(features.classes) > 1 and bool((features.labels("test") >= 0).any())
    values: list[Measured] = []
    for each in evaluators or _default_evaluators(context, labelled):
        with bar(each) as show:
            context.progress = features.progress = show
            found = load("evaluators", each)().run(context)
            values += [Measured("after", each, metric, value) for metric, value in found]
    if recipe is not None and recipe.head is not None and labelled:
        values += _by_head(Path(model) / "head", recipe.head.name, context)
    notes = []
    unknown = int((features.labels("test") < 0).sum())
    if labelled and unknown:
        notes.append(f"{unknown:,} rows have a label that is none of the model's classes, or none.")
    skipped = sum(map(len, features.skipped()))
    if skipped:
        notes.append(f"{skipped:,} images could not be decoded and were left out.")
    return Evaluation(
        model, str(on), name, pairs.count_splits()["test"], tuple(values), tuple(notes)
    )


def _recipe_of(model: str, pretrained: str | None) -> Recipe | None:
    path = Path(model)
    if not (path / "recipe.yaml").is_file():
        return None
    if pretrained is not None:
        raise UsageError("--pretrained goes with a backbone; a run knows its own weights.")
    recipe = load_recipe(path / "recipe.yaml")
    if recipe.sweep:
        none = f"{model}: a sweep of several runs, of which none has begun."
        raise UsageError(said_of_sweep(path) or none)
    if not (path / "metrics.json").is_file():
        raise BadInput(f"{model}: the run is not finished; repeat its `domainclip run` first.")
    return recipe


def _backbone(recipe: Recipe | None, model: str, pretrained: str | None, device: str) -> Backbone:
    if recipe is None:
        return load_backbone(model, pretrained, device=device)
    return backbone_of(recipe, device)


def _chosen(pairs: Pairs, split: str | None) -> tuple[Pairs, str]:
    """The pairs with the rows to measure in the split ``test``; the name of that choice."""
    counts = pairs.count_splits()
    if split is None:
        split = "test" if counts.get("test") else ""
    if split in ("", "all"):
        return pairs.with_splits(["test"] * len(pairs)), ""
    if not counts.get(split):
        known = ", ".join(repr(name) for name in counts if name) or "no splits"
        raise BadInput(f"{pairs.path}: no row is in the split {split!r}; there are {known}.")
    if split == "test":
        return pairs, split
    column = pairs.table(["split"]).column("split").to_pylist()
    return pairs.with_splits(["test" if name == split else "" for name in column]), split


def _classnames(recipe: Recipe | None, model: str, pairs: Pairs) -> dict[str, str] | None:
    """label -> words, of those classes of the run that the pairs have; None takes all labels."""
    if recipe is None:
        return None
    found = json.loads((Path(model) / "metrics.json").read_text(encoding="utf-8"))
    labels = recipe.text.classnames or {name: name for name in found.get("classes", ())}
    column = pairs.table(["labels"]).column("labels").to_pylist()
    present = {label for row in column for label in row or ()}
    return {label: words for label, words in labels.items() if label in present} or None


def _default_evaluators(context: Context, labelled: bool) -> list[str]:
    names = ["zero_shot"] if labelled else []
    texts = context.pairs.table(["text"], split="test").column("text").to_pylist()
    names += ["retrieval"] if any(texts) else []
    if not names:
        raise BadInput(
            f"{context.pairs.path}: these rows have neither labels nor captions to measure on."
        )
    return names


def _by_head(folder: Path, method: str, context: Context) -> list[Measured]:
    """The run's head on these rows, where they hold all classes that it knows."""
    head = load_classifier(folder, context.backbone, method=method)
    if list(context.classes.names) != head.classnames:
        raise BadInput(
            f"{folder}: the head knows {len(head.classnames)} classes and these pairs hold "
            f"{len(context.classes)} of them; measure it on pairs that hold them all."
        )
    test = context.labelled("test", "the head")
    found = classification(
        head_probabilities(head.component, test.features), test.labels.numpy(),
        groups=test.groups, resamples=context.resamples, seed=context.seed,
    )  # fmt: skip
    return [Measured("after", ADAPTED, name, value) for name, value in found.items()]
