"""Heads give the same numbers in whatever array they come, and finite ones of a single image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from domainclip.catalogue import entries, load

FEW = {"clap": 3, "lp_plus_plus": 12, "tip_adapter_f": 2, "clip_adapter": 2, "labclip": 2}
HEADS = sorted(entry.name for entry in entries("heads"))
C, D = 4, 12


def _head(name: str) -> Any:
    options = {"epochs": FEW[name]} if name in FEW else {}
    return load("heads", name)(**options)


def _problem() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(C, D, generator=generator)
    y = torch.arange(16) % C
    z = centres[y] + torch.randn(16, D, generator=generator)
    return z, y, centres + 0.5 * torch.randn(C, D, generator=generator)


def _forms(z: Tensor, y: Tensor, text: Tensor) -> dict[str, tuple[Any, Any, Any]]:
    wide = torch.zeros(len(z), 2 * D)
    wide[:, ::2] = z
    fixed = z.numpy().copy()
    fixed.flags.writeable = False
    with torch.inference_mode():
        made_there = tuple(part.clone() for part in (z, y, text))
    return {
        "float64": (z.double(), y, text.double()),
        "int32": (z.numpy(), y.numpy().astype(np.int32), text.numpy()),
        "strided": (wide[:, ::2], y, text.T.contiguous().T),
        "mirrored": (z.flip(0).numpy()[::-1], y.flip(0).numpy()[::-1], text.numpy()),
        "big-endian": (z.numpy().astype(">f4"), y.numpy().astype(">i4"), text.numpy()),
        "read-only": (fixed, y, text),
        "tensors in a list": (list(z), list(y), list(text)),
        "made in inference mode": made_there,
    }


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", HEADS)
def test_the_same_logits_in_every_form(name: str) -> None:
    z, y, text = _problem()
    expected = _head(name).fit(z, y, text).logits(z)
    for form, given in _forms(z, y, text).items():
        found = _head(name).fit(*given).logits(given[0])
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4, msg=form)


@pytest.mark.parametrize("name", HEADS)
def test_fitted_in_inference_mode_too(name: str) -> None:
    z, y, text = _problem()
    expected = _head(name).fit(z, y, text).logits(z)
    with torch.inference_mode():
        found = _head(name).fit(1 * z, 1 * y, 1 * text).logits(z)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", [name for name in HEADS if name != "linear_probe"])
@pytest.mark.parametrize(
    ("labels", "classes"),
    [([0], 1), ([0, 0, 0], 1), ([0], 2), ([0, 1], 2), ([2], C), ([1, 1, 3], C), ([0, 1, 2, 3], C)],
)
def test_few_images_and_few_classes_give_finite_logits(
    name: str, labels: list[int], classes: int
) -> None:
    z, _, text = _problem()
    head = _head(name).fit(z[: len(labels)], labels, text[:classes])
    found = head.logits(z)
    assert found.shape == (len(z), classes)
    assert bool(found.isfinite().all())
