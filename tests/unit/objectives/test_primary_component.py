"""Primary-component matching against loops, its bases, and batches in which it does nothing."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor

from domainclip.catalogue import load
from domainclip.errors import UsageError
from domainclip.objectives.primary_component import PrimaryComponent
from tests.data.objective_inputs import SCALE, Inputs, inputs
from tests.data.pretend_ranks import on_ranks

ORIGINAL = {"same_text": "negative", "same_group": "negative"}


def made(**options: Any) -> Inputs:
    return inputs(PrimaryComponent(**options))


@pytest.mark.parametrize("components", [1, 3])
def test_it_equals_the_slow_version(components: int) -> None:
    given = made(components=components, **ORIGINAL)
    image, size = given.image.detach(), len(given.image)
    mean = sum(image[i] for i in range(size)) / size
    # eigenvectors of the covariance, as the authors' first code has it
    covariance = sum(torch.outer(row - mean, row - mean) for row in image)
    directions = torch.linalg.eigh(covariance).eigenvectors[:, -components:]
    primary = torch.stack(
        [mean + sum(((row - mean) @ v) * v for v in directions.T) for row in image]
    )
    expected = _slow(image, given.text) + _slow(primary, given.extra["second"])
    torch.testing.assert_close(given.call(), expected, rtol=1e-6, atol=1e-6)


def _slow(image: Tensor, text: Tensor) -> Tensor:
    total, size = torch.tensor(0.0, dtype=torch.float64), len(image)
    for rows, columns in ((image, text), (text, image)):
        for i in range(size):
            logits = torch.stack([SCALE * rows[i] @ columns[j] for j in range(size)])
            log_probability = logits - torch.logsumexp(logits, 0)
            for j in range(size):
                total = total - (0.9 * (i == j) + 0.1 / size) * log_probability[j]
    return total / (2 * size)


def test_as_many_components_as_directions_do_nothing_and_say_so() -> None:
    with pytest.warns(UserWarning, match="batches of 33 images or fewer have no direction beyond"):
        found = made(components=32, **ORIGINAL).call()
    given = made(components=32, **ORIGINAL)
    expected = _slow(given.image, given.text) + _slow(given.image, given.extra["second"])
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


def test_a_running_basis_works_in_small_batches() -> None:
    given = made(components=2, basis="running", decay=0.9, **ORIGINAL)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for rows in ([0, 1, 2], [3, 4, 5], [6, 7, 8]):
            given.call(rows)
    running = given.extra["parts"]
    image = given.image.detach()
    torch.testing.assert_close(running.mean, image.mean(0))  # three equal parts count alike
    torch.testing.assert_close(running.moment, image.T @ image / 9)
    kept = {name: value.clone() for name, value in running.named_buffers()}
    with torch.no_grad():
        measured = given.call([0, 1])
    for name, value in running.named_buffers():
        assert torch.equal(value, kept[name])
    directions = torch.linalg.svd(image - image.mean(0)).Vh[:2].T
    pictures = (image[:2] - image.mean(0)) @ directions @ directions.T + image.mean(0)
    expected = _slow(image[:2], given.text[:2]) + _slow(pictures, given.extra["second"][:2])
    torch.testing.assert_close(measured, expected, rtol=1e-6, atol=1e-6)


def test_a_running_basis_is_the_same_over_ranks() -> None:
    options: dict[str, Any] = {"components": 2, "basis": "running"}
    joint, dealt = made(**options), made(**options)
    whole = joint.call()

    def part(rows: slice, gather: Any) -> Tensor:
        own = inputs(dealt.objective).extra["parts"]  # every rank has its own copy
        return Inputs(
            dealt.objective, dealt.image, dealt.text, dealt.batch, {**dealt.extra, "parts": own}
        ).call(rows, gather)

    losses = on_ranks(part, [0, 5, 9])
    torch.testing.assert_close(torch.stack(losses).mean(), whole, rtol=1e-5, atol=1e-6)


def test_short_texts_are_first_sentences_or_second_captions() -> None:
    batch = made().batch
    batch.captions = ("No effusion. The heart is large.", "One", "")
    assert PrimaryComponent().second_texts(batch) == ["No effusion.", "One", ""]
    assert list(PrimaryComponent(short="second").second_texts(batch)) == list(batch.captions)


def test_equal_short_texts_are_one_positive() -> None:
    given = made(components=3, same_group="negative")
    given.batch.captions = tuple(f"Alike. Number {number}." for number in range(9))
    uniform = -torch.stack([
        (SCALE * a @ b.T).log_softmax(1).mean()
        for a, b in _pairs(given)
    ]).mean()  # fmt: skip
    long = _slow(given.image, given.text)
    torch.testing.assert_close(given.call(), long + uniform, rtol=1e-6, atol=1e-6)


def _pairs(given: Inputs) -> list[tuple[Tensor, Tensor]]:
    image, short = given.image, given.extra["second"]
    centred = image - image.mean(0)
    directions = torch.linalg.svd(centred).Vh[:3].T
    primary = centred @ directions @ directions.T + image.mean(0)
    return [(primary, short), (short, primary)]


def test_no_number_goes_through_to_the_loss() -> None:
    for options in ({}, {"basis": "running"}):
        given = made(components=2, **options)
        with torch.no_grad():
            given.image[3, 2] = float("nan")
        assert torch.isnan(given.call())


def test_terms_that_mean_another_second_caption_are_refused() -> None:
    terms = [{"name": "primary_component"}, {"name": "primary_component", "short": "second"}]
    joint = load("objectives", "weighted")(terms=tuple(terms))
    batch = made().batch
    assert load("objectives", "weighted")(terms=tuple(terms[:1])).second_texts(batch)
    batch.captions = ("No effusion. The heart is large.",)
    with pytest.raises(UsageError, match="do not mean the same second caption"):
        joint.second_texts(batch)
