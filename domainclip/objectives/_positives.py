"""Which pairs of a batch belong together, by caption, class or group, and softmax over the others.

Two pairs are each other's positives, are left out of each other's denominators, or are negatives.
Positive goes before left out, and left out before negative, whatever says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from domainclip.backbones._unit import widened
from domainclip.objectives._protocol import Batch, Gather, numbers_of

__all__ = [
    "Alike",
    "Role",
    "Same",
    "both_ways",
    "log_shares",
    "own_of",
    "same_as",
    "target_over",
]

Role = Literal["positive", "ignore", "negative"]


@dataclass(frozen=True)
class Alike:
    """(b, n) bool each, this rank's pairs against those of all. positive: of each other's, itself
    always; left_out: neither positive nor negative."""

    positive: Tensor
    left_out: Tensor

    @property
    def negative(self) -> Tensor:
        """(b, n) bool: all others."""
        return ~(self.positive | self.left_out)


@dataclass(frozen=True)
class Same:
    """(b, n) bool each: which pairs of all ranks are this rank's pair itself, have its very
    caption, its class, its group. A pair without a class or group shares none, not even its own."""

    itself: Tensor
    text: Tensor
    label: Tensor
    group: Tensor

    def judged(
        self, *, text: Role = "negative", label: Role = "negative", group: Role = "negative"
    ) -> Alike:
        """What pairs are to each other that share these."""
        told = ((self.text, text), (self.label, label), (self.group, group))
        positive, left_out = self.itself, torch.zeros_like(self.itself)
        for which, role in told:
            positive = positive | which if role == "positive" else positive
            left_out = left_out | which if role == "ignore" else left_out
        return Alike(positive, left_out & ~positive)


def same_as(batch: Batch, gather: Gather, device: torch.device) -> Same:
    """Of a batch, in one gather."""
    rows, blank = len(batch.captions), numbers_of([""], device)
    groups = batch.groups or ("",) * rows
    mine = [numbers_of(batch.captions, device), numbers_of(groups, device), batch.labels.to(device)]
    everyone = gather(torch.stack(mine, 1))  # (n, 3)
    start, stop = gather.mine(rows)
    texts, names, labels = everyone.unbind(1)
    return Same(
        itself=own_of(rows, gather, device),
        text=texts[start:stop, None] == texts,
        label=(labels[start:stop, None] == labels) & (labels >= 0),
        group=(names[start:stop, None] == names) & (names != blank),
    )


def own_of(rows: int, gather: Gather, device: torch.device) -> Tensor:
    """(b, n) bool: which of all ranks' rows are this rank's own. Call it after a gather of them."""
    own = torch.arange(*gather.mine(rows), device=device)
    return own[:, None] == torch.arange(gather.total(rows), device=device)


def both_ways(there: Tensor, back: Tensor, alike: Alike, smoothing: float = 0.0) -> Tensor:
    """(CE(there) + CE(back)) / 2 of logits (b, n) against ``target_over``, summed over rows."""
    said = log_shares(there, alike.left_out) + log_shares(back, alike.left_out)
    return -(target_over(alike, smoothing) * said).sum() / 2


def log_shares(logits: Tensor, left_out: Tensor) -> Tensor:
    """(b, n) log-softmax over what is not left out; 0 where it is."""
    kept = widened(logits).masked_fill(left_out, -torch.inf)
    return kept.log_softmax(1).masked_fill(left_out, 0.0)


def target_over(alike: Alike, smoothing: float = 0.0) -> Tensor:
    """(b, n) uniform over the positives; a share of it, 0 to 1, over all that is not left out."""
    kept = ~alike.left_out
    target = alike.positive / alike.positive.sum(1, keepdim=True)
    return target * (1 - smoothing) + kept * (smoothing / kept.sum(1, keepdim=True))
