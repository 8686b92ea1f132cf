"""Features of unit length, in a precision that carries it."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

__all__ = ["unit", "widened"]


def unit(z: Tensor) -> Tensor:
    """Rows of unit length; half precision is widened, where a norm would lose three digits."""
    return functional.normalize(widened(z), dim=-1)


def widened(z: Tensor) -> Tensor:
    """Half precision as float32, anything else as it is."""
    return z.float() if z.dtype.itemsize < 4 else z
