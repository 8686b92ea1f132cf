"""What of the identifying values of an archive is found in the pairs made of it.

Every study's values are looked for in everything that the pairs say of that study: keys, texts,
labels, places, the images' own metadata, errors. They are compared in lower case, without accents,
as whole words; names also by each of their parts. Values shorter than four characters are not
looked for, nor parts of names that are common words of reports: "Chest" is no leak of a patient
called so. The card and the names of files are looked through for the values of all studies.
"""

from __future__ import annotations

import io
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from inspect import getsource
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
from PIL import Image

from domainclip.errors import BadInput
from domainclip.extraction.audit import Audit, AuditRow
from domainclip.pairs import card, open_pairs
from domainclip.pairs.schema import Pair

from ..checks import columns_of
from ..listing import studies_of
from ..naming import naming_of
from ..pixels.reading import read_dataset
from ..quiet import quiet
from ..records import Identifier, StudyFiles
from ..reports.reading import read_report
from ..sources.places import open_place, read_place
from .identifiers import identifiers_of
from .matching import forms_of, words_of
from .text import scrub

if TYPE_CHECKING:
    from .. import Dicom

__all__ = ["audit"]


def audit(options: Dicom, roots: Sequence[str], pairs: Path) -> Audit:
    """Compare the studies under ``roots`` with the pairs directory. Raises BadInput where there are
    no pairs."""
    naming = naming_of(options, options.key_check)
    said, texts, count = _outputs(pairs)
    everywhere = _of_the_directory(pairs)
    looked: Counter[str] = Counter()
    found: Counter[str] = Counter()
    places: defaultdict[str, set[str]] = defaultdict(set)
    sources = missing = 0
    with quiet():
        for study in studies_of(options, roots):
            sources += 1
            name = naming.study(study, roots)
            missing += name not in said
            output = {**said.get(name, {}), **everywhere}
            for identifier in _identifiers(study, columns_of(options)):
                looked[identifier.name or identifier.kind] += 1
                where = _where(identifier, output)
                if where:
                    found[identifier.name or identifier.kind] += 1
                    places[identifier.name or identifier.kind].update(where)
    rows = [
        AuditRow(name, looked[name], found[name], tuple(sorted(places[name])))
        for name in sorted(looked, key=lambda each: (-found[each], each))
    ]
    return Audit(sources, count, missing, tuple(rows), tuple(texts))


def _outputs(pairs: Path) -> tuple[dict[str, dict[str, str]], list[AuditRow], int]:
    """(study -> column -> its words, what the texts still hold that looks like an identifier,
    number of pairs)."""
    said: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
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
    errors = pairs / "_errors.parquet"
    if errors.is_file():
        for row in pq.read_table(errors, columns=["input", "message"]).to_pylist():
            name = str(row["input"]).partition("/")[0]
            said[name]["errors"].add(words_of(f"{row['input']} {row['message']}"))
    plain = {
        name: {column: "".join(texts) for column, texts in columns.items()}
        for name, columns in said.items()
    }
    rows = [AuditRow(role, many[role], hold[role], tuple(sorted(kinds[role]))) for role in many]
    return plain, rows, count


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
    options = sys.modules[__package__.rpartition(".")[0]]
    own = set(words_of(f"{getsource(card)} {getsource(options)}").split())
    names = " ".join(str(path.relative_to(pairs)) for path in pairs.rglob("*"))
    said = {"file names": names}
    for name in ("README.md", "_state/extraction.json"):
        path = pairs / name
        if path.is_file():
            said[name] = path.read_text(encoding="utf-8", errors="replace")
    # a patient called Key is not named by the word that every card has
    return {
        name: f" {' '.join(word for word in words_of(text).split() if word not in own)} "
        for name, text in said.items()
    }


def _identifiers(study: StudyFiles, columns: Mapping[str, str]) -> set[Identifier]:
    """Of the headers of its images and reports, and of what reports say of themselves."""
    found: set[Identifier] = set()
    for place in (*study.images, *(link.place for link in study.reports)):
        try:
            with open_place(place) as file:
                found.update(identifiers_of(read_dataset(file, pixels=False)))
        except BadInput:
            continue  # a picture, a text: it has no header
    for link in study.reports:
        try:
            report = read_report(link, read=lambda at, most: read_place(at, limit=most),
                                 columns=columns)  # fmt: skip
            found.update(report.identifiers)
        except BadInput:
            continue
    return found


def _where(identifier: Identifier, output: dict[str, str]) -> list[str]:
    """The columns that hold a value, or a part of a name."""
    wanted = forms_of([identifier])
    return [column for column, text in output.items() if any(each in text for each in wanted)]
