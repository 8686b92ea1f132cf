"""Singular values and vectors of weights, computed once for a backbone and kept on disk.

W (o, i) = U diag(s) Vᵀ, thin, float32, s falling. Computed on the CPU whatever the weight's device,
and each u_k has its largest entry positive, so that fresh and kept factors are the same ones.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from domainclip.backbones._tensor_file import save_tensors
from domainclip.backbones.cache import cache_folder

__all__ = ["Factors", "factors", "factors_folder"]

Factors = tuple[Tensor, Tensor, Tensor]  # U (o, r), s (r,), Vᵀ (r, i)
# Below this many entries a decomposition takes about as long as reading it would.
_SMALL = 1 << 15


def factors_folder(weights_hash: str) -> Path:
    """Where those of a backbone are kept: in DOMAINCLIP_CACHE, by default ~/.cache/domainclip."""
    return cache_folder() / "svd" / weights_hash[:32]


def factors(weight: Tensor, path: Path | None) -> Factors:
    """Those of a weight (o, ...), read as (o, i); from the file ``path``, which is made if absent.

    A file that cannot be read or does not fit is made anew; a cache that cannot be written is done
    without. path: None neither reads nor writes.
    """
    matrix = weight.detach().float().cpu().flatten(1)
    if path is None or matrix.numel() < _SMALL:
        return _decomposed(matrix)
    found = _read(path, matrix)
    if found is None:
        found = _decomposed(matrix)
        _write(path, found)
    return found


def _decomposed(matrix: Tensor) -> Factors:
    u, s, vt = torch.linalg.svd(matrix, full_matrices=False)
    signs = u.gather(0, u.abs().argmax(0, keepdim=True)).sign()  # (1, r)
    return u * signs, s, vt * signs.T


def _read(path: Path, matrix: Tensor) -> Factors | None:
    height, width = matrix.shape
    rank = min(height, width)
    try:
        found = load_file(path)
        u, s, vt = found["u"], found["s"], found["vt"]
    except (OSError, SafetensorError, KeyError):
        return None
    fits = (u.shape, s.shape, vt.shape) == ((height, rank), (rank,), (rank, width))
    return (u, s, vt) if fits else None


def _write(path: Path, found: Factors) -> None:
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tensors = dict(zip(("u", "s", "vt"), (t.contiguous() for t in found), strict=True))
        save_tensors(tensors, temporary)
        temporary.replace(path)
    except (OSError, SafetensorError):
        return  # a full disk costs time, not the run
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
