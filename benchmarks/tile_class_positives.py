"""InfoNCE with every image of a class as the positive of every caption of that class.

The multi-positive loss (MPCL) of FarSLIP (https://github.com/NJU-LHRS/FarSLIP), which is SupCon's
L_out (Khosla et al. 2020): targets uniform over the same class. It differs from ``infonce`` where
the captions of a class are several strings, which there are each other's negatives.

    python -m benchmarks.tile_class_positives PAIRS [--splits 20]

compares it with plain InfoNCE and with class prompts where many splits cost little: each trains a
linear map on the embedded backbone's frozen features (of the eight turned and mirrored views, one
drawn a step), with the same batches and the same prompts drawn. PAIRS are pairs of class folders.
The default learning rate is the best of 3e-4, 1e-3, 3e-3 for plain InfoNCE on the splits 100 to 105
of RSSCN7's sample.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.tile_class_folders import NAMES, PROMPTS, tables
from domainclip.backbones import load_backbone
from domainclip.objectives._protocol import Alone, Batch, Gather
from domainclip.objectives.class_prompts import ClassPrompts
from domainclip.objectives.infonce import InfoNCE
from domainclip.pairs import Pairs, open_pairs, plan_splits

__all__ = ["ClassPositives", "main"]


@dataclass(frozen=True)
class ClassPositives:
    """label_smoothing and captions as in infonce; an image without a class has its own caption."""

    label_smoothing: float = 0.0
    captions: Literal["pairs", "classes"] = "pairs"

    needs: ClassVar[str] = "captions"

    def __call__(
        self, image: Tensor, text: Tensor, batch: Batch, *, logit_scale: Tensor,
        logit_bias: Tensor | None, gather: Gather,
    ) -> Tensor:  # fmt: skip
        """This rank's part of the mean; image, text (b, d)."""
        images, texts = gather(image), gather(text)
        start, stop = gather.mine(len(image))
        labels = gather(batch.labels)
        mine = labels[start:stop, None]
        rows = torch.arange(len(labels), device=labels.device)
        positive = ((mine == labels) & (mine >= 0)) | (rows[start:stop, None] == rows)
        target = positive / positive.sum(1, keepdim=True)
        target = target * (1 - self.label_smoothing) + self.label_smoothing / len(labels)
        both: Sequence[Tensor] = (image @ texts.T, text @ images.T)
        total = sum(-(target * (logit_scale * each).log_softmax(1)).sum() for each in both)
        return total * (gather.world_size / (2 * len(images)))


@dataclass(frozen=True)
class Frozen:
    """Features (n, 8, d) of the views of n images, labels (n,), prompts (c, p, d); unit length."""

    views: Tensor
    labels: Tensor
    prompts: Tensor
    scale: Tensor


@dataclass(frozen=True)
class Drawn:
    """A batch as objectives see it."""

    labels: Tensor
    captions: Sequence[str]
    class_counts: Tensor | None = None
    groups: Sequence[str] = ()


# names as in tile_class_folders, so that its tables pair them
OBJECTIVES: dict[str, tuple[Any, int]] = {
    "infonce, 1 prompt, plain": (InfoNCE("negative", 0.1), 1),
    "infonce, 8 prompts, plain": (InfoNCE("negative", 0.1), len(PROMPTS)),
    "infonce, 8 prompts, same class positive": (ClassPositives(0.1), len(PROMPTS)),
    "class prompts": (ClassPrompts(0.1), 1),
    "class prompts, 8 prompts": (ClassPrompts(0.1), len(PROMPTS)),
}


def accuracy(
    data: Frozen, train: Tensor, test: Tensor, objective: Any, prompts: int, seed: int,
    *, lr: float, epochs: int, batch: int,
) -> float:  # fmt: skip
    """Of the linear map that the objective makes of the training rows, on the test rows."""
    rng = np.random.default_rng(seed)  # the same for every objective
    change = torch.zeros(data.views.shape[-1], data.views.shape[-1], requires_grad=True)
    optimizer = torch.optim.AdamW([change], lr=lr, weight_decay=0.05)
    steps = epochs * -(-len(train) // batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    classes = _unit(data.prompts[:, :prompts].mean(1))
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(train)), -(-len(train) // batch)):
            mine, drawn = train[rows], rng.integers(1 << 30, size=(2, len(rows)))
            labels, at = data.labels[mine], torch.from_numpy(drawn[1] % prompts)
            seen = data.views[mine, torch.from_numpy(drawn[0] % 8)]
            text = classes if objective.needs == "classes" else data.prompts[labels, at]
            captions = [f"{label} {n}" for label, n in zip(labels, at, strict=True)]
            loss = objective(
                _unit(seen + seen @ change), text, Drawn(labels, captions),
                logit_scale=data.scale, logit_bias=None, gather=Alone(),
            )  # fmt: skip
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        image = _unit(data.views[test] + data.views[test] @ change).mean(1)
        return float(((image @ classes.T).argmax(1) == data.labels[test]).float().mean())


def frozen(folder: Path) -> Frozen:
    """Features of all images in eight views, and of all prompts."""
    clip = load_backbone("embedded")
    pairs = list(open_pairs(folder))
    names = sorted({pair.labels[0] for pair in pairs})
    with torch.no_grad():
        images = [_unit(clip.encode_image(_views(pair.image)).float().cpu()) for pair in pairs]
        prompts = torch.stack([
            clip.class_text([NAMES.get(name, name)], [prompt])[0].cpu()
            for name in names for prompt in PROMPTS
        ])  # fmt: skip
    labels = torch.tensor([names.index(pair.labels[0]) for pair in pairs])
    prompts = prompts.view(len(names), len(PROMPTS), -1)
    return Frozen(torch.stack(images), labels, prompts, clip.logit_scale.detach().cpu())


def rows_of_split(pairs: Pairs, seed: int) -> tuple[Tensor, Tensor]:
    """Rows of the training and of the test images."""
    splits = plan_splits(pairs, {"train": 0.8, "test": 0.2}, seed=seed, by="group").splits
    train, test = (
        torch.tensor([row for row, name in enumerate(splits) if name == part])
        for part in ("train", "test")
    )
    return train, test


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first split's seed")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=32)
    arguments = parser.parse_args()
    data, pairs = frozen(arguments.pairs), open_pairs(arguments.pairs)
    scores: dict[str, dict[int, float]] = {}
    for split in range(arguments.first, arguments.first + arguments.splits):
        train, test = rows_of_split(pairs, split)
        for name, (objective, prompts) in OBJECTIVES.items():
            scores.setdefault(name, {})[split] = accuracy(
                data, train, test, objective, prompts, split,
                lr=arguments.lr, epochs=arguments.epochs, batch=arguments.batch,
            )  # fmt: skip
    print(tables(scores))
    return 0


def _views(data: bytes) -> list[Image.Image]:
    """An image in four turns, each also mirrored."""
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    turned = [np.rot90(pixels, turns) for turns in range(4)]
    return [Image.fromarray(np.ascontiguousarray(v)) for t in turned for v in (t, t[:, ::-1])]


def _unit(rows: Tensor) -> Tensor:
    return torch.nn.functional.normalize(rows, dim=-1)


if __name__ == "__main__":
    sys.exit(main())
