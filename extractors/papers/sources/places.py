"""Files by path or URL: the one way in which papers are opened, here or on a server."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Any

from domainclip.errors import BadInput
from domainclip.extraction.archives.places import file_identity, open_file

__all__ = ["identity", "is_url", "join", "open_place", "read_place"]


def is_url(path: str) -> bool:
    """Is it the URL of something elsewhere (https://, s3://), not a path?"""
    scheme, found, _ = path.partition("://")
    return bool(found) and scheme.replace("+", "").isalnum() and len(scheme) > 1


def join(folder: str, name: str) -> str:
    """The path or URL of a file in a folder."""
    return f"{folder.rstrip('/')}/{name}" if is_url(folder) else os.path.join(folder, name)  # noqa: PTH118 - a name may be no text


def identity(path: str) -> tuple[Any, ...]:
    """What tells this state of a file from every other. Raises BadInput where it is gone."""
    if is_url(path):
        from .remote import remote_identity

        return remote_identity(path)
    return file_identity(path)


def open_place(path: str) -> AbstractContextManager[Any]:
    """The file, open for reading bytes and seeking. Raises BadInput where it cannot be opened."""
    if is_url(path):
        from .remote import open_remote

        return open_remote(path)
    return open_file(path)


def read_place(path: str, *, limit: int) -> bytes:
    """All of a file's bytes. Raises BadInput (gone, unreadable, past ``limit`` bytes)."""
    if is_url(path):
        from .remote import read_remote

        return read_remote(path, limit=limit)
    with open_place(path) as file:
        try:
            data: bytes = file.read(limit + 1)
        except OSError as error:
            raise BadInput(f"{path!r} cannot be read ({error.strerror}).") from error
    if len(data) > limit:
        raise BadInput(f"{path!r} holds more than {limit >> 20} MB, which is the limit.")
    return data
