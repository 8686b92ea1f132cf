"""A classifier from a few labelled images in one call, saved and loaded without a pickle."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from domainclip._classifier_training import schedule_of, train
from domainclip._component import make_component
from domainclip._run_names import said_of_sweep
from domainclip.adapters._protocol import Schedule, inject_for
from domainclip.adapters.storage import DESCRIPTION as ADAPTER_DESCRIPTION
from domainclip.adapters.storage import (
    build,
    describe,
    load_adapter,
    read_description,
    read_tensors,
    save_adapter,
    write_json,
    write_tensors,
    writing,
)
from domainclip.backbones import DEFAULT_TEMPLATES, Backbone, load_backbone
from domainclip.backbones.pictures import to_rgb
from domainclip.catalogue import entries
from domainclip.data.few_shot import draw_shots
from domainclip.errors import BadInput, UnknownName, UsageError, WeightsMismatch

__all__ = ["Classifier", "few_shot", "load_classifier"]

HEAD_WEIGHTS, DESCRIPTION = "head.safetensors", "classifier.json"


@dataclass
class Classifier:
    """A backbone with a fitted head or adapter over named classes.

    method: catalogue name. component: the fitted head, or the injected adapter. Its backbone's
    model carries the adapter; ``component.eject()`` takes it out. state: the hash of what the
    towers computed with when a head was fitted, or before an adapter was injected.
    """

    clip: Backbone
    method: str
    component: Any
    classnames: list[str]
    templates: list[str]
    is_head: bool
    state: str = ""

    def logits(self, images: Any) -> Tensor:
        """Images, as ``Backbone.encode_image`` takes them -> (n, c).

        Raises UsageError where the adapter was ejected; warns where the towers are not those that a
        head was fitted on.
        """
        self._check_towers()
        if hasattr(self.component, "image_logits"):
            own: Tensor = self.component.image_logits(images)
            return own
        features = self.clip.encode_image(images)
        if self.is_head:
            out: Tensor = self.component.logits(features)
            return out
        return self.clip.classify(features, self.classnames, self.templates)

    def predict_proba(self, images: Any) -> np.ndarray:
        """(n, c) class probabilities, each row summing to 1."""
        return np.asarray(self.logits(images).softmax(1))

    def predict(self, images: Any) -> list[str]:
        """The likeliest class name of each image."""
        return [self.classnames[i] for i in self.logits(images).argmax(1).tolist()]

    def score(self, images: Any, labels: Sequence[int] | Sequence[str]) -> float:
        """Share of the images whose likeliest class is the given one, 0 to 1."""
        truth = _indices(labels, self.classnames)
        said = self.logits(images).argmax(1)
        if len(said) != len(truth) or not len(said):
            raise BadInput(
                f"{len(said)} images and {len(truth)} labels: give one label an image, and at "
                "least one."
            )
        return float((said == truth).float().mean())

    def save(self, path: str | Path) -> Path:
        """Write a folder that ``load_classifier`` reads: safetensors and JSON.

        Raises UsageError for a head whose features came from towers that carried an adapter: the
        folder names the plain backbone, which gives other features.
        """
        folder = Path(path)
        if self.is_head and self.state and self.state != self.clip.weights_hash():
            raise UsageError(
                f"this {self.method} was fitted on a backbone that carried an adapter, and a saved "
                "head names the plain one. Merge the adapter, clip.save() the backbone, load it "
                "and fit there; or fit the head before the adapter."
            )
        if not self.is_head:
            save_adapter(
                folder,
                self.component,
                self.method,
                self.clip,
                classnames=self.classnames,
                templates=self.templates,
            )
        described = describe(self.method, self.component, self.clip)
        described.update(
            kind="head" if self.is_head else "adapter",
            classnames=self.classnames,
            templates=self.templates,
        )
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            if self.is_head:
                write_tensors(folder / HEAD_WEIGHTS, self.component.state())
            write_json(folder / DESCRIPTION, described)
        return folder

    def _check_towers(self) -> None:
        if not self.state:
            return
        if self.is_head:
            if self.clip.state_hash() != self.state:
                warnings.warn(
                    f"the backbone has changed since this {self.method} was fitted on it; fit it "
                    "again, or take the adapter out.",
                    stacklevel=3,
                )
        elif self.clip.weights_hash() == self.state and not _injected(self.component):
            raise UsageError(
                f"this {self.method} was taken out of the backbone, so it cannot answer; load the "
                "saved classifier, or fit it again."
            )


def few_shot(
    clip: Backbone,
    images: Sequence[Any],
    labels: Sequence[Any] | None,
    classnames: Sequence[str],
    *,
    method: str = "gda",
    shots: int | None = None,
    seed: int = 1,
    templates: Sequence[str] | None = None,
    validation: tuple[Sequence[Any], Sequence[int] | Sequence[str]] | None = None,
    options: Mapping[str, Any] | None = None,
    epochs: int | None = None,
    lr: float | None = None,
    batch_size: int | None = None,
    views: int | None = None,
    repeats: bool = False,
) -> Classifier:
    """Fit ``method`` on images (paths, PIL images, arrays) and labels (indices or class names).

    method: a head (``domainclip list heads``: reads features, takes seconds) or an adapter
    (``domainclip list adapters``: trains on class prompts for ``epochs`` and stays injected in
    ``clip`` until ``classifier.component.eject()`` or ``merge()``; a second one is refused). One
    that learns from captions (``tai_dpt``) takes texts in place of images, and labels that are a
    list a text, or None for the class names that each text holds. shots: that many images of each
    class, drawn with ``seed``; a class that has fewer gives all of them, which a warning says, or
    with ``repeats`` some of them twice; None takes all. options: the method's own. validation:
    (images, labels) that may choose hyperparameters of a head. epochs, lr, batch_size: None takes
    the method's own. views: random crops of each image that an adapter sees in turn, 1 or more;
    None takes a new one every epoch, and four where the image tower is frozen.

    Raises UnknownName for a method that is neither; BadInput where images and labels do not fit.
    """
    if isinstance(classnames, str):
        raise UsageError(f"class names are a list of names, not the text {classnames!r}.")
    classnames = list(classnames)
    chosen = list(templates or DEFAULT_TEMPLATES)
    heads, adapters = ({e.name for e in entries(kind)} for kind in ("heads", "adapters"))
    if method not in heads | adapters:
        raise UnknownName("method", method, heads | adapters)
    for name, value in (("views", views), ("epochs", epochs), ("batch_size", batch_size)):
        if value is not None and value < 1:
            raise UsageError(f"{name} is {value}, and must be 1 or more.")
    component = make_component(
        "heads" if method in heads else "adapters", method, options or {},
        seed=None if method in heads else seed,
    )  # fmt: skip
    if method not in heads:
        _refuse_adapted(clip, method)
    images = list(images)
    if getattr(component, "learns_from", "images") == "captions":
        if shots is not None:
            raise UsageError(f"{method} learns from captions, of which no shots are drawn.")
        schedule = _schedule(component, lr, epochs, batch_size)
        _learn_captions(component, clip, images, labels, classnames, chosen, schedule, seed)
        return Classifier(clip, method, component, classnames, chosen, False, clip.weights_hash())
    if labels is None:
        raise BadInput(f"{method} learns from labelled images, and labels is None.")
    y = _indices(labels, classnames)
    if len(images) != len(y):
        raise BadInput(f"{len(images)} images and {len(y)} labels: give one label an image.")
    if shots is not None:
        rows = _drawn(y, classnames, shots, seed, repeats)
        images, y = [images[row] for row in rows], y[rows]
    if method in heads:
        held = None
        if validation is not None:
            held = (clip.encode_image(validation[0]), _indices(validation[1], classnames))
        features = clip.encode_image(images) if images else torch.zeros(0, clip.embed_dim)
        component.fit(features, y, clip.classifier(classnames, chosen), held)
    else:
        if not images:
            raise BadInput(f"{method} trains on images, and there are none.")
        if len(classnames) < 2:
            raise BadInput(f"{method} tells classes apart, so it needs at least two.")
        schedule = _schedule(component, lr, epochs, batch_size)
        x = torch.stack(
            [i if isinstance(i, Tensor) else clip.preprocess(to_rgb(i)) for i in images]
        )
        inject_for(component, clip, classnames, chosen)
        try:
            train(clip, component, x, y, classnames, chosen, schedule, seed=seed, views=views)
        except BaseException:
            component.eject()
            raise
    state = clip.state_hash() if method in heads else clip.weights_hash()
    return Classifier(clip, method, component, classnames, chosen, method in heads, state)


def _injected(adapter: Any) -> bool:
    try:
        next(iter(adapter.parameters()), None)
    except UsageError:
        return False
    return True


def _refuse_adapted(clip: Backbone, method: str) -> None:
    """A second adapter would be saved as if the backbone were plain."""
    if clip.state_hash() != clip.weights_hash():
        raise UsageError(
            f"{clip.name!r} carries an adapter already, as few_shot leaves it in, so {method} "
            "cannot begin: take it out with classifier.component.eject(), keep it for good with "
            "classifier.component.merge(), or load the backbone anew; to train several together, "
            "use method='combined'."
        )


def _schedule(
    component: Any, lr: float | None, epochs: int | None, batch_size: int | None
) -> Schedule:
    own = schedule_of(component)
    return replace(
        own, lr=lr or own.lr, epochs=epochs or own.epochs, batch_size=batch_size or own.batch_size
    )


def _drawn(y: Tensor, classnames: Sequence[str], shots: int, seed: int, repeats: bool) -> list[int]:
    drawn = draw_shots(y.tolist(), (), shots=shots, seed=seed, repeats=repeats)
    if drawn.short:
        few = ", ".join(f"{classnames[label]!r} {count}" for label, count in drawn.short)
        done = "some were drawn twice" if repeats else "all of them were taken"
        warnings.warn(f"fewer than {shots} images a class, {done}: {few}.", stacklevel=3)
    return list(drawn.train)


def _learn_captions(
    component: Any, clip: Backbone, texts: Sequence[Any], labels: Sequence[Any] | None,
    classnames: Sequence[str], templates: Sequence[str], schedule: Schedule, seed: int,
) -> None:  # fmt: skip
    """Train an adapter that needs no image on texts; labels: a list of classes for each text."""
    if not texts or not all(isinstance(text, str) for text in texts):
        raise BadInput("this method learns from captions alone: give texts in place of images.")
    targets = None
    if labels is not None:
        if len(labels) != len(texts):
            raise BadInput(f"{len(texts)} captions and {len(labels)} labels: give one list each.")
        targets = torch.zeros(len(texts), len(classnames), dtype=torch.bool)
        for row, label in enumerate(labels):
            mine = label if isinstance(label, list | tuple | set) else [label]
            targets[row, _indices(list(mine), classnames)] = True
    inject_for(component, clip, classnames, templates)
    try:
        component.fit_captions(list(texts), targets, schedule, seed)
        component.eval()
    except BaseException:
        component.eject()
        raise


def load_classifier(
    path: str | Path, clip: Backbone | None = None, *, method: str | None = None
) -> Classifier:
    """Read what ``Classifier.save`` wrote, or a run's directory; loads the backbone by its name
    unless it is given.

    method: as it was named, where it is not of the catalogue. Raises WeightsMismatch for another
    backbone, UnsafeFile for a pickle or for code that ``method`` does not name, BadInput for a
    damaged file.
    """
    folder = Path(path)
    if folder.is_file():
        raise BadInput(f"{folder}: is a file; give the folder that Classifier.save wrote.")
    if (folder / "recipe.yaml").is_file():
        return _classifier_of_run(folder, clip, method)
    described = read_description(folder / DESCRIPTION)
    clip = _backbone_for(described, folder, clip)
    if described.get("kind") == "adapter":
        component = load_adapter(folder, clip, method=method)
    else:
        if described["weights_sha256"] != clip.weights_hash():
            raise WeightsMismatch(
                f"{folder}: this classifier was made for {described['backbone']!r} with weights "
                f"{described['weights_sha256'][:12]}, and {clip.name!r} has weights "
                f"{clip.weights_hash()[:12]}; give the backbone that it was made for."
            )
        component = build("heads", described, folder / DESCRIPTION, method)
        component.load_state(read_tensors(folder / HEAD_WEIGHTS))
        if described.get("whole"):
            clip.see_whole()
    return Classifier(
        clip,
        described["method"],
        component,
        list(described["classnames"]),
        list(described["templates"]),
        described.get("kind") != "adapter",
        clip.weights_hash(),
    )


def _classifier_of_run(folder: Path, clip: Backbone | None, method: str | None) -> Classifier:
    """The run's adapter, its head, or a head on an adapted backbone."""
    adapter, head = folder / "adapter", folder / "head"
    if not adapter.is_dir() and not head.is_dir():
        if sweep := said_of_sweep(folder):
            raise UsageError(sweep)
        raise BadInput(f"{folder}: this run has no model yet; repeat its command to finish it.")
    if not adapter.is_dir():
        return load_classifier(head, clip, method=method)
    described = read_description(adapter / ADAPTER_DESCRIPTION)
    names = list(described.get("classnames") or ())
    if not names and not head.is_dir():
        raise BadInput(f"{folder}: this run learned from captions and knows no classes.")
    clip = _backbone_for(described, folder, clip)
    state = clip.weights_hash()
    component = load_adapter(adapter, clip, method=method)
    if head.is_dir():
        return load_classifier(head, clip)
    templates = list(described["templates"])
    return Classifier(clip, described["method"], component, names, templates, False, state)


