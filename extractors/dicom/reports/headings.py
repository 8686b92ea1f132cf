"""Which words open which section of a report: the headings that are shipped, and users' own.

The shipped list (``headings.yaml``) is English at length and the common headings of German, French,
Spanish, Portuguese, Italian and Dutch. Its English spellings cover those counted in MIMIC-CXR by
its authors' section parser (MIT-LCP/mimic-cxr), without that table's error: ``'ndication'`` is an
indication here (there an impression: MIT-LCP/mimic-code issue 1982).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from domainclip.errors import BadInput

from .heading_typos import Spelling

__all__ = ["SECTION_NAMES", "Headings", "Match", "heading_key", "read_headings", "shipped_headings"]

SECTION_NAMES = (
    "examination",
    "indication",
    "history",
    "technique",
    "comparison",
    "findings",
    "impression",
    "recommendation",
    "addendum",
)
_PARTS = ("technique part", "findings part", "impression part")
_LABELS = (*SECTION_NAMES, *_PARTS, "other", "signature", "organs")
_WORDS = ("qualifiers", "prose", "ordinary")
_SHIPPED = Path(__file__).with_name("headings.yaml")
_MOST_BYTES = 1 << 20
_MOST_WORDS = 12  # of one heading
_CACHED = 20_000  # phrases come from files: a bound on how many are remembered
_NOT_WORD = re.compile(r"[\W_]+")
_JOINT = re.compile(r"\s*(?:[/&+,;|]|\b(?:and|und|et|y|e|en|with)\b)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Match:
    """What a phrase is. labels: names of sections in the phrase's order (more than one for a
    combined heading), or one of the other labels of ``headings.yaml``, or ("title",) for the name
    of an examination ("chest, two views"). qualified: with words of a place or a kind of image
    added to it ("CT chest findings")."""

    labels: tuple[str, ...]
    misspelt: bool = False
    qualified: bool = False


def heading_key(phrase: str) -> str:
    """The phrase as headings are compared: case, accents, punctuation and blanks do not count."""
    if phrase.isascii():
        folded = phrase.lower()
    else:
        parts = unicodedata.normalize("NFKD", phrase.casefold())
        folded = "".join(each for each in parts if not unicodedata.combining(each))
    return _NOT_WORD.sub(" ", folded.replace("'", "").replace("’", "")).strip()


@dataclass(frozen=True)
class Headings:
    """Headings by their key. labels: key -> name of a section, or another label of
    ``headings.yaml``. qualifiers: words that may stand with a heading's own. prose: words before a
    heading's word that make it a part of a sentence. ordinary: words that are never a misspelling.
    """

    labels: Mapping[str, str]
    qualifiers: frozenset[str]
    prose: frozenset[str]
    ordinary: frozenset[str]
    _compact: Mapping[str, str] = field(init=False, repr=False, compare=False)
    _spelling: Spelling = field(init=False, repr=False, compare=False)
    _last: frozenset[str] = field(init=False, repr=False, compare=False)
    _signing: frozenset[str] = field(init=False, repr=False, compare=False)
    _found: dict[str, Match | None] = field(init=False, repr=False, compare=False)
    _held: dict[str, bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        last = {key.split()[-1] for key, label in self.labels.items() if label in SECTION_NAMES}
        signing = {key.split()[0] for key, label in self.labels.items() if label == "signature"}
        compact = {key.replace(" ", ""): key for key in self.labels if len(key) >= 8}
        words = {word for key, label in self.labels.items() for word in key.split()}
        # misspelt are taken to be: headings of one word, and what longer ones are often made of
        named = [key for key, label in self.labels.items() if label in SECTION_NAMES]
        often = Counter(word for key in named for word in key.split())
        targets = {key for key in named if " " not in key}
        targets |= {word for word, times in often.items() if times >= 4}
        known = words | self.qualifiers | self.prose | self.ordinary
        object.__setattr__(self, "_compact", compact)
        object.__setattr__(self, "_spelling", Spelling(targets, known))
        object.__setattr__(self, "_last", frozenset(last))
        object.__setattr__(self, "_signing", frozenset(signing))
        object.__setattr__(self, "_found", {})
        object.__setattr__(self, "_held", {})

    def match(self, phrase: str) -> Match | None:
        """What the phrase (without its colon) is, or None for no heading."""
        if phrase in self._found:
            return self._found[phrase]
        found = self._match(phrase)
        if len(self._found) >= _CACHED:
            self._found.clear()
        self._found[phrase] = found
        return found

    def may_hold(self, word: str) -> bool:
        """Whether the word, misspelt or not, is one of those that section headings end with."""
        if word not in self._held:
            if len(self._held) >= _CACHED:
                self._held.clear()
            keys = heading_key(word).split()
            self._held[word] = bool(keys) and self._spelling.corrected(keys[-1]) in self._last
        return self._held[word]

    def may_sign(self, word: str) -> bool:
        """Whether a signature may begin with the word."""
        return heading_key(word) in self._signing

    def signature(self, words: Sequence[str]) -> int:
        """How many of the words, from the first, open a signature; 0 for none."""
        keys = [heading_key(word) for word in words[:_MOST_WORDS]]
        for size in range(len(keys), 0, -1):
            if self.labels.get(" ".join(keys[:size])) == "signature":
                return size
        return 0

    def _match(self, phrase: str) -> Match | None:
        key = heading_key(phrase)
        words = key.split()
        if not words or len(words) > 2 * _MOST_WORDS:
            return None
        single = self._single(key, words)
        if single or len(words) > _MOST_WORDS:
            return single
        return self._combined(phrase)

    def _single(self, key: str, words: list[str]) -> Match | None:
        if label := self.labels.get(key):
            return Match((label,))
        if all(word in self.qualifiers or word.isdigit() for word in words):
            return Match(("title",)) if any(len(word) > 3 for word in words) else None
        # "F I N D I N G S", "IMPRES SION"
        if label := self.labels.get(self._compact.get("".join(words), "")):
            return Match((label,), misspelt=True)
        right, misspelt = words, False
        if len(words) <= 6:
            right = [self._spelling.corrected(word) for word in words]
            misspelt = right != words
            if misspelt and (label := self.labels.get(" ".join(right))):
                return Match((label,), misspelt=True)
        label = self._qualified(right)
        return Match((label,), misspelt, qualified=True) if label else None

    def _qualified(self, words: list[str]) -> str:
        """The label of the longest heading at the start or the end, the rest being qualifiers."""
        for size in range(len(words) - 1, 0, -1):
            for own, rest in ((words[:size], words[size:]), (words[-size:], words[:-size])):
                label = self.labels.get(" ".join(own), "")
                if (
                    label in SECTION_NAMES
                    and words[0] not in self.prose
                    and not own[0].startswith("compare")  # "AP chest compared to ___:"
                    and any(len(word) > 5 and word not in self.qualifiers for word in own)
                    and all(word in self.qualifiers or word.isdigit() for word in rest)
                ):
                    return label
        return ""

    def _combined(self, phrase: str) -> Match | None:
        parts = [part for part in _JOINT.split(phrase) if heading_key(part)]
        if not 2 <= len(parts) <= 4:
            return None
        labels: list[str] = []
        misspelt = qualified = False
        for part in parts:
            key = heading_key(part)
            found = self._single(key, key.split())
            if found is None or found.labels[0] not in SECTION_NAMES:
                return None
            misspelt, qualified = misspelt or found.misspelt, qualified or found.qualified
            labels += [label for label in found.labels if label not in labels]
        return Match(tuple(labels), misspelt, qualified)


def read_headings(path: Path) -> Headings:
    """The shipped headings and those of a YAML file (name of a section -> list of headings; further
    names as in ``headings.yaml``). A heading that stands in both goes by the file.

    BadInput where the file cannot be read or says anything else.
    """
    return _merged([*_shipped_lists(), *_lists(_loaded(path))])


@cache
def shipped_headings() -> Headings:
    """The headings that come with domainclip."""
    return _merged(_shipped_lists())


def _shipped_lists() -> list[tuple[str, list[str]]]:
    return _lists(_loaded(_SHIPPED))


def _merged(lists: Iterable[tuple[str, list[str]]]) -> Headings:
    labels: dict[str, str] = {}
    words: dict[str, set[str]] = {name: set() for name in _WORDS}
    for name, entries in lists:
        keys = [heading_key(entry) for entry in entries]
        if name in words:
            words[name].update(keys)
        else:
            labels.update(dict.fromkeys(keys, name))
    return Headings(labels, *(frozenset(words[name]) for name in _WORDS))


def _loaded(path: Path) -> Any:
    remedy = "Write it as YAML: a section's name, a colon, a list of headings."
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except OSError:
        raise BadInput(
            "The headings file cannot be opened. Check its path and permissions."
        ) from None
    if len(data) > _MOST_BYTES:
        raise BadInput(f"The headings file is larger than {_MOST_BYTES >> 20} MB. {remedy}")
    try:
        return yaml.load(data, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError, TypeError, AttributeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}," if mark is not None else ""
        raise BadInput(f"The headings file{where} is not YAML. {remedy}") from None


def _lists(content: Any) -> list[tuple[str, list[str]]]:
    known = ", ".join((*_LABELS, *_WORDS))
    if content is None:
        return []
    if not isinstance(content, dict):
        raise BadInput(
            "The headings file is not a mapping. Begin each list with a section's name "
            f"and a colon. Known names: {known}."
        )
    lists = []
    for number, (name, entries) in enumerate(content.items(), 1):
        if name not in (*_LABELS, *_WORDS):
            raise BadInput(f"Name {number} of the headings file is unknown. Known names: {known}.")
        entries = [entries] if isinstance(entries, str) else entries
        if not isinstance(entries, list):
            raise BadInput(f"{name} of the headings file is not a list. Write: {name}: [one, two].")
        for place, entry in enumerate(entries, 1):
            if not isinstance(entry, str) or not heading_key(entry):
                raise BadInput(
                    f"{name} of the headings file: entry {place} is not a text with letters in it. "
                    "Put it in quotes, or take it out."
                )
            if len(heading_key(entry).split()) > _MOST_WORDS:
                raise BadInput(
                    f"{name} of the headings file: entry {place} has more than {_MOST_WORDS} "
                    "words. Shorten it to the words that open the section."
                )
        lists.append((name, entries))
    return lists
