"""Which of a picture's words and letter-like blobs are the letters of its panels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise, product

from .gutters import Gray
from .letters import Letter, PlacedText, find_letters

__all__ = ["choices"]

_ALONE = re.compile(r"^([(\[]?)([A-Za-z]|[ivx]{1,4})([)\]]?)[.:,|]?$")
_MOST_PER_LABEL = 4
_MOST_COMBINATIONS = 256
_MOST_TRIED = 6
_ALIKE = 1.28  # ratio of sizes that letters of one figure may have


def choices(
    gray: Gray, words: Sequence[PlacedText], labels: Sequence[str]
) -> Iterator[dict[str, Letter]]:
    """Sets of one letter for each label, alike in writing and size; the likeliest first.

    Words are trusted before pixels, the caption's case before the other.
    """
    longer = [*labels, *_next(labels[-1])]
    cases = [longer, [label.swapcase() for label in longer]]
    if set(cases[0]) & set(cases[1]):
        cases = cases[:1]
    yield from _sets(_of_words(words), labels, cases)
    seen = find_letters(gray, {label for case in cases for label in case if len(label) == 1})
    yield from _sets(seen, labels, cases)


def _next(label: str) -> list[str]:
    """The letter after the last one that a caption names: a picture that has it is another's."""
    known = len(label) == 1 and label not in "iIvVxXzZ"
    return [chr(ord(label) + 1)] if known else []


def _of_words(words: Sequence[PlacedText]) -> list[Letter]:
    found = []
    for word in words:
        match = _ALONE.match(word.text.strip())
        if match:
            size = float(word.box[3] - word.box[1])
            found.append(Letter(match[2], word.box, size, bool(match[1] or match[3]), 1.0))
    return found


def _sets(
    found: Sequence[Letter], labels: Sequence[str], cases: Sequence[Sequence[str]]
) -> Iterator[dict[str, Letter]]:
    ranked: list[tuple[float, dict[str, Letter]]] = []
    for number, case in enumerate(cases):
        for group in _groups([letter for letter in found if letter.label in set(case)]):
            by_label = [
                sorted((x for x in group if x.label == name), key=lambda x: -x.score)
                for name in case[: len(labels)]
            ]
            beyond = [x for x in group if x.label in case[len(labels) :]]
            if not all(by_label):
                continue
            combinations = product(*(options[:_MOST_PER_LABEL] for options in by_label))
            for combination in islice(combinations, _MOST_COMBINATIONS):
                if any(_belongs(letter, combination) for letter in beyond):
                    continue
                chosen = dict(zip(labels, combination, strict=True))
                ranked.append((_likeliness(combination) - 0.3 * number, chosen))
    ranked.sort(key=lambda item: -item[0])
    seen: list[dict[str, Letter]] = []
    for _, chosen in ranked:
        if chosen not in seen:
            seen.append(chosen)
            yield chosen
        if len(seen) == _MOST_TRIED:
            return


def _groups(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    """Letters of one way of writing and about one size, largest first."""
    for bracketed in (True, False):
        alike = sorted((x for x in letters if x.bracketed == bracketed), key=lambda x: -x.size)
        before: list[Letter] = []
        for largest in alike:
            group = [x for x in alike if largest.size / _ALIKE <= x.size <= largest.size]
            if not before or any(x not in before for x in group):
                yield group
            before = group


def _likeliness(letters: Sequence[Letter]) -> float:
    """How sure the letters are, alike in size, aligned in rows or columns, in order, and large."""
    sizes = [letter.size for letter in letters]
    score = min(letter.score for letter in letters)
    score += 0.5 * (min(sizes) / max(sizes))
    score += 0.1 if letters[0].bracketed else 0.0
    aligned = ordered = 0
    for before, after in pairwise(letters):
        size = max(before.size, after.size)
        level = abs(_middle(before, 1) - _middle(after, 1)) < 0.6 * size
        upright = abs(_middle(before, 0) - _middle(after, 0)) < 1.2 * size
        aligned += level or upright
        right, below = before.box[2] <= after.box[0], before.box[3] <= after.box[1]
        ordered += (level and right) or below or (right and not below)
    steps = max(1, len(letters) - 1)
    return score + 0.5 * aligned / steps + 0.7 * ordered / steps


def _belongs(letter: Letter, chosen: Sequence[Letter]) -> bool:
    """Whether a letter stands in line with chosen ones, after the last, in their size."""
    sizes = [other.size for other in chosen]
    last = chosen[-1]
    after = letter.box[1] > last.box[3] or letter.box[0] > last.box[2]
    alike = min(sizes) / 1.12 <= letter.size <= 1.12 * max(sizes) and letter.score > 0.7
    return (
        alike
        and after
        and any(
            abs(_middle(letter, axis) - _middle(other, axis)) < 0.4 * letter.size
            for other in chosen
            for axis in (0, 1)
            if letter is not other
        )
    )


def _middle(letter: Letter, axis: int) -> float:
    return (letter.box[axis] + letter.box[axis + 2]) / 2
