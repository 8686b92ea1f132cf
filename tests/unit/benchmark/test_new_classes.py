"""Base-to-new and cross-dataset for methods that can be told of classes without images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from domainclip import _benchmark_fit
from domainclip._benchmark import benchmark
from domainclip._benchmark_data import Exam, Features, draw, exams_of
from domainclip._benchmark_fit import fitted
from domainclip.backbones import Backbone
from domainclip.data.datasets import open_dataset
from domainclip.data.labelled import LabelledImages
from domainclip.heads import GDANew
from tests.data.colour_folders import parts

SMALL = {"epochs": 2, "encoder_width": 8, "generator_width": 8, "generator_epochs": 2}


@pytest.mark.parametrize("method", ["ship", "gda_new"])
def test_base_to_new_gives_base_new_and_both(
    method: str, clip: Backbone, colours: LabelledImages, tmp_path: Path
) -> None:
    before = clip.state_hash()
    options = SMALL if method == "ship" else {}
    found = benchmark(
        clip, [colours], {method: options}, tmp_path, protocol="base-to-new", shots=(2,), seeds=(1,)
    )
    assert (found.measured, found.failed) == (1, 0)
    assert clip.state_hash() == before
    got = parts(found.rows)
    base, new = got["base accuracy"], got["new accuracy"]
    expected = 2 * base * new / (base + new) if base + new else 0
    assert got["both harmonic_mean"] == pytest.approx(expected)
    named = {row.metric: row.mean for row in found.summary if row.part == "both"}
    assert named == {
        "harmonic_mean": pytest.approx(expected), "harmonic_mean_of_means": pytest.approx(expected),
    }  # fmt: skip


def test_ship_is_told_every_name_and_competes_with_a_half(
    clip: Backbone, colours: LabelledImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    real = _benchmark_fit.few_shot

    def seen(clip: Backbone, images: Any, labels: Any, names: Any, **more: Any) -> Any:
        told.append((sorted(set(labels)), list(names)))
        return real(clip, images, labels, names, **more)

    monkeypatch.setattr(_benchmark_fit, "few_shot", seen)
    base, new = exams_of("base-to-new", colours, ())
    drawn = draw(colours, 2, 1, "tip", False, classes=2)
    features, unseen = Features(clip, None), new.data.classnames
    for method, options in (("ship", SMALL), ("coop", {"epochs": 1, "n_ctx": 2})):
        with fitted(clip, features, method, options, base.data, drawn, 1, False, unseen) as made:
            assert made.logits(base).shape == (len(base.data.test), 2)
            z = features.of(new.data.test.images)
            every = clip.classify(z, [*base.data.classnames, *unseen])
            # the new half's columns, relabelled from 0
            torch.testing.assert_close(made.logits(new), every[:, 2:])
            assert set(new.data.test.labels) == {0, 1}
    assert told == [([0, 1], list(colours.classnames)), ([0, 1], list(base.data.classnames))]


def test_gda_new_is_asked_through_for_new(
    clip: Backbone, colours: LabelledImages, place: Path
) -> None:
    warm = open_dataset(str(place / "warm"))
    drawn, features = draw(colours, 2, 1, "tip", False, classes=2), Features(clip, None)
    base = exams_of("base-to-new", colours, ())[0]
    exam = Exam("warm", warm, renamed=True)
    with fitted(clip, features, "gda_new", {"alpha": 1.0}, base.data, drawn, 1, False) as made:
        found = made.logits(exam)
    head = GDANew(alpha=1.0).fit(
        features.of(drawn.train.images), torch.tensor(drawn.train.labels),
        clip.classifier(base.data.classnames),
    )  # fmt: skip
    expected = head.for_new(clip.classifier(warm.classnames)).logits(features.of(warm.test.images))
    assert torch.equal(found, expected)


def test_gda_new_crosses_data_sets(
    clip: Backbone, colours: LabelledImages, place: Path, tmp_path: Path
) -> None:
    found = benchmark(
        clip, [colours, open_dataset(str(place / "warm"))], {"gda_new": {}}, tmp_path,
        protocol="cross-dataset", shots=(2,), seeds=(1,),
    )  # fmt: skip
    assert found.failed == 0
    assert set(parts(found.rows, metric="accuracy")) == {"colours accuracy", "warm accuracy"}
