"""Every objective of the catalogue keeps its promises; a new file is tested before its author does.

An objective is called alone on a joint batch, and by parts through a gather that stands for ranks.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from domainclip.catalogue import entries, load
from domainclip.objectives._protocol import Alone, Objective

NAMES = [entry.name for entry in entries("objectives")]
SCALE = torch.tensor(12.0)
# a part that is drawn anew at every call has a test of its own
STILL = {"clip_refine": {"rafa": 0.0}}


@dataclass
class Batch:
    labels: Tensor
    captions: tuple[str, ...]
    class_counts: Tensor | None = None


def inputs(objective: Objective, size: int = 9) -> tuple[Tensor, Tensor, Batch]:
    random = torch.Generator().manual_seed(size)
    image = F.normalize(torch.randn(size, 6, generator=random, dtype=torch.float64), dim=1)
    rows = 4 if objective.needs == "classes" else size
    text = F.normalize(torch.randn(rows, 6, generator=random, dtype=torch.float64), dim=1)
    labels = torch.arange(size) % 4
    labels[2] = -1
    captions = tuple(f"caption {number % 7}" for number in range(size))
    return image, text, Batch(labels, captions, torch.tensor([5, 3, 0, 9]))


def taught(image: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
    """What a teacher might give for the same rows."""
    return image.detach().flip(1), text.detach().roll(1, 1)


def call(objective: Objective, image: Tensor, text: Tensor, batch: Batch, gather=None) -> Tensor:
    more = {"teacher": taught(image, text)} if getattr(objective, "teacher", False) else {}
    return objective(
        image, text, batch, logit_scale=SCALE, logit_bias=None, gather=gather or Alone(), **more
    )


@pytest.fixture(params=NAMES)
def objective(request: pytest.FixtureRequest) -> Objective:
    return load("objectives", request.param)(**STILL.get(request.param, {}))


def test_loss_is_a_finite_scalar_with_gradients_to_both_towers(objective: Objective) -> None:
    image, text, batch = inputs(objective)
    image.requires_grad_()
    text.requires_grad_()
    loss = call(objective, image, text, batch)
    assert loss.shape == () and torch.isfinite(loss)
    loss.backward()
    for features in (image, text):
        assert features.grad is not None and torch.isfinite(features.grad).all()
        assert features.grad.abs().max() > 0


def test_loss_does_not_depend_on_the_order_of_the_batch(objective: Objective) -> None:
    image, text, batch = inputs(objective)
    order = torch.randperm(len(image), generator=torch.Generator().manual_seed(1))
    moved = Batch(batch.labels[order], tuple(batch.captions[i] for i in order), batch.class_counts)
    texts = text if objective.needs == "classes" else text[order]
    torch.testing.assert_close(
        call(objective, image, text, batch), call(objective, image[order], texts, moved)
    )


def test_parts_of_ranks_average_to_the_joint_loss(objective: Objective) -> None:
    image, text, batch = inputs(objective)
    cuts = [0, 5, 9]  # uneven: a broken image leaves a rank with fewer
    losses = []
    for rank in range(2):
        start, stop = cuts[rank], cuts[rank + 1]
        mine = Batch(batch.labels[start:stop], batch.captions[start:stop], batch.class_counts)
        gather = Pretend(rank, cuts, {"image": image, "text": text, "batch": batch})
        texts = text if objective.needs == "classes" else text[start:stop]
        losses.append(call(objective, image[start:stop], texts, mine, gather))
    torch.testing.assert_close(sum(losses) / 2, call(objective, image, text, batch))


def test_objective_is_a_frozen_dataclass_that_says_what_it_needs(objective: Objective) -> None:
    assert objective.needs in ("captions", "classes")
    with pytest.raises(AttributeError):
        objective.needs_something_else = 1  # type: ignore[attr-defined]
    assert type(objective)(**vars(objective)) == objective


@pytest.mark.parametrize("same_text", ["positive", "negative"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_infonce_equals_the_slow_version(same_text: str, smoothing: float) -> None:
    objective = load("objectives", "infonce")(same_text=same_text, label_smoothing=smoothing)
    image, text, batch = inputs(objective)
    total = torch.tensor(0.0, dtype=torch.float64)
    size = len(image)
    for rows, columns in ((image, text), (text, image)):
        for i in range(size):
            same = [j for j in range(size) if batch.captions[j] == batch.captions[i]]
            positives = same if same_text == "positive" else [i]
            logits = torch.stack([SCALE * rows[i] @ columns[j] for j in range(size)])
            log_probability = logits.float() - torch.logsumexp(logits.float(), 0)
            for j in range(size):
                target = (1 - smoothing) * (j in positives) / len(positives) + smoothing / size
                total -= target * log_probability[j]
    torch.testing.assert_close(
        call(objective, image, text, batch).double(), total / (2 * size), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("weight", ["none", "balanced"])
def test_class_prompts_equals_the_slow_version(weight: str) -> None:
    objective = load("objectives", "class_prompts")(weight=weight, temperature=0.5)
    image, text, batch = inputs(objective)
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
    torch.testing.assert_close(
        call(objective, image, text, batch), torch.stack(losses).mean(), rtol=1e-5, atol=1e-6
    )


def test_class_prompts_without_any_label_is_zero() -> None:
    objective = load("objectives", "class_prompts")()
    image, text, batch = inputs(objective)
    batch.labels[:] = -1
    assert call(objective, image, text, batch) == 0


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_clip_refine_equals_the_slow_version(temperature: float) -> None:
    objective = load("objectives", "clip_refine")(
        rafa=0.7, hycd=0.4, alpha=0.3, temperature=temperature
    )
    image, text, batch = inputs(objective)
    image, text = 3 * image, 2 * text  # not of unit length
    old = taught(image, text)
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
            said = torch.stack([rows[i] @ other for other in columns]) / temperature
            target = (torch.stack([was[i] @ other for other in others]) / temperature).softmax(0)
            for j in range(size):
                p = 0.3 * (i == j) + 0.7 * target[j]
                q = said[j] - torch.logsumexp(said, 0)
                distilled += p * (p.log() - q) * temperature**2 / (2 * size)
    torch.manual_seed(4)
    found = call(objective, image, text, batch)
    expected = (0.7 * drawn + 0.4 * distilled).float()
    torch.testing.assert_close(found.float(), expected, rtol=1e-5, atol=1e-6)


def test_the_random_part_of_clip_refine_is_one_mean_over_ranks() -> None:
    """Its gradient is 2 (f - z) / (n d), so a part's gradient is its joint share."""
    objective = load("objectives", "clip_refine")(hycd=0.0)
    image, text, batch = inputs(objective)
    cuts = [0, 5, 9]
    for rank in range(2):
        start, stop = cuts[rank], cuts[rank + 1]
        mine = image[start:stop].clone().requires_grad_()
        gather = Pretend(rank, cuts, {"image": image, "text": text, "batch": batch})
        part = Batch(batch.labels[start:stop], batch.captions[start:stop])
        torch.manual_seed(rank)
        call(objective, mine, text[start:stop], part, gather).backward()
        torch.manual_seed(rank)
        z = torch.randn_like(image[start:stop])
        expected = 2 * (image[start:stop] - z) / image.numel() * gather.world_size
        torch.testing.assert_close(mine.grad, expected)


