"""What a name of a file beside papers says: its extension, its stem, an arXiv identifier."""

from __future__ import annotations

import re

__all__ = [
    "ARCHIVE_ENDINGS",
    "MAIN_NAMES",
    "PACKED_ENDINGS",
    "SOURCE_FOLDER",
    "arxiv_id",
    "extension",
    "last_name",
    "stem",
]

ARCHIVE_ENDINGS = frozenset({"zip", "tar", "gz", "tgz", "bz2", "tbz", "tbz2", "xz", "txz"})
PACKED_ENDINGS = frozenset({"gz", "bz2", "xz"})  # of one file, packed
# What people call the article itself, and the folder of its source.
MAIN_NAMES = frozenset({"paper", "main", "article", "fulltext", "manuscript", "ms"})
SOURCE_FOLDER = re.compile(r"(.*[._-])?(src|sources?|tex|latex|xml|jats)", re.IGNORECASE)
# arxiv.org/help/arxiv_identifier: 2310.06825, 0704.0001v2; until March 2007 hep-th/9802040,
# math.GT/0309136, which files write without the slash.
_ARXIV = re.compile(r"(\d\d(?:0[1-9]|1[0-2])\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/?\d{7})(v\d+)?")


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
