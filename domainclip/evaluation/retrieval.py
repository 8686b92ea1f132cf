"""Image-to-text and text-to-image retrieval within a split, with several captions per image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

from domainclip.errors import BadInput
from domainclip.evaluation._bootstrap import Sampling
from domainclip.evaluation._protocol import Context, Value
from domainclip.evaluation._ranks import first_positive_ranks, rank_values

__all__ = ["Retrieval"]


@dataclass(frozen=True)
class Retrieval:
    """R@k and median rank in both directions, over all images and captions of the split.

    Image to text: the rank of the best of the image's own captions (any hit counts). Text to
    image: the rank of the caption's image. Ties count against the model.
    same_caption: captions that read alike (case and blanks aside) are one caption, which is right
    for all its images; without it a repeated caption is right for one of them only, as in
    CLIP_benchmark. ks: the k of R@k.

    Intervals resample groups; a caption goes with its image. Scores are computed in blocks, so
    memory does not grow with images times captions.
    """

    ks: tuple[Annotated[int, ">= 1"], ...] = (1, 5, 10)
    same_caption: bool = True

    again: ClassVar[bool] = True
    of_classes: ClassVar[bool] = False

    def run(self, context: Context) -> Iterator[tuple[str, Value]]:
        split = context.features.split(context.test)
        captions = [(i, text) for i, texts in enumerate(split.texts) for text in texts if text]
        if not captions:
            raise BadInput(
                f"retrieval needs captions in the split {context.test!r}, and {context.pairs.path} "
                "has none there."
            )
        # one gallery entry for each caption, and the entry of every (image, caption)
        entries: dict[str, int] = {}
        entry = [
            entries.setdefault(_folded(text) if self.same_caption else str(at), len(entries))
            for at, (_, text) in enumerate(captions)
        ]
        distinct = {number: text for number, (_, text) in zip(entry, captions, strict=True)}
        z = context.encode([distinct[number] for number in range(len(entries))])
        texts_of: list[set[int]] = [set() for _ in split.keys]
        images_of: list[set[int]] = [set() for _ in entries]
        for number, (owner, _) in zip(entry, captions, strict=True):
            texts_of[owner].add(number)
            images_of[number].add(owner)
        with_text = [i for i, mine in enumerate(texts_of) if mine]
        to_text = first_positive_ranks(split.features, z, [sorted(mine) for mine in texts_of])
        to_image = first_positive_ranks(z, split.features, [sorted(mine) for mine in images_of])
        for name, ranks, owners in (
            ("image_to_text", to_text[with_text], with_text),
            ("text_to_image", to_image[entry], [owner for owner, _ in captions]),
        ):
            groups = [split.groups[i] or split.keys[i] for i in owners]
            sampling = Sampling(
                len(ranks), groups, resamples=context.resamples, seed=context.seed
            )  # fmt: skip
            for metric, value in rank_values(ranks, sampling, self.ks).items():
                yield f"{name}_{metric}", value


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
