"""What a filter is: it names the columns it reads and decides, row after row, what stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["Decision", "Filter"]

# a table of a filter's columns (n rows) -> (n,) bool, True for what stays; called on one table
# after the other in file order, so it may remember what it has seen
Decision: TypeAlias = Callable[[pa.Table], NDArray[np.bool_]]


class Filter(Protocol):
    """A frozen dataclass whose fields are its options."""

    @property
    def columns(self) -> tuple[str, ...]:
        """What it reads; a class variable, or what its options make of it. ``image`` only where
        the pictures themselves decide: all of them are then read."""
        ...

    def start(self) -> Decision:
        """A fresh decision, for one pass over some pairs."""
        ...
