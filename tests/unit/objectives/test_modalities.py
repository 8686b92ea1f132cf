"""Three modalities at once, and features cut short: against the formulas written out."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from domainclip.catalogue import load
from domainclip.errors import UsageError
from domainclip.objectives._protocol import Alone, wants_of
from domainclip.objectives.symile import _without_fixed_points
from tests.data.objective_inputs import SCALE, Inputs, inputs
from tests.data.pretend_ranks import on_ranks


def _made(name: str, size: int = 9, **options: Any) -> Inputs:
    return inputs(load("objectives", name)(**options), size)


def _three(given: Inputs) -> tuple[Tensor, Tensor, Tensor]:
    third = given.extra["second"] if given.objective.third == "second" else given.extra["views"]
    return given.image, given.text, third if third.ndim == 2 else third[:, 0]


def _alike(given: Inputs, same_text: str, same_group: str) -> list[list[bool]]:
    """Which rows are alike, each to itself too."""
    captions, groups = given.batch.captions, given.batch.groups

    def alike(i: int, j: int) -> bool:
        text = same_text == "ignore" and captions[i] == captions[j]
        return (
            i == j
            or text
            or (same_group == "ignore" and bool(groups[i]) and groups[i] == groups[j])
        )

    return [[alike(i, j) for j in range(len(captions))] for i in range(len(captions))]


@pytest.mark.parametrize("third", ["second", "view"])
@pytest.mark.parametrize("text", ["ignore", "negative"])
@pytest.mark.parametrize("group", ["ignore", "negative"])
def test_symile_over_all_combinations_equals_the_einsum(
    third: str, text: str, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domainclip.objectives.symile._AT_ONCE", 200)  # two rows at a time
    options = {"third": third, "same_text": text, "same_group": group}
    given, plain = (_made("symile", negatives="n2", scale=3.0, **options) for _ in range(2))
    z = 3 * SCALE * torch.einsum("id,jd,kd->ijk", *_three(plain))
    own = torch.einsum("iii->i", z)
    alike, out = _alike(given, text, group), torch.zeros(9, 9, 9, dtype=torch.bool)
    for i, j, k in product(range(9), repeat=3):
        out[i, j, k] = alike[i][j] and alike[i][k] and alike[j][k] and not i == j == k
    z = z.masked_fill(out, -torch.inf)
    expected = torch.stack(
        [z.transpose(0, anchor).flatten(1).logsumexp(1) - own for anchor in range(3)]
    ).mean()
    found = given.call()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    found.backward()
    expected.backward()
    name = "second" if third == "second" else "views"
    for one, other in (
        (given.image, plain.image),
        (given.text, plain.text),
        (given.extra[name], plain.extra[name]),
    ):
        torch.testing.assert_close(one.grad, other.grad, rtol=0, atol=1e-9)


@pytest.mark.parametrize("same", ["ignore", "negative"])
def test_symile_by_permutation_equals_the_slow_version(same: str) -> None:
    given = _made("symile", same_text=same, same_group=same)
    given.batch.groups = ("a",) * 4 + ("b",) * 5  # so that many a partner is of the same group
    alike, left_out = _alike(given, same, same), 0
    torch.manual_seed(5)
    found = given.call()
    torch.manual_seed(5)
    other = _without_fixed_points(9, Alone(), torch.device("cpu")).tolist()
    features, expected = _three(given), torch.tensor(0.0, dtype=torch.float64)
    for anchor in range(3):
        y, z = (features[each] for each in range(3) if each != anchor)
        for i in range(9):
            own = torch.exp(SCALE * (features[anchor][i] * y[i] * z[i]).sum())
            below = own.clone()
            for j in range(9):
                alone = alike[i][j] and alike[i][other[j]] and alike[j][other[j]]
                left_out += alone and j != i
                if j != i and not alone:
                    below += torch.exp(SCALE * (features[anchor][i] * y[j] * z[other[j]]).sum())
            expected -= torch.log(own / below) / 27
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    assert (left_out > 5) == (same == "ignore")


def test_no_row_keeps_its_place_and_a_step_draws_anew() -> None:
    cpu = torch.device("cpu")
    torch.manual_seed(0)
    drawn = [_without_fixed_points(rows, Alone(), cpu) for rows in (2, 3, 40, 40)]
    for each in drawn:
        assert sorted(each.tolist()) == list(range(len(each)))
        assert (each != torch.arange(len(each))).all()
    assert not torch.equal(drawn[2], drawn[3])
    torch.manual_seed(0)
    for each in drawn:
        assert torch.equal(_without_fixed_points(len(each), Alone(), cpu), each)


def test_ranks_draw_one_permutation() -> None:
    def call(rows: slice, gather: Any) -> Tensor:
        return _without_fixed_points(rows.stop - rows.start, gather, torch.device("cpu"))

    one, other = on_ranks(call, [0, 5, 9])
    assert torch.equal(one, other) and (one != torch.arange(9)).all()


def test_ranks_that_draw_alike_average_to_the_joint_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    after = (torch.arange(9) + 4) % 9
    monkeypatch.setattr("domainclip.objectives.symile._without_fixed_points", lambda *_: after)
    joint, dealt = _made("symile"), _made("symile")
    whole = joint.call()
    whole.backward()
    mean = torch.stack(on_ranks(dealt.call, [0, 5, 9])).mean()
    torch.testing.assert_close(mean, whole)
    mean.backward()
    for one, other in zip(joint.leaves(), dealt.leaves(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


@pytest.mark.parametrize("negatives", ["n", "n2"])
def test_symile_of_one_pair_and_of_a_rank_without_rows(negatives: str) -> None:
    given = _made("symile", negatives=negatives)
    torch.testing.assert_close(given.call([3]).item(), 0.0)
    losses = on_ranks(given.call, [0, 0, 9])
    assert torch.isfinite(torch.stack(losses)).all()
    if negatives == "n2":
        torch.testing.assert_close(torch.stack(losses).mean(), given.call())


def _cut(value: Any, dim: int, unit: bool = True) -> Tensor:
    return functional.normalize(value[..., :dim], dim=-1) if unit else value[..., :dim]


@pytest.mark.parametrize(
    ("of", "dims", "weights"),
    [
        ({"name": "infonce"}, (2, 4, 6), (0.5, 1.0, 2.0)),
        ({"name": "infonce", "same_text": "negative"}, (), ()),
        ({"name": "multi_view", "text_weight": 0.2}, (3, 6), ()),
        ({"name": "local_alignment"}, (3, 6), (1.0, 0.0)),
        ({"name": "siglip", "start": 0.1}, (5,), ()),
        ({"name": "class_prompts"}, (2, 6), ()),
        ({"name": "clip_refine", "rafa": 0.0}, (2, 6), ()),
        ({"name": "weighted", "terms": [{"name": "infonce"}, {"name": "siglip"}]}, (3,), ()),
    ],
)
def test_matryoshka_is_the_sum_of_what_short_features_give(
    of: dict[str, Any], dims: tuple[int, ...], weights: tuple[float, ...]
) -> None:
    given = _made("matryoshka", of=of, dims=dims, weights=weights)
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in of.items() if k != "name"}
    inner = load("objectives", of["name"])(**options)
    whole, unit = inputs(inner), not getattr(inner, "raw", False)
    used = dims or (6, 3, 2)
    expected = torch.tensor(0.0, dtype=torch.float64)
    for number, dim in enumerate(used):
        parts = inner.make_parts(dim).double() if "parts" in wants_of(inner) else None
        extra = dict(whole.extra)
        for name in ("views", "second", "negatives", "patches"):
            extra[name] = _cut(extra[name], dim, unit)
        extra["words"] = _cut(extra["words"][0], dim, unit), extra["words"][1]
        for name in ("teacher", "momentum"):
            extra[name] = tuple(_cut(each, dim, unit) for each in extra[name])
        short = Inputs(
            inner, _cut(whole.image, dim, unit), _cut(whole.text, dim, unit), whole.batch,
            extra | {"parts": parts},
        )  # fmt: skip
        expected = expected + (weights[number] if weights else 1) * short.call()
    torch.testing.assert_close(given.call().double(), expected.double(), rtol=1e-6, atol=1e-6)


def test_matryoshka_asks_for_what_its_objective_does() -> None:
    made = load("objectives", "matryoshka")
    wide = made(of={"name": "multi_view"})
    assert wants_of(wide) == ("views", "second") and wide.views == 1 and wide.needs == "captions"
    assert made(of={"name": "clip_refine"}).raw is True
    assert made(of={"name": "infonce", "captions": "classes"}).captions == "classes"
    assert made(of={"name": "class_prompts"}).needs == "classes"


def test_a_teacher_of_another_width_keeps_its_own() -> None:
    given = _made("matryoshka", of={"name": "clip_refine", "rafa": 0.0}, dims=(3,))
    teacher = torch.randn(2, 9, 11, dtype=torch.float64)
    given.extra["teacher"] = teacher[0], teacher[1]
    whole = _made("clip_refine", rafa=0.0)
    whole.extra["teacher"] = teacher[0], teacher[1]
    whole.image, whole.text = whole.image[:, :3], whole.text[:, :3]
    torch.testing.assert_close(given.call().double(), whole.call().double())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dims": (2, 7)}, "dims has 7, and features have 6 numbers"),
        ({"dims": (0,)}, "dims has 0"),
        ({"dims": (2, 2)}, "give each once"),
        ({"dims": (2, 4), "weights": (1.0,)}, "2 dims and 1 weights"),
        ({"dims": (2,), "weights": (-1.0,)}, "numbers from 0 up"),
        ({"of": {"nam": "infonce"}}, "is {name: ..., option: ...}"),
        ({"of": {"name": "infonce", "smooth": 1}}, "infonce has no option 'smooth'"),
    ],
)
def test_what_matryoshka_cannot_do_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        _made("matryoshka", **options).call()
