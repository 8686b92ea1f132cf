"""What annotations hold and no tile shows, as counted skips: each object once in a run.

Boxes and features of a scene are counted by its first source, specks of masks by the source of
their tile, and what belongs to no scene at all by a source of its own, the last but those for
labels that fit none of the scenes, which are errors.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

from domainclip.extraction import Source
from domainclip.pairs import Skip

from .labels.unmatched import Unmatched
from .reading.scenes import Scene
from .records import Listed
from .stac.items import Refused

if TYPE_CHECKING:
    from .tools import Tools

__all__ = ["Named", "counted_skips", "source_of_rest"]

MOST = 1_000_000  # of one reason and source
TOLD_AT_THE_END = 500  # characters of the reason why a run gave no pair


class Named:
    """The annotations that a run's scenes are named by, and the labels that lie on none of them.

    failed: something of the run has failed before.
    """

    def __init__(self, tools: Tools) -> None:
        self._objects = tools.objects
        self._seen: list[set[str]] = [set() for _ in self._objects]
        self._labels = tools.labels
        self._unmatched = Unmatched(tools.labels)
        self.failed = False

    def add(self, found: Listed | Refused) -> None:
        """A scene of the run, whether or not it can be opened."""
        path = found.path if isinstance(found, Listed) else found.name
        for labels, seen in zip(self._objects, self._seen, strict=True):
            seen |= labels.names_like(path, found.name)

    def look(self, scene: Scene) -> None:
        """A scene of the run that could be opened."""
        self._unmatched.look(scene)

    def rest(self) -> dict[str, int]:
        """reason -> number of files, images and objects that belong to none of these scenes."""
        found: dict[str, int] = {}
        for labels, seen in zip(self._objects, self._seen, strict=True):
            for reason, count in labels.without_scene(seen).items():
                found[reason] = found.get(reason, 0) + count
        return found

    def nothing_fits(self, unmatched: int) -> bool:
        """Are so many labels that fit no scene all that there are, and why no tile has a caption?
        The run then ends with their sentence by itself."""
        return unmatched == len(self._labels) == 1 and not self.failed

    def unmatched(self) -> Iterator[tuple[str, str]]:
        """(option and file, sentence) of labels that fit none of these scenes."""
        yield from self._unmatched.sentences()


def source_of_rest(tools: Tools, named: Named) -> Iterator[Source]:
    """Sources for what belongs to no scene, where there is anything: one for each damaged file of
    annotations, one that counts the rest, and one for each of the labels that fit none, of which
    the user is told at once; in short where the run will say it at its end."""
    for labels in tools.objects:
        for name, sentence in labels.damaged:
            part = (("refused", "unreadable_annotations"), ("detail", sentence))
            named.failed = True
            yield Source(f"{name}#annotations", name, part)
    rest = named.rest()
    path = tools.tiles.boxes or tools.tiles.masks or ""
    if rest:
        yield Source(f"{Path(path).name}#without_scene", path, (("left_out", rest),))
    unmatched = list(named.unmatched())
    alone = named.nothing_fits(len(unmatched))
    for typed, sentence in unmatched:
        at_the_end = alone and len(sentence) <= TOLD_AT_THE_END
        print(f"{typed}: fits no scene." if at_the_end else sentence, file=sys.stderr)
        option, _, path = typed.partition(" ")
        name = f"{option} {Path(path).name}#fits_no_scene"
        yield Source(name, path, (("refused", "labels_fit_no_scene"), ("detail", sentence)))


def counted_skips(where: str, counts: Mapping[str, int]) -> Iterator[Skip]:
    """A skip for each of what was left out; it is counted, and no error."""
    for reason, count in sorted(counts.items()):
        yield from repeat(Skip(where=where, reason=reason, quarantine=False), min(count, MOST))
