"""What training costs beside forward and backward: our loop against a bare one, in one run.

    python benchmarks/train_step.py [--px 64] [--images 640]

The whole image tower of the embedded backbone is tuned against class prompts, on images held in
memory under flips and quarter turns. The bare loop feeds the same tower one ready batch. Counted in
CPU time, medians, so that other load matters little. The promise (exit 1 where it is broken):
the loop, its data and its logs cost less than 5 % of a bare step.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from domainclip.adapters.full import Full
from domainclip.backbones import load_backbone
from domainclip.data import PairsDataModule
from domainclip.data.settings import AugmentSettings, DataSettings
from domainclip.objectives.class_prompts import ClassPrompts
from domainclip.pairs import Pair, PairWriter, open_pairs
from domainclip.training.fit import fit
from domainclip.training.settings import TrainerSettings

BATCH = 32


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--px", type=int, default=64, help="side of what the tower sees")
    parser.add_argument("--images", type=int, default=640)
    arguments = parser.parse_args()
    backbone = load_backbone("embedded", device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        with PairWriter(Path(folder) / "pairs") as writer:
            for pair in made(arguments.images):
                writer.write(pair)
        before = bare(backbone, arguments.px)
        ours, data = looped(backbone, Path(folder), arguments.px)
        step = statistics.median([before, bare(backbone, arguments.px)])
    print(f"bare forward, backward, AdamW    {step * 1e3:8.1f} ms of CPU a step")
    print(f"domainclip's loop                {ours * 1e3:8.1f} ms  ({ours / step - 1:+.1%})")
    print(f"  of which data, warm            {data * 1e3:8.1f} ms  ({data / step:.1%})")
    return 0 if ours < 1.05 * step else 1


def made(count: int) -> Iterator[Pair]:
    random = np.random.default_rng(0)
    for number in range(count):
        buffer = BytesIO()
        Image.fromarray(random.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(buffer, "PNG")
        yield Pair(key=f"{number:06d}", image=buffer.getvalue(), text="", width=64, height=64,
                   labels=("even" if number % 2 else "odd",), split="train")  # fmt: skip


def bare(backbone: Any, px: int, steps: int = 12) -> float:
    """Median CPU seconds of a step of the plainest loop."""
    tower = backbone.model.visual.to(memory_format=torch.channels_last).eval()
    optimizer = torch.optim.AdamW(tower.parameters(), lr=1e-12, weight_decay=0.0)
    images = torch.randn(BATCH, 3, px, px).contiguous(memory_format=torch.channels_last)
    text = F.normalize(torch.randn(2, backbone.embed_dim), dim=1)
    labels = torch.arange(BATCH) % 2
    found = []
    for _ in range(steps):
        start = time.process_time()
        logits = 100 * F.normalize(tower(images), dim=1) @ text.T
        F.cross_entropy(logits, labels).backward()
        torch.nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        found.append(time.process_time() - start)
    return statistics.median(found[2:])


def looped(backbone: Any, folder: Path, px: int) -> tuple[float, float]:
    """CPU seconds of a step of ours, and of its data."""
    options = DataSettings(
        batch_size=BATCH, image_px=px,
        augment=AugmentSettings(flip=True, vertical_flip=True, rot90=True),
    )  # fmt: skip
    data = PairsDataModule(open_pairs(folder / "pairs"), options, backbone)
    steps = sum(1 for _ in data.train_dataloader())  # decodes the images into memory
    start = time.process_time()
    for batch in data.train_dataloader():
        data.on_after_batch_transfer(batch, 0)
    fed = (time.process_time() - start) / steps
    objective = Timed(ClassPrompts())
    adapter = Full()
    adapter.inject(backbone)
    fit(
        backbone, adapter, objective, data, TrainerSettings(epochs=1, lr=1e-12),
        out=folder / "run", class_text=(data.classes.names, ["a photo of {}."]),
    )  # fmt: skip
    adapter.eject()
    return statistics.median(np.diff(objective.at[2:]).tolist()), fed


class Timed:
    """An objective that notes when it is called."""

    needs = "classes"

    def __init__(self, objective: Any) -> None:
        self.objective, self.at = objective, list[float]()

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.at.append(time.process_time())
        return self.objective(*arguments, **options)


if __name__ == "__main__":
    sys.exit(main())
