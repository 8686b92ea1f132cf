"""Retrieval with long medical texts: every way of reading them against truncation.

    python -m benchmarks.long_text_retrieval --openi NLMCXR_reports.tgz --medpix MEDPIX
        [--context 77] [--backbone embedded] [--pretrained NAME] [--json FILE]
    python -m benchmarks.long_text_retrieval --show FILE    # R@1 alone, strategies side by side

Tasks: ``long_text_tasks``. Each is measured both ways (the short side looks for its long text; the
long text for its short side), over all queries and over those whose long text exceeds the context,
always against all candidates. R@1, 5, 10 with 95 % intervals of the bootstrap, ranks as in the
evaluator ``retrieval`` (ties count against us), and the relative gain in R@1 over truncation, whose
interval draws the same resamples for both.

--context N: the tower is asked to read N tokens at most. Both of what the toolkit asks for it are
set: the backbone's ``context_length`` and its tokenizer's. The weights stay as they are: a text of
up to N tokens has exactly the same features as before. 77 is what CLIP reads.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import domainclip as dc
from benchmarks.long_text_tasks import Task, folded, medpix_tasks, openi_tasks
from domainclip.backbones.handle import Backbone
from domainclip.catalogue import entries, load
from domainclip.evaluation._bootstrap import Sampling, Value
from domainclip.evaluation._ranks import first_positive_ranks
from domainclip.text._protocol import PieceEncoder
from domainclip.text._tokens import lengths

__all__ = ["Reader", "Row", "compare", "cut_context", "main", "strategies"]

POOLED = {"window": ("mean", "max", "attention"), "sentences": ("mean", "max", "attention")}
KS = (1, 5, 10)


@dataclass(frozen=True)
class Row:
    """A line of the table. values: R@1, R@5, R@10. gain: of R@1 over truncation's, relative."""

    task: str
    way: str
    over: str
    strategy: str
    values: tuple[Value, ...]
    gain: Value | None


def strategies() -> dict[str, Any]:
    """Every strategy that there is, with each of its pools; truncation first."""
    found: dict[str, Any] = {"truncate": load("text", "truncate")()}
    for entry in entries("text"):
        made = load("text", entry.name)
        if entry.name == "truncate":
            continue
        for pool in POOLED.get(entry.name, ("",)):
            found[f"{entry.name} {pool}".strip()] = made(pool_by=pool) if pool else made()
    found["window mean, at sentences"] = load("text", "window")(sentences=True)
    return found


def cut_context(backbone: Backbone, context: int) -> None:
    """Let it read so many tokens at most, see above."""
    if context > backbone.context_length:
        raise SystemExit(f"the text tower reads {backbone.context_length} tokens.")
    backbone.config["text_cfg"]["context_length"] = context
    backbone.tokenizer.context_length = context


