"""Look at pairs, check, split and merge them, and carry them to and from other formats.

domainclip pairs show PAIRS               counts, licences, sizes and the first rows
domainclip pairs show PAIRS --html FILE   a page with pictures and captions, to judge and search
domainclip pairs check PAIRS              everything that is wrong with them (exit 1 if anything is)
domainclip pairs split PAIRS -o OUT       by group, cell or time; without -o only the table
domainclip pairs leakage PAIRS            what splits share: ground, scenes, groups, pictures, texts
domainclip pairs map PAIRS -o FILE        tiles on a map, by class or split: .html or .png
domainclip pairs merge PAIRS ... -o OUT   several directories as one
domainclip pairs export PAIRS -o OUT -f webdataset|csv|folders|huggingface|geoparquet|stac
domainclip pairs import SOURCE -o PAIRS   the way back, for data of other makers too
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from domainclip.commands._pairs_leakage import add_leakage_arguments

__all__ = ["add_arguments", "run"]

_READ = ("webdataset", "csv", "folders", "huggingface")
_WRITTEN = (*_READ, "geoparquet", "stac")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    show = _verb(verbs, "show", "counts, licences, sizes and the first rows")
    show.add_argument("pairs", type=Path)
    show.add_argument(
        "--rows", type=int, metavar="N", help="how many rows to show (default 3; 500 on a page)"
    )
    show.add_argument("--key", help="show this pair instead, with all its fields")
    show.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page to look at and search the pairs"
    )
    show.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="SOURCE",
        help="where they were extracted from: the page then shows each pair's place in it",
    )

    check = _verb(
        verbs, "check",
        "Find damaged parts, duplicate keys, undecodable images, empty captions, and groups or "
        "images that stand in several splits. The same image several times within one split is "
        "only counted. Exit code 1 if anything is wrong.",
        short="find duplicates, undecodable images, empty captions, leaks across splits, ...",
    )  # fmt: skip
    check.add_argument("pairs", type=Path)
    check.add_argument("--no-decode", action="store_true", help="do not decode the images (fast)")
    check.add_argument("--workers", type=int, default=1, help="processes (default 1)")

    split = _verb(verbs, "split", "split by group, map cell or time, stratified by label")
    split.add_argument("pairs", type=Path)
    split.add_argument(
        "-o", "--output", type=Path, help="new directory; without it nothing is written"
    )
    split.add_argument(
        "--fractions",
        nargs="+",
        metavar="NAME=SHARE",
        default=["train=0.8", "val=0.1", "test=0.1"],
        help="default: train=0.8 val=0.1 test=0.1",
    )
    split.add_argument("--seed", type=int, default=0)
    split.add_argument(
        "--by",
        default="group",
        help="what must not cross splits: a column (group, document, ...), cell (of the map), or "
        "time (oldest first)",
    )
    split.add_argument("--cell-m", type=float, metavar="M", help="side of the map cells, metres")
    split.add_argument(
        "--cell", type=float, metavar="U", help="side of the map cells in units of where.crs"
    )
    split.add_argument(
        "--buffer-m",
        type=float,
        metavar="M",
        help="leave out rows whose ground is closer than this to another split's; 0: that touch",
    )
    split.add_argument("--buffer", type=float, metavar="U", help="the same in units of where.crs")

    leakage = _verb(
        verbs, "leakage",
        "Tell what each two splits share: ground, days, scenes, groups, copies and near copies of "
        "images, texts. Exit code 1 if anything leaks.",
        short="what splits share: ground, scenes, groups, pictures, texts",
    )  # fmt: skip
    leakage.add_argument("pairs", type=Path)
    add_leakage_arguments(leakage)

    drawn = _verb(verbs, "map", "draw the tiles on a map, coloured by class or split")
    drawn.add_argument("pairs", type=Path)
    drawn.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE",
        help="a page to look around in (.html), or a picture (.png, .svg)",
    )  # fmt: skip
    drawn.add_argument(
        "--colour",
        default="",
        help="label, split, document, scene, sensor, ...; by default the first that pairs have",
    )
    drawn.add_argument("--limit", type=int, metavar="N", help="draw N tiles at most, evenly chosen")

    merge = _verb(verbs, "merge", "write several directories as one")
    merge.add_argument("pairs", type=Path, nargs="+")
    merge.add_argument("-o", "--output", type=Path, required=True)
    merge.add_argument(
        "--on-conflict",
        choices=("error", "first", "rename"),
        default="error",
        help="when one key names two different pairs (default error)",
    )

    export = _verb(verbs, "export", "write another format")
    export.add_argument("pairs", type=Path)
    export.add_argument("-o", "--output", type=Path, required=True)
    export.add_argument("-f", "--format", choices=_WRITTEN, required=True)
    export.add_argument("--split", help="only this split")
    export.add_argument("--shard-pairs", type=int, default=10_000, help="webdataset: pairs per tar")
    export.add_argument("--separator", choices=("tab", "comma"), default="tab", help="csv only")

    bring = _verb(
        verbs, "import",
        "Read another format. Of a table (csv, tsv) these columns are understood: the image's path "
        "(filepath, image, path, file, filename), the caption (title, caption, text), texts.ROLE "
        "for further texts of a pair (texts.findings, texts.impression, texts.negative: a recipe's "
        "data.text_roles), key, label or labels (a JSON list), split, group, document, source and "
        "license. Every other column goes into meta.",
        short="read another format",
    )  # fmt: skip
    bring.add_argument("source", type=Path)
    bring.add_argument("-o", "--output", type=Path, required=True)
    bring.add_argument("-f", "--format", choices=_READ, help="default: guessed from the files")
    bring.add_argument("--image-column", default="", help="csv, huggingface")
    bring.add_argument("--caption-column", default="", help="csv, huggingface")
    bring.add_argument(
        "--root",
        type=Path,
        help="csv: images may lie anywhere under this; paths start at the table, or where nothing "
        "is there at this [default: the table's folder]",
    )
    bring.add_argument(
        "--template", default="a photo of a {}.", help="folders: the caption, {} is the label"
    )
    bring.add_argument("--license", default="", help="SPDX, for pairs that state none")
    bring.add_argument("--split", default="", help="for pairs that state none")
    bring.add_argument(
        "--max-errors", type=float, default=0.05, help="exit 1 above this share (default 0.05)"
    )


def run(arguments: argparse.Namespace) -> int:
    from domainclip.commands import _pairs_leakage, _pairs_look, _pairs_map, _pairs_write

    verb = {
        "show": _pairs_look.show,
        "check": _pairs_look.check,
        "split": _pairs_write.split,
        "leakage": _pairs_leakage.leakage,
        "map": _pairs_map.draw_map,
        "merge": _pairs_write.merge,
        "export": _pairs_write.export,
        "import": _pairs_write.bring,
    }[arguments.verb]
    return verb(arguments)


def _verb(verbs: Any, name: str, help: str, short: str = "") -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=short or help, description=help, allow_abbrev=False
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    return parser
