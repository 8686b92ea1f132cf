"""What stays in single precision where a tower is cast to half (``bf16-true``).

Weights of an objective's own, what it keeps (queues, running means) and averages of a model: a
decay of 0.996 is 1 in bfloat16.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

__all__ = ["in_half", "stays_single"]


def stays_single(module: nn.Module) -> nn.Module:
    """The same module, whose weights a cast of its parent moves to a device but not to half."""
    module._apply = partial(_moved, module)  # type: ignore[method-assign]
    return module


@contextmanager
def in_half(x: Tensor) -> Iterator[Tensor]:
    """x as a model in float32 reads it as fast as one in the precision of x."""
    if x.dtype.itemsize >= 4:
        yield x
        return
    with torch.autocast(x.device.type, x.dtype):
        yield x.float()


def _moved(module: nn.Module, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
    def move(z: Tensor) -> Tensor:
        new = fn(z[:0] if z.ndim else z)
        return fn(z) if new.dtype.itemsize >= 4 else z.to(new.device)

    moved: nn.Module = type(module)._apply(module, move, recurse)  # type: ignore[no-untyped-call]
    return moved
