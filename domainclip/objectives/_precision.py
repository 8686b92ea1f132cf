"""Objectives compute in single precision, whatever the towers do.

Logits are cosines times a scale of up to 100, which bfloat16 knows in steps of 1/8 from 16 on and
of 1/2 from 64 on. So features are brought to float32 before an objective sees them, and autocast is
off while it runs; beside the towers it is little work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec

import torch
from torch import Tensor

from domainclip.backbones._unit import widened

__all__ = ["single_precision"]

P = ParamSpec("P")


def single_precision(call: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """The same call of an objective, or objective, on features in any precision."""

    @wraps(call, updated=())
    def inside(*features: P.args, **more: P.kwargs) -> Tensor:
        wide: Any = [_wide(value) for value in features]
        given: Any = {name: _wide(value) for name, value in more.items()}
        device = next((z.device.type for z in wide if isinstance(z, Tensor)), "cpu")
        with _no_autocast(device):
            return call(*wide, **given)

    return inside


@contextmanager
def _no_autocast(device: str) -> Iterator[None]:
    default = torch.get_default_dtype()  # Lightning's bf16-true has another
    torch.set_default_dtype(torch.promote_types(default, torch.float32))
    try:
        with torch.autocast(device, enabled=False):
            yield
    finally:
        torch.set_default_dtype(default)


def _wide(value: Any) -> Any:
    """Features, also within a tuple, in float32 where they are in less; anything else as it is."""
    if isinstance(value, tuple):
        return tuple(_wide(each) for each in value)
    return widened(value) if isinstance(value, Tensor) and value.is_floating_point() else value
