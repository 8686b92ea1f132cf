"""Compressed pixel data without what their codestreams say beside the pixels.

Cameras, scanners and converters write names, numbers, dates and places into comments and
application segments (EXIF, XMP, thumbnails), which no rule for attributes reaches. The coded
samples are copied byte for byte, so what is decoded stays the same to the bit.

Sources: ITU-T T.81 annex B (JPEG), T.87 annex C (JPEG-LS), T.800 annexes A and I (JPEG 2000), T.871
(JFIF), PS3.5 annex A.4.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from domainclip.errors import BadInput

from ..pixels.fragments import frames_of, split
from ..pixels.jpeg_headers import codestream_of
from ..pixels.reading import attribute

__all__ = ["clean_codestreams", "clean_frame"]

_PIXELS = 0x7FE00010
# RLE, Encapsulated Uncompressed, Deflated Image Frame: frames of nothing but samples.
_PLAIN = ("1.2.840.10008.1.2.5", "1.2.840.10008.1.2.1.98", "1.2.840.10008.1.2.8.1")
# Segments that decoding needs: frames, tables, scans, of JPEG-LS F7 and F8. C8 is for extensions.
_NEEDED = frozenset((*range(0xC0, 0xC8), *range(0xC9, 0xD0), *range(0xDA, 0xE0), 0xF7, 0xF8))
# A marker that is none of the coded data's own: there FF is followed by 00 or a restart marker, in
# JPEG-LS by less than 80.
_MARKER = re.compile(rb"\xff+([\xc0-\xcf\xd8-\xfe])")
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_SOT, _SOD, _EOC, _COMMENT = b"\xff\x90", b"\xff\x93", b"\xff\xd9", 0xFF64
_JP2 = b"\x00\x00\x00\x0cjP  "
_JP2_NEEDED = (b"jP  ", b"ftyp", b"jp2h", b"jp2c")


def clean_codestreams(dataset: Dataset) -> None:
    """Put frames without metadata into a data set with encapsulated pixels, in place.

    Frames that hold none stay as they lie, with their fragments and tables; else every frame
    becomes one fragment, with a basic offset table and no extended one. Raises BadInput for frames
    of a kind that cannot be looked into (video, JPEG XL) and for damaged ones.
    """
    element = dataset.get_item(_PIXELS)
    value = None if element is None else element.value
    meta = getattr(dataset, "file_meta", None)
    syntax = None if meta is None else meta.get("TransferSyntaxUID")
    if not isinstance(value, bytes) or str(syntax) in _PLAIN:
        return
    compressed = syntax is not None and not syntax.is_private and syntax.is_encapsulated
    if not compressed and not getattr(element, "is_undefined_length", False):
        return
    fragments = split(value)
    if fragments is None:
        raise BadInput("Its compressed pixels are not in fragments: it is not copied.")
    count = attribute(dataset, "NumberOfFrames")
    spans = frames_of(
        value,
        fragments,
        declared=count if isinstance(count, int) and count > 0 else 1,
        extended=_extended(dataset),
    )
    frames = [b"".join(value[start:end] for start, end in frame) for frame in spans]
    cleaned = [clean_frame(frame) for frame in frames]
    if all(map(_same, frames, cleaned)):
        return
    made = DataElement(_PIXELS, "OB", encapsulate(cleaned))
    made.is_undefined_length = True
    dataset[_PIXELS] = made
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in dataset:
            del dataset[keyword]


def clean_frame(data: bytes) -> bytes:
    """A codestream without comments, application segments and what stands behind its end. Raises
    BadInput for one that is neither JPEG, JPEG-LS, JPEG 2000 nor RLE, or is damaged in its
    header."""
    try:
        if data.startswith(b"\xff\xd8"):
            return b"".join(_jpeg(data))
        if data.startswith(b"\xff\x4f\xff\x51"):  # SOC, SIZ
            return _j2k(data, 0, len(data), cut=True)
        if data.startswith(_JP2):
            return _jp2(data)
    except (struct.error, IndexError):
        raise BadInput("The header of its compressed pixels is damaged.") from None
    found = codestream_of(data)
    if found is not None and found.kind == "rle":
        return data
    raise BadInput("Its pixels are compressed in a way that may hold metadata: it is not copied.")


def _same(before: bytes, after: bytes) -> bool:
    return before.startswith(after) and not before[len(after) :].strip(b"\0")


def _extended(dataset: Dataset) -> tuple[int, ...]:
    table = attribute(dataset, "ExtendedOffsetTable")
    if not isinstance(table, bytes):
        return ()
    return struct.unpack_from(f"<{len(table) // 8}Q", table)


def _jpeg(data: bytes) -> Iterator[bytes]:
    """The pieces that stay of a JPEG or JPEG-LS. Bytes that belong to no segment and no scan, which
    decoders pass over, go too."""
    yield data[:2]
    at, scans, coded = 2, 0, False
    while (found := _MARKER.search(data, at)) is not None:
        if coded:
            yield data[at : found.start()]
        code, start = found[1][0], found.end() - 2
        if code == _EOI and scans:
            yield data[start : start + 2]
            return
        if code in (_SOI, _EOI):
            at = found.end()
            continue
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        if not start + 4 <= end <= len(data):
            at, coded = start, bool(scans)
            break
        if code in _NEEDED:
            yield data[start:end]
        else:
            yield _application(code, data[start + 4 : end])
        coded = code == _SOS
        scans += coded
        at = end
    if not scans:
        raise BadInput("The header of its compressed pixels is damaged.")
    if coded:
        yield data[at:]


def _application(code: int, told: bytes) -> bytes:
    """What decoding needs of a segment: that samples are YCbCr (JFIF, without its thumbnail), which
    colour transform they have (Adobe, and HP's of JPEG-LS)."""
    if code == 0xE0 and told.startswith(b"JFIF\0") and len(told) >= 14:
        kept = told[:12] + b"\0\0"
    elif code == 0xEE and told.startswith(b"Adobe") and len(told) >= 12:
        kept = told[:12]
    elif code == 0xE8 and told.startswith(b"mrfx") and len(told) == 5:
        kept = told
    else:
        return b""
    return struct.pack(">BBH", 0xFF, code, len(kept) + 2) + kept


def _j2k(data: bytes, start: int, end: int, *, cut: bool) -> bytes:
    """A JPEG 2000 codestream of ``data[start:end]``. cut: comments of the main header go, and what
    stands behind the end; else, and in tile-parts, whose lengths are told, they become zeros."""
    at, main = start + 2, []
    while data[at : at + 2] != _SOT:
        marker, length = struct.unpack_from(">HH", data, at)
        if marker < 0xFF00 or length < 2 or at + 2 + length > end:
            raise BadInput("The header of its compressed pixels is damaged.")
        if marker == _COMMENT:
            main.append((at, at + 2 + length))
        at += 2 + length
    made = bytearray(data[:end])
    while data[at : at + 2] == _SOT and at + 12 <= end:
        (length,) = struct.unpack_from(">L", data, at + 6)
        for first, last in _tile_comments(data, at + 12, end):
            _blank(made, first, last)
        if length < 14 or at + length > end:  # 0: to the end
            at = end
        at += length
    if cut and data[at : at + 2] == _EOC:
        del made[at + 2 :]
    for first, last in reversed(main):
        if cut:
            del made[first:last]
        else:
            _blank(made, first, last)
    return bytes(made[start:])


def _tile_comments(data: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    while at + 4 <= end and data[at] == 0xFF and data[at : at + 2] != _SOD:
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == _COMMENT:
            yield at, min(end, at + 2 + length)
        at += 2 + max(2, length)


def _blank(made: bytearray, start: int, end: int) -> None:
    made[start + 6 : end] = bytes(max(0, end - start - 6))  # marker, length, kind of comment


def _jp2(data: bytes) -> bytes:
    """A JP2 file, which has no place in DICOM and is met there: boxes that are no part of the image
    become zeros."""
    made, at = bytearray(data), 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">L4s", data, at)
        inner = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, inner)
            inner += 8
        end = min(len(data), at + length) if length else len(data)
        if end < inner:
            raise BadInput("The header of its compressed pixels is damaged.")
        if kind == b"jp2c":
            made[inner:end] = _j2k(data, inner, end, cut=False)
        elif kind not in _JP2_NEEDED:
            made[inner:end] = bytes(end - inner)
        at = end
    made[at:] = bytes(len(data) - at)
    return bytes(made)
