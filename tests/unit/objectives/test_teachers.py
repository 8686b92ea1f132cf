"""What is learned from a frozen teacher: losses against loops, and what the teacher is shown."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from domainclip.backbones import load_backbone
from domainclip.backbones.dense import image_tokens
from domainclip.catalogue import load
from domainclip.errors import UsageError
from domainclip.training._encoder import Encoder
from domainclip.training._extras import Extras
from domainclip.training._teacher import Teacher
from tests.data.objective_inputs import SCALE, inputs
from tests.data.tiny_clip import write_tiny_clip
from tests.data.tiny_towers import images, make_backbone

CAPTIONS = ("a cat", "the sea", "a cat")


@pytest.mark.parametrize(
    ("temperature", "teacher_scale", "features"), [(1.0, None, 0.0), (2.0, 5.0, 3.0)]
)
def test_distillation_equals_the_slow_version(
    temperature: float, teacher_scale: float | None, features: float
) -> None:
    given = inputs(
        load("objectives", "distillation")(
            relations=0.7, temperature=temperature, teacher_scale=teacher_scale, features=features
        )
    )
    image, text = given.image, given.text
    old_image, old_text = given.extra["teacher"]
    size, total = len(image), torch.tensor(0.0, dtype=torch.float64)
    for rows, columns, old_rows, old_columns in (
        (image, text, old_image, old_text), (text, image, old_text, old_image),
    ):  # fmt: skip
        for i in range(size):
            said = torch.stack([SCALE * rows[i] @ z for z in columns]) / temperature
            factor = SCALE if teacher_scale is None else teacher_scale
            taught = torch.stack([factor * old_rows[i] @ z for z in old_columns]) / temperature
            for p, q in zip(taught.softmax(0), said.softmax(0), strict=True):
                total += 0.7 * temperature**2 * p * (p.log() - q.log()) / size
            total += features * (rows[i] - old_rows[i]).square().sum() / size
    torch.testing.assert_close(given.call(), total, rtol=1e-6, atol=1e-6)


def test_a_wider_teacher_has_no_features_to_copy() -> None:
    wide = tuple(torch.randn(9, 11, dtype=torch.float64) for _ in range(2))
    given = inputs(load("objectives", "distillation")())
    given.extra["teacher"] = wide
    assert torch.isfinite(given.call())
    given = inputs(load("objectives", "distillation")(features=1.0))
    given.extra["teacher"] = wide
    with pytest.raises(UsageError, match="11 wide, the model's 6"):
        given.call()


@pytest.mark.parametrize(("weights", "features"), [(0.3, 2.0), (0.3, 0.0), (0.0, 2.0)])
def test_anchor_equals_the_slow_version(weights: float, features: float) -> None:
    given = inputs(load("objectives", "anchor")(weights=weights, features=features))
    total, size = torch.tensor(0.0, dtype=torch.float64), len(given.image)
    for now, before in given.extra["weights"]:
        for one, other in zip(now.flatten(), before.flatten(), strict=True):
            total += weights / 2 * (one - other) ** 2
    for rows, old in zip((given.image, given.text), given.extra["teacher"], strict=True):
        for z, before in zip(rows, old, strict=True):
            total += features * (1 - z @ before) / (2 * size)
    torch.testing.assert_close(given.call(), total, rtol=1e-6, atol=1e-6)


def test_what_an_anchor_does_not_hold_is_not_kept() -> None:
    assert load("objectives", "anchor")(weights=0.0).wants == ("teacher",)
    assert load("objectives", "anchor")(features=0.0).wants == ("weights",)


@pytest.mark.parametrize("by", ["patches", "class"])
def test_patch_distillation_equals_the_slow_version(by: str) -> None:
    given = inputs(load("objectives", "patch_distillation")(by=by, distill=0.4, clip=0.5))
    feature, mean = given.extra["crops"]
    taught = mean if by == "patches" else feature
    total = 0.5 * inputs(load("objectives", "infonce")()).call()
    for i in range(9):
        for cell in range(4):
            cosine = F.cosine_similarity(given.extra["patches"][i, cell], taught[i, cell], dim=0)
            total = total + 0.4 * (1 - cosine) / (9 * 4)
    # the embeddings of the other objective are drawn before all else, so they are the same
    torch.testing.assert_close(given.call(), total, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("side", "grid"), [(6, 3), (7, 2), (3, 1)])
def test_a_region_is_the_mean_of_the_positions_that_its_cell_touches(side: int, grid: int) -> None:
    objective = load("objectives", "patch_distillation")(grid=grid)
    patches = torch.randn(2, side * side, 5, dtype=torch.float64)
    found = objective._regions(patches)
    for row in range(grid):
        for column in range(grid):
            inside = [
                y * side + x for y in range(side) for x in range(side)
                if y + 1 > row * side / grid and y < (row + 1) * side / grid
                and x + 1 > column * side / grid and x < (column + 1) * side / grid
            ]  # fmt: skip
            expected = patches[:, inside].mean(1)
            torch.testing.assert_close(found[:, row * grid + column], expected)
    with pytest.raises(UsageError, match="8 positions"):
        objective._regions(torch.zeros(1, 8, 5))


def encoder(clip: Any, raw: bool = False) -> Encoder:
    return Encoder(clip, raw=raw, long=None, chunk=None, same_views=False)


@pytest.mark.parametrize("raw", [False, True])
def test_the_teacher_stays_as_the_student_was(raw: bool) -> None:
    student = encoder(make_backbone("vit"), raw)
    before = student.pixels(images()).detach(), student.texts(CAPTIONS).detach()
    teacher = Teacher(student, ())
    with torch.no_grad():
        for weight in student.backbone.model.parameters():
            weight.add_(0.1)
    found = teacher.features(images(), CAPTIONS)
    for one, other in zip(found, before, strict=True):
        torch.testing.assert_close(one, other)
        assert not one.requires_grad
    assert not torch.allclose(student.pixels(images()), before[0])


def test_a_named_teacher_reads_with_its_own_tokenizer_size_and_normalisation(
    tmp_path: Path,
) -> None:
    folder = str(write_tiny_clip(tmp_path / "large"))
    alone = load_backbone(folder)
    student = make_backbone("vit")
    student.preprocess = SimpleNamespace(  # type: ignore[assignment]
        size=(64, 64), mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4)
    )
    pixels = torch.rand(3, 3, 64, 64)
    given = torch.stack([(pixels[:, c] - m) / s for c, m, s in
                         zip(range(3), student.mean, student.std, strict=True)], 1)  # fmt: skip
    small = F.interpolate(pixels, size=(16, 16), mode="bicubic", antialias=True).clamp(0, 1)
    objective = load("objectives", "distillation")(teacher=(folder,))
    extras = Extras(objective, encoder(student), [], seed=0)
    image, text = extras.of(SimpleNamespace(captions=CAPTIONS), given)["teacher"]
    torch.testing.assert_close(image, alone.image((small - 0.5) / 0.5).detach())
    torch.testing.assert_close(text, alone.text(alone.tokenize(CAPTIONS)).detach())
    assert image.shape == (3, 16)  # the student's are 32 wide


@pytest.mark.parametrize("chunk", [None, 5])
def test_crops_are_the_cells_enlarged_one_by_one(chunk: int | None) -> None:
    clip = make_backbone("vit")
    student = Encoder(clip, raw=False, long=None, chunk=chunk, same_views=False)
    feature, mean = Teacher(student, ()).crops(images(), 2)
    assert feature.shape == mean.shape == (3, 4, 32)
    for row in range(2):
        for column in range(2):
            cell = images()[..., row * 32 : row * 32 + 32, column * 32 : column * 32 + 32]
            large = F.interpolate(cell, size=(64, 64), mode="bicubic")
            at = row * 2 + column
            torch.testing.assert_close(feature[:, at], clip.image(large), rtol=1e-4, atol=1e-5)
            tokens: Tensor = image_tokens(clip, large).mean(1)
            expected = F.normalize(tokens, dim=-1)
            torch.testing.assert_close(mean[:, at], expected, rtol=1e-4, atol=1e-5)


def test_a_teacher_that_is_no_name_is_refused() -> None:
    with pytest.raises(UsageError, match="a teacher is"):
        Teacher(encoder(make_backbone("vit")), ("a", "b", "c"))


@pytest.mark.parametrize("teacher", [("nope",), ("", None)])
def test_a_teacher_that_is_not_there_is_named_by_its_key(teacher: tuple[Any, ...]) -> None:
    encoder = Encoder(make_backbone("vit"), raw=False, long=None, chunk=None, same_views=False)
    with pytest.raises(UsageError, match=r"^objective\.teacher: "):
        Extras(load("objectives", "distillation")(teacher=teacher), encoder, [], seed=0)


def test_two_terms_with_two_teachers_do_not_go_together() -> None:
    terms = ({"name": "distillation", "teacher": ("ViT-L-14",)}, {"name": "patch_distillation"})
    with pytest.raises(UsageError, match="teacher is Distillation"):
        _ = load("objectives", "weighted")(terms=terms).teacher


def test_terms_that_learn_from_the_model_as_it_was_share_it() -> None:
    terms = (
        {"name": "distillation"},
        {"name": "patch_distillation", "clip": 0.0},
        {"name": "anchor"},
    )
    together = load("objectives", "weighted")(terms=terms)
    assert not together.teacher and together.grid == 2
    assert torch.isfinite(inputs(together).call())
