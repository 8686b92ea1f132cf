"""The code of the documents runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from PIL import Image

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_a_loop_of_ones_own() -> None:
    [code] = re.findall(r"```python\n(.*?)```", (DOCS / "objectives.md").read_text(), re.DOTALL)
    colours = ["red", "green", "blue", "white"]
    images = [Image.new("RGB", (40, 30), colour) for colour in colours]
    captions = [f"a {colour} surface, " + "and nothing else " * 60 for colour in colours]
    program = compile(code, "docs/objectives.md", "exec")
    losses = []
    for steps in (1, 4):
        names: dict[str, Any] = {"batches": [(images, captions)] * steps}
        exec(program, names)
        losses.append(float(names["loss"].detach()))
    assert losses[1] < losses[0] - 0.1
