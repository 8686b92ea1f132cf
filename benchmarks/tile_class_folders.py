"""Objectives on folders of aerial images: accuracy over many splits, and paired differences.

    python -m benchmarks.tile_class_folders FOLDER -o OUT [--splits 10] [--arms NAME...]

FOLDER holds a folder of images for each class, or is a pairs directory made of one. An arm is the
recipe remote_sensing/class_folders with another objective and all else equal, run on the same
splits (80 % train, 20 % test, stratified by class; the split's seed is also the training's), on a
GPU where there is one. ``--set trainer.epochs=40`` changes the recipe for all arms, ``--first 100``
takes other splits: choose settings on some and report others. ``--done`` runs nothing and prints
what is finished.

Printed: accuracy by arm as a mean over the splits with its 95 % interval, then paired differences.
The splits share images, so the intervals are Nadeau and Bengio's (2003,
doi 10.1023/A:1024068626366): the variance of the mean of J splits is (1/J + test/train) times that
of one split. The same command goes on after an interruption.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from scipy import stats

from domainclip.extraction import run_extraction
from domainclip.recipe import load_recipe
from domainclip.runs import Result, read_result, run

__all__ = ["ARMS", "main", "measure", "tables"]

RECIPE = "remote_sensing/class_folders"
# words for RSSCN7's folders; other folders go by their own names
NAMES = {
    "aGrass": "grassland", "bField": "field", "cIndustry": "industrial area",
    "dRiverLake": "river or lake", "eForest": "forest", "fResident": "residential area",
    "gParking": "parking lot",
}  # fmt: skip
PROMPTS = (
    "an aerial photo of a {}.", "a satellite image of a {}.", "an overhead view of a {}.",
    "a {}, seen from above.", "a bird's-eye view of a {}.", "one can see a {} in this picture.",
    "a view from space of a {}.", "here is a {} from above.",
)  # fmt: skip
BY_CLASS = "benchmarks.tile_class_positives:ClassPositives"
FROZEN = "[{name: zero_shot}, {name: few_shot, head: gda, shots: [16]}, {name: linear_probe}, " \
         "{name: colour_histogram}]"  # fmt: skip


def _infonce(captions: str, same_text: str, prompts: bool = False) -> list[str]:
    kind = f"name: infonce, same_text: {same_text}"
    if same_text == "class":
        kind = f"name: '{BY_CLASS}'"
    settings = [f"objective={{{kind}, captions: {captions}, label_smoothing: 0.1}}"]
    if captions == "pairs":
        settings.append("data.text_roles=[caption, class]")  # two an image, one drawn an epoch
    return [*settings, f"text.templates={json.dumps(PROMPTS)}"] if prompts else settings


# Every arm smooths its targets by 0.1. Where all captions of a class are one string, plain InfoNCE
# and the one with several positives are the same function; see docs/tiles_results.md.
ARMS: Mapping[str, list[str]] = {
    "class prompts": [],
    "class prompts, 8 prompts": [f"text.templates={json.dumps(PROMPTS)}"],
    "infonce, 1 prompt, plain": _infonce("classes", "negative"),
    "infonce, 1 prompt, same text positive": _infonce("classes", "positive"),
    "infonce, 8 prompts, plain": _infonce("classes", "negative", True),
    "infonce, 8 prompts, same class positive": _infonce("classes", "class", True),
    "infonce, captions, plain": _infonce("pairs", "negative"),
    "infonce, captions, same class positive": _infonce("pairs", "class"),
}
PAIRED = [
    ("infonce, 1 prompt, same text positive", "infonce, 1 prompt, plain"),
    ("infonce, 8 prompts, same class positive", "infonce, 8 prompts, plain"),
    ("infonce, captions, same class positive", "infonce, captions, plain"),
    ("class prompts", "infonce, 1 prompt, plain"),
    ("class prompts, 8 prompts", "infonce, 8 prompts, plain"),
    ("class prompts", "infonce, captions, plain"),
    ("class prompts", "linear probe, frozen features"),
    ("class prompts", "few shot, 16 a class"),
]
PROBE = "linear probe, adapted features"
Scores = dict[str, dict[int, float]]  # arm or method -> split -> accuracy


def measure(pairs: Path, out: Path, arm: str, split: int, changes: Sequence[str] = ()) -> Result:
    """One arm on one split; the first arm also measures what needs no training."""
    labels = {label: NAMES[label] for label in _labels(pairs) if label in NAMES}
    settings = [
        f"data.pairs={pairs}", "data.split.by=group", f"data.split.seed={split}",
        f"seed={split}",
        f"evaluate={FROZEN if arm == next(iter(ARMS)) else '[{name: zero_shot}]'}",
        *([f"text.classnames={json.dumps(labels)}"] if labels else []), *ARMS[arm], *changes,
    ]  # fmt: skip
    return run(load_recipe(RECIPE, settings), _folder(out, arm, split))


def gathered(arm: str, result: Result) -> dict[str, float]:
    """Accuracies of a run: the arm's own, and those of the methods without training."""
    found = {m.label: m.value.value for m in result.methods if m.kind != "adapted"}
    own = next(m for m in result.methods if m.label.endswith("(this run)"))
    probe = next((m for m in result.methods if m.label == PROBE), None)
    found |= {} if probe is None else {f"{arm}, then a linear probe": probe.value.value}
    return {**(found if arm == next(iter(ARMS)) else {}), arm: own.value.value}


