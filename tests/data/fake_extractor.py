"""An extractor for the engine's tests: folders of PNG files, and names that misbehave on request.

``count:N`` as a root lists N sources without a file, each giving one tiny pair.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, UnidentifiedImageError

from domainclip.errors import BadInput, MissingExtra
from domainclip.extraction.protocol import Source
from domainclip.pairs.schema import Pair, Skip

__all__ = ["Folder"]


@dataclass(frozen=True)
class Folder:
    """Pairs from PNG files under a folder; the caption is the file's stem.

    caption: what stands before the stem. smallest_px: smaller images are left out.
    mode: how to read. tags: given to every pair. delay_s: seconds that every source takes.
    """

    caption: str = "a picture of"
    smallest_px: int = 4
    mode: Literal["rgb", "grey"] = "rgb"
    tags: tuple[str, ...] = ()
    delay_s: float = 0.0
    keep_path: bool = True
    index: Path | None = None

    version = "1"

    def sources(self, root: str) -> Iterator[Source]:
        if root.startswith("count:"):
            for number in range(int(root[6:])):
                yield Source(f"n{number:07d}", "", (("number", number),))
            return
        for path in Path(root).rglob("*.png"):
            yield Source(path.relative_to(root).as_posix(), str(path))

    def pairs(self, source: Source) -> Iterator[Pair | Skip]:
        if self.delay_s:
            time.sleep(self.delay_s)
        if not source.path:
            yield Pair(key=source.name, image=b"x", text="trivial", width=1, height=1)
            return
        _misbehave(source)
        encoded = Path(source.path).read_bytes()
        try:
            width, height = Image.open(BytesIO(encoded)).size
        except UnidentifiedImageError:
            yield Skip(where=source.name, reason="corrupt_image", detail="Not an image.")
            return
        if min(width, height) < self.smallest_px:
            yield Skip(where=source.name, reason="too_small", quarantine=False)
            return
        stem = Path(source.path).stem
        yield Pair(
            key=source.name,
            image=encoded,
            text=f"{self.caption} {stem}",
            width=width,
            height=height,
            labels=self.tags,
            source="folder 1",
        )
        if stem.startswith("late"):
            raise ValueError("failed after a pair")


def _misbehave(source: Source) -> None:
    stem = Path(source.path).stem
    if stem.startswith("segfault"):
        ctypes.string_at(0)
    if stem.startswith("once") and not Path(source.path).with_suffix(".tried").exists():
        Path(source.path).with_suffix(".tried").touch()
        ctypes.string_at(0)
    if stem.startswith("exit"):
        os._exit(3)
    if stem.startswith("hang"):
        any(itertools.repeat(0))  # endless native code that holds the interpreter lock
    if stem.startswith("sleep"):
        time.sleep(600)
    if stem.startswith("swell"):
        held = [np.ones(1 << 22) for _ in range(300)]  # 32 MB each
        time.sleep(len(held))
    if stem.startswith("raise"):
        raise ValueError("x" * 500)
    if stem.startswith("refuse"):
        raise BadInput(f"{source.name}: " + "a long sentence that is kept whole " * 20)
    if stem.startswith("missing"):
        raise MissingExtra("papers", "pymupdf")


def write_png(path: Path, number: int = 0, size: int = 8) -> Path:
    """A PNG of noise at ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (size, size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path
