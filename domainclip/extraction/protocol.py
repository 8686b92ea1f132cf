"""What an extractor is: it names its sources, then turns each one into pairs, on its own.

One of your own is a file ``mine.py`` with one class, whose fields are its options, here
``--license``; ``domainclip extract ./mine.py PHOTOS -o PAIRS`` runs it::

    from dataclasses import dataclass
    from io import BytesIO
    from pathlib import Path
    from PIL import Image
    from domainclip.extraction import Source
    from domainclip.pairs import Pair

    @dataclass(frozen=True)
    class Photos:
        "JPEG files, each with its name as caption. license: of the photos."
        license: str = ""
        version = "1"

        def sources(self, root):
            return (Source(each.name, str(each)) for each in Path(root).rglob("*.jpg"))

        def pairs(self, source):
            image, name = Path(source.path).read_bytes(), Path(source.name).stem
            width, height = Image.open(BytesIO(image)).size
            yield Pair(key=source.name, image=image, text=name, width=width, height=height,
                       license=self.license)

``sources`` gives names that are unique in a run; ``pairs`` any number of pairs, and a ``Skip`` for
what cannot be used. An exception costs that one source, which ``_errors.parquet`` then names.

A class whose sources may lie under several roots at once (the images of a study here, its report
there) has ``all_sources(roots)`` too, which is then called instead, and raises BadInput for a root
that holds nothing. ``hidden``, names of options that hold paths, keeps those and the roots out of
everything that is written beside the pairs. ``inputs_are`` tells in the summary what sources are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from domainclip.pairs.schema import Pair, Skip

__all__ = ["Extractor", "Source"]


@dataclass(frozen=True, slots=True)
class Source:
    """One unit of work: small, picklable, independent of every other.

    name: stable and unique within a run (``scene.tif#r003``, ``PMC7301234``): chunks are cut by
    its hash and it is what ``_errors.parquet`` shows. path: where to read it. part: what of it
    (plain JSON values).
    """

    name: str
    path: str
    part: tuple[tuple[str, Any], ...] = ()


class Extractor(Protocol):
    """A frozen dataclass whose fields are its options; picklable: any process can run it."""

    version: str

    def sources(self, root: str) -> Iterator[Source]:
        """Every unit of work under ``root``, one by one: an archive is never held in memory."""
        ...

    def pairs(self, source: Source) -> Iterator[Pair | Skip]:
        """The pairs of one unit; a part that cannot be used is a Skip, a bug is an exception."""
        ...
