"""What a compressed frame says of itself: its codec, size, samples and bits, read from its header.

Where group 0028 says otherwise, the codestream is right: the decoder follows it. Sources: ITU-T
T.81 annex B (JPEG), T.87 annex C (JPEG-LS), T.800 annex A (JPEG 2000), T.814 annex A (its
high-throughput form), PS3.5 annex G (RLE).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

__all__ = ["Codestream", "Kind", "begins_codestream", "codestream_of", "repaired_scans"]

Kind = Literal["jpeg", "jpeg_lossless", "jpeg_ls", "j2k", "htj2k", "rle"]

_SOI, _J2K = b"\xff\xd8", b"\xff\x4f\xff\x51"
_JP2 = b"\x00\x00\x00\x0cjP  "
# Frame headers: sequential, extended, progressive; 3 is lossless; F7 is JPEG-LS. Those with
# arithmetic coding (C9 to CB) are in the same format.
_FRAMES: dict[int, Kind] = {
    0xC0: "jpeg", 0xC1: "jpeg", 0xC2: "jpeg", 0xC9: "jpeg", 0xCA: "jpeg",
    0xC3: "jpeg_lossless", 0xCB: "jpeg_lossless", 0xF7: "jpeg_ls",
}  # fmt: skip
_RGB_IDS = (b"RGB", b"rgb")


@dataclass(frozen=True, slots=True)
class Codestream:
    """The header of one frame.

    bits: of a sample (precision). signed: as JPEG 2000 tells it, False elsewhere. colour: "RGB" or
    "YBR_FULL" where the codestream tells what its three samples are, else "". levels: of
    resolution that can be left out (JPEG 2000). process: the marker of the frame header, as 0xC1
    for JPEG Extended. start: of the codestream in the frame (behind a JP2 header). RLE tells
    neither its size nor its bits: rows and columns are 0, and samples is its number of segments.
    """

    kind: Kind
    rows: int
    columns: int
    samples: int
    bits: int
    signed: bool = False
    colour: str = ""
    levels: int = 0
    process: int = 0
    start: int = 0


def begins_codestream(data: bytes) -> bool:
    """Whether these are the first bytes of a frame rather than of a later fragment of it."""
    return data.startswith((_SOI + b"\xff", _J2K, _JP2)) or _rle(data) is not None


def codestream_of(data: bytes) -> Codestream | None:
    """The header of the frame in ``data``, or None where it is none of the known ones, or damaged
    before its size is told."""
    try:
        if data.startswith(_SOI):
            return _jpeg(data)
        start = data.find(_J2K, 0, 4096) if data.startswith(_JP2) else 0
        if start >= 0 and data.startswith(_J2K, start):
            return _j2k(data, start)
    except (struct.error, IndexError):
        return None
    return _rle(data)


def _jpeg(data: bytes) -> Codestream | None:
    jfif = False
    adobe: int | None = None
    found: Codestream | None = None
    for marker, at, length in _segments(data):
        if marker == 0xE0 and data.startswith(b"JFIF", at):
            jfif = True
        elif marker == 0xEE and data.startswith(b"Adobe", at) and length >= 12:
            adobe = data[at + 11]
        elif marker in _FRAMES and found is None:
            bits, rows, columns, samples = struct.unpack_from(">BHHB", data, at)
            ids = data[at + 6 : at + 6 + 3 * samples : 3]
            sampling = {data[at + 7 + 3 * i] for i in range(samples)}
            colour = ""
            if samples == 3:
                if ids in _RGB_IDS:
                    colour = "RGB"
                elif len(sampling) > 1 or jfif or adobe == 1:
                    colour = "YBR_FULL"
                elif adobe == 0:
                    colour = "RGB"
            kind = _FRAMES[marker]
            found = Codestream(kind, rows, columns, samples, bits, colour=colour, process=marker)
    return found


def _segments(data: bytes) -> list[tuple[int, int, int]]:
    """Marker, where its parameters begin, how many bytes they are, up to the first scan."""
    at, out = 2, []
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at = data.find(b"\xff", at)  # bytes that belong to no segment are passed over
            if at < 0:
                break
            continue
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:
            at += 2
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            out.append((marker, at + 4, length - 2))
            if marker in (0xDA, 0xD9):
                break
            at += 2 + max(2, length)
    return out


def _j2k(data: bytes, start: int) -> Codestream | None:
    right, bottom, left, top = struct.unpack_from(">4L", data, start + 8)
    (samples,) = struct.unpack_from(">H", data, start + 40)
    depth = data[start + 42]
    kind: Kind = "j2k"
    levels = 0
    at = start + 4 + struct.unpack_from(">H", data, start + 4)[0]
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0x90:  # 90: first tile
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == 0xFF50:  # capabilities: only the high-throughput form has them in DICOM
            kind = "htj2k"
        elif marker == 0xFF52:
            levels = data[at + 9]
        at += 2 + max(2, length)
    if right <= left or bottom <= top:
        return None
    return Codestream(
        kind,
        bottom - top,
        right - left,
        samples,
        (depth & 0x7F) + 1,
        signed=bool(depth & 0x80),
        levels=levels,
        start=start,
    )


def _rle(data: bytes) -> Codestream | None:
    """The 64 bytes before the segments: how many, where each begins, zeros."""
    if len(data) < 64:
        return None
    count, *offsets = struct.unpack_from("<16L", data)
    used, rest = offsets[:count], offsets[count:]
    if not 1 <= count <= 15 or used[0] != 64 or any(rest):
        return None
    if any(a > b for a, b in pairwise(used)):
        return None
    return Codestream("rle", 0, 0, count, 0)


def repaired_scans(data: bytes) -> bytes:
    """A sequential JPEG whose scan headers say what every sequential scan must: coefficients 0 to
    63, no successive approximation (T.81 table B.3). Some writers of JPEG Extended put zeros there,
    and decoders refuse them. The same object where nothing is wrong."""
    patched: bytearray | None = None
    at = data.find(b"\xff\xda")
    # Inside coded data FF is followed by 00 or a restart marker, so FFDA is a scan header.
    while 0 <= at < len(data) - 5:
        end = at + 5 + 2 * data[at + 4]
        if data[end : end + 3] != b"\x00\x3f\x00" and end + 3 <= len(data):
            patched = bytearray(data) if patched is None else patched
            patched[end : end + 3] = b"\x00\x3f\x00"
        at = data.find(b"\xff\xda", end)
    return data if patched is None else bytes(patched)
