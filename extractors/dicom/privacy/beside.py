"""What a run wrote beside the pairs, as words: DICOM copies and volumes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nibabel
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.encaps import generate_fragments

from domainclip.errors import BadInput

from ..pixels.reading import read_dataset
from ..quiet import quiet
from .values import strings

__all__ = ["Unread", "copy_texts", "files_in", "frame_texts", "volume_texts"]

# What de-identification itself writes: of the program and the profile, of nobody (0002 and 0012).
_OURS = frozenset((0x00020012, 0x00020013, 0x00120062, 0x00120063, 0x00120064))
_PIXELS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
_NUMBERS = ("US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "OF", "OD", "OL", "OV", "AT")
_MOST_BYTES = 1 << 20  # of one value that is no text by its VR
_MAX_FILE_BYTES = 4 << 30
_JP2, _CODESTREAM = b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"
_SEGMENT = re.compile(rb"\xff[\xe0-\xef\xfe](..)", re.DOTALL)


class Unread(Exception):
    """A file that cannot be looked through."""


def files_in(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """(folder below, path below, file) of every file below ``folder``."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            below = path.relative_to(folder)
            yield below.parts[0] if len(below.parts) > 1 else "", str(below), path


def copy_texts(path: Path) -> list[str]:
    """All text of a DICOM file: every value that is no number, at any depth, private ones too, the
    preamble, and what its compressed frames say of themselves. Raises Unread."""
    try:
        with quiet(), path.open("rb") as file:
            preamble = file.read(128).decode("latin-1")
            file.seek(0)
            dataset = read_dataset(file, pixels=False)
            said = [preamble, *_texts(dataset.file_meta), *_texts(dataset)]
            syntax = dataset.file_meta.get("TransferSyntaxUID")
            if syntax is not None and syntax.is_compressed:
                file.seek(0)
                data = read_dataset(file, max_bytes=_MAX_FILE_BYTES).get("PixelData", b"")
                for fragment in _fragments(data):
                    said += frame_texts(fragment)
    except (BadInput, OSError, AttributeError, ValueError, RecursionError):
        raise Unread from None
    return said


def volume_texts(path: Path) -> list[str]:
    """All text of a NIfTI header and its extensions. Raises Unread."""
    try:
        with quiet():
            header = nibabel.load(path).header
        fields = [header[name] for name in header if header[name].dtype.kind == "S"]
        said = [field.tobytes().decode("utf-8", "replace") for field in fields]
        for extension in header.extensions:
            content = extension.get_content()
            if isinstance(content, bytes):
                content = content.decode("utf-8", "replace")
            said.append(str(content))
    except Exception:  # nibabel raises what its parsers raise
        raise Unread from None
    return said


def _texts(dataset: Dataset) -> Iterator[str]:
    for element in dataset:
        if element.tag in _OURS or element.tag in _PIXELS:
            continue
        if element.VR == "SQ":
            for item in element.value:
                yield from _texts(item)
        elif element.VR not in _NUMBERS:
            yield from _values(element)


def _values(element: DataElement) -> list[str]:
    value = element.value
    if isinstance(value, bytes):
        return [value[:_MOST_BYTES].decode("utf-8", "replace")]
    return strings(element)


def _fragments(data: bytes) -> Iterator[bytes]:
    """A frame's header is in its first fragment, and the others do not look like one."""
    try:
        yield from generate_fragments(data)
    except Exception:  # pydicom raises anything for what is not encapsulated after all
        raise Unread from None


def frame_texts(frame: bytes) -> list[str]:
    """What a JPEG, JPEG-LS or JPEG 2000 says beside its samples: comments and applications'
    segments such as EXIF (ISO/IEC 10918-1 B.2, ISO/IEC 15444-1 A.3), the boxes of a JP2 before its
    codestream (15444-1 I.4), and what follows the end."""
    said, at = [], 0
    if frame.startswith(_JP2):
        at = max(frame.find(_CODESTREAM), 0)
        said.append(frame[:at].decode("latin-1"))
    if frame[at : at + 2] not in (b"\xff\xd8", b"\xff\x4f"):
        return said
    wavelet = frame[at + 1] == 0x4F
    at += 2
    while at + 4 <= len(frame) and frame[at] == 0xFF and frame[at + 1] not in (0xDA, 0x90):
        marker, size = frame[at + 1], int.from_bytes(frame[at + 2 : at + 4], "big")
        if 0xE0 <= marker <= 0xEF or marker in (0xFE, 0x64):  # APPn, COM of either standard
            said.append(frame[at + 4 : at + 2 + size].decode("latin-1"))
        at += 2 + max(size, 2)
    if not wavelet:  # between scans: in coded samples no such byte follows FF
        for found in _SEGMENT.finditer(frame, at):
            end = found.start() + 2 + int.from_bytes(found[1], "big")
            said.append(frame[found.end() : end].decode("latin-1"))
    _, end_of_image, rest = frame[at:].rpartition(b"\xff\xd9")
    if end_of_image:
        said.append(rest.decode("latin-1"))
    return said
