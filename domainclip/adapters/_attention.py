"""Packed projections taken apart: layers for q, k and v in place of one weight that holds them.

The layers' weights are views of the packed one, also after the model was moved to another device
or dtype, so what is written into a layer is written into the packed weight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.errors import UsageError

__all__ = ["SplitAttention", "SplitLinear", "unusual_parts"]

_QKV = ("q_proj", "k_proj", "v_proj")
# what open_clip's own Attention may add, which a plain attention does not compute
_UNUSUAL = ("ln_q", "ln_k", "ln_inner", "head_scale", "logit_scale", "gate", "bias_k")


class _Split(nn.Module):
    """Layers that stand for rows of the weights of ``plain``, which stays out of the model."""

    def __init__(self, plain: nn.Module) -> None:
        super().__init__()
        self._plain: tuple[Any] = (plain,)  # in a tuple it is no child: its weights count once
        self._parts: list[str] = []

    def _view(self, name: str) -> tuple[Tensor, Tensor | None]:
        """Weight and bias of a part, as views."""
        raise NotImplementedError

    def _add(self, name: str) -> None:
        weight, bias = self._view(name)
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
        layer.weight = nn.Parameter(weight, requires_grad=False)
        if bias is not None:
            layer.bias = nn.Parameter(bias, requires_grad=False)
        setattr(self, name, layer)
        self._parts.append(name)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> _Split:
        """``Module.to`` and its like: the packed weight moves too, and the layers are its views."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._plain[0]._apply(fn, recurse=False)
        for name in self._parts:
            base = _base(getattr(self, name))
            base.weight.data, bias = self._view(name)
            if bias is not None:
                base.bias.data = bias
        return self


class SplitAttention(_Split):
    """Computes what the packed attention computes, with q_proj, k_proj, v_proj and out_proj.

    Accepts ``nn.MultiheadAttention``'s call (returns a tuple) and open_clip ``Attention``'s
    (returns a tensor). x is (n, t, d) or, where the original says so, (t, n, d).
    Raises UsageError for an attention that does more than plain attention.
    """

    q_proj: nn.Module
    k_proj: nn.Module
    v_proj: nn.Module

    def __init__(self, packed: Any, path: str) -> None:
        super().__init__(packed)
        if unusual := unusual_parts(packed):
            raise UsageError(
                f"{path}: its attention adds {', '.join(unusual)}, which lora cannot split."
            )
        for name in _QKV:
            self._add(name)
        self.out_proj = packed.out_proj
        self.num_heads = int(packed.num_heads)
        # open_clip's Attention has no notion of returned weights: its result is the tensor alone
        self.returns_tuple = isinstance(packed, nn.MultiheadAttention)
        self.batch_first = packed.batch_first if self.returns_tuple else True

    def forward(
        self,
        query: Tensor | None = None,
        key: Tensor | None = None,
        value: Tensor | None = None,
        need_weights: bool = False,
        attn_mask: Tensor | None = None,
        *,
        x: Tensor | None = None,
        q_x: Tensor | None = None,
        k_x: Tensor | None = None,
        v_x: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> Any:
        query = _first(query, q_x, x)
        key = _first(key, k_x, query)
        value = _first(value, v_x, key)
        if not self.batch_first:
            query, key, value = (part.transpose(0, 1) for part in (query, key, value))
        q = self._heads(self.q_proj(query))  # (n, heads, t, d / heads)
        k = self._heads(self.k_proj(key))
        v = self._heads(self.v_proj(value))
        mask = _added(attn_mask, q.dtype)
        if mask is not None and mask.ndim == 3:
            mask = mask.reshape(len(q), -1, *mask.shape[1:])
        if key_padding_mask is not None:
            padding = _added(key_padding_mask, q.dtype)
            assert padding is not None
            mask = padding[:, None, None, :] if mask is None else mask + padding[:, None, None, :]
        z = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        z = self.out_proj(z.transpose(1, 2).flatten(2))  # (n, t, d)
        z = z if self.batch_first else z.transpose(0, 1)
        return (z, None) if self.returns_tuple else z

    def _view(self, name: str) -> tuple[Tensor, Tensor | None]:
        packed, number = self._plain[0], _QKV.index(name)
        weight = packed.in_proj_weight
        rows = getattr(packed, f"{name}_weight") if weight is None else weight.chunk(3)[number]
        bias = packed.in_proj_bias
        return rows.data, None if bias is None else bias.data.chunk(3)[number]

    def _heads(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-1], self.num_heads, -1).transpose(1, 2)


class SplitLinear(_Split):
    """A fused ``qkv`` or ``kv`` layer as one layer for each of its parts.

    rows: name of a part -> (start, stop), which follow each other from 0 to the end.
    """

    def __init__(self, fused: nn.Linear, rows: Mapping[str, tuple[int, int]]) -> None:
        super().__init__(fused)
        self._rows = dict(rows)
        for name in rows:
            self._add(name)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([getattr(self, name)(x) for name in self._parts], dim=-1)

    @property
    def weight(self) -> Tensor:
        """The joint weight with what the adapter adds, for towers that take it out and use it."""
        return torch.cat([_weight(getattr(self, name)) for name in self._parts])

    @property
    def bias(self) -> Tensor | None:
        bias: Tensor | None = self._plain[0].bias
        return bias

    def _view(self, name: str) -> tuple[Tensor, Tensor | None]:
        fused, rows = self._plain[0], slice(*self._rows[name])
        return fused.weight.data[rows], None if fused.bias is None else fused.bias.data[rows]


def unusual_parts(packed: nn.Module) -> list[str]:
    """What an attention has beyond plain attention, so that ``SplitAttention`` cannot stand in."""
    return [name for name in _UNUSUAL if not _absent(getattr(packed, name, None))]


def _base(layer: Any) -> Any:
    """The plain layer inside peft's."""
    return layer.get_base_layer() if hasattr(layer, "get_base_layer") else layer


def _weight(layer: Any) -> Tensor:
    weight: Tensor = _base(layer).weight
    for name in getattr(layer, "active_adapters", ()):
        weight = weight + layer.get_delta_weight(name)
    return weight


def _first(*found: Tensor | None) -> Tensor:
    return next(tensor for tensor in found if tensor is not None)


def _added(mask: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """A mask to add to the scores; True in a boolean one means: not seen."""
    if mask is None or mask.dtype != torch.bool:
        return mask if mask is None else mask.to(dtype)
    return torch.zeros_like(mask, dtype=dtype).masked_fill(mask, float("-inf"))


def _absent(part: Any) -> bool:
    return part is None or part is False or isinstance(part, nn.Identity)
