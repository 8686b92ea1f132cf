"""DeCLIP: supervision from two views of image and text, from each alone, and from similar texts.

loss = clip · 1/4 Σ_{a,b in 1,2} C(I_a, T_b) + nearest · 1/4 Σ_{a,b} C(I_a, N(T_b)) + simsiam ·
(D(p_1, z_2) + D(p_2, z_1)) / 2 + mlm · M; C(X, Y) = (CE(s X Yᵀ) + CE(s Y Xᵀ)) / 2, targets on the
diagonal; N(t) the most similar of the last texts of other steps; D(p, z) the mean of -cos(p, z)
without gradient to z; z = projector(I_a), p = predictor(z); M the mean over masked words of T_1 of
-log softmax(E h + c)[word], h = norm(gelu(A x + a)), x the text tower's last layer at the word, E
its token embedding. ``text._masking`` has which words: 15 % of them, as BERT has it.
Reference: DeCLIP, Li et al. 2022, https://arxiv.org/abs/2110.05208, section 3, weights as its code.
Differs: T_2 is another caption of the pair, not words replaced; the same where it has none. The
queue holds 4096 texts (``queue``), not 65536: it must be shorter than an epoch, or a text's
neighbour is itself; T_1 alone enters it, in its code T_2 too. In its code images find N(T_b), but
N(T_b) no images. N(T_b) is taken for a text of its pair, also where it came from another. Masked
texts are read by themselves, where in its code T_1 is masked for the other parts too. E and the
layer before it are BERT's; in its code one matrix of its own (25 million weights for CLIP's
vocabulary) predicts words. A tower with a causal mask, as CLIP's, sees the words before the masked
one only. Captions and groups that are alike are treated as ``infonce`` does.
Shapes: image, text, second (b, d), views (b, 1, d), masked (b, t, w). Ranks: this rank's pairs
against those of all, and all of them enter the queue; M is over the masked words of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.objectives._heads import MLP, Queue
from domainclip.objectives._masked_words import WordHead
from domainclip.objectives._positives import both_ways, same_as
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, Words, rows_mean

__all__ = ["DeCLIP"]


@dataclass(frozen=True)
class DeCLIP:
    """clip, nearest, simsiam, mlm: weights of the parts; mlm 0 spares the pass of masked texts, and
    is worth it where the text tower is frozen. queue: texts that a neighbour is sought among.
    hidden: width of projector and predictor, whose own hidden layer is half as wide. same_text,
    same_group: as ``infonce``."""

    clip: Annotated[float, ">= 0"] = 0.4
    nearest: Annotated[float, ">= 0"] = 0.2
    simsiam: Annotated[float, ">= 0"] = 0.2
    mlm: Annotated[float, ">= 0"] = 0.2
    queue: Annotated[int, ">= 1"] = 4096
    hidden: Annotated[int, ">= 2"] = 1024
    same_text: Literal["positive", "ignore", "negative"] = "positive"
    same_group: Literal["ignore", "positive", "negative"] = "ignore"

    needs: ClassVar[str] = "captions"
    views: ClassVar[int] = 1

    @property
    def wants(self) -> tuple[str, ...]:
        """Masked words only where they count."""
        return ("views", "second", "parts", *(("masked",) if self.mlm else ()))

    def make_parts(self, dim: int, words: Words | None = None) -> nn.Module:
        """Projector, predictor, queue, and what predicts words."""
        wide, half = self.hidden, self.hidden // 2
        made: dict[str, nn.Module] = {
            "projector": MLP((dim, wide, wide, wide), norm_last=True),
            "predictor": MLP((wide, half, wide)),
            "queue": Queue(self.queue, dim),
        }
        if words is not None:
            made["words"] = WordHead(words)
        return nn.ModuleDict(made)

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
        views: Tensor,
        second: Tensor,
        parts: nn.Module,
        masked: tuple[Tensor, Tensor, nn.Embedding] | None = None,
    ) -> Tensor:
        """This rank's part of the mean over all pairs, and over all masked words."""
        assert isinstance(parts, nn.ModuleDict)
        queue = parts["queue"]
        assert isinstance(queue, Queue)
        near = [queue.nearest(each) for each in (text, second)]
        mine = torch.stack([image, views[:, 0], text, second, *near], 1)  # (b, 6, d)
        everyone = gather(mine)
        alike = same_as(batch, gather, image.device).judged(
            text=self.same_text, group=self.same_group
        )

        def between(one: int, other: int) -> Tensor:
            there = logit_scale * mine[:, one] @ everyone[:, other].T  # (b, n)
            return both_ways(there, logit_scale * mine[:, other] @ everyone[:, one].T, alike)

        across = torch.stack([between(a, b) for a in (0, 1) for b in (2, 3)]).mean()
        nearest = torch.stack([between(a, b) for a in (0, 1) for b in (4, 5)]).mean()
        if queue.training and torch.is_grad_enabled():
            queue.wait(everyone[:, 2])
        loss = self.clip * across + self.nearest * nearest
        loss = loss + self.simsiam * _simsiam((image, views[:, 0]), parts, gather)
        loss = rows_mean(loss, len(image), gather)
        if masked is None:
            return loss
        head = parts["words"]
        assert isinstance(head, WordHead)
        return loss + self.mlm * head(*masked, gather)


def _simsiam(images: tuple[Tensor, Tensor], parts: nn.ModuleDict, gather: Gather) -> Tensor:
    """Summed over this rank's images."""
    z = [parts["projector"](each, gather) for each in images]
    p = [parts["predictor"](each, gather) for each in z]
    cosines = [functional.cosine_similarity(p[a], z[1 - a].detach(), dim=-1) for a in (0, 1)]
    return -(cosines[0] + cosines[1]).sum() / 2
