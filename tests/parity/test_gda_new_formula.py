"""The base-to-new and the unsupervised forms of GDA against explicit inverses, class by class."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from domainclip.errors import BadInput, UsageError
from domainclip.heads._gaussian import gaussian, weighted
from domainclip.heads.gda_em import GDAEM
from domainclip.heads.gda_new import GDANew


def _features(n: int, d: int, c: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Unit features with a common mean, uneven spread over directions, labels, class texts."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % c
    common, centres = torch.randn(1, d, generator=generator), torch.randn(c, d, generator=generator)
    noise = torch.randn(n, d, generator=generator) * torch.arange(1, d + 1) ** -0.5
    z = functional.normalize(2 * common + centres[y] + 2 * noise, dim=1)
    return z, y, functional.normalize(2 * common + centres, dim=1)


def _close(ours: Tensor, theirs: np.ndarray, tolerance: float) -> None:
    assert np.abs(ours.numpy() - theirs).max() <= tolerance * np.abs(theirs).max()


@pytest.mark.parametrize(("n", "d", "c"), [(30, 48, 3), (48, 48, 4), (5000, 160, 7), (900, 130, 6)])
def test_the_few_shot_form_agrees_with_the_pseudo_inverse_to_1e_6(n: int, d: int, c: int) -> None:
    """Both branches (n < d and not), several chunks of rows, and blocks of columns with a rest."""
    z, y, _ = _features(n, d, c)
    weight, bias = gaussian(3 * z, y, c)
    x, y = z.double().numpy(), y.numpy()
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    mu = np.stack([x[y == k].mean(0) for k in range(c)])
    cov = np.cov(np.concatenate([x[y == k] - mu[k] for k in range(c)]).T)
    p = d * np.linalg.pinv((n - 1) * cov + np.trace(cov) * np.eye(d))
    _close(weight, mu @ p, 2e-6)
    _close(bias, np.log(1 / c) - 0.5 * np.einsum("cd,de,ce->c", mu, p, mu), 1e-6)


@pytest.mark.parametrize(("d", "c", "k"), [(40, 3, 16), (24, 20, 64), (40, 5, 2)])
def test_new_classes_are_the_released_arithmetic(d: int, c: int, k: int) -> None:
    """d above and below twice the classes: both ways to apply P."""
    z, y, text = _features(150, d, 4)
    new = functional.normalize(torch.randn(c, d, generator=torch.Generator().manual_seed(5)), dim=1)
    head = GDANew(neighbours=k, alpha=0.3).fit(z, y, text)
    found = head.for_new(new)
    means, precisions = [], []
    for t in new.double():
        x = z.double()[torch.topk(z.double() @ t, k).indices]
        means.append(torch.cat([x, t[None].repeat(16, 1)]).mean(0))
        covariance = (x - t).T @ (x - t) / (k - 1)
        shrunk = (k - 1) * covariance + covariance.trace() * torch.eye(d).double()
        precisions.append(d * torch.linalg.pinv(shrunk))
    mu, p = torch.stack(means), torch.stack(precisions).mean(0)
    weight = mu @ p
    bias = -np.log(c) - 0.5 * (weight * mu).sum(1)
    _close(found.state()["weight"], weight.numpy(), 2e-6)
    _close(found.state()["bias"], bias.numpy(), 2e-6)
    expected = 100 * z.double() @ new.double().T + 0.3 * (z.double() @ weight.T + bias)
    _close(found.logits(z), expected.numpy(), 1e-5)


def test_base_classes_of_the_paper_have_the_pseudo_inverse_of_the_mean_covariance() -> None:
    z, y, text = _features(400, 20, 4)
    state = GDANew(alpha=1.0, base="paper").fit(z, y, text).state()
    covariances = torch.stack([torch.cov(z[y == k].double().T) for k in range(4)])
    mu = torch.stack([z[y == k].double().mean(0) for k in range(4)])
    weight = mu @ torch.linalg.pinv(covariances.mean(0))
    _close(state["weight"], weight.numpy(), 1e-4)
    assert GDANew(alpha=1.0).fit(z, y, text).state()["weight"].norm() != state["weight"].norm()


def test_a_restored_head_meets_new_classes_and_few_images_are_all_taken() -> None:
    z, y, text = _features(12, 16, 3)
    head = GDANew().fit(z, y, text)
    other = GDANew()
    other.load_state(head.state())
    new = text.flip(0)
    assert torch.equal(other.for_new(new).logits(z), head.for_new(new).logits(z))
    assert bool(torch.isfinite(head.for_new(new[:1]).logits(z)).all())
    assert head.logits(z).shape == (12, 3)  # for_new left it alone
    with pytest.raises(BadInput, match="class texts have shape"):
        head.for_new(new[:, :-1])
    with pytest.raises(UsageError, match="fit first"):
        GDANew().for_new(new)
    with pytest.raises(UsageError, match="neighbours"):
        GDANew(neighbours=1).fit(z, y, text)


@pytest.mark.parametrize(("n", "d"), [(60, 12), (30, 48)])
def test_weighted_means_and_precision_are_the_formulas(n: int, d: int) -> None:
    z, _, _ = _features(n, d, 3)
    share = torch.rand(n, 3, generator=torch.Generator().manual_seed(2)).softmax(1)
    means, weight = weighted(z, share)
    x, r = z.double().numpy(), share.double().numpy()
    mu = np.stack([(r[:, [c]] * x).sum(0) / r[:, c].sum() for c in range(3)])
    scatter = np.zeros((d, d))
    for i in range(n):
        for c in range(3):
            scatter += r[i, c] * np.outer(x[i] - mu[c], x[i] - mu[c])
    p = d * np.linalg.inv(scatter + np.trace(scatter) / (n - 1) * np.eye(d))
    _close(means, mu, 1e-6)
    _close(weight, mu @ p, 1e-6)


def test_one_image_a_class_that_the_posterior_is_sure_of_has_no_scatter() -> None:
    z, _, _ = _features(7, 96, 7)
    means, weight = weighted(z, torch.eye(7))
    _close(means, z.double().numpy(), 1e-6)
    _close(weight, 96 * z.double().numpy(), 1e-6)  # every direction alike, as in ``gaussian``


def test_em_mends_texts_that_point_beside_the_classes() -> None:
    """Clusters far apart, texts between them and noise: zero-shot errs, the images say better."""
    generator = torch.Generator().manual_seed(0)
    centres = functional.normalize(torch.randn(5, 64, generator=generator), dim=1)
    y = torch.arange(500) % 5
    z = centres[y] + 0.12 * torch.randn(500, 64, generator=generator)
    text = centres + 0.45 * torch.randn(5, 64, generator=generator)

    def right(logits: Tensor) -> float:
        return float((logits.argmax(1) == y).float().mean())

    zero_shot = right(functional.normalize(z, dim=1) @ functional.normalize(text, dim=1).T)
    fitted = right(GDAEM().fit(z, torch.zeros(500, dtype=torch.long), text).logits(z))
    assert zero_shot < 0.9
    assert fitted > zero_shot + 0.05


def test_em_does_not_look_at_labels() -> None:
    z, y, text = _features(60, 12, 3)
    first, second = (GDAEM().fit(z, labels, text).logits(z) for labels in (y, y.flip(0)))
    assert torch.equal(first, second)
    with pytest.raises(UsageError, match="rounds"):
        GDAEM(rounds=0).fit(z, y, text)
