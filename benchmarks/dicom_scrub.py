"""Free text of reports: how many planted identifiers go, and how much of the clinical text stays.

    python benchmarks/dicom_scrub.py [--data ../shared/data] [--reports 1500] [--seed 0]

The texts are the OpenI reports and the TEXT items of dicom/reports. Two to five sentences out of
some forty, filled in with people, dates, numbers and places by a seed, are set between sentences of
each; two of the people, and the numbers so labelled, are also given as headers. "gone": planted
pieces all of whose letters and digits were removed, by kind, for texts as written, in capitals and
in small letters, and with people drawn after the rules were written. "kept": words of the report
itself that are still there. Then the same words on the reports with nothing planted, on a list of
eponyms and measures, and reports a second. The peer is a list of patterns as scripts for this have
them (``_peer``: dates, telephone numbers, "Dr. X", numbers of six digits, header values as they
stand).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tarfile
import time
import warnings
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pydicom

from domainclip.extractors.dicom.privacy.text import scrub
from domainclip.extractors.dicom.quiet import quiet
from domainclip.extractors.dicom.records import Identifier

Ranges = list[tuple[str, int, int]]

# people, unseen_people: "family/given"; the latter were drawn from lists of 18 countries when
# the rules were there; two of their misses ("HAVEL, MARKETA", "Drs. X and Sales") led to a rule.
# hospitals, streets. sentences: {n} a name as written in a report,
# {h} that of one in the headers; {l}, {k} family names alone, of anybody and of one in
# the headers; {d} {D} dates, {f} day and month, {y} year, {t} time, {m} {a} {x} {z} numbers,
# {p} phone, {e} {w} mail, {i} institution, {s} address, {g} age. kept: what must stay.
TEXTS = json.loads(Path(__file__).with_name("dicom_scrub_texts.json").read_text("utf-8"))
PEOPLE = [tuple(each.split("/")) for each in TEXTS["people"]]
UNSEEN = [tuple(each.split("/")) for each in TEXTS["unseen_people"]]
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """A report. pieces: (kind, start, end) of what was planted. own: of the report's own words."""

    text: str
    pieces: Ranges
    own: list[tuple[int, int]]
    identifiers: tuple[Identifier, ...]


