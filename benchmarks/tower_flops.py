"""FLOPs and memory of a backbone's two towers, counted on a CPU: of a pair, and what is there once.

torch.utils.flop_counter counts products, convolutions and attention; hooks on what autograd keeps
count activations; a dispatch mode follows what is alive in a forward pass alone.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

from domainclip.training.thrift import switch_patch_dropout, thrift

__all__ = ["Counted", "count"]


@dataclass(frozen=True)
class Counted:
    """Of a pair: FLOPs and activation bytes of each tower, forward and backward together, and
    FLOPs of the forward pass alone; of a class instead of a text where the objective is over
    classes. once: bytes that a step keeps besides, whatever its batch. live: of an image, bytes
    alive at once in a forward pass alone. Weights and those that train, in bytes."""

    image_flops: float
    text_flops: float
    image_forward: float
    text_forward: float
    image_bytes: float
    text_bytes: float
    once: float
    live: float
    weights: int
    trained: int


def count(
    backbone: Any, settings: Any, *, image_px: int, rows: int = 1,
    templates: Sequence[str] | None = None,
) -> Counted:  # fmt: skip
    """Run both towers of a backbone whose trained weights require gradients. templates: of class
    texts, for an objective over classes; None for captions as long as the context."""

    def images(n: int) -> Tensor:
        return torch.rand(n, 3, image_px, image_px)

    def captions(n: int) -> Tensor:
        ids: Tensor = backbone.tokenize(["word " * backbone.context_length] * n)
        return ids

    def classes(n: int) -> list[str]:
        return [f"some class {number:03d}" for number in range(n)]

    text = (backbone.text, captions)
    if templates is not None:
        text = (lambda names: backbone.class_text(names, templates)), classes
    found: list[float] = []
    once = 0.0
    with thrift(backbone.model, settings):
        switch_patch_dropout(backbone.model, on=True)
        for tower, make in ((backbone.image, images), text):
            few, many = (
                _step(tower, make(n), settings.precision, backbone) for n in (rows, 2 * rows)
            )
            each = [(more - less) / rows for less, more in zip(few, many, strict=True)]
            found += each
            once += max(0.0, few[2] - rows * each[2])
        switch_patch_dropout(backbone.model, on=False)
        live = (
            _peak(backbone.image, images(2 * rows)) - _peak(backbone.image, images(rows))
        ) / rows
    weights = list(backbone.model.parameters())
    return Counted(
        image_flops=found[0], image_forward=found[1], image_bytes=found[2],
        text_flops=found[3], text_forward=found[4], text_bytes=found[5],
        once=once, live=live,
        weights=sum(p.nbytes for p in weights),
        trained=sum(p.nbytes for p in weights if p.requires_grad),
    )  # fmt: skip


def _step(tower: Any, given: Any, precision: str, backbone: Any) -> tuple[float, float, float]:
    """(FLOPs forward and backward, FLOPs forward, bytes that autograd keeps)."""
    half = "bf16" in precision or "16" in precision.split("-")[0]
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        # the counter knows neither a CPU's own attention nor PyTorch's fused one of inference
        with sdpa_kernel(SDPBackend.MATH), _unfused():
            with FlopCounterMode(display=False) as forward, torch.no_grad():
                tower(given)
            with FlopCounterMode(display=False, custom_mapping=_CONVOLUTIONS) as both:
                _backward(tower(given))
        kept: dict[int, int] = {}
        weights = {p.untyped_storage().data_ptr() for p in backbone.model.parameters()}
        with _keeping(kept, weights):  # with it, as on a GPU: no matrix of all pairs of positions
            tower(given)
    return (
        float(both.get_total_flops()),
        float(forward.get_total_flops()),
        float(sum(kept.values())),
    )


def _convolution_backward(
    grad: Any, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any,
    transposed: bool, output_padding: Any, groups: int, mask: Sequence[bool], **_: Any,
) -> int:  # fmt: skip
    """PyTorch's own counts a depthwise convolution's weight gradient as that of a dense one."""
    forward = conv_flop_count(list(x), list(weight), list(grad), transposed)
    return forward * (int(mask[0]) + int(mask[1]))


_CONVOLUTIONS = {torch.ops.aten.convolution_backward: _convolution_backward}


@contextmanager
def _unfused() -> Iterator[None]:
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _backward(features: Tensor) -> None:
    if features.requires_grad:  # not of a tower that the adapter leaves alone
        features.float().sum().backward()


@contextmanager
def _keeping(kept: dict[int, int], weights: set[int]) -> Iterator[None]:
    """Bytes of each storage that autograd keeps, weights aside; two views of one count once."""
    held: list[Tensor] = []  # so that no address is used twice

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
            held.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield


def _peak(tower: Any, given: Tensor) -> int:
    """Bytes alive at once of what a forward pass makes."""
    live = _Live()
    with torch.no_grad(), live:
        tower(given)
    return live.most


class _Live(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        # what came in is not ours: an operation may return it, or a view of it
        self._known |= {each.untyped_storage().data_ptr() for each in tree_leaves((args, kwargs))
                        if isinstance(each, Tensor)} - self._known  # fmt: skip
        found = func(*args, **(kwargs or {}))
        for each in tree_leaves(found):
            if isinstance(each, Tensor):
                storage = each.untyped_storage()
                at, size = storage.data_ptr(), storage.nbytes()
                if at and at not in self._known:
                    self._known.add(at)
                    self.now += size
                    self.most = max(self.most, self.now)
                    weakref.finalize(storage, self._gone, at, size)
        return found

    def _gone(self, at: int, size: int) -> None:
        self._known.discard(at)
        self.now -= size
