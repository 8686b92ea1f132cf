"""Where the elements of a DICOM data set lie in its bytes, found without reading their values.

pydicom nests a call for every level of sequences, takes lengths as they are declared and ends
encapsulated pixels at the first bytes that look like their end. This walk goes first: it keeps a
list instead of calling itself, holds no value, and follows the fragments by their lengths.
Source: PS3.5 sections 7.1 (elements), 7.5 (sequences), A.4 (fragments).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pydicom.datadict import dictionary_VR
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, VR

from domainclip.errors import BadInput

__all__ = [
    "PIXEL_TAGS",
    "UNDEFINED",
    "Encoding",
    "MoreBytes",
    "PixelElement",
    "Undecodable",
    "encoding_at",
    "meta_end",
    "walk",
]

PIXEL_TAGS = (0x7FE00010, 0x7FE00008, 0x7FE00009)
UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_KNOWN_VRS = frozenset(vr.value.encode() for vr in VR if len(vr.value) == 2)
_LONG_VRS = frozenset(vr.value.encode() for vr in EXPLICIT_VR_LENGTH_32)
# The first group of a data set, where it does not begin with a command or the file meta group.
_FIRST_GROUPS = range(0x0004, 0x0041)


class Undecodable(BadInput):
    """A DICOM file that cannot be read, or whose pixels cannot. reason: in snake_case, as of a
    Skip."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[Undecodable], tuple[str, str]]:
        return type(self), (self.reason, str(self))


class MoreBytes(Exception):
    """The walk needs bytes up to ``end``, and the file may have them."""

    def __init__(self, end: int) -> None:
        super().__init__(end)
        self.end = end


@dataclass(frozen=True, slots=True)
class Encoding:
    """How elements are written. implicit: without their VR. little: endian."""

    implicit: bool
    little: bool


@dataclass(frozen=True, slots=True)
class PixelElement:
    """The pixel data. start: of its tag. value, end: of its value; end goes past the last byte of a
    file that was cut. after: where the next element begins. vr: "" where it is implicit. fragments:
    its length is undefined."""

    tag: int
    vr: str
    start: int
    value: int
    end: int
    after: int
    fragments: bool


def encoding_at(data: bytes, start: int, *, expected: Encoding | None = None) -> Encoding | None:
    """How the data set that begins at ``start`` is written, or None where none begins there.

    expected: what the file says of it, or what was read before; then any group may come first, and
    only bytes that clearly tell otherwise are believed instead.
    """
    if len(data) < start + 8:
        return None
    little, big = (struct.unpack_from(f"{e}HH", data, start) for e in "<>")
    implicit = data[start + 4 : start + 6] not in _KNOWN_VRS
    as_little = little[0] in _FIRST_GROUPS and little[1] < 0x3000
    as_big = big[0] in _FIRST_GROUPS and big[1] < 0x3000
    if expected is not None and (as_little == as_big or as_little == expected.little):
        return Encoding(implicit, expected.little)
    if not as_little and not as_big:
        return None
    return Encoding(implicit, as_little)


def meta_end(data: bytes, start: int) -> int:
    """Where the file meta group (0002) that begins at ``start`` ends; ``start`` without one. It is
    always little endian, and explicit, though some writers forget the latter."""
    at = start
    while len(data) >= at + 8 and data[at : at + 2] == b"\x02\x00":
        implicit = data[at + 4 : at + 6] not in _KNOWN_VRS
        _, _, length, value = _element(data, at, Encoding(implicit, True))
        if length == UNDEFINED or value + length > len(data):
            raise Undecodable("corrupt_header", "The file meta group of the file is damaged.")
        at = value + length
    return at


def _element(data: bytes, at: int, encoding: Encoding) -> tuple[int, bytes, int, int]:
    """tag, VR (b"" where implicit), length, start of the value. Needs 12 bytes where the VR is
    long, which may raise struct.error at the end of the data."""
    order = "<" if encoding.little else ">"
    if not encoding.implicit:
        group, number, vr, length = struct.unpack_from(order + "HH2sH", data, at)
        tag = group << 16 | number
        if vr in _LONG_VRS:
            return tag, vr, struct.unpack_from(order + "L", data, at + 8)[0], at + 12
        # as pydicom: where no VR stands, this element is an implicit one
        if b"AA" <= vr <= b"ZZ" and group != 0xFFFE:
            return tag, vr, length, at + 8
    group, number, length = struct.unpack_from(order + "HHL", data, at)
    return group << 16 | number, b"", length, at + 8


