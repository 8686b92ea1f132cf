"""Singular-value adaptation: W' = U diag(s + delta) Vᵀ, only delta is trained.

weight (o, i) -> delta (min(o, i),); convolutions are read as (o, i * kh * kw). Packed q, k and v
are decomposed apart. Reference: CLIP-SVD, Koleilat et al. 2025, arXiv 2509.03740.
Differs: delta instead of s is the parameter, so weight decay pulls towards the pretrained weight
and not towards zero (``paper_mode`` trains s as the authors do); W' is computed as the weight plus
U diag(delta) Vᵀ, so that delta = 0 gives it back exactly; and it can be merged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from domainclip.adapters._surgery import (
    Freeze,
    checked_state,
    chosen_sites,
    is_convolutional,
    module_at,
    site_rows,
)
from domainclip.backbones import Backbone, Site
from domainclip.errors import UsageError

__all__ = ["SVD"]


@dataclass
class SVD:
    """targets: kinds of weights; None takes q, k, v, o and mlp, and of a convolutional tower its
    dense convolutions and projection too. towers: image, text. blocks: their numbers, None for
    all. paper_mode: the parameter is s, which weight decay then pulls towards zero."""

    targets: tuple[str, ...] | None = None
    towers: tuple[str, ...] = ("image", "text")
    blocks: tuple[int, ...] | None = None
    paper_mode: bool = False
    _backbone: Backbone | None = field(default=None, init=False, repr=False, compare=False)
    _freeze: Freeze | None = field(default=None, init=False, repr=False, compare=False)
    _spectra: dict[str, _Spectrum] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    # (module, parameter) -> the parameters of that module as they were, in their order
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
        together: dict[tuple[str, str], list[Site]] = {}
        for site in sites:
            together.setdefault((site.module, site.parameter), []).append(site)
        for (path, name), parts in together.items():
            module = module_at(backbone.model, path)
            spectra = _Spectra(getattr(module, name), parts, self.paper_mode)
            self._plain[path, name] = dict(module._parameters)
            parametrize.register_parametrization(module, name, spectra)
            for site, spectrum in zip(parts, spectra.parts, strict=True):
                assert isinstance(spectrum, _Spectrum)
                self._spectra[f"{path}.{name}.{site.kind}"] = spectrum
        for parameter in self.parameters():
            parameter.requires_grad_(True)

    def parameters(self) -> Iterator[nn.Parameter]:
        yield from (spectrum.values for spectrum in self._spectra.values())

    def state(self) -> dict[str, Tensor]:
        """site -> delta (with ``paper_mode``, s), detached copies on the CPU.

        The order and signs of U and V follow from the weights, whose hash is kept beside an
        adapter.
        """
        self._in()
        return {name: s.values.detach().cpu().clone() for name, s in self._spectra.items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take deltas from ``state``. Raises BadInput where names or shapes differ."""
        self._in()
        checked_state("svd", state, {name: s.values for name, s in self._spectra.items()})
        with torch.no_grad():
            for name, spectrum in self._spectra.items():
                spectrum.values.copy_(state[name])

    def start(self, trained: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """delta = 0 (with ``paper_mode``, the pretrained s)."""
        self._in()
        return {name: self._spectra[name].origin.cpu().to(v.dtype) for name, v in trained.items()}

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
        for (path, name), before in reversed(self._plain.items()):
            module = module_at(model, path)
            changed = getattr(module, name).detach()
            parametrize.remove_parametrizations(module, name, leave_parametrized=False)
            if leave:
                before[name].data.copy_(changed)
            # the same parameter objects in the same order as before
            module._parameters.clear()
            module._parameters.update(before)
        assert self._freeze is not None
        self._freeze.thaw()
        self._backbone, self._freeze, self._spectra, self._plain = None, None, {}, {}

    def _in(self) -> Backbone:
        if self._backbone is None:
            raise UsageError("this svd is in no backbone; call inject(backbone) first.")
        return self._backbone

    def _sites(self, backbone: Backbone, tower: str) -> list[Site]:
        kinds = self.targets
        if kinds is None:
            kinds = ("q", "k", "v", "o", "mlp")
            if tower in ("image", "text") and is_convolutional(backbone.sites(tower)):  # type: ignore[arg-type]
                kinds += ("conv", "proj")
        return chosen_sites("svd", backbone, [tower], kinds, self.blocks)


class _Spectra(nn.Module):
    """W -> W', of the rows that have a spectrum; the parametrisation of one weight."""

    def __init__(self, weight: Tensor, sites: Sequence[Site], paper_mode: bool) -> None:
        super().__init__()
        self.rows = [site.rows or (0, len(weight)) for site in sites]
        self.parts = nn.ModuleList(
            _Spectrum(site_rows(site, weight.detach()), paper_mode) for site in sites
        )
        self._known: tuple[Any, Tensor] | None = None

    def forward(self, weight: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            self._known = None
            return self._changed(weight)
        # an attention asks for its weight several times a forward, and W' costs o * i * min(o, i)
        state = tuple((t, t._version, t.data_ptr()) for t in (weight, *self.parameters()))
        if self._known is None or not _same(self._known[0], state):
            self._known = state, self._changed(weight)
        return self._known[1]

    def _changed(self, weight: Tensor) -> Tensor:
        pieces, end = [], 0
        for (start, stop), part in zip(self.rows, self.parts, strict=True):
            if start > end:
                pieces.append(weight.new_zeros(start - end, *weight.shape[1:]))
            pieces.append(part().reshape(stop - start, *weight.shape[1:]))
            end = stop
        if end < len(weight):
            pieces.append(weight.new_zeros(len(weight) - end, *weight.shape[1:]))
        return weight + (torch.cat(pieces) if len(pieces) > 1 else pieces[0])


class _Spectrum(nn.Module):
    """() -> U diag(delta) Vᵀ (o, i) of one matrix."""

    u: Tensor
    vt: Tensor
    origin: Tensor

    def __init__(self, weight: Tensor, paper_mode: bool) -> None:
        super().__init__()
        u, s, vt = torch.linalg.svd(weight.float().flatten(1), full_matrices=False)
        origin = s.to(weight.dtype) if paper_mode else torch.zeros_like(s, dtype=weight.dtype)
        self.register_buffer("u", u.to(weight.dtype), persistent=False)
        self.register_buffer("vt", vt.to(weight.dtype), persistent=False)
        self.register_buffer("origin", origin, persistent=False)
        self.values = nn.Parameter(origin.clone())

    def forward(self) -> Tensor:
        return (self.u * (self.values - self.origin)) @ self.vt


def _same(known: Any, state: Any) -> bool:
    return all(
        a is b and version == now and place == here
        for (a, version, place), (b, now, here) in zip(known, state, strict=True)
    )
