"""Matryoshka: any objective on the first D numbers of every feature too, for several D.

loss = Σ_D w_D L(norm(x[:D]), norm(y[:D])), so that features can be cut short when they are used.
Reference: Kusupati et al. 2022, https://arxiv.org/abs/2205.13147, section 3, whose weights are 1;
jina-clip-v2, Koukounas et al. 2024, arXiv 2412.08802, does it with images and texts.
Every feature that L is given is cut: image, text, views, another caption, negatives, patches,
words, and those of a teacher or an average model that are as wide as image and text. A teacher of
another width keeps its own, as only its similarities can be of use. Features are made unit length
again, unless L takes them raw. Weights of L's own are made for each D; L's terms over the model's
weights (``weights``) and over masked words count once for each D. The logit scale is one for all.
Raises UsageError for a D beyond the features' width, and for other weights.
Costs: towers run once; L runs once for each D. Ranks: as L does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.catalogue import load
from domainclip.errors import UsageError
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, Words, parts_of

__all__ = ["Matryoshka"]

_OF_INNER = (
    "needs", "raw", "captions", "teacher", "momentum", "averaged_views", "wants", "views", "grid",
    "given_negatives", "negative_texts", "second_texts", "region_texts",
)  # fmt: skip
_UNCUT = ("weights", "masked")
_LEAST = 2  # a single number of unit length says nothing but its sign


@dataclass(frozen=True)
class Matryoshka:
    """of: an objective as ``{name: infonce, option: ...}``, by default infonce. dims: each D, from
    1 up; empty for the whole width, a half, a quarter and an eighth. weights: one for each D, from
    0 up and not all 0; empty for 1.
    """

    of: Annotated[Mapping[str, Any], "objectives"] = field(
        default_factory=lambda: {"name": "infonce"}
    )
    dims: tuple[int, ...] = ()
    weights: Annotated[tuple[Annotated[float, ">= 0"], ...], "not all 0"] = ()

    @single_precision
    def __call__(
        self,
        image: Tensor,
        text: Tensor,
        batch: Batch,
        *,
        logit_scale: Tensor,
        logit_bias: Tensor | None,
        gather: Gather,
        **more: Any,
    ) -> Tensor:
        """The weighted sum over the widths."""
        width, inner = image.shape[-1], self._inner()
        losses, unit = [], not inner.raw
        for dim in self._dims(width):

            def cut(value: Any, dim: int = dim) -> Any:
                return _cut(value, dim, width, unit=unit)

            given = {name: value if name in _UNCUT else cut(value)
                     for name, value in more.items() if name != "parts"}  # fmt: skip
            if "parts" in more:
                given["parts"] = more["parts"][str(dim)]
            losses.append(
                inner(
                    cut(image), cut(text), batch, logit_scale=logit_scale, logit_bias=logit_bias,
                    gather=gather, **given,
                )
            )  # fmt: skip
        weights = torch.tensor(self.weights or (1.0,) * len(losses), device=image.device)
        return (torch.stack(losses) * weights).sum()

    def make_parts(self, dim: int, words: Words | None = None) -> nn.Module:
        """Those of the objective, for each width."""
        inner = self._inner()
        dims = self._dims(dim)
        return nn.ModuleDict({str(each): parts_of(inner, each, words) for each in dims})

    def __getattr__(self, name: str) -> Any:
        if name in _OF_INNER:
            return getattr(self._inner(), name)
        raise AttributeError(name)

    def _inner(self) -> Any:
        return load("objectives", "weighted")(terms=(self.of,))

    def _dims(self, width: int) -> tuple[int, ...]:
        dims = self.dims or tuple(
            dict.fromkeys(max(width // part, min(_LEAST, width)) for part in (1, 2, 4, 8))
        )
        if self.weights and len(self.weights) != len(dims):
            raise UsageError(
                f"matryoshka: {len(dims)} dims and {len(self.weights)} weights; give each one."
            )
        if not all(0 <= weight < float("inf") for weight in self.weights):
            raise UsageError(f"matryoshka: weights are numbers from 0 up, not {self.weights}.")
        if self.weights and not any(self.weights):
            raise UsageError("matryoshka: every weight is 0, so there is nothing to train for.")
        for dim in dims:
            if not 1 <= dim <= width:
                raise UsageError(
                    f"matryoshka: dims has {dim}, and features have {width} numbers; give 1 to "
                    f"{width}, or none for the halves of {width}."
                )
        if len(set(dims)) != len(dims):
            raise UsageError(f"matryoshka: dims has {dims}; give each once.")
        return dims


def _cut(value: Any, dim: int, width: int, *, unit: bool) -> Any:
    """The first numbers of features (..., width), also within a tuple; anything else as it is."""
    if isinstance(value, tuple):
        return tuple(_cut(each, dim, width, unit=unit) for each in value)
    if not value.is_floating_point() or value.shape[-1] != width:
        return value
    return functional.normalize(value[..., :dim], dim=-1) if unit else value[..., :dim]
