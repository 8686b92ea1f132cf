"""Which image that annotations name is which scene: by file name, nearer folders deciding."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from domainclip.errors import BadInput

from ...reading.scenes import Scene

__all__ = ["Names", "path_of", "stem_of"]

_IMAGES = {
    "tif", "tiff", "png", "jpg", "jpeg", "jp2", "j2k", "jpx", "bmp", "gif", "webp", "vrt", "img",
    "ntf", "nitf", "nc", "h5", "hdf", "hdr", "dat", "cog", "sid", "ecw",
}  # fmt: skip
# folders that say what lies in them and not which data it is
_PLAIN = {
    "images", "image", "labels", "label", "labeltxt", "annotations", "annotation", "jpegimages",
    "masks", "mask", "gt", "xml", "txt", "json", "geojson", "img", "imgs",
    "horizontal bounding boxes", "oriented bounding boxes", ".", "",
}  # fmt: skip


class Names:
    """Names of images, as annotations write them: with folders or without, with the file's ending
    or without."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_stem: dict[str, list[str]] = {}
        for name in names:
            self._by_stem.setdefault(stem_of(name), []).append(name)

    def of(self, scene: str) -> str | None:
        """The name that means this scene (its path), or None.

        Of several with its stem, the one that shares most folders with it, from the file up, then
        the one with its ending. Raises BadInput where two are as near.
        """
        candidates = self.like(scene)
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        ranked = sorted(candidates, key=lambda name: _nearness(name, scene), reverse=True)
        if _nearness(ranked[0], scene) == _nearness(ranked[1], scene):
            raise BadInput(
                f"{PurePosixPath(scene).name}: the annotations name {ranked[0]!r} and "
                f"{ranked[1]!r}, which may both be this scene; give their folders, or other names."
            )
        return ranked[0]

    def like(self, scene: str) -> list[str]:
        """The names with the scene's stem."""
        return self._by_stem.get(stem_of(scene), [])

    def nearest(self, path: str, name: str) -> set[str]:
        """The one that means a scene (what GDAL opens, its name in the run), or all that may."""
        scene = path if stem_of(path) == stem_of(name) else name
        try:
            found = self.of(scene)
        except BadInput:
            return set(self.like(scene))
        return set() if found is None else {found}


def stem_of(name: str) -> str:
    """The file's name without the ending of an image: ``a/b.c.tif`` -> ``b.c``."""
    tail = _parts(name)[-1]
    start, dot, ending = tail.rpartition(".")
    return start if dot and start and ending.lower() in _IMAGES else tail


def path_of(scene: Scene) -> str:
    """The path of a scene's file, as far as it has one."""
    path = str(scene.dataset.name)
    return path if stem_of(path) == stem_of(scene.name) else scene.name


def _nearness(name: str, scene: str) -> tuple[int, bool]:
    own, other = (
        [part for part in _parts(path)[:-1] if part.lower() not in _PLAIN] for path in (name, scene)
    )
    shared = 0
    for one, two in zip(reversed(own), reversed(other), strict=False):
        if one != two:
            break
        shared += 1
    return shared, _parts(name)[-1] == _parts(scene)[-1]


def _parts(name: str) -> list[str]:
    return name.replace("\\", "/").rstrip("/").split("/")
