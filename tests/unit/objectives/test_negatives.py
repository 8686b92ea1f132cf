"""Hard negatives: the loss against loops over its formula, and what the rules make of texts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from domainclip.catalogue import load
from domainclip.errors import UsageError
from domainclip.objectives._swaps import RULES, swapped
from tests.data.objective_inputs import SCALE, inputs
from tests.data.pretend_ranks import on_ranks


@pytest.mark.parametrize("source", ["swaps", "given"])
@pytest.mark.parametrize("count", [1, 3])
def test_hard_negatives_equal_the_slow_version(source: str, count: int) -> None:
    objective = load("objectives", "hard_negatives")(
        source=source, count=count, same_text="negative", same_group="negative"
    )
    given = inputs(objective)
    image, text, wrong = given.image, given.text, given.extra["negatives"]
    texts, size = objective.negative_texts(given.batch), len(given.image)
    total = torch.tensor(0.0, dtype=torch.float64)
    for i in range(size):
        against = [SCALE * image[i] @ text[j] for j in range(size)]
        against += [
            SCALE * image[i] @ wrong[j, k]
            for j in range(size) for k in range(count) if texts[j][k]
        ]  # fmt: skip
        total += torch.logsumexp(torch.stack(against), 0) - SCALE * image[i] @ text[i]
        back = torch.stack([SCALE * text[i] @ image[j] for j in range(size)])
        total += torch.logsumexp(back, 0) - SCALE * image[i] @ text[i]
    torch.testing.assert_close(given.call(), total / (2 * size), rtol=1e-6, atol=1e-6)


def test_a_batch_without_negatives_is_infonce() -> None:
    hard = inputs(load("objectives", "hard_negatives")(source="given"))
    hard.batch.negatives = ((),) * 9
    plain = inputs(load("objectives", "infonce")())
    torch.testing.assert_close(hard.call(), plain.call())


def test_a_negative_that_is_the_images_own_caption_is_left_out() -> None:
    """Of two pairs, left and right, each one's swap is the other's caption."""
    given = inputs(load("objectives", "hard_negatives")())
    given.batch.captions = ("the left hand", "the right hand", *[""] * 7)
    given.batch.groups = ("",) * 9
    image, text, wrong = given.image, given.text, given.extra["negatives"][:, 0]
    total = torch.tensor(0.0, dtype=torch.float64)
    for i in range(2):
        against = torch.stack([SCALE * image[i] @ z for z in (text[0], text[1], wrong[i])])
        back = torch.stack([SCALE * text[i] @ z for z in image[:2]])
        right = SCALE * image[i] @ text[i]
        total += against.logsumexp(0) + back.logsumexp(0) - 2 * right
    torch.testing.assert_close(given.call([0, 1]), total / 4, rtol=1e-6, atol=1e-6)


def test_ranks_see_each_others_negatives() -> None:
    objective = load("objectives", "hard_negatives")(source="given", count=2)
    joint, dealt = inputs(objective), inputs(objective)
    mean = torch.stack(on_ranks(dealt.call, [0, 2, 3, 9])).mean()
    torch.testing.assert_close(mean, joint.call(), rtol=1e-6, atol=1e-6)


def test_an_unknown_rule_is_refused() -> None:
    objective = load("objectives", "hard_negatives")(rules=("lateral",))
    with pytest.raises(UsageError, match="'lateral'; there are laterality"):
        objective.negative_texts(SimpleNamespace(captions=("a",), negatives=()))


@pytest.mark.parametrize(
    ("rule", "text", "made"),
    [
        ("laterality", "Left lung, the LEFT lobe", {"Right lung, the RIGHT lobe"}),
        ("laterality", "left kidney beside the right lobe", {"right kidney beside the left lobe"}),
        ("laterality", "left and right lungs", set()),
        ("laterality", "A right-sided line", {"A left-sided line"}),
        ("laterality", "leftover, upright", set()),
        ("negation", "No effusion is seen", {"Effusion is seen"}),
        ("negation", "There is a nodule", {"There is no nodule"}),
        ("negation", "a chest without nodules", {"a chest with nodules"}),
        ("severity", "Mild oedema", {"Moderate oedema", "Severe oedema"}),
        ("count", "two ships", {"one ships", "three ships", "four ships", "five ships"}),
        ("place", "the upper lobe", {"the lower lobe"}),
        ("change", "increased opacity", {"decreased opacity"}),
        ("sensor", "CT of a chest", {"MRI of a chest", "Ultrasound of a chest"}),
        ("season", "a field in the wet season", {"a field in the dry season"}),
        ("colour", "a dark roof", {"a bright roof"}),
    ],
)
def test_rules_change_what_they_say(rule: str, text: str, made: set[str]) -> None:
    assert set(swapped(text, 99, (rule,))) == made


def test_a_texts_negatives_are_its_own_and_of_different_rules_first() -> None:
    text = "Two red roofs on the left in summer"
    some = swapped(text, 4)
    assert some == swapped(text, 4) == swapped(text, 99)[:4] and text not in some
    changed = {tuple(a != b for a, b in zip(text.split(), each.split(), strict=True)).index(True)
               for each in some}  # fmt: skip
    assert changed == {0, 1, 5, 7}
    assert swapped("") == swapped("nothing to see") == ()
    assert set(RULES) >= {"negation", "sensor", "colour"}
