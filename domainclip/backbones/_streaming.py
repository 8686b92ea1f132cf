"""Images of any kind as a stream of batches, and a model's forward without gradient or dropout."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from domainclip.errors import UsageError

__all__ = [
    "default_autocast",
    "image_batches",
    "inference",
    "prefer_channels_last",
    "text_batches",
]

# positions in a forward pass on a CPU, for each of its threads: more gain nothing there, and texts
# of one pass are filled up to its longest. Measured on the windows of 100 OpenI reports, one core,
# against passes of 256 texts: embedded 3.1 -> 2.1 s, ViT-B-32 9.3 -> 6.5 s
_CPU_POSITIONS = 2048


def image_batches(
    images: Any, preprocess: Callable[[Any], Tensor], batch_size: int
) -> Iterator[Tensor]:
    """Batches (b, 3, h, w) of a tensor of preprocessed images, or of any iterable of pictures.

    Pictures are decoded in threads, one batch ahead of the one that is handed out. Raises
    UsageError for what is no collection of images.
    """
    if batch_size < 1:
        raise UsageError(f"batch_size is {batch_size}, and must be at least 1.")
    if isinstance(images, Tensor):
        if images.ndim != 4 or images.shape[1] != 3:
            raise UsageError(
                "a tensor of images is preprocessed and has shape (n, 3, h, w); this one has "
                f"{tuple(images.shape)}."
            )
        yield from torch.split(images, batch_size) if len(images) else ()
        return
    single = isinstance(images, (str, bytes, Path, Image.Image)) or (
        isinstance(images, np.ndarray) and images.ndim < 4
    )
    if single or not isinstance(images, Iterable):
        raise UsageError(f"images are a list of pictures, and this is a {type(images).__name__}.")

    def one(picture: Any) -> Tensor:
        return picture if isinstance(picture, Tensor) else preprocess(picture)

    stream = iter(images)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        ahead = [pool.submit(one, picture) for picture in islice(stream, batch_size)]
        while ahead:
            ready = ahead
            ahead = [pool.submit(one, picture) for picture in islice(stream, batch_size)]
            yield torch.stack([future.result() for future in ready])


def text_batches(lengths: Tensor, batch_size: int, device: torch.device) -> Iterator[Tensor]:
    """Rows of texts in batches, the shortest first. lengths: (n,) positions that each takes.

    On a CPU a batch also ends where it would take more positions than pay. Raises UsageError.
    """
    if batch_size < 1:
        raise UsageError(f"batch_size is {batch_size}, and must be at least 1.")
    order = lengths.argsort(stable=True)
    most = torch.get_num_threads() * _CPU_POSITIONS if device.type == "cpu" else None
    start = 0
    for at, length in enumerate(lengths[order].tolist()):
        rows = at - start
        if rows and (rows == batch_size or (most is not None and (rows + 1) * length > most)):
            yield order[start:at]
            start = at
    if len(order):
        yield order[start:]


@contextmanager
def inference(model: nn.Module, autocast: torch.dtype | None) -> Iterator[None]:
    """Eval mode, no gradient, mixed precision where asked for; every module's mode comes back."""
    device = next(model.parameters()).device
    training = [module for module in model.modules() if module.training]
    model.eval()
    cast = torch.autocast(device.type, autocast) if autocast is not None else nullcontext()
    try:
        with torch.inference_mode(), cast:
            yield
    finally:
        for module in training:
            module.training = True


def prefer_channels_last(model: nn.Module) -> None:
    """Lay out a convolutional image tower so that it is faster: see benchmarks/train_step.py."""
    tower = getattr(model, "visual", None)
    if tower is not None and sum(isinstance(m, nn.Conv2d) for m in tower.modules()) > 4:
        tower.to(memory_format=torch.channels_last)


def default_autocast(device: torch.device, dtype: torch.dtype) -> torch.dtype | None:
    """bfloat16 (float16 on older cards) for float32 weights on a GPU; None elsewhere."""
    if device.type != "cuda" or dtype != torch.float32:
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float16
