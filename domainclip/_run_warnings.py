"""Warnings of our own while a run trains, as lines of the run."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

__all__ = ["warnings_said"]

_OURS = Path(__file__).resolve().parent


@contextmanager
def warnings_said(say: Callable[[str], None]) -> Iterator[None]:
    """Each warning of domainclip once, by ``say``; those of other packages as ever."""
    said: set[str] = set()

    def show(
        message: Warning | str, category: type[Warning], filename: str, lineno: int,
        file: TextIO | None = None, line: str | None = None,
    ) -> None:  # fmt: skip
        text = str(message)
        if not (category is UserWarning and Path(filename).is_relative_to(_OURS)):
            before(message, category, filename, lineno, file, line)
        elif text not in said:
            said.add(text)
            say(f"train: {text}")

    with warnings.catch_warnings():
        before, warnings.showwarning = warnings.showwarning, show
        yield
