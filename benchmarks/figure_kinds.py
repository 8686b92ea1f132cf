"""What kind of figure: by picture, by caption, by both, and by a backbone; against hand labels.

    .venv/bin/domainclip extract papers ../shared/data/papers -o PAIRS
    .venv/bin/python benchmarks/figure_kinds.py --pairs PAIRS [--backbone embedded] [--fit]

The labels are of regions of pages and of image files, one kind each, and of whole figures as they
are extracted, compound ones too (``figure_kind_pictures.py``). The picture's weights are always
held out by source, in eight folds: an article is never on both sides. Words have chosen weights and
nothing to hold out; but they were written with the sample's captions in sight. The two exponents
that join both are held out by article too. The backbone was fitted to none of it. --fit fits the
weights on everything and writes domainclip/images/figure_kind.json.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path

import numpy as np
from figure_kind_pictures import Labelled, labelled, variants
from numpy.typing import NDArray
from PIL import Image
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from domainclip.extractors.papers.figure_words import words_speak_for
from domainclip.images.figure_kind import KINDS, statistics

MODEL = Path(__file__).parents[1] / "domainclip" / "images" / "figure_kind.json"
DRAWN = ("plot", "diagram", "equation", "table", "other")  # the rest are images of something
# how often papers show each kind, roughly: cutting rare ones would make them look frequent
SHARES = {"plot": 0.30, "diagram": 0.20, "microscopy": 0.10, "radiology": 0.10, "photograph": 0.10,
          "map": 0.05, "equation": 0.04, "table": 0.05, "other": 0.06}  # fmt: skip
PRIORS = np.array([SHARES[kind] for kind in KINDS])
PICTURE, WORDS = (0.4, 0.5, 0.6, 0.8, 1.0), (0.6, 0.8, 1.0, 1.2)  # exponents tried


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--pairs", type=Path, help="what extract papers wrote; without: no words")
    parser.add_argument("--backbone", default="embedded", help="empty: none")
    parser.add_argument("--fit", action="store_true", help="write the weights anew")
    arguments = parser.parse_args()
    items = list(labelled(arguments.data, arguments.pairs))
    truth = np.array([KINDS.index(item.kind) for item in items])
    sources = np.array([item.source for item in items])
    pairs = np.array([item.caption is not None for item in items])
    count = Counter(item.kind for item in items)
    print(f"{len(items)} pictures of {len(set(sources))} sources: {dict(count.most_common())}")

    start = time.process_time()
    rows = np.array([statistics(item.image) for item in items])
    print(f"statistics: {(time.process_time() - start) / len(items) * 1e3:.1f} ms a picture")
    logits, weights = cross_validated(items, rows, truth, sources)
    heat = temperature(logits, truth)
    seen = softmax(logits / heat)
    report("picture, regions and files", items, truth, seen, ~pairs)
    if pairs.any():
        report("picture, whole figures", items, truth, seen, pairs)
        start = time.process_time()
        words = np.array([spoken(item) for item in items])
        took = (time.process_time() - start) / pairs.sum() * 1e3
        print(
            f"words: {took:.1f} ms a caption; {(words[pairs] == 0).all(1).mean():.2f} say nothing"
        )
        report("words, whole figures", items, truth, softmax(words + np.log(PRIORS)), pairs)
        both = joined_held_out(seen, words, truth, sources, pairs)
        report("both, whole figures", items, truth, both, pairs)
    if arguments.fit:
        write(weights, heat)
    if arguments.backbone:
        found = zero_shot(arguments.backbone, [item.image for item in items])
        for title, chosen in (("regions and files", ~pairs), ("whole figures", pairs)):
            if chosen.any():
                report(f"{arguments.backbone} zero-shot, {title}", items, truth, found, chosen)


def cross_validated(
    items: list[Labelled],
    rows: NDArray[np.float64],
    truth: NDArray[np.int_],
    sources: NDArray[np.str_],
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Held-out logits (n, kinds), and the weights fitted on everything."""
    more_rows, more_of = [], []
    for at, item in enumerate(items):
        for image in variants(item, np.random.default_rng(at)):
            more_rows.append(statistics(image))
            more_of.append(at)
    more, of = np.array(more_rows), np.array(more_of)
    logits = np.zeros((len(items), len(KINDS)))
    folds = StratifiedGroupKFold(8, shuffle=True, random_state=0)
    for train, test in folds.split(rows, truth, sources):
        inside = np.isin(of, train)
        x = np.concatenate([rows[train], more[inside]])
        model = fitted(x, np.concatenate([truth[train], truth[of[inside]]]))
        logits[test] = applied(model, rows[test])
    return logits, fitted(np.concatenate([rows, more]), np.concatenate([truth, truth[of]]))


