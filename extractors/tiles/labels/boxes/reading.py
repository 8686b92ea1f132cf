"""What the readers of all formats share: bounded text, numbers, and the usual names of columns."""

from __future__ import annotations

import math
import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from domainclip.errors import BadInput

from .categories import Categories

__all__ = [
    "CATEGORY_NAMES",
    "IMAGE_NAMES",
    "SCORE_NAMES",
    "Asked",
    "bounded_bytes",
    "bounded_text",
    "category_field",
    "counted",
    "files_below",
    "number_of",
    "one_of",
    "sides_of",
    "text_of",
]

MOST_BYTES = 1 << 30  # of a file for many images
MOST_BYTES_OF_IMAGE = 1 << 26  # of a file for one image

# as data sets name them, without case; the first that is there is taken
CATEGORY_NAMES = (
    "category", "label", "class", "category_name", "class_name", "classname", "label_name", "name",
    "type", "object", "category_id", "class_id", "type_id",
)  # fmt: skip
IMAGE_NAMES = (
    "image_path", "image", "image_name", "img", "img_path", "image_id", "imageid", "file_name",
    "filename", "file", "path", "chip", "tile",
)  # fmt: skip
SCORE_NAMES = ("score", "scores", "confidence", "conf", "probability")


@dataclass(frozen=True)
class Asked:
    """Options of all readers.

    category: the column or property that names the category; ``""``: one of the usual ones.
    all_are: the category of all objects, whatever the files say. crs: of vector files; ``pixels``
    for outlines in pixels. min_score: detections below are left out, those without a score stay.
    """

    categories: Categories
    category: str = ""
    all_are: str = ""
    crs: str = ""
    min_score: float = 0.0


def bounded_bytes(path: Path, *, of_image: bool = False) -> bytes:
    """The bytes of an annotation file. Raises BadInput."""
    most = MOST_BYTES_OF_IMAGE if of_image else MOST_BYTES
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise BadInput(f"{path}: the annotations cannot be read ({error}).") from error
    if len(data) > most:
        raise BadInput(f"{path}: more than {most >> 20} MiB of annotations; split the file.")
    return data


def bounded_text(path: Path, *, of_image: bool = False) -> str:
    """The text of an annotation file, UTF-8. Raises BadInput."""
    try:
        return bounded_bytes(path, of_image=of_image).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: the annotations are no UTF-8 text ({error.reason}).") from error


def files_below(root: Path, endings: Container[str]) -> Iterator[Path]:
    """Files with these endings in a folder and those below it, in the order of their names; links
    are not followed. Raises BadInput for a folder that cannot be read."""

    def refuse(error: OSError) -> None:
        raise BadInput(f"{error.filename}: the folder cannot be read ({error.strerror}).")

    for folder, below, names in os.walk(root, onerror=refuse):
        below.sort()
        for path in (Path(folder) / name for name in sorted(names)):
            if path.suffix.lower() in endings and path.is_file() and not path.is_symlink():
                yield path


def number_of(value: Any, where: str) -> float:
    """A number, NaN for a blank. Raises BadInput for what is none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise BadInput(f"{where}: {str(value)[:40]!r} is no number.") from None


def sides_of(width: Any, height: Any) -> tuple[int, int] | None:
    """Sides of an image in pixels, as an annotation states them; None where it does not, or where
    they are none: writers that do not know them leave 0 there."""
    try:
        sides = int(width), int(height)
    except (TypeError, ValueError, OverflowError):
        return None
    return sides if min(sides) > 0 else None


def one_of(names: Sequence[str], there: Iterable[str]) -> str | None:
    """The first of the names that is there, as it is written there."""
    written = {name.strip().lower(): name for name in there}
    return next((written[name] for name in names if name in written), None)


def category_field(
    asked: Asked, there: Sequence[str], where: str, names: Sequence[str] = CATEGORY_NAMES
) -> str | None:
    """The field that names the category, or None where all objects are of one that was given.
    Raises BadInput where there is neither."""
    if asked.all_are:
        return None
    if asked.category and asked.category not in there:
        raise BadInput(
            f"{where}: no field {asked.category!r}, as --category asks for; it has "
            f"{', '.join(list(there)[:12]) or 'none'}."
        )
    found = asked.category or one_of(names, there)
    if found is None:
        raise BadInput(
            f"{where}: no field names the category (it has {', '.join(list(there)[:12]) or 'none'})"
            "; name the one that does with --category."
        )
    return found


def text_of(value: Any) -> str:
    """A property as text: 3.0 is 3, nothing is '', and neither is more than one value."""
    if isinstance(value, list | tuple | dict | np.ndarray):
        return ""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def counted(drawn: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Two counts of what was dropped, together."""
    return {
        reason: drawn.get(reason, 0) + more.get(reason, 0)
        for reason in sorted({*drawn, *more})
        if drawn.get(reason, 0) + more.get(reason, 0)
    }
