"""The cells of a benchmark: what is done for each, and the file that keeps what is done."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from domainclip._benchmark_data import Drawn, Exam, Features, Protocol, draw, exams_of
from domainclip._benchmark_fit import ZERO_SHOT, Fitted, NotApplicable, fitted
from domainclip._run_directory import digest
from domainclip.backbones import Backbone
from domainclip.data.labelled import LabelledImages, Part
from domainclip.errors import DomainclipError
from domainclip.evaluation._benchmark_table import Row, harmonic_mean
from domainclip.evaluation.metrics import classification, softmax
from domainclip.pairs._files import output_errors

__all__ = ["Cell", "Journal", "cells_of", "measure"]


@dataclass(frozen=True)
class Cell:
    """One fit: a data set, a method with its options, a number of shots and a seed."""

    data: LabelledImages
    others: tuple[LabelledImages, ...]
    method: str
    options: Mapping[str, Any]
    protocol: Protocol
    shots: int
    seed: int
    sampler: Literal["coop", "tip"]
    repeats: bool
    paper_mode: bool

    def key(self, clip: Backbone) -> str:
        """The same for the same question to the same weights, in any process."""
        return digest(
            [
                clip.name, clip.weights_hash(), list(clip.image_size), self.data.digest,
                [other.digest for other in self.others], self.method, dict(self.options),
                self.protocol, self.shots, self.seed, self.sampler, self.repeats, self.paper_mode,
            ],
            24,
        )  # fmt: skip

    def row(self, part: str, **values: Any) -> Row:
        return Row(
            dataset=self.data.name, data=self.data.digest, protocol=self.protocol, part=part,
            method=self.method,
            shots=self.shots, seed=self.seed, sampler=self.sampler, paper_mode=self.paper_mode,
            options=json.dumps(dict(self.options), sort_keys=True, default=str), **values,
        )  # fmt: skip


def cells_of(
    sets: Sequence[LabelledImages], methods: Mapping[str, Mapping[str, Any]], *,
    protocol: Protocol, shots: Sequence[int], seeds: Sequence[int],
    sampler: Literal["coop", "tip"], repeats: bool, paper_mode: bool,
) -> Iterator[Cell]:  # fmt: skip
    """Data set by data set, the cheap ones first; the text alone (zero_shot) is one cell a set.

    Of cross-dataset and domain the first data set is trained on, and the others are tested on.
    """
    transfer = protocol in ("cross-dataset", "domain")
    for data in sets[:1] if transfer else sets:
        others = tuple(sets[1:]) if transfer else ()
        for method, options in methods.items():
            text_alone = method == ZERO_SHOT
            draws = [(0, 0)] if text_alone else [(k, s) for k in shots for s in seeds]
            for k, seed in draws:
                yield Cell(
                    data, others, method, options, protocol, k, seed, sampler,
                    repeats and not text_alone, paper_mode and not text_alone,
                )  # fmt: skip


def measure(cell: Cell, clip: Backbone, features: Features) -> tuple[list[Row], bool]:
    """The rows of a cell, and whether they are final; what fails is a row with its reason."""
    try:
        return _measured(cell, clip, features)
    except Exception as error:
        reason, final = _reason(error)
        return [cell.row("", backbone=clip.name, reason=reason, note=cell.data.note)], final


def _measured(cell: Cell, clip: Backbone, features: Features) -> tuple[list[Row], bool]:
    exams = exams_of(cell.protocol, cell.data, cell.others)
    classes = exams[0].data
    span = len(classes.classnames)
    drawn = (
        draw(cell.data, cell.shots, cell.seed, cell.sampler, cell.repeats, span)
        if cell.shots
        else Drawn(Part(), Part(), "")  # the text alone
    )
    new = exams[1].data.classnames if cell.protocol == "base-to-new" else ()
    note = "; ".join(filter(None, (cell.data.note, drawn.note)))
    rows: list[Row] = []
    complete = True
    with fitted(
        clip, features, cell.method, cell.options, classes, drawn, cell.seed, cell.paper_mode, new
    ) as made:
        for exam in exams:
            common: dict[str, Any] = {
                "backbone": clip.name, "fit_seconds": made.seconds, "parameters": made.parameters,
                "n": len(exam.data.test), "note": note,
                "selected_on": made.selected_on if cell.shots else "",
            }  # fmt: skip
            start = time.perf_counter()
            try:
                found = _scores(made, exam)
            except Exception as error:
                reason, final = _reason(error)
                complete = complete and final
                rows.append(cell.row(exam.part, reason=reason, **common))
                continue
            common["test_seconds"] = time.perf_counter() - start
            rows += [cell.row(exam.part, metric=m, value=v, **common) for m, v in found.items()]
    return rows + _both(rows), complete


def _scores(made: Fitted, exam: Exam) -> dict[str, float]:
    found = classification(
        softmax(made.logits(exam).numpy()), np.array(exam.data.test.labels), resamples=0
    )
    return {metric: value.value for metric, value in found.items()}


def _both(rows: Sequence[Row]) -> list[Row]:
    """The harmonic mean of a base-to-new cell, where both halves were measured."""
    accuracy = {row.part: row for row in rows if row.metric == "accuracy"}
    if not {"base", "new"} <= set(accuracy):
        return []
    base, new = accuracy["base"], accuracy["new"]
    values = asdict(base) | {
        "part": "both", "metric": "harmonic_mean", "n": base.n + new.n,
        "value": harmonic_mean(base.value, new.value),
    }  # fmt: skip
    return [Row(**values)]


def _reason(error: Exception) -> tuple[str, bool]:
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, DomainclipError):
        return text, isinstance(error, NotApplicable)
    return f"{type(error).__name__}: {text}"[:400], False


class Journal:
    """``cells.jsonl``: a line a cell, appended and synced as soon as it is measured.

    A line that was cut short by a kill is left out, and its cell is measured again; so is a cell
    that failed, since what it lacked may have come. The last line of a cell counts.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: dict[str, dict[str, Any]] = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    found = json.loads(line)
                    [Row(**row) for row in found["rows"]]
                    self._lines[found["key"]] = found
                except (ValueError, KeyError, TypeError):
                    continue

    def has(self, key: str) -> bool:
        return bool(self._lines.get(key, {}).get("final"))

    def put(self, key: str, rows: Sequence[Row], final: bool) -> None:
        line = {"key": key, "final": final, "rows": [row.as_json() for row in rows]}
        with output_errors(self.path), self.path.open("ab") as file:
            # a first newline ends a line that a kill has cut short
            lead = b"\n" if file.tell() and not self._ends_well() else b""
            file.write(lead + json.dumps(line, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._lines[key] = json.loads(json.dumps(line))

    def rows(self) -> list[Row]:
        """The rows of every cell in the folder, also of calls before this one."""
        return [Row(**row) for line in self._lines.values() for row in line["rows"]]

    def _ends_well(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"