class Reader:
    """Encodes as ``Backbone.encode_text`` does, and reads no piece twice: pools of one strategy,
    and texts of two tasks, share theirs."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone
        self._known: dict[tuple[Any, ...], Tensor] = {}

    def __call__(self, texts: Sequence[str], way: Any) -> Tensor:
        """Texts (n) -> (n, d) of unit length."""
        pieces = way.pieces(self.backbone, texts)
        own = way if type(way).read is not PieceEncoder.read else way.raw
        keys = [(own, row.tobytes().rstrip(b"\0")) for row in pieces.ids.numpy()]
        new = {key: at for at, key in enumerate(keys) if key not in self._known}
        if new:
            ids = pieces.ids[list(new.values())]
            read = self.backbone.encode_ids(
                ids, 64, read=lambda some: way.read(self.backbone, some)
            )
            self._known.update(zip(new, read, strict=True))
        found: Tensor = way.pool(torch.stack([self._known[key] for key in keys]), pieces)
        return found


def compare(reader: Reader, task: Task, ways: dict[str, Any], seed: int = 0) -> Iterator[Row]:
    """Rows of the table, strategy by strategy; ``truncate`` is the first of the ways."""
    backbone = reader.backbone
    short_of, long_of = _numbered(task.short), _numbered(task.long)
    texts = _firsts(task.long, long_of)
    over = _exceeding(backbone, texts)
    pictures = isinstance(task.short[0], Path)
    first = _firsts(task.short, short_of)
    pairs = set(zip(short_of, long_of, strict=True))
    of_short = _sets(pairs, len(first))
    of_long = _sets({(b, a) for a, b in pairs}, len(texts))
    groups = dict(zip(long_of, task.groups, strict=True))
    base: dict[tuple[str, str], tuple[Any, Sampling]] = {}
    plain_z = reader(texts, ways["truncate"])
    # a short side beyond the context is read in the same way
    plain_y = backbone.encode_image(first) if pictures else reader(first, ways["truncate"])
    beyond = np.zeros(len(first), bool) if pictures else _exceeding(backbone, first)
    for name, way in ways.items():
        z, y = (
            _read(reader, plain, items, cut, way)
            for plain, items, cut in ((plain_z, texts, over), (plain_y, first, beyond))
        )
        for way_round, queries, candidates, positives, exceeds in (
            ("short -> long", y, z, of_short, np.array([over[list(m)].all() for m in of_short])),
            ("long -> short", z, y, of_long, over),
        ):
            ranks = first_positive_ranks(queries, candidates, [sorted(m) for m in positives])
            for which, rows in (("all", np.ones(len(ranks), bool)), ("exceeding", exceeds)):
                if rows.sum() < 2:
                    continue
                mine = ranks[rows]
                before, sampling = base.get((way_round, which), (mine, None))
                if sampling is None:  # one for all strategies, which so see the same resamples
                    owners = [
                        groups[min(positives[number]) if queries is y else number]
                        for number in np.flatnonzero(rows).tolist()
                    ]
                    sampling = Sampling(len(mine), owners, seed=seed)
                    base[way_round, which] = mine, sampling
                yield Row(
                    task.name, way_round, which, name,
                    tuple(sampling.mean(mine <= k) for k in KS),
                    None if name == "truncate" else _gain(mine, before, sampling),
                )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--openi", type=Path)
    parser.add_argument("--medpix", type=Path)
    parser.add_argument("--context", type=int)
    parser.add_argument("--backbone", default="embedded")
    parser.add_argument("--pretrained")
    parser.add_argument("--json", type=Path, help="every row, for later; written after each task")
    parser.add_argument("--show", type=Path, help="of such a file, the table of R@1")
    given = parser.parse_args()
    if given.show:
        print(brief(json.loads(given.show.read_text("utf-8"))))
        return 0
    backbone = dc.load_backbone(given.backbone, given.pretrained)
    if given.context:
        cut_context(backbone, given.context)
    tasks = [
        *(medpix_tasks(given.medpix) if given.medpix else ()),
        *(openi_tasks(given.openi) if given.openi else ()),
    ]
    reader = Reader(backbone)
    found: list[Row] = []
    for task in tasks:
        start = time.perf_counter()
        rows = list(compare(reader, task, strategies()))
        found += rows
        print(table(rows), flush=True)
        print(f"{task.name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
        if given.json:
            given.json.write_text(json.dumps([_plain(row) for row in found], indent=1), "utf-8")
    return 0


def table(rows: Sequence[Row]) -> str:
    """Markdown, a table for each direction and set of queries of a task."""
    lines: list[str] = []
    last = ("", "", "")
    for row in sorted(rows, key=lambda row: (row.task, row.over == "all", row.way)):
        if (row.task, row.way, row.over) != last:
            last = row.task, row.way, row.over
            lines += ["", f"**{row.task}**, {row.way}, {row.over}: {row.values[0].n} queries", ""]
            lines += ["| strategy | R@1 | R@5 | R@10 | gain in R@1 |", "|---|---|---|---|---|"]
        gain = _said(row.gain, "+.0%") if row.gain else ""
        cells = [row.strategy, *(_said(value, ".3f") for value in row.values), gain]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def brief(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown of rows as ``--json`` writes them: R@1 of truncation with its interval, and of each
    strategy with its gain, bold where the gain's interval does not hold 0."""
    names = list(dict.fromkeys(row["strategy"] for row in rows))
    lines: list[str] = []
    for over in ("exceeding", "all"):
        lines += [
            "",
            f"| {over} | queries | {' | '.join(names)} |",
            "|---" * (len(names) + 2) + "|",
        ]
        cells: dict[tuple[str, str], list[str]] = {}
        for row in rows:
            if row["over"] != over:
                continue
            mine = cells.setdefault((row["task"], row["way"]), [str(row["queries"])])
            value, *ends = row["R@1"]
            if "gain" not in row:
                mine.append(f"{value:.3f} [{ends[0]:.3f}, {ends[1]:.3f}]")
                continue
            gain, low, high = row["gain"]
            told = "" if low is None else f"{gain:+.0%} [{low:+.0%}, {high:+.0%}]"
            told = f"**{told}**" if told and (low > 0 or high < 0) else told
            mine.append(f"{value:.3f} {told}".strip())
        for (task, way), found in cells.items():
            lines.append(f"| {_way_named(task, way)} | {' | '.join(found)} |")
    return "\n".join(lines)


