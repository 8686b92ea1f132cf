"""LABCLIP against its loss written out with loops, its merge, and its promise on made-up scenes."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.errors import BadInput, UsageError
from domainclip.heads.labclip import LABCLIP, class_loss, pair_loss

B, D = 6, 8


def _pairs(count: int = B) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return tuple(
        functional.normalize(torch.randn(count, D, generator=generator), dim=1) for _ in range(3)
    )  # type: ignore[return-value]


def _slow(image: Tensor, text: Tensor, wrong: Tensor, matrix: Tensor, tau: Tensor) -> Tensor:
    def similar(x: Tensor, t: Tensor) -> Tensor:
        moved = matrix @ t
        return tau.exp() * (x @ moved) / moved.norm()

    loss = torch.zeros(())
    for i in range(len(image)):
        among = [similar(image[i], t) for t in (*text, *wrong)]
        loss = loss - (among[i] - torch.stack(among).logsumexp(0)) / len(image) / 2
        among = [similar(x, text[i]) for x in image]
        loss = loss - (among[i] - torch.stack(among).logsumexp(0)) / len(image) / 2
    return loss


def test_loss_and_gradients_are_the_formulas() -> None:
    image, text, wrong = _pairs()
    start = torch.eye(D) + 0.1 * torch.randn(D, D, generator=torch.Generator().manual_seed(1))
    gradients = []
    for loss in (pair_loss, _slow):
        matrix, tau = start.clone().requires_grad_(True), torch.tensor(0.7, requires_grad=True)
        value = loss(image, text, wrong, matrix, tau)
        value.backward()
        gradients.append((value.detach(), matrix.grad, tau.grad))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6)


def test_steps_are_adams() -> None:
    image, text, wrong = _pairs()
    head = LABCLIP(epochs=3).fit_pairs(image, text, wrong)
    matrix, tau = nn.Parameter(torch.eye(D)), nn.Parameter(torch.zeros(()))
    optimizer = torch.optim.Adam([matrix, tau], lr=1e-3)
    for _ in range(3):
        optimizer.zero_grad()
        _slow(image, text, wrong, matrix, tau).backward()
        optimizer.step()
    torch.testing.assert_close(head.state()["matrix"], matrix.detach(), rtol=1e-4, atol=1e-5)


def test_the_loss_of_labels_is_the_pair_loss_where_every_class_has_one_image() -> None:
    """Then a text's images are its own image; the wrong captions are the other classes' texts."""
    image, text, _ = _pairs()
    matrix, tau = torch.eye(D), torch.tensor(0.3)
    logits = math.exp(0.3) * image @ text.T
    expected = (
        functional.cross_entropy(logits, torch.arange(B))
        + functional.cross_entropy(logits.T, torch.arange(B))
    ) / 2
    torch.testing.assert_close(class_loss(image, torch.arange(B), text, matrix, tau), expected)


def test_merging_into_the_projection_is_mapping_the_embedding() -> None:
    head = LABCLIP(epochs=20, lr=0.05).fit_pairs(*_pairs())
    generator = torch.Generator().manual_seed(3)
    hidden, projection = torch.randn(5, 11, generator=generator), torch.randn(11, D)
    merged = functional.normalize(hidden @ head.merged(projection), dim=1)
    torch.testing.assert_close(merged, head.transform(hidden @ projection), rtol=1e-4, atol=1e-5)
    assert head.merged(projection.double()).dtype == torch.float64
    with pytest.raises(BadInput, match="text_projection"):
        head.merged(projection[:, :-1])


def test_swapped_captions_are_told_apart_by_a_map_alone() -> None:
    """Images and texts both say which attribute sits on which object, in directions that do not
    agree across the two: cosines cannot tell a swapped caption, a linear map of the text can."""
    generator = torch.Generator().manual_seed(0)
    content = torch.randn(800, 10, generator=generator)
    order = torch.randint(2, (800, 1), generator=generator) * 2.0 - 1  # which way round
    nothing = torch.zeros(800, 1)

    def encoded(*parts: Tensor) -> Tensor:
        return functional.normalize(torch.cat(parts, 1), dim=1)

    image = encoded(content, 1.5 * order, nothing)
    text, wrong = (encoded(content, nothing, 1.5 * sign * order) for sign in (1.0, -1.0))

    def right(head: LABCLIP | None) -> float:
        moved = [part if head is None else head.transform(part) for part in (text, wrong)]
        own, other = ((image[600:] * part[600:]).sum(1) for part in moved)
        return float((own > other + 1e-4).float().mean())

    head = LABCLIP(epochs=60, lr=0.01, batch_size=128).fit_pairs(
        image[:600], text[:600], wrong[:600]
    )
    assert right(None) < 0.1
    assert right(head) > 0.95


def test_wrong_calls_end_in_a_sentence() -> None:
    image, text, wrong = _pairs()
    with pytest.raises(BadInput, match="one shape"):
        LABCLIP().fit_pairs(image, text, wrong[:-1])
    with pytest.raises(UsageError, match="fit first"):
        LABCLIP().transform(text)
    with pytest.raises(BadInput, match="width 8"):
        LABCLIP(epochs=1).fit_pairs(image, text, wrong, text[:, :-1])
    head = LABCLIP(epochs=1).fit_pairs(image, text, wrong, text[:3])
    assert head.logits(image).shape == (B, 3)
