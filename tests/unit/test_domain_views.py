"""Views that suit a domain: the same for a number, and what they promise not to lose is there."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from domainclip.backbones.pictures import border_colour
from domainclip.data._domain_views import Gamma, TurnAndScale, Whole
from domainclip.data.settings import AugmentSettings
from domainclip.data.transforms import Transform, seeded
from tests.data.make_pairs import encoded_image

SETTINGS = {
    "rotate": AugmentSettings(rotate=180),
    "scale": AugmentSettings(scale=(0.8, 1.25)),
    "keep_whole": AugmentSettings(keep_whole=True, crop_scale=(0.6, 1.0)),
    "gamma": AugmentSettings(gamma=0.5),
    "noise": AugmentSettings(noise=0.1),
    "all": AugmentSettings(rotate=30, scale=(0.5, 2), crop_scale=(0.5, 1), gamma=0.2, noise=0.05),
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_view_is_a_function_of_its_number(settings: AugmentSettings) -> None:
    transform = Transform((24, 24), augment=settings)
    image = transform.prepare(encoded_image(3, size=(60, 41)))
    with seeded():
        first, again, other = (transform.view(image, number) for number in (5, 5, 6))
    assert first.dtype == torch.uint8 and first.shape == (3, 24, 24)
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_intensities_of_a_coil_are_a_function_of_the_number() -> None:
    pytest.importorskip("monai")
    transform = Transform((24, 24), augment=AugmentSettings(bias_field=0.5))
    image = torch.full((3, 24, 24), 120, dtype=torch.uint8)
    with seeded():
        first = transform.view(image, 1)
        again, other = transform.view(image, 1), transform.view(image, 2)
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(first[0], first[2])  # grey stays grey
    assert len(first.unique()) > 2


def test_nothing_is_changed_unless_asked() -> None:
    plain = Transform((24, 24))
    image = plain.prepare(encoded_image(2, size=(40, 30)))
    assert torch.equal(Transform((24, 24), augment=AugmentSettings()).view(image, 3), image)
    still = TurnAndScale(0.0, (1.0, 1.0))(image)
    assert torch.equal(still, image)
    assert torch.equal(Gamma(0.0)(image), image)


@pytest.mark.parametrize(("degrees", "turns"), [(90.0, 1), (180.0, 2)])
def test_any_angle_agrees_with_quarter_turns(
    degrees: float, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domainclip.data._domain_views._drawn", lambda low, high: high)
    image = _smooth(32)
    turned = TurnAndScale(degrees, (1.0, 1.0))(image)
    exact = torch.rot90(image, -turns, (-2, -1))  # torchvision's angles are clockwise
    assert (turned.int() - exact.int()).abs().max() <= 1


def test_no_corner_is_empty_at_any_angle_and_scale() -> None:
    white = torch.full((3, 31, 20), 255, dtype=torch.uint8)
    with seeded():
        for number in range(40):
            torch.manual_seed(number)
            assert int(TurnAndScale(180.0, (0.5, 2.0))(white).min()) == 255


def test_scale_enlarges_about_the_centre(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domainclip.data._domain_views._drawn", lambda low, high: high)
    image = torch.zeros(3, 40, 40, dtype=torch.uint8)
    image[:, 15:25, 15:25] = 255
    seen = TurnAndScale(0.0, (0.5, 2.0))(image)
    assert 18 <= int((seen[0, 20] > 127).sum()) <= 22


@pytest.mark.parametrize("size", [(90, 30), (30, 90), (50, 50)])
def test_no_letter_at_an_edge_is_cut_off(size: tuple[int, int]) -> None:
    """Black marks in all four corners of a white figure are in every view."""
    width, height = size
    pixels = np.full((height, width, 3), 255, np.uint8)
    for y in (2, height - 8):
        for x in (2, width - 8):
            pixels[y : y + 6, x : x + 6] = 0
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    settings = AugmentSettings(keep_whole=True, crop_scale=(0.7, 1.0))
    transform = Transform((60, 60), augment=settings)
    image = transform.prepare(buffer.getvalue())
    assert max(image.shape[1:]) <= 90 and image.nbytes <= transform.stored_bytes(width, height)
    with seeded():
        for number in range(20):
            seen = transform.view(image, number)[0] < 100
            assert seen.sum() > 0
            ys, xs = seen.any(1).nonzero().flatten(), seen.any(0).nonzero().flatten()
            spread = max(int(ys[-1] - ys[0]), int(xs[-1] - xs[0]))
            assert spread > 60 * 0.8 * 0.8  # both ends of the longer side
            assert len(_runs(seen)) == 4


def test_border_colour_is_the_figures_ground() -> None:
    image = torch.full((3, 9, 9), 250, dtype=torch.uint8)
    image[:, 3:6, 3:6] = 0
    image[:, 0, 0] = 0
    assert border_colour(image).tolist() == [250] * 3
    seen = Whole((20, 20), (0.25, 0.25), Transform((20, 20)).interpolation)(image)
    assert seen.shape == (3, 20, 20) and int((seen[0] == 250).sum()) > 300


@pytest.mark.parametrize("scale", [(0.4, 1.0), (1.2, 1.0), (1.0, 3.0)])
def test_a_scale_beyond_what_can_be_filled_is_refused(scale: tuple[float, float]) -> None:
    ((path, message),) = AugmentSettings(scale=scale).problems()
    assert path == ("scale",) and "0.5 to 2" in message


def _smooth(side: int) -> Tensor:
    ramp = torch.linspace(0, 200, side)
    return torch.stack([ramp[:, None] + ramp / 8, ramp.expand(side, side), ramp.flip(0)[:, None]
                        .expand(side, side)]).round().to(torch.uint8)  # fmt: skip


def _runs(seen: Tensor) -> set[tuple[bool, bool]]:
    """In which halves (lower, right) of what is seen there is something."""
    ys, xs = seen.nonzero(as_tuple=True)
    lower, right = ys > (ys.min() + ys.max()) / 2, xs > (xs.min() + xs.max()) / 2
    return {(bool(a), bool(b)) for a, b in zip(lower, right, strict=True)}
