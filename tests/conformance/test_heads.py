"""Every head of the catalogue keeps the promises of the protocol."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from domainclip.catalogue import entries, load
from domainclip.errors import BadInput, UsageError

HEADS = [entry.name for entry in entries("heads")]


def _problem(classes: int = 4, shots: int = 6, width: int = 24) -> tuple[Tensor, Tensor, Tensor]:
    """Unit features around class directions, labels, and noisy class texts."""
    generator = torch.Generator().manual_seed(0)
    centres = functional.normalize(torch.randn(classes, width, generator=generator), dim=1)
    y = torch.arange(classes).repeat(shots)
    z = functional.normalize(
        centres[y] + 0.2 * torch.randn(len(y), width, generator=generator), dim=1
    )
    text = centres + 0.1 * torch.randn(classes, width, generator=generator)
    return z, y, functional.normalize(text, dim=1)


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("shots", [1, 2, 6])
def test_separable_classes_are_told_apart(name: str, shots: int) -> None:
    z, y, text = _problem(shots=shots)
    head = load("heads", name)().fit(z, y, text)
    logits = head.logits(z)
    assert logits.shape == (len(z), 4)
    assert bool(torch.isfinite(logits).all())
    assert float((logits.argmax(1) == y).float().mean()) > 0.9


@pytest.mark.parametrize("name", HEADS)
def test_arrays_are_as_good_as_tensors_and_order_does_not_matter(name: str) -> None:
    z, y, text = _problem()
    by_tensor = load("heads", name)().fit(z, y, text).logits(z)
    by_array = load("heads", name)().fit(z.numpy(), y.numpy(), text.numpy()).logits(z.numpy())
    torch.testing.assert_close(by_array, by_tensor)
    assert torch.equal(load("heads", name)().fit(z, y, text).logits(z), by_tensor)


@pytest.mark.parametrize("name", HEADS)
def test_state_restores_the_head(name: str) -> None:
    z, y, text = _problem()
    head = load("heads", name)().fit(z, y, text)
    other = load("heads", name)()
    other.load_state(head.state())
    assert torch.equal(other.logits(z), head.logits(z))


@pytest.mark.parametrize("name", HEADS)
def test_a_class_without_images_is_never_nan(name: str) -> None:
    z, y, text = _problem()
    kept = y != 3
    logits = load("heads", name)().fit(z[kept], y[kept], text).logits(z)
    assert logits.shape == (len(z), 4)
    assert bool(torch.isfinite(logits).all())


@pytest.mark.parametrize("name", HEADS)
def test_no_image_or_one_class_alone_ends_in_a_sentence_or_a_head(name: str) -> None:
    z, y, text = _problem()
    try:
        logits = load("heads", name)().fit(z[:0], y[:0], text).logits(z)
        assert bool(torch.isfinite(logits).all())
    except BadInput as error:
        assert "image" in str(error)
    try:
        logits = load("heads", name)().fit(z[y == 1], y[y == 1], text).logits(z)
        assert bool(torch.isfinite(logits).all())
    except BadInput as error:
        assert "two classes" in str(error)


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("shots", [1, 2])
def test_two_classes(name: str, shots: int) -> None:
    z, y, text = _problem(classes=2, shots=shots)
    logits = load("heads", name)().fit(z, y, text).logits(z)
    assert float((logits.argmax(1) == y).float().mean()) > 0.9


@pytest.mark.parametrize("name", HEADS)
def test_what_does_not_fit_is_refused(name: str) -> None:
    z, y, text = _problem()
    with pytest.raises(UsageError, match="fit first"):
        load("heads", name)().logits(z)
    if name == "zero_shot":
        return  # looks at no image
    with pytest.raises(BadInput, match="one label a feature"):
        load("heads", name)().fit(z, y[:-1], text)
    with pytest.raises(BadInput, match="width"):
        load("heads", name)().fit(z, y, text[:, :-1])
    with pytest.raises(BadInput, match="there are 4 classes"):
        load("heads", name)().fit(z, y + 1, text)
    with pytest.raises(BadInput, match="not finite"):
        load("heads", name)().fit(z * np.nan, y, text)
