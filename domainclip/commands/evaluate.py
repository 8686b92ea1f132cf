"""Measure a run's model, or any backbone, on other pairs.

RUN is a run's directory: its backbone, adapter, head, classes and prompts are used. BACKBONE is
anything that a recipe may name: embedded, ViT-B-16, hf-hub:org/repo, a folder.
"""

from __future__ import annotations

import argparse

from domainclip.catalogue import import_optional
from domainclip.commands._printing import print_json, print_table
from domainclip.commands._progress import progress_bar

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("model", metavar="RUN|BACKBONE", help="a run's directory, or a backbone")
    add("--on", metavar="PAIRS", required=True, help="the pairs directory to measure on")
    add("--split", help="the split [default: test, or all pairs where none is in it]")
    add("--pretrained", metavar="TAG", help="weights of the backbone: a tag or a .safetensors file")
    add(
        "--with",
        dest="evaluators",
        action="append",
        metavar="NAME",
        help="an evaluator of `list evaluators`, may be repeated "
        "[default: zero_shot where there are labels, retrieval where there are captions]",
    )
    add(
        "--template",
        dest="templates",
        action="append",
        metavar="TEXT",
        help="a prompt with {} for the class, may be repeated [default: the run's]",
    )
    add("--image-px", type=int, metavar="N", help="side of the square that the tower sees")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1 [default: auto]")
    add("--seed", type=int, default=0, help="of the bootstrap [default: 0]")
    add("--json", action="store_true", help="print the numbers as JSON")


def run(arguments: argparse.Namespace) -> int:
    found = import_optional("domainclip._run_evaluate").evaluate(
        arguments.model,
        arguments.on,
        split=arguments.split,
        pretrained=arguments.pretrained,
        evaluators=arguments.evaluators,
        templates=arguments.templates,
        image_px=arguments.image_px,
        device=arguments.device,
        seed=arguments.seed,
        bar=lambda title: progress_bar(title, "rows"),
    )
    if arguments.json:
        print_json(found.as_json())
        return 0
    from domainclip.evaluation._results import number

    print(f"{found.model} on {found.pairs} ({found.split or 'all'}, {found.rows:,} rows)")
    print_table(
        ("evaluator", "metric", "value", "95 %", "rows"),
        [
            (
                row.evaluator,
                row.metric,
                number(row.value.value, row.metric),
                f"[{number(row.value.low, row.metric)}, {number(row.value.high, row.metric)}]",
                f"{row.value.n:,}",
            )
            for row in found.values
        ],
    )
    for note in found.notes:
        print(note)
    return 0
