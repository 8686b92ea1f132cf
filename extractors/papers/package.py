"""The files of one article, wherever they lie: a folder, an archive's members, a bucket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from domainclip.pairs.schema import Skip

__all__ = ["Package"]


class Package(Protocol):
    """One article's files. name: unique in a run and stable (PMC7301234.1, 2310.06825).

    files: name inside the package ("fig1.jpg", "figures/a.pdf"; forward slashes) -> size in bytes.
    main: the name of the file that tells each form ("jats", "latex", "pdf"), for the forms that
    are there; for latex the root .tex. meta: what the archive itself says of the article
    (PMC's JSON: ids, licence code, retracted; arXiv's licence), plain values. problems: what of it
    cannot be used, for the record.
    """

    name: str
    files: Mapping[str, int]
    main: Mapping[str, str]
    meta: Mapping[str, str]
    problems: tuple[Skip, ...]

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises BadInput (gone, damaged, over the limit, wrong md5)."""
        ...
