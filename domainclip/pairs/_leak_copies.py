"""Two splits row by row: the groups, documents, pictures and texts that both have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domainclip.errors import UsageError
from domainclip.images.hamming import MAX_DISTANCE, nearest, telling
from domainclip.pairs._footprints import RowKeys

if TYPE_CHECKING:
    from domainclip.pairs.reader import Pairs

__all__ = ["Copies"]

# field of the report -> column; texts are compared without case and outer blanks
_COLUMNS = {"groups": "group", "documents": "document", "copies": "sha256", "texts": "text"}


class Copies:
    """Names and hashes of pairs. distance, rotations: of perceptual hashes; see leakage."""

    def __init__(self, pairs: Pairs, distance: int, rotations: bool) -> None:
        if not 0 <= distance <= MAX_DISTANCE:
            raise UsageError(f"distance={distance}: must be from 0 to {MAX_DISTANCE} bits.")
        self._keys, self._distance, self._rotations = RowKeys(pairs), distance, rotations
        self._names: dict[str, pa.DictionaryArray] = {}
        for field, column in _COLUMNS.items():
            names = pairs.table([column]).column(column)
            if field == "texts":
                names = pc.utf8_lower(pc.utf8_trim_whitespace(names))
            self._names[field] = names.dictionary_encode().unify_dictionaries().combine_chunks()
        self._hashes = pairs.table(["phash"]).column("phash").to_numpy().astype(np.uint64)
        # here one with fewer than 8 zeros does not tell either
        self._telling = telling(self._hashes) & telling(~self._hashes)

    def compare(
        self, reference: np.ndarray, against: np.ndarray
    ) -> dict[str, tuple[int, tuple[str, ...]]]:
        """(n,) and (m,) rows of two splits -> by field, how many rows of the second are concerned,
        and an example: what is shared, or the keys of a row of each."""
        found: dict[str, tuple[int, tuple[str, ...]]] = {}
        copies = np.zeros(len(against), dtype=bool)
        for field, names in self._names.items():
            shared, by = _shared(names, reference, against)
            rows = np.flatnonzero(shared)
            example: tuple[str, ...] = ()
            if len(rows):
                first = int(rows[0])
                if field == "copies":
                    copies = shared
                    example = self.keys((int(reference[by[first]]), int(against[first])))
                else:
                    example = (str(names[int(against[first])].as_py()),)
            found[field] = len(rows), example
        found["near_copies"] = self._near(reference, against[~copies])
        return found

    def keys(self, rows: Sequence[int]) -> tuple[str, ...]:
        """The keys of some rows."""
        return tuple(self._keys[row] for row in rows)

    def _near(self, reference: np.ndarray, against: np.ndarray) -> tuple[int, tuple[str, ...]]:
        here, there = (rows[self._telling[rows]] for rows in (reference, against))
        row, bits = nearest(
            self._hashes[there], self._hashes[here], self._distance, rotations=self._rotations
        )
        found = np.flatnonzero(row >= 0)
        if not len(found):
            return 0, ()
        best = int(found[bits[found].argmin()])
        return len(found), self.keys((int(here[row[best]]), int(there[best])))


def _shared(
    names: pa.DictionaryArray, reference: np.ndarray, against: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(m,) bool: the row's name is one of the reference's; (m,) int: at which position there."""
    numbers = names.indices.fill_null(-1).to_numpy()
    known = np.array([bool(name) for name in names.dictionary.to_pylist()] + [False])
    first = np.full(len(known), -1)
    here = numbers[reference]
    first[here[::-1]] = np.arange(len(here))[::-1]
    by = np.where(known[numbers[against]], first[numbers[against]], -1)
    return by >= 0, by
