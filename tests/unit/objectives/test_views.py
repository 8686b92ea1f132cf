"""Two views and two captions of a pair; patches that find words, each against loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from domainclip.catalogue import load
from domainclip.objectives.local_alignment import _scores
from tests.data.objective_inputs import SCALE, Inputs, inputs
from tests.data.pretend_ranks import on_ranks


def _made(name: str, **options: Any) -> Inputs:
    return inputs(load("objectives", name)(**options))


def _apart(given: Inputs, text: str, group: str) -> list[list[bool]]:
    """Whether pair j counts for pair i."""
    batch, size = given.batch, len(given.image)

    def counts(i: int, j: int) -> bool:
        same = text == "ignore" and batch.captions[i] == batch.captions[j]
        if group == "ignore" and batch.groups[i] and batch.groups[i] == batch.groups[j]:
            same = True
        return i == j or not same

    return [[counts(i, j) for j in range(size)] for i in range(size)]


def _both_ways(z: Sequence[Sequence[Tensor]], counts: Any, smoothing: float = 0.0) -> Tensor:
    """C of logits z, one row and one column at a time."""
    size, total = len(z), torch.tensor(0.0, dtype=torch.float64)
    for i in range(size):
        kept = [j for j in range(size) if counts[i][j]]
        for line in ([z[i][j] for j in kept], [z[j][i] for j in kept]):
            below = sum(torch.exp(each) for each in line)
            for j, each in zip(kept, line, strict=True):
                target = (1 - smoothing) * (i == j) + smoothing / len(kept)
                total = total - target * torch.log(torch.exp(each) / below)
    return total / (2 * size)


def _logits(x: Tensor, y: Tensor) -> list[list[Tensor]]:
    return [[SCALE * a @ b for b in y] for a in x]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("same", ["ignore", "negative"])
@pytest.mark.parametrize("weights", [(1.0, 0.5), (0.0, 0.0), (0.3, 2.0)])
def test_multi_view_equals_the_slow_version(
    weights: tuple[float, float], same: str, smoothing: float
) -> None:
    given = _made(
        "multi_view", image_weight=weights[0], text_weight=weights[1], same_text=same,
        same_group=same, label_smoothing=smoothing,
    )  # fmt: skip
    counts = _apart(given, same, same)
    images = given.image, given.extra["views"][:, 0]
    texts = given.text, given.extra["second"]
    across = [_both_ways(_logits(a, b), counts, smoothing) for a in images for b in texts]
    expected = sum(across) / 4
    expected += weights[0] * _both_ways(_logits(*images), counts)
    expected += weights[1] * _both_ways(_logits(*texts), counts)
    torch.testing.assert_close(given.call(), expected, rtol=1e-6, atol=1e-6)


def test_a_view_and_a_caption_that_a_study_lacks_are_the_ones_it_has() -> None:
    given = _made("multi_view", image_weight=0.0, text_weight=0.0)
    given.extra["views"], given.extra["second"] = given.image[:, None], given.text
    plain = _made("infonce", same_text="negative", same_group="ignore")
    for each in (given, plain):
        each.batch.captions = tuple(f"caption {number}" for number in range(9))
    torch.testing.assert_close(given.call(), plain.call())


def _local(given: Inputs) -> tuple[list[list[Tensor]], list[list[Tensor]]]:
    patches, (words, real) = given.extra["patches"], given.extra["words"]
    by_words, by_patches = [], []
    for image in patches:
        rows: tuple[list[Tensor], list[Tensor]] = ([], [])
        for caption, there in zip(words, real, strict=True):
            kept = [word for word, yes in zip(caption, there, strict=True) if yes]
            rows[0].append(sum(max(p @ w for p in image) for w in kept) / len(kept))
            rows[1].append(sum(max(p @ w for w in kept) for p in image) / len(image))
        by_words.append(rows[0])
        by_patches.append(rows[1])
    return by_words, by_patches


@pytest.mark.parametrize("same", ["ignore", "negative"])
@pytest.mark.parametrize("weight", [1.0, 0.2])
def test_local_alignment_equals_the_slow_version(weight: float, same: str) -> None:
    given = _made("local_alignment", weight=weight, scale=5.0, same_text=same, same_group=same)
    counts = _apart(given, same, same)
    expected = _both_ways(_logits(given.image, given.text), counts)
    for scores in _local(given):
        expected += weight * _both_ways([[5 * z for z in row] for row in scores], counts)
    torch.testing.assert_close(given.call(), expected, rtol=1e-6, atol=1e-6)


def test_its_scale_trains_and_pads_do_not_matter() -> None:
    given = _made("local_alignment")
    loss = given.call()
    loss.backward()
    assert given.extra["parts"]["scale"].grad.abs() > 0
    words, real = given.extra["words"]
    other = torch.where(real[..., None], words, -words).detach()
    given.extra["words"] = other, real
    torch.testing.assert_close(given.call(), loss)


def test_its_scale_ends_at_100() -> None:
    given = _made("local_alignment", scale=100.0, weight=0.5)
    steepest = given.call().item()
    with torch.no_grad():
        given.extra["parts"]["scale"].add_(1.0)
    loss = given.call()
    torch.testing.assert_close(loss.item(), steepest)
    loss.backward()
    assert given.extra["parts"]["scale"].grad == 0


def test_few_texts_at_a_time_give_what_all_at_once_give(monkeypatch: pytest.MonkeyPatch) -> None:
    given = _made("local_alignment")
    whole = _scores(given.extra["patches"], *given.extra["words"])
    monkeypatch.setattr("domainclip.objectives.local_alignment._AT_ONCE", 300)
    for one, other in zip(
        _scores(given.extra["patches"], *given.extra["words"]), whole, strict=True
    ):
        torch.testing.assert_close(one, other)


def test_ranks_whose_captions_are_of_other_lengths_agree_with_one() -> None:
    joint, dealt = _made("local_alignment"), _made("local_alignment")
    for given in (joint, dealt):
        given.extra["words"][1][:5, 3:] = False  # so that the first rank reads three words

    def call(rows: slice, gather: Any) -> Tensor:
        words, real = dealt.extra["words"]
        shorter = slice(0, 3 if rows.start == 0 else 5)
        mine = Inputs(dealt.objective, dealt.image, dealt.text, dealt.batch, dict(dealt.extra))
        mine.extra["words"] = words[:, shorter], real[:, shorter]
        return mine.call(rows, gather)

    losses = on_ranks(call, [0, 5, 9])
    torch.testing.assert_close(torch.stack(losses).mean(), joint.call())


@pytest.mark.parametrize("name", ["multi_view", "local_alignment"])
def test_a_rank_without_rows_takes_part(name: str) -> None:
    joint, dealt = _made(name), _made(name)
    losses = on_ranks(dealt.call, [0, 0, 9])
    torch.testing.assert_close(torch.stack(losses).mean(), joint.call())
