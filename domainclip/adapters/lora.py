"""Low-rank adaptation of attention, MLP and 1x1 convolution weights, through peft.

W' = W + s B A with A (r, i), B (o, r); s = alpha / sqrt(r) (rsLoRA) or alpha / r. Only A and B
train.
References: LoRA, Hu et al. 2021, arXiv 2106.09685; CLIP-LoRA, Zanella and Ben Ayed 2024, arXiv
2405.18541 (the defaults); rsLoRA, Kalajdzievski 2023, arXiv 2312.03732; DoRA, Liu et al. 2024,
arXiv 2402.09353.
Differs: CLIP-LoRA merges the factors into the weight at every evaluation and takes them out again;
here the weight is touched by ``merge`` alone, and dropout 0 has right gradients. ``few_shot``
trains at lr 2e-3 for 30 epochs, CLIP-LoRA at 2e-4, falling to 1e-6, for 500 steps a shot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn
from torch.nn import functional

from domainclip.adapters._attention import SplitAttention, SplitLinear
from domainclip.adapters._peft_layout import write_peft_layout
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
)
from domainclip.backbones import Backbone, Site
from domainclip.backbones.sites import KINDS, Kind, Tower
from domainclip.errors import UnfitTower, UsageError

__all__ = ["LoRA"]

_PROJECTIONS = {"q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "out_proj"}


@dataclass
class LoRA:
    """rank: r. alpha: see above. rslora, dora: the variants. dropout: on the input of A.

    targets: kinds of weights (``q k v o mlp conv proj``); None takes q, k, v of a transformer, and
    of a convolutional tower all that are matrices (1x1 convolutions, MLPs, attention, projection).
    towers: image, text. blocks: their numbers, None for all. seed: of A's first values; B is zero.
    Packed and fused projections are split while the adapter is in, so q, k and v have factors of
    their own.
    """

    rank: Annotated[int, ">= 1"] = 2
    alpha: Annotated[float, "> 0"] = 1.0
    rslora: bool = True
    dora: bool = False
    dropout: Annotated[float, ">= 0 < 1"] = 0.25
    targets: tuple[Kind, ...] | None = None
    towers: tuple[Tower, ...] = ("image", "text")
    blocks: tuple[int, ...] | None = None
    seed: int = 0
    _injected: _Injected | None = field(default=None, init=False, repr=False, compare=False)

    def inject(self, backbone: Backbone) -> None:
        """Put the factors in; the towers compute what they did before. Raises UsageError."""
        if self._injected is not None:
            raise UsageError("this lora is injected already; eject or merge it first.")
        if self.rank < 1:
            raise UsageError(f"lora: rank is {self.rank}, and must be at least 1.")
        backbone.weights_hash()  # of the plain weights, while they are plain
        sites = [site for tower in self.towers for site in self._sites(backbone, tower)]
        self._injected = _Injected(backbone, sites, self)
        self.eval()

    def touches(self, backbone: Backbone) -> list[str]:
        """The weights that it would change, as module.parameter."""
        sites = [site for tower in self.towers for site in self._sites(backbone, tower)]
        return [f"{site.module}.{site.parameter}" for site in sites]

    def parameters(self) -> Iterator[nn.Parameter]:
        """The factors, in the model's order."""
        yield from (parameter for _, parameter in self._in().named_factors())

    def state(self) -> dict[str, Tensor]:
        """name -> factor, detached copies on the CPU."""
        return {n: p.detach().cpu().clone() for n, p in self._in().named_factors()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take factors from ``state``. Raises BadInput where names or shapes differ."""
        own = dict(self._in().named_factors())
        state = checked_state("lora", state, own)
        with torch.no_grad():
            for name, parameter in own.items():
                parameter.copy_(state[name])

    def start(self, trained: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``trained`` with B = 0: s B A is linear in B alone. Raises UsageError for DoRA."""
        if self.dora:
            raise UsageError(
                "DoRA scales rows by their norms, so its change is not linear and cannot be "
                "interpolated; give dora: false."
            )
        self._in()
        return {
            name: torch.zeros_like(factor) if ".lora_B" in name else factor
            for name, factor in trained.items()
        }

    def changes(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """(layer, plain weight, what the factors add to it)."""
        with torch.no_grad():
            for path, layer in self._in().layers.items():
                weight, delta = layer.get_base_layer().weight, layer.get_delta_weight("default")
                if self.dora:
                    moved = (weight + delta).flatten(1)
                    length = layer.lora_magnitude_vector["default"].weight.reshape(-1, 1)
                    scaled = length * functional.normalize(moved, dim=1)
                    delta = scaled.reshape(weight.shape) - weight
                yield path, weight.detach(), delta

    def merge(self) -> None:
        """Write W' into the plain weights; the model is then an ordinary open_clip model."""
        inside = self._in()
        inside.write()
        self.eject()
        inside.backbone.weights_changed()

    def eject(self) -> None:
        """Take everything out again; weights, modules and flags are as before ``inject``."""
        self._in().restore()
        self._injected = None

    def write_peft(self, folder: Path) -> str:
        """Write the factors in peft's own layout, for the plain model; a line about how it went."""
        inside = self._in()
        model = inside.backbone.model
        bare = any(is_bare(model, path) for path in inside.replaced)
        return write_peft_layout(folder, self, inside.replaced, inside.rows, bare=bare)

    def train(self) -> None:
        """Dropout on the factors' input; the mode of the towers is left to the caller."""
        self._mode(True)

    def eval(self) -> None:
        self._mode(False)

    def _mode(self, training: bool) -> None:
        for layer in self._in().layers.values():
            layer.training = training  # DoRA looks here, and not at its dropout
            layer.lora_dropout.train(training)

    def _in(self) -> _Injected:
        if self._injected is None:
            raise UsageError("this lora is in no backbone; call inject(backbone) first.")
        return self._injected

    def _sites(self, backbone: Backbone, tower: str) -> list[Site]:
        model, kinds = backbone.model, self.targets
        if kinds is None:
            every = chosen_sites("lora", backbone, [tower], KINDS, None)
            more: tuple[Kind, ...] = ("mlp", "conv", "proj") if is_convolutional(every) else ()
            kinds = ("q", "k", "v", *more)
        sites = chosen_sites("lora", backbone, [tower], kinds, self.blocks)
        kept = [site for site in sites if _adaptable(model, site)]
        if not kept:
            raise UnfitTower(
                f"lora finds no weight it can factor in the {tower} tower of {backbone.name!r} "
                f"among {', '.join(kinds)}; convolutions must be 1x1."
            )
        bare = [site.module for site in kept if is_bare(model, site.module)]
        if bare and (self.dropout or self.dora):
            raise UnfitTower(
                f"lora: the {tower} tower of {backbone.name!r} takes the weight out of {bare[0]} "
                "instead of calling it, so dropout and dora cannot act there; give dropout 0."
            )
        return kept


class _Injected:
    """One injection: what was replaced, and peft's layers by module path."""

    def __init__(self, backbone: Backbone, sites: list[Site], options: LoRA) -> None:
        self.backbone = backbone
        model = backbone.model
        self.freeze = Freeze(model)
        self.replaced: dict[str, nn.Module] = {}
        # of each fused layer: its parts' names and rows, those that are not adapted too
        self.rows: dict[str, dict[str, tuple[int, int]]] = {}
        for site in (s for tower in options.towers for s in backbone.sites(tower)):
            if site.rows is not None:
                self.rows.setdefault(site.module, {})[_PROJECTIONS[site.kind]] = site.rows
        try:
            names = [self._target(model, site) for site in sites]
            config = LoraConfig(
                r=options.rank,
                lora_alpha=options.alpha,
                use_rslora=options.rslora,
                use_dora=options.dora,
                lora_dropout=options.dropout,
                target_modules="|".join(re.escape(name) for name in dict.fromkeys(names)),
            )
            self.plain = {name: module_at(model, name) for name in names}
            with torch.random.fork_rng():
                torch.manual_seed(options.seed)
                inject_adapter_in_model(config, model)
        except BaseException:
            self._put_back()
            raise
        self.layers: dict[str, Any] = {
            path: layer
            for path, layer in model.named_modules()
            if isinstance(layer, LoraLayer) and path in self.plain
        }
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(_is_factor(name))
            if _is_factor(name) and parameter.dtype.itemsize < 4:  # small steps would be lost
                parameter.data = parameter.data.float()

    def _target(self, model: nn.Module, site: Site) -> str:
        """The path of the linear or convolution that peft wraps for this site."""
        path = site.module.removesuffix(".out_proj") if site.kind == "o" else site.module
        module = module_at(model, path)
        if path in self.replaced:
            pass
        elif is_packed(module):
            self._replace(path, module, SplitAttention(module, path))
        elif site.rows is not None:
            self._replace(path, module, SplitLinear(module, self.rows[path]))
        else:
            return site.module
        return f"{path}.{_PROJECTIONS[site.kind]}"

    def _replace(self, path: str, module: nn.Module, split: nn.Module) -> None:
        self.replaced[path] = module
        replace_module(self.backbone.model, path, split)

    def named_factors(self) -> Iterator[tuple[str, nn.Parameter]]:
        for path, layer in self.layers.items():
            for name, parameter in layer.named_parameters():
                if _is_factor(name):
                    yield f"{path}.{name.replace('.default', '')}", parameter

    def write(self) -> None:
        """Merge into the base layers, whose weights are views of the packed ones where split."""
        with torch.no_grad():
            for layer in self.layers.values():
                base = layer.get_base_layer()
                before = base.weight.data
                layer.merge(safe_merge=True)  # may put another tensor there
                merged = base.weight.data
                base.weight.data = before
                before.copy_(merged)

    def restore(self) -> None:
        self._put_back()

    def _put_back(self) -> None:
        if hasattr(self.backbone.model, "peft_config"):  # peft's own note on the model
            del self.backbone.model.peft_config
        for path, module in getattr(self, "plain", {}).items():
            replace_module(self.backbone.model, path, module)
        for path, packed in self.replaced.items():
            replace_module(self.backbone.model, path, packed)
        self.freeze.thaw()


def _is_factor(name: str) -> bool:
    return ".lora_" in f".{name}"


def _adaptable(model: nn.Module, site: Site) -> bool:
    module = module_at(model, site.module)
    if isinstance(module, nn.Conv2d):
        return module.groups == 1 and module.kernel_size == (1, 1)
    if isinstance(module, nn.Linear):
        return not pools_by_function(model, site.module)
    return is_packed(module)
