"""``pairs show --html``: the page on which a person judges pairs."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from domainclip.catalogue import load
from domainclip.commands._printing import print_json
from domainclip.commands._progress import progress_bar
from domainclip.errors import UsageError
from domainclip.pairs import Pair, Pairs
from domainclip.pairs.page import pairs_page, sample
from domainclip.pairs.writer import output_errors

__all__ = ["write_page"]


def write_page(pairs: Pairs, arguments: argparse.Namespace) -> int:
    """Write ``--html`` and say what is on it."""
    shown = sample(pairs, 500 if arguments.rows is None else arguments.rows)
    contexts = _contexts(shown, arguments.source) if arguments.source else {}
    text = pairs_page(
        pairs.path.resolve().name,
        shown,
        total=len(pairs),
        contexts=contexts,
        errors=pairs.errors().select(["input", "error", "message"]).to_pylist(),
    )
    with output_errors(arguments.html):
        arguments.html.parent.mkdir(parents=True, exist_ok=True)
        arguments.html.write_text(text, encoding="utf-8")
    if arguments.source and not contexts:
        print(
            f"Note: none of the pairs lies in a PDF under {', '.join(arguments.source)}; give the "
            "SOURCE that they were extracted from.",
            file=sys.stderr,
        )
    facts = {
        "page": str(arguments.html),
        "shown": len(shown),
        "pairs": len(pairs),
        "with_context": len(contexts),
    }
    if arguments.json:
        print_json(facts)
    else:
        drawn = f", {len(contexts):,} with their place in the source" if arguments.source else ""
        many = f"{len(shown):,} of {len(pairs):,} pairs"
        print(f"{arguments.html}: {many}{drawn}, {len(text) / 1e6:,.1f} MB")
    return 0


def _contexts(shown: list[Pair], roots: list[str]) -> dict[str, Any]:
    """Where the pairs lie in their source, from the extractor that made them."""
    found: dict[str, Any] = {}
    by_extractor: dict[str, list[Pair]] = {}
    for pair in shown:
        by_extractor.setdefault(pair.source.partition(" ")[0], []).append(pair)
    for name, made in by_extractor.items():
        contexts = getattr(load("extractors", name), "contexts", None) if name else None
        if contexts is None:
            raise UsageError(f"--source: the extractor {name!r} cannot show where its pairs lie.")
        with progress_bar("drawing pages") as progress:
            for done, (key, context) in enumerate(contexts(roots, made), 1):
                found[key] = context
                progress(done, len(made))
    return found
