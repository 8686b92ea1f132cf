"""The few attributes of a DICOM file that say to what it belongs, read without reading the file.

pydicom makes an object of every element on the way to the pixel data, which is most of the time of
a scan over an archive. Here the elements are stepped over where they lie: PS3.5 section 7.1 gives
their headers, 7.5 nested sequences, PS3.10 section 7.1 the preamble and file meta. Files without
preamble or file meta, and those whose encoding differs from what they say, are read as they are:
the byte order and explicit or implicit VR are told from the first element of each part.

Measured (benchmarks/dicom_scan.py, one core, 100,000 files of 262 elements in the page cache): the
whole scan with its index 7,300 files/s, pydicom's dcmread(stop_before_pixels=True) alone 1,380.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

__all__ = ["FIRST_BYTES", "Ending", "Header", "Window", "read_header", "referenced_files"]

FIRST_BYTES = 8192  # of a file; most headers are shorter
_NEXT_BYTES = 1 << 16
_LONGEST_VALUE = 1024  # bytes; of an attribute here, whose VR allow 64
_DEEPEST = 64  # sequences in sequences
_INFLATED_BYTES = 64 << 20
_UNDEFINED = 0xFFFFFFFF

_LONG = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR"})
_LONG |= {b"UT", b"UV"}
_SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_VRS = _LONG | _SHORT
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_DEFLATED = "1.2.840.10008.1.2.1.99"

_NAMES = {
    0x00020002: "class",
    0x00020003: "instance",
    0x00020010: "syntax",
    0x00080016: "sop_class",
    0x00080018: "sop",
    0x00080050: "accession",
    0x00080060: "modality",
    0x00100020: "patient",
    0x0020000D: "study",
    0x0020000E: "series",
    0x00200010: "study_id",
}
_ROWS = 0x00280010
_WANTED = frozenset({*_NAMES, _ROWS})

# pixels: the pixel data begin there. end: the file ends after an element. cut: within one.
# broken: what stands there, or stood before, is no element.
Ending = Literal["pixels", "end", "cut", "broken"]


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says it is. Values are "" where they are absent or longer than they may be.

    has_rows: it says how many rows its image has. ending: where reading came to.
    """

    sop_class: str
    sop: str
    study: str
    series: str
    study_id: str
    accession: str
    patient: str
    modality: str
    has_rows: bool
    ending: Ending


class Window:
    """A file of which pieces are read when they are needed.

    first: its first bytes. size: of the whole file. more(offset, count): bytes from further on.
    """

    def __init__(self, first: bytes, size: int, more: Callable[[int, int], bytes]) -> None:
        self.data, self.start, self.size, self._more = first, 0, size, more

    def load(self, at: int, count: int = 12) -> bytes:
        """Moves to ``at``, so that ``data`` begins there; at most ``count`` more than usual."""
        if self.start <= at and at + count <= self.start + len(self.data):
            self.data = self.data[at - self.start :]
        else:
            self.data = self._more(at, max(count, _NEXT_BYTES)) if at < self.size else b""
        self.start = at
        return self.data


def read_header(window: Window) -> Header | None:
    """The header of a DICOM file, None where it is none. Never raises on what a file holds.

    Raises what the window's ``more`` raises.
    """
    first = window.data
    if first[128:132] == b"DICM":
        at = 132
    elif first[:4] == b"DICM":
        at = 4
    elif _begins_raw(first, window.size):
        at = -1
    else:
        return None
    values: dict[int, bytes] = {}
    start = _meta(window, max(at, 0), values)
    found = {name: _text(values[tag]) for tag, name in _NAMES.items() if tag in values}
    if found.get("syntax") == _DEFLATED:
        window = _inflated(window, start)
        start = 0
    ending = _walk(window, start, _WANTED, values.__setitem__)
    found |= {name: _text(values[tag]) for tag, name in _NAMES.items() if tag in values}
    named = found.get("study") or found.get("sop") or found.get("sop_class")
    if at < 0 and not named and not (_ROWS in values and ending == "pixels"):
        return None  # it began like one
    return Header(
        sop_class=found.get("sop_class") or found.get("class", ""),
        sop=found.get("sop") or found.get("instance", ""),
        study=found.get("study", ""),
        series=found.get("series", ""),
        study_id=found.get("study_id", ""),
        accession=found.get("accession", ""),
        patient=found.get("patient", ""),
        modality=found.get("modality", ""),
        has_rows=_ROWS in values,
        ending=ending,
    )


