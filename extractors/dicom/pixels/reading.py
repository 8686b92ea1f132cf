"""A DICOM file as a pydicom data set: with or without preamble, file meta group, transfer syntax.

The bytes are walked first (``walking``), so that nothing nested without end, nor longer than the
file, reaches pydicom. What it says of the file stays here.
"""

from __future__ import annotations

import io
import logging
import zlib
from contextlib import nullcontext
from itertools import pairwise
from typing import Any, BinaryIO

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset as read_elements
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from ..quiet import quiet
from .walking import Encoding, MoreBytes, Undecodable, encoding_at, meta_end, walk

__all__ = ["Undecodable", "attribute", "read_dataset"]

# Enough for the header of most single images; doubled where it is not.
_FIRST_BYTES = 1 << 16
# A deflated file may grow to the larger of these: images deflate to a half or a tenth, a bomb to a
# thousandth.
_INFLATED_BYTES, _INFLATION = 1 << 28, 50
_PYDICOM_LOGGER = logging.getLogger("pydicom")


def read_dataset(
    data: bytes | BinaryIO,
    *,
    pixels: bool = True,
    max_depth: int = 32,
    max_bytes: int = 1 << 31,
) -> Dataset:
    """The data set of a file, or of an open one read from where it stands.

    pixels: with its pixel data; without them, no more of an open file is read than its header.
    ``file_meta`` is there, and has no TransferSyntaxUID where the file has none;
    ``original_encoding`` says how the elements were written. Sequences are at most ``max_depth``
    deep. Elements are parsed when they are asked for, which may raise: see ``attribute``.

    Raises Undecodable: not_dicom, too_large (more than ``max_bytes``, also when inflated),
    too_deep, truncated_header, corrupt_header.
    """
    source = _Source(data, max_bytes)
    try:
        with quiet():
            return _read(source, pixels, max_depth)
    except Undecodable:
        raise
    except RecursionError:
        raise Undecodable("too_deep", "The header nests too many sequences.") from None
    except MemoryError:
        raise Undecodable("too_large", "The file does not fit into memory.") from None
    except Exception:
        # pydicom raises what its parsers raise, down to struct.error and KeyError, with values
        raise Undecodable("corrupt_header", "The header of the file is damaged.") from None


def attribute(dataset: Dataset, keyword: str) -> Any:
    """The value of an attribute, or None where it is absent, empty or unreadable."""
    # quiet() costs more than a value does: inside one, as in ``decode``, none is needed
    is_quiet = _PYDICOM_LOGGER.level > logging.CRITICAL
    try:
        with nullcontext() if is_quiet else quiet():
            value = dataset.get(keyword)
    except Exception:
        # a value is parsed when asked for, and the parsers raise anything
        return None
    return None if value is None or (hasattr(value, "__len__") and not len(value)) else value


