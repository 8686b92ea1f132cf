"""What two splits share that they should not: ground, scenes, groups, days, pictures, texts.

A model is tested on what it has seen where test tiles overlap training tiles, or are copies of
them; and its score is too good where they only lie side by side (Roberts et al. 2017,
"Cross-validation strategies for data with temporal, spatial, hierarchical, or phylogenetic
structure"; Karasiak et al. 2022, "Spatial dependence between training and test sets").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from domainclip.errors import UsageError, nearest
from domainclip.pairs._buffer import PRIORITY
from domainclip.pairs._leak_copies import Copies
from domainclip.pairs._leak_places import Places

if TYPE_CHECKING:
    from domainclip.pairs.reader import Pairs

__all__ = ["Leakage", "Shared", "SplitLeak", "leakage"]


@dataclass(frozen=True, slots=True)
class Shared:
    """rows: of the second split that share something with the first. share: of all its rows.
    example: what they share, or the keys of one row of each split; "" where nothing."""

    rows: int = 0
    share: float = 0.0
    example: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SplitLeak:
    """The second split, ``against``, measured by the first, ``reference``.

    pairs: rows of each. placed: rows of each with a place on the ground. distance_m: metres on
    it between their nearest footprints, 0 where they touch, None where either has no place or they
    lie on different planets;
    nearest: keys of the two. overlapping: rows whose footprint shares ground with one of the
    reference. covered: share of the second split's ground, tiles added up, that the one reference
    tile on each covers most: at least so much is seen. same_place_and_day: overlapping rows
    that were taken on one day with what they overlap.
    groups, documents, texts: rows with the group, document or text of a reference row. copies:
    rows with the image of one, byte for byte. near_copies: rows with a perceptual hash within the
    distance of another's, and no copies.
    """

    reference: str
    against: str
    pairs: tuple[int, int]
    placed: tuple[int, int]
    distance_m: float | None
    nearest: tuple[str, ...]
    overlapping: Shared
    covered: float
    same_place_and_day: Shared
    groups: Shared
    documents: Shared
    copies: Shared
    near_copies: Shared
    texts: Shared

    @property
    def leaks(self) -> tuple[str, ...]:
        """What is wrong, by field: a score on the second split is not one on unseen data."""
        wrong = ("overlapping", "groups", "copies", "near_copies")
        return tuple(name for name in wrong if getattr(self, name).rows)


@dataclass(frozen=True, slots=True)
class Leakage:
    """splits: every two of them, compared. distance: bits of near copies; rotations: turned and
    mirrored ones too. unplaced: for each CRS of which rows have no place on the ground, why."""

    splits: tuple[SplitLeak, ...]
    distance: int
    rotations: bool
    unplaced: dict[str, str]

    @property
    def clean(self) -> bool:
        """True where nothing leaks."""
        return not any(one.leaks for one in self.splits)


def leakage(
    pairs: Pairs,
    *,
    distance: int = 4,
    rotations: bool = False,
    reference: Sequence[str] = (),
    against: Sequence[str] = (),
) -> Leakage:
    """Compare every two splits of ``pairs``, the first of train, val, test as the reference.

    distance: bits of 64, 0 to 8, in which the perceptual hashes of near copies may differ; images
    without a hash or with one too flat to tell (fewer than 8 ones or zeros) are left out.
    rotations: compare each image's seven turned and mirrored versions too, as its hash alone tells
    them (images.phash.dihedral: some bits off).
    reference, against: names of splits; only these are compared, each of the one with each of the
    other. By default all. Rows in no split are not looked at.

    Memory: some 300 bytes a row and the parts' texts. Raises UsageError for splits that the pairs
    lack, BadInput for bounds that are none, MissingExtra where a CRS needs the extra ``tiles``.
    """
    names = pairs.table(["split"]).column("split").combine_chunks().dictionary_encode()
    held = [name for name in names.dictionary.to_pylist() if name]
    compared = _compared(held, reference, against)
    numbers = names.indices.fill_null(-1).to_numpy()
    known = names.dictionary.to_pylist()
    rows = {name: np.flatnonzero(numbers == known.index(name)) for name in held}
    places, copies = Places(pairs), Copies(pairs, distance, rotations)
    found = []
    for first, second in compared:
        here, there = rows[first], rows[second]
        ground = places.compare(here, there)
        same = copies.compare(here, there)
        found.append(
            SplitLeak(
                reference=first,
                against=second,
                pairs=(len(here), len(there)),
                placed=ground.placed,
                distance_m=ground.distance_m,
                nearest=copies.keys(ground.nearest),
                covered=ground.covered,
                overlapping=_shared(ground.overlapping, len(there), copies.keys(ground.example)),
                same_place_and_day=_shared(ground.same_day, len(there), ground.day),
                **{field: _shared(n, len(there), example) for field, (n, example) in same.items()},
            )
        )
    return Leakage(tuple(found), distance, rotations, places.refused)


def _compared(
    held: Sequence[str], reference: Sequence[str], against: Sequence[str]
) -> list[tuple[str, str]]:
    for name in (*reference, *against):
        if name not in held:
            raise UsageError(
                f"No pair is in the split {name!r}.{nearest(name, held)} Splits: "
                f"{', '.join(sorted(held)) or 'none; make some with `domainclip pairs split`'}."
            )
    ranked = sorted(held, key=lambda name: (_rank(name), name))
    if len(ranked) < 2:
        raise UsageError(
            f"Leakage is between splits, and the pairs have {ranked or 'none'}; make some with "
            "`domainclip pairs split`."
        )
    if not reference and not against:
        return list(combinations(ranked, 2))
    first = reference or [name for name in ranked if name not in against]
    second = against or [name for name in ranked if name not in reference]
    chosen = [(a, b) for a in first for b in second if a != b]
    if not chosen:
        raise UsageError("Leakage is between splits: name different ones to compare.")
    return chosen


def _rank(name: str) -> int:
    return PRIORITY.index(name) if name in PRIORITY else -1


def _shared(rows: int, of: int, example: tuple[str, ...]) -> Shared:
    return Shared(rows, rows / of if of else 0.0, example if rows else ())