def referenced_files(window: Window) -> list[str] | None:
    """The Referenced File IDs (0004,1500) of a DICOMDIR, their parts joined by ``\\``; None where
    it is no DICOMDIR (PS3.3 F.3.2.2)."""
    if window.data[128:132] != b"DICM":
        return None
    meta: dict[int, bytes] = {}
    start = _meta(window, 132, meta)
    if _text(meta.get(0x00020002, b"")) != "1.2.840.10008.1.3.10":
        return None
    found: list[str] = []

    def put(tag: int, value: bytes) -> None:
        found.append("\\".join(part.strip(" \0") for part in _decoded(value).split("\\")))

    _walk(window, start, frozenset({0x00041500}), put, deep=True)
    return [each for each in found if each]


def _begins_raw(first: bytes, size: int) -> bool:
    """Do the first bytes look like elements without a preamble? Two or three in order."""
    if len(first) < 16:
        return False
    big, explicit = _encoding(first, 0)
    element = struct.Struct(">HHL" if big else "<HHL")
    short = struct.Struct(">H" if big else "<H")
    at = before = 0
    for number in range(3):
        if at + 12 > len(first):
            return number > 0
        group, name, length = element.unpack_from(first, at)
        tag = group << 16 | name
        head = 8
        if explicit:
            vr = first[at + 4 : at + 6]
            if vr in _LONG:
                head, length = 12, struct.unpack_from(">L" if big else "<L", first, at + 8)[0]
            elif vr in _SHORT:
                length = short.unpack_from(first, at + 6)[0]
            else:
                return False
        if number == 0 and not (group in (2, 4) or 5 <= group <= 8):
            return False
        if tag <= before or (length != _UNDEFINED and at + head + length > size):
            return False
        if length == _UNDEFINED:
            return True
        before = tag
        at += head + length
    return True


def _encoding(data: bytes, at: int) -> tuple[bool, bool]:
    """(big endian, explicit VR) of the element there: groups of a start are small numbers."""
    big = data[at : at + 1] == b"\0" and data[at + 1 : at + 2] != b"\0"
    return big, data[at + 4 : at + 6] in _VRS


def _meta(window: Window, at: int, values: dict[int, bytes]) -> int:
    """Fills ``values`` with those of group 2, and gives the place behind it."""
    while True:
        data, here = window.data, at - window.start
        if here + 12 > len(data):
            data, here = window.load(at), 0
            if len(data) < 8:
                return at
        if data[here : here + 2] != b"\2\0":
            return at
        (name,) = struct.unpack_from("<H", data, here + 2)
        vr = data[here + 4 : here + 6]
        head = 8
        if vr in _SHORT:
            (length,) = struct.unpack_from("<H", data, here + 6)
        elif vr in _LONG and len(data) >= here + 12:
            head, (length,) = 12, struct.unpack_from("<L", data, here + 8)
        else:
            (length,) = struct.unpack_from("<L", data, here + 4)
        if at + head + length > window.size:
            return at
        tag = 0x00020000 | name
        if tag in _WANTED and length <= _LONGEST_VALUE:
            if here + head + length > len(data):
                data, here = window.load(at, head + length), 0
            values[tag] = data[here + head : here + head + length]
        at += head + length


