"""Words that a byte-pair tokenizer can read in time: its work grows with the square of a word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

__all__ = ["LONGEST", "breakable"]

# characters; a word of 256 random letters takes 4 ms, one of 10^6 would take days
LONGEST = 256
# what open_clip's tokenizer takes as one word: a run of letters, or of neither letters nor digits
_OVERLONG = re.compile(rf"[^\W\d_]{{{LONGEST + 1},}}|(?:[^\w\s]|_){{{LONGEST + 1},}}")


def breakable(tokenizer: Any, texts: Sequence[str]) -> list[str]:
    """The texts with a blank after every 256th character of a longer word, where the tokenizer is
    open_clip's byte-pair one; all others as they are, and so is every text without such a word."""
    if not hasattr(tokenizer, "bpe"):
        return list(texts)
    return [_OVERLONG.sub(_broken, text) for text in texts]


def _broken(word: re.Match[str]) -> str:
    found = word.group()
    return " ".join(found[at : at + LONGEST] for at in range(0, len(found), LONGEST))
