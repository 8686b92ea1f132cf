"""A report of made-up numbers with every section filled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from domainclip.evaluation._card import DataCard
from domainclip.evaluation._pictures import Mistake, thumbnail
from domainclip.evaluation._results import ADAPTED, Measured
from domainclip.evaluation._world import Place, mosaic
from domainclip.evaluation.metrics import (
    Sampling,
    classification,
    confusion,
    reliability,
    softmax,
)
from domainclip.evaluation.report import Predictions, Report
from tests.data.make_pairs import encoded_image

NAMES = (
    "tropical rainforest", "tropical savannah", "hot desert", "cold desert", "hot steppe",
    "cold steppe", "Mediterranean", "humid subtropical", "oceanic", "hot-summer continental",
    "warm-summer continental", "subarctic", "tundra",
)  # fmt: skip


@dataclass(frozen=True)
class Epoch:
    epoch: int
    train_loss: float
    val_loss: float
    accuracy: float


def made_report(n: int = 640, **changes: Any) -> Report:
    stream = np.random.default_rng(0)
    c = len(NAMES)
    labels = stream.integers(0, c, n)
    groups = [f"cell {row // 9}" for row in range(n)]
    noise = stream.normal(size=(n, c))
    before = softmax(noise + 0.4 * np.eye(c)[labels])
    after = softmax(1.3 * noise + 4.2 * np.eye(c)[labels])
    colour = softmax(noise + 3.2 * np.eye(c)[labels])
    values = []
    for stage, evaluator, chance in (
        ("before", "zero_shot", before), ("before", "colour_histogram", colour),
        ("before", "linear_probe", softmax(noise + 3.4 * np.eye(c)[labels])),
        ("after", "zero_shot", after), ("after", ADAPTED, after),
    ):  # fmt: skip
        found = classification(chance, labels, groups=groups, resamples=200)
        values += [Measured(stage, evaluator, name, value) for name, value in found.items()]
    for shots, share in ((1, 0.35), (4, 0.52), (16, 0.66)):
        value = Sampling(n, groups, resamples=200).mean(stream.random(n) < share)
        values.append(Measured("before", "few_shot", f"accuracy@{shots}", value))
    wrong = np.flatnonzero(after.argmax(1) != labels)
    wrong = wrong[np.argsort(-after.max(1)[wrong])][:12]
    mistakes = [
        Mistake(
            f"blue_marble-{row:05d}", thumbnail(encoded_image(int(row), size=(96, 96))),
            NAMES[labels[row]], NAMES[after[row].argmax()], float(after[row].max()),
            f"a satellite image of {NAMES[labels[row]]}",
        )
        for row in wrong
    ]  # fmt: skip
    places = []
    for row in range(n):
        west, south = stream.uniform(-170, 160), stream.uniform(-55, 70)
        places.append(
            Place((west, south, west + 6, south + 6), int(labels[row]), int(after[row].argmax()))
        )
    tiles = ((p.bounds, encoded_image(i, size=(12, 12))) for i, p in enumerate(places))
    report = Report(
        title="quickstart",
        facts=[("backbone", "embedded"), ("method", "full (towers image)"),
               ("data", "2,310 pairs, 13 classes"), ("seed", "0"), ("took", "3 min 52 s")],
        method="full", values=values,
        card=DataCard(
            ("train", "val", "test", ""), (1400, 300, n, 120), (160, 40, 72, 30),
            tuple((name, (108, 23, 49, 9)) for name in NAMES),
            (("CC0-1.0", 2310),), (("tiles 1", 2310),), (("corrupt_image", 2),),
        ),
        recipe="name: quickstart\nseed: 0\nbackbone: {name: embedded}\n",
        command="domainclip run quickstart -o runs/quickstart",
        environment={"domainclip": "0.1.0", "python": "3.11.9", "torch": "2.14.1", "threads": "2"},
        classnames=NAMES,
        predictions=Predictions(before, after, labels, tuple(map(str, range(n)))),
        bins=(reliability(before, labels), reliability(after, labels)),
        confusion=confusion(after.argmax(1), labels, c),
        history=[Epoch(e, 2.4 / e, 2.2 / e + 0.1, 1 - 0.75 / e) for e in range(1, 7)],
        mistakes=mistakes, places=places,
        background=mosaic(tiles),
    )  # fmt: skip
    return replace(report, **changes)
