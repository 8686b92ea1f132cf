"""CLIP-Adapter: a bottleneck on image features, mixed with the features themselves.

x' = r A(x) + (1 - r) x, A(x) = relu(relu(x W1ᵀ) W2ᵀ) with W1 (d / 4, d), W2 (d, d / 4), no biases;
logits = scale x' / |x'| tᵀ. SGD, lr 2e-3, momentum 0.9, cosine, 200 epochs, batch 32.
Reference: CLIP-Adapter, Gao et al. 2021, arXiv 2110.04544, section 3.2, the image branch.
Differs: the input has unit length where the released code takes features as they come, which makes
no difference: A scales with its input, and x' is brought to unit length. The released code leaves
the schedule to a configuration that was not released; here the rate falls at every step, without
warm-up or weight decay. Validation images choose r from 0.2, 0.4, 0.6 and 0.8 where ``ratio`` is
None, which without them is 0.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.errors import BadInput, UsageError
from domainclip.heads._fitted import FittedHead
from domainclip.heads._protocol import checked
from domainclip.heads._training import accuracy, held_out, train

__all__ = ["CLIPAdapter"]

RATIOS = (0.2, 0.4, 0.6, 0.8)


@dataclass
class CLIPAdapter(FittedHead):
    """ratio: share r of the bottleneck, 0 to 1. reduction: its narrowing. scale: of the cosines."""

    ratio: Annotated[float, ">= 0 <= 1"] | None = None
    reduction: Annotated[int, ">= 1"] = 4
    epochs: Annotated[int, ">= 1"] = 200
    lr: Annotated[float, "> 0"] = 2e-3
    batch_size: Annotated[int, ">= 1"] = 32
    seed: int = 0
    scale: Annotated[float, "> 0"] = 100.0

    @torch.inference_mode(False)  # its steps need gradients, whoever calls it
    def fit(
        self,
        features: Any,
        labels: Any,
        class_text: Any,
        validation: tuple[Any, Any] | None = None,
    ) -> Self:
        """Train the bottleneck on features (n, d), labels (n,), class texts (c, d).

        Raises BadInput without any image, UsageError for a ratio outside 0 to 1.
        """
        if self.ratio is not None and not 0 <= self.ratio <= 1:
            raise UsageError(f"clip_adapter: ratio is {self.ratio}, and must lie from 0 to 1.")
        z, y, w = checked(features, labels, class_text)
        if not len(z):
            raise BadInput("clip_adapter needs at least one image.")
        z, text = functional.normalize(z, dim=-1), functional.normalize(w, dim=-1)
        held = held_out(validation, z.shape[1], len(text))
        ratios = (self.ratio,) if self.ratio is not None else RATIOS if held else RATIOS[:1]
        best = -1.0
        for ratio in ratios:
            parts = self._trained(z, y, text, ratio)
            right = accuracy(self._logits(held[0], parts), held[1]) if held else 0.0
            if right > best:
                best, self._parts = right, parts
        return self

    def logits(self, features: Any) -> Tensor:
        """(m, d) -> (m, c)."""
        return self._logits(self._asked(features, "text"), self._parts)

    def _trained(self, z: Tensor, y: Tensor, text: Tensor, ratio: float) -> dict[str, Tensor]:
        d = z.shape[1]
        narrow = max(1, d // self.reduction)
        generator = torch.Generator().manual_seed(self.seed)

        def uniform(rows: int, columns: int) -> Tensor:  # as nn.Linear starts
            return (2 * torch.rand(rows, columns, generator=generator) - 1) / columns**0.5

        parts = {
            "down": uniform(narrow, d), "up": uniform(d, narrow), "text": text,
            "ratio": torch.tensor(float(ratio)),
        }  # fmt: skip
        weights = [parts["down"], parts["up"]]
        optimizer = torch.optim.SGD(weights, lr=self.lr, momentum=0.9)
        train(
            lambda x: self._logits(x, parts), weights, optimizer, z, y,
            epochs=self.epochs, batch_size=self.batch_size, seed=self.seed,
        )  # fmt: skip
        return {name: part.detach() for name, part in parts.items()}

    def _logits(self, z: Tensor, parts: Mapping[str, Tensor]) -> Tensor:
        bent = functional.relu(functional.relu(z @ parts["down"].T) @ parts["up"].T)
        mixed = functional.normalize(parts["ratio"] * bent + (1 - parts["ratio"]) * z, dim=-1)
        return self.scale * mixed @ parts["text"].T
