"""Retrieval over images with several captions, some of which read alike."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import torch
from torch import Tensor

from domainclip.data.features import Split
from domainclip.evaluation._protocol import Context
from domainclip.evaluation.retrieval import Retrieval

# three images on the axes; the captions of images 0 and 1 share "A cat." in two spellings
_TEXTS = (("a  CAT.", "left"), ("A cat.", "middle"), ("right",))
_CODES = {
    "a cat.": [0.0, 1.0, 0.0], "left": [1.0, 0.0, 0.0], "middle": [0.0, 1.0, 0.0],
    "right": [0.6, 0.0, 0.8],
}  # fmt: skip


def _values(same_caption: bool) -> dict[str, float]:
    def encode(texts: Sequence[str]) -> Tensor:
        return torch.tensor([_CODES[" ".join(text.casefold().split())] for text in texts])

    split = Split(
        torch.eye(3), torch.full((3,), -1), ("i0", "i1", "i2"), ("g0", "g1", "g2"), _TEXTS, ()
    )
    features = SimpleNamespace(split=lambda name: split)
    context = Context(cast(Any, features), (), encode, resamples=20)
    found = Retrieval(ks=(1, 2), same_caption=same_caption).run(context)
    return {name: round(value.value, 6) for name, value in found}


def test_captions_that_read_alike_are_one_caption_of_all_their_images() -> None:
    found = _values(True)
    # image 0 finds "left", image 1 a tie of its own two captions, image 2 "right"
    assert found["image_to_text_R@1"] == 1
    # "a cat." points at image 1, which is right for both of its images
    assert found["text_to_image_R@1"] == 1


def test_without_it_a_repeated_caption_is_right_for_its_own_image_only() -> None:
    found = _values(False)
    # image 1: image 0's copy of the caption ties with its own, and ties count against us
    assert found["image_to_text_R@1"] == round(2 / 3, 6) and found["image_to_text_R@2"] == 1
    # the copy that belongs to image 0 points at image 1
    assert found["text_to_image_R@1"] == 0.8
    assert found["text_to_image_median_rank"] == 1
