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
    **dict.fromkeys(("q", "q_proj", "query", "to_q"), "q"),
    **dict.fromkeys(("k", "k_proj", "key", "to_k"), "k"),
    **dict.fromkeys(("v", "v_proj", "value", "to_v"), "v"),
    **dict.fromkeys(("out_proj", "o_proj", "c_proj_attn", "to_out"), "o"),
    **dict.fromkeys(
        ("c_fc", "fc1", "fc2", "fc1_g", "fc1_x", "intermediate", "w1", "w2", "w3"), "mlp"
    ),
}


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
    return ("text",) if hasattr(model, "text") else ("transformer",)


def _walk(model: nn.Module, tower: Tower) -> Iterator[Site]:
    prefixes = tower_prefix(model, tower)
    skipped: set[str] = set()  # a packed attention's own out_proj is named with it
    for path, module in model.named_modules():
        if path.split(".")[0] not in prefixes or path in skipped:
            continue
        block = _block(path)
        packed = getattr(module, "in_proj_weight", None)
        if isinstance(packed, nn.Parameter):
            width = packed.shape[0] // 3
            for number, kind in enumerate(("q", "k", "v")):
                rows = (number * width, (number + 1) * width)
                yield Site(tower, block, kind, path, "in_proj_weight", rows)  # type: ignore[arg-type]
            continue
        if isinstance(module, nn.Linear):
            yield from _linear(tower, block, path, module)
        elif isinstance(module, nn.Conv2d):
            depthwise = module.groups > 1
            yield Site(tower, block, "depthwise" if depthwise else "conv", path)


def _linear(tower: Tower, block: int, path: str, module: nn.Linear) -> Iterator[Site]:
    words = path.split(".")
    last, parent = words[-1], words[-2] if len(words) > 1 else ""
    inside_attention = "attn" in path or "attention" in path
    if last == "qkv":
        width = module.out_features // 3
        for number, kind in enumerate(("q", "k", "v")):
            yield Site(tower, block, kind, path, "weight", (number * width, (number + 1) * width))  # type: ignore[arg-type]
    elif last == "kv" and inside_attention:
        width = module.out_features // 2
        for number, kind in enumerate(("k", "v")):
            yield Site(tower, block, kind, path, "weight", (number * width, (number + 1) * width))  # type: ignore[arg-type]
    elif last == "dense":  # Hugging Face: what it is, is its parent's name
        if parent == "intermediate" or (parent == "output" and "attention" not in words[-3:]):
            yield Site(tower, block, "mlp", path)
        elif parent == "output":
            yield Site(tower, block, "o", path)
        elif parent != "pooler":
            yield Site(tower, block, "proj", path)
    elif last in ("proj", "c_proj") and inside_attention:
        yield Site(tower, block, "o", path)
    elif last == "c_proj" or (last in ("fc1", "fc2") or parent == "mlp"):
        yield Site(tower, block, "mlp", path)
    elif last in _NAMES:
        yield Site(tower, block, _NAMES[last], path)
    else:
        yield Site(tower, block, "proj", path)


def _block(path: str) -> int:
    """The number of the outermost repeated module: resblocks.3, blocks.3.1 -> 3, layer3.1 -> 3."""
    match = re.search(r"(?:resblocks|blocks|layers?|stages)\.?(\d+)", path)
    return int(match[1]) if match else -1
