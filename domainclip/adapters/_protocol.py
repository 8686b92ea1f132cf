"""What an adapter is: it changes what a tower computes, and can take the change back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from torch import Tensor, nn

from domainclip.backbones import Backbone

__all__ = ["Adapter", "inject_for"]


class Adapter(Protocol):
    """A dataclass whose fields are its options.

    ``inject`` and ``eject`` are exact inverses: weights, module objects and ``requires_grad`` are
    afterwards as before, bit for bit. ``inject`` alone does not change what the towers compute.
    ``merge`` writes the change into the plain weights and removes the adapter. A method that moves
    weights along a line also has ``start(trained)``: the state at the plain end of the line to the
    state ``trained``; see ``interpolation``. One that changes weights has ``changes()``: (name,
    plain weight, what is added to it) of each; see ``evaluation.understanding``. One that learns
    class prompts is told the classes first, by ``for_classes(classnames, templates)``; one with
    ``penalty(image, labels, text)`` has that scalar added to the loss.
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