def interval(values: Sequence[float], share: float) -> tuple[float, float, float]:
    """Mean and 95 % interval over overlapping splits; share: test images to training images."""
    n = len(values)
    mean = float(np.mean(values))
    if n < 2:
        return mean, float("nan"), float("nan")
    spread = float(np.std(values, ddof=1)) * (1 / n + share) ** 0.5
    half = float(stats.t.ppf(0.975, n - 1)) * spread
    return mean, mean - half, mean + half


def tables(scores: Scores, share: float = 0.25) -> str:
    """The two tables as text."""
    lines = [f"{'accuracy':46} splits   mean  95 % interval     worst   best"]
    for name, values in scores.items():
        mean, low, high = interval(list(values.values()), share)
        lines.append(f"{name:46} {len(values):6}  {mean:.3f}  [{low:.3f}, {min(high, 1):.3f}]  "
                     f"{min(values.values()):6.3f} {max(values.values()):6.3f}")  # fmt: skip
    lines += ["", f"{'paired difference':84} splits    mean  95 % interval      better/worse"]
    for ours, theirs in PAIRED:
        shared = sorted(scores.get(ours, {}).keys() & scores.get(theirs, {}).keys())
        if not shared:
            continue
        gaps = [scores[ours][split] - scores[theirs][split] for split in shared]
        mean, low, high = interval(gaps, share)
        lines.append(
            f"{f'{ours} - {theirs}':84} {len(gaps):6}  {mean:+.3f}  [{low:+.3f}, {high:+.3f}]  "
            f"{sum(gap > 0 for gap in gaps):6}/{sum(gap < 0 for gap in gaps)}"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first split's seed")
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS), metavar="ARM")
    parser.add_argument("--workers", type=int, default=1, help="runs at the same time")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--done", action="store_true", help="print what is finished, run nothing")
    arguments = parser.parse_args()
    splits = range(arguments.first, arguments.first + arguments.splits)
    jobs = [(arm, split) for split in splits for arm in arguments.arms]
    if not arguments.done:
        _carry_out(jobs, arguments.folder, arguments.output, arguments.set, arguments.workers)
    scores: Scores = {}
    for arm, split in jobs:
        folder = _folder(arguments.output, arm, split)
        if (folder / "metrics.json").is_file():
            for name, value in gathered(arm, read_result(folder)).items():
                scores.setdefault(name, {})[split] = value
    print(tables(dict(sorted(scores.items()))))
    return 0


def _carry_out(
    jobs: Sequence[tuple[str, int]], source: Path, out: Path, changes: Sequence[str], workers: int
) -> None:
    """Every job, ``workers`` of them at a time."""
    pairs = _pairs(source, out)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _alone, (workers,)) as pool:
        waiting = {pool.submit(measure, pairs, out, *job, changes): job for job in jobs}
        for number, done in enumerate(as_completed(waiting), start=1):
            arm, split = waiting[done]
            score = gathered(arm, done.result())[arm]
            print(f"{number} of {len(jobs)}: {arm}, split {split}: {score:.3f}",
                  file=sys.stderr, flush=True)  # fmt: skip


def _pairs(folder: Path, out: Path) -> Path:
    if any(folder.glob("part-*.parquet")):
        return folder.resolve()
    from domainclip.extractors.tiles import Tiles  # rasterio, which pairs at hand do not need

    pairs = (out / "pairs").resolve()
    if not any(pairs.glob("part-*.parquet")):
        run_extraction(Tiles(classes="folders", whole=True), [str(folder)], pairs)
    return pairs


def _folder(out: Path, arm: str, split: int) -> Path:
    return out / f"{arm.replace(', ', '-').replace(' ', '_')}-{split}"


def _alone(workers: int) -> None:
    """Workers side by side take a core each."""
    import torch  # in the worker alone

    if workers > 1:
        torch.set_num_threads(1)


def _labels(pairs: Path) -> list[str]:
    from domainclip.pairs import open_pairs

    column = open_pairs(pairs).table(["labels"]).column("labels").to_pylist()
    return sorted({label for row in column for label in row or ()})


if __name__ == "__main__":
    sys.exit(main())
