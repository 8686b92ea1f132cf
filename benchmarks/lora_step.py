"""A step of LoRA on an open_clip image tower: ours against peft's own for packed attention.

    python benchmarks/lora_step.py [--model ViT-B-32] [--batches 2 8] [--steps 5] [--rank 2]

Random weights, which cost what trained ones do; forward, backward and AdamW on the image tower
alone, steps of the two taken in turn, medians. Ours: q, k and v with dropout 0.25 (the defaults).
peft: what it does to ``nn.MultiheadAttention``, q, k, v and out_proj, its lora_dropout without
effect. The promise (exit 1 where it is broken): ours is never slower.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import Any

import open_clip
import torch
from peft import LoraConfig, inject_adapter_in_model
from torch import nn

from domainclip.adapters.lora import LoRA
from domainclip.backbones import Backbone


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="ViT-B-32")
    parser.add_argument("--batches", type=int, nargs="+", default=[2, 8])
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rank", type=int, default=2)
    arguments = parser.parse_args()
    towers = {"ours": ours(arguments.model, arguments.rank),
              "peft": by_peft(arguments.model, arguments.rank)}  # fmt: skip
    kept = True
    print(f"{arguments.model}, rank {arguments.rank}, {torch.get_num_threads()} threads, "
          f"ms a step\n{'batch':>6}{'ours':>10}{'peft':>10}{'peft / ours':>13}")  # fmt: skip
    for batch in arguments.batches:
        steps = {name: Step(tower, batch) for name, tower in towers.items()}
        found: dict[str, list[float]] = {name: [] for name in steps}
        for number in range(arguments.steps + 1):
            for name, step in steps.items():  # in turn, so that other load hits both
                seconds = step()
                if number:  # the first one warms up
                    found[name].append(seconds)
        median = {name: statistics.median(values) * 1e3 for name, values in found.items()}
        ratio = median["peft"] / median["ours"]
        kept = kept and ratio >= 1.0
        print(f"{batch:>6}{median['ours']:>10.0f}{median['peft']:>10.0f}{ratio:>12.2f}x")
    trained = {name: sum(p.numel() for p in t.parameters() if p.requires_grad)
               for name, t in towers.items()}  # fmt: skip
    print("trained parameters: " + ", ".join(f"{name} {n:,}" for name, n in trained.items()))
    return 0 if kept else 1


class Step:
    """One optimiser step of a tower on random images; gives the seconds it took."""

    def __init__(self, tower: nn.Module, batch: int) -> None:
        size = tower.image_size  # type: ignore[attr-defined]
        self.tower, self.images = tower, torch.randn(batch, 3, *size)
        trained = [p for p in tower.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(trained, lr=1e-6)

    def __call__(self) -> float:
        start = time.perf_counter()
        self.tower(self.images).square().mean().backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return time.perf_counter() - start


def ours(name: str, rank: int) -> nn.Module:
    model = open_clip.create_model(name).eval()
    backbone = Backbone(model, _unused, _unused, name=name,
                        config=open_clip.get_model_config(name) or {})  # fmt: skip
    adapter = LoRA(rank=rank, towers=("image",))
    adapter.inject(backbone)
    adapter.train()
    visual: nn.Module = model.visual
    return visual


def by_peft(name: str, rank: int) -> nn.Module:
    visual: Any = open_clip.create_model(name).visual.eval()
    attention = [path for path, m in visual.named_modules() if isinstance(m, nn.MultiheadAttention)]
    config = LoraConfig(r=rank, lora_alpha=1, use_rslora=True, target_modules=attention)
    inject_adapter_in_model(config, visual)
    for path, parameter in visual.named_parameters():
        parameter.requires_grad_(".lora_" in path)
    return visual


def _unused(*_: Any) -> Any:
    raise AssertionError("the benchmark gives tensors")


if __name__ == "__main__":
    sys.exit(main())
