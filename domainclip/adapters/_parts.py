"""Adapters made of adapters: one life cycle over several, taken out in the reverse order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import combinations
from typing import Any

from torch import Tensor, nn

from domainclip.adapters._protocol import Schedule, inject_for, with_tuples
from domainclip.backbones import Backbone, Site
from domainclip.catalogue import check_options, load
from domainclip.errors import UsageError

__all__ = ["PartAdapter", "built"]


def built(owner: str, name: str, options: Mapping[str, Any], seed: int) -> Any:
    """The adapter of that name. seed: for one that has a seed and was given none.

    Raises UnknownName, UsageError for an option that it does not have.
    """
    made = load("adapters", name)
    known = [option.name for option in fields(made) if option.init]
    check_options(f"{owner}: {name}", options, known)
    adapter = made(**{**({"seed": seed} if "seed" in known else {}), **with_tuples(options)})
    for hook, why in (
        ("synthesize", "makes features of its own to train on"),
        ("fit_captions", "learns from captions without an image"),
        ("finish", "changes the weights once more after the training"),
    ):
        if hasattr(adapter, hook):
            raise UsageError(f"{owner}: {name} {why}, so it cannot be a part of another method.")
    return adapter


@dataclass
class PartAdapter:
    """``_make`` gives (name, adapter) of each part; the rest is theirs."""

    _parts: tuple[tuple[str, Any], ...] = field(default=(), init=False, repr=False, compare=False)
    _told: tuple[Sequence[str], Sequence[str]] = field(
        default=((), ()), init=False, repr=False, compare=False
    )

    @property
    def schedule(self) -> Schedule:
        """The first part's, and its objective."""
        made: Any = (self._parts or tuple(self._make()))[0][1]
        found: Schedule = getattr(made, "schedule", Schedule())
        return found

    @property
    def decay_vectors(self) -> bool:
        """Whether a part learns vectors that weight decay is for."""
        return any(getattr(adapter, "decay_vectors", False) for _, adapter in self._parts)

    def for_classes(self, classnames: Sequence[str], templates: Sequence[str]) -> None:
        """The classes it is trained on, for parts that learn class prompts."""
        self._told = (classnames, templates)

    def inject(self, backbone: Backbone) -> None:
        """Inject the parts in their order. Raises UsageError, and leaves nothing, where two of them
        would change one weight or a part does not fit the towers."""
        if self._parts:
            raise UsageError(f"this {self._name} is injected already; eject or merge it first.")
        parts = tuple(self._make())
        _refuse_shared_weights(self._name, backbone, parts)
        inside: list[Any] = []
        try:
            for _, adapter in parts:
                inject_for(adapter, backbone, *self._told)
                inside.append(adapter)
        except BaseException:
            for adapter in reversed(inside):
                adapter.eject()
            raise
        self._parts = parts
        for parameter in self.parameters():  # a later part froze what an earlier one trains
            parameter.requires_grad_(True)

    def parameters(self) -> Iterator[nn.Parameter]:
        for adapter in self._in():
            yield from adapter.parameters()

    def state(self) -> dict[str, Tensor]:
        """The parts' states, names led by the part's number and name."""
        return {
            f"{label}.{name}": value
            for label, adapter in self._labelled()
            for name, value in adapter.state().items()
        }

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take the parts' states. Raises BadInput where names or shapes differ."""
        for adapter, mine in self._split(state):
            adapter.load_state(mine)

    def penalty(self, image: Tensor, labels: Tensor, text: Tensor) -> Tensor:
        """The sum of what the parts add to the loss."""
        found = [a.penalty(image, labels, text) for a in self._in() if hasattr(a, "penalty")]
        return sum(found, image.new_zeros(()))

    def changes(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """The weight changes of the parts that change weights."""
        for adapter in self._in():
            yield from adapter.changes() if hasattr(adapter, "changes") else ()

    def directions(self) -> Iterator[tuple[str, Site, Tensor, Tensor, Tensor]]:
        """The singular directions of the parts that have some."""
        for adapter in self._in():
            yield from adapter.directions() if hasattr(adapter, "directions") else ()

    def start(self, trained: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The plain end of every part's line. Raises UsageError for a part that moves on none."""
        for name, adapter in self._parts:
            if not hasattr(adapter, "start"):
                raise UsageError(f"{name} does not change weights along a line.")
        parts = zip(self._labelled(), self._split(trained), strict=True)
        return {
            f"{label}.{name}": value
            for (label, adapter), (_, mine) in parts
            for name, value in adapter.start(mine).items()
        }

    def merge(self) -> None:
        """Merge the parts, the last one first. Raises UsageError, before anything is merged, for
        learned prompts, which no weight can hold."""
        for name, adapter in self._parts:
            if hasattr(adapter, "for_classes"):
                raise UsageError(
                    f"{name} learns prompts, and prompts cannot be merged into weights; save the "
                    "adapter, or keep the class weights that clip.classifier(classnames) gives."
                )
        for adapter in reversed(self._in()):
            adapter.merge()
        self._parts = ()

    def eject(self) -> None:
        """Take everything out again, the last part first."""
        for adapter in reversed(self._in()):
            adapter.eject()
        self._parts = ()

    def train(self) -> None:
        for adapter in self._in():
            adapter.train()

    def eval(self) -> None:
        for adapter in self._in():
            adapter.eval()

    def _make(self) -> Iterator[tuple[str, Any]]:
        raise NotImplementedError

    def _in(self) -> list[Any]:
        if not self._parts:
            raise UsageError(f"this {self._name} is in no backbone; call inject(backbone) first.")
        return [adapter for _, adapter in self._parts]

    def _labelled(self) -> list[tuple[str, Any]]:
        self._in()
        return [(f"{number}_{name}", part) for number, (name, part) in enumerate(self._parts)]

    def _split(self, state: Mapping[str, Tensor]) -> list[tuple[Any, dict[str, Tensor]]]:
        return [
            (part, {n[len(label) + 1 :]: v for n, v in state.items() if n.startswith(f"{label}.")})
            for label, part in self._labelled()
        ]

    @property
    def _name(self) -> str:
        return type(self).__module__.rpartition(".")[2]


def _refuse_shared_weights(
    owner: str, backbone: Backbone, parts: Sequence[tuple[str, Any]]
) -> None:
    """Two parts may not change one module, or an attention and its output projection: each would
    count with weights that the other has changed."""
    touched = [
        (name, {place.rpartition(".")[0] or place for place in adapter.touches(backbone)})
        for name, adapter in parts
        if hasattr(adapter, "touches")
    ]
    for (first, mine), (second, theirs) in combinations(touched, 2):
        for place in sorted(mine):
            other = next((p for p in sorted(theirs) if _inside(p, place) or _inside(place, p)), "")
            if other:
                raise UsageError(
                    f"{owner}: {first} and {second} would both change {min(place, other)!r}; give "
                    "them different towers, targets or blocks."
                )


def _inside(path: str, of: str) -> bool:
    return path == of or path.startswith(f"{of}.")
