"""Reports in text files: plain as those of MIMIC-CXR, or RTF or HTML as report systems export."""

from __future__ import annotations

import re

from domainclip.errors import BadInput

from ..records import Report
from .decoding import decode_file
from .markup import is_markup, unmarked

__all__ = ["read_plain"]

MAX_BYTES = 8 << 20
_LANG = re.compile(r"<html[^<>]*\blang\s*=\s*[\"']?([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)", re.I)
_BINARY = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def read_plain(data: bytes) -> Report:
    """The report of a text file, its lines and their indentation as they stand.

    Read as UTF-8, as what a byte order mark says, or as Windows-1252; other sets are guessed where
    most of it is not Latin. Sections are left to ``sections_of``. Raises BadInput: more than 8 MB,
    no text, not a text file.
    """
    if len(data) > MAX_BYTES:
        raise BadInput(f"The report holds more than {MAX_BYTES >> 20} MB, which is the limit.")
    text = decode_file(data)
    if len(_BINARY.findall(text[:8192])) * 50 > len(text[:8192]):
        raise BadInput("The report is no text file.")
    text = re.sub("\r\n|[\r\x0b\x0c\x85\u2028\u2029]", "\n", text)
    lang = ""
    if is_markup(text):
        found = _LANG.search(text[:4096])
        lang = found[1] if found else ""
        text = unmarked(text)
    text = _BINARY.sub("", text).replace("\u00a0", " ").replace("\ufeff", "")
    text = re.sub(r"[^\S\n]+\n", "\n", _untabbed(text)).strip("\n")
    text = re.sub(r"\n{4,}", "\n\n\n", text).rstrip()
    if not text.strip():
        raise BadInput("The report is empty.")
    return Report(form="text", text=text, lang=lang)


def _untabbed(text: str) -> str:
    return text.expandtabs(4) if "\t" in text else text
