"""``pairs leakage``: what splits share, on one screen, with what to do about it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from domainclip.commands._printing import indented, plain, print_json, print_table, shortened

if TYPE_CHECKING:
    from domainclip.pairs.leakage import Leakage, SplitLeak

__all__ = ["add_leakage_arguments", "leakage"]

# field of SplitLeak -> what it is called, and the remedy
_ROWS = {
    "overlapping": (
        "tiles on ground of both",
        "split by map cell: `domainclip pairs split --by cell --cell-m ... --buffer-m 0`",
    ),
    "same_place_and_day": (
        "of these, taken on one day",
        "follows from the overlap, and goes with it",
    ),
    "groups": (
        "pairs of a shared group",
        "split again by group: `domainclip pairs split --by group`",
    ),
    "documents": (
        "pairs of a shared document",
        "no leak where cells keep them apart; to test on unseen ones, `--by document`",
    ),
    "copies": (
        "copies of an image",
        "drop them: `domainclip curate --filter exact_duplicates`, then split again",
    ),
    "near_copies": (
        "near copies of an image",
        "drop them: `domainclip curate --filter near_duplicates`, then split again",
    ),
    "texts": (
        "pairs with a shared text",
        "as classes do; for retrieval, count every image of a text as right",
    ),
}


def add_leakage_arguments(parser: argparse.ArgumentParser) -> None:
    """The options beside PAIRS and --json."""
    parser.add_argument(
        "--reference", default="", metavar="SPLIT,...", help="compare only with these (all)"
    )
    parser.add_argument(
        "--against", default="", metavar="SPLIT,...", help="compare only these (all)"
    )
    parser.add_argument(
        "--distance",
        type=int,
        default=4,
        metavar="BITS",
        help="near copies differ in at most so many of 64 bits (default 4)",
    )
    parser.add_argument(
        "--rotations", action="store_true", help="find turned and mirrored near copies too"
    )


def leakage(arguments: argparse.Namespace) -> int:
    from domainclip.pairs import open_pairs
    from domainclip.pairs.leakage import leakage as measure

    report = measure(
        open_pairs(arguments.pairs),
        distance=arguments.distance,
        rotations=arguments.rotations,
        reference=_names(arguments.reference),
        against=_names(arguments.against),
    )
    if arguments.json:
        print_json(
            plain(report)
            | {"path": str(arguments.pairs), "clean": report.clean}
            | {"splits": [plain(one) | {"leaks": one.leaks} for one in report.splits]}
        )
    else:
        _print(report)
    return 0 if report.clean else 1


def _print(report: Leakage) -> None:
    columns = ["", *(f"{one.reference} | {one.against}" for one in report.splits)]
    rows: list[tuple[str, ...]] = [
        ("pairs", *("{:,} | {:,}".format(*one.pairs) for one in report.splits)),
        ("nearest on the ground", *map(_distance, report.splits)),
    ]
    rows += [
        (called, *(_counted(one, field) for one in report.splits))
        for field, (called, _) in _ROWS.items()
    ]
    rows.insert(3, ("ground seen, at least", *(f"{one.covered:.1%}" for one in report.splits)))
    print_table(columns, rows)
    for why in report.unplaced.values():
        print(f"Not compared on the ground: {why}")
    for one in report.splits:
        print(_verdict(one, whole=not report.unplaced))
        for field in one.leaks:
            example = " and ".join(
                repr(shortened(word, 60)) for word in getattr(one, field).example
            )
            print(indented(f"{_ROWS[field][0]}, e.g. {example}: {_ROWS[field][1]}"))
    if any(one.documents.rows for one in report.splits):
        print(f"Shared documents: {_ROWS['documents'][1]}.")


def _verdict(one: SplitLeak, *, whole: bool) -> str:
    """whole: everything that has a place was compared on the ground."""
    names = f"{one.against} against {one.reference}"
    if not one.leaks:
        apart = "" if one.distance_m is None else f", {_metres(one.distance_m)} apart"
        if whole:
            return f"{names}: nothing leaks{apart}."
        ground = ", and on the ground {:,} and {:,} of {:,} and {:,} pairs".format(
            *one.placed[::-1], *one.pairs[::-1]
        )
        some = ground if all(one.placed) else ""
        return f"{names}: nothing leaks of what was compared (documents, groups, copies{some})."
    worst = max(getattr(one, field).share for field in one.leaks)
    said = " and ".join(_ROWS[field][0] for field in one.leaks)
    return f"{names}: LEAKS, up to {worst:.1%} of its pairs ({said})."


def _distance(one: SplitLeak) -> str:
    return "no places" if one.distance_m is None else _metres(one.distance_m)


def _metres(metres: float) -> str:
    if metres < 10_000:
        return f"{metres:,.0f} m" if metres >= 10 or metres == 0 else f"{metres:.1f} m"
    return f"{metres / 1000:,.0f} km"


def _counted(one: SplitLeak, field: str) -> str:
    shared = getattr(one, field)
    return f"{shared.rows:,} ({shared.share:.1%})" if shared.rows else "0"


def _names(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]
