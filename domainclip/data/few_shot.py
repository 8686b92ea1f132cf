"""Few-shot draws as the two lineages of code make them: the same seed, the same images.

"coop": training images are drawn first, then validation images (CoOp, CoCoOp, KgCoOp, MaPLe, all on
Dassl; https://github.com/KaiyangZhou/CoOp). "tip": validation first, then training (Tip-Adapter,
CLIP-LoRA, CLIP-SVD, GDA; https://github.com/gaopengcuhk/Tip-Adapter). Both go over the classes in
the order of first appearance with one stream of Python's ``random``. A class with too few images
gives all it has.

Differs: the released code of the "tip" lineage fills such a class up with repeats; here only
``repeats`` does, since a repeated image is no further shot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from domainclip.errors import UsageError

__all__ = ["Shots", "draw_shots"]


@dataclass(frozen=True)
class Shots:
    """Row numbers of the drawn training and validation images, class after class.

    short: (class, its images) of every class that has fewer training images than were asked for.
    """

    train: tuple[int, ...]
    val: tuple[int, ...]
    short: tuple[tuple[int, int], ...] = ()


def draw_shots(
    train_labels: Sequence[int],
    val_labels: Sequence[int],
    *,
    shots: int,
    seed: int,
    sampler: Literal["coop", "tip"] = "coop",
    val_shots: int | None = None,
    repeats: bool = False,
) -> Shots:
    """``shots`` images of each class, and of the validation split ``val_shots`` (min(shots, 4)).

    Labels are class indices; -1 belongs to no class and is never drawn. repeats: fill a class that
    has too few images up by drawing with replacement.
    """
    if shots < 1:
        raise UsageError(f"shots={shots}: give 1 or more.")
    if sampler not in ("coop", "tip"):
        raise UsageError(f"sampler={sampler!r}: one of 'coop', 'tip'.")
    held = min(shots, 4) if val_shots is None else val_shots
    stream = Random(seed)
    counts = Counter(int(label) for label in train_labels if label >= 0)
    short = tuple((label, n) for label, n in sorted(counts.items()) if n < shots)
    if sampler == "coop":
        train = _draw(train_labels, shots, stream, repeats)
        return Shots(train, _draw(val_labels, held, stream, repeats), short)
    val = _draw(val_labels, held, stream, repeats)
    return Shots(_draw(train_labels, shots, stream, repeats), val, short)


def _draw(labels: Sequence[int], shots: int, stream: Random, repeats: bool) -> tuple[int, ...]:
    rows: dict[int, list[int]] = {}
    for row, label in enumerate(labels):
        if label >= 0:
            rows.setdefault(int(label), []).append(row)
    drawn: list[int] = []
    for mine in rows.values():
        if len(mine) >= shots:
            drawn += stream.sample(mine, shots)
        else:
            drawn += stream.choices(mine, k=shots) if repeats else mine
    return tuple(drawn)
