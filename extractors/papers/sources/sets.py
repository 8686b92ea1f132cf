"""Where each article stands in an XML file that wraps many, found without parsing it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from domainclip.extraction.archives.streams import PIECE, Span

__all__ = ["article_spans"]

_TAG = re.compile(rb"<(/?)(?:[A-Za-z_][\w.-]*:)?article(?=[\s>])\s*(>?)")
_PMCID = re.compile(rb"<article-id[^>]*pub-id-type=[\"']pmc(?:id|aid)?[\"'][^>]*>\s*(?:PMC)?(\d+)")
_FRONT_BYTES = 1 << 14  # an article's identifiers stand at its front
_LONGEST_TAG = 256


def article_spans(file: Span) -> Iterator[tuple[int, int, str]]:
    """(start, end, "PMC..." or "") of each article of a file; reads it once, holds 64 kB.

    One that is not closed is left out: the file was cut there.
    """
    held, base, start = b"", 0, -1
    while data := file.read(PIECE):
        held += data
        last = len(data) < PIECE
        done = 0
        for tag in _TAG.finditer(held):
            if tag.end() == len(held) and not tag.group(2) and not last:
                break  # its end is in the next piece
            done = tag.end()
            if not tag.group(1):
                start = base + tag.start() if start < 0 else start
            elif start >= 0:
                at = file.tell()
                file.seek(start)
                found = _PMCID.search(file.read(min(_FRONT_BYTES, base + tag.end() - start)))
                file.seek(at)
                yield start, base + tag.end(), f"PMC{found.group(1).decode()}" if found else ""
                start = -1
        keep = max(done, len(held) - _LONGEST_TAG)
        base, held = base + keep, held[keep:]