def _backbone_for(described: Mapping[str, Any], folder: Path, clip: Backbone | None) -> Backbone:
    """The backbone that a description names, or the one given, seeing images of its size."""
    size = tuple(described.get("image_size") or ())
    if clip is None:
        clip = load_backbone(described["backbone"], described.get("pretrained"))
        if size and size[0] == size[1] and size != clip.image_size:
            clip.see(size[0])
    elif size and size != getattr(clip.preprocess, "size", size):
        raise UsageError(
            f"{folder}: this classifier saw images of {size[0]} pixels, and the backbone sees "
            f"{clip.image_size[0]}; call clip.see({size[0]}) first."
        )
    return clip


def _indices(labels: Sequence[Any], classnames: Sequence[str]) -> Tensor:
    """Labels as class indices (n,). Raises BadInput naming the first that is none."""
    place = {name: i for i, name in enumerate(classnames)}
    if len(place) < len(classnames):
        raise UsageError("class names must differ from each other.")
    found = []
    for number, label in enumerate(labels):
        try:
            index = place.get(label) if isinstance(label, str) else int(label)
        except (TypeError, ValueError, OverflowError):  # no number, or none that is finite
            index = None
        if index is None or not 0 <= index < len(classnames):
            raise BadInput(
                f"label {label!r} of image {number} is none of the {len(classnames)} classes."
            )
        found.append(index)
    return torch.tensor(found, dtype=torch.long)
