"""Values of tiles as a few groups with a colour each: classes, months, or steps of a number."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["ABSENT", "COLOURS", "OTHER", "Grouping", "grouping"]

MOST_GROUPS = 20
OTHER, ABSENT = "other", "none"

# Twenty colours in which neighbours differ in hue and lightness: Okabe and Ito's eight without
# black (2008, https://jfly.uni-koeln.de/color/), then Tol's muted and others.
COLOURS = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#b5a900", "#882255",
    "#44aa99", "#332288", "#a3d06e", "#aa4499", "#8b5a2b", "#ff7f7f", "#117733", "#7f7fff",
    "#ddcc77", "#5f9ea0", "#c71585", "#6b8e23",
)  # fmt: skip
# splits look alike on every map, however many rows are in each
_SPLITS = {"train": "#0072b2", "val": "#009e73", "test": "#e69f00"}
_OTHER_COLOUR, _ABSENT_COLOUR = "#8c8c8c", "#bdbdbd"
# viridis at seven points of its upper part, which stands out from light and dark grounds
_SCALE = ("#414487", "#2f6c8e", "#21918c", "#2fb47c", "#6dcd59", "#b8de29", "#fde725")


@dataclass(frozen=True, slots=True)
class Grouping:
    """names, colours, counts: of the groups, in the order of the legend. of: each tile's group."""

    names: tuple[str, ...]
    colours: tuple[str, ...]
    counts: tuple[int, ...]
    of: tuple[int, ...]


def grouping(values: Sequence[Any]) -> Grouping:
    """Numbers that are more than 20 become at most 7 steps, dates months or years; of other values
    the 20 most frequent are kept, and the rest is ``other``; without a value it is ``none``. Splits
    have their own order and colours."""
    numbers = [value for value in values if _is_number(value)]
    held = [value for value in values if value is not None and value != ""]
    if numbers and len(numbers) == len(held) and len(set(numbers)) > MOST_GROUPS:
        steps = _Steps(min(numbers), max(numbers))
        named = [steps.name(value) if _is_number(value) else ABSENT for value in values]
        order = [name for name in steps.names if name in set(named)]
        scale = {
            name: _SCALE[round(at * (len(_SCALE) - 1) / max(1, len(order) - 1))]
            for at, name in enumerate(order)
        }
    else:
        named = [ABSENT if value is None or value == "" else _said(value) for value in values]
        if held and all(isinstance(value, str) and _DATE.match(value) for value in held):
            named, order = _dates(named)
        else:
            found = Counter(name for name in named if name != ABSENT)
            order = [name for name, _ in sorted(found.items(), key=lambda one: (-one[1], one[0]))]
        if len(order) > MOST_GROUPS:
            kept = set(order[: MOST_GROUPS - 1])
            order = order[: MOST_GROUPS - 1]
            named = [name if name in kept or name == ABSENT else OTHER for name in named]
        scale = {name: COLOURS[at] for at, name in enumerate(order)}
        if order and set(order) <= _SPLITS.keys():
            order = [name for name in _SPLITS if name in scale]
            scale = {name: _SPLITS[name] for name in order}
    counts = Counter(named)
    for name, colour in ((OTHER, _OTHER_COLOUR), (ABSENT, _ABSENT_COLOUR)):
        if name in counts and name not in scale:
            order.append(name)
            scale[name] = colour
    at = {name: number for number, name in enumerate(order)}
    return Grouping(
        tuple(order),
        tuple(scale[name] for name in order),
        tuple(counts[name] for name in order),
        tuple(at[name] for name in named),
    )


_DATE = re.compile(r"\d{4}-\d{2}(?:-\d{2})?(?:[T ]|$)")


class _Steps:
    """Ranges between round numbers."""

    def __init__(self, low: float, high: float) -> None:
        rough = (high - low) / 6 or 1.0
        unit = 10.0 ** math.floor(math.log10(rough))
        self._step = next(unit * times for times in (1, 2, 5, 10) if unit * times >= rough)
        self._first = math.floor(low / self._step)
        last = max(self._first, math.ceil(high / self._step) - 1)
        self.names = tuple(self._name(at) for at in range(self._first, last + 1))

    def name(self, value: float) -> str:
        at = math.floor(value / self._step) - self._first
        return self.names[min(max(at, 0), len(self.names) - 1)]

    def _name(self, at: int) -> str:
        return f"{at * self._step:.6g} to {(at + 1) * self._step:.6g}"


def _dates(named: list[str]) -> tuple[list[str], list[str]]:
    """Months if they are few, else years; in their order."""
    for length in (7, 4):
        cut = [name if name == ABSENT else name[:length] for name in named]
        order = sorted(set(cut) - {ABSENT})
        if len(order) <= MOST_GROUPS:
            break
    return cut, order


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
