"""How an archive's file is opened: by its path, or by whatever else knows it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainclip.errors import BadInput

__all__ = ["DISK", "Places", "file_identity", "open_file"]


@dataclass(frozen=True, slots=True)
class Places:
    """Two functions of a path: what tells this state of its file from every other; the file, open
    for reading bytes and seeking. Both raise BadInput."""

    identity: Callable[[str], tuple[Any, ...]]
    open: Callable[[str], AbstractContextManager[Any]]


def file_identity(path: str) -> tuple[Any, ...]:
    """What tells this state of a file from every other. Raises BadInput where it is gone."""
    try:
        stat = os.stat(path)  # noqa: PTH116
    except OSError as error:
        raise BadInput(f"{path!r} cannot be read ({error.strerror}).") from error
    return (os.path.realpath(path), stat.st_size, stat.st_mtime_ns)


def open_file(path: str) -> AbstractContextManager[Any]:
    """The file, open for reading bytes and seeking. Raises BadInput where it cannot be opened."""
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise BadInput(f"{path!r} cannot be read ({error.strerror}).") from error


DISK = Places(file_identity, open_file)
