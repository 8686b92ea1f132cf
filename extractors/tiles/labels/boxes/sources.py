"""Annotation files: which there are, of which format by their content, and whose objects they hold.

Files for one image each (VOC, DOTA, YOLO) are read when their scene is; those for many at once.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from domainclip.errors import BadInput

from .coco import read_coco
from .drawn import Drawn
from .layers import Layer, read_layers
from .lines import NAME_FILES, kind_of_lines, read_lines, yolo_names
from .offline import refuse_remote_crs
from .reading import Asked, bounded_text, files_below
from .tables import is_table, read_table
from .voc import image_of_voc, read_voc

__all__ = ["ENDINGS", "Annotated", "find_annotations"]

ENDINGS = {".json", ".geojson", ".gpkg", ".shp", ".fgb", ".xml", ".txt", ".csv", ".tsv"}
_HEAD = 1 << 16
_FEATURES = re.compile(rb'"type"\s*:\s*"(?:FeatureCollection|Feature)"')


@dataclass
class Annotated:
    """What some annotation files hold.

    pictured: image's name -> its objects, or the file that they are to be read from; more than one
    where several files speak of it. layers: polygons on the map. dropped: reason -> number, of what
    belongs to no image. unread: files of a folder that hold no annotations, by name. damaged: those
    that cannot be read, and the sentence why.
    """

    root: Path
    asked: Asked
    pictured: dict[str, list[tuple[Path, Drawn | None]]] = field(default_factory=dict)
    layers: list[Layer] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    unread: list[str] = field(default_factory=list)
    damaged: list[tuple[str, str]] = field(default_factory=list)

    def file(self, image: str) -> Path:
        """That the objects of an image are in."""
        return self.pictured[image][0][0]

    def drawn(self, image: str) -> Drawn:
        """The objects of an image. Raises BadInput for a damaged file, and where two files speak
        of the image, since its objects would count twice."""
        entries = self.pictured[image]
        if len({path for path, _ in entries}) > 1:
            first, second = sorted(str(path) for path, _ in entries)[:2]
            raise BadInput(
                f"{image}: annotated in {first} and in {second}; its objects would count twice, so "
                "give one of them."
            )
        path, drawn = entries[0]
        return drawn if drawn is not None else _read_one(path, self.root, self.asked)


def find_annotations(root: Path, asked: Asked) -> Annotated:
    """The annotations in a file, or in a folder and those below it, of which damaged files are put
    aside. Raises BadInput where there are none."""
    found = Annotated(root, asked)
    if root.is_file():
        if not _take(found, root, alone=True):
            raise BadInput(
                f"{root}: no annotations of a known format: COCO, PASCAL VOC, DOTA, YOLO, a table "
                "with columns for boxes or outlines, GeoJSON, GeoPackage, Shapefile."
            )
        return found
    if not root.is_dir():
        raise BadInput(f"{root}: no such file or folder of annotations.")
    for path in files_below(root, ENDINGS):
        if path.name.lower() in NAME_FILES:
            continue
        name = path.relative_to(root).as_posix()
        try:
            if not _take(found, path, alone=False):
                found.unread.append(name)
        except BadInput as error:
            found.damaged.append((name, str(error)))
    if not found.pictured and not found.layers:
        if found.damaged:
            raise BadInput(
                f"{root}: none of its annotations can be read ({len(found.damaged):,} files), e.g. "
                f"{found.damaged[0][1]}"
            )
        raise BadInput(f"{root}: no annotations in this folder.")
    return found


def _take(found: Annotated, path: Path, *, alone: bool) -> bool:
    """Files the annotations of a file under their images; False: it holds none."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise BadInput(f"{path}: the annotations cannot be read ({error}).") from error
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if head.startswith((b"SQLite format 3\0", b"\0\0\x27\x0a", b"fgb\x03")):
        _take_layers(found, path)
    elif start == b"<":
        _take_voc(found, path, alone=alone)
    elif start in (b"{", b"["):
        if _FEATURES.search(head):
            refuse_remote_crs(path)
            _take_layers(found, path)
        else:
            pictured, lost = read_coco(path, bounded_text(path), found.asked)
            found.dropped.update(lost)
            _add(found, path, pictured)
    else:
        return _take_text(found, path, head, alone=alone)
    return True


def _take_voc(found: Annotated, path: Path, *, alone: bool) -> None:
    names = [_own_name(found, path)]
    if alone and (named := image_of_voc(path)):
        names.append(named)
    for name in dict.fromkeys(names):
        found.pictured.setdefault(name, []).append((path, None))


def _take_text(found: Annotated, path: Path, head: bytes, *, alone: bool) -> bool:
    # cut at a line, so that no character is torn
    whole = head if len(head) < _HEAD else head[: head.rfind(b"\n") + 1]
    text = whole.decode("utf-8-sig", "replace")  # the readers say what is no UTF-8
    kind = kind_of_lines(text)
    if kind == "empty" and not alone and path.suffix not in (".txt", ".geojson"):
        return False
    if kind is not None:
        found.pictured.setdefault(_own_name(found, path), []).append((path, None))
    elif is_table(text):
        _add(found, path, read_table(path, bounded_text(path), found.asked))
    else:
        return False
    return True


def _take_layers(found: Annotated, path: Path) -> None:
    pictured, layers = read_layers(path, found.asked)
    _add(found, path, pictured)
    found.layers += layers


def _add(found: Annotated, path: Path, pictured: dict[str, Drawn]) -> None:
    for name, drawn in pictured.items():
        found.pictured.setdefault(name, []).append((path, drawn))


def _own_name(found: Annotated, path: Path) -> str:
    """The image that a file for one image is about, by the file's own place and name."""
    if path == found.root:
        return path.stem
    return path.relative_to(found.root).with_suffix("").as_posix()


def _read_one(path: Path, root: Path, asked: Asked) -> Drawn:
    if path.suffix.lower() == ".xml" or path.read_bytes()[:64].lstrip()[:1] == b"<":
        return read_voc(path, asked)
    return read_lines(path, asked, yolo_names(path.parent, root))
