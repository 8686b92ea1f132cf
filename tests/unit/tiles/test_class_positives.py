"""What several positives change in InfoNCE when classes are captions."""

from __future__ import annotations

from itertools import permutations
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from benchmarks.tile_class_positives import ClassPositives  # noqa: E402
from domainclip.objectives._protocol import Alone  # noqa: E402
from domainclip.objectives.infonce import InfoNCE  # noqa: E402

SCALE = torch.tensor(20.0, dtype=torch.float64)


def _unit(rows: int, seed: int) -> torch.Tensor:
    made = torch.randn(rows, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(made, dim=1)


def _loss(objective, image, text, labels, captions=None) -> torch.Tensor:
    batch = SimpleNamespace(labels=torch.tensor(labels), captions=captions, groups=())
    return objective(image, text, batch, logit_scale=SCALE, logit_bias=None, gather=Alone())


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_one_caption_a_class_makes_plain_and_multi_positive_infonce_one_function(smoothing):
    labels = [0, 1, 0, 2, 2, 2, 1, 0]
    text, captions = _unit(3, 0)[labels], [f"class {label}" for label in labels]
    found = []
    for objective in (
        InfoNCE("negative", smoothing),
        InfoNCE("positive", smoothing),
        ClassPositives(smoothing),
    ):
        image = _unit(len(labels), 1).requires_grad_()
        loss = _loss(objective, image, text, labels, captions)
        loss.backward()
        found.append((loss.detach(), image.grad))
    for loss, gradient in found[1:]:
        torch.testing.assert_close(loss, found[0][0], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(gradient, found[0][1], rtol=1e-5, atol=1e-6)


def test_several_captions_a_class_make_plain_infonce_the_multi_positive_one_on_average():
    # captions dealt to the images of their class in every way: 3! times 2! of them
    labels = [0, 0, 0, 1, 1]
    image, texts = _unit(5, 2), _unit(5, 3)
    dealt = [(*a, *b) for a in permutations((0, 1, 2)) for b in permutations((3, 4))]
    captions = [f"caption {row}" for row in range(5)]
    plain = [
        _loss(InfoNCE("negative"), image, texts[list(rows)], labels, captions) for rows in dealt
    ]
    many = [_loss(ClassPositives(), image, texts[list(rows)], labels) for rows in dealt]
    assert torch.stack(many).std() < 1e-5  # it does not matter to this one who has which caption
    assert torch.stack(plain).std() > 0.1
    torch.testing.assert_close(torch.stack(plain).mean(), many[0], rtol=1e-5, atol=1e-6)


def test_an_image_without_a_class_has_its_own_caption_alone():
    image, text = _unit(4, 4), _unit(4, 5)
    ours = _loss(ClassPositives(), image, text, [-1, -1, -1, -1])
    theirs = _loss(InfoNCE("negative"), image, text, [-1] * 4, ["a", "b", "c", "d"])
    torch.testing.assert_close(ours, theirs)
