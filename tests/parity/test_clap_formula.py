"""CLAP against its objective written out with loops, and its steps against torch's optimiser."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.errors import UsageError
from domainclip.heads.clap import CLAP, multipliers, outer_step

C, D, N, SCALE, LENGTH = 4, 12, 20, 30.0, 3.0


def _problem() -> tuple[Tensor, Tensor, Tensor]:
    """Features, labels and class texts of length ``LENGTH``, none of them quite right."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(C, D, generator=generator)
    y = torch.arange(N) % C
    z = functional.normalize(centres[y] + torch.randn(N, D, generator=generator), dim=1)
    text = centres + torch.randn(C, D, generator=generator)
    return z, y, LENGTH * functional.normalize(text, dim=1)


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    return sum(x * y for x, y in zip(a, b, strict=True)) / (a.norm() * b.norm())


def _multipliers(z: Tensor, y: Tensor, text: Tensor) -> list[float]:
    """Class after class, image after image: the zero-shot probability of the image's class."""
    found = []
    for c in range(C):
        own = []
        for row in range(N):
            if int(y[row]) == c:
                powers = [math.exp(SCALE * float(_cosine(z[row], t))) for t in text]
                own.append(powers[c] / sum(powers))
        found.append(sum(own) / len(own))
    return found


def _objective(weight: Tensor, z: Tensor, y: Tensor, text: Tensor, held: list[float]) -> Tensor:
    loss = torch.zeros(())
    for row in range(N):
        logits = torch.stack([SCALE * _cosine(z[row], w) for w in weight])
        loss = loss + (torch.logsumexp(logits, 0) - logits[y[row]]) / N
    for c in range(C):
        loss = loss + held[c] * sum((weight[c, d] - text[c, d]) ** 2 for d in range(D)) / C
    return loss


