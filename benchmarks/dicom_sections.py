"""Sections of free-text reports: findings and impression exactly right, by disorder, and reports/s.

    .venv/bin/python benchmarks/dicom_sections.py [../shared/data] [--seed 0] [--show N]

The 3,955 OpenI reports, whose sections are known, are written as free text in nine ways, each drawn
from the seed: as in MIMIC-CXR (a leading space, capitals, colon, wrapped lines), without the
leading space, with headings in small letters, all on one line, with CRLF, with one or two slips in
each heading, with combined headings ("FINDINGS AND IMPRESSION:"), with headings on lines of their
own without a colon, and with several of these at once. A section that is empty in OpenI is written
as a bare heading or left out. A report counts where its findings and its impression both equal the
source's after white space is normalised ("" where it has none); under a combined heading both are
the two texts joined, and one of the two suffices there, as MIMIC-CXR's rules give but one.

Beside it, on the same texts, a peer: the rules of MIMIC-CXR's section parser, written from their
description. Printed: the share for each, their ratio, and reports per second of one core's time.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tarfile
import textwrap
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from domainclip.extractors.dicom.reports.sections import chosen, sections_of

LABELS = ("COMPARISON", "INDICATION", "FINDINGS", "IMPRESSION")
DISORDERS = ("spaceless", "lower", "one_line", "crlf", "typos", "combined", "no_colon")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Written:
    """A report as free text, and what its findings and impression are."""

    text: str
    findings: str
    impression: str
    combined: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, nargs="?", default=Path("../shared/data"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=0, help="print this many failures of each kind")
    arguments = parser.parse_args()
    archive = arguments.data / "medical" / "openi" / "NLMCXR_reports.tgz"
    if not archive.is_file():
        sys.exit(f"{archive}: not there. Name the data folder.")
    reports = list(_reports(archive))
    print(f"{len(reports):,} reports; findings and impression both right, %")
    print(f"{'':12}{'ours':>8}{'MIMIC':>8}{'ratio':>8}{'ours/s':>10}{'MIMIC/s':>10}")
    totals = [0, 0, 0]
    for kind in ("as_is", *DISORDERS, "mixed"):
        rng = random.Random(f"{arguments.seed} {kind}")
        written = [_written(report, kind, rng) for report in reports]
        ours, our_seconds = _scored(written, _ours, arguments.show, kind)
        peer, peer_seconds = _scored(written, _mimic, 0, kind)
        _print_row(kind, ours, peer, len(written), our_seconds, peer_seconds)
        totals = [totals[0] + ours, totals[1] + peer, totals[2] + len(written)]
    _print_row("all", *totals)


def _print_row(
    kind: str, ours: int, peer: int, count: int, our_s: float = 0.0, peer_s: float = 0.0
) -> None:
    ratio = f"{ours / peer:.2f}x" if peer else "-"
    rates = f"{count / our_s:10,.0f}{count / peer_s:10,.0f}" if our_s and peer_s else ""
    print(f"{kind:12}{100 * ours / count:8.2f}{100 * peer / count:8.2f}{ratio:>8}{rates}")


def _reports(archive: Path) -> Iterator[dict[str, str]]:
    with tarfile.open(archive) as members:
        for member in members:
            stream = members.extractfile(member) if member.name.endswith(".xml") else None
            if stream is None:
                continue
            found = etree.parse(stream).iter("AbstractText")
            yield {each.get("Label"): _plain("".join(each.itertext())) for each in found}


def _plain(text: str) -> str:
    return " ".join(text.split())


def _written(report: dict[str, str], kind: str, rng: random.Random) -> Written:
    mixed = {each for each in DISORDERS if rng.random() < 0.5}
    how = mixed if kind == "mixed" else {kind}
    if "one_line" in how:
        how -= {"no_colon", "crlf"}
    parts = [(label, report.get(label, "")) for label in LABELS]
    findings, impression = parts[2][1], parts[3][1]
    combined = "combined" in how
    if combined:
        joint = rng.choice((" AND ", "/", " / ", " & "))
        findings = impression = _plain(f"{findings} {impression}")
        body = [(f"FINDINGS{joint}IMPRESSION", findings)]
        head = parts[:2]
        if rng.random() < 0.5:
            both = f"{parts[0][0]}{joint}{parts[1][0]}"
            head = [(both, _plain(f"{parts[0][1]} {parts[1][1]}"))]
        parts = head + body
    parts = [(label, text) for label, text in parts if text or rng.random() < 0.5]
    blocks = [_block(label, text, how, rng) for label, text in parts]
    if "one_line" in how:
        text = " ".join(_plain(block) for block in blocks)
    else:
        title = " " * 33 + "FINAL REPORT"
        text = "\n".join([title, *(f"{block}\n" for block in blocks)])
        if "spaceless" in how:
            text = "\n".join(line.strip() for line in text.split("\n"))
    return Written(
        text.replace("\n", "\r\n") if "crlf" in how else text, findings, impression, combined
    )


def _block(label: str, text: str, how: set[str], rng: random.Random) -> str:
    if "typos" in how:
        label = " ".join(_slipped(word, rng) for word in re.split(r" ", label))
    if "lower" in how:
        label = rng.choice((str.lower, str.lower, str.capitalize, str.title))(label)
    if "no_colon" in how:
        body = _wrapped(text)
        return f" {label}\n{body}"
    return _wrapped(f"{label}:  {text}")


def _wrapped(text: str) -> str:
    # a break inside "x-ray" could not be told from a blank
    return textwrap.fill(
        text, 78, initial_indent=" ", subsequent_indent=" ",
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip


def _slipped(word: str, rng: random.Random) -> str:
    """The word with a slip, in long words now and then two; short ones as they are."""
    if len(word) < 6:
        return word
    for _ in range(2 if rng.random() < 0.2 else 1):
        place = rng.randrange(len(word))
        if word[place] == "/":
            continue
        before, letter, after = word[:place], word[place], word[place + 1 :]
        slip = rng.randrange(5)
        if slip == 0:
            word = before + after
        elif slip == 1:
            word = before + letter + letter + after
        elif slip == 2:
            word = before + rng.choice(LETTERS) + letter + after
        elif slip == 3:
            word = before + rng.choice(LETTERS) + after
        elif after and after[0] != "/":
            word = before + after[0] + letter + after[1:]
    return word


def _scored(written: Sequence[Written], method: object, show: int, kind: str) -> tuple[int, float]:
    assert callable(method)
    begun = time.process_time()
    found = [method(each.text) for each in written]
    seconds = time.process_time() - begun
    right = 0
    for each, (findings, impression) in zip(written, found, strict=True):
        good = (findings, impression) == (each.findings, each.impression)
        if each.combined and not good:
            good = {findings, impression} == {"", each.impression}
        right += good
        if not good and show > 0:
            show -= 1
            print(f"--- {kind}\n{each.text}\n=> {findings!r}\n=> {impression!r}")
    return right, seconds


def _ours(text: str) -> tuple[str, str]:
    sections = sections_of(text)
    found = (chosen(sections, [name]) for name in ("findings", "impression"))
    findings, impression = (_plain(each.text) if each else "" for each in found)
    return findings, impression


MIMIC_HEADING = re.compile(r"\n ([A-Z ()/,-]+):\s")
MIMIC_NAMES = {
    "conclusion": "impression",
    "findings and impression": "impression",
    "findings/impression": "impression",
    "comparisons": "comparison",
    "clinical history": "history",
    "reason for exam": "indication",
    "reason for examination": "indication",
    "ndication": "impression",  # as there
    "finding": "findings",
    **dict.fromkeys(("imperssion", "mpression", "impession"), "impression"),
    **dict.fromkeys(
        ("impresson", "imprression", "imoression", "impressoin", "imprssion", "impresion"),
        "impression",
    ),
    **dict.fromkeys(
        ("findins", "findindgs", "findgings", "findngs", "findnings", "finidngs"), "findings"
    ),
}
MIMIC_VIEWS = ("chest", "portable", "pa and lateral", "ap and lateral", "two views", "frontal view")


def _mimic(text: str) -> tuple[str, str]:
    """The last findings and the last impression by the rules of MIMIC-CXR's section parser."""
    found: dict[str, str] = {}
    heading = MIMIC_HEADING.search(text)
    while heading:
        name, begin = heading[1].lower().strip(), heading.end()
        # the line of a heading holds no other
        skip = max(0, text[begin:].find("\n"))
        following = MIMIC_HEADING.search(text, begin + skip)
        body = _plain(text[begin : following.start() if following else len(text)])
        name = _mimic_name(name)
        if body or name not in ("findings", "impression"):
            found[name] = body
        heading = following
    return found.get("findings", ""), found.get("impression", "")


def _mimic_name(name: str) -> str:
    if name in MIMIC_NAMES:
        return MIMIC_NAMES[name]
    for known in ("impression", "findings", "history", "comparison", "addendum"):
        if known in name:
            return known
    return "findings" if any(view in name for view in MIMIC_VIEWS) else name


if __name__ == "__main__":
    main()