class Pretend:
    """The gather of one of two ranks that see the same joint tensors."""

    world_size = 2

    def __init__(self, rank: int, cuts: list[int], joint: dict[str, object]) -> None:
        self.rank, self.cuts, self.joint = rank, cuts, joint

    def __call__(self, rows: Tensor) -> Tensor:
        start, stop = self.cuts[self.rank], self.cuts[self.rank + 1]
        both = self.joint["image"], self.joint["text"]
        assert isinstance(both[0], Tensor) and isinstance(both[1], Tensor)
        for whole in (*both, *taught(*both)):
            if rows.shape == whole[start:stop].shape and torch.equal(rows, whole[start:stop]):
                return whole
        batch = self.joint["batch"]
        assert isinstance(batch, Batch)
        if rows.dtype == torch.int64:  # captions as numbers
            from domainclip.objectives.infonce import _numbers

            return _numbers(batch.captions, rows.device)
        parts = [
            (batch.labels[a:b] >= 0).sum() for a, b in zip(self.cuts, self.cuts[1:], strict=False)
        ]
        return torch.stack(parts).to(rows)  # the count of labelled images

    def mine(self, rows: int) -> tuple[int, int]:
        return self.cuts[self.rank], self.cuts[self.rank + 1]

    def total(self, rows: int) -> int:
        return self.cuts[-1]
