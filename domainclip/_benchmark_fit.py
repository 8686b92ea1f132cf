"""A method fitted on a draw: a head on kept features, or an adapter in the backbone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any, get_type_hints

import torch
from torch import Tensor

from domainclip._benchmark_data import Drawn, Exam, Features
from domainclip._classifier_training import trained_towers
from domainclip._component import make_component
from domainclip.backbones import Backbone
from domainclip.catalogue import check_options, entries, load
from domainclip.classifier import Classifier, few_shot
from domainclip.data.labelled import LabelledImages, Part, read_image
from domainclip.errors import UnfitTower, UnknownName, UsageError

__all__ = [
    "METHOD_KINDS",
    "Fitted",
    "NotApplicable",
    "check_method",
    "fitted",
    "is_head",
    "known_options",
]

METHOD_KINDS = ("heads", "adapters")
ZERO_SHOT = "zero_shot"
# few_shot's own options, given as a method's
TRAINING = {"epochs": int, "lr": float, "batch_size": int, "views": int}
# whose released code chooses on the test set, see reference: Tip-Adapter issue 11
SELECTS_ON_TEST = ("tip_adapter_f",)


class NotApplicable(UsageError):
    """A method cannot do what a protocol asks; trying again would not help."""


@dataclass
class Fitted:
    """A method after its fit.

    parameters: values that it adds to the backbone: an adapter's trainable parameters, the tensors
    that a head keeps. selected_on: what chose its hyperparameters. seconds: of the fit alone; a
    head's are without the pass over the images, which all heads share.
    """

    clip: Backbone
    features: Features
    method: str
    made: Any  # a head, or the Classifier of an adapter
    seconds: float
    parameters: int
    selected_on: str

    def logits(self, exam: Exam) -> Tensor:
        """(n, c) of the exam's test images over its classes. Raises NotApplicable."""
        data, images = exam.data, exam.data.test.images
        if isinstance(self.made, Classifier):
            model = self.made
            if exam.renamed:
                model = replace(
                    model, classnames=list(data.classnames),
                    templates=list(data.templates) or model.templates,
                )  # fmt: skip
            if trained_towers(self.clip)[0]:
                out = model.logits(read_image(image) for image in images)
            else:  # learned prompts leave images what they were
                z = self.features.of(images)
                out = self.clip.classify(z, model.classnames, model.templates)
        elif not exam.renamed:
            out = self.made.logits(self.features.of(images))
        elif hasattr(self.made, "for_new"):
            weights = self.clip.classifier(data.classnames, data.templates or None)
            out = self.made.for_new(weights).logits(self.features.of(images))
        elif self.method == ZERO_SHOT:
            weights = self.clip.classifier(data.classnames, data.templates or None)
            head = replace(self.made).fit(weights[:0], [], weights)
            out = head.logits(self.features.of(images))
        else:
            raise NotApplicable(
                f"{self.method} is a head: it knows the classes that it was fitted on and no other."
            )
        return out if exam.columns is None else out[:, list(exam.columns)]


@contextmanager
def fitted(
    clip: Backbone, features: Features, method: str, options: Mapping[str, Any],
    data: LabelledImages, drawn: Drawn, seed: int, paper_mode: bool, unseen: Sequence[str] = (),
) -> Iterator[Fitted]:  # fmt: skip
    """Fit for the block; an adapter is taken out of the backbone again at its end.

    data: the classes that are fitted. unseen: names of classes without images, which are told to an
    adapter that synthesizes features and to no other method; none of them competes unless an exam
    asks for it. Only validation images select, unless paper_mode lets a method whose released code
    selects on the test images do so.
    """
    on_test = paper_mode and method in SELECTS_ON_TEST
    held = data.test if on_test else drawn.val
    selected_on = "test" if on_test else "val" if len(held) else "support"
    if is_head(method):
        head = make_component("heads", method, options, seed=seed)
        z, zv = features.of(drawn.train.images), features.of(held.images)
        weights = clip.classifier(data.classnames, data.templates or None)
        start = time.perf_counter()
        head.fit(
            z, torch.tensor(drawn.train.labels, dtype=torch.long), weights,
            (zv, torch.tensor(held.labels, dtype=torch.long)) if len(held) else None,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        size = sum(value.numel() for value in head.state().values())
        size = 0 if method == ZERO_SHOT else size
        yield Fitted(clip, features, method, head, seconds, size, selected_on)
        return
    if getattr(load("adapters", method), "learns_from", "images") == "captions":
        raise NotApplicable(f"{method} learns from captions, and a data set has images and labels.")
    training = {name: options[name] for name in TRAINING if name in options}
    told = unseen if hasattr(load("adapters", method), "synthesize") else ()
    start = time.perf_counter()
    try:
        made = few_shot(
            clip, *_pictures(drawn.train), [*data.classnames, *told], method=method, seed=seed,
            templates=data.templates or None, validation=_pictures(held) if len(held) else None,
            options={name: value for name, value in options.items() if name not in training},
            **training,
        )  # fmt: skip
    except UnfitTower as error:
        raise NotApplicable(str(error)) from error
    seconds = time.perf_counter() - start
    made = replace(made, classnames=list(data.classnames))  # an exam names others
    try:
        size = sum(parameter.numel() for parameter in made.component.parameters())
        yield Fitted(clip, features, method, made, seconds, size, selected_on)
    finally:
        made.component.eject()


def is_head(method: str) -> bool:
    return method in {entry.name for entry in entries("heads")}


def known_options(method: str) -> dict[str, Any]:
    """Option -> type of a head or adapter, with few_shot's own. Raises UnknownName."""
    names = [entry.name for kind in METHOD_KINDS for entry in entries(kind)]
    if method not in names:
        raise UnknownName("method", method, names)
    made = load("heads" if is_head(method) else "adapters", method)
    hints: dict[str, Any] = get_type_hints(made)
    own = {field.name: hints[field.name] for field in fields(made) if field.init}
    return own if is_head(method) else TRAINING | own


def check_method(method: str, options: Mapping[str, Any]) -> None:
    """Raises UnknownName for a method, UsageError for an option, that does not exist."""
    check_options(method, options, known_options(method))


def _pictures(part: Part) -> tuple[list[bytes], list[int]]:
    return [read_image(image) for image in part.images], list(part.labels)
