"""From encoded bytes to the square that a tower sees; random views are a function of their number.

An image is decoded, brought to RGB and cut down once (``prepare``), which can be kept in memory;
what is random happens afterwards on bytes (``view``). The randomness of a view depends on a number
alone, so neither workers, nor ranks, nor a restart change what is trained on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np
import torch
from open_clip.transform import CenterCropOrPad, ResizeKeepRatio
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as F

from domainclip.backbones.pictures import to_rgb, whole_of
from domainclip.data._domain_views import BiasField, Gamma, Noise, TurnAndScale, Whole
from domainclip.data.settings import AugmentSettings
from domainclip.images.encoded import decoded

__all__ = ["Tower", "Transform", "seeded", "views"]


class Tower(Protocol):
    """What the data must know of the backbone, see ``backbones.pictures.Preprocess``."""

    @property
    def image_size(self) -> tuple[int, int]: ...
    @property
    def mean(self) -> Sequence[float]: ...
    @property
    def std(self) -> Sequence[float]: ...
    @property
    def interpolation(self) -> str: ...
    @property
    def resize_mode(self) -> str: ...
    @property
    def fill_color(self) -> int: ...


class Transform:
    """Images of one split as uint8 tensors.

    size: (h, w) of what the tower sees, pixels. augment: None for the plain view, which is what
    open_clip makes of it (``resize_mode`` ``shortest``: the shorter side resized and the centre
    cropped; ``longest``, padded with ``fill_color``; ``squash``), or ``whole``: all of the image
    amid the colour of its border. interpolation: ``bicubic``, ``bilinear``, ...
    """

    def __init__(
        self,
        size: tuple[int, int],
        *,
        interpolation: str = "bicubic",
        augment: AugmentSettings | None = None,
        whole: bool = False,
        resize_mode: str = "shortest",
        fill_color: int = 0,
    ) -> None:
        self.size = size
        self.interpolation = InterpolationMode(interpolation)
        self.resize_mode, self.fill_color = resize_mode, fill_color
        self.augment = augment
        self.whole = augment is not None and augment.keep_whole
        self._plain_whole = whole and augment is None
        self.crops = augment is not None and augment.crop_scale != (1.0, 1.0) and not self.whole
        # A crop of share s is drawn from 1/sqrt(s) times as many pixels as it must fill; twice is
        # enough for the eye of any tower, and bounds what is kept in memory.
        enlarge = 1 / math.sqrt(augment.crop_scale[0]) if augment and self.crops else 1.0
        self.kept_px = math.ceil(max(size) * min(enlarge, 2.0))
        self._random = v2.Compose(self._steps(augment)) if augment is not None else None

    @classmethod
    def of(
        cls,
        backbone: Tower,
        size: tuple[int, int],
        *,
        augment: AugmentSettings | None = None,
        whole: bool = False,
    ) -> Transform:
        """With the backbone's own interpolation and way of fitting an image into a square."""
        return cls(
            size,
            interpolation=backbone.interpolation,
            augment=augment,
            whole=whole,
            resize_mode=backbone.resize_mode,
            fill_color=backbone.fill_color,
        )

    def prepare(self, data: bytes) -> Tensor:
        """Encoded bytes -> uint8 (3, h, w), no larger than views need.

        Raises ValueError or BadInput with the reason where the bytes are no image.
        """
        return _tensor(self.cut(to_rgb(decoded(data))))

    def cut(self, image: Image.Image) -> Image.Image:
        """The plain square, or where views are cropped or padded later the whole image, made no
        larger."""
        if self.whole:
            return _within(image, self.size, self.interpolation)
        if self._plain_whole:
            return whole_of(image, self.size, self.interpolation.value)
        if not self.crops:
            return self._plain(image)
        if min(image.size) <= self.kept_px:
            return image
        smaller: Image.Image = F.resize(image, [self.kept_px], self.interpolation)
        return smaller

    def view(self, image: Tensor, number: int) -> Tensor:
        """uint8 (3, h, w) as the tower sees it: a random view, always the same for a number."""
        if self._random is None:
            return image
        torch.default_generator.manual_seed(number)
        seen: Tensor = self._random(image)
        return seen

    def stored_bytes(self, width: int, height: int) -> int:
        """Bytes that a prepared image of that size takes; of one shown whole, at most."""
        if not self.crops:
            return 3 * self.size[0] * self.size[1]
        scale = min(1.0, self.kept_px / max(1, min(width, height)))
        return 3 * round(width * scale) * round(height * scale)

    def _plain(self, image: Image.Image) -> Image.Image:
        if self.resize_mode == "squash":
            squashed: Image.Image = F.resize(image, list(self.size), self.interpolation)
            return squashed
        if self.resize_mode == "longest":
            inside = ResizeKeepRatio(self.size, interpolation=self.interpolation, longest=1)(image)
            padded: Image.Image = CenterCropOrPad(self.size, fill=self.fill_color)(inside)
            return padded
        return _covering(image, self.size, self.interpolation)

    def _steps(self, augment: AugmentSettings) -> list[torch.nn.Module]:
        steps: list[torch.nn.Module] = []
        if self.whole:
            steps.append(Whole(self.size, augment.crop_scale, self.interpolation))
        elif self.crops:
            steps.append(
                v2.RandomResizedCrop(
                    self.size, augment.crop_scale, augment.crop_ratio, self.interpolation
                )
            )
        steps += [v2.RandomHorizontalFlip()] if augment.flip else []
        steps += [v2.RandomVerticalFlip()] if augment.vertical_flip else []
        steps += [_QuarterTurns()] if augment.rot90 else []
        if augment.rotate or augment.scale != (1.0, 1.0):
            steps.append(TurnAndScale(augment.rotate, augment.scale))
        if augment.colour:
            strength = augment.colour
            steps.append(v2.ColorJitter(strength, strength, strength))
        steps += [Gamma(augment.gamma)] if augment.gamma else []
        steps += [BiasField(augment.bias_field)] if augment.bias_field else []
        steps += [Noise(augment.noise)] if augment.noise else []
        return steps or [torch.nn.Identity()]


