"""Random changes that suit a domain: any angle and scale from above, intensities of scanners,
figures that keep their text. Each takes and gives uint8 (c, h, w), by torch's random state.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from domainclip.backbones.pictures import border_colour
from domainclip.errors import MissingExtra

__all__ = ["BiasField", "Gamma", "Noise", "TurnAndScale", "Whole"]


class TurnAndScale(nn.Module):
    """Turned about the centre by -degrees to degrees and shown scale times as large, both drawn.

    Corners that the turn leaves empty, and the rim of a smaller picture, are filled by reflection:
    ground goes on as ground, where black would tell the angle. Scales are as likely as their
    inverses.
    """

    def __init__(self, degrees: float, scale: tuple[float, float]) -> None:
        super().__init__()
        self.degrees, self.scale = degrees, scale

    def forward(self, image: Tensor) -> Tensor:
        angle = _drawn(-self.degrees, self.degrees)
        scale = math.exp(_drawn(*map(math.log, self.scale)))
        height, width = image.shape[-2:]
        # half of the diagonal of what is shown, beyond half of each side, and one for interpolation
        reach = math.hypot(height, width) / 2 / self.scale[0]
        wide = _reflected(image, -2, max(math.ceil(reach - height / 2) + 1, 0))
        wide = _reflected(wide, -1, max(math.ceil(reach - width / 2) + 1, 0))
        turned = F.affine(wide, angle, [0, 0], scale, [0.0, 0.0], InterpolationMode.BILINEAR)
        shown: Tensor = F.center_crop(turned, [height, width])
        return shown


class Gamma(nn.Module):
    """x -> x^g of x in 0 to 1; g from 1 / (1 + most) to 1 + most, as likely as its inverse."""

    def __init__(self, most: float) -> None:
        super().__init__()
        self.most = most

    def forward(self, image: Tensor) -> Tensor:
        limit = math.log1p(self.most)
        return _bytes((image.float() / 255) ** math.exp(_drawn(-limit, limit)))


class Noise(nn.Module):
    """Gaussian, of a standard deviation from 0 to ``most`` (1 is white), one for all channels."""

    def __init__(self, most: float) -> None:
        super().__init__()
        self.most = most

    def forward(self, image: Tensor) -> Tensor:
        noise = torch.randn(image.shape[-2:]) * _drawn(0.0, self.most)
        return _bytes(image.float() / 255 + noise)


class BiasField(nn.Module):
    """The smooth shading of an MR coil, x exp(polynomial of degree 3), by MONAI's RandBiasField.

    Its coefficients are drawn from 0 to ``most``. Raises MissingExtra without monai.
    """

    def __init__(self, most: float) -> None:
        super().__init__()
        try:
            from monai.transforms import RandBiasField  # 8 s to import, so here alone
        except ImportError as error:
            raise MissingExtra("volumes", "monai") from error
        self.field: Any = RandBiasField(prob=1.0, degree=3, coeff_range=(0.0, most))

    def forward(self, image: Tensor) -> Tensor:
        self.field.set_random_state(seed=int(torch.randint(1 << 31, ())))  # not from NumPy's state
        return _bytes(torch.as_tensor(self.field(image.float() / 255)))


class Whole(nn.Module):
    """The whole picture, at a random place of a square filled with the colour of its border.

    share: of the area that a square picture takes, drawn between the two; the longer side of
    another is as long. Letters at a figure's edge are never cut off.
    """

    def __init__(
        self, size: tuple[int, int], share: tuple[float, float], interpolation: InterpolationMode
    ) -> None:
        super().__init__()
        self.size, self.share, self.interpolation = size, share, interpolation

    def forward(self, image: Tensor) -> Tensor:
        fit = math.sqrt(_drawn(*self.share))
        height, width = self.size
        scale = fit * min(height / image.shape[-2], width / image.shape[-1])
        inner = [
            max(1, min(most, round(side * scale)))
            for side, most in zip(image.shape[-2:], self.size, strict=True)
        ]
        small = F.resize(image, inner, self.interpolation, antialias=True)
        top, left = (
            int(torch.randint(most - side + 1, ()))
            for side, most in zip(inner, self.size, strict=True)
        )
        shown = border_colour(image)[:, None, None].expand(-1, height, width).clone()
        shown[:, top : top + inner[0], left : left + inner[1]] = small
        return shown


def _drawn(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(()))


def _reflected(image: Tensor, axis: int, by: int) -> Tensor:
    """Longer by so many pixels at both ends of an axis, mirrored as often as it takes."""
    last = image.shape[axis] - 1
    place = torch.arange(-by, last + 1 + by).remainder(max(2 * last, 1))
    return image.index_select(axis, torch.minimum(place, 2 * last - place).clamp(min=0))


def _bytes(values: Tensor) -> Tensor:
    """0 to 1 -> uint8."""
    return (values * 255).round_().clamp_(0, 255).to(torch.uint8)
