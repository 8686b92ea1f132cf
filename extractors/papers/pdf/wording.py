"""Lines of text joined into one: hyphens at line ends, odd characters, blanks."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from .page import Page

__all__ = ["Words", "joined"]

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_CUT = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*)[-\u2010\u00ad]$")
_HYPHENS = "-\u2010\u00ad"
_LONGEST_WORD = 60  # letters
_OPEN = re.compile(r"(?<! )[-\u2010–/]$")
# TeX sets an accent as a sign before its letter.
_COMBINING = {"¨": "\u0308", "´": "\u0301", "ˆ": "\u0302", "ˇ": "\u030c", "˚": "\u030a"}
_ACCENT = re.compile(r"([¨´ˆˇ˚]) ?([^\W\d_])")
_HEAD = re.compile(r"[^\W\d_]+")
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028\u2029\ufeff\ufffd\ue000-\uf8ff]+"
)
# Before a number it may have been a minus: a gap there must show, or the number is another one.
_UNREADABLE_SIGN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd]+(?=\.?\d)")
_GAP = "\ufdd0"  # no character: stands for one in between
_CJK = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")
# Symbol fonts without a table of their own: their codes shifted into the private area.
_SYMBOLS = str.maketrans(
    {
        0xF000 + code: character
        for code, character in {
            0x61: "α", 0x62: "β", 0x63: "χ", 0x64: "δ", 0x65: "ε", 0x66: "φ", 0x67: "γ", 0x68: "η",
            0x69: "ι", 0x6A: "ϕ", 0x6B: "κ", 0x6C: "λ", 0x6D: "μ", 0x6E: "ν", 0x6F: "ο", 0x70: "π",
            0x71: "θ", 0x72: "ρ", 0x73: "σ", 0x74: "τ", 0x75: "υ", 0x77: "ω", 0x78: "ξ", 0x79: "ψ",
            0x7A: "ζ", 0x44: "Δ", 0x46: "Φ", 0x47: "Γ", 0x4C: "Λ", 0x50: "Π", 0x51: "Θ", 0x53: "Σ",
            0x57: "Ω", 0x58: "Ξ", 0x59: "Ψ", 0xA3: "≤", 0xB3: "≥", 0xB1: "±", 0xB0: "°", 0xB4: "×",
            0xB7: "•", 0xA5: "∞", 0xAE: "→", 0xAC: "←", 0xB9: "≠", 0xBB: "≈", 0x2D: "−", 0x3D: "=",
            0x2B: "+", 0x3C: "<", 0x3E: ">", 0x7E: "∼", 0xB6: "∂", 0xD6: "√", 0xA2: "′", 0xD7: "⋅",
            0xA7: "♣", 0xA8: "♦", 0xA9: "♥", 0xAA: "♠", 0xCE: "∈", 0xCD: "⊆", 0xC8: "∪", 0xC7: "∩",
        }.items()
    }
)  # fmt: skip


class Words:
    """The words of a document, counted when they are first asked for."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._pages = pages
        self._counts: Counter[str] | None = None

    def hyphenated(self, head: str, tail: str) -> bool:
        """Whether "head-tail" is the word's own spelling, as the rest of the document writes it."""
        if self._counts is None:
            self._counts = Counter()
            for page in self._pages:
                for line in page.lines:
                    self._counts.update(_WORD.findall(line.text.lower()))
        whole = self._counts[(head + tail).lower()]
        return self._counts[f"{head}-{tail}".lower()] > whole


def joined(lines: Iterable[str], words: Words) -> str:
    """The lines as one, words mended that were cut at a line's end."""
    text = ""
    for line in lines:
        if not line.isascii():
            line = line.translate(_SYMBOLS)
        end = text[-_LONGEST_WORD:]
        cut = _CUT.search(end) if text[-1:] in _HYPHENS else None
        if not text:
            text = line
        elif cut and (tail := _HEAD.match(line)):
            keep = text[-1] == "-" and (
                cut[1][-1].isupper()
                or not tail[0][0].islower()
                or words.hyphenated(cut[1], tail[0])
            )
            text = (text if keep else text[:-1]) + line
        elif _OPEN.search(end[-2:]) or (_CJK.match(text[-1]) and _CJK.match(line)):
            text += line
        else:
            text += " " + line
    text = _UNREADABLE_SIGN.sub(_GAP, text.replace("\u00ad", ""))
    text = _UNPRINTABLE.sub(" ", text).replace(_GAP, "\ufffd")
    if text.isascii():
        return " ".join(text.split())
    text = _ACCENT.sub(lambda match: match[2] + _COMBINING[match[1]], text)
    text = unicodedata.normalize("NFC", text)
    return " ".join(text.split())
