"""Large batches in little memory, and fewer patches: what they cost against plain steps.

    python benchmarks/large_batches.py [--batch 1024] [--chunk 64] [--width 192] [--layers 6]

A ViT of random weights (patches of 16 px, images of 96 px: 36 patches and the class token) with a
text tower of the same width trains on random images and captions by InfoNCE, AdamW.

chunks: a step of the whole batch against the same step in chunks (gradient caching): CPU seconds
and the peak of memory above what the process held before, each in a process of its own; and the
largest difference of their gradients.

patches: a step of the image tower with all patches against half of them left out, at 224 px (196
patches), CPU seconds.
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


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--chunk", type=int, default=64)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--alone", choices=["plain", "chunks"], help=argparse.SUPPRESS)
    parser.add_argument("--to", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        _alone(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        plain, chunks = (_apart(kind, f"{folder}/{kind}") for kind in ("plain", "chunks"))
        one, other = (load_file(f"{folder}/{kind}") for kind in ("plain", "chunks"))
    worst = max(
        float((one[name] - other[name]).abs().max() / one[name].abs().max()) for name in one
    )
    print(f"batch {options.batch}, chunks of {options.chunk}")
    for name, found in (("plain", plain), ("chunks", chunks)):
        print(f"  {name:7} {found['seconds']:7.2f} CPU s  {found['mib']:7.0f} MiB above the start")
    print(
        f"  ratio   compute {chunks['seconds'] / plain['seconds']:.2f}, "
        f"memory {chunks['mib'] / plain['mib']:.3f}"
    )
    print(
        f"  differences: loss {abs(plain['loss'] - chunks['loss']):.1e}, gradients {worst:.1e} of "
        "the largest of their weight"
    )
    _patches(options)


def _apart(kind: str, to: str) -> dict[str, float]:
    command = [sys.executable, __file__, *sys.argv[1:], "--alone", kind, "--to", to]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    return found


def _alone(options: Any) -> None:
    model = _model(options, 96)
    x = torch.randn(options.batch, 3, 96, 96)
    ids = torch.randint(1, 900, (options.batch, 32))
    ids[:, -1] = 999  # the highest id ends a text
    size = None if options.alone == "plain" else options.chunk
    _step(model, x[: options.chunk], ids[: options.chunk], None)  # what is made once
    before, start = _peak(), time.process_time()
    loss = _step(model, x, ids, size)
    seconds = time.process_time() - start
    save_file({n: p.grad for n, p in model.named_parameters() if p.grad is not None}, options.to)
    print(json.dumps({"seconds": seconds, "mib": _peak() - before, "loss": loss}))


def _step(model: Any, x: Tensor, ids: Tensor, size: int | None) -> float:
    model.zero_grad(set_to_none=True)
    image = in_chunks(lambda part: model.encode_image(part, normalize=True), x, size)
    text = in_chunks(lambda part: model.encode_text(part, normalize=True), ids, size)
    logits = model.logit_scale.exp() * image @ text.T
    target = torch.arange(len(x))
    loss = (
        functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)
    ) / 2
    loss.backward()
    return float(loss)


def _patches(options: Any) -> None:
    model = _model(options, 224)
    x = torch.randn(32, 3, 224, 224)
    seconds = {}
    for share in (0.0, 0.5, 0.0, 0.5):
        with thrift(model, TrainerSettings(patch_dropout=share)):
            switch_patch_dropout(model, on=True)
            model.encode_image(x).sum().backward()
            start = time.process_time()
            for _ in range(3):
                model.encode_image(x).sum().backward()
            spent = (time.process_time() - start) / 3
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
