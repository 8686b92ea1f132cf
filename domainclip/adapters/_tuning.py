"""The life cycle of methods that train a tower's own weights: all of them, or a kind of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from domainclip.adapters._protocol import Schedule
from domainclip.adapters._surgery import Freeze, checked_state
from domainclip.backbones import Backbone
from domainclip.backbones.sites import Tower
from domainclip.errors import UnfitTower, UsageError

__all__ = ["WeightTuning"]


@dataclass
class WeightTuning:
    """towers: image, text. logit_scale: train the scale of the cosines too.

    ``_chosen`` says which of a tower's weights train; running statistics stay as they are.
    """

    towers: tuple[Tower, ...] = ("image",)
    logit_scale: bool = False

    schedule: ClassVar[Schedule] = Schedule(lr=1e-5)
    what: ClassVar[str] = "weights"  # what is missing where a tower has none
    _backbone: Backbone | None = field(default=None, init=False, repr=False, compare=False)
    _freeze: Freeze | None = field(default=None, init=False, repr=False, compare=False)
    _before: dict[str, Tensor] = field(default_factory=dict, init=False, repr=False, compare=False)

    def inject(self, backbone: Backbone) -> None:
        """Choose what trains, and keep a copy of it on the CPU. Raises UsageError."""
        if self._backbone is not None:
            raise UsageError(f"this {self._name} is injected already; eject or merge it first.")
        names = self.touches(backbone)
        backbone.weights_hash()
        self._freeze = Freeze(backbone.model)
        self._backbone = backbone
        self._before = {
            name: backbone.model.get_parameter(name).detach().cpu().clone() for name in names
        }
        for parameter in self.parameters():
            parameter.requires_grad_(True)

    def touches(self, backbone: Backbone) -> list[str]:
        """The parameters that would train, by name. Raises UsageError where a tower has none."""
        names = [name for tower in self.towers for name in self._names(backbone, tower)]
        return [*names, "logit_scale"] if self.logit_scale else names

    def parameters(self) -> Iterator[nn.Parameter]:
        for name in self._before:
            yield self._in().model.get_parameter(name)

    def state(self) -> dict[str, Tensor]:
        """name -> tuned weight, detached copies on the CPU."""
        model = self._in().model
        return {name: model.get_parameter(name).detach().cpu().clone() for name in self._before}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take tuned weights from ``state``. Raises BadInput where names or shapes differ."""
        self._write(checked_state(self._name, state, self._before))

    def start(self, trained: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The weights from before ``inject``, whatever was trained."""
        self._in()
        return {name: self._before[name].to(weight.dtype) for name, weight in trained.items()}

    def changes(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """(name, plain weight, what training added), on the CPU."""
        model = self._in().model
        for name, before in self._before.items():
            yield name, before, model.get_parameter(name).detach().cpu() - before

    def merge(self) -> None:
        """The weights are tuned already: leave them."""
        backbone = self._in()
        self._release()
        backbone.weights_changed()

    def eject(self) -> None:
        """Put the weights from before ``inject`` back, bit for bit."""
        self._in()
        self._write(self._before)
        self._release()

    def train(self) -> None:
        """Nothing of its own has a mode; batch-norm statistics stay frozen."""

    def eval(self) -> None:
        """See ``train``."""

    def _write(self, state: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name in self._before:
                self._in().model.get_parameter(name).copy_(state[name])

    def _release(self) -> None:
        assert self._freeze is not None
        self._freeze.thaw()
        self._backbone, self._freeze, self._before = None, None, {}

    def _in(self) -> Backbone:
        if self._backbone is None:
            raise UsageError(f"this {self._name} is in no backbone; call inject(backbone) first.")
        return self._backbone

    def _names(self, backbone: Backbone, tower: str) -> list[str]:
        if tower not in ("image", "text"):
            raise UsageError(f"{self._name}: towers are 'image' and 'text', not {tower!r}.")
        names = [
            name
            for name, _ in backbone.model.named_parameters()
            if name not in ("logit_scale", "logit_bias")
            and name.startswith("visual.") == (tower == "image")
        ]
        found = self._chosen(backbone, names)
        if not found:
            raise UnfitTower(
                f"{self._name}: the {tower} tower of {backbone.name!r} has no {self.what}."
            )
        return found

    def _chosen(self, backbone: Backbone, names: list[str]) -> list[str]:
        """Those of a tower's parameters that train."""
        return names

    @property
    def _name(self) -> str:
        return type(self).__module__.rpartition(".")[2]
