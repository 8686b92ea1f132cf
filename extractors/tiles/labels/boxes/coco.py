"""COCO JSON: images, annotations with bbox and segmentation, categories (cocodataset.org/#format).

bbox is [x, y, width, height] from the upper left corner, continuous. A crowd (iscrowd) is no object
that could be counted, and is left out with that reason.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from domainclip.errors import BadInput

from .drawn import Drawing, Drawn
from .reading import Asked, number_of, sides_of, text_of
from .rle import rle_extent

__all__ = ["read_coco"]


def read_coco(path: Path, text: str, asked: Asked) -> tuple[dict[str, Drawn], dict[str, int]]:
    """-> image's file name -> its objects (also of an image without any), and what belongs to no
    image: reason -> number. Raises BadInput naming the line or the annotation."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise BadInput(f"{path}: damaged JSON ({error}).") from error
    except RecursionError as error:
        raise BadInput(f"{path}: JSON nested too deeply for annotations.") from error
    images = _table(document, "images", path)
    annotations = _table(document, "annotations", path)
    names = {
        _id(entry.get("id")): text_of(entry.get("name"))
        for entry in _table(document, "categories", path)
    }
    drawings: dict[Any, Drawing] = {}
    file_of: dict[Any, str] = {}
    for number, image in enumerate(images):
        name = image.get("file_name")
        if not isinstance(name, str) or not name:
            raise BadInput(f"{path}: images[{number}] has no file_name.")
        file_of[_id(image.get("id"))] = name
        drawing = drawings[_id(image.get("id"))] = Drawing()
        drawing.sides = sides_of(image.get("width"), image.get("height"))
    lost: dict[str, int] = {}
    for number, annotation in enumerate(annotations):
        own = drawings.get(_id(annotation.get("image_id")))
        if own is None:
            lost["unknown_image"] = lost.get("unknown_image", 0) + 1
        elif annotation.get("iscrowd"):
            own.dropped["crowd"] += 1
        else:
            raw = asked.all_are or names.get(_id(annotation.get("category_id")), "")
            _draw(own, raw, annotation, f"{path}: annotations[{number}]")
    twice = len(file_of) - len(set(file_of.values()))
    if twice or len(file_of) < len(images):
        raise BadInput(f"{path}: two of its images share an id or a file_name; keep one of each.")
    done = {
        file_of[key]: drawing.done(asked.categories, min_score=asked.min_score, where=str(path))
        for key, drawing in drawings.items()
    }
    return done, lost


def _table(document: Any, name: str, path: Path) -> list[dict[str, Any]]:
    found = document.get(name) if isinstance(document, dict) else None
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise BadInput(
            f"{path}: no COCO file: it lacks the list {name!r}. Results alone (a list of boxes) "
            "name no images; put them into the annotations of their data set."
        )
    return found


def _id(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else None


def _draw(drawing: Drawing, raw: str, annotation: dict[str, Any], where: str) -> None:
    box, area = None, None
    numbers = annotation.get("bbox") or ()
    if not isinstance(numbers, list | tuple) or len(numbers) not in (0, 4):
        raise BadInput(f"{where}: bbox {str(numbers)[:40]!r} is not x, y, width and height.")
    if numbers:
        x, y, width, height = (number_of(value, f"{where}: bbox") for value in numbers)
        box = (x, y, x + width, y + height)
    segmentation = annotation.get("segmentation") or ()
    rings: list[np.ndarray] = []
    try:
        if isinstance(segmentation, dict):
            extent = rle_extent(segmentation)
            if extent is not None:
                box = box or extent[0]
                area = min(float(extent[1]), (box[2] - box[0]) * (box[3] - box[1]))
        else:
            rings = [np.array(ring, np.float64).reshape(-1, 2) for ring in segmentation]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadInput(f"{where}: segmentation cannot be read ({error}).") from error
    score = annotation.get("score")
    score = None if score is None else number_of(score, f"{where}: score")
    drawing.add(raw, box=box, rings=rings, score=score, area=area)
