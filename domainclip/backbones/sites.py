"""Where a tower's weights are: every adaptable matrix by module path, parameter and row slice.

Found from what the modules hold (a packed ``in_proj_weight``, a fused ``qkv``, separate
projections), never from a width or a model's name, so one search serves open_clip's present and
next attention, timm and Hugging Face towers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from torch import nn

from domainclip.errors import UsageError

__all__ = ["KINDS", "Kind", "Site", "Tower", "find_sites"]

Tower = Literal["image", "text"]
Kind = Literal["q", "k", "v", "o", "mlp", "conv", "depthwise", "proj"]
KINDS: tuple[Kind, ...] = ("q", "k", "v", "o", "mlp", "conv", "depthwise", "proj")

# last word of a separate projection's name -> its kind
_NAMES: dict[str, Kind] = {
    **dict.fromkeys(("q", "q_proj", "query", "to_q", "q_lin"), "q"),
    **dict.fromkeys(("k", "k_proj", "key", "to_k", "k_lin"), "k"),
    **dict.fromkeys(("v", "v_proj", "value", "to_v", "v_lin"), "v"),
    **dict.fromkeys(("o", "out_proj", "o_proj", "to_out", "out_lin"), "o"),
    **dict.fromkeys(("c_fc", "fc1", "fc2", "fc1_g", "fc1_x", "lin1", "lin2"), "mlp"),
    **dict.fromkeys(("w1", "w2", "w3", "wi", "wi_0", "wi_1", "wo"), "mlp"),
}
# a packed attention whose keys and values have another width than its queries keeps three weights
_SEPARATE: tuple[tuple[Kind, str], ...] = (
    ("q", "q_proj_weight"),
    ("k", "k_proj_weight"),
    ("v", "v_proj_weight"),
)


@dataclass(frozen=True, slots=True)
class Site:
    """One weight matrix. module: dotted path from the open_clip model. rows: (start, stop) of a
    packed weight, None for the whole of it. block: number of its transformer block or stage, -1
    outside of them."""

    tower: Tower
    block: int
    kind: Kind
    module: str
    parameter: str = "weight"
    rows: tuple[int, int] | None = None


def find_sites(model: nn.Module, tower: Tower, kinds: Collection[str] | None = None) -> list[Site]:
    """All sites of a tower, in the model's order; ``kinds`` keeps some of ``KINDS``.

    Raises UsageError for an unknown kind.
    """
    unknown = set(kinds or ()) - set(KINDS)
    if unknown:
        raise UsageError(f"unknown kind of weight {sorted(unknown)}; known: {', '.join(KINDS)}.")
    return [site for site in _walk(model, tower) if kinds is None or site.kind in kinds]


def tower_prefix(model: nn.Module, tower: Tower) -> tuple[str, ...]:
    """First words of a tower's module paths; a plain CLIP keeps its text tower at the root."""
    if tower == "image":
        return ("visual",)
    return ("text",) if hasattr(model, "text") else ("transformer", "text_projection")


def _walk(model: nn.Module, tower: Tower) -> Iterator[Site]:
    prefixes = tower_prefix(model, tower)
    for path, module in model.named_modules():
        if path.split(".")[0] not in prefixes:
            continue
        block = _block(path)
        if isinstance(packed := getattr(module, "in_proj_weight", None), nn.Parameter):
            yield from _fused(tower, block, path, "in_proj_weight", ("q", "k", "v"), len(packed))
        elif isinstance(getattr(module, "q_proj_weight", None), nn.Parameter):
            for kind, parameter in _SEPARATE:
                yield Site(tower, block, kind, path, parameter)
        elif isinstance(module, nn.Linear):
            parent = model.get_submodule(path.rpartition(".")[0])
            yield from _linear(tower, block, path, module, parent)
        elif isinstance(module, nn.Conv2d):
            depthwise = module.groups > 1
            yield Site(tower, block, "depthwise" if depthwise else "conv", path)


def _linear(
    tower: Tower, block: int, path: str, module: nn.Linear, parent: nn.Module
) -> Iterator[Site]:
    words = path.split(".")
    last, above = words[-1], words[-2] if len(words) > 1 else ""
    attends = "attn" in path or "attention" in path.lower() or hasattr(parent, "qkv")
    if last == "qkv":
        yield from _fused(tower, block, path, "weight", ("q", "k", "v"), module.out_features)
    elif last == "kv" and attends:
        yield from _fused(tower, block, path, "weight", ("k", "v"), module.out_features)
    elif last == "dense":  # Hugging Face: what it is, is its parent's name
        if above == "intermediate" or (above == "output" and "attention" not in words[-3:]):
            yield Site(tower, block, "mlp", path)
        elif above == "output":
            yield Site(tower, block, "o", path)
        elif above != "pooler":
            yield Site(tower, block, "proj", path)
    elif last in ("proj", "c_proj") and attends:
        yield Site(tower, block, "o", path)
    elif last == "c_proj" or above == "mlp":
        yield Site(tower, block, "mlp", path)
    else:
        yield Site(tower, block, _NAMES.get(last, "proj"), path)


def _fused(
    tower: Tower, block: int, path: str, parameter: str, kinds: tuple[Kind, ...], rows: int
) -> Iterator[Site]:
    height = rows // len(kinds)
    for number, kind in enumerate(kinds):
        yield Site(tower, block, kind, path, parameter, (number * height, (number + 1) * height))


def _block(path: str) -> int:
    """The number of the outermost repeated module: resblocks.3, blocks.3.1 -> 3, layer3.1 -> 3."""
    match = re.search(r"(?:resblocks|blocks?|layers?|stages)\.?(\d+)", path)
    return int(match[1]) if match else -1
