"""A batch for any objective, with everything that one can want, as a pure function of its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from domainclip.objectives._protocol import Alone, Words, parts_of, wants_of

SCALE = torch.tensor(12.0)
# ways to deal nine rows to two ranks: broken images leave one with fewer, with one or with none
CUTS = ([0, 5, 9], [0, 8, 9], [0, 9, 9])


@dataclass
class Batch:
    """See ``objectives._protocol.Batch``."""

    labels: Tensor
    captions: tuple[str, ...]
    class_counts: Tensor | None = None
    groups: tuple[str, ...] = ()
    tags: tuple[tuple[int, ...], ...] = ()
    negatives: tuple[tuple[str, ...], ...] = ()
    regions: tuple[tuple[Any, ...], ...] = ()
    negative_captions: tuple[str, ...] = ()

    def of(self, rows: slice | list[int]) -> Batch:
        """Some of the rows."""
        at = list(range(len(self.labels)))[rows] if isinstance(rows, slice) else rows
        return Batch(
            self.labels[at],
            tuple(self.captions[i] for i in at),
            self.class_counts,
            tuple(self.groups[i] for i in at),
            tuple(self.tags[i] for i in at),
            tuple(self.negatives[i] for i in at),
            tuple(self.regions[i] for i in at),
            tuple(self.negative_captions[i] for i in at),
        )


@dataclass
class Inputs:
    """Features of a batch; extra: name of ``WANTS`` -> what ``Given.of`` cuts by rows."""

    objective: Any
    image: Tensor
    text: Tensor
    batch: Batch
    extra: dict[str, Any] = field(default_factory=dict)

    def call(self, rows: Any = None, gather: Any = None) -> Tensor:
        """The objective's loss on some rows; None: on all."""
        rows = slice(None) if rows is None else rows
        text = self.text if self.objective.needs == "classes" else self.text[rows]
        return self.objective(
            self.image[rows], text, self.batch.of(rows), logit_scale=SCALE, logit_bias=None,
            gather=gather or Alone(), **self._more(rows),
        )  # fmt: skip

    def _more(self, rows: Any) -> dict[str, Any]:
        def cut(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(cut(each) for each in value)
            return value[rows] if isinstance(value, Tensor) else value

        return {name: cut(self.extra[name]) for name in wants_of(self.objective)}

    def leaves(self) -> list[Tensor]:
        """Everything with a gradient."""
        found = [self.image, self.text]
        for name in wants_of(self.objective):
            value = self.extra[name]
            parts = value if isinstance(value, tuple) else (value,)
            found += [each for each in parts if isinstance(each, Tensor) and each.requires_grad]
        return found


def inputs(objective: Any, size: int = 9, width: int = 6, dtype: Any = torch.float64) -> Inputs:
    """Random unit features (not of unit length where the objective is raw) that ask for gradients;
    a third of the captions repeat, groups repeat, one row has no class, some have two."""
    random = torch.Generator().manual_seed(size)
    unit = not getattr(objective, "raw", False)

    def draw(*shape: int, grad: bool = True) -> Tensor:
        z = torch.randn(*shape, width, generator=random, dtype=dtype)
        return (F.normalize(z, dim=-1) if unit else z).requires_grad_(grad)

    rows = 4 if objective.needs == "classes" else size
    labels = torch.arange(size) % 4
    labels[2] = -1
    tags = tuple(() if i == 2 else (i % 4, (i + 1) % 4) if i % 3 == 0 else (i % 4,)
                 for i in range(size))  # fmt: skip
    batch = Batch(
        labels,
        tuple(f"caption {number % 7} left" for number in range(size)),
        torch.tensor([5, 3, 0, 9]),
        tuple("" if number == 1 else f"group {number // 2}" for number in range(size)),
        tags,
        tuple((f"no {number}", f"not {number}") for number in range(size)),
        tuple(
            tuple(
                (f"ship {(number + one) % 3}", (0.1 * one, 0.0, 0.9, 0.7))
                for one in range(number % 3)
            )
            for number in range(size)
        ),
        tuple("" if number % 4 == 1 else f"caption {number % 3} right" for number in range(size)),
    )
    image, text = draw(size), draw(rows)
    cells = int(getattr(objective, "grid", None) or 1) ** 2
    views = max(int(getattr(objective, "views", 0)), 1)
    real = torch.arange(5)[None, :] < (2 + torch.arange(size) % 4)[:, None]
    torch.manual_seed(0)
    parts: nn.Module | None = None
    if "parts" in wants_of(objective):
        parts = parts_of(objective, width, Words(width, 11, width)).to(dtype)
    weight = nn.Parameter(torch.randn(3, 2, generator=random, dtype=dtype))
    targets = torch.where(torch.rand(size, 5, generator=random) < 0.3, torch.arange(5), -100)
    texts = getattr(objective, "negative_texts", None)
    wanted = "negatives" in wants_of(objective)
    k = len(texts(batch)[0]) if texts is not None and wanted else 2
    return Inputs(objective, image, text, batch, {
        "teacher": (draw(size, grad=False), draw(size, grad=False)),
        "views": draw(size, views),
        "second": draw(size),
        "negatives": draw(size, k),
        "negative_images": draw(size),
        "patches": draw(size, 4),
        "crops": (draw(size, cells, grad=False), draw(size, cells, grad=False)),
        "regions": draw(size, int(getattr(objective, "most", 2))),
        "words": (draw(size, 5), real),
        "masked": (draw(size, 5), targets, nn.Embedding(11, width, dtype=dtype)),
        "momentum": (draw(size, grad=False), draw(size, views, grad=False)),
        "parts": parts,
        "weights": [(weight, weight.detach() + 0.5)],
    })  # fmt: skip
