"""Which rows of a split belong together: other images of a study, images made for wrong captions.

Kept as numbers: 64-bit hashes of keys and studies, and rows; 40 bytes a row that has another. A
million rows take 6 CPU s to look through, and 120 MB while they are. Only rows of the same split
know each other, so nothing of a test study is seen in training. Images are read when they are asked
for (``row_of``), never all of them.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from domainclip.data.settings import SecondViewSettings
from domainclip.errors import BadInput, nearest
from domainclip.pairs import Pair, Pairs

__all__ = ["NEGATIVE_OF", "Partners", "row_of"]

NEGATIVE_OF = "negative_of"  # of ``meta``: the key of the pair that this one's caption is wrong of
_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class _Links:
    """names (n,) uint64 in order, rows (n,) int64: those of one name lie together, by row."""

    names: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, names: np.ndarray, rows: np.ndarray) -> _Links:
        order = np.lexsort((rows, names))
        return cls(names[order].astype(np.uint64), rows[order].astype(np.int64))

    def __getitem__(self, name: int) -> np.ndarray:
        start, stop = (int(np.searchsorted(self.names, np.uint64(name), side=side))
                       for side in ("left", "right"))  # fmt: skip
        return self.rows[start:stop]


@dataclass(frozen=True)
class _Found:
    """Rows as they are read: hashes of their keys and of what they belong to."""

    keys: array[int]
    names: array[int]
    rows: array[int]

    def add(self, key: int, name: int, row: int) -> None:
        for column, value in ((self.keys, key), (self.names, name), (self.rows, row)):
            column.append(value)

    def several(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(keys, names, rows) of those whose name others have too, in the order of keys."""
        names, keys = (np.array(each, dtype=np.uint64) for each in (self.names, self.keys))
        _, which, sizes = np.unique(names, return_inverse=True, return_counts=True)
        kept = np.flatnonzero(sizes[which] > 1)
        kept = kept[np.argsort(keys[kept], kind="stable")]
        return keys[kept], names[kept], np.array(self.rows, dtype=np.int64)[kept]


