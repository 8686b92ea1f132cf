"""The frames of a DICOM image as stored values, whatever codec, table or header is wrong.

What the pixels are is told by the data themselves: fragments or none, the header of each compressed
frame, the length of uncompressed ones; the transfer syntax and group 0028 only where the data
cannot tell. Each time they disagree, ``repairs`` says what was done.

Measured (benchmarks/dicom_decode.py, one core of a 2-core machine): 223 of 224 real files with
pixels, pydicom alone 213; 47 of 47 lossless files equal to their uncompressed twin; JPEG 2000 for
224 pixels 10 times as fast as whole, 8-bit JPEG 3 times and JPEG-LS 2 to 3 times as fast as through
pydicom's own choice of decoder, everything else within a third of its speed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from pydicom.dataset import Dataset

from ..quiet import quiet
from .frame_sources import Compressed, Native, source_of, syntax_of
from .pixel_header import header_of
from .walking import Undecodable

__all__ = ["Decoded", "MissingFrame", "Undecodable", "decode"]


class MissingFrame(Undecodable, IndexError):
    """A frame that the header promises, or a caller thinks of, and the pixel data do not hold."""


@dataclass(frozen=True)
class Decoded:
    """An image, its frames decoded one at a time when they are asked for.

    count: frames that the data hold. indices: of those that were asked for. rows, columns: of the
    image; what ``frame`` gives is smaller by ``reduction``. photometric: what the values are now:
    MONOCHROME1, MONOCHROME2, PALETTE COLOR, RGB, YBR_FULL (chroma at full resolution), or another
    term of PS3.3 C.7.6.3.1.2 that the header gives to uncompressed samples. bits, signed: of a
    stored value. syntax: the transfer syntax of the file, "" where it has none.
    """

    count: int
    indices: tuple[int, ...]
    rows: int
    columns: int
    photometric: str
    bits: int
    signed: bool
    syntax: str
    reduction: int
    _frames: Native | Compressed = field(repr=False)
    _notes: list[str] = field(repr=False)

    @property
    def repairs(self) -> tuple[str, ...]:
        """What was wrong and what was done, in words; complete when the frames have been taken,
        since a damaged frame is only found while it is decoded."""
        return tuple(dict.fromkeys(self._notes))

    def frame(self, index: int) -> np.ndarray:
        """Stored values, (rows, columns) or (rows, columns, 3), of frame ``index`` from 0 on:
        integers of 8, 16, 32 or 64 bits, float32 or float64.

        Raises Undecodable: corrupt_pixels, truncated_pixels, missing_decoder; MissingFrame.
        """
        if not 0 <= index < self.count:
            raise MissingFrame("truncated_pixels", "The pixel data do not hold this frame.")
        try:
            return self._frames.frame(index, self._notes)
        except MemoryError:
            raise Undecodable("too_many_pixels", "A frame does not fit into memory.") from None

    def frames(self) -> Iterator[np.ndarray]:
        """Those that were asked for, in that order."""
        return (self.frame(index) for index in self.indices)


def decode(
    dataset: Dataset,
    *,
    max_pixels: int,
    frames: Sequence[int] | None = None,
    max_px: int = 0,
) -> Decoded:
    """The image of a data set that ``reading.read_dataset`` gave; nothing is decoded yet.

    frames: indices, None for all of them; those that the data do not hold are left out; () to learn
    only what the data are. max_pixels: rows x columns x frames asked for. max_px: JPEG 2000 may be
    decoded at a lower resolution, its longer side at least this long; 0 for never.

    Raises Undecodable: no_pixels, too_many_pixels, corrupt_header, corrupt_pixels,
    truncated_pixels, unknown_transfer_syntax, missing_decoder.
    """
    notes: list[str] = []
    try:
        with quiet():
            syntax = syntax_of(dataset)
            source = source_of(dataset, header_of(dataset, notes), syntax, notes, max_px)
    except Undecodable:
        raise
    except Exception:
        # values of the header that pydicom parses only now, and those of damaged codestreams
        raise Undecodable(
            "corrupt_header", "What the header says of the pixels is damaged."
        ) from None
    header = source.header
    wanted = range(source.count) if frames is None else frames
    indices = tuple(index for index in wanted if 0 <= index < source.count)
    asked = header.pixels * max(1, len(indices))
    if asked > max_pixels:
        raise Undecodable(
            "too_many_pixels",
            f"The image has {asked:,} pixels in {max(1, len(indices))} frames; the limit is "
            f"{max_pixels:,}.",
        )
    return Decoded(
        count=source.count,
        indices=indices,
        rows=header.rows,
        columns=header.columns,
        photometric=source.photometric,
        bits=header.stored,
        signed=bool(header.signed),
        syntax=syntax,
        reduction=source.reduction,
        _frames=source,
        _notes=notes,
    )
