"""What a recipe's training needs: FLOPs counted, memory counted, and so the time of an epoch.

    python -m benchmarks.recipe_flops RECIPE [KEY=VALUE ...] [--gpu h100] [--utilisation 0.35]
        [--pairs 10000] [--pieces 1.0] [--like ViT-B-16]

The backbone is made with random weights (nothing is downloaded), the adapter injected, and a step
of --rows pairs is run on this CPU in the recipe's precision. torch.utils.flop_counter counts every
matrix product, convolution and attention of the forward and backward pass; hooks on what autograd
keeps count the bytes of activations. Both grow with the batch in proportion. --pieces: forward
passes of the text tower per caption, the mean of the strategy that reads long texts (--texts FILE,
one text a line, counts it by the recipe's own strategy). --like: another model of the same shape
where the recipe's own lies on a hub.

FLOPs per pair = images x image tower + texts x pieces x text tower, forward and backward, with the
further views, second captions and negatives that the objective has encoded with gradient (teachers'
passes are not counted); trainer.chunk adds a forward pass of both, and trainer.patch_dropout and
checkpoint_blocks are run as they are.
Seconds of an epoch = pairs x FLOPs / (peak x utilisation). Peak is the vendor's dense bfloat16
number. The utilisation is an assumption, and says nothing of decoding: 0.35 is what contrastive
training of a ViT-B reaches where the loader keeps up.
Memory = weights + gradients and two AdamW moments of what trains + activations of a batch (of a
chunk, where there is one); without the allocator's reserve and CUDA's own 1 GiB or so.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from domainclip.adapters._protocol import inject_for
from domainclip.backbones import load_backbone
from domainclip.catalogue import load
from domainclip.objectives._protocol import wants_of
from domainclip.recipe import load_recipe
from domainclip.training.thrift import switch_patch_dropout, thrift

__all__ = ["Counted", "count", "main", "passes"]

GPUS = {  # dense bfloat16 (T4: float16) TFLOP/s and GiB, by the vendor's data sheets
    "t4": (65, 15), "a10": (125, 22), "l4": (121, 22), "rtx4090": (165, 24), "a100": (312, 80),
    "h100": (989, 80), "h200": (989, 141),
}  # fmt: skip
GIB = 1 << 30


@dataclass(frozen=True)
class Counted:
    """Of a pair: FLOPs and activation bytes of each tower, forward and backward together, and
    FLOPs of the forward pass alone; weights and those that train, in bytes."""

    image_flops: float
    text_flops: float
    image_forward: float
    text_forward: float
    image_bytes: float
    text_bytes: float
    weights: int
    trained: int


def count(backbone: Any, settings: Any, *, image_px: int, rows: int = 2) -> Counted:
    """Run both towers of a backbone whose trained weights require gradients."""
    x = torch.rand(rows, 3, image_px, image_px)
    ids = backbone.tokenize(["word " * backbone.context_length] * rows)
    found: list[float] = []
    with thrift(backbone.model, settings):
        switch_patch_dropout(backbone.model, on=True)
        for tower, given in ((backbone.image, x), (backbone.text, ids)):
            found += [each / rows for each in _step(tower, given, settings.precision, backbone)]
    weights = list(backbone.model.parameters())
    return Counted(
        image_flops=found[0], image_forward=found[1], image_bytes=found[2],
        text_flops=found[3], text_forward=found[4], text_bytes=found[5],
        weights=sum(p.nbytes for p in weights),
        trained=sum(p.nbytes for p in weights if p.requires_grad),
    )  # fmt: skip


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
    parser.add_argument("--rows", type=int, default=2)
    given = parser.parse_intermixed_args()
    # the pairs are not read; a recipe without any would be refused
    recipe = load_recipe(given.recipe, ["data.pairs=PAIRS", "data.extract=null", *given.changes])
    warnings.simplefilter("ignore")  # that the weights are random
    name = given.like or recipe.backbone.name
    backbone = load_backbone(name, None, device="cpu")
    backbone.model.requires_grad_(False)
    if recipe.adapter is not None:
        inject_for(recipe.adapter.build("adapters"), backbone, ["a", "b"], ["a {}"])
    px = recipe.data.image_px or backbone.image_size[0]
    counted = count(backbone, recipe.trainer, image_px=px, rows=given.rows)
    pieces = given.pieces
    if given.texts is not None:
        lines = [line for line in given.texts.read_text("utf-8").split("\n") if line]
        way = load("text", recipe.text.name)(**recipe.text.options)
        pieces = len(way.pieces(backbone, lines)) / len(lines)
    print(_report(recipe, counted, given, pieces, f"{name}, {px} px"))
    return 0


def _report(recipe: Any, counted: Counted, given: Any, pieces: float, model: str) -> str:
    trainer, batch = recipe.trainer, recipe.data.batch_size
    again = 1 if trainer.chunk else 0  # gradient caching reads everything once more
    images, texts = passes(recipe.objective.build("objectives"))
    image = images * (counted.image_flops + again * counted.image_forward)
    text = texts * pieces * (counted.text_flops + again * counted.text_forward)
    flops = image + text
    at_once = min(batch, trainer.chunk or batch)
    if trainer.chunk:  # read one after the other
        images = texts = 1
    activations = at_once * (images * counted.image_bytes + texts * pieces * counted.text_bytes)
    fixed = counted.weights + 3 * counted.trained
    peak, memory = GPUS[given.gpu]
    seconds = given.pairs * flops / (peak * 1e12 * given.utilisation)
    used = (fixed + activations) / GIB
    lines = [
        f"{recipe.name}: {model}, batch {batch}, chunk {trainer.chunk}, {trainer.precision}",
        f"  GFLOPs a pair   {flops / 1e9:.1f} (image {image / 1e9:.1f}, text {text / 1e9:.1f} in "
        f"{pieces:.2f} pieces)",
        f"  weights         {counted.weights / 4e6:.1f} M, of which {counted.trained / 4e6:.2f} M "
        "train",
        f"  memory          {used:.1f} GiB ({activations / GIB:.1f} of them activations) of "
        f"{memory} of a {given.gpu}",
        f"  an epoch        {seconds:.0f} s for {given.pairs} pairs on a {given.gpu} at "
        f"{given.utilisation:.0%} of {peak} TFLOP/s; {given.pairs * flops / 1e15:.2f} PFLOP",
    ]
    return "\n".join(lines)


def _step(tower: Any, given: Tensor, precision: str, backbone: Any) -> tuple[float, float, float]:
    """(FLOPs forward and backward, FLOPs forward, bytes that autograd keeps)."""
    half = "bf16" in precision or "16" in precision.split("-")[0]
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        # the counter knows neither a CPU's own attention nor PyTorch's fused one of inference
        with sdpa_kernel(SDPBackend.MATH), _unfused():
            with FlopCounterMode(display=False) as forward, torch.no_grad():
                tower(given)
            with FlopCounterMode(display=False) as both:
                _backward(tower(given))
        kept: dict[int, int] = {}
        weights = {p.untyped_storage().data_ptr() for p in backbone.model.parameters()}
        with _keeping(kept, weights):  # with it, as on a GPU: no matrix of all pairs of positions
            tower(given)
    return (
        float(both.get_total_flops()),
        float(forward.get_total_flops()),
        float(sum(kept.values())),
    )


@contextmanager
def _unfused() -> Iterator[None]:
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _backward(features: Tensor) -> None:
    if features.requires_grad:  # not of a tower that the adapter leaves alone
        features.float().sum().backward()


@contextmanager
def _keeping(kept: dict[int, int], weights: set[int]) -> Iterator[None]:
    """Bytes of each storage that autograd keeps, weights aside; two views of one count once."""
    held: list[Tensor] = []  # so that no address is used twice

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
            held.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield


if __name__ == "__main__":
    sys.exit(main())
