"""Which pairs of a training can be each other's negatives, and which bring their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from domainclip.errors import BadInput
from domainclip.pairs import Pair, Pairs

__all__ = ["check_given", "group_of", "said_of_groups"]


def group_of(pair: Pair) -> str:
    """What it has in common with pairs that are no negatives of it: its group, without one its
    document; empty for none."""
    return pair.group or pair.document


def check_given(pairs: Pairs) -> None:
    """Raises BadInput where no training pair has a text in the role ``negative``."""
    for table, _ in pairs.read_parts(["split", "texts"]):
        splits, texts = (table.column(name).to_pylist() for name in ("split", "texts"))
        for split, row in zip(splits, texts, strict=True):
            if split == "train" and any(each["role"] == "negative" for each in row or ()):
                return
    raise BadInput(
        "objective hard_negatives: source is 'given', and no training pair has a text in the role "
        "'negative'; give pairs such texts (a field 'texts' of an import), or take source=swaps, "
        "which makes them of the captions."
    )


def said_of_groups(pairs: Pairs, objective: Any) -> Iterator[str]:
    """A line where all training pairs are of one group, so that the objective has no negatives."""
    classes = objective.needs == "classes" or getattr(objective, "captions", "") == "classes"
    if classes or getattr(objective, "same_group", "") != "ignore":
        return
    seen: set[str] = set()
    for table, _ in pairs.read_parts(["split", "group", "document"]):
        columns = (table.column(name).to_pylist() for name in ("split", "group", "document"))
        for split, group, document in zip(*columns, strict=True):
            if split == "train":
                seen.add(group or document or "")
                if len(seen) > 1 or "" in seen:
                    return
    for name in seen:
        yield (
            f"all training pairs are of one group, {name!r}, and those of one group are no "
            "negatives of each other: nothing is left to tell apart without "
            "objective.same_group=negative"
        )
