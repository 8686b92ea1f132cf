"""Positions of text towers: how many there are, and a table of them stretched to more."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["positions_of", "stretched"]


def stretched(positions: Tensor, keep: int, length: int) -> Tensor:
    """A table (t, width) of positions -> (length, width), linear in it.

    new[j] = p[j] for j < keep, else p at keep + (j - keep) (t - keep) / (length - keep), between
    two rows by a straight line, which goes on beyond the last.
    """
    t = len(positions)
    j = torch.arange(length - keep, device=positions.device)
    step = j * (t - keep)  # whole numbers as long as it goes, so that 4 times is 4 times exactly
    below = (step // (length - keep)).clamp(max=t - keep - 2)  # (length - keep,)
    share = (step - below * (length - keep)).to(positions) / (length - keep)
    tail = positions[keep:]
    between = torch.lerp(tail[below], tail[below + 1], share[:, None])
    return torch.cat([positions[:keep], between])


def positions_of(tower: Any) -> int | None:
    """How many positions a Hugging Face tower was made with; None where they have no end."""
    most = getattr(tower.config, "max_position_embeddings", None)
    table = getattr(getattr(tower.transformer, "embeddings", None), "position_embeddings", None)
    pad = getattr(table, "padding_idx", None)  # RoBERTa counts from behind it
    return most if most is None or pad is None else most - pad - 1
