"""The pairs of a recipe: opened, or extracted once into the cache; and split as it says."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from domainclip._run_directory import Stages, digest, hold
from domainclip.backbones.cache import cache_folder
from domainclip.catalogue import load
from domainclip.data.settings import DataSettings, ExtractSettings
from domainclip.errors import BadInput
from domainclip.extraction import run_extraction
from domainclip.pairs import Pairs, open_pairs, plan_splits

__all__ = ["pairs_of"]


def pairs_of(
    data: DataSettings, say: Callable[[str], None] = lambda text: None
) -> tuple[Pairs, str]:
    """The pairs under the recipe's splits, or their own, and a line that tells which splits count;
    no file of theirs is rewritten. say: gets the lines of an extraction.

    Raises BadInput (no pairs, nothing extracted), and what the extraction raises.
    """
    pairs, split = _split(data, say)
    if data.limit is None:
        return pairs, split
    few = _limited(pairs, data.limit)
    counts = ", ".join(f"{name} {rows:,}" for name, rows in few.count_splits().items() if name)
    return few, f"{split}; of these data.limit leaves {counts}"


def _split(data: DataSettings, say: Callable[[str], None]) -> tuple[Pairs, str]:
    pairs = open_pairs(data.pairs) if data.pairs is not None else _extracted(data.extract, say)
    if not len(pairs):
        raise BadInput(f"{pairs.path}: holds no pair, so there is nothing to learn from.")
    own = {name: rows for name, rows in pairs.count_splits().items() if name}
    if data.split is None or (data.split.by is None and own):
        return pairs, _kept(pairs, own, data.split is not None)
    split = data.split
    by = split.by or "group"
    plan = plan_splits(
        pairs,
        split.fractions,
        seed=split.seed,
        by=by,
        buffer=split.buffer,
        buffer_m=split.buffer_m,
        cell=split.cell,
        cell_m=split.cell_m,
    )  # fmt: skip
    counts = ", ".join(f"{name} {rows:,}" for name, rows in plan.rows.items())
    untimed = f"; {plan.untimed:,} left out for want of a date" if plan.untimed else ""
    warning = f"; {plan.warning().rstrip('.')}" if plan.skewed else ""
    return pairs.with_splits(plan.splits), (
        f"split: {counts}; made anew by {by}; {plan.buffered:,} left out by the buffer{untimed}; "
        f"labels are off their share by at most {plan.deviation:.1%}{warning}"
    )


def _limited(pairs: Pairs, most: int) -> Pairs:
    """The pairs with at most so many rows in each split (of labels, at least one row of each).

    Labels take turns, each with the next of its groups. A group is taken whole where it has at most
    an eighth of the rows, or of a label's share where labels are more, and two rows at least.
    """
    table = pairs.table(["key", "group", "labels", "split"])
    columns = (table.column(name).to_pylist() for name in ("key", "group", "labels", "split"))
    found: dict[str, dict[str, dict[str, list[int]]]] = {}  # split -> label -> group -> rows
    for row, (key, group, labels, split) in enumerate(zip(*columns, strict=True)):
        if split:
            label = labels[0] if labels else ""
            found.setdefault(split, {}).setdefault(label, {}).setdefault(group or key, []).append(
                row
            )
    splits = [""] * len(pairs)
    for split, by_label in found.items():
        share = max(most // max(8, len(by_label)), 2)
        turns = zip_longest(*(
            (rows[:share] for rows in _mixed(groups)) for _, groups in sorted(by_label.items())
        ))  # fmt: skip
        taken: list[int] = []
        for number, turn in enumerate(turns):
            for rows in filter(None, turn):
                if number == 0:
                    rows = rows[: max(most // len(by_label), 1)]
                if number == 0 or len(taken) + len(rows) <= most:
                    taken += rows
        for row in taken:
            splits[row] = split
    return pairs.with_splits(splits)


def _mixed(groups: Mapping[str, list[int]]) -> list[list[int]]:
    """The rows of each group, in an order that is always the same and follows no name."""
    return [groups[name] for name in sorted(groups, key=digest)]


def _kept(pairs: Pairs, own: Mapping[str, int], asked: bool) -> str:
    """That the pairs' own splits count; asked: although the recipe could make others."""
    counts = ", ".join(f"{name} {rows:,}" for name, rows in own.items()) or "no row is in any"
    none = len(pairs) - sum(own.values())
    anew = ", whatever else data.split says (data.split.by=group, cell, ... splits anew)"
    return (
        f"split: {counts}; kept as the pairs have it{anew if asked else ''}"
        f"{f'; {none:,} in no split' if none and own else ''}"
    )


def _extracted(settings: ExtractSettings | None, say: Callable[[str], None]) -> Pairs:
    assert settings is not None, "the recipe's check asks for pairs or extract"
    extractor = load("extractors", settings.name)(**_options(settings))
    identity = {
        "extractor": settings.name,
        "version": str(extractor.version),
        "options": {key: str(value) for key, value in settings.options.items()},
        "source": [_source(name) for name in settings.source],
    }
    stem = Path(settings.name.rpartition(":")[2]).stem
    folder = cache_folder() / "pairs" / f"{stem}-{digest(identity)}"
    finished = Stages(folder.parent)
    # one process extracts, a second one waits for it and then finds it done
    lock = hold(folder.with_suffix(".lock"), folder, wait=True)
    try:
        done = finished.get(folder.name)
        if done is None or not folder.is_dir():
            say(f"extract: {settings.name} {' '.join(settings.source)} into {folder.name}")
            summary = run_extraction(extractor, list(settings.source), folder)
            say(str(summary))
            if not summary.pairs:
                reasons = ", ".join(summary.skipped | summary.quarantined) or "nothing was found"
                raise BadInput(
                    f"data.extract: {settings.name} made no pair of "
                    f"{' '.join(settings.source) or 'nothing'} ({reasons})."
                )
            finished.put(folder.name, summary.as_json())
    finally:
        os.close(lock)
    return open_pairs(folder)


def _options(settings: ExtractSettings) -> dict[str, Any]:
    # YAML has lists where a frozen dataclass wants tuples, which can be hashed and compared
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in settings.options.items()
    }


def _source(name: str) -> list[Any]:
    """A source by name; a file or folder also by its size and time, so that a new one is seen."""
    path = Path(name)
    if not path.exists():
        return [name]
    state = path.stat()
    return [str(path.resolve()), state.st_size, state.st_mtime_ns]