def joined_held_out(
    seen: NDArray[np.float64],
    words: NDArray[np.float64],
    truth: NDArray[np.int_],
    sources: NDArray[np.str_],
    pairs: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """p(kind) of the pairs by both, their exponents chosen on other articles."""
    grid = [(a, b) for a in PICTURE for b in WORDS]
    tried = [softmax(a * np.log(seen + 1e-9) + b * words) for a, b in grid]
    at = np.arange(len(truth))
    losses = np.array([-np.log(each[at, truth] + 1e-9) for each in tried])  # (grid, n)
    found = seen.copy()
    where = np.flatnonzero(pairs)
    for train, test in GroupKFold(8).split(where, groups=sources[where]):
        best = int(losses[:, where[train]].mean(1).argmin())
        found[where[test]] = tried[best][where[test]]
    print(f"exponents on all (picture, words): {grid[int(losses[:, where].mean(1).argmin())]}")
    return found


def spoken(item: Labelled) -> NDArray[np.float64]:
    nats = words_speak_for(item.caption, item.label) if item.caption else {}
    return np.array([nats.get(kind, 0.0) for kind in KINDS])


def fitted(x: NDArray[np.float64], y: NDArray[np.int_]) -> dict[str, NDArray[np.float64]]:
    """Linear discriminants with Ledoit-Wolf shrinkage: linear weights from few examples."""
    mean, scale = x.mean(0), x.std(0) + 1e-6
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=PRIORS)
    lda.fit((x - mean) / scale, y)
    return {"mean": mean, "scale": scale, "weights": lda.coef_.T, "bias": lda.intercept_}


def applied(model: dict[str, NDArray[np.float64]], x: NDArray[np.float64]) -> NDArray[np.float64]:
    return (x - model["mean"]) / model["scale"] @ model["weights"] + model["bias"]


def temperature(logits: NDArray[np.float64], truth: NDArray[np.int_]) -> float:
    """What the logits are to be divided by for the likeliest held-out truth."""
    heats = np.linspace(0.5, 5, 46)
    rows = np.arange(len(truth))
    losses = [-np.log(softmax(logits / heat)[rows, truth] + 1e-12).mean() for heat in heats]
    return float(heats[int(np.argmin(losses))])


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


def write(model: dict[str, NDArray[np.float64]], heat: float) -> None:
    model = model | {"weights": model["weights"] / heat, "bias": model["bias"] / heat}
    lines = [f' "{name}": {json.dumps(values.round(4).tolist())}' for name, values in model.items()]
    MODEL.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"wrote {MODEL} (temperature {heat:.1f})")


def zero_shot(name: str, images: list[Image.Image]) -> NDArray[np.float64]:
    from domainclip.backbones import load_backbone
    from domainclip.curation.figure_kind import kinds_by_backbone

    found = kinds_by_backbone(load_backbone(name), images)
    return np.eye(len(KINDS))[[KINDS.index(kind) for kind in found]]


def report(
    title: str,
    items: list[Labelled],
    truth: NDArray[np.int_],
    found: NDArray[np.float64],
    chosen: NDArray[np.bool_],
) -> None:
    """found: probabilities (n, kinds)."""
    best, sure = found.argmax(1), found.max(1)
    right = best == truth
    shown = right | np.array([KINDS[b] == item.also for b, item in zip(best, items, strict=True)])
    confusion = np.zeros((len(KINDS), len(KINDS)), int)
    np.add.at(confusion, (truth[chosen], best[chosen]), 1)
    there = confusion.sum(1) > 0
    recalls = np.diag(confusion) / np.maximum(1, confusion.sum(1))
    drawn = np.array([kind in DRAWN for kind in KINDS])
    scores = {
        "accuracy": right[chosen].mean(),
        "mean over kinds": recalls[there].mean(),
        "of what it shows": shown[chosen].mean(),
        "drawn or imaged": (drawn[truth] == drawn[best])[chosen].mean(),
    }
    print(f"{title}: " + ", ".join(f"{name} {score:.3f}" for name, score in scores.items()))
    print("  true \\ found " + " ".join(f"{kind[:6]:>6}" for kind in KINDS) + "  recall")
    for kind, row, recall in zip(KINDS, confusion, recalls, strict=True):
        if row.any():
            print(f"  {kind:<12} " + " ".join(f"{n:>6}" for n in row) + f"   {recall:.2f}")
    for low, high in ((0.0, 0.5), (0.5, 0.8), (0.8, 1.01)):
        so = chosen & (sure >= low) & (sure < high)
        if so.any() and sure[chosen].min() < 1:
            print(
                f"  confidence {low:.1f} to {high:.1f}: right {right[so].mean():.3f} of {so.sum()}"
            )


if __name__ == "__main__":
    main()
