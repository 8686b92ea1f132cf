"""Where the frames of a data set come from: cut out of uncompressed pixels, or out of a codec.

Which of the two it is, the bytes tell; a transfer syntax that says otherwise is not believed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from .codecs import decode_frame, reduction_for
from .fragments import frames_of, split
from .jpeg_headers import Codestream, begins_codestream, codestream_of
from .native import frame_of, stored_values
from .pixel_header import PixelHeader
from .reading import attribute
from .repairs import fit_codestream, fit_native
from .walking import Undecodable

__all__ = ["Compressed", "Native", "source_of", "syntax_of"]

_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
# Implicit VR little endian, with pixel data in big endian (a private syntax of GE).
_GE_BIG_PIXELS = "1.2.840.113619.5.2"
_NATIVE = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    _GE_BIG_PIXELS,
)
# MPEG-2, MPEG-4, HEVC (PS3.6 A): films in one stream, not frames.
_VIDEO = "1.2.840.10008.1.2.4.10"


def syntax_of(dataset: Dataset) -> str:
    """The transfer syntax of the file, "" where it has none."""
    meta = getattr(dataset, "file_meta", None)
    return "" if meta is None else str(attribute(meta, "TransferSyntaxUID") or "")


def source_of(
    dataset: Dataset, header: PixelHeader, syntax: str, notes: list[str], max_px: int
) -> Native | Compressed:
    """The frames of a data set whose group 0028 says ``header``; what contradicts it goes into
    ``notes``. Raises Undecodable, as ``decoding.decode`` says."""
    keyword = next((each for each in _KEYWORDS if each in dataset), None)
    value = attribute(dataset, keyword) if keyword else None
    if not isinstance(value, bytes) or not value:
        raise Undecodable("no_pixels", "The file has no pixel data.")
    little = bool(getattr(dataset, "original_encoding", (None, True))[1] is not False)
    little = little and syntax not in (ExplicitVRBigEndian, _GE_BIG_PIXELS)
    if keyword != "PixelData":
        return _floating(keyword == "DoubleFloatPixelData", value, header, little, notes)
    if syntax.startswith(_VIDEO) and syntax[len(_VIDEO) : len(_VIDEO) + 1].isdigit():
        raise Undecodable("missing_decoder", "The pixel data are a film (MPEG or HEVC).")

    compressed = _compressed(dataset, value, header, syntax, notes, max_px)
    if compressed is not None:
        return compressed
    if syntax not in _NATIVE:
        if not syntax:
            notes.append("the transfer syntax is missing: the pixel data are not compressed")
        elif header.size and 0 <= len(value) - header.size <= 1:
            notes.append("the pixel data are not compressed, as the transfer syntax says they are")
        else:
            known = UID(syntax).is_transfer_syntax
            raise Undecodable(
                "corrupt_pixels" if known else "unknown_transfer_syntax",
                "The pixel data are no compressed image, as the transfer syntax says they are."
                if known
                else "The transfer syntax is not known, and the pixel data do not tell it.",
            )
    header = fit_native(header, len(value), notes)
    if not little and header.allocated <= 8 and dataset["PixelData"].VR == "OW":
        value = np.frombuffer(value[: len(value) // 2 * 2], ">u2").astype("<u2").tobytes()
    return Native(header, value, little)


def _floating(
    double: bool, value: bytes, header: PixelHeader, little: bool, notes: list[str]
) -> Native:
    """Float Pixel Data and Double Float Pixel Data (PS3.3 C.7.6.24 and 25): one sample, no stored
    bits."""
    bits = 64 if double else 32
    header = replace(header, samples=1, allocated=bits, stored=bits, high=bits - 1, signed=True)
    return Native(fit_native(header, len(value), notes), value, little, floating=True)


def _compressed(
    dataset: Dataset,
    value: bytes,
    header: PixelHeader,
    syntax: str,
    notes: list[str],
    max_px: int,
) -> Compressed | None:
    """The frames of compressed pixel data, or None where these are not compressed."""
    fragments = split(value)
    native = syntax in _NATIVE or not syntax
    if fragments is None:
        fits = header.size > 0 and 0 <= len(value) - header.size <= 1
        if fits or not begins_codestream(value[:64]) or value[0] == 0 or value[0] < 16:
            return None
        notes.append("the compressed image is not in fragments")
        spans: tuple[tuple[tuple[int, int], ...], ...] = (((0, len(value)),),)
    else:
        spans = frames_of(value, fragments, declared=header.frames, extended=_extended(dataset))
    first = b"".join(value[a:b] for a, b in spans[0])
    stream = codestream_of(first)
    if stream is None:
        if native and fragments is None:
            return None
        if native and header.size and 0 <= len(value) - header.size <= 1:
            return None  # uncompressed pixels that begin like a fragment
        raise Undecodable("corrupt_pixels", "The compressed pixel data begin with no known image.")
    if native:
        said = "missing" if not syntax else "one of uncompressed pixels"
        notes.append(f"the transfer syntax is {said}: the pixel data are {stream.kind}")
    if len(spans) != header.frames:
        notes.append(
            f"Number of Frames is {len(spans)}, not {header.frames}, as the fragments show"
        )
    if fragments is not None and fragments.missing:
        notes.append("the last fragment was cut")
    fitted = fit_codestream(header, stream, notes)
    return Compressed(fitted, value, spans, stream, reduction_for(stream, max_px), header)


def _extended(dataset: Dataset) -> tuple[int, ...]:
    table = attribute(dataset, "ExtendedOffsetTable")
    if not isinstance(table, bytes):
        return ()
    return struct.unpack_from(f"<{len(table) // 8}Q", table)


@dataclass(frozen=True, slots=True)
class Native:
    """Frames that only have to be cut out."""

    header: PixelHeader
    value: bytes
    little: bool
    floating: bool = False
    reduction: int = 1

    @property
    def count(self) -> int:
        """Frames that the data hold."""
        return self.header.frames

    @property
    def photometric(self) -> str:
        """What the values of a frame are."""
        said = self.header.photometric
        if self.header.samples == 3 and said in ("YBR_FULL_422", "YBR_ICT", "YBR_RCT"):
            return "YBR_FULL" if said == "YBR_FULL_422" else "RGB"
        return said

    def frame(self, index: int, notes: list[str]) -> np.ndarray:
        """Stored values of one frame."""
        values = frame_of(
            self.value, index, self.header, little=self.little, floating=self.floating
        )
        if self.floating or self.header.allocated == 1:
            return values
        return stored_values(values, self.header)


@dataclass(frozen=True, slots=True)
class Compressed:
    """Frames that a codec has to decode. stream: the header of the first one. said: group 0028."""

    header: PixelHeader
    value: bytes
    spans: tuple[tuple[tuple[int, int], ...], ...]
    stream: Codestream
    reduction: int
    said: PixelHeader

    @property
    def count(self) -> int:
        """Frames that the data hold."""
        return len(self.spans)

    @property
    def photometric(self) -> str:
        """What the values of a frame are."""
        said = self.header.photometric
        return "YBR_FULL" if said == "YBR_FULL_422" else said

    def frame(self, index: int, notes: list[str]) -> np.ndarray:
        """Stored values of one frame."""
        data = b"".join(self.value[a:b] for a, b in self.spans[index])
        stream = codestream_of(data)
        if stream is None or (stream.rows, stream.columns, stream.samples) != (
            self.stream.rows,
            self.stream.columns,
            self.stream.samples,
        ):
            raise Undecodable("corrupt_pixels", "A frame is damaged, or of another size.")
        if stream.rows == 0 and stream.kind != "rle":  # the number of lines comes at the end
            stream = replace(stream, rows=self.header.rows)
        values = decode_frame(data, stream, self.header, notes, reduction=self.reduction)
        if self.header.allocated == 1:
            return values
        return self._stored(values, notes)

    def _stored(self, values: np.ndarray, notes: list[str]) -> np.ndarray:
        header = self.header
        if header.overlays or header.signed or header.stored == values.dtype.itemsize * 8:
            return stored_values(
                values, replace(header, stored=min(header.stored, 8 * values.dtype.itemsize))
            )
        plain = stored_values(values, header, mask=False)
        if plain.size and int(plain.max()) >> header.stored == 0:
            return plain
        notes.append("values of the compressed image need more bits than Bits Stored says")
        return plain
