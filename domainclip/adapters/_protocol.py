"""What an adapter is: it changes what a tower computes, and can take the change back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from domainclip.backbones import Backbone

__all__ = ["Adapter", "Schedule", "inject_for", "with_tuples"]


@dataclass(frozen=True)
class Schedule:
    """How ``few_shot`` trains an adapter where the caller does not say; lr falls on a cosine to 0.

    objective, objective_options: what is minimised, by its catalogue name. layer_decay: lr of a
    block times this per block above it.
    """

    optimizer: Literal["adamw", "sgd"] = "adamw"
    lr: float = 2e-3
    weight_decay: float = 0.01
    epochs: int = 30
    batch_size: int = 32
    objective: str = "class_prompts"
    objective_options: Mapping[str, Any] = field(default_factory=dict)
    layer_decay: float = 1.0

    def optimizer_of(self, parameters: Any) -> torch.optim.Optimizer:
        """SGD with momentum 0.9, or AdamW, over parameters or groups of them."""
        if self.optimizer == "sgd":
            return torch.optim.SGD(
                parameters, lr=self.lr, momentum=0.9, weight_decay=self.weight_decay
            )
        return torch.optim.AdamW(parameters, lr=self.lr, weight_decay=self.weight_decay)


class Adapter(Protocol):
    """A dataclass whose fields are its options.

    ``inject`` and ``eject`` are exact inverses: weights, module objects and ``requires_grad`` are
    afterwards as before, bit for bit. ``inject`` alone does not change what the towers compute.
    ``merge`` writes the change into the plain weights and removes the adapter. A method that moves
    weights along a line also has ``start(trained)``: the state at the plain end of the line to the
    state ``trained``; see ``interpolation``. One that changes weights has ``changes()``: (name,
    plain weight, what is added to it) of each; see ``evaluation.understanding``.

    What else an adapter may have: ``schedule``, a ``Schedule`` of its own. ``decay_vectors``: its
    one-dimensional parameters are decayed too. ``for_classes(classnames, templates)``, called
    before ``inject``. ``penalty(image, labels, text)``, a scalar that is added to the loss.
    ``synthesize(features, labels, generator)``: more features (k, d) and their labels (k,), made
    from those of a frozen image tower before the training, in which they take part.
    ``finish(losses)``, called after the training with what gives the loss of one image after the
    other. One that learns from texts without an image says ``learns_from = "captions"`` and has
    ``fit_captions(captions, targets, schedule, seed)``, targets (n, c) bool.
    ``image_logits(images)``, (n, c): what a classifier answers, for one that reads more of an
    image than its feature.
    """

    def inject(self, backbone: Backbone) -> None: ...
    def parameters(self) -> Iterator[nn.Parameter]: ...
    def state(self) -> dict[str, Tensor]: ...
    def load_state(self, state: Mapping[str, Tensor]) -> None: ...
    def merge(self) -> None: ...
    def eject(self) -> None: ...
    def train(self) -> None: ...
    def eval(self) -> None: ...


def inject_for(
    adapter: Any, backbone: Backbone, classnames: Sequence[str], templates: Sequence[str]
) -> None:
    """Inject an adapter, which learns of the classes first where it asks for them."""
    if hasattr(adapter, "for_classes"):
        adapter.for_classes(classnames, templates)
    adapter.inject(backbone)


def with_tuples(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as dataclasses have them: tuples where JSON and YAML have lists."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in options.items()}
