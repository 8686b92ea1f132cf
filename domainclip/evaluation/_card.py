"""The data card of a report: what the run's splits hold, counted over narrow columns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from domainclip.data.classes import Classes
from domainclip.pairs import Pairs

__all__ = ["DataCard", "data_card"]

_ORDER = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class DataCard:
    """Counts of pairs. splits: names in order; "" (left out by the buffer, or in none) last.

    rows, groups: per split. classes: (class, rows per split); licenses, sources: (name, rows).
    errors: quarantined inputs by reason.
    """

    splits: tuple[str, ...]
    rows: tuple[int, ...]
    groups: tuple[int, ...]
    classes: tuple[tuple[str, tuple[int, ...]], ...]
    licenses: tuple[tuple[str, int], ...]
    sources: tuple[tuple[str, int], ...]
    errors: tuple[tuple[str, int], ...]


def data_card(pairs: Pairs, classes: Classes) -> DataCard:
    """Count the pairs as they are split in this run."""
    table = pairs.table(["split", "labels", "group", "key", "license", "source"])
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    found = {split or "" for split in columns["split"]}
    splits = [name for name in _ORDER if name in found]
    splits += sorted(found - {*_ORDER, ""}) + ([""] if "" in found else [])
    at = {name: number for number, name in enumerate(splits)}
    rows, groups = [0] * len(splits), [set() for _ in splits]  # type: list[int], list[set[str]]
    by_class = [[0] * len(splits) for _ in classes.names]
    for split, labels, group, key in zip(
        columns["split"], columns["labels"], columns["group"], columns["key"], strict=True
    ):
        number = at[split or ""]
        rows[number] += 1
        groups[number].add(group or f"\0{key}")
        label = classes.index(labels or ())
        if label >= 0:
            by_class[label][number] += 1
    errors = Counter(pairs.errors().column("error").to_pylist())
    return DataCard(
        tuple(splits),
        tuple(rows),
        tuple(len(each) for each in groups),
        tuple((name, tuple(n)) for name, n in zip(classes.names, by_class, strict=True)),
        tuple(Counter(x or "not stated" for x in columns["license"]).most_common(20)),
        tuple(Counter(x or "not stated" for x in columns["source"]).most_common(20)),
        tuple((str(name), count) for name, count in errors.most_common(20)),
    )
