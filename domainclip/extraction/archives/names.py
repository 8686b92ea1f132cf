"""Names of files from anywhere as names that are safe to show, to store and to compare."""

from __future__ import annotations

import re

__all__ = ["decoded_name", "safe_name", "shown"]

LONGEST = 1024  # characters; longer ones are made to break something
DEEPEST = 32  # folders

_DRIVE = re.compile(r"[A-Za-z]:")
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def decoded_name(raw: bytes) -> str:
    """A member's name from its bytes: UTF-8, else Latin-1, which reads any bytes."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def shown(name: str) -> str:
    r"""The name without control characters, direction marks and halves of characters.

    Each becomes its code, as ``\n`` or ``\udcff``, so that different names stay different.
    """
    if name.isascii() and name.isprintable():
        return name
    return _UNPRINTABLE.sub(lambda found: ascii(found.group())[1:-1], name)


def safe_name(name: str) -> tuple[str, str]:
    r"""A member's name -> (relative name with forward slashes, why it is refused or "").

    ``./a//b`` becomes ``a/b``. Refused: absolute names, drive letters, any ``..``, empty names,
    more than 1,024 characters or 32 folders. Backslashes are separators, as Windows takes them.
    """
    plain = shown(name.replace("\\", "/"))
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    clean = "/".join(parts)
    if plain.startswith("/") or _DRIVE.match(plain):
        return clean, "its name is absolute"
    if ".." in parts:
        return clean, "its name leads outside by '..'"
    if not parts:
        return clean, "it has no name"
    if len(plain) > LONGEST or len(parts) > DEEPEST:
        return clean[:80], f"its name has over {LONGEST} characters or {DEEPEST} folders"
    return clean, ""
