"""Retrieval tasks with long texts, of OpenI's reports and MedPix's cases.

A task is pairs of a short side (a text, or an image) and a long text. Where the long text is cut,
what is lost must be able to matter: no query repeats a sentence of its own long text.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from domainclip.text._sentences import sentences_of

__all__ = ["Task", "folded", "medpix_tasks", "openi_tasks"]


@dataclass(frozen=True)
class Task:
    """name: ``short -> long``. short, long: n each, side by side; short texts, or pictures where
    they are paths. groups: n, what is drawn together in the bootstrap."""

    name: str
    short: Sequence[str | Path]
    long: Sequence[str]
    groups: Sequence[str]


def openi_tasks(archive: Path) -> Iterator[Task]:
    """Of NLMCXR_reports.tgz, chest radiographs. Reports whose short side is like another's are left
    out ("normal", "no active disease"), and so are empty ones.

    impression: of the indication and the findings. codes: what an indexer noted of the report in
    MeSH terms ("Opacity/lung/base/left"), of the whole report in its own order, so that truncation
    loses the impression. last sentences: of the findings, of the report before them.
    """
    reports = list(_reports(archive))
    for name, short, sections in (
        ("impression -> findings", "IMPRESSION", ("INDICATION", "FINDINGS")),
        ("codes -> report", "CODES", ("INDICATION", "COMPARISON", "FINDINGS", "IMPRESSION")),
    ):
        pairs = [
            (report[short], _joined(*(report[section] for section in sections)), number)
            for number, report in enumerate(reports)
            if report[short] and report["FINDINGS"]
        ]
        yield _task(f"OpenI {name}", pairs)
    yield _task("OpenI last 2 sentences -> report before", [
        (tail, head, number)
        for number, report in enumerate(reports)
        for head, tail in _cut(_joined(report["INDICATION"], report["FINDINGS"]))
    ])  # fmt: skip


def medpix_tasks(folder: Path) -> Iterator[Task]:
    """Of the folder of MedPix 2.0 (Case_topic.json, Descriptions.json, images/).

    A case is its history, exam and findings; a discussion is of the disease and names it, as a rule
    in its first sentence. rest: the last two sentences of a discussion, of all before them. Images:
    those that are in the folder.
    """
    cases = json.loads((folder / "Case_topic.json").read_text("utf-8"))
    rows = [(row["U_id"], _case(row), _case(row, "Case Diagnosis"), _topic(row)) for row in cases]
    yield _task("MedPix diagnosis -> case", [(d, case, key) for key, case, d, _ in rows])
    yield _task("MedPix diagnosis -> discussion", [(d, topic, key) for key, _, d, topic in rows])
    findings = [(row["U_id"], _case(row, "Findings"), _topic(row)) for row in cases]
    yield _task("MedPix findings -> discussion", [(f, topic, key) for key, f, topic in findings])
    yield _task("MedPix last 2 sentences -> discussion before", [
        (tail, head, key) for key, *_, topic in rows for head, tail in _cut(topic)
    ])  # fmt: skip
    described = json.loads((folder / "Descriptions.json").read_text("utf-8"))
    captions = [(row["U_id"], _tidy(row["Description"]["Caption"])) for row in described]
    pictures = {path.stem: path for path in (folder / "images").glob("*.png")}
    seen = [(pictures[row["image"]], *pair) for row, pair in zip(described, captions, strict=True)
            if row["image"] in pictures]  # fmt: skip
    yield _task("MedPix image -> caption", [(path, text, key) for path, key, text in seen])
    yield _task("MedPix image -> caption and case", [
        (path, _joined(text, next(case for k, case, *_ in rows if k == key)), key)
        for path, key, text in seen
    ])  # fmt: skip


def folded(text: str | Path) -> str:
    """What texts have in common that differ in case and blanks alone."""
    return " ".join(str(text).casefold().split())


def _task(name: str, pairs: Sequence[tuple[Any, str, Any]]) -> Task:
    """Pairs (short, long, group); without those that lack a side. A short text of several long
    ones (another patient's) has no one answer and is left out."""
    whole = [pair for pair in pairs if pair[0] and pair[1]]
    longs: dict[Any, set[str]] = {}
    for short, long, _ in whole:
        longs.setdefault(folded(short), set()).add(folded(long))
    told = [pair for pair in whole if len(longs[folded(pair[0])]) == 1]
    return Task(
        name,
        [short for short, _, _ in told],
        [long for _, long, _ in told],
        [str(group) for *_, group in told],
    )


def _reports(archive: Path) -> Iterator[dict[str, str]]:
    """Sections by name, and CODES."""
    with tarfile.open(archive) as tar:
        found = []
        for member in tar:
            file = tar.extractfile(member) if member.name.endswith(".xml") else None
            if file is None:
                continue
            root = ElementTree.fromstring(file.read())
            report = dict.fromkeys(("INDICATION", "COMPARISON", "FINDINGS", "IMPRESSION"), "")
            report |= {
                part.get("Label", ""): _tidy(part.text) for part in root.iter("AbstractText")
            }
            codes = [_tidy(code.text).replace("/", " ") for code in root.iter("major")]
            found.append(report | {"CODES": "; ".join(codes)})
    often = Counter(report[name].casefold() for report in found for name in ("CODES", "IMPRESSION"))
    for report in found:
        for name in ("CODES", "IMPRESSION"):
            if often[report[name].casefold()] > 1:
                report[name] = ""
        yield report


def _case(row: dict[str, Any], *parts: str) -> str:
    case = row.get("Case") or {}
    return _joined(*(_tidy(case.get(part)) for part in parts or ("History", "Exam", "Findings")))


def _topic(row: dict[str, Any]) -> str:
    return _tidy((row.get("Topic") or {}).get("Disease Discussion"))


def _cut(text: str, last: int = 2) -> Iterator[tuple[str, str]]:
    """(all but the last sentences, those), of a text of at least twice as many."""
    sentences = sentences_of(text)
    if len(sentences) >= 2 * last:
        yield " ".join(sentences[:-last]), " ".join(sentences[-last:])


def _tidy(text: str | None) -> str:
    found = " ".join((text or "").split())
    return "" if re.fullmatch(r"n/?a\.?|none\.?", found, re.IGNORECASE) else found


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)
