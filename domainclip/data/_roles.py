"""The roles of a recipe's captions against those that the texts of its pairs have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from domainclip.errors import BadInput, nearest
from domainclip.pairs import Pairs

__all__ = ["said_of_roles"]

DEFAULT = "caption"  # the pair's default text too, so no pair lacks it for want of a role


def said_of_roles(pairs: Pairs, roles: Sequence[str]) -> str:
    """A line on the roles that no training pair has a text in; empty where there are all.

    Raises BadInput where there is none of them, so that every caption would be the default text.
    """
    if set(roles) <= {DEFAULT}:
        return ""
    counts = _counted(pairs)
    absent = [role for role in roles if not counts[role] and role != DEFAULT]
    if not absent:
        return ""
    known = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    there = ", ".join(f"{role} {rows:,}" for role, rows in known) or "none"
    near = nearest(absent[0], counts)
    line = (
        f"data.text_roles: no training pair has a text in the role {' or '.join(absent)}; "
        f"there are {there}"
    )
    if len(absent) == len(set(roles)):
        raise BadInput(f"{line}.{near}")
    return f"{line}.{near}" if near else line


def _counted(pairs: Pairs) -> Counter[str]:
    """Role -> training pairs that have a text in it; of all pairs where none is for training."""
    split = "train" if pairs.count_splits().get("train") else None
    counts: Counter[str] = Counter()
    for table, _ in pairs.read_parts(["split", "text", "texts"]):
        if split is not None:
            table = table.filter(pc.equal(table["split"], split))
        # the default text has no role of its own; it is read under the role caption
        plain = [bool(text) for text in table["text"].to_pylist()]
        texts = table["texts"].combine_chunks()
        flat = pc.list_flatten(texts)
        rows = pa.table({
            "row": pc.list_parent_indices(texts),
            "role": flat.field("role"),
            "text": flat.field("text"),
        })  # fmt: skip
        rows = rows.filter(pc.not_equal(pc.fill_null(rows["text"], ""), ""))
        found = rows.group_by(["row", "role"]).aggregate([])
        said = {(row, role or "") for row, role in zip(*found.to_pydict().values(), strict=True)}
        said |= {(row, DEFAULT) for row, has in enumerate(plain) if has}
        counts.update(role for _, role in said)
    return counts
