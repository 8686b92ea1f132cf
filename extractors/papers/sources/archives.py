"""Archives beside papers: on disk or on a server, their members' starts read where these tell."""

from __future__ import annotations

from functools import partial

from domainclip.extraction.archives import members as any_archive
from domainclip.extraction.archives.members import HEAD_BYTES
from domainclip.extraction.archives.places import Places

from .kinds import named_kind
from .places import identity, open_place

__all__ = ["heads_wanted", "listed_members", "opened", "peeked_members"]

_ANYWHERE = Places(identity, open_place)


def heads_wanted(name: str, size: int) -> int:
    """How many first bytes of a member tell its kind: none where its name does."""
    return HEAD_BYTES if named_kind(name) is None else 0


opened = partial(any_archive.opened, places=_ANYWHERE)
listed_members = partial(any_archive.listed_members, take=heads_wanted, places=_ANYWHERE)
peeked_members = partial(any_archive.peeked_members, take=heads_wanted, places=_ANYWHERE)
