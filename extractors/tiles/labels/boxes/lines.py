"""Text files of one line an object, one file an image: DOTA, YOLO and VisDrone.

DOTA: ``x1 y1 x2 y2 x3 y3 x4 y4 category difficult`` in pixels, after lines ``imagesource:`` and
``gsd:``. YOLO: ``class cx cy w h`` in shares of the image's sides, or ``class x1 y1 ... xn yn`` of
an outline (four corners: YOLO-OBB), each with a confidence behind where a detector wrote it.
VisDrone: ``x,y,w,h,score,category,truncation,occlusion`` in pixels; category 0 and 11, and score 0
in its ground truth, are regions that its evaluation ignores, and are left out as ``ignored``.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import yaml

from domainclip.errors import BadInput

from .drawn import Drawing, Drawn
from .reading import Asked, bounded_text, number_of

__all__ = ["NAME_FILES", "kind_of_lines", "read_lines", "yolo_names"]

NAME_FILES = ("classes.txt", "obj.names", "names.txt", "data.yaml", "dataset.yaml", "data.yml")
_HEADER = re.compile(r"\s*'?(imagesource|gsd)'?\s*:\s*(.*?)\s*$", re.IGNORECASE)
_VISDRONE = (
    "", "pedestrian", "person", "bicycle", "car", "van", "truck", "tricycle", "awning tricycle",
    "bus", "motorcycle", "",
)  # fmt: skip
_MOST_SHARE = 2.0  # of a side: outlines may reach a little beyond the image, pixels are far more
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|nan", re.IGNORECASE)


def kind_of_lines(text: str) -> str | None:
    """``dota``, ``yolo``, ``visdrone`` or ``empty``, by the first line that says it; None for
    other text."""
    for line in text.splitlines():
        if _HEADER.match(line):
            return "dota"
        words = line.replace(",", " ").split()
        if not words:
            continue
        numbers = [_NUMBER.fullmatch(word) is not None for word in words]
        if len(words) >= 9 and all(numbers[:8]) and not numbers[8]:
            return "dota"
        if all(numbers) and len(words) == 8 and line.count(",") >= 7:
            return "visdrone"
        if words[0].isdecimal() and len(words) >= 5 and all(numbers):
            return "yolo"
        return None
    return "empty"


def read_lines(path: Path, asked: Asked, names: dict[int, str] | None) -> Drawn:
    """The objects of one image. names: of YOLO's classes. Raises BadInput naming the line."""
    text = bounded_text(path, of_image=True)
    kind = kind_of_lines(text)
    if kind is None:
        raise BadInput(f"{path}:1: no lines of DOTA, YOLO or VisDrone: {text[:40]!r}.")
    drawing = Drawing(relative=kind == "yolo")
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.replace(",", " ").split()
        if header := _HEADER.match(line):
            if header[1].lower() == "gsd" and _NUMBER.fullmatch(header[2]):
                gsd_m = float(header[2])
                drawing.gsd_m = gsd_m if gsd_m > 0 and math.isfinite(gsd_m) else None
        elif words and kind == "dota":
            _dota(drawing, words, asked, f"{path}:{number}")
        elif words and kind == "visdrone":
            _visdrone(drawing, words, asked, f"{path}:{number}")
        elif words:
            _yolo(drawing, words, names, asked, f"{path}:{number}")
    return drawing.done(asked.categories, min_score=asked.min_score, where=str(path))


def yolo_names(folder: Path, root: Path) -> dict[int, str] | None:
    """The classes' names from a file beside the labels or in a folder above, up to ``root``'s
    parent: ``classes.txt`` (a name a line) or the ``names`` of ``data.yaml``. Raises BadInput."""
    for place in (folder, *folder.parents):
        for name in NAME_FILES:
            if (place / name).is_file():
                return _names_in(place / name)
        if place == root.parent:
            break
    return None


def _dota(drawing: Drawing, words: list[str], asked: Asked, where: str) -> None:
    if len(words) < 9:
        raise BadInput(f"{where}: {len(words)} words, and DOTA has 8 coordinates and a category.")
    ring = np.array([number_of(word, where) for word in words[:8]]).reshape(4, 2)
    # the category may be of several words; whether it is difficult stands behind it
    name = words[8:-1] if len(words) > 9 and words[-1].lstrip("-").isdecimal() else words[8:]
    drawing.add(asked.all_are or " ".join(name), rings=[ring])


def _visdrone(drawing: Drawing, words: list[str], asked: Asked, where: str) -> None:
    if len(words) < 8 or not words[5].isdecimal() or int(words[5]) >= len(_VISDRONE):
        raise BadInput(
            f"{where}: not x,y,w,h,score,category,truncation,occlusion, as VisDrone has."
        )
    x, y, width, height, score = (number_of(word, where) for word in words[:5])
    name = _VISDRONE[int(words[5])]
    if not name or not score:
        drawing.dropped["ignored"] += 1
    else:
        drawing.add(asked.all_are or name, box=(x, y, x + width, y + height), score=score)


def _yolo(
    drawing: Drawing, words: list[str], names: dict[int, str] | None, asked: Asked, where: str
) -> None:
    values = [number_of(word, where) for word in words[1:]]
    if not words[0].isdecimal() or len(values) < 4:
        raise BadInput(f"{where}: not a class number and at least 4 coordinates, as YOLO has.")
    number = int(words[0]) if len(words[0]) < 10 else -1
    name = asked.all_are or (names or {}).get(number, "")
    if not name:
        raise BadInput(
            f"{where}: class {words[0]} has no name; put classes.txt (a name a line) or data.yaml "
            "beside the labels."
        )
    score = values.pop() if len(values) % 2 else None
    if any(abs(value) > _MOST_SHARE for value in values):
        raise BadInput(f"{where}: {max(values, key=abs):g} is no share of the image's side.")
    if len(values) == 4:
        x, y, width, height = values
        half = (width / 2, height / 2)
        box = (x - half[0], y - half[1], x + half[0], y + half[1])
        drawing.add(name, box=box, score=score)
    else:
        drawing.add(name, rings=[np.array(values).reshape(-1, 2)], score=score)


def _names_in(path: Path) -> dict[int, str]:
    text = bounded_text(path, of_image=True)
    if path.suffix not in (".yaml", ".yml"):
        return {number: line.strip() for number, line in enumerate(text.splitlines())}
    try:
        document = yaml.safe_load(text)
        names = document.get("names") if isinstance(document, dict) else None
        entries = names.items() if isinstance(names, dict) else enumerate(names or ())
        return {int(number): str(name) for number, name in entries}
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise BadInput(f"{path}: its names of classes cannot be read ({error}).") from error
