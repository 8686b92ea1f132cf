"""Writes extractors/papers/panels/glyphs.txt: how letters look in the fonts that papers use.

    python tests/data/make_panel_glyphs.py

One line a glyph: font, letter, width over height of its ink, and the ink's share (hexadecimal, 0 to
15) in 10 x 10 equal cells of its box, row by row. The fonts are free ones: Pillow's own (Aileron,
CC0, as it is and bold by a stroke) and those that matplotlib brings (DejaVu; STIX, cut like Times).
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

TARGET = Path(__file__).resolve().parents[2] / "extractors" / "papers" / "panels" / "glyphs.txt"
GLYPHS = string.ascii_uppercase + string.ascii_lowercase + string.digits
SIZE = 120
FONTS = {  # name: (file, stroke)
    "aileron": (None, 0),
    "aileron-bold": (None, 5),
    "dejavu-bold": ("DejaVuSans-Bold.ttf", 0),
    "stix": ("STIXGeneral.ttf", 0),
    "stix-bold": ("STIXGeneralBol.ttf", 0),
    "stix-italic": ("STIXGeneralItalic.ttf", 0),
}


def lines() -> Iterator[str]:
    """The file's lines."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name, (file, stroke) in FONTS.items():
        font = ImageFont.truetype(folder / file, SIZE) if file else ImageFont.load_default(SIZE)
        for glyph in GLYPHS:
            canvas = Image.new("L", (3 * SIZE, 3 * SIZE))
            ImageDraw.Draw(canvas).text((SIZE, SIZE), glyph, 255, font, stroke_width=stroke)
            ink = canvas.crop(canvas.getbbox())
            cells = np.asarray(ink.resize((10, 10), Image.Resampling.BOX), np.float64) / 17
            digits = "".join(f"{round(cell):x}" for cell in cells.ravel())
            yield f"{name} {glyph} {ink.width / ink.height:.3f} {digits}\n"


if __name__ == "__main__":
    TARGET.write_text("".join(lines()), encoding="ascii")
