"""All that a run wrote, as words: of each study, of each role of text, and of the directory."""

from __future__ import annotations

import io
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from inspect import getsource
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image

from domainclip.errors import UsageError
from domainclip.extraction.audit import AuditRow
from domainclip.pairs import card, open_pairs
from domainclip.pairs.schema import Pair

from ..quiet import quiet
from .beside import Unread, copy_texts, files_in, volume_texts
from .matching import words_of
from .text import scrub

__all__ = ["Outputs", "Said", "outputs_of"]


class Said:
    """Texts as their words, see ``words_of``, those of each text once."""

    __slots__ = ("_words", "text")

    def __init__(self, texts: Iterable[str]) -> None:
        self.text = "".join(texts)
        self._words = frozenset(self.text.split())

    def holds(self, form: str) -> bool:
        """Whether words, between blanks, stand in it."""
        # a text may be all the file names of an archive: a look at its words rules most forms out
        return self._words.issuperset(form.split()) and form in self.text


@dataclass(frozen=True, slots=True)
class Outputs:
    """studies: name -> column -> what it says. known: the names that pairs or errors have.
    everywhere: what is not of one study. texts: of each role, what still looks like an identifier.
    pairs: how many. unread: files that could not be read. looked: what was, beside the pairs."""

    studies: Mapping[str, Mapping[str, Said]]
    known: frozenset[str]
    everywhere: Mapping[str, Said]
    texts: tuple[AuditRow, ...]
    pairs: int
    unread: int
    looked: tuple[str, ...]


def outputs_of(pairs: Path, beside: Mapping[str, str]) -> Outputs:
    """What the pairs directory says, and the folders of ``beside`` (copies, volumes; "" for none).

    Raises BadInput where there are no pairs, UsageError for a folder that is not there.
    """
    for name, folder in beside.items():
        if folder and not Path(folder).is_dir():
            raise UsageError(f"{name}={folder!r}: there is no such folder to look through.")
    said: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    texts, count = _of_pairs(pairs, said)
    _of_errors(pairs, said)
    known = frozenset(said)
    everywhere = _of_the_directory(pairs)
    unread, looked = 0, []
    for name, folder in beside.items():
        if folder:
            with quiet():
                files, failed, names = _of_files(name, Path(folder), said)
            everywhere[f"file names of {name}"] = names
            unread += failed
            looked.append(f"{files:,} {'file' if files == 1 else 'files'} of --{name}")
    studies = {
        name: {column: Said(each) for column, each in columns.items()}
        for name, columns in said.items()
    }
    own = _own_words()
    # a patient called Key is not named by the word that every card has
    plain = {
        name: Said([f" {' '.join(word for word in words_of(text).split() if word not in own)} "])
        for name, text in everywhere.items()
    }
    return Outputs(studies, known, plain, texts, count, unread, tuple(looked))


def _of_pairs(
    pairs: Path, said: defaultdict[str, defaultdict[str, set[str]]]
) -> tuple[tuple[AuditRow, ...], int]:
    """(what the texts still hold that looks like an identifier, number of pairs)."""
    many: Counter[str] = Counter()
    hold: Counter[str] = Counter()
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    seen: set[int] = set()
    count = 0
    for pair in open_pairs(pairs):
        count += 1
        for column, text in _columns(pair):
            said[pair.document][column].add(words_of(text))
        for each in pair.texts:
            if each.role == "header" or hash((pair.document, each)) in seen:
                continue
            seen.add(hash((pair.document, each)))
            many[each.role] += 1
            left = {kind for kind, _, _ in scrub(each.text).removed}
            hold[each.role] += bool(left)
            kinds[each.role] |= left
    rows = (AuditRow(role, many[role], hold[role], tuple(sorted(kinds[role]))) for role in many)
    return tuple(rows), count


def _of_errors(pairs: Path, said: defaultdict[str, defaultdict[str, set[str]]]) -> None:
    path = pairs / "_errors.parquet"
    if path.is_file():
        for row in pq.read_table(path, columns=["input", "message"]).to_pylist():
            name = str(row["input"]).partition("/")[0]
            said[name]["errors"].add(words_of(f"{row['input']} {row['message']}"))


def _of_files(
    kind: str, folder: Path, said: defaultdict[str, defaultdict[str, set[str]]]
) -> tuple[int, int, str]:
    """(number of files, of those that could not be read, their names). A file of a study lies in
    the folder that has the study's name."""
    read = copy_texts if kind == "copies" else volume_texts
    count = failed = 0
    names = []
    for study, below, path in files_in(folder):
        count += 1
        names.append(below)
        said[study][kind].add(words_of(below))
        try:
            said[study][kind].update(map(words_of, read(path)))
        except Unread:
            failed += 1
    return count, failed, " ".join(names)


def _columns(pair: Pair) -> Iterator[tuple[str, str]]:
    yield "key", f"{pair.key} {pair.image_path} {pair.document} {pair.group}"
    yield "text", pair.text
    yield "texts", "\n".join(text.text for text in pair.texts)
    yield "labels", "\n".join(pair.labels)
    yield "where", json.dumps(pair.where, ensure_ascii=False)
    yield "meta", json.dumps(pair.meta, ensure_ascii=False)
    yield "image metadata", _metadata(pair.image)


def _metadata(data: bytes) -> str:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return f"{image.info} {dict(image.getexif())}"
    except OSError:
        return ""


def _of_the_directory(pairs: Path) -> dict[str, str]:
    """The card, what the run notes of itself, and the names of all files beside the pairs."""
    names = " ".join(str(path.relative_to(pairs)) for path in pairs.rglob("*"))
    said = {"file names": names}
    for name in ("README.md", "_state/extraction.json"):
        path = pairs / name
        if path.is_file():
            said[name] = path.read_text(encoding="utf-8", errors="replace")
    return said


def _own_words() -> frozenset[str]:
    """The words that every card has, and every command line."""
    options = sys.modules[__package__.rpartition(".")[0]]
    return frozenset(words_of(f"{getsource(card)} {getsource(options)}").split())
