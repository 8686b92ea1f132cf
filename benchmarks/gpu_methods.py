"""Every few-shot method and a recipe on a GPU: does it run there, and how fast are the towers.

    python -m benchmarks.gpu_methods [--model ViT-B-16]

Prints images a second of the image tower in float32 and under bfloat16 autocast (224 pixels, 256 at
once), each method's time on three colour classes with random weights (its score says that it
learns, no more), and the recipe figures/papers in float32 and bfloat16. Exits with 1 where a method
fails that needs no text bank. It needs a GPU; the tests run without one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import domainclip as dc
from domainclip.catalogue import entries
from domainclip.cli import main as command
from domainclip.errors import UsageError
from tests.data.map_pairs import map_pairs

COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}


def tower_rates(clip: dc.backbones.Backbone) -> None:
    """Print images a second of the image tower."""
    images = torch.randn(256, 3, 224, 224, device=clip.device)
    for dtype in (torch.float32, torch.bfloat16):
        cast = torch.autocast("cuda", dtype=dtype, enabled=dtype != torch.float32)
        with torch.no_grad(), cast:
            for _ in range(3):
                clip.image(images)
            torch.cuda.synchronize()
            started = time.perf_counter()
            for _ in range(10):
                clip.image(images)
            torch.cuda.synchronize()
        print(f"image tower, {dtype}: {2560 / (time.perf_counter() - started):,.0f} images/s")


def pictures(per_class: int, rng: np.random.Generator) -> tuple[list[Image.Image], list[str]]:
    """Noise around three colours."""
    labels = [name for name in COLOURS for _ in range(per_class)]
    noise = (np.array(COLOURS[name]) + rng.normal(0, 60, (64, 64, 3)) for name in labels)
    return [Image.fromarray(np.clip(each, 0, 255).astype(np.uint8)) for each in noise], labels


def main() -> int:
    """Run all of it; 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="ViT-B-16")
    model = parser.parse_args().model
    warnings.simplefilter("ignore")
    if not torch.cuda.is_available():
        print("There is no GPU here.")
        return 2
    print(torch.cuda.get_device_name(), torch.__version__)
    clip = dc.load_backbone(model)
    tower_rates(clip)
    rng = np.random.default_rng(0)
    (images, labels), (tests, truth) = pictures(8, rng), pictures(4, rng)
    failed = 0
    adapters = {entry.name for entry in entries("adapters")}
    for name in [entry.name for kind in ("heads", "adapters") for entry in entries(kind)]:
        started = time.perf_counter()
        try:
            fitted = dc.few_shot(
                clip, images, labels, list(COLOURS), method=name, shots=8,
                epochs=2 if name in adapters else None,
            )  # fmt: skip
        except UsageError as error:  # it wants a text bank, or parts
            print(f"{name:16} left out: {str(error)[:60]}")
            clip = dc.load_backbone(model)
            continue
        except Exception as error:
            failed += 1
            print(f"{name:16} FAILED: {type(error).__name__}: {str(error)[:200]}")
            clip = dc.load_backbone(model)
            continue
        score = fitted.score(tests, truth)
        print(f"{name:16} {score:.2f} in {time.perf_counter() - started:.1f} s", flush=True)
        if name in adapters:
            fitted.component.eject()
    with tempfile.TemporaryDirectory() as folder:
        map_pairs(Path(folder) / "pairs")
        for precision in ("32-true", "bf16-mixed"):
            started = time.perf_counter()
            failed += command(
                ["run", "figures/papers", f"data.pairs={folder}/pairs", f"backbone.name={model}",
                 "backbone.pretrained=null", f"trainer.precision={precision}", "trainer.epochs=2",
                 "-o", f"{folder}/{precision}"]
            )  # fmt: skip
            print(f"figures/papers, {precision}: {time.perf_counter() - started:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
