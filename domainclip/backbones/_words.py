"""Words that a tokenizer can read: in time, and as words, whatever is written in a text."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["LONGEST", "breakable", "without_marks"]

# characters; a word of 256 random letters takes 4 ms, one of 10^6 would take days
LONGEST = 256
# what open_clip's tokenizer takes as one word: a run of letters, or of neither letters nor digits
_OVERLONG = re.compile(rf"[^\W\d_]{{{LONGEST + 1},}}|(?:[^\w\s]|_){{{LONGEST + 1},}}")


def breakable(tokenizer: Any, texts: Sequence[str]) -> list[str]:
    """The texts with a blank after every 256th character of a longer word, where the tokenizer is
    open_clip's byte-pair one; all others as they are, and so is every text without such a word.

    The tokenizer's work grows with the square of a word.
    """
    if not hasattr(tokenizer, "bpe"):
        return list(texts)
    return [_OVERLONG.sub(_broken, text) for text in texts]


def without_marks(tokenizer: Any) -> Any:
    """The tokenizer, or one like it that reads its own marks (``<end_of_text>``, ``[SEP]``,
    ``</s>``) as plain words where a text holds them; a text without any is the same to both.

    Else a caption that says ``<end_of_text>`` would hide all that follows.
    """
    marks = _marks(tokenizer)
    clean = getattr(tokenizer, "clean_fn", None)
    if clean is None or not marks:
        return tokenizer
    found = copy.copy(tokenizer)
    found.clean_fn = _Cleaned(clean, re.compile("|".join(map(re.escape, marks))))
    return found


@dataclass(frozen=True)
class _Cleaned:
    """As the tokenizer cleans a text, which may put marks together (``&lt;/s&gt;``); then a blank
    behind the first letter of each, where its tokenizer would split it anyway."""

    clean: Callable[[str], str]
    marks: re.Pattern[str]

    def __call__(self, text: str) -> str:
        return self.marks.sub(_split, self.clean(text))


def _marks(tokenizer: Any) -> list[str]:
    """The tokenizer's marks as they are written, the longest first; none that is a plain word."""
    if hasattr(tokenizer, "sot_token_id"):  # open_clip's byte-pair one
        found = {tokenizer.decoder[number] for number in tokenizer.all_special_ids}
    else:
        inner = getattr(tokenizer, "tokenizer", None)
        added = getattr(inner, "added_tokens_decoder", {}).values()
        found = {*getattr(inner, "all_special_tokens", ()), *(str(t) for t in added if t.special)}
    written = (mark for mark in found if len(mark) > 1 and not mark.isalnum())
    return sorted(written, key=lambda mark: (-len(mark), mark))


def _split(mark: re.Match[str]) -> str:
    return f"{mark.group()[0]} {mark.group()[1:]}"


def _broken(word: re.Match[str]) -> str:
    found = word.group()
    return " ".join(found[at : at + LONGEST] for at in range(0, len(found), LONGEST))
