"""TripletCLIP against loops over its formula; pairs without a negative image have no part in it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from domainclip.catalogue import load
from domainclip.objectives._protocol import Alone, wants_of
from tests.conformance.test_objectives_trained import SIZE, batch, tuning
from tests.data.objective_inputs import SCALE, Inputs, inputs
from tests.data.pretend_ranks import on_ranks


def _made(**options: str) -> Inputs:
    return inputs(load("objectives", "triplet")(**options))


def _negclip(
    image: Tensor, text: Tensor, wrong: Tensor, rows: list[int], kept: list[int]
) -> Tensor:
    """NegCLIP of some rows, all of them negatives of each other. kept: that have a wrong text."""
    total = torch.tensor(0.0, dtype=torch.float64)
    for i in rows:
        against = [SCALE * image[i] @ text[j] for j in rows]
        against += [SCALE * image[i] @ wrong[j] for j in kept]
        back = [SCALE * text[i] @ image[j] for j in rows]
        right = SCALE * image[i] @ text[i]
        for each in (against, back):
            total = total + torch.log(sum(torch.exp(z) for z in each)) - right
    return total / (2 * len(rows))


def test_triplet_equals_the_slow_version() -> None:
    given = _made(same_text="negative", same_group="negative")
    wrong_text, wrong_image = given.extra["negatives"][:, 0], given.extra["negative_images"]
    everyone = list(range(9))
    has = [i for i in everyone if given.batch.negative_captions[i]]
    assert 0 < len(has) < 9  # the others have a negative text that is given
    expected = _negclip(given.image, given.text, wrong_text, everyone, everyone)
    expected = expected + _negclip(wrong_image, wrong_text, given.text, has, has)
    torch.testing.assert_close(given.call().double(), expected, rtol=1e-6, atol=1e-6)


def test_without_any_negative_image_it_is_hard_negatives() -> None:
    given = _made()
    given.batch.negative_captions = ("",) * 9
    plain = inputs(load("objectives", "hard_negatives")(source="given"))
    torch.testing.assert_close(given.call(), plain.call())
    given.batch.negatives = ((),) * 9
    torch.testing.assert_close(given.call(), inputs(load("objectives", "infonce")()).call())


def test_what_stands_where_there_is_no_negative_image_does_not_matter() -> None:
    given, other = _made(), _made()
    for i, caption in enumerate(other.batch.negative_captions):
        if not caption:
            with torch.no_grad():
                other.extra["negative_images"][i] = 100.0
    torch.testing.assert_close(given.call(), other.call(), rtol=0, atol=0)


def test_equal_negative_captions_and_captions_of_other_pairs_are_no_negatives() -> None:
    """Two pairs share T⁻, which is the caption of a third: of the second half nothing is left but
    to tell it from their own captions."""
    given = _made()
    given.batch.captions = ("left", "the left", "right", *[""] * 6)
    given.batch.negative_captions = ("right", "right", "", *[""] * 6)
    given.batch.groups, given.batch.negatives = ("",) * 9, ((),) * 9
    image, text = given.image, given.text
    wrong, made = given.extra["negatives"][:, 0], given.extra["negative_images"]
    total = torch.tensor(0.0, dtype=torch.float64)
    for i in range(3):
        against = [*text[:3], *(wrong[:2] if i != 2 else ())]
        below = torch.stack([SCALE * image[i] @ z for z in against]).logsumexp(0)
        back = torch.stack([SCALE * text[i] @ z for z in image[:3]]).logsumexp(0)
        total += (below + back - 2 * SCALE * image[i] @ text[i]) / 6
    for i in range(2):
        logits = torch.stack([SCALE * made[i] @ z for z in (wrong[0], wrong[1], *text[:2])])
        total -= logits.log_softmax(0)[:2].mean() / 4
        logits = torch.stack([SCALE * wrong[i] @ z for z in made[:2]])
        total -= logits.log_softmax(0).mean() / 4
    torch.testing.assert_close(given.call([0, 1, 2]).double(), total, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("cuts", [[0, 1, 9], [0, 2, 3, 9]], ids=str)
def test_ranks_of_which_one_has_no_negative_image_give_the_joint_loss(cuts: list[int]) -> None:
    joint, dealt = _made(), _made()
    for each in (joint, dealt):
        each.batch.negative_captions = ("", "", "", *["right", "upper", ""] * 2)
    mean = torch.stack(on_ranks(dealt.call, cuts)).mean()
    torch.testing.assert_close(mean, joint.call(), rtol=1e-6, atol=1e-6)


def test_it_goes_into_sums_with_others() -> None:
    term = {"name": "triplet", "same_text": "negative"}
    joint = load("objectives", "weighted")(terms=({"name": "infonce"}, term), weights=(1.0, 2.0))
    assert wants_of(joint) == ("negatives", "negative_images")
    expected = inputs(load("objectives", "infonce")()).call()
    expected = expected + 2 * _made(same_text="negative").call()
    torch.testing.assert_close(inputs(joint).call().double(), expected.double())


@pytest.mark.parametrize("which", [(), (0, 3), tuple(range(SIZE))], ids=str)
def test_the_images_of_a_batch_go_to_their_rows(which: tuple[int, ...]) -> None:
    module = tuning("triplet", None)
    given = batch(module._objective)
    images = given.images.flip(0)
    given = replace(
        given, negative_captions=tuple("wrong" * (i in which) for i in range(SIZE)),
        negative_images=images[list(which)] if which else None,
    )  # fmt: skip
    found = module.extras._negative_images_of(given, given.images)
    expected = torch.zeros_like(found)
    for i in which:
        expected[i] = module.encoder.pixels(images[i : i + 1])[0]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    loss = module._loss(given, Alone())[0]
    loss.backward()
    assert torch.isfinite(loss) and found.requires_grad
