"""NegCLIP's loss, row by row: InfoNCE in which images also tell their text from wrong ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from domainclip.objectives._positives import Alike, log_shares, target_over
from domainclip.objectives._protocol import Gather, numbers_of

__all__ = ["negclip"]


def negclip(
    image: Tensor,
    text: Tensor,
    wrong: Tensor,
    alike: Alike,
    *,
    said: Sequence[str],
    wrong_texts: Sequence[Sequence[str]],
    own_is_wrong: bool,
    logit_scale: Tensor,
    gather: Gather,
) -> Tensor:
    """(b,) (CE([s I Tᵀ, s I Nᵀ]) + CE(s T Iᵀ)) / 2 of this rank's image, text (b, d) against those
    of all, and against all wrong (b, k, d).

    said, wrong_texts: what text and wrong are of, empty where there is none. Wrong ones of pairs
    that ``alike`` leaves out are left out too, and those that say what the row itself does, unless
    own_is_wrong.
    """
    images, texts = gather(image), gather(text)  # (n, d)
    others = gather(wrong).flatten(0, 1)  # (n * k, d)
    numbers = numbers_of([text for texts in wrong_texts for text in texts], image.device)
    numbers = gather(numbers.reshape(wrong.shape[:2])).flatten()  # (n * k,)
    none = (numbers == numbers_of([""], image.device)) | alike.left_out.repeat_interleave(
        wrong.shape[1], dim=1
    )
    if not own_is_wrong:
        none = none | (numbers_of(said, image.device)[:, None] == numbers)
    to_texts = logit_scale * image @ torch.cat([texts, others]).T  # (b, n + n * k)
    shares = log_shares(to_texts, torch.cat([alike.left_out, none], 1))[:, : len(texts)]
    shares = shares + log_shares(logit_scale * text @ images.T, alike.left_out)
    return -(target_over(alike) * shares).sum(1) / 2
