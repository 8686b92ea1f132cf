"""Names of files from anywhere as names that are safe to show, to store and to compare."""

from __future__ import annotations

import re

__all__ = [
    "ARCHIVE_ENDINGS",
    "MAIN_NAMES",
    "PACKED_ENDINGS",
    "SOURCE_FOLDER",
    "arxiv_id",
    "decoded_name",
    "extension",
    "last_name",
    "safe_name",
    "shown",
    "stem",
]

LONGEST = 1024  # characters; longer ones are made to break something
DEEPEST = 32  # folders

ARCHIVE_ENDINGS = frozenset({"zip", "tar", "gz", "tgz", "bz2", "tbz", "tbz2", "xz", "txz"})
PACKED_ENDINGS = frozenset({"gz", "bz2", "xz"})  # of one file, packed
# What people call the article itself, and the folder of its source.
MAIN_NAMES = frozenset({"paper", "main", "article", "fulltext", "manuscript", "ms"})
SOURCE_FOLDER = re.compile(r"(.*[._-])?(src|sources?|tex|latex|xml|jats)", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# arxiv.org/help/arxiv_identifier: 2310.06825, 0704.0001v2; until March 2007 hep-th/9802040,
# math.GT/0309136, which files write without the slash.
_ARXIV = re.compile(r"(\d\d(?:0[1-9]|1[0-2])\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/?\d{7})(v\d+)?")


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


def stem(name: str) -> str:
    """The last part of a name without its extension; of ``a/b.tar.gz`` it is ``b``.

    What stands behind the dot of ``2310.06825`` is no extension.
    """
    last = name.rsplit("/", 1)[-1]
    ending = extension(last)
    if not ending:
        return last
    before = last[: -len(ending) - 1]
    if ending in PACKED_ENDINGS and before[-4:].lower() == ".tar" and len(before) > 4:
        return before[:-4]
    return before


def last_name(path: str) -> str:
    """What stands behind the last slash."""
    return path.rsplit("/", 1)[-1]


def extension(name: str) -> str:
    """The extension in lower case without its dot, or "": at most 8 letters or digits, not all
    digits."""
    head, dot, ending = name.rsplit("/", 1)[-1].rpartition(".")
    if not dot or not head or not ending.isalnum() or ending.isdigit() or len(ending) > 8:
        return ""
    return ending.lower()


def arxiv_id(name: str) -> str:
    """The arXiv identifier that a file's stem is, with its version, else "".

    ``hep-th9802040`` and ``hep-th/9802040`` are both ``hep-th9802040``: a name without a slash.
    """
    found = _ARXIV.fullmatch(name)
    return found.group().replace("/", "") if found else ""
