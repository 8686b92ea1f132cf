"""A map of predictions on tiles with geographic bounds: plate carree, drawn as one SVG."""

from __future__ import annotations

import base64
import colorsys
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from PIL import Image

from domainclip.backbones.pictures import to_rgb
from domainclip.errors import BadInput

__all__ = ["Place", "class_colours", "mosaic", "place_of", "world_map"]

_GEOGRAPHIC = ("EPSG:4326", "OGC:CRS84", "CRS84")
_MOST = 4000  # rectangles; beyond that a page is slow, and they cover each other
_STEPS = (1, 2, 5, 10, 15, 30, 45)  # degrees between lines of the graticule
_CANVAS = 1080  # pixels of the background across 360 degrees


@dataclass(frozen=True, slots=True)
class Place:
    """A tile: west, south, east, north in degrees, the class it has and the one it was given."""

    bounds: tuple[float, float, float, float]
    label: int
    said: int


def place_of(where: dict[str, Any]) -> tuple[float, float, float, float] | None:
    """Bounds in degrees, or None where ``where`` has none in a geographic CRS."""
    bounds, crs = where.get("bounds"), str(where.get("crs", "")).upper()
    if crs not in _GEOGRAPHIC or not isinstance(bounds, list | tuple) or len(bounds) != 4:
        return None
    west, south, east, north = map(float, bounds)
    return (west, south, east + 360 if east < west else east, north)


def class_colours(count: int) -> list[str]:
    """Hex colours that stay apart on a light and on a dark ground."""
    if count <= len(_PALETTE):
        return list(_PALETTE[:count])
    made = []
    for at in range(count):
        red, green, blue = colorsys.hls_to_rgb(at / count, (0.45, 0.6)[at % 2], 0.65)
        made.append(f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}")
    return made


def world_map(places: Sequence[Place], names: Sequence[str], background: bytes | None) -> str:
    """Tiles coloured by what was said of them, wrong ones outlined; background: see ``mosaic``."""
    drawn = _thinned(places)
    west, south, east, north = _extent(drawn)
    colours = class_colours(len(names))
    width, height = east - west, north - south
    thin = width / 700
    parts = [
        f'<svg class="map" viewBox="0 0 {width:g} {height:g}" role="img" '
        'aria-label="map of predictions" xmlns="http://www.w3.org/2000/svg">',
        f'<rect width="{width:g}" height="{height:g}" fill="var(--sea)"/>',
    ]
    if background is not None:
        data = base64.b64encode(background).decode()
        parts.append(
            f'<image href="data:image/png;base64,{data}" x="{-180 - west:g}" y="{north - 90:g}" '
            'width="360" height="180" opacity="0.45" preserveAspectRatio="none"/>'
        )
    parts.append(f'<g stroke="var(--line)" stroke-width="{thin:.3g}">')
    step = next((each for each in _STEPS if width / each <= 14), 60)
    size = width / 70
    labels = []
    for degree in range(int(np.ceil(west / step)) * step, int(east) + 1, step):
        parts.append(f'<path d="M{degree - west:g} 0V{height:g}"/>')
        if step < degree - west < width - step:
            labels.append(f'<text x="{degree - west:g}" y="{height - size * 0.4:g}" '
                          f'text-anchor="middle">{_compass(degree, "EW")}</text>')  # fmt: skip
    for degree in range(int(np.ceil(south / step)) * step, int(north) + 1, step):
        parts.append(f'<path d="M0 {north - degree:g}H{width:g}"/>')
        labels.append(f'<text x="{size * 0.3:g}" y="{north - degree - size * 0.3:g}">'
                      f'{_compass(degree, "NS")}</text>')  # fmt: skip
    parts.append(f'</g><g fill="var(--muted)" font-size="{size:g}">{"".join(labels)}</g>')
    # right ones first, so that wrong ones lie on top
    ordered = sorted(drawn, key=lambda place: place.said != place.label)
    parts += [_tile(place, names, colours, west, north, thin) for place in ordered]
    parts.append("</svg>")
    return "\n".join(parts)


def mosaic(tiles: Iterable[tuple[tuple[float, float, float, float], bytes]]) -> bytes | None:
    """The pictures of tiles at their places, as a small PNG of the whole earth; None of none."""
    canvas = Image.new("RGBA", (_CANVAS, _CANVAS // 2), (0, 0, 0, 0))
    scale, any_tile = _CANVAS / 360, False
    for (west, south, east, north), data in tiles:
        x0, x1 = round((west + 180) * scale), round((east + 180) * scale)
        y0, y1 = round((90 - north) * scale), round((90 - south) * scale)
        size = (max(1, x1 - x0), max(1, y1 - y0))
        try:
            picture = to_rgb(data).resize(size, Image.Resampling.BOX)
        except BadInput:
            continue
        canvas.paste(picture, (x0, y0))
        any_tile = True
    if not any_tile:
        return None
    # a palette of 64 colours: a fifth of the bytes, and it is only a ground to draw on
    buffer = io.BytesIO()
    canvas.quantize(64, method=Image.Quantize.FASTOCTREE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _tile(
    place: Place, names: Sequence[str], colours: Sequence[str], west: float, north: float,
    thin: float,
) -> str:  # fmt: skip
    w, s, e, n = place.bounds
    width, height = e - w, n - s
    # large tiles are drawn smaller than they are: those of a dense grid must not hide each other
    part = 0.6 if width > 20 * thin else 0.9
    x, y = w - west + width * (1 - part) / 2, north - n + height * (1 - part) / 2
    wrong = place.said != place.label
    told = f"{names[place.said]}, is {names[place.label]}" if wrong else f"{names[place.said]}"
    line = min(2.4 * thin, 0.2 * width)
    edge = f' stroke="var(--wrong)" stroke-width="{line:.3g}"' if wrong else ""
    return (
        f'<rect x="{x:.2f}" y="{y:.2f}" width="{width * part:.2f}" height="{height * part:.2f}" '
        f'fill="{colours[place.said]}"{edge}><title>{escape(told)}</title></rect>'
    )


def _thinned(places: Sequence[Place]) -> list[Place]:
    if len(places) <= _MOST:
        return list(places)
    return [places[at] for at in np.linspace(0, len(places) - 1, _MOST).astype(int)]


def _extent(places: Sequence[Place]) -> tuple[float, float, float, float]:
    """The tiles' own region with a margin; all longitudes where they span most of them."""
    box = np.array([place.bounds for place in places])
    west, south = box[:, 0].min(), box[:, 1].min()
    east, north = box[:, 2].max(), box[:, 3].max()
    margin = 0.05 * max(east - west, north - south, 1.0)
    south, north = max(-90.0, south - margin), min(90.0, north + margin)
    if east - west > 240:
        return -180.0, float(south), 180.0, float(north)
    return float(west - margin), float(south), float(east + margin), float(north)


def _compass(degree: int, letters: str) -> str:
    wrapped = (degree + 180) % 360 - 180 if letters == "EW" else degree
    return f"{abs(wrapped)}°{letters[wrapped < 0] if wrapped else ''}"


_PALETTE = (
    "#3b7dd8", "#e8863a", "#2f9e5b", "#d94f4f", "#8a63c9", "#9c6b4e", "#e377b5", "#7f8c8d",
    "#b5b52f", "#22b3c4", "#8fb8ec", "#f3bd8c", "#8fd3a6", "#f0a3a0", "#c3aee6", "#c9ab9a",
    "#f4bfdc", "#bdc4c5", "#dcdc8c", "#93dbe4",
)  # fmt: skip
