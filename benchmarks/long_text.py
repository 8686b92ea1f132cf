"""What batching, shortening and reading once each give to long texts, against loops of one's own.

    python -m benchmarks.long_text [--model ViT-B-32] [--texts 16] [--repeats 3] [--device cpu]
        [--file REPORTS.txt | --openi NLMCXR_reports.tgz]

Texts are 50 to 600 random words, drawn from the whole words of CLIP's vocabulary, so that no two
windows are alike; with --file the lines of a file, with --openi reports of the OpenI collection
(findings and impression and what is around them), drawn at random. All are read by ``window``:

    loop over windows     one window a pass, all positions of the tower
    loop over texts       a text's windows in one pass, all positions
    ... shortened         the same on the shortest exact context, as ``Backbone.text`` reads
    batched               windows of all texts in batches by length, shortened; each is read
    encode_text           the same, equal windows read once

A line is the seconds of one way, the median over repeats in turn with the others, the least and
the most; and how many times as fast ``encode_text`` is, likewise as median, least and most of the
ratios within a repeat. Random weights: speed does not depend on them. Seconds are CPU time of all
threads on a CPU (those that wait included, so that other work on the machine counts less), wall
time on a GPU. Exit 1 where features of two ways differ by more than 1e-5 in float32.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import open_clip
import torch
from torch import Tensor
from torch.nn.functional import normalize

import domainclip as dc
from benchmarks.long_text_tasks import openi_tasks
from domainclip.backbones import Backbone
from domainclip.text.window import Window

__all__ = ["main", "random_texts", "ways"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="ViT-B-32")
    parser.add_argument("--texts", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--file", type=Path)
    parser.add_argument("--openi", type=Path)
    arguments = parser.parse_args()
    clip = dc.load_backbone(arguments.model, device=arguments.device)
    texts = random_texts(arguments.texts)
    if arguments.file or arguments.openi:
        known = _lines(arguments.file) if arguments.file else _reports(arguments.openi)
        texts = random.Random(0).sample(known, min(arguments.texts, len(known)))
    ids = Window().pieces(clip, texts).ids
    print(
        f"{arguments.model}, {len(texts)} texts in {len(ids)} windows of which "
        f"{len(torch.unique(ids, dim=0))} differ; {torch.get_num_threads()} threads, "
        f"{arguments.device}"
    )
    return _compared(ways(clip, texts), arguments.repeats)


def ways(clip: Backbone, texts: Sequence[str]) -> dict[str, Callable[[], Tensor]]:
    """Each gives (n, d) of unit length; the last is what the toolkit does."""
    strategy = Window()

    def loop(read: Callable[[Tensor], Tensor], step: int | None) -> Tensor:
        found = []
        with torch.inference_mode():
            for text in texts:
                pieces = strategy.pieces(clip, [text])
                z = torch.cat([read(ids) for ids in torch.split(pieces.ids, step or len(pieces))])
                found.append(strategy.pool(z.float().cpu(), pieces))
        return torch.cat(found)

    def whole(ids: Tensor) -> Tensor:
        return normalize(clip.model.encode_text(ids.to(clip.device)), dim=-1)

    def batched() -> Tensor:
        pieces = strategy.pieces(clip, texts)
        return strategy.pool(clip.encode_ids(pieces.ids), pieces)

    return {
        "loop over windows": lambda: loop(whole, 1),
        "loop over texts": lambda: loop(whole, None),
        "... shortened": lambda: loop(clip.text, None),
        "batched": batched,
        "encode_text": lambda: clip.encode_text(texts, long=strategy),
    }


def random_texts(count: int, seed: int = 0) -> list[str]:
    """Every length from 50 to 600 words alike, of words that are one token each to CLIP."""
    entries = open_clip.get_tokenizer("ViT-B-32").encoder
    whole = [word.removesuffix("</w>") for word in entries if word.endswith("</w>")]
    words = [word for word in whole if word.isascii() and word.isalpha() and len(word) > 2]
    draw = random.Random(seed)
    lengths = [50 + 550 * number // max(count - 1, 1) for number in range(count)]
    return [" ".join(draw.choices(words, k=length)) for length in lengths]


def _compared(found: dict[str, Callable[[], Tensor]], repeats: int) -> int:
    ours = list(found)[-1]
    features = {name: work() for name, work in found.items()}  # and warm
    seconds: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(repeats):
        for name, work in found.items():
            seconds[name].append(_seconds(work))
    print(f"{'':18} {'seconds (least to most)':>28} {'encode_text is faster by':>28}  difference")
    worst = 0.0
    for name, each in seconds.items():
        ratios = [theirs / mine for theirs, mine in zip(each, seconds[ours], strict=True)]
        difference = float((features[name] - features[ours]).abs().max())
        worst = max(worst, difference)
        print(f"{name:18} {_spread(each, 2):>28} {_spread(ratios, 2):>28}  {difference:.1e}")
    return 1 if worst > 1e-5 else 0


def _spread(values: Sequence[float], digits: int) -> str:
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _lines(file: Path) -> list[str]:
    return [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def _reports(archive: Path) -> list[str]:
    return list({text: None for task in list(openi_tasks(archive))[1:2] for text in task.long})


def _seconds(work: Callable[[], Tensor]) -> float:
    clock = time.perf_counter if torch.cuda.is_initialized() else time.process_time
    start = clock()
    work()
    return clock() - start


if __name__ == "__main__":
    sys.exit(main())
