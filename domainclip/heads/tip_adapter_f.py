"""Tip-Adapter-F: Tip-Adapter whose keys are trained, from the support features.

logits = 100 x tᵀ + alpha exp(-beta (1 - x Fᵀ)) V with F (n, d) free: AdamW, lr 1e-3, eps 1e-4,
cosine by step, batch 256, 20 epochs, alpha and beta at their start values; then both are searched.
Reference: Tip-Adapter, Zhang et al. 2022, arXiv 2207.09519, section 3.2, and the released code.
Differs: the published code takes the epoch that is best on the test set. Here validation images
choose epoch, alpha and beta; without them it is the last epoch with alpha and beta as given. Its
configurations train with beta 1 and an alpha of each data set (EuroSAT and DTD 2, ImageNet 1.17),
and search up to 7 to 13 and 3 to 13; here both are options, with the defaults of ``tip_adapter``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Self

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.errors import BadInput
from domainclip.heads._cache_model import CacheModel, cache_logits, search
from domainclip.heads._protocol import checked
from domainclip.heads._training import accuracy, held_out, train

__all__ = ["TipAdapterF"]


@dataclass
class TipAdapterF(CacheModel):
    """alpha: weight of the cache, beta: its sharpness, both while training. search: look for better
    ones on the validation images, up to ``search_scale`` (beta, alpha). scale: the zero-shot
    logits'."""

    alpha: Annotated[float, ">= 0"] = 1.0
    beta: Annotated[float, ">= 0"] = 5.5
    search: bool = True
    search_scale: tuple[float, float] = (50.0, 50.0)
    epochs: Annotated[int, ">= 1"] = 20
    lr: Annotated[float, "> 0"] = 1e-3
    batch_size: Annotated[int, ">= 1"] = 256
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
        """Train keys on features (n, d), labels (n,) and class texts (c, d).

        Raises BadInput without any image.
        """
        z, y, w = checked(features, labels, class_text)
        if not len(z):
            raise BadInput("tip_adapter_f needs at least one image.")
        z, text = functional.normalize(z, dim=-1), functional.normalize(w, dim=-1)
        held = held_out(validation, z.shape[1], len(text))
        keys = z.clone()
        best_right, best_keys = -1.0, keys

        def logits(x: Tensor) -> Tensor:
            votes = cache_logits(x @ keys.T, y, len(text), self.beta)
            return self.scale * x @ text.T + self.alpha * votes

        def keep() -> None:
            nonlocal best_right, best_keys
            if held is not None and (right := accuracy(logits(held[0]), held[1])) > best_right:
                best_right, best_keys = right, keys.detach().clone()

        optimizer = torch.optim.AdamW([keys], lr=self.lr, eps=1e-4)
        train(
            logits, [keys], optimizer, z, y, epochs=self.epochs, batch_size=self.batch_size,
            seed=self.seed, after_epoch=keep,
        )  # fmt: skip
        keys = best_keys if held is not None else keys.detach()
        alpha, beta = self.alpha, self.beta
        if self.search and held is not None:
            zero_shot = self.scale * held[0] @ text.T
            beta, alpha = search(zero_shot, held[0] @ keys.T, y, held[1], self.search_scale)
        self._parts = {
            "text": text, "keys": keys, "labels": y,
            "alpha": torch.tensor(alpha), "beta": torch.tensor(beta),
        }  # fmt: skip
        return self
