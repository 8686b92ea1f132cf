"""Batched windows against a loop over texts, in one run, on the same weights.

    python benchmarks/long_text.py [--model ViT-B-32] [--texts 16] [--repeats 3] [--device cpu]

Texts of 50 to 600 tokens; the loops read the windows that ``window`` reads, by open_clip's own
``encode_text``: of one text after the other (all its windows at once), and window by window. Random
weights: speed and equality do not depend on them. CPU time on a CPU (of all threads, those that
wait included), wall time on a GPU. The promise (exit 1 where broken): features equal to 1e-5 in
float32, and on a GPU, which one text leaves idle, at least 3 times as fast as the loop over texts.
On a CPU a window is the same arithmetic in a batch of any size, and the loop waits for its threads:
measured 2.8 to 3.1 times on two free cores (24 texts), 0.9 to 1.5 beside other work.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

import domainclip as dc
from domainclip.text.window import Window

WORDS = (
    "the", "left", "lung", "is", "clear", "no", "effusion", "or", "pneumothorax", "seen", "heart",
    "size", "within", "normal", "limits", "a", "nodule", "of", "3", "cm", "at", "apex", ".",
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="ViT-B-32")
    parser.add_argument("--texts", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    clip = dc.load_backbone(arguments.model, device=arguments.device)
    texts = _texts(arguments.texts)
    strategy = Window()
    count = len(strategy.pieces(clip, texts))
    print(f"{arguments.model}, {len(texts)} texts of 50 to 600 tokens in {count} windows")

    def loop(step: int | None) -> Tensor:
        found = []
        with torch.inference_mode():
            for text in texts:
                pieces = strategy.pieces(clip, [text])
                parts = torch.split(pieces.ids, step or len(pieces))
                z = torch.cat([clip.model.encode_text(ids.to(clip.device)) for ids in parts])
                found.append(strategy.pool(normalize(z, dim=-1).float().cpu(), pieces))
        return torch.cat(found)

    ways: dict[str, Callable[[], Tensor]] = {
        "a loop over texts": lambda: loop(None),
        "a loop over windows": lambda: loop(1),
    }
    failed = False
    for name, theirs in ways.items():
        ours = lambda: clip.encode_text(texts, long=strategy)  # noqa: E731
        difference = float((theirs() - ours()).abs().max())
        ratios = [_seconds(theirs) / _seconds(ours) for _ in range(arguments.repeats)]
        ratio = statistics.median(ratios)
        print(f"{ratio:.1f} times as fast as {name}, largest difference {difference:.1e}")
        slow = name == "a loop over texts" and clip.device.type == "cuda" and ratio < 3
        failed |= difference > 1e-5 or slow
    return 1 if failed else 0


def _texts(count: int) -> Sequence[str]:
    """Every length from 50 to 600 tokens alike; each word is one token."""
    lengths = [50 + 550 * number // max(count - 1, 1) for number in range(count)]
    return [
        " ".join(WORDS[(7 * number + 5 * at) % len(WORDS)] for at in range(length))
        for number, length in enumerate(lengths)
    ]


def _seconds(work: Callable[[], Tensor]) -> float:
    clock = time.perf_counter if torch.cuda.is_initialized() else time.process_time
    start = clock()
    work()
    return clock() - start


if __name__ == "__main__":
    sys.exit(main())
