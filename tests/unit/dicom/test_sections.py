"""Sections of reports: nothing lost, the choice among them, users' headings, hostile texts."""

from __future__ import annotations

import pickle
import re
import tarfile
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from domainclip.errors import BadInput
from domainclip.extractors.dicom.records import Section
from domainclip.extractors.dicom.reports.heading_typos import slips
from domainclip.extractors.dicom.reports.headings import (
    SECTION_NAMES,
    read_headings,
    shipped_headings,
)
from domainclip.extractors.dicom.reports.sections import MIMIC_PREFERENCE, chosen, sections_of

PIECES = [
    "FINDINGS:", "Impression", "IMPRESION -", "findings and impression:", "**COMPARISON:**",
    "1. TECHNIQUE", "INDICATION", "Heart: normal.", "LIVER:", "CHEST, TWO VIEWS:", "WET READ:",
    "the lungs are clear.", "No new findings: none", "___", "XXXX", "FINAL REPORT", "Page 1 of 2",
    "(Over)", "Electronically signed by", "Dr. X", "3:45 PM", "ADDENDUM", "Befund:", "É. Réglé :",
    "------", "F I N D I N G S:", "COMPARED TO", "a/b", "12.5", "\x1c", "\u2028", "'", "(", "*",
]  # fmt: skip
WORD = re.compile(r"[^\W_]+")


def words_of(sections: tuple[Section, ...]) -> Counter[str]:
    """All words of the sections, those under a combined heading once."""
    counted: Counter[str] = Counter()
    group: list[Section] = []
    for section in sections:
        alike = group and section.heading and section.name not in [each.name for each in group]
        if alike and (section.heading, section.text) == (group[0].heading, group[0].text):
            group.append(section)
            continue
        group = [section]
        counted.update(WORD.findall(f"{section.heading}\n{section.text}"))
    return counted


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.sampled_from(PIECES), st.text(max_size=12)),
            st.sampled_from([" ", "\n", "\r\n", "\n\n", "\t", ". ", "\n \n"]),
        ),
        max_size=25,
    ).map(lambda pairs: "".join(piece + gap for piece, gap in pairs))
)
@example("FINDINGS AND IMPRESSION: a\nFINDINGS AND IMPRESSION: a")
@example("findings and impression: findings and impression: ")
def test_every_word_is_in_exactly_one_section(text: str) -> None:
    sections = sections_of(text)
    assert sections
    assert all(section.name in ("", *SECTION_NAMES) for section in sections)
    assert words_of(sections) == Counter(WORD.findall(text))


def test_real_reports_lose_nothing_and_keep_their_sections(shared_data: Path) -> None:
    with tarfile.open(shared_data / "medical" / "openi" / "NLMCXR_reports.tgz") as members:
        found = (member for member in members if member.name.endswith(".xml"))
        for _, member in zip(range(200), found, strict=False):
            stream = members.extractfile(member)
            assert stream is not None
            parts = [
                (each.get("Label"), " ".join("".join(each.itertext()).split()))
                for each in etree.parse(stream).iter("AbstractText")
            ]
            text = " ".join(f"{label}: {body}" for label, body in parts)
            sections = sections_of(text)
            assert words_of(sections) == Counter(WORD.findall(text))
            for label, body in parts:
                if label in ("FINDINGS", "IMPRESSION") and body and "END OF REPORT" not in body:
                    section = chosen(sections, [label.lower()])
                    assert section is not None
                    assert " ".join(section.text.split()) == body


def test_text_without_headings_is_one_section() -> None:
    assert sections_of("Clear lungs.\nNormal heart.") == (
        Section("", "", "Clear lungs. Normal heart."),
    )
    assert sections_of("") == sections_of(" \r\n\t ") == (Section("", "", ""),)


def test_headings_stand_as_in_the_text() -> None:
    found = sections_of("2. **Findings:** clear\n=== IMPRESSION ===\nnormal\nNOTIFICATION: none")
    assert [section.heading for section in found] == ["2. Findings", "IMPRESSION", "NOTIFICATION"]


def test_an_empty_section_is_kept() -> None:
    assert sections_of("COMPARISON:\nFINDINGS: clear")[0] == Section("comparison", "COMPARISON", "")


