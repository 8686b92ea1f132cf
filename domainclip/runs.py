"""Run a recipe: measure the backbone, adapt it, measure it again, and write the report.

A run directory holds the resolved recipe, what was made (``adapter/``, ``head/``), the numbers
(``metrics.json``), the report (``report.html``, ``report.md``), what was changed (``changes.csv``,
of singular values ``directions.csv``), ``environment.json`` and ``log.txt``. Every finished stage
is kept, so the same call goes on where an interruption ended.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainclip._run_directory import RunDirectory, Stages, write_bytes
from domainclip._run_environment import environment, homeless
from domainclip._run_names import method_name
from domainclip._run_report import duration, report_of
from domainclip._run_stages import Bar, Work, backbone_of, no_bar
from domainclip._run_sweep import Row, combined, folders, sweep_page
from domainclip.adapters.storage import load_adapter
from domainclip.catalogue import load
from domainclip.errors import BadInput, UsageError
from domainclip.evaluation import report as reports
from domainclip.evaluation._results import Measured, Method, methods
from domainclip.evaluation.understanding import table
from domainclip.pairs._files import output_errors
from domainclip.recipe import Recipe, expand, load_recipe

__all__ = ["Result", "read_result", "run"]

METRICS = "metrics.json"


@dataclass(frozen=True)
class Result:
    """A finished run. values: everything measured; of a sweep, the means over its runs.

    method: what was made, in a word; empty where the run only measures. methods: accuracies on the
    test split by method, as the report compares them. seconds: of all stages, over all attempts.
    runs: label -> the runs of a sweep. split: whose splits counted, in a line; empty of a sweep.
    assisted: by another rank of a distributed training, which measures and writes nothing.
    """

    out: Path
    name: str
    method: str
    values: tuple[Measured, ...]
    methods: tuple[Method, ...]
    seconds: float
    runs: Mapping[str, Result]
    split: str = ""
    assisted: bool = False

    @property
    def report(self) -> Path:
        """The page to look at."""
        return self.out / "report.html"


def run(
    recipe: Recipe | str | Path,
    out: Path | str | None = None,
    *,
    command: str = "",
    merge: bool = False,
    say: Callable[[str], None] = lambda text: None,
    bar: Bar = no_bar,
) -> Result:
    """Carry a recipe out in the directory ``out`` (default: ``runs/`` and the recipe's name).

    recipe: or the path or shipped name of one. command: how to repeat it, for the report. merge:
    also write the adapted model as a plain open_clip checkpoint, ``open_clip/``. say, bar: lines
    and progress for whoever watches.

    An interrupted run goes on, a finished one gives its result again. Raises OutputInUse (another
    process, another recipe), OutputError (disk full, no permission), RecipeError, BadInput.
    """
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe)
    path = Path(out) if out is not None else Path("runs") / recipe.name.replace("/", "_")
    command = command or f"domainclip.runs({recipe.name!r}, {str(path)!r})"
    if _rank():
        return _assist(recipe, path)
    if merge and (recipe.sweep or recipe.adapter is None):
        raise UsageError("merge: a single run with an adapter can be merged, and this is none.")
    adapter = recipe.adapter.name if recipe.adapter is not None else ""
    if merge and hasattr(load("adapters", adapter), "for_classes"):
        raise UsageError(
            f"merge: {adapter} learns prompts, and prompts cannot be merged into "
            "weights; run it without, and load the adapter."
        )
    with RunDirectory(path, recipe) as directory:
        if not (path / METRICS).is_file():

            def tell(text: str) -> None:
                directory.say(text)
                say(text)

            (_sweep if recipe.sweep else _single)(directory, command, tell, bar)
        if merge and not (path / "open_clip").is_dir():
            _merge(recipe, path)
        return read_result(path)


def read_result(path: Path | str) -> Result:
    """The result of a finished run. Raises BadInput where the directory holds none."""
    folder = Path(path)
    try:
        found = json.loads((folder / METRICS).read_text(encoding="utf-8"))
        values = tuple(Measured.from_json(row) for row in found["values"])
        compared = tuple(_method(row) for row in found["methods"])
        runs = {label: read_result(folder / "runs" / label) for label in found.get("runs", ())}
        return Result(
            folder, found["name"], found["method"], values, compared, found["seconds"], runs,
            found.get("split", ""),
        )  # fmt: skip
    except FileNotFoundError as error:
        raise BadInput(
            f"{folder}: holds no finished run; repeat its `domainclip run` to go on with it."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{folder / METRICS}: not the numbers of a run ({error}).") from error


def _single(
    directory: RunDirectory, command: str, say: Callable[[str], None], bar: Bar,
    shared: Stages | None = None,
) -> None:  # fmt: skip
    """One run without a sweep, from wherever it stands to its end."""
    recipe, path = directory.recipe, directory.path
    work = Work(recipe, directory, shared or Stages(path / "stages"), say, bar)
    values = work.before()
    training = work.adapt()
    values += work.after()
    if not values and recipe.adapter is None:
        raise BadInput(
            f"{recipe.name}: nothing was measured; list evaluators under 'evaluate', or label the "
            "pairs."
        )
    found = environment(work.backbone.device)
    write_bytes(path / "environment.json", _json(found))
    if recipe.adapter is not None:
        _describe_adapter(path / "adapter" / "adapter.json", values)
    for name, rows in zip(("changes", "directions"), work.changes(), strict=True):
        if rows:
            write_bytes(path / f"{name}.csv", table(rows).encode())
    page = report_of(work, values, training, command)
    write_bytes(path / "report.html", reports.html(page).encode())
    write_bytes(path / "report.md", reports.markdown(page).encode())
    compared = methods(values, method_name(recipe))
    _write_metrics(path, recipe, command, values, compared, sum(work.seconds.values()), {
        "stages": {name: round(seconds, 2) for name, seconds in work.seconds.items()},
        "split": work.split,
        "splits": dict(work.pairs.count_splits()),
        "classes": list(work.plain.classes.names),
        **({"wise_ft": training["wise_ft"]} if "wise_ft" in training else {}),
    })  # fmt: skip
    say(f"done in {duration(sum(work.seconds.values()))}: {path / 'report.html'}")


def _sweep(directory: RunDirectory, command: str, say: Callable[[str], None], bar: Bar) -> None:
    """Every run of a sweep, then their means. What they share is measured once."""
    recipe, path = directory.recipe, directory.path
    rows: list[Row] = []
    runs = expand(recipe)
    for number, (folder, one) in enumerate(folders(runs), start=1):
        say(f"run {number} of {len(runs)}: {folder}")
        with RunDirectory(path / "runs" / folder, one) as inner:
            if not (inner.path / METRICS).is_file():
                _single(inner, command, say, bar, Stages(path / "stages"))
        rows.append(Row(folder, one, read_result(inner.path).values))
    values, compared = combined(rows)
    seconds = sum(read_result(path / "runs" / row.label).seconds for row in rows)
    page = sweep_page(recipe, rows, compared, homeless(command), seconds)
    write_bytes(path / "report.html", reports.html(page).encode())
    write_bytes(path / "report.md", reports.markdown(page).encode())
    write_bytes(path / "environment.json", _json(page.environment))
    _write_metrics(path, recipe, command, values, compared, seconds,
                   {"runs": [row.label for row in rows]})  # fmt: skip
    say(f"done in {duration(seconds)}: {path / 'report.html'}")


def _write_metrics(
    path: Path, recipe: Recipe, command: str, values: list[Measured], compared: list[Method],
    seconds: float, more: Mapping[str, Any],
) -> None:  # fmt: skip
    """``metrics.json``, last of all files: a run that has it is finished."""
    main = reports.headline(values)
    headline = {"metric": main[0], "before": main[1] and main[1].value,
                "after": main[2] and main[2].value} if main else None  # fmt: skip
    write_bytes(path / METRICS, _json({
        "format": 1,
        "name": recipe.name,
        **({"note": recipe.note} if recipe.note else {}),
        "method": method_name(recipe),
        "command": homeless(command),
        "seed": recipe.seed,
        "seconds": round(seconds, 2),
        "headline": headline,
        "methods": [
            {
                "method": each.label, "kind": each.kind, "accuracy": each.value.value,
                "low": each.value.low, "high": each.value.high, "n": each.value.n,
                "groups": each.value.groups, "below_colour_baseline": each.below,
            }
            for each in compared
        ],
        "values": [row.as_json() for row in values],
        **more,
    }))  # fmt: skip


def _method(row: Mapping[str, Any]) -> Method:
    value = Measured.from_json(
        {"stage": "after", "evaluator": "", "metric": "", "value": row["accuracy"], **{
            name: row[name] for name in ("low", "high", "n", "groups")
        }}
    ).value  # fmt: skip
    return Method(row["method"], row["kind"], value, row["below_colour_baseline"])


def _describe_adapter(path: Path, values: list[Measured]) -> None:
    """The run's numbers in the adapter's own description, which travels without the run."""
    described = json.loads(path.read_text(encoding="utf-8"))
    described["metrics"] = {
        f"{row.stage}/{row.evaluator}/{row.metric}": row.as_json()["value"] for row in values
    }
    write_bytes(path, _json(described))


def _merge(recipe: Recipe, path: Path) -> None:
    """``open_clip/``: the adapted model as open_clip and ``load_backbone`` load it."""
    backbone = backbone_of(recipe)
    method = recipe.adapter.name if recipe.adapter is not None else None
    load_adapter(path / "adapter", backbone, method=method).merge()
    target, temporary = path / "open_clip", path / ".open_clip.writing"
    with output_errors(target):
        shutil.rmtree(temporary, ignore_errors=True)
        backbone.save(temporary)
        temporary.replace(target)


def _rank() -> int:
    """This process's number among those of a distributed training; 0 writes everything."""
    return int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")))


def _assist(recipe: Recipe, path: Path) -> Result:
    """What the other ranks of a distributed training do: train along, and write nothing."""
    if recipe.sweep:
        raise UsageError(
            "a sweep is not run on several devices at once; run its recipes one by one."
        )
    work = Work(recipe, RunDirectory(path, recipe), Stages(path / "stages"), lambda text: None)
    if work.stages.get("train") is None:
        work.train_along()
    return Result(path, recipe.name, method_name(recipe), (), (), 0.0, {}, assisted=True)


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
