"""VDT-adapter (CLIP-A-self): class texts from sentences, which one head of attention weighs.

class c: features X (n, d) of its sentences, as the text tower gives them ->
  A = softmax(X Wq (X Wk)ᵀ / √d_k),  Y = A X Wv Wo + b,  d_k = d / 4
  t_c = unit length of mean_n LayerNorm(2 (ρ Y + (1 - ρ) X))
Wq, Wk, Wv, Wo, b and the LayerNorm are learned, by cross-entropy; both towers stay frozen.
Reference: "Enhancing CLIP with GPT-4: Harnessing Visual Descriptions as Prompts", Maniparambil et
al. 2023 (ICCV workshops), arXiv 2307.11661, section 3.2; dropout 0.1 on A and 0.5 on Y, ρ = 0.2,
ten epochs of single images, as in the released code.
Differs: classes may have unequally many sentences, and a sentence beyond the context is cut; no
warm-up epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.adapters._bank import BankAdapter, encode_sentences
from domainclip.adapters._prompting import Prompts
from domainclip.adapters._protocol import Schedule
from domainclip.backbones import Backbone
from domainclip.errors import UsageError

__all__ = ["VDT"]

ATTENTION_DROPOUT, OUTPUT_DROPOUT = 0.1, 0.5


@dataclass
class VDT(BankAdapter):
    """bank: a text bank's path (see ``domainclip bank``), where later classes are looked up too.
    ratio: ρ, the share of what attention adds; the authors choose it by data set, 0.2 nearly
    always. seed: of the random start. texts: the sentences themselves, in place of a bank."""

    schedule: ClassVar[Schedule] = Schedule("sgd", 2e-3, 5e-4, 10, 1)
    bank: str = ""
    ratio: Annotated[float, ">= 0 <= 1"] = 0.2
    seed: int = 0

    def _build(self, backbone: Backbone) -> Prompts:
        if not 0 <= self.ratio <= 1:
            raise UsageError(f"vdt: ratio is {self.ratio}, and must lie from 0 to 1.")
        prompts = _Described(backbone, self.sentences, self.ratio, self.seed)
        prompts.features(self._classnames)
        return prompts.train(backbone.model.training)


class _Described(Prompts):
    """query, key, value: (d_k, d). out: (d, d_k), with its bias (d,)."""

    def __init__(
        self,
        backbone: Backbone,
        sentences: Callable[[Sequence[str]], list[list[str]]],
        ratio: float,
        seed: int,
    ) -> None:
        super().__init__(backbone)
        self._sentences, self._ratio = sentences, ratio
        self._encoded: dict[str, Tensor] = {}  # (n, d) by class
        self._asked: tuple[tuple[str, ...], Tensor, Tensor] | None = None
        generator = torch.Generator().manual_seed(seed)
        d, dtype = backbone.embed_dim, torch.promote_types(backbone.dtype, torch.float32)
        inner = max(d // 4, 1)

        def xavier(rows: int, columns: int, gain: float) -> nn.Parameter:
            spread = gain * (2 / (rows + columns)) ** 0.5
            values = torch.randn(rows, columns, generator=generator) * spread
            return nn.Parameter(values.to(dtype))

        self.query, self.key = xavier(inner, d, 1.0), xavier(inner, d, 1.0)
        self.value, self.out = xavier(inner, d, 0.67), xavier(d, inner, 0.67)
        bias = (torch.rand(d, generator=generator) * 2 - 1) * inner**-0.5  # nn.Linear's
        self.bias = nn.Parameter(bias.to(dtype))
        self.norm = nn.LayerNorm(d, dtype=dtype)

    def features(self, names: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Sentences (c, n, d) of the classes, filled up with zeros, and which are real (c, n)."""
        asked = tuple(names)
        if self._asked is None or self._asked[0] != asked:
            new = [name for name in dict.fromkeys(asked) if name not in self._encoded]
            sentences = self._sentences(new) if new else []
            with torch.inference_mode(False):  # training goes on with what a prediction encoded
                encoded = encode_sentences(self.clip, sentences, unit=False)
                self._encoded.update(zip(new, encoded, strict=True))
                rows = [self._encoded[name] for name in asked]
                if not rows:
                    return torch.zeros(0, 0, 0), torch.zeros(0, 0)
                x = nn.utils.rnn.pad_sequence(rows, batch_first=True)
                count = torch.tensor([len(row) for row in rows])
                real = torch.arange(x.shape[1]) < count[:, None]
                self._asked = asked, x.to(self.query), real.to(self.query.device)
        _, x, real = self._asked
        if x.device != self.query.device or x.dtype != self.query.dtype:
            x, real = x.to(self.query), real.to(self.query.device)
            self._asked = asked, x, real
        return x, real

    def forward(self, names: Sequence[str], image: Tensor | None = None) -> Tensor:
        x, real = self.features(names)
        q, k, v = (functional.linear(x, w) for w in (self.query, self.key, self.value))
        scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5  # (c, n, n)
        weights = scores.masked_fill(~real[:, None], float("-inf")).softmax(2)
        mixed = functional.dropout(weights, ATTENTION_DROPOUT, self.training) @ v
        added = functional.linear(mixed, self.out, self.bias)
        added = functional.dropout(added, OUTPUT_DROPOUT, self.training)
        y = self.norm(2 * (self._ratio * added + (1 - self._ratio) * x)) * real[:, :, None]
        return functional.normalize(y.sum(1) / real.sum(1, keepdim=True), dim=-1)  # (c, d)