def test_the_last_section_with_text_of_the_first_name_is_chosen() -> None:
    sections = sections_of(
        "FINDINGS: one\nIMPRESSION: two\nADDENDUM:\nFINDINGS: three\nIMPRESSION:"
    )
    assert chosen(sections, ["impression", "findings"]) == Section(
        "impression", "IMPRESSION", "two"
    )
    assert chosen(sections, ["findings"]) == Section("findings", "FINDINGS", "three")
    assert chosen(sections, ["technique"]) is None


def test_a_combined_heading_serves_each_of_its_names() -> None:
    sections = sections_of("FINDINGS/IMPRESSION: clear")
    assert chosen(sections, ["findings"]) == Section("findings", "FINDINGS/IMPRESSION", "clear")
    assert chosen(sections, ["impression"]) == Section("impression", "FINDINGS/IMPRESSION", "clear")


def test_the_rule_of_mimic() -> None:
    with_headings = sections_of("COMPARISON: none\nFINDINGS: clear")
    assert chosen(with_headings, MIMIC_PREFERENCE) == Section("findings", "FINDINGS", "clear")
    without = sections_of("CHEST RADIOGRAPH\n\nCompared to prior.\n\nEdema:\n1. worse\n2. diffuse")
    last = chosen(without, MIMIC_PREFERENCE)
    assert last == Section("", "", "Edema:\n1. worse\n2. diffuse")
    only = sections_of("COMPARISON: none")
    assert chosen(only, MIMIC_PREFERENCE) == Section("comparison", "COMPARISON", "none")


def test_headings_of_a_users_file(tmp_path: Path) -> None:
    path = tmp_path / "polish.yaml"
    path.write_text("findings: [opis badania]\nimpression: wnioski\nhistory: [comment]\n")
    headings = read_headings(path)
    text = "Opis badania: płuca czyste.\nWNIOSKI: norma.\nComment: x.\nTechnique: TK."
    names = [section.name for section in sections_of(text, headings=headings)]
    assert names == ["findings", "impression", "history", "technique"]
    assert [section.name for section in sections_of(text)] == ["", "", "impression", "technique"]
    assert pickle.loads(pickle.dumps(headings)) == headings


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- a\n- b", "not a mapping"),
        ("findngs: [a]", "Name 1"),
        ("findings: {a: b}", "findings"),
        ("findings: [ok, yes]", "entry 2"),
        ("findings: ['  ']", "entry 1"),
        ("findings: [a b c d e f g h i j k l m n]", "entry 1"),
        ("findings: [a", "line"),
        ("!!python/object/apply:os.getcwd []", "YAML"),
        ("[" * 100_000, "YAML"),
        ("\x00", "YAML"),
        ("a" * 2_000_000, "larger"),
    ],
)
def test_a_bad_headings_file_is_refused_with_its_field(
    tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "secret_name.yaml"
    path.write_text(content)
    with pytest.raises(BadInput, match=said) as error:
        read_headings(path)
    assert "secret_name" not in str(error.value)


def test_an_absent_headings_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be opened"):
        read_headings(tmp_path / "absent.yaml")
    with pytest.raises(BadInput, match="cannot be opened"):
        read_headings(tmp_path)


@pytest.mark.parametrize(
    "word", ["depression", "compression", "medication", "occlusion", "fillings"]
)
def test_ordinary_words_are_no_misspelt_headings(word: str) -> None:
    assert shipped_headings().match(word.upper()) in (None, shipped_headings().match("medication"))


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [("findings", "findings", 0), ("findngs", "findings", 1), ("fidnings", "findings", 1),
     ("fndngs", "findings", 2), ("heart", "findings", 3)],
)  # fmt: skip
def test_slips_are_counted(one: str, other: str, count: int) -> None:
    assert slips(one, other, 2) == slips(other, one, 2) == count


@pytest.mark.parametrize(
    "unit",
    [" ", "_", "*", ":", "\n", "a:", "FINDINGS: ", "A ", "FINDINGS CT ", ". ", "1. ", "- ", "(",
     "page 1 of ", "CHEST: ", "CT FINDINGS: ", "x\n", "aaa ", "Signed. "],
)  # fmt: skip
def test_hostile_texts_take_time_in_proportion(unit: str) -> None:
    def seconds(count: int) -> float:
        text = unit * (count // len(unit))
        begun = time.perf_counter()
        sections_of(text)
        return time.perf_counter() - begun

    assert seconds(160_000) < 4
