"""Run a recipe: measure a backbone, adapt it, measure it again, write the report.

The recipe is a file or a name that `domainclip list recipes` shows. Any key of it is changed with
key.sub=value; another name of a component (objective.name=siglip) starts it anew, without the
recipe's options of the one before, and sweep=null runs a recipe without its sweep. An interrupted
run goes on when the same command is given again; a finished one prints its result again. --smoke
runs the recipe in small first: your pairs, splits, texts, adapter, objective, evaluators and report
with random towers, in about a minute and without a download.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from domainclip.catalogue import import_optional
from domainclip.commands._printing import print_table
from domainclip.commands._progress import progress_bar
from domainclip.recipe import load_recipe

if TYPE_CHECKING:
    from domainclip.runs import Result

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("recipe", help="a recipe file, or a name that `list recipes` shows")
    add("override", nargs="*", default=[], help="key.sub=value: replaces a key of the recipe")
    add("-o", "--output", metavar="RUN", help="the run's directory [default: runs/ and its name]")
    add(
        "--merge",
        action="store_true",
        help="also write the adapted model as an open_clip checkpoint, RUN/open_clip",
    )
    add(
        "--smoke",
        action="store_true",
        help="see in about a minute whether the recipe runs to its end on your pairs: towers of "
        "random weights, few pairs, one epoch; its numbers mean nothing [output: runs/NAME-smoke]",
    )
    add("--json", action="store_true", help="print the numbers as JSON")


def run(arguments: argparse.Namespace) -> int:
    # every error of the recipe is told before torch is imported, which takes seconds
    recipe = load_recipe(arguments.recipe, arguments.override, files=True)
    if arguments.smoke:
        recipe = import_optional("domainclip._run_smoke").smoke(recipe)
    result = import_optional("domainclip.runs").run(
        recipe,
        arguments.output,
        command=_command(arguments),
        merge=arguments.merge,
        say=_say,
        bar=lambda title: progress_bar(title, "rows"),
    )
    if result.assisted:  # another rank of a distributed training: the first one tells
        return 0
    if arguments.json:
        found = json.loads((result.out / "metrics.json").read_text(encoding="utf-8"))
        print(json.dumps({"out": str(result.out), **found}, indent=1, ensure_ascii=False))
    else:
        _show(result, recipe.note)
    return 0


def _command(arguments: argparse.Namespace) -> str:
    words = ["domainclip", "run", arguments.recipe, *arguments.override]
    words += ["-o", arguments.output] if arguments.output else []
    words += ["--merge"] if arguments.merge else []
    return shlex.join(words + (["--smoke"] if arguments.smoke else []))


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(text, file=sys.stderr)


def _show(result: Result, note: str) -> None:
    from domainclip.evaluation._results import number, with_interval
    from domainclip.evaluation.report import metric_table

    print(result.name)
    if note:
        print(note)
    if result.methods:
        rows = []
        for each in result.methods:
            low, high = number(each.value.low), number(each.value.high)
            note = "below the colour baseline" if each.below else ""
            rows.append((each.label, number(each.value.value), f"[{low}, {high}]", note))
        print_table(("accuracy on the test split", "", "95 %", ""), rows)
    others = [
        (f"{evaluator} {metric}", with_interval(before, metric), with_interval(after, metric))
        for evaluator, metric, before, after in metric_table(result.values)
        if "forgetting" in evaluator or metric.endswith("R@1")
    ]
    if others:
        print_table(("", "before", "after"), others)
    # whose splits the numbers are of decides what they mean
    said = [one.split for one in result.runs.values()] or [result.split]
    for line in dict.fromkeys(filter(None, said)):
        print(line)
    print(f"report: {Path(result.report)}")
