"""Made-up pictures, plots, diagrams and tables as HTML, for the made-up journals' benchmark."""

from __future__ import annotations

import base64
import io
import math
from random import Random

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["NOUNS", "figure_html", "mosaic", "table_html"]

NOUNS = (
    "control",
    "treated",
    "dose",
    "time",
    "cells",
    "mean",
    "ratio",
    "score",
    "depth",
    "weight",
    "length",
    "signal",
    "model",
    "error",
    "group",
    "baseline",
    "site",
    "tumour",
    "wild-type",
    "mutant",
    "sample",
    "frequency",
    "count",
    "level",
    "index",
    "patients",
    "protein",
    "rate",
)


def mosaic(random: Random, width: int, height: int) -> str:
    """A picture of random kind as a data URL, width by height pixels."""
    noise = np.random.default_rng(random.randrange(2**32))
    kind = random.choice(("micro", "light", "gel", "chart", "panels"))
    small = noise.random((max(height // 12, 2), max(width // 12, 2), 3))
    picture = np.asarray(
        Image.fromarray((small * 255).astype(np.uint8)).resize((width, height), Image.BICUBIC)
    ).copy()
    if kind == "micro":
        picture = (picture * np.array([0.1, 0.7, 0.2])).astype(np.uint8)
    elif kind == "gel":
        picture = np.repeat(picture[:, :, :1] // 2 + 90, 3, axis=2)
    elif kind in ("chart", "panels"):
        picture[:] = 255
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    if kind == "chart" and min(width, height) > 60:
        draw.line((30, 8, 30, height - 20, width - 8, height - 20), fill=0, width=2)
        for at in range(6):
            x = 45 + at * max(width - 70, 6) // 6
            tall = random.randrange(10, max(height - 40, 11))
            colour = tuple(noise.integers(0, 220, 3).tolist())
            draw.rectangle(
                (x, height - 20 - tall, x + max(width - 70, 9) // 9, height - 20), colour
            )
            draw.text((x, height - 16), random.choice(NOUNS)[:6], fill=0)
    if kind == "panels" and min(width, height) > 60:
        for at, letter in enumerate("ABCD"):
            x, y = at % 2 * width // 2, at // 2 * height // 2
            patch = noise.integers(0, 255, (height // 2 - 14, width // 2 - 14, 3), dtype=np.uint8)
            image.paste(Image.fromarray(patch // 2), (x + 10, y + 12))
            draw.text((x + 1, y), letter, fill=0)
    data = io.BytesIO()
    if random.random() < 0.6:
        image.save(data, "JPEG", quality=60)
        return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode()
    image.save(data, "PNG")
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


def figure_html(random: Random, width: float, height: float) -> str:
    """A figure of random kind that fills width by height points."""
    kind = random.choices(
        ("picture", "tiles", "plot", "plots", "diagram", "forest", "tree", "alignment"),
        (5, 2, 3, 3, 3, 1, 1, 1),
    )[0]
    if kind == "picture":
        source = mosaic(random, int(width), int(height))
        return f'<img src="{source}" style="width:{width}pt;height:{height}pt;display:block">'
    if kind == "tiles":
        return _tiles(random, width, height)
    drawn = {
        "plot": lambda: _plot(random, 0, 0, width, height),
        "plots": lambda: _plots(random, width, height),
        "diagram": lambda: _diagram(random, width, height),
        "forest": lambda: _forest(random, width, height),
        "tree": lambda: _tree(random, width, height),
        "alignment": lambda: _alignment(random, width, height),
    }[kind]()
    font = random.choice(("Liberation Sans", "Liberation Sans", "Liberation Serif", "DejaVu Sans"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'style="width:{width}pt;height:{height}pt;display:block;font-family:{font}">{drawn}</svg>'
    )


def _tiles(random: Random, width: float, height: float) -> str:
    """Several pictures with letters beside, as one figure."""
    across = random.choice((2, 2, 3)) if width > 150 else 1
    down = 2 if height > 120 else 1
    gap = random.choice((2, 5, 10))
    w, h = (width - gap * (across - 1)) / across, (height - gap * (down - 1)) / down
    cells = []
    for at in range(across * down):
        letter = ""
        top = h
        if random.random() < 0.7:
            top = h - 12
            letter = f'<div style="font:bold 9pt/12pt Liberation Sans">{"ABCDEF"[at]}</div>'
        source = mosaic(random, int(w), int(top))
        left, up = at % across * (w + gap), at // across * (h + gap)
        cells.append(
            f'<div style="position:absolute;left:{left}pt;top:{up}pt">{letter}'
            f'<img src="{source}" style="width:{w}pt;height:{top}pt;display:block"></div>'
        )
    return (
        f'<div style="position:relative;width:{width}pt;height:{height}pt">{"".join(cells)}</div>'
    )


def _text(x: float, y: float, words: str, size: float = 7, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" {more}>{words}</text>'


def _plot(random: Random, x: float, y: float, w: float, h: float) -> str:
    """Axes with ticks, names, curves, points or bars, and a legend."""
    left, foot = x + 30, y + h - 26
    right, top = x + w - 4, y + random.choice((4, 14))
    parts = [
        f'<path d="M{left} {top}V{foot}H{right}" fill="none" stroke="black" stroke-width=".7"/>'
    ]
    if random.random() < 0.3:
        parts.append(
            f'<rect x="{left}" y="{top}" width="{right - left}" height="{foot - top}" '
            'fill="#eee" stroke="black" stroke-width=".5"/>'
        )
    for at in range(5):
        tx, ty = left + (right - left) * at / 5, foot - (foot - top) * at / 5
        parts.append(f'<path d="M{tx:.1f} {foot}v3M{left} {ty:.1f}h-3" stroke="black"/>')
        parts.append(_text(tx, foot + 10, str(at * 20), 6, 'text-anchor="middle"'))
        parts.append(_text(left - 4, ty + 2, f"{at / 5:.1f}", 6, 'text-anchor="end"'))
    names = [" ".join(random.sample(NOUNS, 2)).capitalize() for _ in range(2)]
    parts.append(_text((left + right) / 2, foot + 21, names[0], 7, 'text-anchor="middle"'))
    mid = (top + foot) / 2
    turn = f'text-anchor="middle" transform="rotate(-90 {x + 8} {mid})"'
    parts.append(_text(x + 8, mid, names[1], 7, turn))
    for curve in range(random.randrange(1, 4)):
        colour = random.choice(("black", "red", "#06c", "#393", "#b60"))
        phase, steep = random.random() * 6, random.random() * 0.1
        xs = [left + (right - left) * t / 30 for t in range(31)]
        ys = [
            foot
            - (foot - top)
            * min(max(0.5 + 0.3 * math.sin(phase + t * 0.2) + steep * (t - 15) / 5, 0.02), 0.98)
            for t in range(31)
        ]
        match random.randrange(3):
            case 0:
                line = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(xs, ys, strict=True))
                parts.append(f'<path d="{line}" fill="none" stroke="{colour}"/>')
            case 1:
                parts += [
                    f'<circle cx="{a:.1f}" cy="{b:.1f}" r="1.5" fill="{colour}"/>'
                    for a, b in zip(xs, ys, strict=True)
                ]
            case _:
                parts += [
                    f'<rect x="{a:.1f}" y="{b:.1f}" width="{w / 45:.1f}" '
                    f'height="{foot - b:.1f}" fill="{colour}"/>'
                    for a, b in list(zip(xs, ys, strict=True))[:-1:3]
                ]
        parts.append(_text(right - 45, top + 8 + 9 * curve, random.choice(NOUNS), 6))
    return "".join(parts)


def _plots(random: Random, width: float, height: float) -> str:
    across = 2 if width < 330 else random.choice((2, 3))
    down = 2 if height > 170 else 1
    w, h = width / across, height / down
    parts = []
    for at in range(across * down):
        x, y = at % across * w, at // across * h
        parts.append(_text(x + 1, y + 9, "abcdefgh"[at], 10, 'font-weight="bold"'))
        parts.append(_plot(random, x + 8, y + 10, w - 14, h - 12))
    return "".join(parts)


def _diagram(random: Random, width: float, height: float) -> str:
    """Boxes of words with arrows between them, as in flow charts of trials."""
    down = max(2, int(height // 55))
    across = random.choice((1, 2, 2)) if width < 300 else random.choice((2, 3))
    w, h = width / across, height / down
    colour = random.choice(("none", "none", "#dde8f5", "#f6efe0"))
    parts = []
    for at in range(across * down):
        x, y = at % across * w, at // across * h
        parts.append(
            f'<rect x="{x + 1}" y="{y + 1}" width="{w - 12}" height="{h - 16}" '
            f'fill="{colour}" stroke="black" stroke-width=".7"/>'
        )
        for line in range(max(1, int((h - 22) // 9))):
            words = " ".join(random.sample(NOUNS, 3)) + f" (n = {random.randrange(999)})"
            parts.append(_text(x + 5, y + 11 + 9 * line, words[: int(w / 4.2)], 7))
        if at // across < down - 1:
            parts.append(f'<path d="M{x + w / 2} {y + h - 15}v12" stroke="black"/>')
    return "".join(parts)


def _forest(random: Random, width: float, height: float) -> str:
    """Studies in rows with their intervals: a figure that looks like a table."""
    rows = int(height // 11)
    parts = [_text(2, 8, "Study"), _text(width - 70, 8, "OR (95% CI)")]
    for at in range(1, rows):
        y = 11 * at + 8
        name = f"{random.choice(NOUNS).capitalize()} et al {random.randrange(1990, 2020)}"
        middle = width * (0.45 + 0.2 * random.random())
        parts += [
            _text(2, y, name),
            f'<path d="M{middle - 20:.1f} {y - 2}h40" stroke="black"/>',
            f'<rect x="{middle - 3:.1f}" y="{y - 5}" width="6" height="6"/>',
            _text(width - 70, y, f"{random.random():.2f} (0.{at:02}, 1.{at:02})"),
        ]
    parts.append(f'<path d="M{width * 0.55} 12V{height - 2}" stroke="black"/>')
    return "".join(parts)


def _tree(random: Random, width: float, height: float) -> str:
    parts = []
    for at in range(int(height // 10)):
        y, x = 10 * at + 6, width * (0.15 + 0.35 * random.random())
        parts.append(f'<path d="M{x:.1f} {y}H{width * 0.6}M{x:.1f} {y}v10" stroke="black"/>')
        name = f"{random.choice(NOUNS).capitalize()} {random.choice(NOUNS)} AB{at:05}"
        parts.append(_text(width * 0.61, y + 2, name[: int(width / 9)], 7, 'font-style="italic"'))
    return "".join(parts) + f'<path d="M2 {height / 2}h{width * 0.15}" stroke="black"/>'


def _alignment(random: Random, width: float, height: float) -> str:
    """Rows of sequence letters: a figure of nothing but words, some on coloured ground."""
    parts = []
    letters = int((width - 50) // 4.3)
    for at in range(int(height // 10)):
        if at % 5 == 4:
            continue
        row = "".join(random.choice("ACDEFGHIKLMNPQRSTVWY-") for _ in range(letters))
        for _ in range(3):
            x = 50 + 4.3 * random.randrange(letters - 3)
            parts.append(f'<rect x="{x}" y="{10 * at}" width="12" height="9" fill="#fd8"/>')
        parts.append(_text(1, 10 * at + 7, f"{random.choice(NOUNS)[:7]}"))
        parts.append(_text(50, 10 * at + 7, row, 7, 'font-family="Liberation Mono"'))
    return "".join(parts)


def table_html(random: Random, width: float, look: str, words: list[str]) -> str:
    """A table as wide as this. look: book, grid, shaded, plain, heads."""
    columns = max(3, min(7, int(width // 65)))
    rows = random.randrange(4, 13)
    text_table = random.random() < 0.2
    size = random.choice((6.5, 7, 7.5, 8, 8.5))

    def cell(row: int, column: int) -> str:
        if row == 0:
            return " ".join(random.sample(NOUNS, 2)).capitalize()
        if column == 0:
            return " ".join(random.sample(NOUNS, random.randrange(1, 3))).capitalize()
        if text_table:
            start = random.randrange(max(len(words) - 12, 1))
            return " ".join(words[start : start + random.randrange(3, 12)])
        return random.choice(
            (f"{random.random() * 90:.2f}", f"{random.randrange(400)} (4.{row}%)", "–", "<0.001")
        )

    borders = {
        "book": "tr:first-child td{border-top:1pt solid;border-bottom:.5pt solid}"
        "tr:last-child td{border-bottom:1pt solid}",
        "grid": "td{border:.5pt solid}",
        "shaded": "tr:nth-child(odd) td{background:#e4ecf4}tr:first-child td{background:#9bc}",
        "plain": "tr:first-child td{font-weight:bold}",
        "heads": "tr:first-child td{border-bottom:.7pt solid;border-top:2pt solid #369}"
        "tr:last-child td{border-bottom:.7pt solid}",
    }[look]
    name = f"t{random.randrange(10**9)}"
    rules = "".join(f".{name} {rule}}}" for rule in borders.split("}") if rule)
    body = "".join(
        "<tr>" + "".join(f"<td>{cell(row, column)}</td>" for column in range(columns)) + "</tr>"
        for row in range(rows)
    )
    return (
        f"<style>{rules}.{name} td{{padding:1.5pt 4pt 1.5pt 2pt;text-align:left;"
        f"vertical-align:top}}</style>"
        f'<table class="{name}" style="border-collapse:collapse;width:{width}pt;'
        f'font-size:{size}pt;line-height:1.2;text-align:left">{body}</table>'
    )
