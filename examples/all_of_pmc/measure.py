"""What one core does of your articles: the numbers that estimate.py wants.

    python measure.py SOURCE [--articles 100] [--license commercial]

SOURCE: any that ``domainclip extract papers`` takes; a fair sample of what you will run on, at best
on the machines that you will run on. CPU seconds are counted, so the machine may be shared; waiting
for the network is not in them: time a small run of the real command for that.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from itertools import islice
from pathlib import Path

from domainclip.extractors.papers import Papers
from domainclip.pairs import Pair, PairWriter

__all__: list[str] = []


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("source")
    parser.add_argument("--articles", type=int, default=100)
    parser.add_argument("--license", default="commercial")
    options = parser.parse_args()
    papers = Papers(license=options.license)
    listed = list(islice(papers.sources(options.source), 100_000))
    sample = random.Random(0).sample(listed, min(options.articles, len(listed)))
    with tempfile.TemporaryDirectory() as folder:
        began, cpu = time.monotonic(), time.process_time()
        with PairWriter(Path(folder) / "pairs") as writer:
            for source in sample:
                for item in papers.pairs(source):
                    if isinstance(item, Pair):
                        writer.write(item)
                    else:
                        writer.error(item)
        cpu, wall = time.process_time() - cpu, time.monotonic() - began
        size = sum(path.stat().st_size for path in (Path(folder) / "pairs").iterdir())
    count = len(sample)
    print(f"{count} articles, {writer.rows} figures in {cpu:.1f} CPU seconds ({wall:.1f} s)")
    print(f"--rate {count / cpu:.2f} --pairs-kb {size / count / 1e3:.0f}")


if __name__ == "__main__":
    main()