def _walk(
    window: Window,
    at: int,
    wanted: Collection[int],
    put: Callable[[int, bytes], None],
    *,
    deep: bool = False,
) -> Ending:
    """Steps over elements from ``at`` on, and puts the values of those wanted.

    deep: those inside sequences too; else only those of the data set itself.
    """
    data, size = window.load(at), window.size
    if len(data) < 8:
        return "cut" if data else "end"
    big, explicit = _encoding(data, 0)
    order = ">" if big else "<"
    unpack_explicit = struct.Struct(order + "HH2sH").unpack_from
    unpack_implicit = struct.Struct(order + "HHL").unpack_from
    unpack_long = struct.Struct(order + "L").unpack_from
    lost: Ending = "cut"  # what it means to come to the end too early
    open_parts: list[bool] = []  # sequences and items without a length: was it explicit before them
    start, here, have = window.start, 0, len(data)
    while True:
        if here + 12 > have:
            at = start + here
            if at >= size:
                return "end" if at == size and not open_parts else lost
            data = window.load(at)
            start, here, have = at, 0, len(data)
            if have < 8:
                return lost
        if explicit:
            group, name, vr, length = unpack_explicit(data, here)
            if vr in _SHORT:
                head = 8
            elif vr in _LONG:
                if here + 12 > have:
                    return lost
                head, (length,) = 12, unpack_long(data, here + 8)
            elif group == 0xFFFE:
                head, (length,) = 8, unpack_long(data, here + 4)
            else:  # as pydicom: letters are a VR of two bytes of length, all else is implicit
                head, lost = 8, "broken"
                if not b"AA" <= vr <= b"ZZ":
                    (length,) = unpack_long(data, here + 4)
        else:
            group, name, length = unpack_implicit(data, here)
            head, vr = 8, b""
        if group == 0xFFFE:
            if name == 0xE000 and (length == _UNDEFINED or deep or not open_parts):
                if length == _UNDEFINED:
                    open_parts.append(explicit)
                length = 0
            elif name in (0xE00D, 0xE0DD):
                if open_parts:
                    explicit = open_parts.pop()
                length = 0
        elif length == _UNDEFINED:
            if group == 0x7FE0 and not open_parts:
                return "pixels"
            open_parts.append(explicit)
            if vr == b"UN":  # PS3.5 6.2.2: its content is implicit
                explicit = False
            length = 0
        elif not open_parts or deep:
            tag = group << 16 | name
            if tag in wanted:
                if length <= _LONGEST_VALUE:
                    if here + head + length > have:
                        at = start + here
                        data = window.load(at, head + length)
                        start, here, have = at, 0, len(data)
                        if head + length > have:
                            return lost
                    put(tag, data[here + head : here + head + length])
            elif group == 0x7FE0 and tag in _PIXELS and not open_parts:
                return "pixels"
            elif (deep and vr == b"SQ") or (deep and tag == 0x00041220):
                length = 0
        if len(open_parts) > _DEEPEST:
            return "broken"
        here += head + length


def _inflated(window: Window, at: int) -> Window:
    """A deflated data set (PS3.5 A.5), as far as it is needed."""
    codec = zlib.decompressobj(-15)
    parts: list[bytes] = []
    total = 0
    try:
        while at < window.size and total < _INFLATED_BYTES and not codec.eof:
            packed = window.load(at, _NEXT_BYTES) if at < window.size else b""
            if not packed:
                break
            at += len(packed)
            while packed and total < _INFLATED_BYTES:
                part = codec.decompress(packed, 1 << 20)
                packed = codec.unconsumed_tail
                parts.append(part)
                total += len(part)
    except zlib.error:
        pass  # what stands before the damage is used
    data = b"".join(parts)
    return Window(data, len(data), lambda offset, count: data[offset : offset + count])


def _text(value: bytes) -> str:
    """The first of an attribute's values without padding."""
    return _decoded(value.split(b"\\", 1)[0].strip(b" \0"))


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
