"""Safetensors files that others may read, as far as the umask lets them."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

__all__ = ["save_tensors"]


def save_tensors(
    tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None
) -> None:
    """Write contiguous tensors that share no memory. Raises OSError, SafetensorError."""
    # safetensors writes to a temporary file, which only its owner may read, and renames that
    path.touch()
    mode = stat.S_IMODE(path.stat().st_mode)
    save_file(dict(tensors), path, dict(metadata) if metadata else None)
    path.chmod(mode)
