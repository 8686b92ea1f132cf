"""Files that appear whole or not at all, and what to say when the file system refuses."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domainclip.errors import OutputError

__all__ = ["output_errors", "sync_directory", "temporary_beside", "write_bytes"]


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn the file system's refusals into one sentence about ``path``."""
    try:
        yield
    except OSError as error:
        code = error.errno
        if code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            remedy = "the disk is full; free some space and run the same command again"
        elif code in (errno.EACCES, errno.EPERM, errno.EROFS):
            remedy = "not writable; choose another output directory or change its permissions"
        elif code in (errno.ENOTDIR, errno.EEXIST):
            remedy = "a file stands where a directory is needed; choose another output directory"
        else:
            remedy = f"cannot be written ({error.strerror or error})"
        raise OutputError(f"{path}: {remedy}.") from error


def write_bytes(path: Path, data: bytes) -> None:
    """A file that is there whole or not at all, even after a power cut. Raises OutputError."""
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_beside(path)
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_directory(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def sync_directory(path: Path) -> None:
    """Make renames inside a directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def temporary_beside(path: Path) -> Path:
    """A hidden name in the same directory, to write under and rename to ``path``."""
    # unique, so that two writers of one part can never interleave; hidden, so no reader sees it
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.writing")
