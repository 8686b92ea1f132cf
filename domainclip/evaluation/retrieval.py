"""Image-to-text and text-to-image retrieval within a split, with several captions per image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from domainclip.errors import BadInput
from domainclip.evaluation._bootstrap import Sampling
from domainclip.evaluation._protocol import Context, Value
from domainclip.evaluation._ranks import first_positive_ranks, rank_values

__all__ = ["Retrieval"]


@dataclass(frozen=True)
class Retrieval:
    """R@k and median rank in both directions, over all images and captions of the split.

    Image to text: the rank of the best of the image's own captions (any hit counts, as in
    CLIP_benchmark). Text to image: the rank of the caption's image. Ties count against the model.
    same_caption: captions that read alike (case and blanks aside) belong to all their images;
    without it a repeated caption can be right for one of its images only. ks: the k of R@k.

    Intervals resample groups; a caption goes with its image. Scores are computed in blocks, so
    memory does not grow with images times captions.
    """

    ks: tuple[int, ...] = (1, 5, 10)
    same_caption: bool = True

    again: ClassVar[bool] = True

    def run(self, context: Context) -> Iterator[tuple[str, Value]]:
        split = context.features.split(context.test)
        captions = [(i, text) for i, texts in enumerate(split.texts) for text in texts if text]
        if not captions:
            raise BadInput(
                f"retrieval needs captions in the split {context.test!r}, and {context.pairs.path} "
                "has none there."
            )
        owners = [owner for owner, _ in captions]
        z = context.encode([text for _, text in captions])
        names = [_folded(text) if self.same_caption else str(at)
                 for at, (_, text) in enumerate(captions)]  # fmt: skip
        images_of: dict[str, list[int]] = {}
        texts_of: dict[str, list[int]] = {}
        own: list[list[int]] = [[] for _ in split.keys]
        for at, (owner, name) in enumerate(zip(owners, names, strict=True)):
            images_of.setdefault(name, []).append(owner)
            texts_of.setdefault(name, []).append(at)
            own[owner].append(at)
        wanted = [sorted({t for at in mine for t in texts_of[names[at]]}) for mine in own]
        with_text = [i for i, mine in enumerate(own) if mine]
        to_text = first_positive_ranks(split.features, z, wanted)[with_text]
        groups = [split.groups[i] or split.keys[i] for i in range(len(split))]
        options = {"resamples": context.resamples, "seed": context.seed}
        sampling = Sampling(len(with_text), [groups[i] for i in with_text], **options)
        for name, value in rank_values(to_text, sampling, self.ks).items():
            yield f"image_to_text_{name}", value
        to_image = first_positive_ranks(
            z, split.features, [sorted(set(images_of[name])) for name in names]
        )
        sampling = Sampling(len(owners), [groups[i] for i in owners], **options)
        for name, value in rank_values(to_image, sampling, self.ks).items():
            yield f"text_to_image_{name}", value


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
