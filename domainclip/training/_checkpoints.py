"""Checkpoints of a run: small, atomic, read without running any code in them.

A checkpoint holds what training changes (not the frozen backbone), the optimiser, and where the
data stands. The last two are kept: one that was cut short falls back to the one before it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from domainclip.errors import OutputError
from domainclip.pairs._files import output_errors

__all__ = ["load_file", "newest", "save", "save_file"]

_KEPT = 2


def save(directory: Path, step: int, content: Mapping[str, Any]) -> None:
    """Write the checkpoint of a step and delete all but the last two. Raises OutputError."""
    save_file(directory / f"step-{step:08d}.pt", content)
    for old in sorted(directory.glob("step-*.pt"))[:-_KEPT]:
        old.unlink(missing_ok=True)


def newest(directory: Path) -> dict[str, Any] | None:
    """The last whole checkpoint; None where there is none. Broken later ones are deleted."""
    for path in sorted(directory.glob("step-*.pt"), reverse=True):
        content = load_file(path)
        if content is not None:
            return content
        path.unlink(missing_ok=True)  # another rank may be at the same
    return None


def save_file(path: Path, content: Mapping[str, Any]) -> None:
    """Tensors and plain values at ``path``: there whole or not at all."""
    temporary = path.with_suffix(".tmp")
    try:
        with output_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(temporary, content)
            temporary.replace(path)
    except BaseException:
        with suppress(OSError):  # half a checkpoint would keep a full disk full
            temporary.unlink(missing_ok=True)
        raise


def _write(path: Path, content: Mapping[str, Any]) -> None:
    with path.open("wb") as file:
        try:
            torch.save(dict(content), file)
        except RuntimeError as error:
            # torch's writer goes on after the file system has refused a write, and says later that
            # it stands at an unexpected position
            refused = _refusal(error)
            if refused is None and "unexpected pos" not in str(error):
                raise OutputError(f"{path}: cannot be written ({error}).") from error
            code = errno.ENOSPC if refused is None else refused.errno
            raise OSError(code, os.strerror(code or errno.EIO)) from error
        file.flush()
        os.fsync(file.fileno())


def _refusal(error: BaseException) -> OSError | None:
    """The file system's own error among those that an error came after."""
    before = error.__cause__ or error.__context__
    while before is not None and not isinstance(before, OSError):
        before = before.__cause__ or before.__context__
    return before


def load_file(path: Path) -> dict[str, Any] | None:
    """What ``save_file`` wrote, on the CPU; None if it is absent or cut short."""
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        return None
    except Exception:  # a cut zip archive raises any of half a dozen types
        return None
    return content
