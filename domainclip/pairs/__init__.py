"""Pairs of image and text: the schema, the Parquet store, splits, the training stream."""

from __future__ import annotations

from domainclip.pairs.card import write_card
from domainclip.pairs.reader import Pairs, open_pairs
from domainclip.pairs.schema import ERROR_SCHEMA, PAIR_SCHEMA, Pair, Skip, Text, from_row, to_row
from domainclip.pairs.splits import assign_splits, buffered_splits, plan_splits
from domainclip.pairs.stream import PairStream
from domainclip.pairs.writer import PairWriter, PartWriter, clear_temporaries, write_errors

__all__ = [
    "ERROR_SCHEMA",
    "PAIR_SCHEMA",
    "Pair",
    "PairStream",
    "PairWriter",
    "Pairs",
    "PartWriter",
    "Skip",
    "Text",
    "assign_splits",
    "buffered_splits",
    "clear_temporaries",
    "from_row",
    "open_pairs",
    "plan_splits",
    "to_row",
    "write_card",
    "write_errors",
]
