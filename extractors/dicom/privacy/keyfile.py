"""The file that a user's secret lies in: made once, readable by its owner alone."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from domainclip.errors import UsageError

__all__ = ["MIN_BYTES", "make_key", "read_key"]

MIN_BYTES = 32
_MAX_BYTES = 4096
# Links are refused, and a pipe in the place of a file is not waited for.
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def make_key(path: Path) -> bytes:
    """A new random key of 32 bytes, written to ``path`` as one line of hexadecimal digits.

    Raises UsageError where something is there already (a key is never written over: all pseudonyms
    made with it would be lost), or where it cannot be written.
    """
    key = secrets.token_bytes(MIN_BYTES)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
    except FileExistsError:
        raise UsageError(
            "There is a file where the new key was to go; it was left as it is. Give another name, "
            "or use that key."
        ) from None
    except OSError as error:
        raise UsageError(f"The key file cannot be made: {error.strerror}.") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(key.hex().encode("ascii") + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise UsageError(f"The key file cannot be written: {error.strerror}.") from None
    return key


def read_key(path: Path) -> bytes:
    """The key in a file: the bytes that its hexadecimal digits say, else its bytes as they are.

    Raises UsageError for a file that is not there, is a link or no plain file, that others than its
    owner may read or write, that belongs to another user, or that holds fewer than 32 bytes.
    """
    if path.is_symlink():
        raise UsageError("The key file is a link; give the file itself.")
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _FLAGS)
    except FileNotFoundError:
        raise UsageError(
            "There is no key file there. Make one with: "
            "head -c 32 /dev/urandom > FILE && chmod 600 FILE"
        ) from None
    except OSError as error:
        raise UsageError(f"The key file cannot be opened: {error.strerror}.") from None
    try:
        _refuse_unsafe(os.fstat(handle))
        content = os.read(handle, _MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"The key file cannot be read: {error.strerror}.") from None
    finally:
        os.close(handle)
    if len(content) > _MAX_BYTES:
        raise UsageError(f"The key file holds more than {_MAX_BYTES} bytes; this is no key.")
    with contextlib.suppress(ValueError):  # no hexadecimal digits: the bytes themselves
        content = bytes.fromhex(content.decode("ascii"))
    if len(content) < MIN_BYTES:
        raise UsageError(
            f"The key in the key file has {len(content)} bytes, and {MIN_BYTES} are needed. "
            "Make one with: head -c 32 /dev/urandom > FILE && chmod 600 FILE"
        )
    return content


def _refuse_unsafe(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UsageError("The key file is no plain file.")
    if os.name != "posix":
        return  # the permissions are not in the mode there
    if status.st_mode & 0o077:
        raise UsageError("The key file may be read by others than you. Run: chmod 600 FILE")
    if status.st_uid not in (os.geteuid(), 0):
        raise UsageError("The key file belongs to another user; use one of your own.")