def views(images: Tensor, kind: str) -> Iterator[Tensor]:
    """Images (n, 3, h, w) as they are, for ``rot90`` in four turns, for ``dihedral`` also mirrored.

    A rectangle that is no square is turned by halves alone.
    """
    quarter = 1 if images.shape[-1] == images.shape[-2] else 2
    for turns in range(0, 1 if kind == "plain" else 4, quarter):
        turned = torch.rot90(images, turns, (-2, -1))
        yield turned
        if kind == "dihedral":
            yield turned.flip(-1)


@contextmanager
def seeded() -> Iterator[None]:
    """Leaves torch's random state as it was: views are drawn from it under their own numbers."""
    state = torch.get_rng_state()
    try:
        yield
    finally:
        torch.set_rng_state(state)


class _QuarterTurns(torch.nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        return torch.rot90(image, int(torch.randint(4, ())), (-2, -1))


def _covering(
    image: Image.Image, size: tuple[int, int], interpolation: InterpolationMode
) -> Image.Image:
    height, width = size
    target = [height]  # the shorter side
    if height != width:  # the smallest that covers the rectangle
        scale = max(height / image.height, width / image.width)
        target = [max(height, round(image.height * scale)), max(width, round(image.width * scale))]
    covering: Image.Image = F.resize(image, target, interpolation)
    cropped: Image.Image = F.center_crop(covering, [height, width])
    return cropped


def _within(
    image: Image.Image, size: tuple[int, int], interpolation: InterpolationMode
) -> Image.Image:
    """The whole image, no larger than the rectangle."""
    scale = min(size[0] / image.height, size[1] / image.width)
    if scale >= 1:
        return image
    target = [max(1, round(image.height * scale)), max(1, round(image.width * scale))]
    smaller: Image.Image = F.resize(image, target, interpolation)
    return smaller


def _tensor(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
