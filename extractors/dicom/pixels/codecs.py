"""One compressed frame through the decoders that pydicom and Pillow know.

pydicom's own plug-ins are called with what the codestream says of itself. 8-bit JPEG goes through
Pillow, and so does JPEG 2000 where fewer pixels are asked for, since only Pillow hands its
``reduce`` through to OpenJPEG; RLE is put together here from segments, so that one which is short
costs its own pixels only.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import replace

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from pydicom.pixels import get_decoder
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
)
from rle.rle import decode_segment

from ..quiet import quiet
from .jpeg_headers import Codestream, repaired_scans
from .pixel_header import PixelHeader
from .walking import Undecodable

__all__ = ["decode_frame", "reduction_for"]

_SYNTAXES: dict[str, UID] = {
    "jpeg": JPEGExtended12Bit,
    "jpeg_lossless": JPEGLosslessSV1,
    "jpeg_ls": JPEGLSLossless,
    "j2k": JPEG2000,
    "htj2k": HTJ2K,
}
# The faster first; those that are not installed are passed over. CharLS (pyjpegls) takes a quarter
# of libjpeg's time for whole images, and seconds to find out that one was cut.
_PLUGINS = ("pyjpegls", "pylibjpeg", "gdcm")
_PATIENT_PLUGINS = ("pylibjpeg", "gdcm")
_SCAN, _END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"
_NO_RUN = b"\x80"
# A segment that is longer than it may be is cut, and one that may fill more than this is read byte
# by byte, up to what the image needs: two bytes of it can stand for 128.
_SEGMENT_BYTES = 1 << 30


def reduction_for(stream: Codestream, max_px: int) -> int:
    """By how much a frame can be made smaller while it is decoded, its longer side still at least
    ``max_px``: a power of two, 1 for not at all. Only JPEG 2000, and no deep colour, which Pillow
    would cut to 8 bits."""
    if max_px <= 0 or stream.kind not in ("j2k", "htj2k"):
        return 1
    if stream.samples not in (1, 3) or stream.bits > (16 if stream.samples == 1 else 8):
        return 1
    longer, levels = max(stream.rows, stream.columns), 0
    while levels < stream.levels and -(-longer >> (levels + 1)) >= max_px:
        levels += 1
    return 1 << levels


def decode_frame(
    data: bytes, stream: Codestream, header: PixelHeader, notes: list[str], *, reduction: int = 1
) -> np.ndarray:
    """(rows, columns) or (rows, columns, 3), or its ``reduction``th part, as the codec gives them.

    Raises Undecodable: corrupt_pixels, truncated_pixels, missing_decoder.
    """
    if stream.kind == "rle":
        return _rle(data, header, notes)
    with quiet():
        if reduction > 1:
            return _reduced(data[stream.start :], stream, reduction)
        if stream.kind == "jpeg" and stream.process in (0xC0, 0xC1):
            repaired = repaired_scans(data)
            if repaired is not data:
                notes.append("the scan header of the JPEG said no coefficients; it now says all")
                data = repaired
        if stream.process and data.rfind(_END_OF_IMAGE) < data.find(_SCAN):
            return _cut_jpeg(data, stream, notes)
        return _whole(data, stream)


def _whole(data: bytes, stream: Codestream, plugins: tuple[str, ...] = _PLUGINS) -> np.ndarray:
    if stream.kind == "jpeg" and stream.bits == 8 and stream.samples in (1, 3):
        try:
            return _pillow_jpeg(data, stream)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            pass  # the other decoders know kinds that Pillow does not (arithmetic coding)
    known = False
    decoder = get_decoder(_SYNTAXES[stream.kind])
    frame = _encapsulated(data[stream.start :])
    for plugin in plugins:
        if plugin not in decoder.available_plugins:
            continue
        known = True
        try:
            values, _ = decoder.as_array(
                frame,
                raw=True,
                decoding_plugin=plugin,
                rows=stream.rows,
                columns=stream.columns,
                samples_per_pixel=stream.samples,
                bits_allocated=8 if stream.bits <= 8 else 16 if stream.bits <= 16 else 32,
                bits_stored=stream.bits,
                pixel_representation=int(stream.signed),
                planar_configuration=0,
                number_of_frames=1,
                photometric_interpretation="RGB" if stream.samples > 1 else "MONOCHROME2",
                pixel_keyword="PixelData",
            )
        except Exception:
            continue  # plug-ins raise anything; the next one may know more
        return values[..., :3] if stream.samples == 4 else values
    if not known:
        raise Undecodable("missing_decoder", f"No decoder of {stream.kind} is installed.")
    if stream.kind in ("j2k", "htj2k") and data.rstrip(b"\0")[-2:] != _END_OF_IMAGE:
        # its resolutions and layers come one after another: a part of it is no part of the image
        raise Undecodable("truncated_pixels", "The JPEG 2000 data were cut.")
    raise Undecodable("corrupt_pixels", "The compressed pixel data are damaged.")


def _encapsulated(frame: bytes) -> bytes:
    """As pydicom's decoders want it: an empty offset table, one fragment."""
    frame += b"\0" * (len(frame) % 2)
    return b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0" + struct.pack("<L", len(frame)) + frame


