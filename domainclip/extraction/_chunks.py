"""Chunks: some sources that one task extracts into one part, cut the same way on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from domainclip.extraction._listing import name_hash
from domainclip.extraction.protocol import Source

__all__ = ["Chunk", "chunks"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Sources in the order of their names' hashes. name: of the part, made of those hashes."""

    name: str
    sources: tuple[Source, ...]


def chunks(sources: Iterable[Source], size: int) -> Iterator[Chunk]:
    """Cut sources that come in hash order into chunks of ``size``; the last may be smaller."""
    rest = iter(sources)
    while members := tuple(islice(rest, size)):
        names = hashlib.blake2b(digest_size=4)
        for source in members:
            names.update(name_hash(source.name))
        yield Chunk(name_hash(members[0].name)[:4].hex() + names.hexdigest(), members)
