"""A small mirror of PubMed Central's bucket, to try the whole run on without a network.

    python mirror.py TWINS MIRROR [--copies 25]

TWINS: a folder of articles, each a folder with ``fulltext.xml`` (JATS) and ``fulltext.pdf``.
MIRROR: ``PMC<id>.1/`` with XML, PDF, JSON and image files, and a day's inventory of them, as in
s3://pmc-oa-opendata. The image files, which the twins lack, are cut from the PDF's pages (150 dpi,
JPEG). copies: each article under so many numbers.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import itertools
import json
import re
from pathlib import Path

from PIL import Image

from domainclip.extractors.papers import Papers
from domainclip.pairs import Pair

__all__: list[str] = []

BUCKET = "pmc-oa-opendata"
DAY = "2026-11-20T01-00Z"
GRAPHIC = re.compile(rb"<graphic\b[^>]*?href=\"([^\"]+)\"")


def main() -> None:
    """Make the mirror."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("twins", type=Path)
    parser.add_argument("mirror", type=Path)
    parser.add_argument("--copies", type=int, default=1)
    options = parser.parse_args()
    numbers = itertools.count(9_000_001)
    names = []
    for twin in sorted(options.twins.iterdir()):
        if (twin / "fulltext.xml").is_file():
            files = article(twin)
            for _ in range(options.copies):
                names.append(f"PMC{next(numbers)}.1")
                write(options.mirror, names[-1], files)
    write_inventory(options.mirror, names)
    print(f"{len(names):,} articles in {options.mirror}")


def article(twin: Path) -> dict[str, bytes]:
    """An article's files by their names in the bucket; NAME stands for the article's."""
    xml = (twin / "fulltext.xml").read_bytes()
    pdf = (twin / "fulltext.pdf").read_bytes()
    papers = Papers()
    [source] = papers.sources(str(twin / "fulltext.pdf"))
    found = [item for item in papers.pairs(source) if isinstance(item, Pair)]
    pictures = [as_jpeg(Image.open(io.BytesIO(pair.image))) for pair in found]
    pictures = pictures or [as_jpeg(Image.new("L", (800, 600), 128))]
    files = {"NAME.xml": xml, "NAME.pdf": pdf}
    for href, picture in zip(GRAPHIC.findall(xml), itertools.cycle(pictures), strict=False):
        name = href.decode().rsplit("/", 1)[-1]
        files[name if name.lower().endswith((".jpg", ".png", ".gif")) else f"{name}.jpg"] = picture
    return files


def as_jpeg(image: Image.Image) -> bytes:
    """The picture as PMC keeps it."""
    file = io.BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=85)
    return file.getvalue()


def write(mirror: Path, name: str, files: dict[str, bytes]) -> None:
    """One article version's folder, with the JSON that lists its files."""
    folder = mirror / name
    folder.mkdir(parents=True, exist_ok=True)
    urls = {}
    for own, data in files.items():
        own = own.replace("NAME", name)
        (folder / own).write_bytes(data)
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        urls[own] = f"s3://{BUCKET}/{name}/{own}?md5={digest}"
    about = {
        "pmcid": name.partition(".")[0],
        "version": 1,
        "license_code": "CC BY",
        "is_retracted": False,
        "is_historical_ocr": False,
        "xml_url": urls.pop(f"{name}.xml"),
        "pdf_url": urls.pop(f"{name}.pdf"),
        "media_urls": list(urls.values()),
    }
    (folder / f"{name}.json").write_text(json.dumps(about))


def write_inventory(mirror: Path, names: list[str]) -> None:
    """The day's inventory: a manifest and one packed list of every article's JSON."""
    folder = mirror / "inventory-reports" / BUCKET / "metadata"
    (folder / "data").mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / "data" / "all.csv.gz", "wt", newline="") as file:
        rows = csv.writer(file, quoting=csv.QUOTE_ALL)
        for name in names:
            rows.writerow([BUCKET, f"metadata/{name}.json", f"{DAY[:10]}T00:00:00.000Z", "0" * 32])
    manifest = {
        "sourceBucket": BUCKET,
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, LastModifiedDate, ETag",
        "files": [{"key": f"inventory-reports/{BUCKET}/metadata/data/all.csv.gz"}],
    }
    (folder / DAY).mkdir(exist_ok=True)
    (folder / DAY / "manifest.json").write_text(json.dumps(manifest))


if __name__ == "__main__":
    main()
