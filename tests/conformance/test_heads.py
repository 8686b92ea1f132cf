"""Every head of the catalogue keeps the promises of the protocol."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from domainclip.catalogue import entries, load
from domainclip.cli import main
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


def _refuses(head: object, call: str, *arguments: object, match: str) -> None:
    with pytest.raises(BadInput, match=match):
        getattr(head, call)(*arguments)


@pytest.mark.parametrize("name", HEADS)
def test_features_of_another_backbone_are_refused(name: str) -> None:
    z, y, text = _problem()
    head = load("heads", name)().fit(z, y, text)
    _refuses(head, "logits", z[:, :-3], match="width 21, and this head was fitted on width 24")
    _refuses(head, "logits", z * np.nan, match="not finite")
    _refuses(head, "logits", z[0], match=r"must be \(n, d\)")
    assert head.logits(z[:0]).shape == (0, 4)


@pytest.mark.parametrize("name", HEADS)
def test_labels_that_are_no_indices_and_texts_that_are_no_numbers_are_refused(name: str) -> None:
    z, y, text = _problem()
    head = load("heads", name)()
    _refuses(head, "fit", z, y, text * np.inf, match="class texts hold values that are not finite")
    _refuses(head, "fit", z, y, ["a", "b"], match="class texts must be an array")
    if name == "zero_shot":
        return  # looks at no image
    _refuses(head, "fit", z, y[:, None], text, match=r"must be \(n,\)")
    _refuses(head, "fit", z, y + 0.5, text, match="whole numbers")
    _refuses(head, "fit", z, -y, text, match="labels lie between -3 and 0")
    _refuses(head, "fit", z.tolist(), ["x"] * len(y), text, match="labels must be")


@pytest.mark.parametrize("name", HEADS)
def test_validation_images_are_checked_like_the_others(name: str) -> None:
    if name in ("zero_shot", "clap"):
        return  # choose nothing, so that they never look at them
    z, y, text = _problem()
    head = load("heads", name)()
    _refuses(head, "fit", z, y, text, (z[:, :-3], y), match="width")
    _refuses(head, "fit", z, y, text, (z * np.nan, y), match="not finite")
    _refuses(head, "fit", z, y, text, (z, y + 1), match="there are 4 classes")


@pytest.mark.parametrize("name", HEADS)
def test_classes_of_unequal_numbers_of_images(name: str) -> None:
    """1, 2, 3 and 6 images; chance is 0.25, and a probe without texts leans to large classes."""
    z, y, text = _problem()
    kept = torch.cat([torch.nonzero(y == c)[:n, 0] for c, n in enumerate((1, 2, 3, 6))])
    logits = load("heads", name)().fit(z[kept], y[kept], text).logits(z)
    assert bool(torch.isfinite(logits).all())
    assert float((logits.argmax(1) == y).float().mean()) > 0.6


@pytest.mark.parametrize("name", HEADS)
def test_features_of_any_length_and_the_same_image_twice(name: str) -> None:
    """Every head looks at directions; images without scatter about their means are no division
    by zero."""
    z, y, text = _problem()
    head = load("heads", name)
    torch.testing.assert_close(
        head().fit(7 * z, y, text).logits(0.5 * z), head().fit(z, y, text).logits(z),
        rtol=1e-3, atol=1e-2,
    )  # fmt: skip
    first = torch.arange(4).repeat(3)
    logits = head().fit(z[first], y[first], text).logits(z)
    assert bool(torch.isfinite(logits).all())


@pytest.mark.parametrize("name", HEADS)
def test_the_paper_can_be_cited(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", name, "--cite"]) == 0
    assert "arXiv " in capsys.readouterr().out
