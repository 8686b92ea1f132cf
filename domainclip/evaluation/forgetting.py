"""What adaptation forgot: a general task outside the domain, before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from domainclip.data._loading import normalised
from domainclip.data.classes import find_classes
from domainclip.data.features import split_features
from domainclip.data.transforms import Transform
from domainclip.errors import BadInput
from domainclip.evaluation._features import class_ranks, evenly
from domainclip.evaluation._predict import head_probabilities
from domainclip.evaluation._probe import fitted_probe
from domainclip.evaluation._protocol import Context, Value, labelled
from domainclip.evaluation.metrics import Sampling, accuracy, softmax
from domainclip.pairs import open_pairs

__all__ = ["Forgetting"]

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True)
class Forgetting:
    """Accuracy on a task that the adaptation never saw; read it before against after.

    data: ``digits``, the 1,797 handwritten digits (8 x 8 pixels, enlarged) that come with
    scikit-learn, which need no download: small and far from any domain, so a fall is a warning and
    no fall is no proof. Better: the path of a pairs directory with labels, of general images.
    methods: ``linear_probe`` and ``knn`` (5 neighbours by cosine) tell what the image tower still
    sees, both fitted on one half and measured on the other (of a directory: on its train and test
    splits where it has them); ``zero_shot`` tells whether image and text still meet. templates: of
    its prompts. images: at most so many are used, evenly over the classes; null for all.
    """

    data: str = "digits"
    methods: tuple[Literal["linear_probe", "knn", "zero_shot"], ...] = ("linear_probe", "zero_shot")
    templates: tuple[str, ...] = ("a photo of the handwritten digit {}.",)
    images: Annotated[int, ">= 1"] | None = 600

    again: ClassVar[bool] = True
    of_classes: ClassVar[bool] = False

    def run(self, context: Context) -> Iterator[tuple[str, Value]]:
        features, labels, train, groups, names = (
            self._digits(context) if self.data == "digits" else self._directory(context)
        )
        test = ~train
        if not train.any() or not test.any():
            raise BadInput(f"forgetting: {self.data} has no rows to fit on, or none to measure on.")
        truth = labels[test].numpy()
        sampling = Sampling(
            len(truth), [g for g, keep in zip(groups, test.tolist(), strict=True) if keep],
            resamples=context.resamples, seed=context.seed,
        )  # fmt: skip
        for method in self.methods:
            if method == "zero_shot":
                weight = context.backbone.classifier(names, self.templates)  # (c, d)
                guess = softmax((features[test] @ weight.T).numpy()).argmax(1)
            elif method == "knn":
                model = KNeighborsClassifier(min(5, int(train.sum())), metric="cosine")
                model.fit(features[train].numpy(), labels[train].numpy())
                guess = model.predict(features[test].numpy())
            else:
                head = fitted_probe(features[train], labels[train], len(names))
                guess = head_probabilities(head, features[test]).argmax(1)
            yield f"{method}_accuracy", accuracy(guess, truth, sampling)

    def _digits(
        self, context: Context
    ) -> tuple[Tensor, Tensor, Tensor, Sequence[str], Sequence[str]]:
        pixels, target = load_digits(return_X_y=True)
        chosen = evenly(target, self.images)
        size = (context.image_px,) * 2 if context.image_px else context.backbone.image_size
        transform = Transform.of(context.backbone, size)
        rows: list[Tensor] = []
        for start in range(0, len(chosen), 64):
            batch = []
            for row in chosen[start : start + 64]:
                grey = np.uint8(255 - pixels[row].reshape(8, 8) * 255 / 16)  # ink on paper
                image = Image.fromarray(grey).resize(size[::-1], Image.Resampling.BICUBIC)
                seen = transform.cut(image.convert("RGB"))
                batch.append(torch.from_numpy(np.array(seen)).permute(2, 0, 1))
            x = normalised(torch.stack(batch), context.backbone.mean, context.backbone.std)
            rows.append(context.backbone.encode_image(x))
            context.progress(start + len(batch), len(chosen))
        train = torch.from_numpy(class_ranks(target[chosen]) % 2 == 0)
        return torch.cat(rows), torch.from_numpy(target[chosen]), train, [""] * len(chosen), _DIGITS

    def _directory(
        self, context: Context
    ) -> tuple[Tensor, Tensor, Tensor, Sequence[str], Sequence[str]]:
        pairs = open_pairs(self.data)
        splits = pairs.table(["split"]).column("split").to_pylist()
        own = {"train", "test"} <= set(splits)
        chosen = _few(
            pairs.table(["labels"]).column("labels").to_pylist(), splits, own, self.images
        )
        picked = pairs.with_splits(chosen)
        parts = [
            labelled(split_features(context.backbone, picked, name, image_px=context.image_px))
            for name in ("train", "test")
        ]
        names = find_classes(pairs).names
        if len(names) < 2:
            raise BadInput(f"forgetting: {self.data} needs labels of two classes or more.")
        train = torch.arange(len(parts[0]) + len(parts[1])) < len(parts[0])
        return (
            torch.cat([part.features for part in parts]),
            torch.cat([part.labels for part in parts]),
            train, [*parts[0].groups, *parts[1].groups], names,
        )  # fmt: skip


def _few(
    labels: Sequence[Sequence[str]], splits: Sequence[str], own: bool, most: int | None
) -> list[str]:
    """The split of each row: its own, or alternately train and test; "" beyond ``most``."""
    first = np.array([each[0] if each else "" for each in labels])
    usable = np.flatnonzero((first != "") & (np.isin(splits, ("train", "test")) if own else True))
    taken = usable[evenly(first[usable], most)]
    found = [""] * len(first)
    for row, rank in zip(taken.tolist(), class_ranks(first[taken]).tolist(), strict=True):
        found[row] = splits[row] if own else ("train", "test")[rank % 2]
    return found
