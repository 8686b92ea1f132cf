"""The rows of a CSV table, of which a quote that is never closed costs its own row alone.

Python's csv module reads on over line ends until a quote comes, so one forgotten quote puts the
next rows, which are other patients', into one report. RFC 4180 section 2 (every line has as many
fields, quotes in a quoted field are doubled) tells such a row; reading goes on with its next line.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Faults", "csv_rows"]

MOST_CHARACTERS = 131_072  # of one value
MOST_LINES = 1000  # of one row: the longest reports have some 300
_RUN = re.compile(r"[^\W\d_]+|\d+")
_CODE = re.compile(r"[^\W\d_]*[\d./\\_-]\S*")  # 50001, s5, a/b.png: no plain word
_UNCLOSED = "a quote in it is not closed, or not doubled; check its quotes"


@dataclass(slots=True)
class Faults:
    """Rows that were left out. line: of the file, from 1, where the first of them begins. why: what
    is wrong with that one, in words that hold no value of it."""

    count: int = 0
    line: int = 0
    why: str = ""

    def put(self, line: int, why: str) -> None:
        """One more."""
        if not self.count:
            self.line, self.why = line, why
        self.count += 1


def csv_rows(
    lines: Iterable[tuple[int, str]], delimiter: str, faults: Faults, *, width: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """(where it begins, its values) of every row, the header first. Empty lines are none.

    lines: (where it begins, the line with its end). width: how many values a row has; 0 for as many
    as the first. Left out, and put down in ``faults``: rows of fewer values or of more that are not
    empty; of quotes that are not closed, or closed within a value over several lines; of a value
    with more than 131,072 characters, or of more than 1,000 lines; and those of
    whose lines one looks like the next row (``_is_row``). Nothing comes after a header that is
    malformed. Never raises.
    """
    waiting = _Lines(lines)
    while (first := waiting.next()) is not None:
        values, taken, why = _row(first[1], waiting, delimiter)
        if not why and not values:
            continue
        if not why and width:
            why = _fault(values, taken, delimiter, width)
        if why:
            faults.put(waiting.number - len(taken) + 1, why)
            if not width:
                return  # another row would be taken for the header
            waiting.back(len(taken) - 1)
            continue
        width = width or len(values)
        yield first[0], values


def _row(first: str, waiting: _Lines, delimiter: str) -> tuple[list[str], list[str], str]:
    """(the values of the row that begins there, its lines, what is wrong with it)."""
    taken = [first]

    def feed() -> Iterator[str]:
        yield first
        while len(taken) < MOST_LINES and (more := waiting.next()) is not None:
            taken.append(more[1])
            yield more[1]

    waiting.mark()
    try:
        values = next(csv.reader(feed(), delimiter=delimiter, strict=True), [])
        # the module's own limit is one for all that use it, and others raise it
        if max(map(len, values), default=0) <= MOST_CHARACTERS:
            return values, taken, ""
        return [], taken, _too_long(taken)
    except csv.Error as error:
        if "field limit" in str(error):
            return [], taken, _too_long(taken)
        if len(taken) > 1 or first.count('"') % 2:
            return [], taken, _UNCLOSED
    try:  # "the "so-called" nodule" in one line is plain enough
        return next(csv.reader([first], delimiter=delimiter), []), taken, ""
    except csv.Error:
        return [], taken, "a line end stands in it without quotes"


def _too_long(taken: Sequence[str]) -> str:
    over = "; check its quotes" if len(taken) > 1 else ""
    return f"a cell is too long: it has more than {MOST_CHARACTERS:,} characters{over}"


def _fault(values: Sequence[str], taken: Sequence[str], delimiter: str, width: int) -> str:
    if len(values) < width or any(values[width:]):
        return f"it has {len(values)} cells, and the header {width}"
    if any(_is_row(line, values, delimiter, width) for line in taken[1:]):
        return _UNCLOSED
    return ""


def _is_row(line: str, values: Sequence[str], delimiter: str, width: int) -> bool:
    """Does a line inside a row look like a row of its own?

    It divides into as many cells, none of which begins with a blank as after a comma in prose, and
    where the row has a number or name without blanks, so has the line one of the same make.
    """
    cells = line.rstrip("\r\n").split(delimiter)
    if len(cells) != width or any(cell[:1].isspace() for cell in cells):
        return False
    codes = [
        (value, cell.strip('"'))
        for value, cell in zip(values, cells, strict=False)
        if "\n" not in value and _CODE.fullmatch(value)
    ]
    return bool(codes) and all(_make(value) == _make(cell) for value, cell in codes)


def _make(value: str) -> str:
    """``s50001/a.png`` is ``a9/a.a``; of a UID, however many parts it has, ``9``."""
    if not value.strip("0123456789."):
        return "9" if value else ""
    return _RUN.sub(lambda run: "9" if run.group()[0].isdigit() else "a", value)


class _Lines:
    """Lines of which those since a mark can be given back."""

    def __init__(self, lines: Iterable[tuple[int, str]]) -> None:
        self._lines = iter(lines)
        self._since: list[tuple[int, str]] = []
        self._again: list[tuple[int, str]] = []  # the next one last
        self.number = 0  # of the last line that was given

    def next(self) -> tuple[int, str] | None:
        line = self._again.pop() if self._again else next(self._lines, None)
        if line is not None:
            self.number += 1
            self._since.append(line)
        return line

    def mark(self) -> None:
        self._since.clear()

    def back(self, count: int) -> None:
        """The last ``count`` lines once more."""
        if count:
            self._again += reversed(self._since[-count:])
            self.number -= count
