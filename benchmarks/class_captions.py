"""Several positives against plain InfoNCE where captions are class names, at each one's best rate.

    python -m benchmarks.class_captions PAIRS [--splits 20] [--shots N] [--batch 32] [--epochs 20]
        [--lr RATE]

As ``tile_class_positives``: PAIRS are pairs of class folders (RSSCN7), a linear map on the embedded
backbone's frozen features of turned and mirrored views is trained by each objective, on the same
batches with the same templates drawn, eight a class, and measured on the test images. The learning
rate of each is its best of five on the splits 100 to 105, which are not among those reported.
--lr: one rate for all instead, which tells an objective from its rate. Intervals over splits are
those of Nadeau and Bengio (2003), since splits share images; with few training images they are wide
(their share of test to training images is above 1).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.tile_class_folders import PROMPTS, interval
from benchmarks.tile_class_positives import Frozen, accuracy, frozen, rows_of_split
from domainclip.objectives.infonce import InfoNCE
from domainclip.objectives.multi_positive import MultiPositive
from domainclip.pairs import Pairs, open_pairs

__all__ = ["OBJECTIVES", "compare", "main"]

RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
CHOSEN_ON = range(100, 106)
PLAIN = "infonce, plain"
OBJECTIVES: dict[str, Any] = {
    PLAIN: InfoNCE(same_text="negative"),
    "infonce, same text positive": InfoNCE(same_text="positive"),
    "multi_positive, out": MultiPositive(same_label="positive", form="out"),
    "multi_positive, in": MultiPositive(same_label="positive", form="in"),
    "multi_positive, same class left out": MultiPositive(same_text="ignore", same_label="ignore"),
}


def compare(
    data: Frozen, pairs: Pairs, splits: Sequence[int], rates: dict[str, float],
    *, shots: int | None, batch: int, epochs: int,
) -> dict[str, dict[int, float]]:  # fmt: skip
    """Objective -> split -> accuracy on the test images, at that objective's rate."""
    found: dict[str, dict[int, float]] = {name: {} for name in rates}
    for split in splits:
        train, test = rows_of_split(pairs, split)
        if shots is not None:
            train = _few(data.labels, train, shots, split)
        for name, rate in rates.items():
            found[name][split] = accuracy(
                data, train, test, OBJECTIVES[name], len(PROMPTS), split,
                lr=rate, epochs=epochs, batch=batch,
            )  # fmt: skip
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--shots", type=int, help="training images a class; all without")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--lr", type=float, help="of all; else the best of each")
    given = parser.parse_args()
    data, pairs = frozen(given.pairs), open_pairs(given.pairs)
    settings = {"shots": given.shots, "batch": given.batch, "epochs": given.epochs}
    rates = dict.fromkeys(OBJECTIVES, given.lr or 0.0)
    if given.lr is None:
        rates = _best_rates(data, pairs, settings)
        print("rates:", ", ".join(f"{name} {rate:g}" for name, rate in rates.items()), flush=True)
    share = (
        len(data.labels)
        * 0.2
        / (len(data.prompts) * given.shots if given.shots else len(data.labels) * 0.8)
    )
    print(table(compare(data, pairs, range(given.splits), rates, **settings), share))
    return 0


def _best_rates(data: Frozen, pairs: Pairs, settings: dict[str, Any]) -> dict[str, float]:
    best: dict[str, tuple[float, float]] = {}
    for rate in RATES:
        tried = compare(data, pairs, CHOSEN_ON, dict.fromkeys(OBJECTIVES, rate), **settings)
        for name, scores in tried.items():
            mean = float(np.mean([*scores.values()]))
            best[name] = max(best.get(name, (-1.0, 0.0)), (mean, rate))
    return {name: rate for name, (_, rate) in best.items()}


def table(scores: dict[str, dict[int, float]], share: float) -> str:
    """Markdown: the mean of each, and its paired difference to plain InfoNCE. share: test images to
    training images, of the intervals."""
    heads = [
        "objective",
        "accuracy",
        "95 % interval",
        "minus plain",
        "95 % interval",
        "better / worse",
    ]
    lines = [f"| {' | '.join(heads)} |", "|---|---:|---|---:|---|---:|"]
    for name, values in scores.items():
        mean, low, high = interval(list(values.values()), share)
        cells = [name, f"{mean:.3f}", f"[{low:.3f}, {high:.3f}]"]
        if name == PLAIN:
            cells += ["", "", ""]
        else:
            gaps = [value - scores[PLAIN][split] for split, value in values.items()]
            mean, low, high = interval(gaps, share)
            more, less = sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps)
            cells += [f"{mean:+.3f}", f"[{low:+.3f}, {high:+.3f}]", f"{more} / {less}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _few(labels: Tensor, train: Tensor, shots: int, seed: int) -> Tensor:
    """So many rows of each class."""
    order = train[torch.from_numpy(np.random.default_rng(seed).permutation(len(train)))]
    return torch.cat([order[labels[order] == label][:shots] for label in labels.unique()])


if __name__ == "__main__":
    sys.exit(main())
