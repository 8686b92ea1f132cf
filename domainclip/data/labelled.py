"""A labelled image data set with its splits: what every few-shot protocol draws from."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

from domainclip.errors import BadInput, nearest
from domainclip.pairs import Pairs, open_pairs

__all__ = ["Image", "LabelledImages", "PairImage", "Part", "read_image"]


@dataclass(frozen=True, slots=True)
class PairImage:
    """The image of row ``row`` of a pairs directory."""

    folder: Path
    row: int
    key: str


Image = Path | PairImage


@dataclass(frozen=True, slots=True)
class Part:
    """One split: n images and their n class indices."""

    images: tuple[Image, ...] = ()
    labels: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def of(self, classes: Sequence[int]) -> Part:
        """The rows of those classes, relabelled from 0 in the order given."""
        place = {label: at for at, label in enumerate(classes)}
        kept = [
            (image, place[label])
            for image, label in zip(self.images, self.labels, strict=True)
            if label in place
        ]
        return Part(tuple(image for image, _ in kept), tuple(label for _, label in kept))


@dataclass(frozen=True)
class LabelledImages:
    """Classes, prompts and three splits; a split may be empty, and a class may have few images.

    classnames: words by class index. templates: prompts with {} for the class; empty for the
    default. note: what a reader of results must know of the splits. Raises BadInput for duplicate
    class names, fewer than two classes, and labels outside the list.
    """

    name: str
    classnames: tuple[str, ...]
    train: Part
    val: Part
    test: Part
    templates: tuple[str, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        seen = Counter(name.replace("_", " ") for name in self.classnames)
        twice = [name for name, times in seen.items() if times > 1]
        if twice:
            raise BadInput(
                f"{self.name}: the class name {twice[0]!r} stands for {seen[twice[0]]} classes; "
                "give each class a name of its own, or merge them."
            )
        if len(self.classnames) < 2:
            raise BadInput(
                f"{self.name}: {len(self.classnames)} class {list(self.classnames)}; a classifier "
                "needs at least two."
            )
        for split in ("train", "val", "test"):
            part: Part = getattr(self, split)
            for image, label in zip(part.images, part.labels, strict=True):
                if not 0 <= label < len(self.classnames):
                    raise BadInput(
                        f"{self.name}: label {label} of {_name(image)} ({split}) is outside the "
                        f"{len(self.classnames)} classes 0 to {len(self.classnames) - 1}."
                    )

    def half(self, which: Literal["base", "new"]) -> LabelledImages:
        """The first ceil(c / 2) classes, or the rest, in the order of their labels, from 0 again.

        As CoOp's base-to-new protocol has it. Raises BadInput where a half is one class.
        """
        middle = -(-len(self.classnames) // 2)
        span = range(middle) if which == "base" else range(middle, len(self.classnames))
        if len(span) < 2:
            raise BadInput(
                f"{self.name}: its {which} half has one class of {len(self.classnames)}; "
                "base-to-new needs at least four classes."
            )
        return replace(
            self,
            classnames=tuple(self.classnames[label] for label in span),
            train=self.train.of(span), val=self.val.of(span), test=self.test.of(span),
        )  # fmt: skip

    def only(self, names: Iterable[str]) -> tuple[int, ...]:
        """The class indices of those names. Raises BadInput for a name that is none of ours."""
        place = {_plain(name): label for label, name in enumerate(self.classnames)}
        found = []
        for name in names:
            if _plain(name) not in place:
                raise BadInput(
                    f"{self.name}: has no class {name!r}.{nearest(_plain(name), place)} Domain "
                    "generalisation tests on the same class names, or on some of them."
                )
            found.append(place[_plain(name)])
        return tuple(found)

    @cached_property
    def digest(self) -> str:
        """A short hash of names, prompts, images by name, and labels; the place does not count."""
        rows = [
            [split, _name(image), label]
            for split in ("train", "val", "test")
            for image, label in zip(
                getattr(self, split).images, getattr(self, split).labels, strict=True
            )
        ]
        text = json.dumps([self.name, self.classnames, self.templates, rows])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_image(image: Image) -> bytes:
    """The encoded image. Raises BadInput naming a file that cannot be read."""
    if isinstance(image, PairImage):
        return _opened(image.folder)[image.row].image
    try:
        return image.read_bytes()
    except OSError as error:
        raise BadInput(f"{image}: {error.strerror}; the data set names it as an image.") from error


def _name(image: Image) -> str:
    return image.key if isinstance(image, PairImage) else f"{image.parent.name}/{image.name}"


def _plain(name: str) -> str:
    return name.replace("_", " ").casefold()


@lru_cache(maxsize=4)
def _opened(folder: Path) -> Pairs:
    return open_pairs(folder)
