"""Folders of plain colours as classes, and the rows that a benchmark gives of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from domainclip.evaluation._benchmark_table import Row

__all__ = ["COLOURS", "make_tree", "parts"]

COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200), "white": (230,) * 3}


def make_tree(folder: Path, colours: tuple[str, ...], seed: int = 0, count: int = 10) -> Path:
    noise = np.random.default_rng(seed)
    for name in colours:
        (folder / name).mkdir(parents=True)
        for i in range(count):
            pixels = np.array(COLOURS[name]) + noise.integers(-30, 30, (16, 16, 3))
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / name / f"{i}.png")
    return folder


def parts(rows: tuple[Row, ...], **wanted: object) -> dict[str, float | None]:
    return {
        f"{r.part} {r.metric}".strip(): r.value
        for r in rows
        if all(getattr(r, key) == value for key, value in wanted.items())
    }
