"""Every objective of the catalogue keeps its promises; a new file is tested before its author does.

An objective is called alone on a joint batch, and by parts through a gather that stands for ranks.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from domainclip.catalogue import entries, load
from domainclip.errors import UsageError
from domainclip.objectives._protocol import WANTS, Objective, wants_of
from tests.data.objective_inputs import CUTS, SCALE, Inputs, inputs
from tests.data.pretend_ranks import on_ranks

NAMES = [entry.name for entry in entries("objectives")]
# options without which one says nothing, or whose random part has a test of its own
OPTIONS: dict[str, dict[str, object]] = {
    "clip_refine": {"rafa": 0.0},
    "primary_component": {"components": 3},
    "symile": {"negatives": "n2"},
    "slip": {"hidden": 32, "out": 8},  # a small head promises what a large one does
    "self_distillation": {"hidden": 32, "prototypes": 64},
}


@pytest.fixture(params=NAMES)
def objective(request: pytest.FixtureRequest) -> Objective:
    name = str(request.param)
    made: Objective = load("objectives", name)(**OPTIONS.get(name, {}))
    return made


def test_loss_is_a_finite_scalar_with_gradients_to_all_it_is_given(objective: Objective) -> None:
    given = inputs(objective)
    loss = given.call()
    assert loss.shape == () and torch.isfinite(loss)
    loss.backward()
    for features in given.leaves():
        assert features.grad is not None and torch.isfinite(features.grad).all()
        assert features.grad.abs().max() > 0
    if "parts" in wants_of(objective):
        assert isinstance(given.extra["parts"], nn.Module)
        assert any(p.grad is not None for p in given.extra["parts"].parameters())


def test_loss_does_not_depend_on_the_order_of_the_batch(objective: Objective) -> None:
    given = inputs(objective)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1)).tolist()
    torch.testing.assert_close(given.call(order), given.call())


@pytest.mark.parametrize("cuts", CUTS, ids=str)
def test_ranks_average_to_the_joint_loss_and_its_gradients(
    objective: Objective, cuts: list[int]
) -> None:
    joint, dealt = inputs(objective), inputs(objective)
    whole = joint.call()
    whole.backward()
    losses = on_ranks(dealt.call, cuts)
    mean = torch.stack([loss.double() for loss in losses]).mean()
    torch.testing.assert_close(mean, whole.double(), rtol=1e-5, atol=1e-6)
    mean.backward()
    for one, other in zip(joint.leaves(), dealt.leaves(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-6)


def test_a_batch_of_one_and_of_equal_captions_has_a_finite_loss(objective: Objective) -> None:
    given = inputs(objective)
    assert torch.isfinite(given.call([4]))
    given.batch.captions = ("the same",) * 9
    assert torch.isfinite(given.call())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_features_in_half_precision_are_judged_in_single(
    objective: Objective, dtype: torch.dtype
) -> None:
    """The loss is that of the same numbers in float32, under autocast too, to the last bit."""
    given, half = inputs(objective, dtype=torch.float32), inputs(objective, dtype=torch.float32)
    for name, value in _features(given).items():
        setattr(given, name, _cast(value, dtype, torch.float32))
        setattr(half, name, _cast(value, dtype))
    with torch.autocast("cpu", dtype):
        loss = half.call()
    assert torch.equal(loss, given.call()) and loss.dtype == torch.float32
    loss.backward()
    grads = [each.grad for each in half.leaves() if each.grad is not None]
    assert grads and all(torch.isfinite(each).all() for each in grads)


def _features(given: Inputs) -> dict[str, Any]:
    return {name: getattr(given, name) for name in ("image", "text", "extra")}


def _cast(value: Any, *dtypes: torch.dtype) -> Any:
    """Leaves of the same numbers, rounded to each of the types in turn; parts as they are."""
    if isinstance(value, tuple):
        return tuple(_cast(each, *dtypes) for each in value)
    if isinstance(value, dict):
        return {name: _cast(each, *dtypes) for name, each in value.items()}
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return value
    z = value.detach()
    for dtype in dtypes:
        z = z.to(dtype)
    return z.requires_grad_(value.requires_grad)


def test_objective_is_a_frozen_dataclass_that_says_what_it_needs(objective: Objective) -> None:
    assert objective.needs in ("captions", "classes")
    assert set(getattr(objective, "wants", ())) <= set(WANTS)
    with pytest.raises(AttributeError):
        objective.needs_something_else = 1  # type: ignore[attr-defined]
    assert type(objective)(**vars(objective)) == objective


@pytest.mark.parametrize("same_text", ["positive", "negative"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_infonce_equals_the_slow_version(same_text: str, smoothing: float) -> None:
    objective = load("objectives", "infonce")(
        same_text=same_text, label_smoothing=smoothing, same_group="negative"
    )
    given = inputs(objective)
    image, text, batch = given.image, given.text, given.batch
    total = torch.tensor(0.0, dtype=torch.float64)
    size = len(image)
    for rows, columns in ((image, text), (text, image)):
        for i in range(size):
            same = [j for j in range(size) if batch.captions[j] == batch.captions[i]]
            positives = same if same_text == "positive" else [i]
            logits = torch.stack([SCALE * rows[i] @ columns[j] for j in range(size)])
            log_probability = logits - torch.logsumexp(logits, 0)
            for j in range(size):
                target = (1 - smoothing) * (j in positives) / len(positives) + smoothing / size
                total -= target * log_probability[j]
    torch.testing.assert_close(given.call(), total / (2 * size), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("weight", ["none", "balanced"])
def test_class_prompts_equals_the_slow_version(weight: str) -> None:
    objective = load("objectives", "class_prompts")(weight=weight, temperature=0.5)
    given = inputs(objective)
    image, text, batch = given.image, given.text, given.batch
    assert batch.class_counts is not None
    counts = batch.class_counts.tolist()
    losses = []
    for features, label in zip(image, batch.labels.tolist(), strict=True):
        if label < 0:
            continue
        share = sum(counts) / (max(counts[label], 1) * 3)  # three classes have any image
        logits = torch.stack([0.5 * SCALE * features @ row for row in text]).float()
        loss = torch.logsumexp(logits, 0) - logits[label]
        losses.append(loss * (share if weight == "balanced" else 1))
    torch.testing.assert_close(given.call(), torch.stack(losses).mean(), rtol=1e-5, atol=1e-6)


def test_class_prompts_without_any_label_is_zero() -> None:
    objective = load("objectives", "class_prompts")()
    given = inputs(objective)
    given.batch.labels[:] = -1
    assert given.call() == 0


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("roles", [("positive", "ignore"), ("negative", "negative")], ids=str)
def test_clip_refine_equals_the_slow_version(temperature: float, roles: tuple[str, str]) -> None:
    objective = load("objectives", "clip_refine")(
        rafa=0.7, hycd=0.4, alpha=0.3, temperature=temperature, same_text=roles[0],
        same_group=roles[1],
    )  # fmt: skip
    given = inputs(objective)
    captions, groups = given.batch.captions, given.batch.groups

    def positive(i: int, j: int) -> bool:
        return i == j or (roles[0] == "positive" and captions[i] == captions[j])

    def kept(i: int, j: int) -> bool:
        one_group = groups[i] and groups[i] == groups[j] and roles[1] == "ignore"
        return positive(i, j) or not one_group

    image, text, old = given.image, given.text, given.extra["teacher"]
    size, width = image.shape
    torch.manual_seed(4)
    z = torch.randn_like(image)
    drawn = sum(
        (features[i, k] - z[i, k]) ** 2 / (size * width)
        for features in (image, text) for i in range(size) for k in range(width)
    )  # fmt: skip
    distilled = torch.tensor(0.0, dtype=torch.float64)
    for rows, columns, was, others in ((image, text, *old), (text, image, *old[::-1])):
        for i in range(size):
            some = [j for j in range(size) if kept(i, j)]
            own = sum(positive(i, j) for j in range(size))
            said = torch.stack([rows[i] @ columns[j] for j in some]) / temperature
            target = (torch.stack([was[i] @ others[j] for j in some]) / temperature).softmax(0)
            for at, j in enumerate(some):
                p = 0.3 * positive(i, j) / own + 0.7 * target[at]
                q = said[at] - torch.logsumexp(said, 0)
                distilled += p * (p.log() - q) * temperature**2 / (2 * size)
    torch.manual_seed(4)
    found = given.call()
    expected = (0.7 * drawn + 0.4 * distilled).float()
    torch.testing.assert_close(found.float(), expected, rtol=1e-5, atol=1e-6)


def test_the_random_part_of_clip_refine_is_one_mean_over_ranks() -> None:
    """Its gradient is 2 (f - z) / (n d), so a part's gradient is its joint share."""
    given = inputs(load("objectives", "clip_refine")(hycd=0.0))

    def part(rows: slice, gather: object) -> Tensor:
        torch.manual_seed(3)
        return given.call(rows, gather)

    losses = [part(slice(0, 5), _Rank(0)), part(slice(5, 9), _Rank(1))]
    (sum(losses) / 2).backward()
    for rows in (slice(0, 5), slice(5, 9)):
        torch.manual_seed(3)
        z = torch.randn_like(given.image[rows])
        expected = 2 * (given.image[rows] - z) / given.image.numel()
        assert given.image.grad is not None
        torch.testing.assert_close(given.image.grad[rows], expected)


