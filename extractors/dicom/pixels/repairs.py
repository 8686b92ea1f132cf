"""A header that fits the pixels, where what group 0028 says contradicts them.

Every change is told in words, which name no value of a person: sizes, counts and attribute names
only. Source of the rules that are broken: PS3.3 C.7.6.3 (Image Pixel), PS3.5 section 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .jpeg_headers import Codestream
from .pixel_header import COLOURS, SUBSAMPLED, PixelHeader
from .walking import Undecodable

__all__ = ["fit_codestream", "fit_native"]

# Segments of an RLE frame -> samples, bits allocated (PS3.5 G.2: one segment a byte of a sample).
_RLE_SEGMENTS = {1: (1, 8), 2: (1, 16), 3: (3, 8), 4: (1, 32), 6: (3, 16), 12: (3, 32)}
# More than this of a frame must be there.
_LEAST_SHARE = 0.5


def fit_native(header: PixelHeader, size: int, notes: list[str]) -> PixelHeader:
    """The header that fits ``size`` bytes of uncompressed pixels.

    Where it does not as it stands, the first single correction is taken that makes it fit exactly;
    else the data are cut, padded (which the caller does), or hold fewer frames. Raises Undecodable:
    corrupt_header (no size), truncated_pixels (less than half of the first frame).
    """
    if header.pixels == 0:
        raise Undecodable("corrupt_header", "The header gives the image no rows or no columns.")
    if header.allocated not in (1, 8, 16, 32, 64) or not _fits(header, size):
        for note, other in _corrections(header, size):
            if _fits(other, size):
                notes.append(note)
                header = other
                break
    if header.allocated not in (1, 8, 16, 32, 64):
        raise Undecodable(
            "corrupt_header", f"Pixels of {header.allocated} bits are not known to the standard."
        )
    header = _fit_frames(_agreed(header, notes), size, notes)
    return _fit_bits(header, notes)


def _fits(header: PixelHeader, size: int) -> bool:
    # one byte more makes the length even
    return header.size > 0 and size - header.size in (0, 1)


def _corrections(header: PixelHeader, size: int) -> Iterator[tuple[str, PixelHeader]]:
    """What may be wrong, the surest first."""
    if header.photometric in SUBSAMPLED:
        yield (
            "the chroma is not subsampled, as the length shows",
            replace(header, photometric="YBR_FULL"),
        )
    if header.samples == 3 and header.photometric not in COLOURS:
        yield "Samples per Pixel is 1, as the length shows", replace(header, samples=1)
    if header.samples == 1 and header.photometric in COLOURS:
        yield "Samples per Pixel is 3, as the length shows", replace(header, samples=3)
    for allocated in (8, 16, 32, 1):
        if allocated != header.allocated and (
            header.allocated not in (1, 8, 16, 32, 64)
            or header.stored > header.allocated
            or header.stored <= allocated < header.allocated
        ):
            yield (
                f"Bits Allocated is {allocated}, as the length shows",
                replace(header, allocated=allocated),
            )
    if header.photometric == "YBR_FULL":
        yield (
            "the chroma is subsampled, as the length shows",
            replace(header, photometric="YBR_FULL_422"),
        )
    one = replace(header, frames=1)
    if one.size and header.allocated >= 8 and size // one.size >= 1:
        frames = size // one.size
        yield (
            f"Number of Frames is {frames}, not {header.frames}, as the length shows",
            replace(header, frames=frames),
        )


def _agreed(header: PixelHeader, notes: list[str]) -> PixelHeader:
    """Samples per Pixel fit the data; what the Photometric Interpretation says must fit them."""
    if header.samples == 1 and header.photometric in COLOURS:
        notes.append("one sample a pixel: taken as MONOCHROME2, not as colour")
        return replace(header, photometric="MONOCHROME2")
    if header.samples >= 3 and header.photometric.startswith(("MONOCHROME", "PALETTE")):
        notes.append("three samples a pixel: taken as RGB")
        return replace(header, photometric="RGB")
    return header


def _fit_frames(header: PixelHeader, size: int, notes: list[str]) -> PixelHeader:
    frame = header.frame_bits / 8
    if size - header.size > 1:
        notes.append(f"{size - header.size} bytes behind the pixels are left out")
    if size >= header.size:
        return header
    there = size / frame
    whole = int(there)
    share = there - whole
    # the frame that was cut is padded where enough of it is there
    kept = whole + (share > _LEAST_SHARE)
    if kept == 0:
        raise Undecodable(
            "truncated_pixels", f"{100 - 100 * there:.0f} % of the pixel data are missing."
        )
    if kept > whole:
        notes.append(
            f"pixel data were cut: {100 - 100 * share:.2g} % of "
            f"{'the image' if header.frames == 1 else 'the last frame'} are missing and padded"
        )
    if kept < header.frames:
        notes.append(f"pixel data were cut: {kept} of {header.frames} frames are there")
    return replace(header, frames=kept)


def _fit_bits(header: PixelHeader, notes: list[str]) -> PixelHeader:
    stored, high = header.stored, header.high
    if not 0 < stored <= header.allocated:
        notes.append(f"Bits Stored is taken as {header.allocated}, the allocated ones")
        stored = header.allocated
    if not stored - 1 <= high < header.allocated:
        if high >= 0:
            notes.append(f"High Bit is taken as {stored - 1}, from Bits Stored")
        high = stored - 1
    signed = header.signed
    if signed is None and header.allocated > 1:
        notes.append("Pixel Representation is missing: taken as unsigned")
    return replace(header, stored=stored, high=high, signed=bool(signed))


def fit_codestream(header: PixelHeader, stream: Codestream, notes: list[str]) -> PixelHeader:
    """The header that fits a compressed frame: its own size, samples and bits. Only the sign stays
    as the header says it, since most codecs cannot tell. Raises Undecodable (corrupt_header)."""
    if stream.kind == "rle":
        return _fit_bits(_agreed(_fit_segments(header, stream.samples, notes), notes), notes)
    rows, columns = stream.rows or header.rows, stream.columns or header.columns
    if (rows, columns) != (header.rows, header.columns):
        notes.append(
            f"the compressed image has {columns} x {rows} pixels, not {header.columns} x "
            f"{header.rows} as the header says"
        )
    if stream.samples != header.samples:
        notes.append(f"the compressed image has {stream.samples} samples a pixel")
    if rows * columns == 0:
        raise Undecodable("corrupt_header", "The image has no rows or no columns.")
    if stream.samples not in (1, 3, 4) or not 1 <= stream.bits <= 32:
        raise Undecodable(
            "corrupt_pixels", "The compressed image says impossible things of itself."
        )
    signed = header.signed
    if signed is None:
        signed = stream.signed
        notes.append(f"Pixel Representation is missing: taken as {'un' * (not signed)}signed")
    if stream.kind in ("j2k", "htj2k") and stream.signed != signed:
        notes.append("the compressed image has another sign than Pixel Representation, which holds")
    allocated = 8 if stream.bits <= 8 else 16 if stream.bits <= 16 else 32
    stored = header.stored or stream.bits
    if stream.bits < stored:
        notes.append(f"the compressed image has {stream.bits} bits a sample, not {stored}")
        stored = stream.bits
    high = header.high if stored - 1 <= header.high < stream.bits else stored - 1
    fitted = replace(
        header, rows=rows, columns=columns, samples=min(3, stream.samples), planar=0,
        allocated=allocated, stored=stored, high=high, signed=signed,
    )  # fmt: skip
    return replace(fitted, photometric=_colour(fitted, stream, notes))


def _fit_segments(header: PixelHeader, segments: int, notes: list[str]) -> PixelHeader:
    if header.pixels == 0:
        raise Undecodable("corrupt_header", "The header gives the image no rows or no columns.")
    if header.allocated == 1 and segments == 1:
        return header
    if segments * 8 == header.samples * header.allocated and header.samples in (1, 3):
        return header
    if segments not in _RLE_SEGMENTS:
        raise Undecodable(
            "corrupt_pixels", "The number of RLE segments fits no kind of pixel data."
        )
    samples, allocated = _RLE_SEGMENTS[segments]
    notes.append(f"{segments} RLE segments: {samples} samples a pixel of {allocated} bits")
    return replace(header, samples=samples, allocated=allocated)


def _colour(header: PixelHeader, stream: Codestream, notes: list[str]) -> str:
    """What the decoded values are: the decoders undo the subsampling and JPEG 2000's own colour
    transform, and nothing else (PS3.5 8.2)."""
    said = header.photometric
    if header.samples == 1:
        return _agreed(header, notes).photometric
    if stream.kind in ("j2k", "htj2k"):
        return "YBR_FULL" if said in ("YBR_FULL", *SUBSAMPLED) else "RGB"
    told = stream.colour
    if not told and said not in COLOURS:
        told = "YBR_FULL" if stream.kind == "jpeg" else "RGB"
    if told and told[:3] != said[:3]:
        notes.append(f"the compressed image is {told}, as it says itself")
    return told or ("RGB" if said == "RGB" else "YBR_FULL")
