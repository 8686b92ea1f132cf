"""What the formats have in common: the fields beside an image, bounds on hostile input, reports."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domainclip.errors import BadInput
from domainclip.images.encoded import decoded, web_image
from domainclip.images.phash import phash
from domainclip.pairs.schema import Pair, Skip, Text

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_IMAGE_BYTES",
    "MAX_TEXT_BYTES",
    "REST",
    "ExportReport",
    "Progress",
    "extension",
    "fields_of",
    "file_stem",
    "imported",
    "not_empty",
    "read_bounded",
    "safe_name",
    "split_named",
]

Progress = Callable[[int, int], None]

# More than any honest image or caption; a lying header must not fill the memory.
MAX_IMAGE_BYTES = 256 << 20
MAX_TEXT_BYTES = 16 << 20

IMAGE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".jp2", ".ppm")
)

# how files of rows without a split are called; reading turns it back into ""
REST = "unassigned"
_SPLIT_NAMES = {
    "training": "train",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "testing": "test",
    REST: "",
}


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote. lost: a sentence for each thing that the format cannot hold."""

    format: str
    path: Path
    pairs: int
    files: int
    lost: tuple[str, ...] = field(default=())


def extension(image: bytes) -> str:
    """``jpg``, ``png``, ... from the first bytes; ``bin`` where they are of no known format."""
    for magic, name in (
        (b"\xff\xd8\xff", "jpg"),
        (b"\x89PNG", "png"),
        (b"GIF8", "gif"),
        (b"BM", "bmp"),
        (b"II*\0", "tif"),
        (b"MM\0*", "tif"),
    ):
        if image.startswith(magic):
            return name
    return "webp" if image[8:12] == b"WEBP" else "bin"


def fields_of(pair: Pair) -> dict[str, Any]:
    """Every field but the image bytes, as plain JSON values."""
    return {
        "key": pair.key,
        "text": pair.text,
        "texts": [{"role": t.role, "text": t.text, "lang": t.lang} for t in pair.texts],
        "labels": list(pair.labels),
        "document": pair.document,
        "group": pair.group,
        "split": pair.split,
        "source": pair.source,
        "license": pair.license,
        "width": pair.width,
        "height": pair.height,
        "sha256": pair.sha256,
        # a string: JSON readers in other languages round 64-bit numbers
        "phash": f"{pair.phash:016x}",
        "where": dict(pair.where),
        "meta": dict(pair.meta),
        "image_path": pair.image_path,
    }


def imported(where: str, fields: Mapping[str, Any], image: bytes) -> Pair | Skip:
    """The pair of fields (any of ``fields_of``) and an image from outside, both verified.

    The image is decoded; width, height and sha256 are measured, never believed. Fields of the
    wrong type, an image that does not decode or differs from its stated sha256 give a Skip.
    """
    if len(image) > MAX_IMAGE_BYTES:
        return _skip(where, "too_large", f"the image has {len(image):,} bytes")
    digest = hashlib.sha256(image).hexdigest()
    stated = fields.get("sha256") or digest
    if stated != digest:
        return _skip(where, "sha256_mismatch", "the image is not the one its fields describe")
    try:
        picture = decoded(image)
        stored = web_image(image, picture)
    except ValueError as error:
        return _skip(where, "corrupt_image", str(error))
    try:
        stated_hash = str(fields.get("phash") or "")
        return Pair(
            key=_text(fields, "key"),
            image=stored,
            image_path=_text(fields, "image_path"),
            text=_text(fields, "text"),
            texts=tuple(
                Text(_text(t, "role"), _text(t, "text"), _text(t, "lang"))
                for t in _list(fields, "texts")
            ),
            labels=tuple(str(label) for label in _list(fields, "labels")),
            document=_text(fields, "document"),
            group=_text(fields, "group"),
            split=_text(fields, "split"),
            source=_text(fields, "source"),
            license=_text(fields, "license"),
            width=picture.width,
            height=picture.height,
            sha256=digest if stored is image else hashlib.sha256(stored).hexdigest(),
            phash=int(stated_hash, 16)
            if re.fullmatch(r"[0-9a-f]{16}", stated_hash)
            else phash(picture),
            where=_object(fields, "where"),
            meta=_object(fields, "meta"),
        )
    except (TypeError, OSError) as error:
        return _skip(where, "bad_fields", str(error))


def not_empty(source: Path, found: Iterator[Pair | Skip], lacks: str) -> Iterator[Pair | Skip]:
    """What was found, as it is. Raises BadInput, naming what ``source`` lacks, if that is none."""
    empty = True
    for item in found:
        empty = False
        yield item
    if empty:
        raise BadInput(f"{source}: {lacks}, so there is nothing to import.")


def read_bounded(path: Path) -> bytes:
    """A file's bytes; raises ValueError where they are more than MAX_IMAGE_BYTES."""
    with path.open("rb") as file:
        data = file.read(MAX_IMAGE_BYTES + 1)
    if len(data) > MAX_IMAGE_BYTES:
        raise ValueError(f"more than {MAX_IMAGE_BYTES >> 20} MB")
    return data


def split_named(name: str) -> str:
    """The split that a folder or file name stands for: ``validation`` is val."""
    return _SPLIT_NAMES.get(name.lower(), name)


def safe_name(name: str) -> str:
    """A name as one path component on any file system: other characters percent-encoded."""
    encoded = "".join(
        char if char.isalnum() or char in " _-+=()," else _percent(char) for char in name
    )
    return encoded if len(encoded.encode()) <= 200 else file_stem(name)


def file_stem(name: str) -> str:
    """A short stand-in for a name too long for a file."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode())


def _skip(where: str, reason: str, detail: str) -> Skip:
    return Skip(where=where, reason=reason, detail=detail, stage="import")


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}, not a text")
    return value


def _list(fields: Mapping[str, Any], name: str) -> list[Any]:
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or (
        name == "texts" and not all(isinstance(each, Mapping) for each in value)
    ):
        raise TypeError(f"{name} is {value!r}, not a list as pairs have it")
    return value


def _object(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = fields.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError(f"{name} is {value!r}, not a JSON object")
    return value
