"""Why a member of an archive is not read, in words that hold neither its name nor any value."""

from __future__ import annotations

__all__ = ["withheld"]

# How ``Member.refused`` begins -> what is told; the texts of errors hold names, and are not.
_UNSAFE = "Its name in the archive is unsafe, for it leads outside; it is not read."
_NO_FILE = "It is a device or a pipe in the archive and no file; it is not read."
_WITHHELD = {
    "it is encrypted": "It is encrypted in the archive; give the archive without a password.",
    "its name is absolute": _UNSAFE,
    "its name leads outside": _UNSAFE,
    "its name has over": "Its name in the archive is longer than any file's; it is not read.",
    "it has no name": "It has no name in the archive; pack it again under one.",
    "it is a symbolic link": "It is a link in the archive; links are not followed.",
    "it is a hard link": "It is a link in the archive; links are not followed.",
    "it is a device": _NO_FILE,
    "it is a pipe": _NO_FILE,
    "it is a sparse file": "It is packed as a sparse file; pack it again as a plain one.",
    "it is packed by method": "It is packed by a method that is not read; pack it by deflate.",
}


def withheld(refused: str) -> str:
    """A sentence on a member that is not read, from ``Member.refused``, which may hold its name.

    What leads out of the archive, or is no file, is not to be unpacked by hand either.
    """
    for start, detail in _WITHHELD.items():
        if refused.startswith(start):
            return detail
    return "Its data in the archive are damaged; fetch the archive again."