class Partners:
    """Of one split. second: which images are of one study; None for none. negatives: rows whose
    meta says ``negative_of: KEY`` are looked up by that key, and are no pairs of their own.

    Such rows are nobody's second view. Raises BadInput where no row can have what is asked for.
    """

    def __init__(
        self, pairs: Pairs, split: str, *, second: SecondViewSettings | None, negatives: bool
    ) -> None:
        self.second, self.negatives = second, negatives
        everyone, fields = array("Q"), dict[str, None]()
        studied = _Found(array("Q"), array("Q"), array("q"))  # its key, its study, its row
        wrong = _Found(array("Q"), array("Q"), array("q"))  # its key, that of its pair, its row
        for row, key, unit, meta in _read(pairs, split, second):
            owner, number = meta.get(NEGATIVE_OF), _hash(key)
            if owner:
                wrong.add(number, _hash(str(owner)), row)
            if owner and negatives:
                continue
            everyone.append(number)
            fields.update(dict.fromkeys(meta))
            same = [meta.get(name) for name in second.same] if second is not None else []
            lacks = not unit or any(value in (None, "") for value in same)
            if second is not None and not owner and not lacks:
                studied.add(number, _hash("\0".join([unit, *map(str, same)])), row)
        self.rows = len(everyone)
        if second is not None and split == "train" and not studied.rows:
            raise BadInput(_no_study(second, tuple(fields)))
        self._keys, self._studies, self._rows = studied.several()
        self._members = _Links.of(self._studies, self._rows)
        self.with_second = len(self._keys)
        self._wrong = np.sort(np.array(wrong.keys, dtype=np.uint64))
        self._wrong_of = _Links.of(np.array(wrong.names), np.array(wrong.rows))
        known = np.isin(self._wrong_of.names, np.array(everyone, dtype=np.uint64))
        self.with_negative = len(np.unique(self._wrong_of.names[known]))
        self.lost_negatives = int((~known).sum())
        if negatives and split == "train" and not self.with_negative:
            raise BadInput(
                "objective triplet: no training pair has an image of its negative caption; give "
                f"such rows a field {NEGATIVE_OF!r} in meta (a column of a CSV), the key of the "
                "pair that they are wrong of. Without such images there is hard_negatives."
            )

    def others(self, key: str) -> np.ndarray:
        """(k,) rows of the other images of a pair's study, from the one after its own on."""
        at = int(np.searchsorted(self._keys, np.uint64(_hash(key))))
        if at == len(self._keys) or self._keys[at] != np.uint64(_hash(key)):
            return _NONE
        members = self._members[int(self._studies[at])]
        own = int(np.searchsorted(members, self._rows[at]))
        return np.concatenate([members[own + 1 :], members[:own]])

    def wrong(self, key: str) -> np.ndarray:
        """(k,) rows that are made for the wrong captions of a pair."""
        return self._wrong_of[_hash(key)] if self.negatives else _NONE

    def kept(self, key: str) -> float:
        """1 for a pair of its own, 0 for a row that stands for another's wrong caption."""
        at = int(np.searchsorted(self._wrong, np.uint64(_hash(key))))
        is_wrong = at < len(self._wrong) and self._wrong[at] == np.uint64(_hash(key))
        return 0.0 if self.negatives and is_wrong else 1.0

    def said(self) -> Iterator[str]:
        """How many pairs have what was asked for, a line each."""
        if self.second is not None:
            alone = self.rows - self.with_second
            itself = f"; of {alone:,} there is none, and a random view of itself is taken"
            same = f" with the same {', '.join(self.second.same)}" if self.second.same else ""
            yield (
                f"second views: {self.with_second:,} of {self.rows:,} training images have another "
                f"of their {self.second.by}{same}{itself if alone else ''}"
            )
        if self.negatives:
            lost = f"; {self.lost_negatives:,} more of no training pair" * bool(self.lost_negatives)
            yield (
                f"negative images: {self.with_negative:,} of {self.rows:,} training pairs have "
                f"one or more{lost}"
            )


def row_of(pairs: Pairs, row: int, columns: Sequence[str]) -> Pair:
    """One row by its global number; reads narrow columns of its row group, and its own image."""
    group = pairs.groups[pairs.groups.holding(row)]
    return next(pairs.read_rows(group, columns, np.array([row - group.start])))


def _read(
    pairs: Pairs, split: str, second: SecondViewSettings | None
) -> Iterator[tuple[int, str, str, Mapping[str, Any]]]:
    """(row, key, unit, meta as far as it matters) of the rows of a split."""
    by, wanted = (second.by, bool(second.same)) if second is not None else ("key", False)
    start = 0
    for table, _ in pairs.read_parts(list(dict.fromkeys(["key", "split", by, "meta"]))):
        columns = (table.column(name).to_pylist() for name in ("key", "split", by, "meta"))
        for row, (key, its, unit, meta) in enumerate(zip(*columns, strict=True), start):
            if its == split:
                parsed = meta and (wanted or f'"{NEGATIVE_OF}"' in meta)
                yield row, key or "", unit or "", json.loads(meta) if parsed else {}
        start += len(table)


def _no_study(second: SecondViewSettings, fields: Sequence[str]) -> str:
    """Why no training pair belongs to any study."""
    for name in second.same:
        if fields and name not in fields:
            return (
                f"data.second_view.same: no training pair has the field {name!r} in its meta."
                f"{nearest(name, fields)}"
            )
    has = f" and has {', '.join(second.same)}" if second.same else ""
    return (
        f"data.second_view: no training pair says of which {second.by} it is{has}; choose another "
        "'by' (document, group), or leave second_view out."
    )


def _hash(text: str) -> int:
    data = text.encode(errors="surrogatepass")  # JSON may hold halves of a character
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")
