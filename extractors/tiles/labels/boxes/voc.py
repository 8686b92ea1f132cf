"""PASCAL VOC XML, one file an image, and DIOR-R's with oriented boxes.

bndbox is read as edges from the upper left corner of the image, as its writers of today mean it
(LabelImg, DeepForest, DIOR). VOC's own devkit counts pixels from 1 and includes the last, so its
boxes lie (1, 1, 0, 0) pixels off; no count changes by that. robndbox has four corners (DIOR-R) or
cx, cy, w, h and angle in radians (roLabelImg).
"""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import numpy as np

from domainclip.errors import BadInput

from .drawn import Drawing, Drawn
from .reading import Asked, bounded_bytes, number_of, sides_of

__all__ = ["image_of_voc", "read_voc"]

_EDGES = ("xmin", "ymin", "xmax", "ymax")
_CORNERS = (
    ("x_left_top", "y_left_top"), ("x_right_top", "y_right_top"),
    ("x_right_bottom", "y_right_bottom"), ("x_left_bottom", "y_left_bottom"),
)  # fmt: skip
_ROTATED = ("cx", "cy", "w", "h", "angle")
_LINE = "line"


def read_voc(path: Path, asked: Asked) -> Drawn:
    """The objects of one image. Raises BadInput naming the line."""
    root = _tree(path)
    drawing = Drawing()
    drawing.sides = sides_of(root.findtext("size/width"), root.findtext("size/height"))
    for entry in root.iter("object"):
        where = f"{path}:{entry.get(_LINE)}"
        name = asked.all_are or (entry.findtext("name") or entry.findtext("type") or "").strip()
        oriented = entry.find("robndbox")
        straight = entry.find("bndbox")
        rings = [] if oriented is None else _oriented(oriented, where)
        box = None
        if not rings and straight is not None:
            box = [number_of(straight.findtext(edge), where) for edge in _EDGES]
        drawing.add(name, box=box, rings=rings)
    return drawing.done(asked.categories, min_score=asked.min_score, where=str(path))


def image_of_voc(path: Path) -> str:
    """The name of the image that the file is about, or ''. Raises BadInput."""
    return (_tree(path).findtext("filename") or "").strip()


def _oriented(entry: Element, where: str) -> list[np.ndarray]:
    corners = [[entry.findtext(name) for name in corner] for corner in _CORNERS]
    if all(value is not None for corner in corners for value in corner):
        return [np.array([[number_of(value, where) for value in corner] for corner in corners])]
    rotated = [entry.findtext(name) for name in _ROTATED]
    if any(value is None for value in rotated):
        return []
    x, y, width, height, angle = (number_of(value, where) for value in rotated)
    if not math.isfinite(angle):
        return []
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (width / 2, height / 2)
    return [half @ turn + (x, y)]


def _tree(path: Path) -> Element:
    """The document; each object keeps its line. A DOCTYPE, and with it every entity, is refused."""
    parser = expat.ParserCreate()
    builder = TreeBuilder()

    def start(tag: str, attributes: dict[str, str]) -> None:
        builder.start(tag, {_LINE: str(parser.CurrentLineNumber)} if tag == "object" else {})

    def doctype(*_: object) -> None:
        raise BadInput(f"{path}:{parser.CurrentLineNumber}: a DOCTYPE has no place in annotations.")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda tag: builder.end(tag) and None
    parser.CharacterDataHandler = lambda text: builder.data(text)
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(bounded_bytes(path, of_image=True), True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise BadInput(f"{path}:{parser.CurrentLineNumber}: damaged XML ({error}).") from error
    return builder.close()
