"""A recipe in small, to see whether all of it fits together before a GPU is booked for it.

What the recipe names is kept: pairs, splits, texts, adapter or head, objective, evaluators. In
place of its backbone and of a teacher stand towers of random weights, made on the spot, so nothing
is downloaded and no number means anything.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import save_file

from domainclip._run_directory import TRIAL, digest
from domainclip.backbones._folder import CONFIG, WEIGHTS, read_config
from domainclip.backbones.cache import cache_folder
from domainclip.pairs._files import output_errors
from domainclip.recipe import BackboneSettings, Component, Recipe, as_tree, expand

__all__ = ["smoke"]

PAIRS, BATCH, PX, CHUNK = 64, 8, 32, 4
NOTE = TRIAL + (
    "{towers}, at most {pairs} pairs of a split, one epoch. It shows that the "
    "recipe runs to its end; its numbers mean nothing."
)
# what an evaluator does at most
_MOST = {"images": 40, "draws": 1}


def smoke(recipe: Recipe) -> Recipe:
    """The recipe with small towers of the same kind, few pairs and one epoch, on the CPU.

    Its name ends in ``-smoke`` and its ``note`` says that the numbers mean nothing. ``embedded``
    stays, with images of at most 32 pixels. Of a sweep, components and names are all run, of
    numbers (seeds, rates) the first.
    """
    return replace(_small(recipe), sweep=_sweep(recipe))


def _small(recipe: Recipe) -> Recipe:
    own = recipe.backbone.name == "embedded"
    towers = "the embedded backbone" if own else "towers of random weights"
    data, trainer = recipe.data, recipe.trainer
    backbone = BackboneSettings("embedded" if own else _towers(recipe.backbone.name), device="cpu")
    return replace(
        recipe,
        name=f"{recipe.name}-smoke",
        note=NOTE.format(towers=towers, pairs=PAIRS),
        backbone=backbone,
        data=replace(
            data,
            batch_size=min(data.batch_size, BATCH),
            workers=min(data.workers, 1),
            image_px=min(data.image_px or PX, PX) if own else None,
            limit=min(data.limit or PAIRS, PAIRS),
        ),
        trainer=replace(
            trainer,
            epochs=1,
            steps=None,
            accumulate=min(trainer.accumulate, 2),
            chunk=trainer.chunk and min(trainer.chunk, CHUNK),
            precision="32-true",
            devices="auto",  # one: the CPU
            strategy="auto",
        ),
        objective=None if recipe.objective is None else _taught(recipe.objective),
        evaluate=tuple(map(_quick, recipe.evaluate)),
        sweep={},
    )


def _sweep(recipe: Recipe) -> dict[str, tuple[Any, ...]]:
    """What each swept value becomes in small; values that become alike are run once."""
    found: dict[str, tuple[Any, ...]] = {}
    for key in recipe.sweep:
        alone = {k: v if k == key else v[:1] for k, v in recipe.sweep.items()}
        small: list[Any] = []
        for _, one in expand(replace(recipe, sweep=alone)):
            value = _at(as_tree(_small(one)), key)
            if value not in small:
                small.append(value)
        whole = any(isinstance(value, Mapping | str) for value in small)
        found[key] = tuple(small if whole else small[:1])
    return found


def _at(tree: Any, key: str) -> Any:
    for step in key.split("."):
        tree = tree[int(step)] if isinstance(tree, list) else tree.get(step)
    return tree


def _quick(evaluator: Component) -> Component:
    known = {name: most for name, most in _MOST.items() if name in evaluator.options}
    less = {name: min(evaluator.options[name] or most, most) for name, most in known.items()}
    return replace(evaluator, options={**evaluator.options, **less})


def _taught(objective: Component) -> Component:
    options: dict[str, Any] = _small_teachers(objective.options)
    return replace(objective, options=options)


def _small_teachers(value: Any) -> Any:
    """The options of an objective, its terms' among them, with towers of ours as teachers."""
    if isinstance(value, list | tuple):
        return type(value)(map(_small_teachers, value))
    if not isinstance(value, Mapping):
        return value
    found = {name: _small_teachers(inner) for name, inner in value.items()}
    teacher = found.get("teacher")
    if isinstance(teacher, list | tuple) and teacher and teacher[0] != "embedded":
        found["teacher"] = type(teacher)([_towers(teacher[0])])
    return found


def _towers(name: str) -> str:
    """A folder with towers of the named model's kind: as wide features, as long a context (at most
    CLIP's own), a ViT or a ResNet as it is one. Made once and kept in the cache."""
    config = _config(name)
    folder = cache_folder() / "smoke" / digest(config)
    if not (folder / CONFIG).is_file():
        with output_errors(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making") as temporary:
                _write(Path(temporary) / "towers", config)
                try:
                    (Path(temporary) / "towers").replace(folder)
                except OSError:  # another process has just made the same
                    if not (folder / CONFIG).is_file():
                        raise
    return str(folder)


def _config(name: str) -> dict[str, Any]:
    known: Mapping[str, Any] = {}
    if Path(name).is_dir():
        known, _ = read_config(Path(name))
    elif not name.startswith("hf-hub:"):  # what a hub's model is made of only a download would tell
        known = open_clip.get_model_config(name.replace("/", "-")) or {}
    vision, text = known.get("vision_cfg", {}), known.get("text_cfg", {})
    timm = vision.get("timm_model_name", "vit")
    convolutions = isinstance(vision.get("layers"), list) or not timm.startswith(("vit", "eva"))
    if convolutions:
        image = {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "patch_size": None}
    else:
        image = {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8, "head_width": 16}
    bias = {"init_logit_bias": known["init_logit_bias"]} if "init_logit_bias" in known else {}
    return {
        "embed_dim": known.get("embed_dim", 512),
        "vision_cfg": image,
        "text_cfg": {
            "context_length": min(text.get("context_length", 77), 77), "vocab_size": 49408,
            "width": 32, "heads": 2, "layers": 2,
        },
        **bias,
    }  # fmt: skip


def _write(folder: Path, config: dict[str, Any]) -> None:
    folder.mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = open_clip.CLIP(**config)
    described = {"model_cfg": config, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
    (folder / CONFIG).write_text(json.dumps(described), encoding="utf-8")
    tensors = {key: value.contiguous() for key, value in model.state_dict().items()}
    save_file(tensors, folder / WEIGHTS)