def main() -> None:
    """Print the shares."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments.add_argument("--reports", type=int, default=1500)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--failures", type=int, default=40)
    options = arguments.parse_args()
    texts = [*openi(options.data), *structured(options.data)]
    dice = random.Random(options.seed)
    chosen = dice.sample(texts, min(options.reports, len(texts)))
    print(f"{len(texts)} reports, {len(chosen)} planted")
    for style in ("as written", "CAPITALS", "small letters", "unseen people"):
        people = UNSEEN if style == "unseen people" else PEOPLE
        planted = [plant(text, dice, style, people) for text in chosen]
        for name, how in (("scrub", _ours), ("peer", _peer)):
            report(f"{style}, {name}", planted, how, options.failures if name == "scrub" else 0)
    clean(texts)
    eponyms()


def report(title: str, planted: list[Planted], how: _How, failures: int) -> None:
    """Print what went and what stayed."""
    gone: Counter[str] = Counter()
    all_of: Counter[str] = Counter()
    missed: list[str] = []
    words = kept = 0
    start = time.perf_counter()
    removed = [how(each.text, each.identifiers) for each in planted]
    seconds = time.perf_counter() - start
    for each, ranges in zip(planted, removed, strict=True):
        hidden = bytearray(len(each.text))
        for _, first, last in ranges:
            hidden[first:last] = b"\1" * (last - first)
        for kind, first, last in each.pieces:
            all_of[kind] += 1
            shown = zip(each.text[first:last], hidden[first:last], strict=True)
            left = [c for c, hide in shown if not hide]
            # A title or a degree may stay; anything else of a planted piece may not.
            if any(c.isalnum() for c in left):
                missed.append(f"{kind}: {each.text[max(0, first - 30) : last + 12]!r}")
            else:
                gone[kind] += 1
        words += len(each.own)
        kept += sum(not any(hidden[first:last]) for first, last in each.own)
    share = sum(gone.values()) / max(1, sum(all_of.values()))
    print(
        f"\n{title}: gone {share:.4f} of {sum(all_of.values())}, kept {kept / words:.4f} of "
        f"{words} words, {len(planted) / seconds:.0f} reports/s"
    )
    print("   " + ", ".join(f"{kind} {gone[kind]}/{all_of[kind]}" for kind in sorted(all_of)))
    for line in missed[:failures]:
        print("   missed", line)


def clean(texts: list[str]) -> None:
    """Print what is lost where nothing was planted."""
    words = lost = touched = 0
    start = time.perf_counter()
    for text in texts:
        removed = scrub(text).removed
        touched += bool(removed)
        own = [found.span() for found in re.finditer(r"\w+", text)]
        words += len(own)
        lost += sum(any(a < last and first < b for _, first, last in removed) for a, b in own)
    seconds = time.perf_counter() - start
    print(
        f"\nnothing planted: kept {1 - lost / words:.5f} of {words} words, {touched} of "
        f"{len(texts)} reports changed, {len(texts) / seconds:.0f} reports/s"
    )


def eponyms() -> None:
    """Print eponyms and measures that are lost, alone and where headers name such people."""
    families = ("Foley", "Baker", "Hodgkin", "Wilson", "Graves")
    named = [Identifier("name", f"{family}^Ann") for family in families]
    kept = TEXTS["kept"]
    sentences = [f"There is {each} on this study." for each in kept]
    sentences += [f"{each[0].upper()}{each[1:]}." for each in kept]
    wrong = [each for each in sentences if scrub(each).removed]
    things = [each for each in kept if each.split()[0].removesuffix("'s") in families]
    also = [each for each in things if scrub(each, named).removed]
    print(f"\neponyms and measures: {len(wrong)} of {len(sentences)} changed {wrong}")
    print(f"those whose people the headers name: {len(also)} of {len(things)} changed {also}")


def openi(data: Path) -> Iterator[str]:
    """The OpenI reports with their headings."""
    with tarfile.open(data / "medical/openi/NLMCXR_reports.tgz") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.name.endswith(".xml") else None
            if stream is None:
                continue
            sections = ET.parse(stream).getroot().iter("AbstractText")
            lines = [f"{each.get('Label')}: {each.text}" for each in sections if each.text]
            if lines:
                yield "\n".join(lines)


def structured(data: Path) -> Iterator[str]:
    """The texts of the structured reports that name nobody themselves."""
    for path in sorted((data / "dicom/reports").glob("report*.dcm")):
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path, force=True)
            lines = [str(each.value) for each in dataset.iterall() if each.keyword == "TextValue"]
        text = "\n".join(lines)
        if len(text) > 80 and not re.search(r"Dr\.|Clinic|\b19\d\d\b|Iowa", text):
            yield text


def plant(
    text: str, dice: random.Random, style: str, people: Sequence[tuple[str, ...]] = PEOPLE
) -> Planted:
    """The report with sentences in it that identify somebody."""
    patient, physician, other = dice.sample(people, 3)
    mrn, accession = (
        f"{dice.randrange(10**7):08d}",
        f"{dice.choice('ACRX')}{dice.randrange(10**6, 10**7)}",
    )
    where = dice.choice(TEXTS["hospitals"])
    headers = [patient, physician]
    identifiers = [
        Identifier("name", _header(patient, dice), "PatientName"),
        Identifier("name", _header(physician, dice), "ReferringPhysicianName"),
        Identifier("id", mrn, "PatientID"),
        Identifier("id", accession, "AccessionNumber"),
    ]
    if dice.random() < 0.5:
        identifiers.append(Identifier("institution", where, "InstitutionName"))
    wider = [other, *headers]
    values: dict[str, Callable[[], tuple[str, str]]] = {
        "n": lambda: ("name by cue", _written(dice.choice(wider), dice)),
        "h": lambda: ("name by header", _written(dice.choice(headers), dice)),
        "l": lambda: ("name by cue", dice.choice(people)[0]),
        "k": lambda: ("name by header", dice.choice(headers)[0]),
        "d": lambda: ("date", _date(dice)),
        "D": lambda: ("date", _date(dice)),
        "f": lambda: ("date", f"{dice.randint(1, 12)}/{dice.randint(1, 28)}"),
        "y": lambda: ("date", str(dice.randint(1960, 2020))),
        "t": lambda: ("time", _time(dice)),
        "m": lambda: ("id", mrn),
        "a": lambda: ("id", accession),
        "p": lambda: ("phone", _phone(dice)),
        "i": lambda: ("institution", where),
        "s": lambda: ("address", dice.choice(TEXTS["streets"])),
        "g": lambda: ("age", str(dice.randint(90, 104))),
        "e": lambda: ("mail", f"{other[1].lower()}.x@example{dice.randint(1, 9)}.org"),
        "x": lambda: (
            "id",
            f"{dice.randint(100, 899)}-{dice.randint(10, 99)}-4{dice.randint(100, 999)}",
        ),
        "w": lambda: ("mail", "wakefield"),
        "z": lambda: ("id", str(dice.randrange(10**6))),
    }
    values["H"], values["K"] = values["h"], values["k"]
    pieces: Ranges = []
    own: list[tuple[int, int]] = []
    out = ""
    cuts = [0, *(found.end() for found in re.finditer(r"\.\s+", text)), len(text)]
    places = Counter(dice.choices(range(1, len(cuts)), k=dice.randint(2, 5)))
    for number, (first, last) in enumerate(pairwise(cuts), 1):
        sentence = text[first:last]
        spans = [found.span() for found in re.finditer(r"\w+", sentence)]
        own += [(len(out) + a, len(out) + b) for a, b in spans]
        out += sentence
        for _ in range(places[number]):
            out += (
                "" if not out or out[-1].isspace() else " " if out.rstrip()[-1] in ".:;" else ". "
            )
            for literal, field in re.findall(r"([^{]+)|\{(\w)\}", dice.choice(TEXTS["sentences"])):
                if literal:
                    out += literal
                    continue
                kind, value = values[field]()
                pieces.append((kind, len(out), len(out) + len(value)))
                out += value
            out += " "
    # Cases are changed letter by letter where that keeps the length, so that the places hold.
    if style == "CAPITALS":
        out = "".join(c.upper() if len(c.upper()) == 1 else c for c in out)
    elif style == "small letters":
        out = "".join(c.lower() if len(c.lower()) == 1 else c for c in out)
    return Planted(out, pieces, own, tuple(identifiers))


def _header(person: tuple[str, ...], dice: random.Random) -> str:
    family, given = person
    forms = (
        f"{family}^{given}",
        f"{family.upper()}^{given.upper()}^B",
        f"{family}^{given}^^Dr.^MD",
    )
    return dice.choice((*forms, f"{family}, {given}"))


def _written(person: tuple[str, ...], dice: random.Random) -> str:
    family, given = person
    forms = (f"{given} {family}", f"{given[0]}. {family}", f"{given} B. {family}")
    return dice.choice((*forms, f"{family.upper()}, {given.upper()}"))


def _date(dice: random.Random) -> str:
    year, month, day = dice.randint(1998, 2024), dice.randint(1, 12), dice.randint(1, 28)
    name, two = MONTHS[month - 1], f"{month:02d}"
    return dice.choice(
        (
            f"{month}/{day}/{year}", f"{two}/{day:02d}/{year % 100:02d}", f"{year}-{two}-{day:02d}",
            f"{day} {name} {year}", f"{name} {day}, {year}", f"{name[:3]} {day}, {year}",
            f"{day:02d}.{two}.{year}", f"{day:02d}-{name[:3].upper()}-{year}", f"{name} {year}",
            f"{year}{two}{day:02d}", f"{name} {day}th",
        )
    )  # fmt: skip


def _time(dice: random.Random) -> str:
    hour, minute = dice.randint(1, 12), f"{dice.randint(0, 59):02d}"
    later = f"{hour + 8:02d}:{minute}"
    return dice.choice(
        (f"{hour}:{minute} pm", f"{hour}:{minute} a.m.", later, f"{hour}:{minute}PM")
    )


def _phone(dice: random.Random) -> str:
    a, b, c = dice.randint(201, 989), dice.randint(200, 999), f"{dice.randint(0, 9999):04d}"
    near = (f"({a}) {b}-{c}", f"{a}-{b}-{c}", f"{a}.{b}.{c}", f"{b}-{c}")
    return dice.choice((*near, f"+1 {a} {b} {c}", f"+49 89 {a}{c}"))


_How = Callable[[str, tuple[Identifier, ...]], Ranges]


def _ours(text: str, identifiers: tuple[Identifier, ...]) -> Ranges:
    return list(scrub(text, identifiers).removed)


def _peer(text: str, identifiers: tuple[Identifier, ...]) -> Ranges:
    """Patterns as found in scripts: header values and their parts, dates, numbers, "Dr. X"."""
    patterns = [
        r"\b\d{1,2}[/-]\d{1,2}[/-]\d{2,4}\b", r"\b\d{4}-\d{2}-\d{2}\b",
        r"\(?\d{3}\)?[ .-]?\d{3}[ .-]\d{4}",
        r"(?<=Dr\. )[A-Z]\w+(?: [A-Z]\w+)?", r"\b\d{6,}\b", r"\S+@\S+", r"https?://\S+",
        rf"\b(?:{'|'.join(MONTHS)}) \d{{1,2}},? \d{{4}}", r"\b\d{1,2}:\d{2}(?: ?[ap]\.?m\.?)?",
    ]  # fmt: skip
    for each in identifiers:
        parts = re.split(r"[\^, ]+", each.value) if each.kind == "name" else [each.value]
        patterns += [rf"\b{re.escape(part)}\b" for part in parts if len(part) > 2]
    return [("", *found.span()) for each in patterns for found in re.finditer(each, text, re.I)]


if __name__ == "__main__":
    main()