def test_multipliers_logits_and_gradients_are_the_formulas() -> None:
    z, y, text = _problem()
    held = _multipliers(z, y, text)
    head = CLAP(scale=SCALE, text_length=LENGTH, epochs=0).fit(z, y, text)
    torch.testing.assert_close(head.state()["lambda"], torch.tensor(held), rtol=1e-4, atol=1e-5)
    expected = torch.stack([torch.stack([SCALE * _cosine(x, t) for t in text]) for x in z])
    torch.testing.assert_close(head.logits(z), expected, rtol=1e-4, atol=1e-4)
    start = text + 0.1 * torch.randn(C, D, generator=torch.Generator().manual_seed(1))
    slow, fast = (start.clone().requires_grad_(True) for _ in range(2))
    _objective(slow, z, y, text, held).backward()
    head._loss(fast, z, y, text, torch.tensor(held)).backward()
    torch.testing.assert_close(fast.grad, slow.grad, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("constraint", ["class_adaptive", "none"])
@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_steps_are_sgds(epochs: int, constraint: str) -> None:
    z, y, text = _problem()
    held = _multipliers(z, y, text) if constraint == "class_adaptive" else [0.0] * C
    weight = nn.Parameter(text.clone())
    for epoch in range(epochs):
        lr = 1e-5 if epoch == 0 else 0.1 * (1 + math.cos(math.pi * (epoch - 1) / epochs)) / 2
        if epoch == 0:
            optimizer = torch.optim.SGD([weight], lr=lr, momentum=0.9)
        optimizer.param_groups[0]["lr"] = lr
        optimizer.zero_grad()
        _objective(weight, z, y, text, held).backward()
        optimizer.step()
    head = CLAP(constraint, scale=SCALE, text_length=None, epochs=epochs).fit(z, y, text)
    torch.testing.assert_close(head.state()["weight"], weight.detach(), rtol=1e-4, atol=1e-5)
    assert not torch.equal(head.state()["weight"], text)


def test_texts_as_they_come_are_the_published_start_and_unit_ones_are_made_longer() -> None:
    z, y, text = _problem()
    text = text * torch.arange(1, C + 1)[:, None]  # every class its own length
    plain, given = (
        CLAP(scale=SCALE, text_length=length, epochs=4).fit(z, y, text).state()
        for length in (None, 10.0)
    )
    assert torch.equal(plain["weight"], given["weight"])
    unit = functional.normalize(text, dim=1)
    for texts in (unit, unit.bfloat16()):
        start = CLAP(scale=SCALE, epochs=0).fit(z, y, texts).state()["weight"]
        torch.testing.assert_close(start, 10 * unit, rtol=1e-2, atol=5e-2)
    start = CLAP(scale=SCALE, text_length=None, epochs=0).fit(z, y, unit).state()["weight"]
    torch.testing.assert_close(start, unit)


def test_the_constraint_holds_what_zero_shot_knows() -> None:
    z, y, text = _problem()
    away = {
        kind: (CLAP(kind, scale=SCALE, text_length=LENGTH).fit(z, y, text).state()["weight"] - text)
        .norm(dim=1)
        for kind in ("none", "l2", "class_adaptive")
    }  # fmt: skip
    assert bool((away["l2"] < away["none"]).all() and (away["class_adaptive"] < away["none"]).all())
    held = multipliers(SCALE * z @ text.T / LENGTH, y, C, "class_adaptive")
    even = multipliers(SCALE * z @ text.T / LENGTH, y, C, "l2")
    assert float(held.std()) > 0.05  # the problem has right texts and wrong ones
    torch.testing.assert_close(even, held.mean().repeat(C))
    # against one weight for all, classes with a larger one stay nearer, the others go farther
    nearer = away["class_adaptive"] < away["l2"]
    assert bool((nearer == (held > even)).all())


def test_a_class_without_images_has_the_mean_multiplier() -> None:
    z, y, text = _problem()
    held = multipliers(z @ text.T, y.clamp(max=C - 2), C, "class_adaptive")
    torch.testing.assert_close(held[-1], held[:-1].mean())


def test_the_outer_step_is_the_derivative_of_the_phr_penalty() -> None:
    """P(h) = ((lambda + rho h)² - lambda²) / (2 rho) where lambda + rho h >= 0, else constant."""
    weight, text = torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.0, 0.5]])
    held, rho = torch.tensor([0.3, -2.0]), torch.tensor([0.7, 0.4])
    h = torch.tensor([4.0, 0.25], requires_grad=True)
    inside = held + rho * h
    value = torch.where(inside >= 0, inside**2 - held**2, -(held**2)) / (2 * rho)
    value.sum().backward()
    after, violation = outer_step(weight, text, held, rho)
    torch.testing.assert_close(after, h.grad)
    torch.testing.assert_close(violation, h.detach())
    unmoved, _ = outer_step(weight, text, held.abs(), torch.zeros(2))
    torch.testing.assert_close(unmoved, held.abs())  # the first outer step: rho is 0


def test_outer_steps_tighten_and_nonsense_is_refused() -> None:
    z, y, text = _problem()
    once, again = (
        CLAP(scale=SCALE, text_length=LENGTH, epochs=20, outer_steps=steps).fit(z, y, text).state()
        for steps in (False, True)
    )
    tighter = again["lambda"] - once["lambda"]  # 0 where a class has not moved
    assert bool((tighter >= 0).all()) and float(tighter.max()) > 0.01
    with pytest.raises(UsageError, match="constraint"):
        CLAP("cosine").fit(z, y, text)  # type: ignore[arg-type]


def test_an_epoch_of_views_takes_as_many_rows_as_there_are_images() -> None:
    """Of 40 rows in batches of 10, one view makes four steps an epoch, two views make two."""
    z, y, text = _problem()
    many, labels = z.repeat(2, 1), y.repeat(2)
    moved = [
        float((CLAP(batch_size=10, views=views, epochs=2, text_length=LENGTH)
               .fit(many, labels, text).state()["weight"] - text).norm())
        for views in (1, 2)
    ]  # fmt: skip
    assert moved[0] > 1.3 * moved[1]
