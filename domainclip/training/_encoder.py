"""What the towers say of a batch, with gradient; what frozen towers say is kept.

On a CPU what is kept was read alone: the last bits of a feature depend on its batch, and a run that
goes on after an interruption meets an image or a text in another batch. A GPU, which one image
leaves idle, reads them in batches, and a run there repeats itself to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.backbones.shortening import shortened
from domainclip.text._protocol import TextEncoder
from domainclip.training._chunks import in_chunks

__all__ = ["Encoder"]


class Encoder:
    """raw: features as the towers give them, not of unit length. long: how captions beyond the
    context are read; None cuts them. chunk: rows that a tower reads at once, see ``_chunks``.
    same_views: an image looks alike in every epoch, so a frozen image tower encodes it once.
    """

    CAPTIONS_KEPT: ClassVar[int] = 100_000  # of a frozen text tower; 512 floats each are 200 MB
    IMAGES_KEPT: ClassVar[int] = 100_000  # likewise

    def __init__(
        self, backbone: Any, *, raw: bool, long: TextEncoder | None, chunk: int | None,
        same_views: bool,
    ) -> None:  # fmt: skip
        self.backbone, self.raw, self.long, self.chunk = backbone, raw, long, chunk
        self.image_trained = self.text_trained = True  # until a training finds that they are not
        self._same_views = same_views and not raw
        self._captions: dict[str, Tensor] = {}
        self._images: dict[str, Tensor] = {}

    def forget(self, *, text_trained: bool) -> None:
        """Start anew. text_trained: whether captions are encoded at every step."""
        self.text_trained = text_trained
        self._captions.clear()
        self._images.clear()

    def image(self, keys: Sequence[str], x: Tensor) -> Tensor:
        """(b, d) of images x (b, 3, h, w); of a frozen tower that sees them alike, kept by key."""
        if self.image_trained or not self._same_views:
            return self.pixels(x)
        if all(key in self._images for key in keys):
            return torch.stack([self._images[key] for key in keys])
        image = torch.cat([self.pixels(part) for part in self._read_at_once(x)])
        if len(self._images) + len(image) <= self.IMAGES_KEPT:
            self._images.update(zip(keys, image.detach(), strict=True))
        return image

    def pixels(self, x: Tensor) -> Tensor:
        """(b, d) of images (b, 3, h, w)."""
        backbone = self.backbone
        return in_chunks(backbone.image_raw if self.raw else backbone.image, x, self.chunk)

    def pixels_and_patches(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(b, d) of images (b, 3, h, w) and (b, n, d) of their positions, in one pass."""
        from domainclip.backbones.dense import dense_image

        read = partial(dense_image, self.backbone, unit=not self.raw)
        return in_chunks(read, x, self.chunk)

    def hidden(self, ids: Tensor) -> Tensor:
        """(b, t', w) of token ids (b, t): the text tower's last layer at every position."""
        from domainclip.backbones.dense import hidden_text

        backbone = self.backbone
        ids = shortened(backbone.model, ids)

        def read(part: Tensor) -> Tensor:
            z = hidden_text(backbone, part)  # cut to its own longest text
            return functional.pad(z, (0, 0, 0, ids.shape[1] - z.shape[1]))

        return in_chunks(read, ids, self.chunk)

    def captions(self, captions: Sequence[str]) -> Tensor:
        """(b, d); those of a frozen text tower are encoded once and kept."""
        if self.text_trained or getattr(self.long, "sample", False):  # drawn anew at every step
            return self.texts(captions)
        missing = [text for text in dict.fromkeys(captions) if text not in self._captions]
        if len(self._captions) + len(missing) > self.CAPTIONS_KEPT:
            self._captions.clear()
            missing = list(dict.fromkeys(captions))
        if missing:
            found = torch.cat([self.texts(part) for part in self._read_at_once(missing)])
            self._captions.update(zip(missing, found.detach(), strict=True))
        return torch.stack([self._captions[text] for text in captions])

    def _read_at_once(self, rows: Any) -> list[Any]:
        alone = self.backbone.device.type == "cpu"
        return [rows[at : at + 1] for at in range(len(rows))] if alone else [rows]

    def texts(self, texts: Sequence[str]) -> Tensor:
        """(n, d), read anew."""
        backbone = self.backbone
        if self.long is not None:
            long = self.long
            pieces = long.pieces(backbone, texts)
            z = in_chunks(lambda part: long.read(backbone, part), pieces.ids, self.chunk)
            return long.pool(z, pieces)
        ids = backbone.tokenize(texts)  # on the CPU, where their length waits for nothing
        return in_chunks(backbone.text_raw if self.raw else backbone.text, ids, self.chunk)
