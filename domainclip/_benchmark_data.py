"""What a benchmark's cells share: image features, encoded once each; draws; what is examined."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from domainclip.backbones import Backbone, FeatureCache
from domainclip.data.few_shot import draw_shots
from domainclip.data.labelled import Image, LabelledImages, Part, read_image
from domainclip.errors import BadInput

__all__ = ["PROTOCOLS", "Drawn", "Exam", "Features", "Protocol", "draw", "exams_of"]

Protocol = Literal["few-shot", "base-to-new", "cross-dataset", "domain"]
PROTOCOLS: tuple[Protocol, ...] = ("few-shot", "base-to-new", "cross-dataset", "domain")


@dataclass(frozen=True)
class Exam:
    """A test: the part's name, its images, and which classes are asked for.

    columns: the classifier's classes that compete (domain generalisation), None for all.
    renamed: the classes are not those of training, so their texts are encoded anew.
    """

    part: str
    data: LabelledImages
    columns: tuple[int, ...] | None = None
    renamed: bool = False


@dataclass(frozen=True)
class Drawn:
    """The images of one draw. note: which classes had fewer than were asked for."""

    train: Part
    val: Part
    note: str


class Features:
    """Image features (n, d) of unit length of a plain backbone, each image encoded once."""

    def __init__(self, clip: Backbone, cache: Path | None, batch_size: int = 64) -> None:
        self._clip, self._batch_size = clip, batch_size
        self._store = FeatureCache(cache, clip, view="benchmark") if cache is not None else None
        self._known: dict[str, Tensor] = {}
        self._keys: dict[Image, str] = {}

    def of(self, images: Sequence[Image]) -> Tensor:
        """Raises BadInput naming an image that cannot be read or decoded."""
        missing = [image for image in dict.fromkeys(images) if image not in self._keys]
        for start in range(0, len(missing), self._batch_size):
            self._take(missing[start : start + self._batch_size])
        if not images:
            return torch.zeros(0, self._clip.embed_dim)
        return torch.stack([self._known[self._keys[image]] for image in images])

    def _take(self, images: Sequence[Image]) -> None:
        encoded = {image: read_image(image) for image in images}
        keys = {image: hashlib.sha256(content).hexdigest() for image, content in encoded.items()}
        wanted = [key for key in dict.fromkeys(keys.values()) if key not in self._known]
        if self._store is not None:
            self._known.update(self._store.get(wanted))
        new = {key: image for image, key in keys.items() if key not in self._known}
        if new:
            with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
                pixels = list(
                    pool.map(
                        lambda image: _decoded(self._clip, image, encoded[image]), new.values()
                    )
                )
            fresh = dict(zip(new, self._clip.encode_image(torch.stack(pixels)), strict=True))
            self._known.update(fresh)
            if self._store is not None:
                self._store.put(fresh)
        self._keys.update(keys)


def draw(
    data: LabelledImages, shots: int, seed: int, sampler: Literal["coop", "tip"], repeats: bool,
    classes: int | None = None,
) -> Drawn:  # fmt: skip
    """``shots`` training and min(shots, 4) validation images of each class.

    classes: keep those of the first so many, after drawing from all: base-to-new as the published
    code has it, so the base images are those of the all-class draw. Raises BadInput naming the
    classes without a training image.
    """
    drawn = draw_shots(
        data.train.labels, data.val.labels, shots=shots, seed=seed, sampler=sampler, repeats=repeats
    )
    present = set(data.train.labels)
    absent = [name for label, name in enumerate(data.classnames) if label not in present]
    if absent:
        raise BadInput(
            f"{data.name}: no training image of {', '.join(map(repr, absent))}; add some, or leave "
            "the class out."
        )
    short = ", ".join(f"{data.classnames[label]} {n}" for label, n in drawn.short)
    filled = "filled up with repeats" if repeats else "all of them taken"
    note = f"fewer than {shots} images ({filled}): {short}" if short else ""
    span = range(len(data.classnames) if classes is None else classes)
    train, val = _rows(data.train, drawn.train), _rows(data.val, drawn.val)
    return Drawn(train.of(span), val.of(span), note)


def exams_of(
    protocol: Protocol, data: LabelledImages, others: Sequence[LabelledImages]
) -> list[Exam]:
    """The tests that follow one fit; the first one's data hold the classes that are fitted.

    Raises BadInput for a test without images, halves of one class, foreign class names.
    """
    exams = [Exam("test" if protocol == "few-shot" else data.name, data)]
    if protocol == "base-to-new":
        exams = [Exam("base", data.half("base")), Exam("new", data.half("new"), renamed=True)]
    if protocol == "cross-dataset":
        exams += [Exam(other.name, other, renamed=True) for other in others]
    elif protocol == "domain":
        exams += [Exam(other.name, other, data.only(other.classnames)) for other in others]
    for exam in exams:
        if not len(exam.data.test):
            raise BadInput(f"{exam.data.name}: has no test image, so nothing can be measured.")
    return exams


def _rows(part: Part, rows: Sequence[int]) -> Part:
    return Part(tuple(part.images[row] for row in rows), tuple(part.labels[row] for row in rows))


def _decoded(clip: Backbone, image: Image, content: bytes) -> Tensor:
    try:
        return clip.preprocess(content)
    except (BadInput, OSError, ValueError) as error:
        raise BadInput(f"{image}: cannot be decoded ({error}); replace or remove it.") from error
