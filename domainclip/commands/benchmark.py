"""Measure methods on data sets: few-shot, base-to-new, cross-data-set, domain generalisation.

domainclip benchmark rsscn7 eurosat --root DATA --methods zero_shot,gda,tip_adapter,lora -o OUT

DATASET is a name (looked for under --root; --list shows them) or a path: class folders (under
train/val/test or not), a pairs directory, a split_zhou_*.json, a table with the columns path and
label, or a description of your own (./mine.json). Of cross-dataset and domain the first one is
trained on and the others are tested on.

OUT gets results and summary (.parquet, .csv), summary.md and two plots. Each cell is kept as soon
as it is measured, so the same command goes on after an interruption. Exit code 1: a cell failed
that should have worked; the same command tries it again.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from domainclip.catalogue import import_optional
from domainclip.commands._options import convert
from domainclip.commands._printing import plain, print_json, print_table
from domainclip.commands._progress import progress_bar
from domainclip.errors import UsageError

__all__ = ["add_arguments", "run"]

PROTOCOLS = ("few-shot", "base-to-new", "cross-dataset", "domain")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("datasets", nargs="*", metavar="DATASET", help="a name or a path, one or more")
    add("-o", "--output", type=Path, help="the folder of the results")
    add("--list", action="store_true", help="show the named data sets and stop")
    add("--root", type=Path, metavar="DIR",
        help="the folder of the named data sets [default: here]; what the paths in a split file "
        "or table start from [default: its folder]")  # fmt: skip
    add("--methods", default="zero_shot,gda", metavar="NAME,...",
        help="heads and adapters of `domainclip list` [default: zero_shot,gda]")  # fmt: skip
    add("--option", action="append", default=[], metavar="METHOD.KEY=VALUE",
        help="an option of a method (an adapter's epochs and lr too), may be repeated")  # fmt: skip
    add("--backbone", default="embedded", help="as in a recipe [default: embedded]")
    add("--pretrained", metavar="TAG", help="weights of the backbone: a tag or a .safetensors file")
    add("--image-px", type=int, metavar="N",
        help="side of the square that the backbone sees [default: its own]; towers of convolutions "
        "take any")  # fmt: skip
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1 [default: auto]")
    add("--protocol", choices=PROTOCOLS, default="few-shot", help="[default: few-shot]")
    add("--shots", default="1,2,4,8,16", metavar="N,...", help="[default: 1,2,4,8,16]")
    add("--seeds", default="1,2,3", metavar="N,...", help="[default: 1,2,3]")
    add("--sampler", choices=("coop", "tip"), default="tip",
        help="whose draws: from the same seed they differ [default: tip]")  # fmt: skip
    add("--fractions", metavar="TRAIN,VAL,TEST",
        help="shares where a data set has no published split [default: 0.5,0.2,0.3]")  # fmt: skip
    add("--template", dest="templates", action="append", default=[], metavar="TEXT",
        help="a prompt with {} for the class, instead of the data sets' own")  # fmt: skip
    add("--repeats", action="store_true",
        help="fill a class that has too few images up with repeats")  # fmt: skip
    add("--paper-mode", action="store_true",
        help="the published code's own choices, selection on the test images included")  # fmt: skip
    add("--json", action="store_true", help="print the summary as JSON")


def run(arguments: argparse.Namespace) -> int:
    if arguments.list:
        return _list(arguments.json)
    if not arguments.datasets:
        raise UsageError("Nothing to measure: give at least one DATASET; --list shows the names.")
    if arguments.output is None:
        raise UsageError("-o OUT is missing: the folder that the results go to.")
    shots, seeds = _numbers(arguments.shots, "--shots"), _numbers(arguments.seeds, "--seeds")
    datasets = import_optional("domainclip.data.datasets")
    fractions = _fractions(arguments.fractions)
    sets = [
        datasets.open_dataset(
            what, root=arguments.root, fractions=fractions, templates=arguments.templates
        )
        for what in arguments.datasets
    ]
    fit = import_optional("domainclip._benchmark_fit")
    methods = _methods(arguments.methods, arguments.option, fit.known_options)
    backbone = import_optional("domainclip.backbones").load_backbone(
        arguments.backbone, arguments.pretrained, device=arguments.device
    )
    if arguments.image_px is not None:
        if arguments.image_px < 8:
            raise UsageError(f"--image-px {arguments.image_px}: give 8 or more.")
        backbone.see(arguments.image_px)
    with progress_bar("benchmark", "cells") as show:
        found = import_optional("domainclip._benchmark").benchmark(
            backbone, sets, methods, arguments.output, protocol=arguments.protocol, shots=shots,
            seeds=seeds, sampler=arguments.sampler, repeats=arguments.repeats,
            paper_mode=arguments.paper_mode, command=_command(arguments),
            say=lambda text: print(text, file=sys.stderr), progress=show,
        )  # fmt: skip
    if arguments.json:
        print_json({
            "folder": str(found.folder), "measured": found.measured, "found": found.found,
            "failed": found.failed, "broken": found.broken,
            "summary": [plain(row) for row in found.summary],
        })  # fmt: skip
        return int(found.broken > 0)
    from domainclip.evaluation._benchmark_page import cost_of, headline, label_of, notes_of, shown

    print_table(
        ("data set", "part", "method", "shots", "%", "seeds", "parameters", "fit, s"),
        [
            (r.dataset, r.part, label_of(r), r.shots or "–", shown(r), r.seeds,
             *cost_of(r))
            for r in headline(found.summary)
        ],
    )  # fmt: skip
    print(
        f"{found.measured} cells measured, {found.found} found done, {found.failed} with a reason "
        f"instead of a number: {found.folder / 'summary.md'}"
    )
    for note in notes_of(found.summary):
        print(note)
    return int(found.broken > 0)


def _list(as_json: bool) -> int:
    told = import_optional("domainclip.data.datasets").named()
    rows = [(name, each.about, " | ".join(each.folders)) for name, each in told.items()]
    if as_json:
        print_json([dict(zip(("name", "about", "folders"), row, strict=True)) for row in rows])
    else:
        print_table(("data set", "about", "folder under --root"), rows)
    return 0


def _methods(names: str, options: list[str], known_options: Any) -> dict[str, dict[str, Any]]:
    methods: dict[str, dict[str, Any]] = {name: {} for name in names.split(",") if name}
    for name in methods:
        known_options(name)
    for words in options:
        place, equals, value = words.partition("=")
        method, dot, key = place.partition(".")
        if not equals or not dot:
            raise UsageError(f"--option {words!r}: write METHOD.KEY=VALUE, as lora.rank=4.")
        if method not in methods:
            raise UsageError(f"--option {words!r}: {method!r} is not among --methods.")
        hint = known_options(method).get(key, str)
        try:
            methods[method][key] = convert(hint, value)
        except ValueError as error:
            raise UsageError(f"--option {words!r}: {error}.") from error
    return methods


def _numbers(words: str, flag: str) -> tuple[int, ...]:
    try:
        return tuple(dict.fromkeys(int(word) for word in words.split(",")))
    except ValueError as error:
        raise UsageError(f"{flag} {words}: whole numbers with commas between.") from error


def _fractions(words: str | None) -> tuple[float, ...] | None:
    if words is None:
        return None
    try:
        return tuple(float(word) for word in words.split(","))
    except ValueError as error:
        raise UsageError(f"--fractions {words}: shares such as 0.5,0.2,0.3.") from error


def _command(arguments: argparse.Namespace) -> str:
    """What was asked, without the folders of this machine."""
    words = [
        "domainclip",
        "benchmark",
        *(Path(w).name if "/" in w else w for w in arguments.datasets),
    ]
    words += ["--methods", arguments.methods, "--backbone", Path(arguments.backbone).name]
    words += ["--image-px", str(arguments.image_px)] if arguments.image_px else []
    words += [w for option in arguments.option for w in ("--option", option)]
    words += ["--protocol", arguments.protocol, "--shots", arguments.shots]
    words += ["--seeds", arguments.seeds, "--sampler", arguments.sampler]
    words += ["--fractions", arguments.fractions] if arguments.fractions else []
    words += [w for text in arguments.templates for w in ("--template", text)]
    words += ["--repeats"] if arguments.repeats else []
    words += ["--paper-mode"] if arguments.paper_mode else []
    return shlex.join(words)
