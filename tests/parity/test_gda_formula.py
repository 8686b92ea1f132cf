"""GDA against the paper's formula, written out slowly with an explicit inverse."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from domainclip.heads.gda import GDA
from domainclip.heads.linear_probe import LinearProbe


@pytest.mark.parametrize(("n", "d", "c"), [(40, 16, 3), (12, 32, 4)])
def test_logits_are_the_papers(n: int, d: int, c: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, d)) + 2 * rng.normal(size=(c, d))[np.arange(n) % c]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y = np.arange(n) % c
    t = rng.normal(size=(c, d))
    t /= np.linalg.norm(t, axis=1, keepdims=True)

    mu = np.stack([x[y == k].mean(0) for k in range(c)])
    z = np.concatenate([x[y == k] - mu[k] for k in range(c)])
    cov = np.cov(z.T)  # centred once more, divided by n - 1
    p = d * np.linalg.inv((n - 1) * cov + np.trace(cov) * np.eye(d))
    w = mu @ p
    b = np.log(1 / c) - 0.5 * np.einsum("cd,de,ce->c", mu, p, mu)
    expected = 100 * x @ t.T + 0.7 * (x @ w.T + b)

    head = GDA(alpha=0.7).fit(x, y, t)
    np.testing.assert_allclose(head.logits(x).numpy(), expected, rtol=1e-4, atol=1e-3)


def test_the_weight_is_chosen_on_validation_images_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(30, 8, generator=generator)
    y = torch.arange(30) % 3
    held = torch.randn(9, 8, generator=generator), torch.arange(9) % 3
    text = torch.randn(3, 8, generator=generator)
    head = GDA().fit(z, y, text, held)
    scores = {
        a: float((GDA(alpha=a).fit(z, y, text).logits(held[0]).argmax(1) == held[1]).float().mean())
        for a in (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
    }
    chosen = float(head.state()["alpha"])
    assert min(abs(chosen - a) for a in scores) < 1e-6 * chosen
    assert max(scores.values()) == float((head.logits(held[0]).argmax(1) == held[1]).float().mean())


def test_one_noisy_image_a_class_does_not_spoil_good_texts() -> None:
    generator = torch.Generator().manual_seed(0)

    def unit(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(x, dim=1)

    classes, d = 40, 256
    centres, common = (unit(torch.randn(n, d, generator=generator)) for n in (classes, 1))
    y = torch.arange(classes).repeat(30)
    noise = torch.randn(len(y), d, generator=generator) / d**0.5
    z = unit(2 * common + 0.6 * centres[y] + 4 * noise)
    text = unit(common + 0.5 * centres)
    first, rest = slice(classes), slice(classes, None)

    def accuracy(head: GDA) -> float:
        logits = head.fit(z[first], y[first], text).logits(z[rest])
        return float((logits.argmax(1) == y[rest]).float().mean())

    zero_shot = accuracy(GDA(alpha=0.0))
    assert accuracy(GDA(alpha=1.0)) < 0.3 < 0.5 < zero_shot
    assert accuracy(GDA()) > zero_shot - 0.1


def test_linear_probe_is_sklearns_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 16))
    y = np.arange(60) % 3
    head = LinearProbe(strength=0.5).fit(x, y, np.eye(3, 16))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    model = LogisticRegression(C=0.5, max_iter=5000, tol=1e-8).fit(unit, y)
    ours = head.logits(x).softmax(1).numpy()
    np.testing.assert_allclose(ours, model.predict_proba(unit), atol=5e-3)
