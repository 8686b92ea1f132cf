"""What all adapters do alike: freeze and thaw, find modules by path, choose sites."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from domainclip.backbones import Backbone, Site
from domainclip.errors import BadInput, UnfitTower, UsageError

__all__ = [
    "Freeze",
    "checked_state",
    "chosen_sites",
    "is_bare",
    "is_convolutional",
    "is_packed",
    "module_at",
    "pools_by_function",
    "replace_module",
    "site_rows",
]


class Freeze:
    """All weights of a model frozen, until ``thaw`` puts every flag back."""

    def __init__(self, model: nn.Module) -> None:
        self._flags = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
        for parameter, _ in self._flags:
            parameter.requires_grad_(False)

    def thaw(self) -> None:
        for parameter, flag in self._flags:
            parameter.requires_grad_(flag)


def module_at(model: nn.Module, path: str) -> Any:
    """The module of a dotted path."""
    return model.get_submodule(path)


def replace_module(model: nn.Module, path: str, module: nn.Module) -> None:
    """Put another module at a dotted path."""
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent) if parent else model, name, module)


def chosen_sites(
    method: str,
    backbone: Backbone,
    towers: Collection[str],
    kinds: Collection[str],
    blocks: Collection[int] | None,
) -> list[Site]:
    """The sites of those kinds and blocks in those towers.

    Raises UsageError, naming the tower, where a tower has none of them.
    """
    found: list[Site] = []
    for tower in towers:
        if tower not in ("image", "text"):
            raise UsageError(f"{method}: towers are 'image' and 'text', not {tower!r}.")
        sites = [
            site
            for site in backbone.sites(tower, kinds)  # type: ignore[arg-type]
            if blocks is None or site.block in blocks
        ]
        if not sites:
            present = sorted({site.kind for site in backbone.sites(tower)})  # type: ignore[arg-type]
            raise UnfitTower(
                f"{method} finds nothing to change in the {tower} tower of {backbone.name!r}: "
                f"targets are {', '.join(sorted(kinds))}"
                + (f" in blocks {', '.join(map(str, blocks))}" if blocks is not None else "")
                + f", and the tower has {', '.join(present) or 'no weight matrix'}"
                + (f" in blocks {_spans(backbone, tower)}." if blocks is not None else ".")
            )
        found += sites
    return found


def _spans(backbone: Backbone, tower: Any) -> str:
    """The first and last block of a tower, as ``0 to 11``."""
    numbers = [site.block for site in backbone.sites(tower) if site.block >= 0]
    return f"{min(numbers)} to {max(numbers)}" if numbers else "without a number"


def is_convolutional(sites: Sequence[Site]) -> bool:
    """Whether a tower works by convolutions; a few blocks of attention do not change that."""
    kinds = [site.kind for site in sites]
    return kinds.count("conv") + kinds.count("depthwise") > 2 * kinds.count("q")


def is_packed(module: nn.Module) -> bool:
    """Whether a module is an attention that keeps its projections as weights of its own."""
    return any(
        isinstance(getattr(module, name, None), nn.Parameter)
        for name in ("in_proj_weight", "q_proj_weight")
    )


def is_bare(model: nn.Module, path: str) -> bool:
    """Whether a tower uses a layer's weight without calling the layer (timm's BEiT and EVA, whose
    bias is kept in parts)."""
    parent: Any = module_at(model, path.rpartition(".")[0])
    apart = isinstance(getattr(parent, "q_bias", None), nn.Parameter)
    return path.endswith(".qkv") and apart and not getattr(parent, "qkv_bias_separate", False)


def pools_by_function(model: nn.Module, path: str) -> bool:
    """Whether a layer's parent is the pool of CLIP's ResNet, a function of its layers' weights
    that never calls them."""
    parent = module_at(model, path.rpartition(".")[0])
    return hasattr(parent, "c_proj") and hasattr(parent, "positional_embedding")


def site_rows(site: Site, weight: Tensor) -> Tensor:
    """The rows of a packed weight that a site stands for (a view)."""
    return weight if site.rows is None else weight[site.rows[0] : site.rows[1]]


def checked_state(
    method: str, state: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> Mapping[str, Tensor]:
    """The state, if its names and shapes are the expected ones; else BadInput."""
    missing, extra = sorted(set(expected) - set(state)), sorted(set(state) - set(expected))
    if missing or extra:
        name = (missing or extra)[0]
        raise BadInput(
            f"these weights do not belong to {method} with these options: {name!r} is "
            f"{'missing' if missing else 'unknown'} ({len(missing) + len(extra)} such)."
        )
    for name, tensor in expected.items():
        if state[name].shape != tensor.shape:
            raise BadInput(
                f"these weights do not belong to {method} with these options: {name!r} has shape "
                f"{tuple(state[name].shape)} instead of {tuple(tensor.shape)}."
            )
    return state
