"""Options that no scene of a run had a use for, and scenes of which no option says what they show:
known when all of them have been seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rasterio.transform import from_bounds

from domainclip.errors import BadInput

from .labels.cover import Cover
from .partners import any_of, flag, is_given
from .reading.placing import crs_named
from .reading.scenes import Scene

if TYPE_CHECKING:
    from .tools import Tools

__all__ = ["Unused"]

PLACELESS = "no scene has a place; give it with --bounds or a world file, or"
WHY = {
    "crs": f"{PLACELESS} leave it out",
    "places": f"{PLACELESS} leave it out",
    "cell": f"{PLACELESS} leave it out",
    "gsd_m": "no scene says how large its pixels are; give that with --pixel-m, or leave it out",
    "pixel_m": "every scene has a place, which says how large its pixels are; leave it out",
    "bounds": "every scene says its own place; leave it out",
    "bounds_crs": "it is the CRS of --bounds and of world files, and there are neither; leave "
    "it out",
    "subdatasets": "no scene holds any; leave it out",
    "resampling": "scenes are resampled with --crs or --gsd-m, or where their place is given by "
    "points, and none was; leave it out",
}
LABELS = ("classes", "labels", "boxes", "masks", "vectors")


class Unused:
    """What scenes have no use for so far, and how many have nothing that captions could say."""

    def __init__(self, tools: Tools) -> None:
        self._tools, self._tiles = tools, tools.tiles
        self._left = {name for name in WHY if is_given(self._tiles, name)}
        self._scenes = self._bounded = self._silent = 0

    def add(self, scene: Scene) -> None:
        """A scene of the run that could be opened."""
        self._scenes += 1
        self._silent += self._says_nothing(scene)
        for name in sorted(self._left | ({"bounds"} if self._tiles.bounds else set())):
            if self._uses(scene, name):
                self._left.discard(name)
                self._bounded += name == "bounds"

    def sentences(self) -> Iterator[str]:
        """One for each option that had no effect, or for --bounds one too many; and one where
        captions say nothing."""
        if self._scenes:
            for name in WHY:
                if name in self._left:
                    yield f"{flag(name)} had no effect: {WHY[name]}."
        if self._bounded > 1:
            yield (
                f"--bounds gave {self._bounded:,} scenes the same place; give each that lies "
                "elsewhere a run of its own, or a world file."
            )
        if self._silent:
            scenes = "1 scene" if self._silent == 1 else f"{self._silent:,} scenes"
            remedy = any_of(LABELS)
            if self._tools.labels:
                remedy = "the names of its classes, which are numbers, with --class-table"
            yield (
                f"Captions of the tiles of {scenes} say nothing of what they show: give {remedy}."
            )

    def _says_nothing(self, scene: Scene) -> bool:
        """Neither labels with words in them nor place, time or sensor: the picture and its
        resolution are all."""
        tiles, known = self._tiles, scene.facts
        placed = tiles.places and scene.georeference is not None
        if placed or known.acquired or known.sensor or tiles.acquired or tiles.sensor:
            return False
        if self._tools.objects or self._tools.vectors is not None:
            return False
        classes = self._tools.classes
        if not isinstance(classes, Cover):
            return classes is None
        if not all(name.isdigit() for name in classes.names.values()):
            return False
        try:
            return classes.reaches(scene)  # else there are no tiles of it
        except BadInput:
            return False

    def _uses(self, scene: Scene, name: str) -> bool:
        tiles, placing = self._tiles, scene.file.placing
        if name == "pixel_m":
            return scene.georeference is None
        if name in ("crs", "places", "cell", "gsd_m"):
            known = name == "gsd_m" and tiles.pixel_m is not None
            return known or scene.georeference is not None
        if name == "subdatasets":
            return scene.name.endswith(tuple(f":{each}" for each in tiles.subdatasets))
        if name == "resampling":
            regular = placing is None or placing.kind == "affine"
            return bool(tiles.crs or tiles.gsd_m) or not regular
        if placing is None or placing.kind != "affine":
            return False
        if name == "bounds_crs" and not tiles.bounds:
            return bool(placing.crs == crs_named(tiles.bounds_crs))
        return bool(tiles.bounds) and placing.transform.almost_equals(
            from_bounds(*tiles.bounds, scene.file.width, scene.file.height)
        )
