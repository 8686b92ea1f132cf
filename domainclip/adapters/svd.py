"""Singular-value adaptation: W' = U diag(s + delta) Vᵀ, only delta is trained.

weight (o, i) -> delta (min(o, i),); convolutions are read as (o, i * kh * kw). Packed q, k and v
are decomposed apart. Reference: CLIP-SVD, Koleilat et al. 2025, arXiv 2509.03740.
Differs: delta instead of s is the parameter, so weight decay pulls towards the pretrained weight
and not towards zero; W' is the weight plus U diag(delta) Vᵀ, so that delta = 0 gives it back
exactly; and it can be merged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from domainclip.adapters._surgery import Freeze, checked_state, chosen_sites, module_at, site_rows
from domainclip.backbones import Backbone, Site
from domainclip.errors import UsageError

__all__ = ["SVD"]


@dataclass
class SVD:
    """targets: kinds of weights; None takes q, k, v, o and mlp where a tower has them, else its
    convolutions and projection. towers: image, text. blocks: their numbers, None for all."""

    targets: tuple[str, ...] | None = None
    towers: tuple[str, ...] = ("image", "text")
    blocks: tuple[int, ...] | None = None
    _backbone: Backbone | None = field(default=None, init=False, repr=False, compare=False)
    _freeze: Freeze | None = field(default=None, init=False, repr=False, compare=False)
    _deltas: dict[str, _Spectrum] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    _plain: dict[tuple[str, str], dict[str, Any]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def inject(self, backbone: Backbone) -> None:
        """Decompose the weights; the towers compute what they did before. Raises UsageError."""
        if self._backbone is not None:
            raise UsageError("this svd is injected already; eject or merge it first.")
        sites = [site for tower in self.towers for site in self._sites(backbone, tower)]
        backbone.weights_hash()
        self._freeze = Freeze(backbone.model)
        self._backbone = backbone
        for site in sites:
            module = module_at(backbone.model, site.module)
            if not parametrize.is_parametrized(module, site.parameter):
                self._plain[site.module, site.parameter] = dict(module._parameters)
            # a weight may carry several: the rows of q, k and v
            spectrum = _Spectrum(getattr(module, site.parameter), site)
            parametrize.register_parametrization(module, site.parameter, spectrum)
            self._deltas[f"{site.module}.{site.parameter}.{site.kind}"] = spectrum
        for parameter in backbone.model.parameters():
            parameter.requires_grad_(False)
        for delta in self.parameters():
            delta.requires_grad_(True)

    def parameters(self) -> Iterator[nn.Parameter]:
        yield from (spectrum.delta for spectrum in self._deltas.values())

    def state(self) -> dict[str, Tensor]:
        """site -> delta, detached copies on the CPU.

        The order and signs of U and V follow from the weights, whose hash is kept beside an
        adapter.
        """
        self._in()
        return {name: s.delta.detach().cpu().clone() for name, s in self._deltas.items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take deltas from ``state``. Raises BadInput where names or shapes differ."""
        self._in()
        checked_state("svd", state, {name: s.delta for name, s in self._deltas.items()})
        with torch.no_grad():
            for name, spectrum in self._deltas.items():
                spectrum.delta.copy_(state[name])

    def merge(self) -> None:
        """Write W' into the plain weights; the model is then an ordinary open_clip model."""
        backbone = self._in()
        self._remove(leave=True)
        backbone.weights_changed()

    def eject(self) -> None:
        """Take everything out again; the weights are as before ``inject``."""
        self._in()
        self._remove(leave=False)

    def train(self) -> None:
        """Nothing of its own has a mode."""

    def eval(self) -> None:
        """See ``train``."""

    def _remove(self, *, leave: bool) -> None:
        model = self._in().model
        for (path, parameter), before in self._plain.items():
            module = module_at(model, path)
            changed = getattr(module, parameter).detach()
            parametrize.remove_parametrizations(module, parameter, leave_parametrized=False)
            if leave:
                before[parameter].data.copy_(changed)
            # the same parameter objects in the same order as before
            module._parameters.clear()
            module._parameters.update(before)
        assert self._freeze is not None
        self._freeze.thaw()
        self._backbone, self._freeze, self._deltas, self._plain = None, None, {}, {}

    def _in(self) -> Backbone:
        if self._backbone is None:
            raise UsageError("this svd is in no backbone; call inject(backbone) first.")
        return self._backbone

    def _sites(self, backbone: Backbone, tower: str) -> list[Site]:
        kinds = self.targets
        if kinds is None:
            present = {site.kind for site in backbone.sites(tower)}  # type: ignore[arg-type]
            kinds = ("q", "k", "v", "o", "mlp") if "q" in present else ("conv", "proj")
        return chosen_sites("svd", backbone, [tower], kinds, self.blocks)


class _Spectrum(nn.Module):
    """W -> W + U diag(delta) Vᵀ on the rows of its site."""

    u: Tensor
    vt: Tensor

    def __init__(self, weight: Tensor, site: Site) -> None:
        super().__init__()
        self.rows = site.rows
        with torch.no_grad():
            matrix = site_rows(site, weight).float().flatten(1)  # (o, i)
            u, s, vt = torch.linalg.svd(matrix, full_matrices=False)
        self.register_buffer("u", u.to(weight.dtype), persistent=False)
        self.register_buffer("vt", vt.to(weight.dtype), persistent=False)
        self.delta = nn.Parameter(torch.zeros_like(s, dtype=weight.dtype))

    def forward(self, weight: Tensor) -> Tensor:
        change = (self.u * self.delta) @ self.vt  # (o, i)
        if self.rows is None:
            return weight + change.reshape(weight.shape)
        start, stop = self.rows
        below, above = weight.new_zeros(start, weight.shape[1]), weight.shape[0] - stop
        return weight + torch.cat([below, change, weight.new_zeros(above, weight.shape[1])])
