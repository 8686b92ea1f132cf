"""The uniform series of a study as NIfTI files, on request."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from domainclip.errors import BadInput
from domainclip.images.voi import Rescale
from domainclip.pairs import Skip
from domainclip.pairs.writer import output_errors

from .lettering import is_lettered, looked_at, looks
from .naming import Naming
from .pixels.decoding import decode
from .pixels.grey import modality_of, stored_of
from .series.geometry import Slice
from .series.stack import Stack
from .series.stacking import stacks_of
from .series.volume import write_nifti
from .study import Study, dataset_of

if TYPE_CHECKING:
    from . import Dicom

__all__ = ["write_volumes"]


def write_volumes(options: Dicom, study: Study, naming: Naming) -> Iterator[Skip]:
    """Write ``VOLUMES/<study>/<series>.nii.gz``, with ``-2`` and on where a series is several
    volumes. A series that cannot be a volume is skipped with its reason; it costs no pair.

    Nothing is blanked in a volume: one with lettering is not written. Nine slices at most are
    looked at, the first, the middle, the last and evenly spaced ones: all of a short series, 3 % of
    one of 300, so a name drawn into a few other slices only is not seen.
    """
    if not options.volumes:
        return
    count: dict[str, int] = {}
    for stack in stacks_of(study.slices):
        if stack.kind != "volume" or stack.role in ("localizer", "stray"):
            continue
        series = stack.slices[0].series_uid
        count[series] = count.get(series, 0) + 1
        more = f"-{count[series]}" if count[series] > 1 else ""
        folder = Path(options.volumes) / study.name
        path = folder / f"{naming.series(series)}{more}.nii.gz"
        where = f"{study.name}/{path.name}"
        try:
            if looks(options):
                _check_lettering(options, study, stack)
            with output_errors(path):
                folder.mkdir(parents=True, exist_ok=True)
            _write(options, study, stack, path)
        except BadInput as error:
            with suppress(OSError):  # it holds other volumes
                folder.rmdir()
            yield Skip(where=where, reason="no_volume", detail=str(error))


def _check_lettering(options: Dicom, study: Study, stack: Stack) -> None:
    """Raises BadInput for a stack whose slices have lettering."""
    wanted = _by_file([stack.slices[at] for at in looked_at(len(stack.slices))])
    for index, numbers in wanted.items():
        dataset = dataset_of(study.instances[index].place)
        frames = decode(dataset, max_pixels=options.max_mpx * 1_000_000, frames=sorted(numbers))
        for number in numbers:
            if number < frames.count and is_lettered(options, dataset, frames, number):
                raise BadInput(
                    "Its pixels hold lettering, or may: there is no volume of it. Look at it, then "
                    "use --burned-in keep for series that you know to be clean."
                )


def _write(options: Dicom, study: Study, stack: Stack, path: Path) -> None:
    with output_errors(path):
        write_nifti(stack, _rescaled(options, study, stack), path)
        if options.spacing_mm is not None:
            _resample(path, options.spacing_mm)


def _rescaled(options: Dicom, study: Study, stack: Stack) -> Iterator[np.ndarray]:
    """The slices' values in the modality's unit, in the stack's order."""
    wanted = _by_file(stack.slices)
    last = -1
    for each in stack.slices:
        if each.index != last:
            last = each.index
            dataset = dataset_of(study.instances[each.index].place)
            frames = decode(
                dataset, max_pixels=options.max_mpx * 1_000_000, frames=sorted(wanted[last])
            )
        stored = stored_of(frames.frame(each.frame), dataset)
        transform = modality_of(dataset, each.frame, stored).transform
        if isinstance(transform, Rescale):
            yield stored.values * transform.slope + transform.intercept
        else:
            yield stored.values


def _by_file(slices: Sequence[Slice]) -> dict[int, list[int]]:
    """Index of a file -> frames of it: what to decode, file by file."""
    wanted: dict[int, list[int]] = {}
    for each in slices:
        wanted.setdefault(each.index, []).append(each.frame)
    return wanted


def _resample(path: Path, spacing_mm: float) -> None:
    """Replace a volume by itself on a grid of even spacing along the patient's axes (RAS)."""
    import nibabel

    from domainclip.images.volumes import resample  # torch and MONAI, for those who ask for it

    values, affine = resample(path, spacing_mm=spacing_mm)
    image = nibabel.Nifti1Image(values, affine)
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    image.header.set_xyzt_units("mm")
    part = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        nibabel.save(image, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
