"""Small NetCDF files and Zarr stores of arrays with coordinates, as scientists write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

__all__ = ["write_netcdf", "write_zarr"]


def write_netcdf(
    path: Path,
    values: np.ndarray,
    dimensions: Mapping[str, tuple[np.ndarray, Mapping[str, str]]],
    *,
    variable: str = "sst",
) -> Path:
    """One variable over dimensions that have a coordinate each: name -> (values, attributes)."""
    pytest.importorskip("scipy")
    from scipy.io import netcdf_file

    with netcdf_file(path, "w") as file:
        for name, (steps, attributes) in dimensions.items():
            file.createDimension(name, len(steps))
            coordinate = file.createVariable(name, "d", (name,))
            coordinate[:] = steps
            for key, value in attributes.items():
                setattr(coordinate, key, value)
        file.createVariable(variable, "f", tuple(dimensions))[:] = values
    return path


def write_zarr(
    folder: Path, *, attributes: Mapping[str, Any] | None = None, **arrays: np.ndarray
) -> Path:
    """A group of arrays, each one chunk, in version 2. attributes: of arrays, by their names."""
    folder.mkdir()
    (folder / ".zgroup").write_text('{"zarr_format": 2}')
    for name, values in arrays.items():
        inside = folder / name
        inside.mkdir()
        shape = list(values.shape)
        described = {
            "zarr_format": 2, "shape": shape, "chunks": shape, "dtype": values.dtype.str,
            "compressor": None, "fill_value": None, "order": "C", "filters": None,
        }  # fmt: skip
        (inside / ".zarray").write_text(json.dumps(described))
        (inside / ".zattrs").write_text(json.dumps((attributes or {}).get(name, {})))
        (inside / ".".join("0" * values.ndim)).write_bytes(values.tobytes())
    return folder
