"""What an extraction came to: every input in exactly one place, and the counts add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

__all__ = ["Summary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The state of a pairs directory after a run, over this run and the earlier ones.

    sources: inputs it answers for, ``with_pairs + without_pairs + failed``. with_pairs: inputs that
    gave a pair. without_pairs: inputs that the options left out, that held nothing, or that were
    named twice. failed: inputs that gave no pair because something was wrong with them.
    pairs: rows written. skipped, quarantined: inputs and parts of inputs left out (by the options,
    or with nothing in them), and rows of ``_errors.parquet``, by reason. resumed: inputs finished
    by earlier runs. remade: parts that were found damaged and made again. seconds: this run's wall
    time. inputs_are: what its extractor's inputs are, where they are no files.
    """

    out: Path
    extractor: str
    sources: int
    with_pairs: int
    without_pairs: int
    failed: int
    pairs: int
    skipped: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    remade: int = 0
    seconds: float = 0.0
    inputs_are: str = ""

    @property
    def error_percent(self) -> float:
        """The larger of two shares, 0 to 100: failed of all inputs, quarantined of all rows."""
        return max(self._shares())

    def explained(self) -> str:
        """The larger of the two shares in words: "18.2 % of the inputs"."""
        of_inputs, of_rows = self._shares()
        if of_inputs >= of_rows:
            return f"{of_inputs:.1f} % of the inputs"
        return f"{of_rows:.1f} % of the rows that were not left out (a figure or tile each)"

    def _shares(self) -> tuple[float, float]:
        rows = self.quarantined.total()
        of_inputs = self.failed / self.sources if self.sources else 0.0
        of_rows = rows / (rows + self.pairs) if rows else 0.0
        return 100 * of_inputs, 100 * of_rows

    def as_json(self) -> dict[str, Any]:
        """The fields as plain values, for ``--json``."""
        plain: dict[str, Any] = {item.name: getattr(self, item.name) for item in fields(self)}
        del plain["inputs_are"]
        plain["out"] = str(self.out)
        plain["skipped"] = dict(sorted(self.skipped.items()))
        plain["quarantined"] = dict(sorted(self.quarantined.items()))
        plain["error_percent"] = round(self.error_percent, 3)
        plain["seconds"] = round(self.seconds, 3)
        return plain

    def __str__(self) -> str:
        new = self.sources - self.resumed
        rate = f" ({new / self.seconds:,.0f} inputs/s)" if new and self.seconds else ""
        are = f" ({self.inputs_are})" if self.inputs_are else ""
        lines = [
            f"{self.extractor}: {_number(self.pairs, 'pair')} in {self.out}, "
            f"{self.seconds:,.1f} s{rate}",
            f"  {_number(self.sources, 'input')}{are} = {self.with_pairs:,} gave pairs + "
            f"{self.without_pairs:,} left out + {self.failed:,} failed",
        ]
        if self.skipped:
            lines.append(f"  left out: {_counted(self.skipped)}")
        if self.quarantined:
            lines.append(f"  in _errors.parquet: {_counted(self.quarantined)}")
        if self.resumed:
            lines.append(f"  finished by earlier runs: {_number(self.resumed, 'input')}")
        if self.remade:
            lines.append(f"  found damaged and made again: {_number(self.remade, 'part')}")
        return "\n".join(lines)


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _counted(reasons: Counter[str], shown: int = 8) -> str:
    words = [f"{reason} {count:,}" for reason, count in reasons.most_common(shown)]
    more = len(reasons) - shown
    return ", ".join(words) + (f", and {more} more reasons" if more > 0 else "")
