"""Words of headings that are misspelt: by how many slips, guarded so that no other word is one."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Spelling", "slips"]

_CACHED = 20_000
_LONGEST = 24


def slips(one: str, other: str, most: int) -> int:
    """How many letters were left out, put in, exchanged for another, or swapped with their
    neighbour between two words; most + 1 where there are more (optimal string alignment)."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]


class Spelling:
    """Corrects words to those of headings.

    One slip in words of six or seven letters, two in longer ones; shorter words have to be right.
    Words that are known for something else are left alone: "depression" is no "impression".
    """

    def __init__(self, targets: Iterable[str], known: Iterable[str]) -> None:
        self._targets = [(word, _letters(word)) for word in sorted(targets) if len(word) >= 6]
        self._known = frozenset(known)
        self._corrected: dict[str, str] = {}

    def corrected(self, word: str) -> str:
        """The word of a heading that was meant, or the word itself."""
        if word in self._known or not 5 <= len(word) <= _LONGEST:
            return word
        if word not in self._corrected:
            if len(self._corrected) >= _CACHED:  # bounded: the words come from files
                self._corrected.clear()
            self._corrected[word] = self._nearest(word)
        return self._corrected[word]

    def _nearest(self, word: str) -> str:
        letters = _letters(word)
        best, nearest = 3, word
        for target, wanted in self._targets:
            most = min(2 if len(target) >= 8 else 1, best - 1)
            # a slip changes at most two letters of the set
            if most < 1 or (letters ^ wanted).bit_count() > 2 * most:
                continue
            found = slips(word, target, most)
            if found <= most:
                best, nearest = found, target
        return nearest


def _letters(word: str) -> int:
    """The set of the word's letters as bits."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) % 61)
    return bits