def walk(
    data: bytes, start: int, encoding: Encoding, *, complete: bool, max_depth: int
) -> tuple[PixelElement | None, int]:
    """The top-level elements from ``start`` on, up to the pixel data. One that the end of the file
    cuts is kept if half of it is there.

    complete: ``data`` is all there is; else MoreBytes is raised where it ends too early. Gives the
    pixel data, if there are any, and where the walk ended: before them, or behind the last whole
    element. Raises Undecodable: sequences more than ``max_depth`` deep (too_deep), a header element
    longer than the file (truncated_header), no structure of elements (corrupt_header).
    """
    item = struct.pack("<HH" if encoding.little else ">HH", 0xFFFE, 0xE000)
    at, size = start, len(data)
    while at + 8 <= size:
        if not complete and at + 12 > size:
            raise MoreBytes(at + 12)
        try:
            tag, vr, length, value = _element(data, at, encoding)
        except struct.error:
            break
        if tag in PIXEL_TAGS:
            return _pixels(data, tag, vr, at, value, length, encoding), at
        if length == UNDEFINED:
            at = _nested_end(data, value, vr, tag, None, encoding, complete, max_depth)
            continue
        end = value + length
        if end > size:
            if not complete:
                raise MoreBytes(end)
            if 2 * (size - value) < length:
                raise Undecodable("truncated_header", "The file ends inside its header.")
            end = size
        # a sequence of defined length, whatever its VR says; it has to be looked into only where
        # it has more items than levels are allowed
        if (
            length > 8
            and data.startswith(item, value)
            and data.count(item, value, end) > max_depth
            and vr in (b"", b"SQ", b"UN")
        ):
            _nested_end(data, value, vr, tag, end, encoding, complete, max_depth)
        at = end
    if not complete:
        raise MoreBytes(size + 1)
    return None, min(at, size)


def _pixels(
    data: bytes, tag: int, vr: bytes, at: int, value: int, length: int, encoding: Encoding
) -> PixelElement:
    if length != UNDEFINED:
        end = value + length
        return PixelElement(tag, vr.decode("ascii"), at, value, end, min(end, len(data)), False)
    end, after = _fragments_end(data, value, encoding.little)
    return PixelElement(tag, vr.decode("ascii"), at, value, end, after, True)


def _fragments_end(data: bytes, at: int, little: bool) -> tuple[int, int]:
    """Of the fragments that begin at ``at``: behind the last one, and behind their delimiter. A
    fragment that is longer than the file ends with it."""
    order = "<HHL" if little else ">HHL"
    while at + 8 <= len(data):
        group, number, length = struct.unpack_from(order, data, at)
        tag = group << 16 | number
        if tag == _SEQUENCE_END:
            return at, at + 8
        if tag != _ITEM or length == UNDEFINED:
            return at, len(data)  # what follows is no fragment: nothing after it can be trusted
        at += 8 + length
    return min(at, len(data)), len(data)


def _nested_end(
    data: bytes,
    at: int,
    vr: bytes,
    tag: int,
    end: int | None,
    encoding: Encoding,
    complete: bool,
    max_depth: int,
) -> int:
    """Behind the sequence (or the fragments) whose value begins at ``at``; end: where it is known.
    ``stack`` holds, for every open sequence and item, where it ends and how it is written."""
    if end is None and not _is_sequence(vr, tag):
        return _whole(_fragments_end(data, at, encoding.little)[1], data, complete)
    stack: list[tuple[bool, int | None, Encoding]] = [(True, end, _inside(vr, encoding))]
    depth, ends = 1, end
    try:
        while stack:
            is_sequence, end, inside = stack[-1]
            if end is not None and at >= end:
                stack.pop()
                depth -= is_sequence
                continue
            if at + 8 > len(data):
                raise struct.error
            order = "<HHL" if inside.little else ">HHL"
            if is_sequence:
                group, number, length = struct.unpack_from(order, data, at)
                at += 8
                if (group, number) == (0xFFFE, 0xE0DD):
                    stack.pop()
                    depth -= 1
                elif (group, number) == (0xFFFE, 0xE000):
                    stack.append((False, None if length == UNDEFINED else at + length, inside))
                else:
                    raise Undecodable("corrupt_header", "A sequence of the header is damaged.")
                continue
            tag, vr, length, value = _element(data, at, inside)
            if tag == _ITEM_END:
                at = value
                stack.pop()
            elif tag == _SEQUENCE_END:  # an item whose own end is missing
                stack.pop()
            elif length == UNDEFINED and not _is_sequence(vr, tag):
                at = _whole(_fragments_end(data, value, inside.little)[1], data, complete)
            elif length == UNDEFINED or _begins_item(data, value, length, vr, inside):
                depth += 1
                if depth > max_depth:
                    raise Undecodable(
                        "too_deep", f"The header nests more than {max_depth} sequences in another."
                    )
                until = None if length == UNDEFINED else value + length
                stack.append((True, until, _inside(vr, inside)))
                at = value
            else:
                at = value + length
    except struct.error:
        if not complete:
            raise MoreBytes(len(data) + 1) from None
        if ends is not None:
            return ends
        raise Undecodable("truncated_header", "The file ends inside its header.") from None
    return at


def _whole(end: int, data: bytes, complete: bool) -> int:
    if end >= len(data) and not complete:
        raise MoreBytes(end + 8)
    return end


def _is_sequence(vr: bytes, tag: int) -> bool:
    """Whether a value of undefined length is a sequence, not fragments (PS3.5 6.2.2 for UN)."""
    if vr:
        return vr in (b"SQ", b"UN")
    try:
        return bool(dictionary_VR(tag) not in ("OB", "OW", "OB or OW"))
    except KeyError:
        return True


def _begins_item(data: bytes, at: int, length: int, vr: bytes, encoding: Encoding) -> bool:
    if length < 8 or vr not in (b"", b"SQ", b"UN"):
        return False
    return data.startswith(struct.pack("<HH" if encoding.little else ">HH", 0xFFFE, 0xE000), at)


def _inside(vr: bytes, encoding: Encoding) -> Encoding:
    """Elements of a sequence that is UN are implicit little endian."""
    return Encoding(True, True) if vr == b"UN" else encoding
