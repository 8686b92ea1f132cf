"""``pairs map``: where the tiles of a pairs directory lie."""

from __future__ import annotations

import argparse

from domainclip.commands._printing import print_json
from domainclip.pairs import open_pairs
from domainclip.pairs.map import write_map

__all__ = ["draw_map"]


def draw_map(arguments: argparse.Namespace) -> int:
    """Write the map and say what is on it."""
    report = write_map(
        open_pairs(arguments.pairs),
        arguments.output,
        colour=arguments.colour,
        limit=arguments.limit,
    )
    if arguments.json:
        print_json(report.as_json())
    else:
        print(report)
    return 0
