"""CSV and TSV, a line an object: edges, or corner and size, or an outline as WKT, in pixels."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import shapely
from shapely.errors import ShapelyError

from domainclip.errors import BadInput

from ..csv_lines import delimiter_of, long_rows
from .drawn import Drawing, Drawn
from .reading import (
    IMAGE_NAMES,
    SCORE_NAMES,
    Asked,
    category_field,
    number_of,
    one_of,
)

__all__ = ["is_table", "read_table"]

_EDGES = (
    ("xmin", "ymin", "xmax", "ymax"), ("x_min", "y_min", "x_max", "y_max"),
    ("minx", "miny", "maxx", "maxy"), ("x1", "y1", "x2", "y2"), ("x0", "y0", "x1", "y1"),
    ("left", "top", "right", "bottom"),
)  # fmt: skip
_SIZED = (("x", "y", "w", "h"), ("x", "y", "width", "height"), ("left", "top", "width", "height"))
_OUTLINES = ("geometry", "polygonwkt_pix", "wkt", "polygon", "geom")


def is_table(text: str) -> bool:
    """Does the first line name columns that objects can be read from?"""
    columns = _columns(text)
    return _box_of(columns) is not None or one_of(_OUTLINES, columns) is not None


def read_table(path: Path, text: str, asked: Asked) -> dict[str, Drawn]:
    """-> image's name -> its objects; without a column for it, of the image named as the file.

    A line whose coordinates are all blank, or whose outline is empty, says that its image was
    looked at and shows nothing. Raises BadInput naming the line.
    """
    columns = _columns(text)
    image = one_of(IMAGE_NAMES, columns)
    box, outline = _box_of(columns), one_of(_OUTLINES, columns)
    edges = [columns.index(name) for name in box[0]] if box else []
    others = [name for name in columns if name not in (image, outline, *(box[0] if box else ()))]
    category = category_field(asked, others, str(path))
    score = one_of(SCORE_NAMES, others)
    at = {name: columns.index(name) for name in (image, outline, category, score) if name}
    drawings: dict[str, Drawing] = {}
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text))
    try:
        next(reader)
        for words in long_rows(reader):
            where = f"{path}:{reader.line_num}"
            if not words:
                continue
            if len(words) < len(columns):
                raise BadInput(f"{where}: {len(words)} columns, and the first line {len(columns)}.")
            name = words[at[image]].strip() if image else path.stem
            if not name:
                raise BadInput(f"{where}: the column {image} is blank.")
            drawing = drawings.get(name)
            if drawing is None:
                drawing = drawings[name] = Drawing()
            numbers = [words[index] for index in edges]
            shape = _outline(words[at[outline]], where) if outline else None
            if not any(number.strip() for number in numbers) and shape is None:
                continue
            edges_of = None
            if any(number.strip() for number in numbers):
                edges_of = [number_of(number, where) for number in numbers]
                if box and box[1]:
                    edges_of[2:] = [edges_of[0] + edges_of[2], edges_of[1] + edges_of[3]]
            drawing.add(
                words[at[category]].strip() if category else asked.all_are,
                box=edges_of,
                shape=shape,
                score=number_of(words[at[score]], where) if score else None,
            )
    except csv.Error as error:
        raise BadInput(f"{path}:{reader.line_num}: damaged table ({error}).") from error
    except StopIteration:
        pass
    return {
        name: drawing.done(asked.categories, min_score=asked.min_score, where=str(path))
        for name, drawing in drawings.items()
    }


def _box_of(columns: Sequence[str]) -> tuple[list[str], bool] | None:
    """(columns of a box as they are written, are the last two its size?)"""
    for sets, sized in ((_EDGES, False), (_SIZED, True)):
        for names in sets:
            found = [one_of((name,), columns) for name in names]
            if all(found):
                return [name for name in found if name], sized
    return None


def _outline(text: str, where: str) -> shapely.Geometry | None:
    if not text.strip():
        return None
    try:
        shape = shapely.force_2d(shapely.from_wkt(text))
    except (ShapelyError, ValueError, TypeError, NotImplementedError) as error:  # or a curve
        raise BadInput(f"{where}: the outline is no WKT ({str(error)[:80]}).") from error
    if shape is None or shape.is_empty:
        return None
    if shape.geom_type not in ("Polygon", "MultiPolygon"):
        raise BadInput(f"{where}: an outline is a POLYGON, not a {shape.geom_type.upper()}.")
    return shape if np.isfinite(shapely.get_coordinates(shape)).all() else None


def _columns(text: str) -> list[str]:
    line = text[: text.find("\n")] if "\n" in text else text
    try:
        first = next(csv.reader([line], delimiter=delimiter_of(text)), [])
    except csv.Error:
        return []
    return [name.strip() for name in first]
