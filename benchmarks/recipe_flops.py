"""What a recipe's training needs: FLOPs counted, memory counted, and so the time of an epoch.

    python -m benchmarks.recipe_flops RECIPE [KEY=VALUE ...] [--gpu h100] [--utilisation 0.35]
        [--pairs 10000] [--pieces 1.0] [--classes 10] [--like ViT-B-16]

The backbone is made with random weights (nothing is downloaded), the adapter injected, and a step
of --rows pairs and one of twice as many are run on this CPU in the recipe's precision: what the
second has more is a pair's, the rest (a half-precision copy of the weights) is there once.
How: benchmarks/tower_flops.py. --pieces: forward passes of the text tower per caption, the mean of
the strategy that reads long texts (--texts FILE, one text a line, counts it by the recipe's own).
--classes: how many there are, of objectives over classes. --like: another model of the same shape
where the recipe's own lies on a hub. Of a sweep the member with the most FLOPs is told.

FLOPs per pair = images x image tower + texts x pieces x text tower, forward and backward, with the
further views, second captions and negatives that the objective has encoded with gradient (teachers'
passes are not counted); trainer.chunk adds a forward pass of both, and trainer.patch_dropout and
checkpoint_blocks are run as they are. Class texts are encoded once a step, or not at all where
nothing of the text tower trains; a frozen image tower reads an image at every epoch where training
augments it, else once. A head reads each image once, in as many views as data.views says.
Seconds of an epoch = pairs x FLOPs / (peak x utilisation). Peak is the vendor's dense number of
the recipe's precision; features for a head are computed in bfloat16 on a GPU. The utilisation is an
assumption, and says nothing of decoding: 0.35 is what contrastive training of a ViT-B reaches in
bfloat16 where the loader keeps up.
Memory = weights + gradients and two AdamW moments of what trains + activations of a batch (of a
chunk, where there is one) + copies of weights; where nothing trains, weights + what is alive at
once of a forward pass of 64 images; without the allocator's reserve and CUDA's own 1 GiB or so.
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.tower_flops import Counted, count
from domainclip.adapters._protocol import inject_for
from domainclip.backbones import load_backbone
from domainclip.catalogue import load
from domainclip.data.settings import AugmentSettings
from domainclip.objectives._protocol import wants_of
from domainclip.recipe import expand, load_recipe

__all__ = ["Needed", "main", "needed", "passes"]

# dense TFLOP/s in bfloat16 (T4: float16) and in float32 without tensor cores, which is what PyTorch
# computes float32 in by default, and GiB; by the vendor's data sheets
GPUS = {
    "t4": (65, 8.1, 15), "a10": (125, 31.2, 22), "l4": (121, 30.3, 22),
    "rtx4090": (165, 82.6, 24), "a100": (312, 19.5, 80), "h100": (989, 67, 80),
    "h200": (989, 67, 141),
}  # fmt: skip
GIB = 1 << 30


def passes(objective: Any) -> tuple[int, int]:
    """(images, texts) of a pair that the towers read with gradient."""
    wants = wants_of(objective)
    images = 1 + ("views" in wants) * getattr(objective, "views", 0) + ("negative_images" in wants)
    texts = 1 + ("second" in wants) + ("negatives" in wants) * getattr(objective, "count", 1)
    return images, texts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recipe")
    parser.add_argument("changes", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--gpu", choices=sorted(GPUS), default="h100")
    parser.add_argument("--utilisation", type=float, default=0.35)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--pieces", type=float, default=1.0)
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--like")
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--rows", type=int, default=1)
    given = parser.parse_intermixed_args()
    # the pairs are not read; a recipe without any would be refused
    whole = load_recipe(given.recipe, ["data.pairs=PAIRS", "data.extract=null", *given.changes])
    warnings.simplefilter("ignore")  # that the weights are random
    logging.disable(logging.WARNING)
    known: dict[str, tuple[Counted, float]] = {}
    members = []
    for label, recipe in expand(whole):
        key = repr((recipe.backbone, recipe.adapter, recipe.trainer, recipe.text, recipe.data,
                    _over_classes(recipe)))  # fmt: skip
        if key not in known:
            known[key] = _counted(recipe, given)
        members.append((label, recipe, needed(recipe, *known[key], given.classes)))
    label, recipe, most = max(members, key=lambda member: member[2].flops)
    print(_report(recipe, most, given, f" ({label})" if label else ""))
    return 0


@dataclass(frozen=True)
class Needed:
    """What training asks for: FLOPs of a pair at every epoch, of its image and of its text; FLOPs
    of a pair once; bytes of activations and of the rest."""

    image: float
    text: float
    first: float
    activations: float
    fixed: float
    pieces: float
    counted: Counted

    @property
    def flops(self) -> float:
        return self.image + self.text


def needed(recipe: Any, counted: Counted, pieces: float = 1.0, classes: int = 10) -> Needed:
    """By the objective's passes, or of a head by its one pass over the images."""
    trainer, batch = recipe.trainer, recipe.data.batch_size
    fixed = counted.weights + 3 * counted.trained
    views = {"plain": 1, "rot90": 4, "dihedral": 8}[recipe.data.views]
    if recipe.adapter is None:
        return Needed(
            0, 0, views * counted.image_forward, 64 * counted.live, fixed, pieces, counted
        )
    again = 1 if trainer.chunk else 0  # gradient caching reads everything once more
    at_once = min(batch, trainer.chunk or batch)
    images, texts = (0, 1) if recipe.objective is None else passes(
        recipe.objective.build("objectives"))  # fmt: skip
    image = images * (counted.image_flops + again * counted.image_forward)
    text = texts * pieces * (counted.text_flops + again * counted.text_forward)
    first = 0.0
    if not counted.image_bytes and recipe.data.augment == AugmentSettings():
        image, first = 0.0, image  # the frozen tower's features of an image are remembered
    activations = at_once * (
        (1 if trainer.chunk else images) * counted.image_bytes
        + (1 if trainer.chunk else texts) * pieces * counted.text_bytes
    )
    if _over_classes(recipe):  # once a step, and all at once
        text = classes / batch * counted.text_flops if counted.text_bytes else 0.0
        activations = at_once * images * counted.image_bytes + classes * counted.text_bytes
    if not counted.image_bytes:
        activations += min(at_once, 64) * counted.live
    return Needed(image, text, first, activations + counted.once, fixed, pieces, counted)