class _Source:
    """The first bytes of a file, and more of them when asked."""

    def __init__(self, data: bytes | BinaryIO, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._stream = None if isinstance(data, bytes | bytearray | memoryview) else data
        self.data = b"" if self._stream is not None else bytes(data)  # type: ignore[arg-type]
        self.complete = self._stream is None
        self._check()

    def grow(self, end: int) -> None:
        """Hold at least the bytes up to ``end``, or all there are."""
        if self.complete or self._stream is None:
            return
        wanted = min(max(end, 2 * len(self.data), _FIRST_BYTES), self.max_bytes + 1)
        parts = [self.data] if self.data else []
        missing = wanted - len(self.data)
        while missing > 0:  # in pieces: a length that was made up must not be allocated at once
            piece = self._stream.read(min(missing, 1 << 24))
            if not piece:
                self.complete = True
                break
            parts.append(piece)
            missing -= len(piece)
        self.data = b"".join(parts)
        self._check()

    def _check(self) -> None:
        if len(self.data) > self.max_bytes:
            raise Undecodable(
                "too_large", f"The file holds more bytes than the limit of {self.max_bytes:,}."
            )


def _read(source: _Source, pixels: bool, max_depth: int) -> Dataset:
    source.grow(source.max_bytes if pixels else _FIRST_BYTES)
    start = _preamble_end(source.data)
    try:
        begin = meta_end(source.data, start)
    except Undecodable:
        source.grow(8 * _FIRST_BYTES)
        begin = meta_end(source.data, start)
    meta = _meta(source.data[start:begin])
    data_start = _command_end(source.data, begin)
    syntax = attribute(meta, "TransferSyntaxUID")
    expected = _encoding_of(syntax) if start or begin > start else None
    encoding = encoding_at(source.data, data_start, expected=expected)
    if syntax == DeflatedExplicitVRLittleEndian or encoding is None:
        inflated = _inflated(source, data_start)
        if inflated is not None:
            return _read_elements(inflated, 0, Encoding(False, True), meta, pixels, max_depth)
    if encoding is None:
        if begin == start or len(source.data) - data_start >= 8:
            raise Undecodable("not_dicom", "The file is not DICOM.")
        return _finished(Dataset(), meta, Encoding(False, True))  # a meta group and nothing else
    return _read_elements(
        source, data_start, encoding, meta, pixels, max_depth, known=expected is not None
    )


def _encoding_of(syntax: Any) -> Encoding:
    """As the transfer syntax says (PS3.5 section 10 and annex A); only the first bytes tell
    whether the VRs are there."""
    return Encoding(syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian)


def _preamble_end(data: bytes) -> int:
    if data[128:132] == b"DICM":
        return 132
    return 4 if data[:4] == b"DICM" else 0


def _command_end(data: bytes, at: int) -> int:
    """Behind a command group (0000), which some archives keep: always implicit little endian."""
    while len(data) >= at + 8 and data[at : at + 2] == b"\0\0" and data[at + 3 : at + 4] < b"\x20":
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if length > 1024:
            break
        at += 8 + length
    return at


def _meta(data: bytes) -> FileMetaDataset:
    meta = FileMetaDataset()
    if data:
        implicit = data[4:6] != b"UL" and encoding_at(data, 0) == Encoding(True, True)
        for element in read_elements(io.BytesIO(data), implicit, True).values():
            if element.tag.group == 0x0002:
                meta[element.tag] = element
    return meta


def _inflated(source: _Source, start: int) -> _Source | None:
    """The rest of the file as it was before it was deflated (PS3.5 A.5), or None where it was
    not."""
    source.grow(source.max_bytes)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    packed = source.data[start:]
    limit = min(source.max_bytes, max(_INFLATED_BYTES, _INFLATION * len(packed)))
    try:
        data = inflater.decompress(packed, limit + 1)
    except zlib.error:
        return None
    # a stream that was cut gives what it held
    return _Source(data, limit) if encoding_at(data, 0) is not None else None


def _read_elements(
    source: _Source,
    start: int,
    encoding: Encoding,
    meta: FileMetaDataset,
    pixels: bool,
    max_depth: int,
    known: bool = True,
) -> Dataset:
    while True:
        try:
            found, end = walk(
                source.data, start, encoding, complete=source.complete, max_depth=max_depth
            )
            break
        except MoreBytes as more:
            source.grow(more.end)
        except Undecodable as refusal:
            if known or refusal.reason == "too_deep":
                raise
            raise Undecodable("not_dicom", "The file is not DICOM.") from None
    data = source.data
    dataset = read_elements(
        io.BytesIO(data[start:end]), encoding.implicit, encoding.little, at_top_level=True
    )
    if not known and not _plausible(dataset):
        raise Undecodable("not_dicom", "The file is not DICOM.")
    if found is not None and pixels:
        dataset[found.tag] = RawDataElement(
            BaseTag(found.tag),
            found.vr or None,
            0xFFFFFFFF if found.fragments else found.end - found.value,
            data[found.value : found.end],
            found.value,
            encoding.implicit,
            encoding.little,
        )
        _add_later(dataset, data, found.after, encoding, max_depth)
    return _finished(dataset, meta, encoding)


def _add_later(
    dataset: Dataset, data: bytes, start: int, encoding: Encoding, max_depth: int
) -> None:
    """What stands behind the pixel data: mostly signatures and padding (groups FFFA, FFFC), which
    are left, but also attributes that a writer appended."""
    if len(data) < start + 8 or data[start + 1 - encoding.little] in (0xFF, 0x00):
        return
    try:
        _, end = walk(data, start, encoding, complete=True, max_depth=max_depth)
    except Undecodable as refusal:
        if refusal.reason == "too_deep":
            raise
        return  # a damaged end behind whole pixels
    for element in read_elements(
        io.BytesIO(data[start:end]), encoding.implicit, encoding.little
    ).values():
        if element.tag not in dataset:
            dataset[element.tag] = element


def _plausible(dataset: Dataset) -> bool:
    """Whether a file without preamble or file meta group is DICOM: a few elements, in order."""
    tags = [int(tag) for tag in dataset.keys()]  # noqa: SIM118 - a data set iterates its values
    return len(tags) >= 3 and all(a < b for a, b in pairwise(tags))


def _finished(dataset: Dataset, meta: FileMetaDataset, encoding: Encoding) -> Dataset:
    dataset.file_meta = meta
    dataset.set_original_encoding(encoding.implicit, encoding.little, dataset._character_set)
    return dataset
