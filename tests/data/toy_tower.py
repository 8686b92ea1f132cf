"""A dual encoder of a few hundred weights, with the surface that training needs of a Backbone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from domainclip.pairs import Pair, Pairs
from tests.data.make_pairs import make_pair, write_pairs


class ToyTower:
    """image: conv, norm, dropout, projection; text: a table of bytes, averaged."""

    def __init__(self, seed: int = 0, px: int = 8) -> None:
        torch.manual_seed(seed)
        self.model = nn.Module()
        self.model.visual = nn.Sequential(
            nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
            nn.Flatten(), nn.Dropout(0.2), nn.Linear(24, 8),
        )  # fmt: skip
        self.model.table = nn.Embedding(256, 8)
        self.model.logit_scale = nn.Parameter(torch.tensor(2.0))
        self.model.eval()
        self.image_size, self.mean, self.std = (px, px), (0.5,) * 3, (0.5,) * 3
        self.interpolation, self.dtype, self.logit_bias = "bicubic", torch.float32, None
        self.resize_mode, self.fill_color = "shortest", 0

    @property
    def device(self) -> torch.device:
        return self.model.logit_scale.device

    @property
    def logit_scale(self) -> Tensor:
        return self.model.logit_scale.exp()

    def image(self, x: Tensor) -> Tensor:
        return F.normalize(self.model.visual(x), dim=-1)

    def text(self, ids: Tensor) -> Tensor:
        return F.normalize(self.model.table(ids).mean(1), dim=-1)

    def tokenize(self, texts: Sequence[str]) -> Tensor:
        rows = [list(text.encode()[:16].ljust(16)) for text in texts]
        return torch.tensor(rows)

    def class_text(self, names: Sequence[str], templates: Sequence[str]) -> Tensor:
        prompts = [template.format(name) for name in names for template in templates]
        each = self.text(self.tokenize(prompts).to(self.device))
        return F.normalize(each.view(len(names), len(templates), -1).mean(1), dim=-1)


class Whole:
    """An adapter that trains every weight of the named parts ("visual", "table")."""

    def __init__(self, tower: ToyTower, *parts: str) -> None:
        self.tower, self.parts = tower, parts or ("visual",)

    def parameters(self) -> Iterator[nn.Parameter]:
        for part in self.parts:
            yield from getattr(self.tower.model, part).parameters()

    def train(self) -> None:
        self.tower.model.visual[5].train()  # its dropout, so that randomness is tested too


def striped_pairs(
    path: Path, count: int = 60, *, px: int = 12, broken: int | range = -1, part_bytes: int = 9000
) -> Pairs:
    """Images of three classes that differ by colour; a fifth of them for validation."""

    bad = broken if isinstance(broken, range) else (broken,)

    def pairs() -> Iterator[Pair]:
        random = np.random.default_rng(0)
        for number in range(count):
            kind = number % 3
            pixels = random.integers(0, 160, (px, px, 3), dtype=np.uint8)
            pixels[..., kind] += 60
            buffer = BytesIO()
            Image.fromarray(pixels).save(buffer, "PNG")
            data = buffer.getvalue()
            yield make_pair(
                number, image=data[:40] if number in bad else data, width=px, height=px,
                split="val" if number % 5 == 4 else "train", labels=("abc"[kind],),
                text=f"a picture of {'abc'[kind]} {number // 3}", texts=(),
            )  # fmt: skip

    return write_pairs(path, pairs(), part_bytes=part_bytes)
