"""Series whose order and affine are known in closed form: single frames, enhanced objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import EnhancedMRImageStorage

from tests.data.make_dicom import image, uid

__all__ = ["PLANES", "affine_of", "enhanced", "nuclear", "series"]

_SIN, _COS = np.sin(0.3), np.cos(0.3)
# Name -> cosines of a row and of a column, LPS.
PLANES: dict[str, tuple[float, ...]] = {
    "axial": (1, 0, 0, 0, 1, 0),
    "feet first": (-1, 0, 0, 0, 1, 0),
    "sagittal": (0, 1, 0, 0, 0, -1),
    "coronal": (1, 0, 0, 0, 0, -1),
    "tilted axial": (1, 0, 0, 0, _COS, -_SIN),
    "oblique": (0.6, 0.8, 0, -0.48, 0.36, 0.8),
}


def normal_of(orientation: Sequence[float]) -> np.ndarray:
    normal: np.ndarray = np.cross(orientation[:3], orientation[3:])
    return normal / np.linalg.norm(normal)


def affine_of(
    orientation: Sequence[float],
    origin: Sequence[float],
    spacing: Sequence[float],
    step: Sequence[float],
) -> np.ndarray:
    """(4, 4): voxel (column, row, slice) -> mm in RAS. spacing: between rows, between columns."""
    lps = np.eye(4)
    lps[:3, 0] = np.multiply(orientation[:3], spacing[1])
    lps[:3, 1] = np.multiply(orientation[3:], spacing[0])
    lps[:3, 2], lps[:3, 3] = step, origin
    return np.diag([-1.0, -1, 1, 1]) @ lps


def series(
    count: int = 6,
    *,
    orientation: Sequence[float] = PLANES["axial"],
    origin: Sequence[float] = (-30.5, 12.25, 100.0),
    spacing: Sequence[float] = (0.75, 0.5),
    gap: float = 2.5,
    step: Sequence[float] | None = None,
    first: int = 1,
    uid_of: str = "a",
    shape: tuple[int, int] = (10, 8),
    extra: dict[str, Any] | None = None,
    **options: Any,
) -> tuple[list[Dataset], np.ndarray]:
    """``count`` slices in their order in space, pixel values 10 k at slice k, numbered against it;
    and their affine. step: mm from slice to slice, by default ``gap`` along the normal."""
    along = normal_of(orientation) * gap if step is None else np.asarray(step, float)
    found = []
    for at in range(count):
        values = np.full(shape, 10 * at, np.uint16) + np.arange(shape[1], dtype=np.uint16)
        position = np.round(np.asarray(origin, float) + at * along, 6)
        made = {"number": first + count - at, "series": 5, "instance": f"s{uid_of}.{at}"} | options
        found.append(
            image(
                values,
                position=position,
                orientation=orientation,
                spacing=spacing,
                extra={"SliceThickness": gap, "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}
                | (extra or {}),
                **made,
            )
        )
    return found, affine_of(orientation, origin, spacing, along)


def _item(**values: Any) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def enhanced(
    positions: Sequence[Sequence[float]],
    *,
    orientation: Sequence[float] = PLANES["axial"],
    spacing: Sequence[float] = (0.75, 0.5),
    thickness: float = 2.5,
    echo_times: Sequence[float] | None = None,
    times: Sequence[int] | None = None,
    shared_plane: bool = True,
    instance: int | str = 70,
) -> Dataset:
    """An enhanced MR object of frames at ``positions``, in this order; frame k holds the value k.

    shared_plane: the orientation and the pixel measures stand in the shared groups, else each frame
    has its own. echo_times, times (temporal position): of each frame.
    """
    values = np.arange(len(positions), dtype=np.uint16)[:, None, None] * np.ones((10, 8), np.uint16)
    ds = image(values, modality="MR", series=7, instance=instance)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    ds.NumberOfFrames = len(positions)
    ds.FrameOfReferenceUID = uid(77)
    plane = {
        "PlaneOrientationSequence": Items([_item(ImageOrientationPatient=list(orientation))]),
        "PixelMeasuresSequence": Items(
            [_item(PixelSpacing=list(spacing), SliceThickness=thickness)]
        ),
    }
    frames = []
    for at, position in enumerate(positions):
        content = _item(DimensionIndexValues=[1, at + 1])
        if times is not None:
            content.TemporalPositionIndex = times[at]
        frame = _item(
            PlanePositionSequence=Items([_item(ImagePositionPatient=[float(x) for x in position])]),
            FrameContentSequence=Items([content]),
            MRImageFrameTypeSequence=Items(
                [_item(FrameType=["ORIGINAL", "PRIMARY", "T1", "NONE"])]
            ),
            **({} if shared_plane else plane),
        )
        if echo_times is not None:
            frame.MREchoSequence = Items([_item(EffectiveEchoTime=echo_times[at])])
        frames.append(frame)
    ds.SharedFunctionalGroupsSequence = Items([_item(**plane)] if shared_plane else [Dataset()])
    ds.PerFrameFunctionalGroupsSequence = Items(frames)
    return ds


def nuclear(
    slices: int, *, gap: float, detectors: Sequence[int] = (), extra: dict[str, Any] | None = None
) -> Dataset:
    """Nuclear medicine: reconstructed slices, or with ``detectors`` (one a frame) projections."""
    kind = ["ORIGINAL", "PRIMARY", "STATIC" if detectors else "RECON TOMO", "EMISSION"]
    place = _item(
        ImagePositionPatient=[-10.0, -20.0, 30.0], ImageOrientationPatient=[1, 0, 0, 0, 1, 0]
    )
    named: dict[str, Any] = {"ImageType": kind, "SpacingBetweenSlices": gap}
    named["DetectorInformationSequence"] = Items([place])
    if detectors:
        named["DetectorVector"] = list(detectors)
    else:
        named["SliceVector"] = list(range(1, slices + 1))
    values = np.zeros((slices, 10, 8), np.uint16)
    return image(values, modality="NM", spacing=(4.0, 4.0), series=8, extra=named | (extra or {}))
