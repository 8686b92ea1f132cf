"""A bar on stderr with rate and time left; nothing at all where stderr is not a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

__all__ = ["Progress"]

_EVERY_S = 0.2


class Progress:
    """Shows how far an extraction has come. shown: None asks whether stderr is a terminal."""

    def __init__(self, title: str, *, shown: bool | None = None) -> None:
        self._title = title
        self.shown = sys.stderr.isatty() if shown is None else shown
        self._bar: Bar | None = None
        self._line: TaskID | None = None
        self._drawn = 0.0
        self._first: tuple[float, int] | None = None

    def listed(self, count: int) -> None:
        """So many inputs were found until now."""
        if self._due():
            self._update(f"{self._title}: listing inputs", count, None, "")

    def at(self, total: int, done: int, failed: int) -> None:
        """So many of ``total`` inputs are done, in this run and earlier ones."""
        if self._first is None:
            self._first = (time.monotonic(), done)
        if not self._due() and done < total:
            return
        began, before = self._first
        seconds = time.monotonic() - began
        rate = (done - before) / seconds if seconds > 0.5 else 0.0
        words = f"{rate:,.1f}/s, {_duration((total - done) / rate)} left" if rate else ""
        if failed:
            words += f", {failed:,} failed"
        self._update(self._title, done, total, words)

    def __enter__(self) -> Self:
        if self.shown:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[words]}"),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._line = self._bar.add_task(self._title, total=None, words="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _due(self) -> bool:
        if self._bar is None or time.monotonic() - self._drawn < _EVERY_S:
            return False
        self._drawn = time.monotonic()
        return True

    def _update(self, title: str, done: int, total: int | None, words: str) -> None:
        if self._bar is not None and self._line is not None:
            self._bar.update(
                self._line, description=title, completed=done, total=total, words=words
            )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
