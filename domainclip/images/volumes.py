"""Volumes on another grid: along other axes, with other spacings, by MONAI's transforms.

Imports torch and MONAI (``pip install monai``): import this file late, and only where asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from domainclip.errors import BadInput, MissingExtra, UsageError

try:
    import nibabel
    import torch
    from monai.data import MetaTensor
    from monai.transforms import Orientation, Spacing
except ModuleNotFoundError as error:
    raise MissingExtra("volumes", error.name or "monai") from error

__all__ = ["resample"]

_MOST_VOXELS = 1 << 31


def resample(
    volume: Path | np.ndarray,
    affine: np.ndarray | None = None,
    *,
    spacing_mm: float | tuple[float, float, float],
    orientation: str = "RAS",
    mode: Literal["bilinear", "nearest"] = "bilinear",
) -> tuple[np.ndarray, np.ndarray]:
    """-> (float32 (x, y, z), affine (4, 4)): ``volume`` with axes that point as ``orientation``
    says and ``spacing_mm`` between voxels, one number or one for each axis of the result.

    volume: a NIfTI file, or (x, y, z) voxels with their affine (4, 4) to mm in RAS. The first voxel
    of the reoriented volume keeps its place; what lies beyond the outermost voxels repeats them. A
    leaning affine is straightened: the values are sampled where the new grid lies. mode: nearest
    for labels. Raises BadInput for a file or an affine that is none, UsageError for a spacing or an
    orientation that makes no sense.
    """
    spacings = np.broadcast_to(np.asarray(spacing_mm, float), 3)
    if not (np.isfinite(spacings).all() and spacings.min() > 0):
        raise UsageError("The spacing must be a number of mm above 0, or three of them.")
    axes = orientation.upper()
    if sorted(axes.translate(str.maketrans("LPI", "RAS"))) != ["A", "R", "S"]:
        raise UsageError(f"{orientation!r} is no orientation: three of R/L, A/P, S/I, as in RAS.")
    values, matrix = _read(volume) if not isinstance(volume, np.ndarray) else (volume, affine)
    matrix = np.eye(4) if matrix is None else np.asarray(matrix, float)
    if values.ndim != 3 or matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise BadInput("A volume has three axes, and an affine of 4 x 4 finite numbers.")
    if abs(np.linalg.det(matrix[:3, :3])) < 1e-12:
        raise BadInput("The affine is singular: the volume has no extent along an axis.")
    tensor = MetaTensor(
        torch.from_numpy(np.ascontiguousarray(values[None], np.float32)),
        affine=torch.from_numpy(matrix),
    )
    turned = Orientation(axcodes=axes, labels=None)(tensor)
    done = Spacing(pixdim=tuple(spacings), mode=mode, padding_mode="border")(turned)
    return done.numpy()[0], done.affine.numpy().astype(np.float64)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        image = nibabel.load(path)
        if np.prod(image.shape, dtype=float) <= _MOST_VOXELS:
            return np.asarray(image.dataobj, np.float32), np.asarray(image.affine, float)
    except Exception:  # nibabel raises nearly anything on what is no NIfTI file
        raise BadInput("The file is no NIfTI volume that can be read.") from None
    raise BadInput("The file says that it has more voxels than fit in memory.")