def _way_named(task: str, way: str) -> str:
    """``MedPix diagnosis -> case``, or the other way round."""
    if way == "short -> long":
        return task
    corpus, _, sides = task.partition(" ")
    short, _, long = sides.partition(" -> ")
    return f"{corpus} {long} -> {short}"


def _exceeding(backbone: Backbone, texts: Sequence[str]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (lengths(backbone, texts) > backbone.context_length).numpy()
    return found


def _read(
    reader: Reader, plain: Tensor, texts: Sequence[str], cut: NDArray[np.bool_], way: Any
) -> Tensor:
    """The features, those of texts that are cut read in that way; others are the same in all."""
    found = plain.clone()
    if cut.any():
        long = [text for text, exceeds in zip(texts, cut, strict=True) if exceeds]
        found[torch.from_numpy(cut)] = reader(long, way)
    return found


def _gain(ranks: Any, before: Any, sampling: Sampling) -> Value:
    hits, old = sampling.total(ranks == 1), sampling.total(before == 1)

    def statistic(counts: Any) -> Any:
        below = old @ counts
        return (hits @ counts) / np.where(below > 0, below, np.nan) - 1

    return sampling.value(statistic)


def _said(value: Value, form: str) -> str:
    if np.isnan(value.value):
        return ""
    ends = "" if value.low is None else f" [{value.low:{form}}, {value.high:{form}}]"
    return f"{value.value:{form}}{ends}"


def _plain(row: Row) -> dict[str, Any]:
    numbers = {f"R@{k}": [v.value, v.low, v.high] for k, v in zip(KS, row.values, strict=True)}
    if row.gain is not None:
        numbers["gain"] = [row.gain.value, row.gain.low, row.gain.high]
    return {"task": row.task, "way": row.way, "over": row.over, "strategy": row.strategy,
            "queries": row.values[0].n, **numbers}  # fmt: skip


def _numbered(items: Sequence[str | Path]) -> list[int]:
    """Of each item its number among the distinct ones."""
    found: dict[str, int] = {}
    return [found.setdefault(folded(item), len(found)) for item in items]


def _firsts(items: Sequence[Any], numbers: Sequence[int]) -> list[Any]:
    """The first item of each number."""
    first: dict[int, Any] = {}
    for item, number in zip(items, numbers, strict=True):
        first.setdefault(number, item)
    return list(first.values())


def _sets(pairs: set[tuple[int, int]], n: int) -> list[set[int]]:
    found: list[set[int]] = [set() for _ in range(n)]
    for owner, other in pairs:
        found[owner].add(other)
    return found


if __name__ == "__main__":
    sys.exit(main())
