"""Text features with the positions that cannot matter cut off, exactly.

A causal tower pooled at EOT gives the same output when the context is cut to the last EOT of the
batch, since no position sees a later one; a padded BERT likewise, since pads are masked. Towers
without a causal mask that do not mask pads (SigLIP) are left whole.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["encode_ids", "shortened"]


def encode_ids(model: nn.Module, ids: Tensor) -> Tensor:
    """Text features (b, d), not normalised, of token ids (b, t) through an open_clip model."""
    ids = shortened(model, ids)
    tower: Any = getattr(model, "text", model)
    if _is_hf(tower):
        # open_clip pads with the config's id and masks it
        features: Tensor = _only_features(tower(ids))
        return features
    if not _is_causal(tower) or ids.shape[1] == tower.positional_embedding.shape[0]:
        return _only_features(model.encode_text(ids))  # type: ignore[operator]
    length = ids.shape[1]
    cast = tower.transformer.get_cast_dtype()
    x = tower.token_embedding(ids).to(cast) + tower.positional_embedding[:length].to(cast)
    x = tower.transformer(x, attn_mask=tower.attn_mask[:length, :length])
    x = tower.ln_final(x)  # (b, t, width)
    pooled = x[torch.arange(len(x), device=x.device), _eot(tower, ids)]  # (b, width)
    projection = tower.text_projection
    if projection is None:
        return pooled
    if isinstance(projection, nn.Linear):
        return projection(pooled)
    return pooled @ projection


def shortened(model: nn.Module, ids: Tensor) -> Tensor:
    """ids (b, t) -> (b, t' <= t): the positions that the features depend on."""
    tower: Any = getattr(model, "text", model)
    if _is_hf(tower):
        used = (ids != tower.config.pad_token_id).any(0)
    elif _is_causal(tower):
        used = torch.zeros(ids.shape[1], dtype=torch.bool, device=ids.device)
        used[: int(_eot(tower, ids).max()) + 1] = True
    else:
        return ids
    return ids[:, : max(int(used.nonzero().max()) + 1, 1)] if bool(used.any()) else ids[:, :1]


def _is_hf(tower: Any) -> bool:
    return hasattr(tower, "config") and hasattr(tower, "pooler")


def _is_causal(tower: Any) -> bool:
    return (
        getattr(tower, "attn_mask", None) is not None
        and getattr(tower, "cls_emb", None) is None
        and _pool(tower) in ("argmax", "eos")
        and not getattr(tower, "output_tokens", False)
        and hasattr(tower, "token_embedding")
    )


def _pool(tower: Any) -> str:
    return str(getattr(tower, "text_pool_type", getattr(tower, "pool_type", "")))


def _eot(tower: Any, ids: Tensor) -> Tensor:
    """Index (b,) of the position that is pooled."""
    if _pool(tower) == "argmax":
        return ids.argmax(dim=-1)
    eos = getattr(tower, "text_eos_id", None)
    eos = getattr(tower, "eos_id", None) if eos is None else eos
    assert isinstance(eos, int)
    return (ids == eos).to(torch.int32).argmax(dim=-1)


def _only_features(out: Any) -> Tensor:
    return out[0] if isinstance(out, tuple) else out
