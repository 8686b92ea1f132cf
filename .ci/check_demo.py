"""Check what the quickstart left behind: python .ci/check_demo.py RUN."""

from __future__ import annotations

import json
import sys
from pathlib import Path

LEAST_ACCURACY = 0.80


def main(run: Path) -> int:
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    found = {
        (row["stage"], row["evaluator"], row["metric"]): row["value"] for row in metrics["values"]
    }
    before = found["before", "zero_shot", "accuracy"]
    after = found["after", "zero_shot", "accuracy"]
    colour = found["before", "colour_histogram", "accuracy"]
    report = run / "report.html"
    problems = []
    if after < LEAST_ACCURACY:
        problems.append(f"adapted accuracy {after:.3f} is below {LEAST_ACCURACY}")
    if not before < after:
        problems.append(f"adapted accuracy {after:.3f} is not above zero-shot {before:.3f}")
    if not report.is_file() or report.stat().st_size > 5_000_000:
        problems.append("report.html is missing or larger than 5 MB")
    for problem in problems:
        print(f"quickstart: {problem}", file=sys.stderr)
    if not problems:
        print(f"quickstart: zero-shot {before:.3f}, colour {colour:.3f}, adapted {after:.3f}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
