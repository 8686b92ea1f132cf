"""Singular-value adaptation: W' = U diag(s + delta) Vᵀ, only delta is trained.

weight (o, i) -> delta (min(o, i),); convolutions are read as (o, i * kh * kw). Packed q, k and v
are decomposed apart. Reference: CLIP-SVD, Koleilat et al. 2025, arXiv 2509.03740.
Differs: delta instead of s is the parameter, so weight decay pulls towards the pretrained weight
and not towards zero (``paper_mode`` trains s as the authors do); a recipe's trainer decays no
vectors, so neither. What is evaluated and merged is the weight plus U diag(delta) Vᵀ, so that
delta = 0 gives it back exactly; a step multiplies in the cheapest order (``_spectrum``), where the
authors always keep two factors; it can be merged; and the factors of a backbone are kept on disk.
``few_shot`` trains at lr 2e-3 for 30 epochs; the authors at 5e-4 for 200 steps a shot (CLIP), or at
a rate for each data set without decay (BiomedCLIP).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from domainclip.adapters._attention import SplitAttention, unusual_parts
from domainclip.adapters._factors import factors, factors_folder
from domainclip.adapters._spectrum import Spectra, SpectralLayer, Spectrum
from domainclip.adapters._surgery import (
    Freeze,
    checked_state,
    chosen_sites,
    is_bare,
    is_convolutional,
    is_packed,
    module_at,
    pools_by_function,
    replace_module,
    site_rows,
)
from domainclip.backbones import Backbone, Site
from domainclip.backbones.sites import Kind, Tower
from domainclip.errors import UsageError

__all__ = ["SVD"]

_PROJECTIONS = {"q": "q_proj", "k": "k_proj", "v": "v_proj"}
_CHILD = "svd"  # what a called layer's spectra are registered as


@dataclass
class SVD:
    """targets: kinds of weights; None takes q, k, v, o and mlp, and of a convolutional tower its
    dense convolutions and projection too. towers: image, text. blocks: their numbers, None for
    all. paper_mode: the parameter is s, which weight decay then pulls towards zero. cache: keep the
    factors of large weights on disk (twice the size of the weights) for the next time."""

    targets: tuple[Kind, ...] | None = None
    towers: tuple[Tower, ...] = ("image", "text")
    blocks: tuple[int, ...] | None = None
    paper_mode: bool = False
    cache: bool = True

    decay_vectors: ClassVar[bool] = True  # weight decay is for what trains, one-dimensional or not
    _injected: _Injected | None = field(default=None, init=False, repr=False, compare=False)

    def inject(self, backbone: Backbone) -> None:
        """Decompose the weights; the towers compute what they did before. Raises UsageError."""
        if self._injected is not None:
            raise UsageError("this svd is injected already; eject or merge it first.")
        sites = [site for tower in self.towers for site in self._sites(backbone, tower)]
        folder = factors_folder(backbone.weights_hash()) if self.cache else None
        self._injected = _Injected(backbone, sites, self.paper_mode, folder)

    def touches(self, backbone: Backbone) -> list[str]:
        """The weights that it would change, as module.parameter."""
        sites = [site for tower in self.towers for site in self._sites(backbone, tower)]
        return [f"{site.module}.{site.parameter}" for site in sites]

    def parameters(self) -> Iterator[nn.Parameter]:
        yield from (spectrum.values for spectrum in self._in().spectra.values())

    def state(self) -> dict[str, Tensor]:
        """site -> delta (with ``paper_mode``, s), detached copies on the CPU.

        The order and signs of U and V follow from the weights, whose hash is kept beside an
        adapter.
        """
        return {n: s.values.detach().cpu().clone() for n, s in self._in().spectra.items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take deltas from ``state``. Raises BadInput where names or shapes differ."""
        spectra = self._in().spectra
        checked_state("svd", state, {name: s.values for name, s in spectra.items()})
        with torch.no_grad():
            for name, spectrum in spectra.items():
                spectrum.values.copy_(state[name])

    def start(self, trained: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """delta = 0 (with ``paper_mode``, the pretrained s)."""
        spectra = self._in().spectra
        return {name: spectra[name].origin.cpu().to(v.dtype) for name, v in trained.items()}

    def changes(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """(site, plain matrix, what is added to it)."""
        with torch.no_grad():
            for name, part in self._in().spectra.items():
                yield name, (part.u * part.s) @ part.vt, part()

    def directions(self) -> Iterator[tuple[str, Site, Tensor, Tensor, Tensor]]:
        """(name, site, U (o, r), s (r,), delta (r,)), detached."""
        inside = self._in()
        for name, part in inside.spectra.items():
            yield name, inside.sites[name], part.u, part.s, part.delta.detach()

    def merge(self) -> None:
        """Write W' into the plain weights; the model is then an ordinary open_clip model."""
        inside = self._in()
        inside.write()
        self.eject()
        inside.backbone.weights_changed()

    def eject(self) -> None:
        """Take everything out again; the weights are as before ``inject``."""
        self._in().restore()
        self._injected = None

    def train(self) -> None:
        """Nothing of its own has a mode."""

    def eval(self) -> None:
        """See ``train``."""

    def _in(self) -> _Injected:
        if self._injected is None:
            raise UsageError("this svd is in no backbone; call inject(backbone) first.")
        return self._injected

    def _sites(self, backbone: Backbone, tower: str) -> list[Site]:
        kinds = self.targets
        if kinds is None:
            convolutional = tower in ("image", "text") and is_convolutional(backbone.sites(tower))  # type: ignore[arg-type]
            more: tuple[Kind, ...] = ("conv", "proj") if convolutional else ()
            kinds = ("q", "k", "v", "o", "mlp", *more)
        return chosen_sites("svd", backbone, [tower], kinds, self.blocks)


class _Injected:
    """One injection. spectra: site's name -> its spectrum. Layers that are called get another
    forward, packed attentions are taken apart for it, and what is left is parametrised."""

    def __init__(
        self, backbone: Backbone, sites: list[Site], paper_mode: bool, folder: Path | None
    ) -> None:
        self.backbone, self.freeze = backbone, Freeze(backbone.model)
        self.spectra: dict[str, Spectrum] = {}
        self.sites: dict[str, Site] = {}
        self.replaced: dict[str, nn.Module] = {}
        self._called: list[tuple[Any, SpectralLayer]] = []
        # (module, parameter) -> the parameters of that module as they were, in their order
        self._plain: dict[tuple[str, str], dict[str, Any]] = {}
        try:
            together: dict[tuple[str, str], list[Site]] = {}
            for site in sites:
                together.setdefault(self._place(site), []).append(site)
            for (path, name), parts in together.items():
                self._put(path, name, parts, paper_mode, folder)
        except BaseException:
            self.restore()
            raise
        for spectrum in self.spectra.values():
            spectrum.values.requires_grad_(True)

    def _place(self, site: Site) -> tuple[str, str]:
        """(module, parameter) that holds the site, once a packed attention is taken apart."""
        model = self.backbone.model
        attention = site.module.rpartition(".")[0] if site.kind == "o" else site.module
        module = module_at(model, attention)
        if is_packed(module) and not unusual_parts(module):
            self.replaced[attention] = module
            replace_module(model, attention, SplitAttention(module, attention))
        if attention in self.replaced and site.kind in _PROJECTIONS:
            return f"{site.module}.{_PROJECTIONS[site.kind]}", "weight"
        return site.module, site.parameter

    def _put(
        self, path: str, name: str, parts: list[Site], paper_mode: bool, folder: Path | None
    ) -> None:
        model = self.backbone.model
        module = module_at(model, path)
        weight = getattr(module, name)
        alone = path.rpartition(".")[0] in self.replaced  # these rows are the whole weight
        rows, spectra = [], []
        for site in parts:
            whole = alone or site.rows is None
            label = f"{site.module}.{site.parameter}.{site.kind}"
            kept = folder / f"{label}.safetensors" if folder is not None else None
            matrix = weight if whole else site_rows(site, weight)
            spectra.append(Spectrum(factors(matrix, kept), weight, paper_mode))
            rows.append((0, len(weight)) if whole else site.rows or (0, 0))
            self.spectra[label], self.sites[label] = spectra[-1], site
        if self._is_called(path, module):
            layer = SpectralLayer(module, rows, spectra)
            module.add_module(_CHILD, layer)
            module.forward = layer.product
            self._called.append((module, layer))
        else:
            self._plain[path, name] = dict(module._parameters)
            parametrize.register_parametrization(module, name, Spectra(rows, spectra))

    def _is_called(self, path: str, module: nn.Module) -> bool:
        parent = module_at(self.backbone.model, path.rpartition(".")[0])
        used_bare = is_bare(self.backbone.model, path) or is_packed(parent)
        pools = pools_by_function(self.backbone.model, path)
        return isinstance(module, nn.Linear) and not used_bare and not pools

    def write(self) -> None:
        """W' into the plain weights."""
        with torch.no_grad():
            for module, layer in self._called:
                module.weight.data.copy_(layer(module.weight))
            for (path, name), before in self._plain.items():
                before[name].data.copy_(getattr(module_at(self.backbone.model, path), name))

    def restore(self) -> None:
        model = self.backbone.model
        for module, _ in self._called:
            del module.forward
            delattr(module, _CHILD)
        for (path, name), before in reversed(self._plain.items()):
            module = module_at(model, path)
            parametrize.remove_parametrizations(module, name, leave_parametrized=False)
            # the same parameter objects in the same order as before
            module._parameters.clear()
            module._parameters.update(before)
        for path, packed in self.replaced.items():
            replace_module(model, path, packed)
        self.freeze.thaw()
