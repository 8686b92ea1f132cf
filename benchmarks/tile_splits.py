"""What a random split of tiles flatters, on real ground: Blue Marble against Köppen-Geiger climate.

    python -m benchmarks.tile_splits [--seeds 5] [--per-class 600] [--backbone embedded]

Tiles of NASA's Blue Marble with their climate as the class, split at random, by map cells, and by
map cells with a buffer; twice: tiles side by side, and tiles that overlap as the quickstart's do.
Logistic regression learns the training tiles: on 42 numbers of colour and gradients, or on the
features of a frozen backbone. Printed: the accuracy on the test tiles with a 95 % interval (cells
resampled), the mean over the seeds, and what the leakage report says of the same split.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from domainclip.evaluation.metrics import Sampling, accuracy
from domainclip.extraction import run_extraction
from domainclip.extractors.tiles import Tiles
from domainclip.pairs import Pairs, open_pairs, plan_splits
from domainclip.pairs._footprints import read_footprints
from domainclip.pairs._ground import Ground
from domainclip.pairs._split_units import earth_cells
from domainclip.pairs.leakage import leakage

__all__ = ["main"]

FRACTIONS = {"train": 0.8, "test": 0.2}
CELL_M = 1_000_000.0
BUFFER_M = 100_000.0
SPLITS: dict[str, dict[str, object]] = {
    "at random": {"by": "key"},
    "by cell": {"by": "cell", "cell_m": CELL_M},
    "by cell, buffer": {"by": "cell", "cell_m": CELL_M, "buffer_m": BUFFER_M},
}


def handmade(picture: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 -> (42,): moments and histograms of the channels and of the gradient."""
    values = picture.astype(float) / 255
    rows, columns = np.gradient(values.mean(axis=2))
    planes = [*np.moveaxis(values, 2, 0), np.hypot(rows, columns) * 4]
    found = [
        [plane.mean(), plane.std(), *np.histogram(plane, 8, (0, 1))[0] / plane.size]
        for plane in planes
    ]
    turns = np.histogram(np.arctan2(rows, columns), 2, (-np.pi, np.pi), weights=planes[3])[0]
    return np.concatenate([*found, turns / planes[3].size])


def features_of(pairs: Pairs, backbone: str) -> np.ndarray:
    """(n, k) features of every pair."""
    pictures = [Image.open(io.BytesIO(pair.image)).convert("RGB") for pair in pairs.rows(["image"])]
    if not backbone:
        return np.stack([handmade(np.asarray(picture)) for picture in pictures])
    import domainclip as dc

    large = [picture.resize((64, 64), Image.Resampling.BICUBIC) for picture in pictures]
    return dc.load_backbone(backbone).encode_image(large).numpy()


def measured(pairs: Pairs, features: np.ndarray, cells: list[str], seed: int, name: str) -> str:
    """One line: accuracy with its interval, and the leakage, of one split."""
    plan = plan_splits(pairs, FRACTIONS, seed=seed, **SPLITS[name])  # type: ignore[arg-type]
    splits = np.array(plan.splits)
    labels = np.array([each[0] for each in pairs.table(["labels"]).column("labels").to_pylist()])
    train, test = splits == "train", splits == "test"
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=400, C=0.3))
    model.fit(features[train], labels[train])
    sampling = Sampling(int(test.sum()), [cells[row] for row in np.flatnonzero(test)])
    score = accuracy(model.predict(features[test]), labels[test], sampling)
    (leak,) = leakage(pairs.with_splits(plan.splits)).splits
    SCORES.setdefault(name, []).append(score.value)
    return (
        f"{name:<16}{seed:>5}{train.sum():>7,}{test.sum():>7,}{plan.buffered:>9,}"
        f"{score.value:>9.1%} [{score.low:.1%}, {score.high:.1%}]"
        f"{leak.overlapping.share:>9.1%}{leak.covered:>7.1%}{leak.near_copies.rows:>7,}"
        f"{(leak.distance_m or 0) / 1000:>8,.0f} km"
    )


SCORES: dict[str, list[float]] = {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--per-class", type=int, default=600, help="at most so many tiles (600)")
    parser.add_argument("--backbone", default="", help="frozen features of this one (colours)")
    arguments = parser.parse_args()
    for stride in (32, 6):
        with tempfile.TemporaryDirectory() as folder:
            tiles = Tiles(
                classes="koppen_geiger", size_px=32, stride_px=stride, purity=1.0,
                per_class=arguments.per_class, cell=3.2,
            )  # fmt: skip
            with contextlib.redirect_stderr(io.StringIO()):
                run_extraction(tiles, ["blue_marble"], Path(folder) / "pairs", workers=1)
            pairs = open_pairs(Path(folder) / "pairs")
            table = pairs.table(["labels", "where"])
            classes = {each[0] for each in table.column("labels").to_pylist()}
            ground = Ground(read_footprints(table.column("where").to_pylist()))
            cells = earth_cells(ground, CELL_M)
            features = features_of(pairs, arguments.backbone)
            kind = arguments.backbone or "colours and gradients"
            print(
                f"\n{len(pairs):,} tiles of 32 pixels (2.1°), one every {stride}; {len(classes)} "
                f"climates; {kind}, {features.shape[1]} numbers"
            )
            print(
                f"{'split':<16}{'seed':>5}{'train':>7}{'test':>7}{'left out':>9}{'accuracy':>9}"
                f"{'[95 %]':>15}{'overlap':>10}{'seen':>7}{'copies':>7}{'nearest':>11}"
            )
            SCORES.clear()
            for name in SPLITS:
                for seed in range(arguments.seeds):
                    print(measured(pairs, features, cells, seed, name), flush=True)
            for name, scores in SCORES.items():
                gap = np.mean(SCORES["at random"]) - np.mean(scores)
                print(
                    f"mean {name:<16}{np.mean(scores):>7.1%} ± {np.std(scores):.1%} over seeds"
                    f"{f', {gap * 100:.1f} points below random' if gap else ''}"
                )


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
