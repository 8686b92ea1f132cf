"""A stack as a NIfTI-1 file, slice by slice; of the headers only numbers of geometry go in."""

from __future__ import annotations

import gzip
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np
from nibabel.nifti1 import Nifti1Header

from domainclip.errors import BadInput, OutputError

from .stack import Stack

__all__ = ["write_nifti"]

_MOST = 32767  # voxels along an axis: NIfTI-1 keeps them as int16
_MOST_FILLED = 4  # places for each slice: a wrong position must not make a file of nothing
_INT16 = np.iinfo(np.int16)


def write_nifti(
    stack: Stack,
    frames: Iterator[np.ndarray],
    path: Path,
    *,
    slope_intercept: tuple[float, float] | Sequence[tuple[float, float]] = (1.0, 0.0),
    fill: float | None = None,
) -> None:
    """``frames``, (rows, columns) of integers or floats in the stack's order, as a volume (columns,
    rows, places) at ``path`` (.nii, or .nii.gz compressed).

    slope_intercept: of the rescale (PS3.3 C.11.1), one for all or one for each slice. Rescaled
    values that are all whole numbers within int16 are kept as int16, else all as float32. The
    affine stands in the sform, and in the qform where the stack does not lean, both with code 1
    (scanner), mm; description, names and intent stay empty. fill: the value of missing slices.
    The same input gives the same bytes. One slice is held in memory; the file appears whole or not
    at all.

    Raises BadInput for a stack without an affine, with uneven distances, or with missing slices and
    no ``fill``, and for frames that do not fit it; OutputError where the file cannot be written.
    """
    affine = stack.affine
    if affine is None:
        raise BadInput(
            "The stack is no volume: a position, the pixel spacing or an even distance between the "
            "slices is missing."
        )
    if stack.gaps and fill is None:
        raise BadInput("The stack has missing slices: give a value to fill them with, or slices.")
    rows, columns, depth = stack.slices[0].rows, stack.slices[0].columns, stack.places[-1] + 1
    if depth > _MOST_FILLED * len(stack.slices):
        raise BadInput("Most of the stack is missing: it is no volume.")
    if max(rows, columns, depth) > _MOST:
        raise BadInput(f"The volume has more than {_MOST} voxels along an axis.")
    rescale = _rescales(slope_intercept, len(stack.slices))
    values = _values(stack, frames, rescale, fill)
    path = Path(path)
    own = f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}"
    raw, whole = path.with_name(f"{own}.raw"), path.with_name(f"{own}.tmp")
    try:
        whole_numbers = _write_raw(values, raw)
        header = _header(affine, (columns, rows, depth), whole_numbers, stack.sheared)
        with ExitStack() as files, raw.open("rb") as source:
            out: IO[bytes] = files.enter_context(whole.open("wb"))
            if path.name.endswith(".gz"):
                # no name, no time: the same bytes each time
                out = files.enter_context(
                    gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0, compresslevel=6)  # type: ignore[arg-type]
                )
            out.write(header)
            while block := source.read(1 << 20):
                out.write(block)
        whole.replace(path)
    except OSError as error:
        raise OutputError("The volume cannot be written: disk full, or no permission.") from error
    finally:
        raw.unlink(missing_ok=True)
        whole.unlink(missing_ok=True)


def _rescales(
    given: tuple[float, float] | Sequence[tuple[float, float]], count: int
) -> list[tuple[float, float]]:
    pairs = np.asarray(given, float)
    if pairs.shape == (2,):
        pairs = np.broadcast_to(pairs, (count, 2))
    if pairs.shape != (count, 2) or not np.isfinite(pairs).all():
        raise BadInput("The rescale must be one slope and intercept, or one for each slice.")
    return [(float(slope), float(intercept)) for slope, intercept in pairs]


def _values(
    stack: Stack,
    frames: Iterator[np.ndarray],
    rescales: Sequence[tuple[float, float]],
    fill: float | None,
) -> Iterator[np.ndarray]:
    """A rescaled float64 (rows, columns) for each place."""
    shape = stack.slices[0].rows, stack.slices[0].columns
    place = 0
    frames = iter(frames)
    for target, (slope, intercept) in zip(stack.places, rescales, strict=True):
        while place < target:
            yield np.full(shape, fill, np.float64)
            place += 1
        frame = next(frames, None)
        if frame is None:
            raise BadInput("There are fewer frames than slices in the stack.")
        if frame.shape != shape or frame.dtype.kind not in "iufb":
            raise BadInput("A frame has another size than its slice, or colours: no volume of it.")
        yield frame.astype(np.float64) * slope + intercept
        place += 1
    if next(frames, None) is not None:
        raise BadInput("There are more frames than slices in the stack.")


def _write_raw(values: Iterator[np.ndarray], path: Path) -> bool:
    """Voxels as int16 while that is exact, from then on, and what was written before, as float32.
    Gives whether they are int16."""
    whole_numbers = True
    with path.open("w+b") as out:
        for each in values:
            if whole_numbers and not _fits(each):
                _widen(out)
                whole_numbers = False
            with np.errstate(over="ignore"):  # beyond float32 is infinite
                out.write(each.astype("<i2" if whole_numbers else "<f4").tobytes())
    return whole_numbers


def _fits(values: np.ndarray) -> bool:
    return bool(
        values.min(initial=0) >= _INT16.min
        and values.max(initial=0) <= _INT16.max
        and (values == np.rint(values)).all()
    )


def _widen(out: IO[bytes]) -> None:
    """int16 values become float32 in place, from the last to the first."""
    block = 1 << 19
    end = out.tell()
    for start in range((end - 1) // block * block if end else -1, -1, -block):
        out.seek(start)
        values = np.frombuffer(out.read(min(block, end - start)), "<i2")
        out.seek(2 * start)
        out.write(values.astype("<f4").tobytes())
    out.seek(2 * end)


def _header(
    affine: np.ndarray, shape: tuple[int, int, int], whole_numbers: bool, sheared: bool
) -> bytes:
    header = Nifti1Header()
    header.set_data_dtype(np.int16 if whole_numbers else np.float32)
    header.set_data_shape(shape)
    header.set_sform(affine, code=1)
    # a qform is a rotation: it cannot lean, and half an affine is worse than none
    header.set_qform(affine, code=0 if sheared else 1, strip_shears=True)
    header.set_xyzt_units("mm", "unknown")
    header["scl_slope"], header["scl_inter"] = 1, 0
    out = BytesIO()
    header.write_to(out)
    told = out.getvalue()
    return told + b"\0" * (352 - len(told))  # no extensions
