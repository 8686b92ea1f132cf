"""The sections of a free-text report, and the one to caption an image with."""

from __future__ import annotations

import re
from collections.abc import Sequence

from domainclip.extractors.dicom.records import Section

from .heading_places import places
from .heading_rules import Place
from .headings import Headings, shipped_headings

__all__ = ["MIMIC_PREFERENCE", "chosen", "sections_of"]

# Of the MIMIC-CXR authors' section parser (MIT-LCP/mimic-cxr): the last section of the first name
# that the report has. "last_paragraph" is the end of what stands under no heading of a name.
MIMIC_PREFERENCE = ("impression", "findings", "last_paragraph", "comparison")

_BODY = frozenset(("findings", "impression", "recommendation", "addendum"))
_LINE_ENDS = re.compile(r"\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_BLANKS = str.maketrans({"\t": " ", "\xa0": " ", "\u202f": " ", "\ufeff": " ", "\u200b": " "})
_FOOTER = re.compile(
    r"(?:.{0,80}\W)?(?:page|seite|p[áa]gina?|pagina)\s+\d{1,3}\s?(?:of|/|von|de|di|van|sur)\s?\d{1,3}\W?"
    r"|\W{0,2}page\s\d{1,3}\W{0,2}|\(\s?(?:over|cont(?:inued|\.|'d)?)\s?\)",
    re.IGNORECASE,
)
_MAYBE_FOOTER = re.compile(r"\b(?:page|seite|p[áa]g|over|cont)", re.IGNORECASE)
_RULE = re.compile(r"_{4,}|([-=*~#.•])\1{2,}")
_ITEM = re.compile(r"\(?(?:\d{1,2}|[A-Za-z])[.)]\s|[-*•·>+]\s*\S|[A-ZÀ-Þ][\w ,/&'-]{1,40}:(?:\s|$)")
_LIST = re.compile(r"\(?(?:\d{1,2}|[A-Za-z])[.)]\s|[-*•·+]\s")
_EDGES = " \t\n*#>|_=~"


def sections_of(text: str, *, headings: Headings | None = None) -> tuple[Section, ...]:
    """The report cut at its headings, in order; without a heading one ``Section("", "", text)``.

    headings: from ``read_headings``; the shipped ones where it is None. A section's heading stands
    as in the text, without the marks around it; its text has one line to a paragraph, list item and
    organ ("Heart: normal."), single blanks elsewhere. Every word of the report is in the heading or
    the text of exactly one section, but for a combined heading ("FINDINGS AND IMPRESSION:"): it
    gives a section for each of its names, one after the other, with the same heading and text.

    Headings of organs, of parts of an examination and in words of their own stay in the findings
    and the impression, as text; elsewhere, words in capitals with a colon at the start of a line
    begin a section of name "". The title of an examination ("PORTABLE CHEST:") is an examination,
    and where the report has no heading for findings, the sentences below it are the findings, as
    those are that begin with an organ's heading. Signatures and the like begin a section of name
    ""; page footers are taken out of the text they interrupt and come last.
    """
    headings = headings or shipped_headings()
    text = _LINE_ENDS.sub("\n", text).translate(_BLANKS)
    text, footers = _without_footers(text)
    cut = _Cut(text, places(text, headings))
    sections = cut.sections()
    sections += [Section("", footer, "") for footer in footers]
    return tuple(sections) or (Section("", "", ""),)


def chosen(sections: Sequence[Section], preference: Sequence[str]) -> Section | None:
    """The last section with text of the first name in the preference that has one, else None.

    "last_paragraph" as a name stands for the last paragraph, list items with what they follow, of
    the last section of name "" with text that is no signature and no heading's own.
    """
    for name in preference:
        for section in reversed(sections):
            if name == "last_paragraph":
                if section.name == "" and section.heading == "" and section.text:
                    return Section("", "", _last_paragraph(section.text))
            elif section.name == name and section.text:
                return section
    return None


def _last_paragraph(text: str) -> str:
    lines = text.split("\n")
    first = len(lines) - 1
    while first and _LIST.match(lines[first]):
        first -= 1
    return "\n".join(lines[first:])


def _without_footers(text: str) -> tuple[str, list[str]]:
    """The text without the lines that number its pages, and these lines."""
    footers: list[str] = []
    if not _MAYBE_FOOTER.search(text):
        return text, footers
    lines = []
    for line in text.split("\n"):
        words = " ".join(line.split()) if len(line) < 240 else ""
        if len(words) <= 100 and _FOOTER.fullmatch(words):
            footers.append(words)
        else:
            lines.append(line)
    return "\n".join(lines), footers


class _Cut:
    """The text cut at those of its places that begin a section where they stand."""

    def __init__(self, text: str, found: list[Place]) -> None:
        self.text = text
        self.found = found
        self.has_findings = any("findings" in place.match.labels for place in found)

    def sections(self) -> list[Section]:
        cuts: list[tuple[tuple[str, ...], str, int, int]] = [(("",), "", 0, 0)]
        for number, place in enumerate(self.found):
            names, _, _, begun = cuts[-1]
            opened = self._opened(place, names, begun, number)
            if opened is None:
                continue
            keeps_words = place.match.labels[0] == "organs" and opened[0] == "findings"
            heading = "" if keeps_words else _heading(self.text[place.start : place.end], place)
            cuts.append((opened, heading, place.start, place.start if keeps_words else place.end))
        sections = []
        for number, (names, heading, _, begin) in enumerate(cuts):
            end = cuts[number + 1][2] if number + 1 < len(cuts) else len(self.text)
            text = _paragraphs(self.text[begin:end])
            if heading or text:
                sections += [Section(name, heading, text) for name in names]
        return sections

    def _opened(
        self, place: Place, names: tuple[str, ...], begun: int, number: int
    ) -> tuple[str, ...] | None:
        """The names of the section that the place opens below one of these names, or None."""
        label = place.match.labels[0]
        in_body = bool(_BODY.intersection(names))
        if label == "organs":
            if in_body or place.at != "line" or not (place.loud or not names[0]):
                return None
            if self.has_findings:
                return ("",) if place.loud == 2 else None
            return ("findings",)
        if label == "title":
            if in_body or place.at != "line" or not place.loud:
                return None
            return ("findings",) if self._tells(place, number) else ("examination",)
        if label == "unknown":
            return None if in_body else ("",)
        if label.endswith(" part"):
            name = label.removesuffix(" part")
            return None if in_body or name in names else (name,)
        if label in ("other", "signature"):
            return ("",)
        again = place.match.qualified and place.match.labels[0] in names
        if again and self.text[begun : min(place.start, begun + 400)].strip():
            return None  # "CT CHEST FINDINGS:", then "CT ABDOMEN FINDINGS:"
        return place.match.labels

    def _tells(self, place: Place, number: int) -> bool:
        """Whether the text below the title of an examination is its findings."""
        if self.has_findings:
            return False
        ahead = [
            later.start
            for later in self.found[number + 1 : number + 30]
            if later.match.labels[0] != "organs"
        ]
        end = min(place.end + 400, ahead[0] if ahead else len(self.text))
        return len(self.text[place.end : end].split()) >= 4


def _heading(raw: str, place: Place) -> str:
    """The heading as it stands, without bold marks and colon; a number before it is kept."""
    number = re.match(r"[\W_]*([\dA-Za-z]{1,4}[.)])\s", raw[: place.phrase - place.start] + " ")
    words = " ".join(place.heading.split()).strip(_EDGES)
    return f"{number[1]} {words}" if number else words


def _paragraphs(text: str) -> str:
    """One line to a paragraph, a list item, an organ; rules of dashes are left out."""
    if "\n" not in text.strip():
        return " ".join(text.split()).strip("*#| ")
    lines: list[str] = []
    fresh = True
    for line in text.split("\n"):
        words = " ".join(line.split())
        if not words or (_RULE.search(words) and not any(map(str.isalnum, words))):
            fresh = True
        elif fresh or _ITEM.match(words):
            lines.append(words)
            fresh = False
        else:
            lines[-1] += " " + words
    return "\n".join(lines).strip("*#| \n")
