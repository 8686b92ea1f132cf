"""What a head is: it reads features (n, d) and class texts (c, d), and never sees pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self

import numpy as np
import torch
from torch import Tensor

from domainclip.errors import BadInput

__all__ = ["Head", "as_features", "as_labels", "checked"]


class Head(Protocol):
    """A dataclass whose fields are its options.

    ``validation`` (features, labels) chooses hyperparameters; without it a part of the support set
    does. Test features never do.
    """

    def fit(
        self,
        features: Any,
        labels: Any,
        class_text: Any,
        validation: tuple[Any, Any] | None = None,
    ) -> Self: ...
    def logits(self, features: Any) -> Tensor: ...
    def state(self) -> dict[str, Tensor]: ...
    def load_state(self, state: Mapping[str, Tensor]) -> None: ...


def as_features(values: Any, name: str = "features", width: int | None = None) -> Tensor:
    """An array or tensor (n, d) as a float32 tensor on the CPU.

    width: d of the features that a head was fitted on. Raises BadInput.
    """
    tensor = _tensor(values, name).float()
    if tensor.ndim != 2:
        raise BadInput(f"{name} have shape {tuple(tensor.shape)}, and must be (n, d).")
    if width is not None and tensor.shape[1] != width:
        raise BadInput(
            f"{name} have width {tensor.shape[1]}, and this head was fitted on width {width}: "
            "encode them with the backbone that it was fitted with."
        )
    # the sum is finite only where all values are; looked at one by one only where it isn't
    if not bool(tensor.sum().isfinite()) and not bool(torch.isfinite(tensor).all()):
        raise BadInput(f"{name} hold values that are not finite.")
    return tensor


def as_labels(values: Any) -> Tensor:
    """Class indices (n,) as a long tensor on the CPU. Raises BadInput."""
    tensor = _tensor(values, "labels")
    if tensor.ndim != 1:
        raise BadInput(f"labels have shape {tuple(tensor.shape)}, and must be (n,).")
    if not torch.equal(tensor, tensor.long().to(tensor.dtype)):
        raise BadInput("labels must be class indices: whole numbers from 0.")
    return tensor.long()


def checked(features: Any, labels: Any, class_text: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The three as tensors that fit together. Raises BadInput naming what does not."""
    z, y, w = as_features(features), as_labels(labels), as_features(class_text, "class texts")
    if len(z) != len(y):
        raise BadInput(f"{len(z)} features and {len(y)} labels: there must be one label a feature.")
    if z.shape[1] != w.shape[1]:
        raise BadInput(f"features have width {z.shape[1]} and class texts {w.shape[1]}.")
    if len(y) and (int(y.min()) < 0 or int(y.max()) >= len(w)):
        raise BadInput(
            f"labels lie between {int(y.min())} and {int(y.max())}, and there are {len(w)} classes."
        )
    return z, y, w


def _tensor(values: Any, name: str) -> Tensor:
    try:
        if isinstance(values, list | tuple) and values and isinstance(values[0], Tensor):
            values = torch.stack(list(values))
        if isinstance(values, np.ndarray) and not _shared(values):
            values = values.astype(values.dtype.newbyteorder("="), order="C")
        tensor = torch.as_tensor(values).detach().cpu()
        # what was made in inference mode cannot be trained on; a copy can
        inside = torch.is_inference_mode_enabled()
        return tensor.clone() if tensor.is_inference() and not inside else tensor
    except (TypeError, ValueError) as error:
        raise BadInput(f"{name} must be an array or tensor of numbers: {error}.") from error


def _shared(array: np.ndarray) -> bool:
    """Whether torch can look at the array as it is: not a mirrored, foreign or read-only one."""
    return array.flags.writeable and array.dtype.isnative and min(array.strides, default=0) >= 0