def _pillow_jpeg(data: bytes, stream: Codestream) -> np.ndarray:
    """The components as they are coded, subsampling undone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = Image.open(io.BytesIO(data), formats=("JPEG",))
        if image.size != (stream.columns, stream.rows):
            raise ValueError("another size")
        # libjpeg takes three components for YCbCr unless their names or Adobe's marker say RGB;
        # asked for YCbCr it hands them out untouched
        if image.mode == "RGB" and not _pillow_takes_for_rgb(data, image):
            image.draft("YCbCr", image.size)
        values = np.asarray(image)
    if values.ndim != (3 if stream.samples == 3 else 2):
        raise ValueError("another number of components")
    return values


def _pillow_takes_for_rgb(data: bytes, image: Image.Image) -> bool:
    """libjpeg's own rule (jdapimin.c, default_decompress_parms): JFIF, Adobe, names."""
    if "jfif" in image.info:
        return False
    if "adobe" in image.info:
        return image.info.get("adobe_transform") == 0
    layers = image.layer if isinstance(image, JpegImageFile) else []
    return bytes(layer[0] for layer in layers) == b"RGB"


def _cut_jpeg(data: bytes, stream: Codestream, notes: list[str]) -> np.ndarray:
    """A JPEG of any kind without its end. Decoders make something up for what is not there: what
    changes with the bytes that are put in its place is missing, and becomes 0."""
    found: list[np.ndarray] = []
    data = data.rstrip(b"\xff")
    for filling in (b"", bytes(64), b"\x55" * 64, b"\x12" * 64):
        try:
            found.append(_whole(data + filling + _END_OF_IMAGE, stream, _PATIENT_PLUGINS))
        except Undecodable:
            continue  # no code words of this image
    if len(found) < 2:
        raise Undecodable("corrupt_pixels", "The compressed pixel data are damaged.")
    values = found[0].copy()
    differs = np.zeros(len(values), bool)
    for other in found[1:]:
        differs |= (values != other).reshape(len(values), -1).any(axis=1)
    there = int(differs.argmax()) if differs.any() else len(values)
    missing = 1 - there / len(values)
    if missing > 0.5:
        raise Undecodable("truncated_pixels", f"{100 * missing:.0f} % of the image are missing.")
    values[there:] = 0
    notes.append(f"the compressed image was cut: {100 * missing:.2g} % of it are missing")
    return values