class _Rank:
    """A rank of two, of nine rows, whose own rows alone matter."""

    world_size = 2

    def __init__(self, rank: int) -> None:
        self.rank = rank

    def __call__(self, rows: Tensor) -> Tensor:
        return torch.cat([rows, rows])[:9] if len(rows) > 4 else torch.cat([rows, rows, rows])[:9]

    def mine(self, rows: int) -> tuple[int, int]:
        return (0, 5) if self.rank == 0 else (5, 9)

    def total(self, rows: int) -> int:
        return 9


def test_weighted_terms_add_up_and_get_what_each_wants() -> None:
    terms = [
        {"name": "infonce", "same_text": "negative"},
        {"name": "siglip", "start": 0.1},
        {"name": "infonce", "label_smoothing": 0.2},
    ]
    joint = load("objectives", "weighted")(terms=tuple(terms), weights=(0.5, 2.0, 0.0))
    assert wants_of(joint) == ("parts",)
    alone = [
        inputs(load("objectives", term["name"])(**{k: v for k, v in term.items() if k != "name"}))
        for term in terms
    ]
    expected = 0.5 * alone[0].call() + 2 * alone[1].call()
    torch.testing.assert_close(inputs(joint).call().double(), expected.double())


@pytest.mark.parametrize(
    ("terms", "weights", "said"),
    [
        ((), (), "at least one term"),
        (({"name": "infonce"},), (1.0, 2.0), "1 terms and 2 weights"),
        (({"name": "infonce"},), (float("nan"),), "a number from 0 up, not nan"),
        (({"name": "infonce"},), (0.0,), "every weight is 0"),
        (({"name": "infonce"}, {"name": "clip_refine"}), (), "do not go together, raw is"),
        (({"name": "infonce"}, {"name": "class_prompts"}), (), "needs is"),
        (({"nam": "infonce"},), (), "a term is {name"),
        (({"name": "infonce", "smooth": 1},), (), "infonce has no option 'smooth'"),
    ],
)
def test_terms_that_cannot_be_are_refused(terms: object, weights: object, said: str) -> None:
    objective = load("objectives", "weighted")(terms=terms, weights=weights)
    with pytest.raises(UsageError, match=said):
        inputs(objective).call()
