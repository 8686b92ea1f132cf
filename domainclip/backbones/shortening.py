"""Text features with the positions that cannot matter cut off, exactly.

A causal tower pooled at EOT gives the same output when the context is cut to the last EOT of the
batch, since no position sees a later one; a padded BERT likewise, since pads are masked. A tower
without a causal mask whose pads are attended (SigLIP), one pooled at the last position, and CoCa's
(its class token stands behind the pads) are left whole.

Measured: ``benchmarks/encode_prompts.py``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["projected", "shortened", "takes_positions", "text_features", "used_positions"]


def text_features(model: nn.Module, ids: Tensor, positions: Tensor | None = None) -> Tensor:
    """Token ids (b, t) -> features (b, d), not normalised, of an open_clip model's text tower.

    t may be anything up to the context length, as long as ``used_positions`` is not None. The
    model's own modules are called, so what adapters put into them takes effect.
    positions: (t or more, width) that stand for the tower's own, and t may then be as long; see
    ``takes_positions``.
    """
    tower: Any = getattr(model, "text", model)
    if positions is None:
        if not _is_causal(tower) or ids.shape[1] == tower.positional_embedding.shape[0]:
            # a tower that masks pads takes any length; the others are given all of it
            whole: Tensor = model.encode_text(ids, normalize=False)  # type: ignore[operator]
            return whole
        positions = tower.positional_embedding
    length = ids.shape[1]
    # what open_clip's encode_text does, on other positions: it hands the whole mask to the
    # blocks (3.3.0), which refuse it for a shorter text
    cast = tower.transformer.get_cast_dtype()
    x = tower.token_embedding(ids).to(cast) + positions[:length].to(cast)
    x = tower.transformer(x, attn_mask=_causal_mask(tower, length))
    x = tower.ln_final(x)  # (b, t, width)
    pooled = x[torch.arange(len(x), device=x.device), _pooled_at(tower, ids)]  # (b, width)
    return projected(pooled, tower.text_projection)


def takes_positions(model: nn.Module) -> bool:
    """Whether ``text_features`` can read this text tower with other positions than its own."""
    tower: Any = getattr(model, "text", model)
    return _is_causal(tower) or (
        getattr(tower, "attn_mask", tower) is None
        and getattr(tower, "cls_emb", None) is None
        and not getattr(tower, "use_pad_mask", False)
        and not getattr(tower, "output_tokens", False)
        and _pool(tower) in ("first", "last", "argmax", "eos")
        and hasattr(getattr(tower, "transformer", None), "get_cast_dtype")
    )


def projected(x: Tensor, projection: Any) -> Tensor:
    """x (..., width) in the space of both towers: by a matrix, by a module, or as it is (None)."""
    if projection is None:
        return x
    out: Tensor = projection(x) if isinstance(projection, nn.Module) else x @ projection
    return out


def shortened(model: nn.Module, ids: Tensor, step: int = 1) -> Tensor:
    """Token ids (b, t) cut to what their features depend on, in multiples of ``step``."""
    used = used_positions(model, ids)
    if used is None or not len(used):
        return ids
    return ids[:, : -(-int(used.max()) // step) * step]


def used_positions(model: nn.Module, ids: Tensor) -> Tensor | None:
    """How many leading positions each text's features depend on, (b,) int64; None: on all of them.

    ids (b, t) may lie on any device; the answer lies there too.
    """
    tower: Any = getattr(model, "text", model)
    if _masks_pads(tower):
        # counted from the right: what follows the last token that is no pad
        tail = (ids != tower.config.pad_token_id).flip(1).int().argmax(dim=1)
        return (ids.shape[1] - tail).clamp(min=1)
    return _pooled_at(tower, ids) + 1 if _is_causal(tower) else None


def _masks_pads(tower: Any) -> bool:
    """A Hugging Face tower in open_clip's wrapping, which masks its pads."""
    config = getattr(tower, "config", None)
    return hasattr(tower, "pooler") and getattr(config, "pad_token_id", None) is not None


def _is_causal(tower: Any) -> bool:
    return (
        isinstance(getattr(tower, "attn_mask", None), Tensor)
        and getattr(tower, "cls_emb", None) is None
        and _pool(tower) in ("argmax", "eos")
        and not getattr(tower, "output_tokens", False)
        and hasattr(tower, "token_embedding")
        and hasattr(getattr(tower, "transformer", None), "get_cast_dtype")
    )


def _causal_mask(tower: Any, length: int) -> Tensor | None:
    """(length, length) with minus infinity above the diagonal; None where all see all."""
    mask: Tensor | None = tower.attn_mask
    if mask is None or len(mask) >= length:
        return None if mask is None else mask[:length, :length]
    return mask.new_full((length, length), float("-inf")).triu_(1)


def _pool(tower: Any) -> str:
    return str(getattr(tower, "text_pool_type", getattr(tower, "pool_type", "")))


def _pooled_at(tower: Any, ids: Tensor) -> Tensor:
    """Index (b,) of the position that is pooled: the highest id, or the first that ends a text;
    of a tower without a causal mask also the first or the last."""
    if _pool(tower) == "argmax":
        return ids.argmax(dim=-1)
    if _pool(tower) in ("first", "last"):
        return ids.new_full((len(ids),), 0 if _pool(tower) == "first" else ids.shape[1] - 1)
    ends = getattr(tower, "text_eos_id", None)
    ends = tower.eos_id if ends is None else ends
    return (ids == ends).int().argmax(dim=-1)
