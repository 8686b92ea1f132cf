"""What the values or colours of a mask mean: a table, or one category for all that is not zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from domainclip.errors import BadInput

from ..boxes.categories import Categories
from ..csv_lines import lines_of, read_text

__all__ = ["MaskClasses", "packed", "read_mask_table"]

# what is not an object, as data sets call it
_BACKGROUND = {
    "background", "unlabeled", "unlabelled", "unknown", "void", "ignore", "ignored", "nodata",
    "no data", "none", "unclassified", "other", "others", "clutter", "clutter background",
    "undefined",
}  # fmt: skip
_COLOURS = (("r", "g", "b"), ("red", "green", "blue"))
_HEX = ("hex", "color", "colour", "rgb")


@dataclass(frozen=True)
class MaskClasses:
    """names: of the classes 1, 2, ...; 0 is the background. by_value, by_colour: value or
    0xRRGGBB -> class; both None: everything that is not 0 is class 1."""

    names: tuple[str, ...]
    by_value: Mapping[int, int] | None = None
    by_colour: Mapping[int, int] | None = None
    _tables: dict[tuple[bool, int], np.ndarray] = field(default_factory=dict, repr=False)

    def of(self, values: np.ndarray) -> np.ndarray:
        """Integer values (1, h, w), or red, green, blue (3, h, w) -> classes (h, w) uint8."""
        coloured = len(values) == 3
        meant = self.by_colour if coloured else self.by_value
        if meant is None:
            return (values != 0).any(axis=0).view(np.uint8)
        if coloured:
            return self._looked_up(packed(values), meant, 1 << 24, coloured)
        if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
            size = 1 << 8 * values.dtype.itemsize
            return self._looked_up(values[0], meant, size, coloured)
        keys = np.array(sorted(meant), np.int64)
        codes = np.array([meant[key] for key in keys.tolist()], np.uint8)
        at = np.searchsorted(keys, values[0]).clip(max=len(keys) - 1)
        return np.where(keys[at] == values[0], codes[at], 0).astype(np.uint8)

    def _looked_up(
        self, values: np.ndarray, meant: Mapping[int, int], size: int, coloured: bool
    ) -> np.ndarray:
        table = self._tables.get((coloured, size))
        if table is None:
            table = self._tables[coloured, size] = np.zeros(size, np.uint8)
            for value, code in meant.items():
                if 0 <= value < size:
                    table[value] = code
        found: np.ndarray = table[values]
        return found


def packed(values: np.ndarray) -> np.ndarray:
    """8-bit red, green, blue (3, h, w) -> (h, w) int32 0xRRGGBB."""
    red, green, blue = values.astype(np.int32)
    return red << 16 | green << 8 | blue


def read_mask_table(path: Path, categories: Categories) -> MaskClasses:
    """A CSV with the column name, and value, or r, g and b, or hex, or both.

    Values that it does not list are background, and so are names such as ``background``,
    ``unlabeled`` or ``void``. Raises BadInput naming the line.
    """
    what = "the classes of the masks"
    written, lines = lines_of(read_text(path, what), path, what)
    columns = {name.strip().lower(): name for name in written}
    colours = next((names for names in _COLOURS if set(names) <= set(columns)), None)
    hexed = next((name for name in _HEX if name in columns), None)
    if "name" not in columns or not ("value" in columns or colours or hexed):
        raise BadInput(
            f"{path}: --mask-table needs the column name, and value, or r, g and b, or hex; it has "
            f"{', '.join(written[:12]) or 'none'}."
        )
    names: list[str] = []
    by_value: dict[int, int] = {}
    by_colour: dict[int, int] = {}
    for number, line in lines:
        where = f"{path}:{number}"
        raw = (line[columns["name"]] or "").strip()
        noun = categories.of(raw, where) if raw else None
        if noun is None or noun.lower() in _BACKGROUND:
            continue
        if noun not in names:
            names.append(noun)
        code = names.index(noun) + 1
        if "value" in columns:
            by_value[_whole(line[columns["value"]], where)] = code
        if colours:
            red, green, blue = (_whole(line[columns[name]], where, 255) for name in colours)
            by_colour[red << 16 | green << 8 | blue] = code
        elif hexed:
            by_colour[_whole(line[columns[hexed]], where, 0xFFFFFF, 16)] = code
    if not 0 < len(names) < 256:
        raise BadInput(
            f"{path}: {len(names)} classes without the background; there may be 1 to 255."
        )
    return MaskClasses(tuple(names), by_value or None, by_colour or None)


def _whole(text: str | None, where: str, most: int | None = None, base: int = 10) -> int:
    try:
        found = int((text or "").strip().removeprefix("#"), base)
    except ValueError:
        found = None
    if found is None or (most is not None and not 0 <= found <= most):
        raise BadInput(f"{where}: {text!r} is no whole number that can stand here.")
    return found
