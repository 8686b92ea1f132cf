"""SHIP's autoencoder against its published arithmetic, row by row on a small causal CLIP."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.adapters._feature_vae import FeatureVAE, fit_vae
from domainclip.backbones import Backbone
from tests.data.tiny_towers import images, make_backbone

NAMES = ["cat", "polar bear", "sea"]
LABELS = torch.tensor([1, 0, 2, 1, 2])
HIDDEN, D, W = (24, 40), 32, 32


def _made() -> tuple[Backbone, FeatureVAE, Tensor, Tensor]:
    backbone = make_backbone("vit")
    backbone.model.requires_grad_(False)
    generator = torch.Generator().manual_seed(3)
    vae = FeatureVAE(backbone, NAMES, n_ctx=4, hidden=HIDDEN, generator=generator)
    with torch.no_grad():  # as it starts, every hidden unit is nearly nothing
        for parameter in vae.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    noise = torch.randn(len(LABELS), D, generator=generator)
    return backbone, vae, backbone.image(images(len(LABELS))), noise


def _copied(vae: FeatureVAE) -> dict[str, Tensor]:
    return {n: p.detach().clone().requires_grad_() for n, p in vae.named_parameters()}


def _linear(p: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return p[f"{name}.weight"] @ x + p[f"{name}.bias"]


def _text(backbone: Backbone, label: int, vectors: Tensor) -> Tensor:
    """One prompt [SOS][vectors][name . EOT and the fill], over every position, pooled at EOT."""
    model, m = backbone.model, len(vectors)
    ids = backbone.tokenize([" ".join(["X"] * m) + f" {NAMES[label]}."])[0]
    embedded = model.token_embedding(ids)
    x = torch.cat([embedded[:1], vectors, embedded[1 + m :]]) + model.positional_embedding
    x = model.ln_final(model.transformer(x[None], attn_mask=model.attn_mask))[0]
    f = x[int(ids.argmax())] @ model.text_projection
    return f / f.norm()


def _slow_loss(backbone: Backbone, p: dict[str, Tensor], image: Tensor, noise: Tensor) -> Tensor:
    squares, divergences = [], []
    for x, label, e in zip(image, LABELS.tolist(), noise, strict=True):
        hidden = functional.relu(_linear(p, "encoder.0", x))
        mean, log_var = _linear(p, "mean", hidden), _linear(p, "log_var", hidden)
        z = mean + log_var.exp().sqrt() * e
        shift = _linear(p, "generator.2", functional.relu(_linear(p, "generator.0", z)))
        f = _text(backbone, label, torch.stack([v + shift for v in p["context"]]))
        squares.append(sum((f - x) ** 2))
        divergences.append(sum(mean**2 + log_var.exp() - 1 - log_var) / 2)
    rows: Any = [a + b for a, b in zip(squares, divergences, strict=True)]
    loss: Tensor = torch.stack(rows).mean()
    return loss


def test_loss_gradients_and_a_step() -> None:
    backbone, vae, image, noise = _made()
    copy = _copied(vae)
    loss, slow = vae.loss(image, LABELS, noise), _slow_loss(backbone, copy, image, noise)
    torch.testing.assert_close(loss, slow, rtol=1e-4, atol=1e-6)
    loss.backward()
    slow.backward()
    for name, parameter in vae.named_parameters():
        torch.testing.assert_close(parameter.grad, copy[name].grad, rtol=1e-3, atol=1e-6)
        assert bool(parameter.grad.abs().sum() > 0), name


def test_an_epoch_of_one_batch_is_one_step_of_adamw() -> None:
    backbone, vae, image, _ = _made()
    copy = _copied(vae)
    fit_vae(vae, image, LABELS, epochs=1, generator=torch.Generator().manual_seed(5))
    again = torch.Generator().manual_seed(5)
    order = torch.randperm(len(LABELS), generator=again)
    drawn = torch.empty(len(LABELS), D)
    drawn[order] = torch.randn(len(LABELS), D, generator=again)
    _slow_loss(backbone, copy, image, drawn).backward()
    for name, parameter in vae.named_parameters():
        value, slope = copy[name].detach(), copy[name].grad
        assert slope is not None
        # the first step: both moments are the slope's own, and 1 % of the rate is the decay
        expected = value * (1 - 1e-3 * 0.01) - 1e-3 * slope / (slope.abs() + 1e-8)
        # a slope of rounding errors has a sign by chance; that of an unused unit is 0
        sure = (slope.abs() > 1e-6) | (slope == 0)
        assert bool(sure.float().mean() > 0.9)
        torch.testing.assert_close(parameter[sure], expected[sure], rtol=1e-4, atol=1e-6)


def test_first_weights_and_widths_are_the_published_ones() -> None:
    backbone = make_backbone("vit")
    vae = FeatureVAE(
        backbone, NAMES, n_ctx=4, hidden=(2048, 4096), generator=torch.Generator().manual_seed(0)
    )
    shapes = {name: tuple(p.shape) for name, p in vae.named_parameters() if p.ndim == 2}
    assert shapes == {
        "context": (4, W),
        "encoder.0.weight": (2048, D), "mean.weight": (D, 2048), "log_var.weight": (D, 2048),
        "generator.0.weight": (4096, D), "generator.2.weight": (W, 4096),
    }  # fmt: skip
    for name, parameter in vae.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any()
        else:
            assert abs(parameter.detach().std().item() - 0.02) < (
                0.004 if name == "context" else 0.001
            )


def test_samples_are_the_text_tower_s_at_normal_noise() -> None:
    backbone, vae, _, _ = _made()
    labels = torch.tensor([2, 0])
    found = vae.sample(labels, torch.Generator().manual_seed(9))
    z = torch.randn(2, D, generator=torch.Generator().manual_seed(9))
    p = _copied(vae)
    for row, (label, noise) in enumerate(zip(labels.tolist(), z, strict=True)):
        shift = _linear(p, "generator.2", functional.relu(_linear(p, "generator.0", noise)))
        expected = _text(backbone, label, p["context"] + shift)
        torch.testing.assert_close(found[row], expected.detach(), rtol=1e-4, atol=1e-6)
    assert not found.requires_grad
