"""An output directory that appears whole or not at all, made by one process at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domainclip.errors import OutputInUse
from domainclip.pairs.writer import output_errors, sync_directory

__all__ = ["new_directory"]


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """A hidden directory beside ``path`` to fill; it takes the name ``path`` when the block ends.

    An exception deletes it; what a killed process left is cleared by the next one. Raises
    OutputInUse where ``path`` is not empty or another process is making it, OutputError where the
    file system refuses.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise OutputInUse(f"{path}: exists already; choose another output or remove it first.")
    partial = path.absolute().with_name(f".{path.name}.partial")
    with output_errors(path):
        partial.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(partial, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputInUse(
                f"{path}: another process is writing it; wait for its end."
            ) from error
        try:
            for stale in partial.iterdir():
                shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
            yield partial
            with output_errors(path):
                partial.replace(path)
                sync_directory(path.absolute().parent)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    finally:
        os.close(descriptor)
