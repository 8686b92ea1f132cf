"""Heads against their published arithmetic, written out here a second time, slowly and plainly."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.errors import UsageError
from domainclip.heads._cache_model import search
from domainclip.heads.clip_adapter import CLIPAdapter
from domainclip.heads.knn import KNN
from domainclip.heads.lp_plus_plus import LPPlusPlus
from domainclip.heads.tip_adapter import TipAdapter
from domainclip.heads.tip_adapter_f import TipAdapterF

C, D, K = 5, 16, 4


def _problem(seed: int = 0, noise: float = 0.4) -> tuple[Tensor, ...]:
    """Support features and labels, class texts, validation features and labels."""
    generator = torch.Generator().manual_seed(seed)
    centres = functional.normalize(torch.randn(C, D, generator=generator), dim=1)

    def drawn(each: int) -> tuple[Tensor, Tensor]:
        y = torch.arange(C).repeat(each)
        z = centres[y] + noise * torch.randn(len(y), D, generator=generator)
        return functional.normalize(z, dim=1), y

    text = functional.normalize(centres + 0.3 * torch.randn(C, D, generator=generator), dim=1)
    return *drawn(K), text, *drawn(20)


def test_tip_adapter_is_its_equation() -> None:
    z, y, text, x, _ = _problem()
    values = functional.one_hot(y, C).float()

    def expected(alpha: float, beta: float) -> Tensor:
        return 100 * x @ text.T + alpha * torch.exp(-beta * (1 - x @ z.T)) @ values

    for head, alpha, beta in (
        (TipAdapter(alpha=1.7, beta=2.5), 1.7, 2.5),  # given, so not searched
        (TipAdapter(search=False), 1.0, 5.5),
    ):
        found = head.fit(z, y, text).logits(x)
        torch.testing.assert_close(found, expected(alpha, beta), rtol=1e-4, atol=1e-4)


def test_one_that_is_given_stays_while_the_other_is_searched() -> None:
    z, y, text, x, truth = _problem(noise=0.8)
    text = text.roll(1, 0)  # wrong texts, so that the cache matters
    values = functional.one_hot(y, C).float()
    best, found = -1.0, 0.0
    for alpha in [i * (50 - 0.1) / 20 + 0.1 for i in range(20)]:
        logits = 100 * x @ text.T + alpha * torch.exp(-1.5 * (1 - x @ z.T)) @ values
        if (right := float((logits.argmax(1) == truth).float().mean())) > best:
            best, found = right, alpha
    state = TipAdapter(beta=1.5).fit(z, y, text, (x, truth)).state()
    assert float(state["beta"]) == 1.5
    assert float(state["alpha"]) == pytest.approx(found) != 1.0
    state = TipAdapter(alpha=1.5).fit(z, y, text, (x, truth)).state()
    assert float(state["alpha"]) == 1.5


def test_the_grid_is_the_published_one() -> None:
    """Every point computed anew, strictly better wins, beta outside."""
    z, y, text, x, truth = _problem()
    zero_shot = 3 * x @ text.T  # weak, so that alpha and beta matter
    values = functional.one_hot(y, C).float()
    best, found = -1.0, (0.0, 0.0)
    for beta in [i * (12 - 0.1) / 20 + 0.1 for i in range(20)]:
        for alpha in [i * (10 - 0.1) / 8 + 0.1 for i in range(8)]:
            logits = zero_shot + alpha * torch.exp(-beta * (1 - x @ z.T)) @ values
            right = float((logits.argmax(1) == truth).float().mean())
            if right > best:
                best, found = right, (beta, alpha)
    ours = search(zero_shot, x @ z.T, y, truth, (12.0, 10.0), (20, 8))
    assert ours == pytest.approx(found)


def test_without_validation_no_key_is_judged_by_itself() -> None:
    """Duplicated labels of pure noise: a cache that saw its own keys would look perfect."""
    generator = torch.Generator().manual_seed(0)
    z = functional.normalize(torch.randn(200, D, generator=generator), dim=1)
    y = torch.randint(C, (200,), generator=generator)
    affinity = (z @ z.T).fill_diagonal_(-torch.inf)
    beta, alpha = search(torch.zeros(200, C), affinity, y, y, (12.0, 10.0), (10, 4))
    votes = torch.exp(-beta * (1 - affinity)) @ functional.one_hot(y, C).float()
    assert float(((alpha * votes).argmax(1) == y).float().mean()) < 0.4


def test_tip_adapter_f_trains_keys_as_adamw_would() -> None:
    z, y, text, _, _ = _problem()
    head = TipAdapterF(alpha=1.2, beta=1.5, epochs=3, batch_size=64).fit(z, y, text)
    keys = nn.Parameter(z.clone())
    optimizer = torch.optim.AdamW([keys], lr=1e-3, eps=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 3)
    values = functional.one_hot(y, C).float()
    for _ in range(3):
        logits = 100 * z @ text.T + 1.2 * torch.exp(-1.5 * (1 - z @ keys.T)) @ values
        optimizer.zero_grad()
        functional.cross_entropy(logits, y).backward()
        optimizer.step()
        schedule.step()
    torch.testing.assert_close(head.state()["keys"], keys.detach(), rtol=1e-5, atol=1e-6)
    assert not torch.allclose(keys.detach(), z, atol=1e-4)


@pytest.mark.parametrize("seed", [None, 4])
@pytest.mark.parametrize("accumulate", [False, True])
def test_lp_plus_plus_takes_the_steps_that_autograd_gives(
    accumulate: bool, seed: int | None
) -> None:
    x, y, text, _, _ = _problem()
    state = torch.random.get_rng_state()
    head = LPPlusPlus(epochs=25, accumulate=accumulate, seed=seed).fit(x, y, text)
    assert torch.equal(torch.random.get_rng_state(), state)
    sums = torch.stack([x[y == c].sum(0) for c in range(C)])
    own = torch.stack([(x[y == c] @ text[c]).mean() for c in range(C)])
    torch.manual_seed(seed or 0)
    first = torch.zeros(C) if seed is None else nn.Linear(D, C).bias.detach()
    weight, bias = nn.Parameter(sums), nn.Parameter(first)
    alpha = nn.Parameter(torch.full((C,), 250 * float(own.mean())))
    largest = float(torch.linalg.eigvalsh(x.T @ x)[-1])
    optimizer = torch.optim.SGD([weight, bias], lr=4 * len(x) / largest, momentum=0.9)
    lr_alpha = len(x) / (4 * float((x @ text.T).square().sum(0).max()))
    for epoch in range(25):
        optimizer.zero_grad()
        if not accumulate:
            alpha.grad = None
        logits = x @ weight.T + bias + alpha * (x @ text.T)
        functional.cross_entropy(logits, y).backward()
        optimizer.step()
        if (epoch + 1) % 10 == 0:
            with torch.no_grad():
                alpha -= lr_alpha * alpha.grad
    for name, expected in (("weight", weight), ("bias", bias), ("alpha", alpha)):
        torch.testing.assert_close(
            head.state()[name], expected.detach(), rtol=1e-4, atol=1e-4, msg=name
        )


def test_clip_adapter_is_its_equation_and_learns() -> None:
    z, y, text, x, _ = _problem()
    start = CLIPAdapter(ratio=0.3, epochs=0).fit(z, y, text)
    state = start.state()
    layers = nn.Sequential(
        nn.Linear(D, D // 4, bias=False), nn.ReLU(), nn.Linear(D // 4, D, bias=False), nn.ReLU()
    )
    layers[0].weight.data, layers[2].weight.data = state["down"], state["up"]
    with torch.no_grad():
        mixed = functional.normalize(0.3 * layers(x) + 0.7 * x, dim=1)
    torch.testing.assert_close(start.logits(x), 100 * mixed @ text.T, rtol=1e-4, atol=1e-4)
    trained = CLIPAdapter(ratio=0.3, lr=0.02).fit(z, y, text)
    losses = [functional.cross_entropy(head.logits(z), y) for head in (start, trained)]
    assert float(losses[1]) < float(losses[0])


def test_clip_adapter_is_that_of_features_as_they_come() -> None:
    """The released code has no unit length before the bottleneck; logits and steps are the same."""
    z, y, text, x, _ = _problem()
    z, x = (part * torch.arange(1, len(part) + 1)[:, None] / 3 for part in (z, x))
    state = CLIPAdapter(ratio=0.3, epochs=0).fit(z, y, text).state()
    weights = [nn.Parameter(state[name].clone()) for name in ("down", "up")]

    def logits(raw: Tensor) -> Tensor:
        bent = torch.relu(torch.relu(raw @ weights[0].T) @ weights[1].T)
        return 100 * functional.normalize(0.3 * bent + 0.7 * raw, dim=1) @ text.T

    optimizer = torch.optim.SGD(weights, lr=2e-3, momentum=0.9)
    functional.cross_entropy(logits(z), y).backward()
    optimizer.step()
    head = CLIPAdapter(ratio=0.3, epochs=1).fit(z, y, text)
    for name, weight in zip(("down", "up"), weights, strict=True):
        torch.testing.assert_close(head.state()[name], weight.detach(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(head.logits(x), logits(x).detach(), rtol=1e-4, atol=1e-4)


def test_clip_adapter_of_ratio_zero_is_zero_shot() -> None:
    z, y, text, x, _ = _problem()
    head = CLIPAdapter(ratio=0.0, epochs=2).fit(z, y, text)
    torch.testing.assert_close(head.logits(x), 100 * x @ text.T, rtol=1e-5, atol=1e-4)
    with pytest.raises(UsageError, match="ratio"):
        CLIPAdapter(ratio=1.5).fit(z, y, text)


def test_knn_votes_as_written() -> None:
    z, y, text, x, _ = _problem()
    logits = KNN(k=3, temperature=0.1).fit(z, y, text).logits(x)
    for row, query in enumerate(x):
        cosines = [float(query @ key) for key in z]
        nearest = sorted(range(len(z)), key=lambda i: -cosines[i])[:3]
        votes = [0.0] * C
        for i in nearest:
            votes[int(y[i])] += math.exp(cosines[i] / 0.1)
        for c in range(C):
            expected = math.log(max(votes[c] / sum(votes), 1e-6))
            assert float(logits[row, c]) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("make", [TipAdapter, TipAdapterF, LPPlusPlus, CLIPAdapter, KNN])
def test_validation_images_never_hurt_on_themselves(make: type) -> None:
    """What is chosen on them is at least as good on them as what is chosen without them."""
    for seed in range(3):
        z, y, text, x, truth = _problem(seed)
        scores = [
            float((make().fit(z, y, text, held).logits(x).argmax(1) == truth).float().mean())
            for held in (None, (x, truth))
        ]
        assert scores[1] >= scores[0] - 1e-6


@pytest.mark.parametrize("make", [KNN, lambda k: KNN(temperature=k)])
def test_knn_refuses_nonsense(make: type) -> None:
    z, y, text, _, _ = _problem()
    with pytest.raises(UsageError, match="knn"):
        make(0).fit(z, y, text)
