"""A model's own tensors, wherever adapters put them, and the hashes that say which they are."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["PlainWeights", "StateHash", "hash_of"]

_SAMPLES = 8  # values of each tensor that tell whether it was written to


def hash_of(tensors: Mapping[str, Tensor]) -> str:
    """sha256 over tensors by name: names, dtypes, shapes and bytes, on whatever device they are.

    A hash of hashes, so that large models use all cores (sha256 runs outside Python's lock).
    """
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        digests = pool.map(_digest, *zip(*sorted(tensors.items()), strict=True))
        return hashlib.sha256(b"".join(digests)).hexdigest()


class PlainWeights:
    """The tensors that a model has when it is made, by their names of then."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._recorded: dict[str, Tensor] = dict(model.state_dict(keep_vars=True))

    def tensors(self) -> dict[str, Tensor]:
        """Those tensors as they are now, detached, without what adapters added."""
        return {name: self._now(name, tensor).detach() for name, tensor in self._recorded.items()}

    def are_all_of(self, state: Mapping[str, Tensor]) -> bool:
        """Whether a model's state is these tensors alone, so that no adapter is in it."""
        plain = self.tensors()
        return plain.keys() == state.keys() and all(
            tensor.data_ptr() == state[name].data_ptr() for name, tensor in plain.items()
        )

    def _now(self, name: str, recorded: Tensor) -> Tensor:
        if isinstance(recorded, nn.Parameter):
            return recorded  # adapters may move it, the object stays the same
        path, _, leaf = name.rpartition(".")  # a buffer is another object after a move to a device
        try:
            module = self._model.get_submodule(path)
        except AttributeError:
            return recorded
        found = module._buffers.get(leaf)
        return recorded if found is None else found


class StateHash:
    """The hash of all that a model holds now, computed again only when something was written."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._known: tuple[Any, str] | None = None

    def __call__(self) -> str:
        tensors = self._model.state_dict()
        state = _fingerprint(tensors)
        if self._known is None or self._known[0] != state:
            self._known = state, hash_of(tensors)
        return self._known[1]


def _digest(name: str, tensor: Tensor) -> bytes:
    values = tensor.detach().cpu().contiguous()
    digest = hashlib.sha256(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
    digest.update(values.reshape(-1).view(torch.uint8).numpy().data)
    return digest.digest()


def _fingerprint(tensors: Mapping[str, Tensor]) -> Any:
    """Changes with any training step, merge or cast: names, version counters, and some values of
    each tensor for writes through ``.data``, which no counter sees."""
    described = tuple(
        (name, str(t.dtype), 0 if t.is_inference() else t._version) for name, t in tensors.items()
    )
    sampled = [
        t.reshape(-1)[:: max(1, t.numel() // _SAMPLES)][: _SAMPLES + 1].double()
        for t in tensors.values()
    ]
    return described, torch.cat(sampled).cpu().numpy().tobytes()