def _reduced(data: bytes, stream: Codestream, reduction: int) -> np.ndarray:
    """(⌈rows / reduction⌉, ⌈columns / reduction⌉[, 3]): the low-pass image of that resolution
    (T.800 annex F), or, where Pillow fails, every ``reduction``th pixel of the whole."""
    try:
        values = _pillow_j2k(data, stream, reduction)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return _whole(data, replace(stream, start=0))[::reduction, ::reduction]
    # Pillow widens N bits to 8 or 16 and moves signed values up; both are undone
    container = values.dtype.itemsize * 8
    values = values >> (container - stream.bits)
    if not stream.signed:
        return values
    moved: np.ndarray = values.astype(np.int32) - (1 << (stream.bits - 1))
    return moved.astype(f"i{container // 8}")


def _pillow_j2k(data: bytes, stream: Codestream, reduction: int) -> np.ndarray:
    image = Image.open(io.BytesIO(data), formats=("JPEG2000",))
    image.reduce = reduction.bit_length() - 1  # type: ignore[assignment, method-assign]
    rows, columns = -(-stream.rows // reduction), -(-stream.columns // reduction)
    # Pillow 13 halves sizes to the nearest, OpenJPEG up, and where they differ the image fails; a
    # size that can be divided is the same for both
    image._size = (columns * reduction, rows * reduction)
    values = np.asarray(image)
    if values.shape[:2] != (rows, columns):
        raise ValueError("another size")
    return values


def _rle(data: bytes, header: PixelHeader, notes: list[str]) -> np.ndarray:
    """PS3.5 annex G: a segment for each byte of a sample, the highest first."""
    count, *offsets = struct.unpack_from("<16L", data)
    ends = [*offsets[1:count], len(data)]
    packed = header.allocated == 1
    size = (header.pixels + 7) // 8 if packed else header.pixels
    width = max(1, header.allocated // 8)
    planes = np.zeros((header.samples, size, width), np.uint8)
    missing = 0
    for i, (start, end) in enumerate(zip(offsets[:count], ends, strict=True)):
        segment = _segment(data[start:end], size)
        missing = max(missing, size - len(segment))
        # little endian: the first segment of a sample is its last byte
        planes[i // width, : len(segment), width - 1 - i % width] = segment
    if missing > size / 2:
        raise Undecodable(
            "truncated_pixels", f"{100 * missing / size:.0f} % of the pixel data are missing."
        )
    if missing:
        notes.append(
            f"the RLE data were cut: {100 * missing / size:.2g} % of the image are missing"
        )
    if packed:
        bits = np.unpackbits(planes.ravel(), bitorder="little")[: header.pixels]
        return bits.reshape(header.rows, header.columns)
    values = planes.view(f"<u{width}").reshape(header.samples, header.rows, header.columns)
    return values[0] if header.samples == 1 else np.moveaxis(values, 0, -1)


def _segment(data: bytes, size: int) -> np.ndarray:
    """The first ``size`` bytes that a segment stands for, or fewer if it has no more."""
    # a literal run costs one byte in 128, and a row may end each
    data = data[: size + size // 32 + 4096] if len(data) > 2 * size + 4096 else data
    if 64 * len(data) <= _SEGMENT_BYTES:
        # what means nothing is put behind, since the library panics at a run that is not whole
        decoded = bytes(decode_segment(data + _NO_RUN * 130))[:size]
        if not decoded.endswith(_NO_RUN):
            return np.frombuffer(decoded, np.uint8)
    # such a run took some of it for its own
    return np.frombuffer(_unpacked(data, size), np.uint8)[:size]


def _unpacked(data: bytes, size: int) -> bytes:
    """PackBits in plain Python (PS3.5 G.3.2): slow, stops at ``size`` and takes what is there."""
    out = bytearray()
    at = 0
    while at < len(data) and len(out) < size:
        head = data[at]
        if head < 128:
            out += data[at + 1 : at + 2 + head]
            at += 2 + head
        elif head > 128:
            out += data[at + 1 : at + 2] * (257 - head)
            at += 2
        else:
            at += 1
    return bytes(out)
