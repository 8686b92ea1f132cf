"""Listing an inventory of PubMed Central's size: seconds and memory before the first article.

    python benchmarks/engine_listing.py [COUNT]

Makes an inventory of COUNT (default 1,000,000) article versions in the bucket's own format, then
times what a run does with it before and between chunks: reading it, putting it in hash order and
cutting it; first with nothing finished, then with all but one in a thousand finished, as a weekly
update finds it. Names are compared with those put in: none may be lost or come twice.
"""

from __future__ import annotations

import csv
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from domainclip.extraction._chunks import chunks
from domainclip.extraction._listing import Listing
from domainclip.extractors.papers import Papers

__all__: list[str] = []


def write_inventory(folder: Path, count: int) -> Path:
    """A manifest and one list of ``count`` made-up article versions."""
    data = folder / "inventory-reports" / "data.csv.gz"
    data.parent.mkdir()
    with gzip.open(data, "wt", compresslevel=1, newline="") as file:
        rows = csv.writer(file, quoting=csv.QUOTE_ALL)
        for number in range(count):
            key = f"metadata/PMC{1_000_000 + number}.1.json"
            rows.writerow(["pmc-oa-opendata", key, "2026-11-20T00:00:00.000Z", "0" * 32])
    manifest = folder / "inventory-reports" / "manifest.json"
    told = {
        "sourceBucket": "pmc-oa-opendata",
        "fileSchema": "Bucket, Key, LastModifiedDate, ETag",
        "files": [{"key": "inventory-reports/data.csv.gz"}],
    }
    manifest.write_text(json.dumps(told))
    return manifest


def measure(manifest: Path, count: int, new_in: int) -> None:
    """List and cut; print a line. new_in: one in so many is not finished yet."""
    began = time.monotonic()
    listing = Listing(manifest.parent / f"listing-{new_in}")
    if new_in > 1:
        for number in range(count):
            if number % new_in:
                listing.finished(f"PMC{1_000_000 + number}.1")
    for source in Papers().sources(str(manifest)):
        listing.add(source)
    listed = time.monotonic() - began
    names = {source.name for chunk in chunks(listing, 256) for source in chunk.sources}
    assert names == {f"PMC{1_000_000 + number}.1" for number in range(0, count, new_in)}
    seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count:,} listed, {len(names):,} to do: {listed:.1f} s to list, {seconds:.1f} s in all "
        f"({count / seconds:,.0f}/s), peak {peak:.0f} MB with the names kept for the comparison",
        flush=True,
    )


if __name__ == "__main__":
    if len(sys.argv) == 4:
        measure(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    else:
        count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
        with tempfile.TemporaryDirectory() as folder:
            manifest = write_inventory(Path(folder), count)
            for new_in in (1, 1000):  # a process each: peak memory never goes down
                arguments = [str(manifest), str(count), str(new_in)]
                subprocess.run([sys.executable, __file__, *arguments], check=True)