def is_half(recipe: Any) -> bool:
    """Whether the towers compute in half precision on a GPU, as a head's features are."""
    return recipe.adapter is None or "16" in recipe.trainer.precision


def _over_classes(recipe: Any) -> bool:
    if recipe.objective is None:
        return recipe.adapter is not None  # one that learns from captions what classes are called
    return bool(recipe.objective.build("objectives").needs == "classes")


def _counted(recipe: Any, given: Any) -> tuple[Counted, float]:
    """What is counted, and the pieces of a text."""
    backbone = load_backbone(given.like or recipe.backbone.name, None, device="cpu")
    backbone.model.requires_grad_(False)
    backbone.read_long(recipe.text.name, **recipe.text.options)
    if recipe.adapter is not None:
        adapter = recipe.adapter
        if (
            "bank" in adapter.options and not adapter.options["bank"]
        ):  # one sentence a class is enough
            names = [f"some class {number:03d}" for number in range(4)]
            texts = {name: ["one sentence", "another"] for name in ["a", "b", *names]}
            adapter = replace(adapter, options={**adapter.options, "texts": texts})
        inject_for(adapter.build("adapters"), backbone, ["a", "b"], ["a {}"])
    pieces = given.pieces
    if given.texts is not None:
        lines = [line for line in given.texts.read_text("utf-8").split("\n") if line]
        way = load("text", recipe.text.name)(**recipe.text.options)
        pieces = len(way.pieces(backbone, lines)) / len(lines)
    px = recipe.data.image_px or backbone.image_size[0]
    templates = recipe.text.templates if _over_classes(recipe) else None
    found = count(backbone, recipe.trainer, image_px=px, rows=given.rows, templates=templates)
    return found, pieces


def _report(recipe: Any, needs: Needed, given: Any, member: str) -> str:
    trainer, counted = recipe.trainer, needs.counted
    half, single, memory = GPUS[given.gpu]
    peak = half if is_half(recipe) else single
    used = (needs.fixed + needs.activations) / GIB

    def seconds(flops: float) -> str:
        time = given.pairs * flops / (peak * 1e12 * given.utilisation)
        return f"{time:.{0 if time >= 1 else 2}f} s for {given.pairs} pairs on a {given.gpu}"

    lines = [
        f"{recipe.name}{member}: {given.like or recipe.backbone.name}, batch "
        f"{recipe.data.batch_size}, chunk {trainer.chunk}, {trainer.precision}",
        f"  GFLOPs a pair   {needs.flops / 1e9:.1f} (image {needs.image / 1e9:.1f}, text "
        f"{needs.text / 1e9:.1f} in {needs.pieces:.2f} pieces)",
        f"  and once        {needs.first / 1e9:.1f}; {seconds(needs.first)}",
        f"  weights         {counted.weights / 4e6:.1f} M, of which {counted.trained / 4e6:.2f} M "
        "train",
        f"  memory          {used:.1f} GiB ({needs.activations / GIB:.1f} of them activations) of "
        f"{memory} of a {given.gpu}",
        f"  an epoch        {seconds(needs.flops)} at "
        f"{given.utilisation:.0%} of {peak} TFLOP/s; {given.pairs * needs.flops / 1e15:.2f} PFLOP",
    ]
    if not needs.first:
        del lines[2]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
