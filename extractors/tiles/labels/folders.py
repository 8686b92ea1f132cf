"""The class of a scene by the folder that it lies in, as in EuroSAT, AID or RSSCN7."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from domainclip.errors import UsageError

from ..reading.scenes import Scene
from ..records import Facts
from .boxes.categories import read_category_map
from .boxes.matching import path_of
from .extent import Holds

__all__ = ["Folders", "class_of_folder", "open_folders"]

_CAMEL = re.compile(r"(?:[A-Z][a-z]+){2,}")


def open_folders(*, level: int = 1, class_map: str | Path | None = None) -> Folders:
    """Classes by folder. level: 1 for the folder that the file lies in, 2 for the one above it, and
    so on. class_map: CSV with the columns from (the folder's name) and to (the class); an empty
    ``to`` leaves the folder out. Raises BadInput and UsageError."""
    if level < 1:
        raise UsageError(f"folders: level {level} must be at least 1, the folder of the file.")
    return Folders(level, read_category_map(class_map) if class_map is not None else {})


class Folders:
    """Every tile of a scene is of the class of its folder. Implements ``Labels``."""

    def __init__(self, level: int, renamed: Mapping[str, str]) -> None:
        self._level, self._renamed = level, renamed

    def of_row(self, scene: Scene, row: int, columns: np.ndarray, size: int) -> list[Facts | str]:
        label = self.label(scene)
        if not label:
            return ["no_class"] * len(columns)
        gsds = scene.gsds_m(row, columns, size)
        return [Facts(size, gsd_m, label=label) for gsd_m in gsds]

    def classes_of_row(
        self, scene: Scene, row: int, columns: np.ndarray, size: int
    ) -> list[str | None]:
        """See ClassLabels."""
        return [self.label(scene) or None] * len(columns)

    def reaches(self, scene: Scene) -> bool:
        return bool(self.label(scene))

    def holds(self) -> Holds:
        return Holds(
            "no scene lies in a folder that gives it a class",
            "name the folder above those of the classes, and let --category-map leave some",
        )

    def label(self, scene: Scene) -> str:
        """The class of a scene, '' where it lies in no such folder or the map leaves it out."""
        folders = path_of(scene).replace("\\", "/").split("/")[:-1]
        if len(folders) < self._level:
            return ""
        name = folders[-self._level]
        return self._renamed.get(name, class_of_folder(name))


def class_of_folder(name: str) -> str:
    """``AnnualCrop`` -> ``annual crop``, ``tennis_court`` -> ``tennis court``; other names, such as
    ``aGrass``, stay as they are."""
    words = re.sub(r"[_\-\s]+", " ", name).strip()
    if _CAMEL.fullmatch(words):
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", words)
    return words.lower() if re.fullmatch(r"[A-Z][a-z]*(?: [A-Za-z][a-z]*)*", words) else words
