"""Who is a positive, and who is left out; each objective against loops over its formula."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from domainclip.catalogue import load
from tests.data.objective_inputs import SCALE, Inputs, inputs
from tests.data.pretend_ranks import on_ranks

ROLES = ("positive", "ignore", "negative")


def _made(name: str, **options: Any) -> Inputs:
    return inputs(load("objectives", name)(**options))


def _roles(given: Inputs, text: str, label: str, group: str) -> list[list[str]]:
    """What pair j is to pair i, said one pair at a time."""
    batch, size = given.batch, len(given.image)

    def of(i: int, j: int) -> str:
        said = []
        if batch.captions[i] == batch.captions[j]:
            said.append(text)
        if batch.labels[i] == batch.labels[j] and batch.labels[i] >= 0:
            said.append(label)
        if batch.groups[i] == batch.groups[j] and batch.groups[i]:
            said.append(group)
        if i == j or "positive" in said:
            return "positive"
        return "ignore" if "ignore" in said else "negative"

    return [[of(i, j) for j in range(size)] for i in range(size)]


def _slow(given: Inputs, roles: list[list[str]], form: str = "out", smoothing: float = 0) -> Tensor:
    total = torch.tensor(0.0, dtype=torch.float64)
    size = len(given.image)
    for rows, columns in ((given.image, given.text), (given.text, given.image)):
        for i in range(size):
            kept = [j for j in range(size) if roles[i][j] != "ignore"]
            positives = [j for j in range(size) if roles[i][j] == "positive"]
            weight = {j: torch.exp(SCALE * rows[i] @ columns[j]) for j in kept}
            below = sum(weight.values())
            if form == "in":
                total -= torch.log(sum(weight[p] for p in positives) / below / len(positives))
                continue
            for j in kept:
                target = (1 - smoothing) * (j in positives) / len(positives) + smoothing / len(kept)
                total -= target * torch.log(weight[j] / below)
    return total / (2 * size)


@pytest.mark.parametrize("form", ["out", "in"])
@pytest.mark.parametrize(("text", "label", "group"), list(product(ROLES, ROLES, ROLES)))
def test_multi_positive_equals_the_slow_version(
    text: str, label: str, group: str, form: str
) -> None:
    given = _made("multi_positive", same_text=text, same_label=label, same_group=group, form=form)
    expected = _slow(given, _roles(given, text, label, group), form)
    torch.testing.assert_close(given.call(), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("group", ROLES)
def test_infonce_by_groups_equals_the_slow_version(group: str, smoothing: float) -> None:
    given = _made("infonce", same_group=group, label_smoothing=smoothing)
    expected = _slow(given, _roles(given, "positive", "negative", group), smoothing=smoothing)
    torch.testing.assert_close(given.call(), expected, rtol=1e-6, atol=1e-6)


def test_class_prompts_of_one_group_stay_negatives() -> None:
    of_classes = _made("infonce", captions="classes").call()
    torch.testing.assert_close(of_classes, _made("infonce", same_group="negative").call())


GROUPED: dict[str, dict[str, Any]] = {
    "infonce": {},
    "multi_positive": {},
    "multi_view": {},
    "local_alignment": {},
    "hard_negatives": {"rules": ("season",)},  # which no caption here has
    "medclip": {},
    "symile": {"negatives": "n2"},
    "clip_refine": {"rafa": 0.0},
    "slip": {"hidden": 8, "out": 4},
}


@pytest.mark.parametrize("name", GROUPED)
@pytest.mark.parametrize("groups", [("one article",) * 9, ("",) * 9, ()])
def test_one_article_alone_teaches_nothing_and_no_name_is_no_group(
    name: str, groups: tuple[str, ...]
) -> None:
    given = _made(name, **GROUPED[name])
    given.batch.captions = tuple(f"caption {i}" for i in range(9))
    given.batch.labels[:] = -1
    given.batch.groups = groups or ("",) * 9
    if groups and groups[0]:
        torch.testing.assert_close(given.call().item(), 0.0, rtol=0, atol=1e-12)
    else:
        kept = _made(name, **GROUPED[name], same_group="negative")
        kept.batch.captions, kept.batch.groups = given.batch.captions, given.batch.groups
        kept.batch.labels[:] = -1
        assert given.call() > 0
        torch.testing.assert_close(given.call(), kept.call())


def test_what_is_left_out_gets_no_gradient() -> None:
    given = _made("multi_positive", same_text="negative", same_label="negative")
    given.batch.groups = ("a", "a", *("",) * 7)
    z = torch.randn(9, 9, dtype=torch.float64, requires_grad=True)
    eye = torch.eye(9, dtype=torch.float64)  # logits are then z itself
    given.image, given.text = z, eye
    given.call().backward()
    assert z.grad is not None
    assert z.grad[0, 1] == z.grad[1, 0] == 0
    assert (z.grad[0, 2:] != 0).all()


@pytest.mark.parametrize("form", ["out", "in"])
def test_equal_captions_throughout_level_similarities_or_do_nothing(form: str) -> None:
    given = _made("multi_positive", form=form)
    given.batch.captions = ("the same",) * 9
    loss = given.call()
    loss.backward()
    assert given.image.grad is not None
    if form == "in":
        torch.testing.assert_close(loss.item(), math.log(9))
        assert given.image.grad.abs().max() < 1e-6
    else:
        assert loss > math.log(9) and given.image.grad.abs().max() > 0


def _agreement(given: Inputs, temperature: float, roles: list[list[str]]) -> list[list[float]]:
    batch, size = given.batch, len(given.image)

    def weight(i: int, j: int) -> float:
        one, other = set(batch.tags[i]), set(batch.tags[j])
        if roles[i][j] == "ignore":
            return 0.0
        if roles[i][j] == "positive":
            return math.exp(1 / temperature)
        if not one or not other:
            return 1.0
        return math.exp(len(one & other) / math.sqrt(len(one) * len(other)) / temperature)

    rows = []
    for i in range(size):
        weights = [weight(i, j) for j in range(size)]
        rows.append([each / sum(weights) for each in weights])
    return rows


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize(
    ("temperature", "text", "group"),
    [(1.0, "positive", "ignore"), (0.1, "negative", "negative"), (0.5, "ignore", "positive")],
)
def test_medclip_equals_the_slow_version(
    temperature: float, text: str, group: str, counted: bool
) -> None:
    given = _made("medclip", temperature=temperature, same_text=text, same_group=group)
    tags = [list(each) for each in given.batch.tags]
    tags[5], tags[7] = [], []
    given.batch.tags = tuple(tuple(each) for each in tags)
    given.batch.captions = ("a", *given.batch.captions[1:5], "b", "c", "b", "d")
    if not counted:
        given.batch.class_counts = None
    roles = _roles(given, text, "negative", group)
    target, size = _agreement(given, temperature, roles), 9
    expected = torch.tensor(0.0, dtype=torch.float64)
    for rows, columns in ((given.image, given.text), (given.text, given.image)):
        for i in range(size):
            kept = [j for j in range(size) if roles[i][j] != "ignore"]
            weight = {j: torch.exp(SCALE * rows[i] @ columns[j]) for j in kept}
            for j in kept:
                share = torch.log(weight[j] / sum(weight.values()))
                expected -= target[i][j] * share / (2 * size)
    torch.testing.assert_close(given.call(), expected, rtol=1e-6, atol=1e-6)


def test_medclip_knows_tags_that_only_another_rank_has() -> None:
    joint, dealt = _made("medclip"), _made("medclip")
    for each in (joint, dealt):
        each.batch.class_counts = None
        each.batch.tags = ((0,), (1,), (0, 1), (), (), (6,), (0, 6), (2,), ())
    losses = on_ranks(dealt.call, [0, 5, 9])
    torch.testing.assert_close(torch.stack(losses).mean(), joint.call())


def test_medclip_without_any_tags_is_towards_infonce() -> None:
    given, plain = _made("medclip", temperature=0.01), _made("infonce")
    given.batch.tags, given.batch.class_counts = ((),) * 9, None
    torch.testing.assert_close(given.call(), plain.call(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("text", ROLES)
@pytest.mark.parametrize("group", ROLES)
def test_siglip_equals_the_slow_version(text: str, group: str) -> None:
    given = _made("siglip", same_text=text, same_group=group, start=0.3)
    roles, total, size = _roles(given, text, "negative", group), 0.0, 9
    for i, j in product(range(size), range(size)):
        logit = SCALE * (given.image[i] @ given.text[j] - 0.3)
        if roles[i][j] != "ignore":
            sign = 1 if roles[i][j] == "positive" else -1
            total = total - torch.log(torch.sigmoid(sign * logit)) / size
    torch.testing.assert_close(given.call().double(), total, rtol=1e-6, atol=1e-6)


def test_siglip_asks_nothing_across_one_article() -> None:
    """The gradient of an image knows its own caption, and those of other articles, alone."""
    given = _made("siglip")
    given.batch.captions = tuple(f"caption {i}" for i in range(9))
    given.batch.groups = ("a", "a", *("",) * 7)
    first = torch.autograd.grad(given.call(), given.image, create_graph=True)[0][0].sum()
    across = torch.autograd.grad(first, given.text)[0]
    assert (across[1] == 0).all() and (across[[0, *range(2, 9)]] != 0).any(1).all()


@pytest.mark.parametrize("name", ["infonce", "multi_positive", "medclip"])
def test_a_rank_without_rows_takes_part(name: str) -> None:
    joint, dealt = _made(name), _made(name)
    losses = on_ranks(dealt.call, [0, 0, 9])
    torch.testing.assert_close(torch.stack(losses).mean(), joint.call())
