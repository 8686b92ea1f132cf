"""An attention whose q, k and v are layers of their own, in place of one with packed weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.errors import UsageError

__all__ = ["SplitAttention"]

# what open_clip's own Attention may add, which a plain attention does not compute
_UNUSUAL = ("ln_q", "ln_k", "ln_inner", "head_scale", "logit_scale", "gate")


class SplitAttention(nn.Module):
    """Computes what the packed attention computes, with the same weights (views of its storage).

    Accepts ``nn.MultiheadAttention``'s call (returns a tuple) and open_clip ``Attention``'s
    (returns a tensor). x is (n, t, d) or, where the original says so, (t, n, d).
    Raises UsageError for an attention that does more than plain attention.
    """

    def __init__(self, packed: Any, path: str) -> None:
        super().__init__()
        unusual = [n for n in _UNUSUAL if not _plain(getattr(packed, n, None))]
        if unusual or getattr(packed, "bias_k", None) is not None:
            raise UsageError(f"{path}: its attention adds {unusual}, which lora cannot split yet.")
        weight, bias = packed.in_proj_weight, packed.in_proj_bias
        width = weight.shape[1]
        for number, name in enumerate(("q_proj", "k_proj", "v_proj")):
            rows = slice(number * (len(weight) // 3), (number + 1) * (len(weight) // 3))
            linear = nn.Linear(width, len(weight) // 3, bias=bias is not None, device="meta")
            linear.weight = nn.Parameter(weight.data[rows], requires_grad=False)
            if bias is not None:
                linear.bias = nn.Parameter(bias.data[rows], requires_grad=False)
            setattr(self, name, linear)
        self.q_proj: nn.Module
        self.k_proj: nn.Module
        self.v_proj: nn.Module
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
        q_x: Tensor | None = None,
        k_x: Tensor | None = None,
        v_x: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> Any:
        query = query if q_x is None else q_x
        assert query is not None
        key = query if key is None and k_x is None else (key if key is not None else k_x)
        value = key if value is None and v_x is None else (value if value is not None else v_x)
        assert key is not None and value is not None
        if not self.batch_first:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
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
        x = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = self.out_proj(x.transpose(1, 2).flatten(2))  # (n, t, d)
        x = x if self.batch_first else x.transpose(0, 1)
        return (x, None) if self.returns_tuple else x

    def _heads(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-1], self.num_heads, -1).transpose(1, 2)


def _added(mask: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """A mask to add to the scores; True in a boolean one means: not seen."""
    if mask is None or mask.dtype != torch.bool:
        return mask if mask is None else mask.to(dtype)
    return torch.zeros_like(mask, dtype=dtype).masked_fill(mask, float("-inf"))


def _plain(part: Any) -> bool:
    return part is None or part is False or isinstance(part, nn.Identity)
