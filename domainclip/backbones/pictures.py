"""Whatever holds a picture, as an 8-bit RGB PIL image, and that as the tower's input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from domainclip.errors import BadInput
from domainclip.images.encoded import decoded
from domainclip.images.rgb import rgb_of

__all__ = ["Preprocess", "border_colour", "to_rgb", "whole_of"]


@dataclass(frozen=True)
class Preprocess:
    """A picture as a tower's input (3, h, w) float32, exactly as open_clip's evaluation does it.

    size: (h, w) pixels. mean, std: of channels in 0..1. resize_mode: ``shortest`` (and centre
    crop), ``longest`` (and pad with fill_color) or ``squash``. whole: ``whole_of`` it comes first,
    which leaves these nothing to do.
    """

    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"
    fill_color: int = 0
    whole: bool = False

    def __post_init__(self) -> None:
        known = {name: value for name, value in asdict(self).items() if name != "whole"}
        settings = PreprocessCfg(**known)
        transform = image_transform_v2(settings, is_train=False)
        object.__setattr__(self, "_transform", transform)

    def __call__(self, picture: Any) -> Tensor:
        """Anything that ``to_rgb`` takes."""
        transform: Callable[[Image.Image], Tensor] = self._transform  # type: ignore[attr-defined]
        image = to_rgb(picture)
        return transform(whole_of(image, self.size, self.interpolation) if self.whole else image)

    @classmethod
    def of(cls, described: dict[str, Any]) -> Preprocess:
        """From open_clip's ``preprocess_cfg``; what it does not say is open_clip's default.

        ``whole`` is ours: open_clip leaves it out of what it reads.
        """
        known = asdict(PreprocessCfg())
        known.update((k, v) for k, v in described.items() if k in known and v is not None)
        size = known["size"]
        height, width = (size, size) if isinstance(size, int) else size
        return cls(
            (int(height), int(width)),
            tuple(map(float, known["mean"])),
            tuple(map(float, known["std"])),
            str(known["interpolation"]),
            str(known["resize_mode"]),
            int(known["fill_color"]),
            bool(described.get("whole", False)),
        )


def to_rgb(picture: Any) -> Image.Image:
    """A PIL image, path, encoded bytes or array (h, w), (h, w, 1|3|4) of uint8 or uint16 -> RGB.

    16-bit greys are scaled from 0..65535; floating ones are refused, since their range is not
    known. Transparency is laid over white, as a page shows it. Raises BadInput.
    """
    if isinstance(picture, Image.Image):
        return rgb_of(picture)
    if isinstance(picture, bytes):
        return rgb_of(_opened(picture, "these bytes"))
    if isinstance(picture, (str, Path)):
        try:
            data = Path(picture).read_bytes()
        except FileNotFoundError as error:
            raise BadInput(f"{picture}: no such image file.") from error
        except OSError as error:
            raise BadInput(f"{picture}: cannot be read ({error.strerror}).") from error
        return rgb_of(_opened(data, str(picture)))
    if isinstance(picture, np.ndarray):
        return rgb_of(_from_array(picture))
    raise BadInput(
        f"a {type(picture).__name__} is not an image: give a PIL image, a path, bytes or an array."
    )


def whole_of(image: Image.Image, size: tuple[int, int], interpolation: str) -> Image.Image:
    """All of an image in the middle of a rectangle (h, w), as large as it fits; what it leaves is
    of the colour of its border."""
    height, width = size
    scale = min(height / image.height, width / image.width)
    inner = [
        max(1, min(most, round(side * scale)))
        for side, most in zip((image.height, image.width), size, strict=True)
    ]
    small = F.resize(image, inner, InterpolationMode(interpolation))
    pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1)
    shown = Image.new("RGB", (width, height), tuple(border_colour(pixels).tolist()))
    shown.paste(small, ((width - inner[1]) // 2, (height - inner[0]) // 2))
    return shown


def border_colour(image: Tensor) -> Tensor:
    """(c,) uint8 of an image (c, h, w): the median of the outermost pixels of each channel."""
    rim = [image[:, 0], image[:, -1], image[:, :, 0], image[:, :, -1]]
    return torch.cat(rim, dim=1).median(dim=1).values


def _opened(data: bytes, name: str) -> Image.Image:
    try:
        return decoded(data)
    except ValueError as error:
        raise BadInput(f"{name}: not a readable image ({error}).") from error


def _from_array(array: np.ndarray[Any, Any]) -> Image.Image:
    shape = array.shape
    if array.ndim == 3 and shape[2] == 1:
        array = array[:, :, 0]
    good = array.ndim == 2 or (array.ndim == 3 and shape[2] in (3, 4))
    if array.dtype not in (np.uint8, np.uint16) or not good or 0 in shape:
        raise BadInput(
            f"an image array of {array.dtype} and shape {shape}: give uint8 or uint16 values of "
            "shape (h, w) or (h, w, channels)."
        )
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(array))
