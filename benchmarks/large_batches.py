"""Large batches in little memory, and fewer patches: what they cost against plain steps.

    python benchmarks/large_batches.py [--batch 1024] [--chunk 64] [--width 192] [--layers 6]
                                       [--repeats 4]

A ViT of random weights (patches of 16 px, images of 96 px: 36 patches and the class token) with a
text tower of the same width trains on random images and captions by InfoNCE, AdamW.

chunks: a step of the whole batch against the same step in chunks (gradient caching): CPU seconds of
the process, of steps in turns, the least of each; the peak of memory above what the process held
before, each in a process of its own; and the largest difference of their gradients. Also with
blocks computed again (trainer.checkpoint_blocks), the other way to save memory.

patches: a step of the image tower with all patches against half of them left out, at 224 px (196
patches), CPU seconds, in turns and the least of each.

In turns, and the least: other work on the machine slows steps down, and then both alike.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from typing import Any

import torch
from open_clip import CLIP
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from domainclip.training._chunks import in_chunks
from domainclip.training.settings import TrainerSettings
from domainclip.training.thrift import switch_patch_dropout, thrift

__all__ = ["main"]

KINDS = ("plain", "chunks", "blocks")


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--chunk", type=int, default=64)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--alone", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--to", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        _alone(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        apart = {kind: _apart(kind, f"{folder}/{kind}") for kind in KINDS}
        gradients = {kind: load_file(f"{folder}/{kind}") for kind in KINDS}
    seconds = _in_turns(options)
    print(f"batch {options.batch}, chunks of {options.chunk}")
    plain = gradients["plain"]
    for kind in KINDS:
        found = gradients[kind]
        worst = max(float((plain[n] - found[n]).abs().max() / plain[n].abs().max()) for n in plain)
        loss = abs(apart["plain"]["loss"] - apart[kind]["loss"])
        print(
            f"  {kind:7} {seconds[kind]:7.2f} CPU s ({seconds[kind] / seconds['plain']:.2f}), "
            f"{apart[kind]['mib']:6.0f} MiB ({apart[kind]['mib'] / apart['plain']['mib']:.3f}); "
            f"differences: loss {loss:.1e}, gradients {worst:.1e} of the largest of their weight",
            flush=True,
        )
    _patches(options)


def _apart(kind: str, to: str) -> dict[str, float]:
    command = [sys.executable, __file__, *sys.argv[1:], "--alone", kind, "--to", to]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    return found


def _alone(options: Any) -> None:
    model, x, ids = _made(options)
    _step(model, x[: options.chunk], ids[: options.chunk], "plain", options)  # what is made once
    before = _peak()
    loss = _step(model, x, ids, options.alone, options)
    save_file({n: p.grad for n, p in model.named_parameters() if p.grad is not None}, options.to)
    print(json.dumps({"mib": _peak() - before, "loss": loss}))


def _in_turns(options: Any) -> dict[str, float]:
    """CPU seconds of a step of each kind: the least of several, taken in turns."""
    model, x, ids = _made(options)
    found: dict[str, float] = {}
    for number in range(options.repeats + 1):
        for kind in KINDS:
            start = time.process_time()
            _step(model, x, ids, kind, options)
            spent = time.process_time() - start
            if number:  # the first round is for what is made once
                found[kind] = min(spent, found.get(kind, spent))
    return found


def _made(options: Any) -> tuple[Any, Tensor, Tensor]:
    model = _model(options, 96)
    x = torch.randn(options.batch, 3, 96, 96)
    ids = torch.randint(1, 900, (options.batch, 32))
    ids[:, -1] = 999  # the highest id ends a text
    return model, x, ids


def _step(model: Any, x: Tensor, ids: Tensor, kind: str, options: Any) -> float:
    size = options.chunk if kind == "chunks" else None
    with thrift(model, TrainerSettings(checkpoint_blocks=kind == "blocks")):
        return _stepped(model, x, ids, size)


def _stepped(model: Any, x: Tensor, ids: Tensor, size: int | None) -> float:
    model.zero_grad(set_to_none=True)
    image = in_chunks(lambda part: model.encode_image(part, normalize=True), x, size)
    text = in_chunks(lambda part: model.encode_text(part, normalize=True), ids, size)
    logits = model.logit_scale.exp() * image @ text.T
    target = torch.arange(len(x))
    loss = (
        functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)
    ) / 2
    loss.backward()
    return float(loss.detach())


def _patches(options: Any) -> None:
    model = _model(options, 224)
    x = torch.randn(32, 3, 224, 224)
    seconds: dict[float, float] = {}
    for number in range(2 * options.repeats + 2):
        share = number % 2 / 2
        with thrift(model, TrainerSettings(patch_dropout=share)):
            switch_patch_dropout(model, on=True)
            start = time.process_time()
            model.encode_image(x).sum().backward()
            spent = time.process_time() - start
        if number > 1:
            seconds[share] = min(spent, seconds.get(share, spent))
    print(
        f"patches: all {seconds[0.0]:.2f} CPU s, half {seconds[0.5]:.2f} CPU s a step of 32 "
        f"images: {seconds[0.0] / seconds[0.5]:.2f} times as fast"
    )


def _model(options: Any, px: int) -> Any:
    torch.manual_seed(0)
    width, layers = options.width, options.layers
    return CLIP(
        embed_dim=128,
        vision_cfg={"image_size": px, "layers": layers, "width": width, "patch_size": 16,
                    "head_width": 32},
        text_cfg={"context_length": 32, "vocab_size": 1000, "width": width, "heads": 6,
                  "layers": layers},
    ).train()  # fmt: skip


def _peak() -> float:
    """MiB that the process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
