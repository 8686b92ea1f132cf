"""Which figures a text cites, and the paragraphs of a PDF that cite one."""

from __future__ import annotations

import pymupdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainclip.extractors.papers.pdf.captions import find_captions
from domainclip.extractors.papers.pdf.citations import citations, stems
from domainclip.extractors.papers.pdf.labels import read_label
from domainclip.extractors.papers.pdf.mentions import find_mentions
from domainclip.extractors.papers.pdf.page import read_page
from domainclip.extractors.papers.pdf.wording import Words, joined
from tests.data.typeset import paragraph, picture, prose, reopened

KNOWN = {("figure", str(number)) for number in range(1, 10)}


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("(Figs. 2, 3 and 5B)", "2 3 5B"),
        ("see Fig. 2A and B, and Figs. 3-5.", "2AB 3 4 5"),
        ("Fig. 2A, 3B", "2A 3B"),
        ("as in Fig. 2, 3 mice were", "2"),
        ("Figures 1(a) and 2(b)", "1A 2B"),
        ("Figs. 1A\u20131C", "1ABC"),
        ("Fig. 7C-F, H", "7CDEFH"),
        ("Fig. 2 a cell", "2"),
        ("Supplementary Figs. 4 to 6", "S4 S5 S6"),
        ("Extended Data Fig. 2b", "ED2B"),
        ("Plate 3", "Plate3"),
        ("configure 2", ""),
        ("\u5982\u56fe3\u6240\u793a", "3"),
        ("wie Abb. 3a zeigt", "3A"),
    ],
)
def test_what_a_text_cites(text: str, cited: str) -> None:
    begin = stems(["\u56fe1", "Abb. 2", "Plate 1"])
    found = [each.number + "".join(each.panels) for each in citations(text, KNOWN, begin)]
    assert " ".join(found) == cited


@given(st.text(alphabet="Figs. 0123456789AaBb-,;()and|:S\u2013", max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    for each in citations("Fig" + text, KNOWN, stems([])):
        assert each.number
    label = read_label("Fig" + text)
    assert label is None or (label.number and label.end <= len(text) + 3)


@pytest.mark.parametrize(
    ("line", "number", "mark"),
    [
        ("Figure 1\u2014figure supplement 2. The", "1-S2", "."),
        ("Extended Data Fig. 4 | The", "ED4", "|"),
        ("Supplementary Figure S3: The", "S3", ":"),
        ("\u56fe\uff11-2 \u6807\u9898", "1-2", ""),
        ("\u0420\u0438\u0441. 2. \u0420\u043e\u0441\u0442", "2", "."),
        ("F I G U R E 3. The", "3", "."),
        ("Table -1: The", "1", ":"),
    ],
)
def test_numbers_of_labels(line: str, number: str, mark: str) -> None:
    label = read_label(line)
    assert label is not None
    assert (label.number, label.mark) == (number, mark)


@pytest.mark.parametrize("line", ["Mapping 2", "figure 3 shows", "Figure", "Fig. 2) and", "A 3"])
def test_what_is_no_label(line: str) -> None:
    assert read_label(line) is None


def test_paragraphs_are_whole_over_columns_and_given_once() -> None:
    document = pymupdf.open()
    page = document.new_page()
    picture(page, 60, 60, 290, 200)
    paragraph(page, 60, 215, 230, "Figure 1. Growth of the cells.", size=8, bold=2)
    y = paragraph(page, 60, 240, 230, prose(44))
    cut = "The cells in Fig. 1A grew, and went on to do so (Fig. 1C) while the others were"
    y = paragraph(page, 60, y, 230, cut, indent=12)
    y = paragraph(page, 310, 60, 230, "left as they had been before.")
    paragraph(page, 310, y, 230, f"Another paragraph cites nothing at all. {prose(30)}", indent=12)
    document = reopened(document)
    pages = [read_page(document, 0)]
    mentions = find_mentions(pages, find_captions(pages))
    assert list(mentions) == [("figure", "1")]
    [mention] = mentions["figure", "1"]
    assert mention.text == f"{cut} left as they had been before."
    assert mention.panels == ("A", "C")


def test_a_sign_that_cannot_be_read_leaves_a_gap_before_its_number() -> None:
    # fonts without a table give their minus as a control character; 4.63 would be another result
    text = joined(["WMD = \x014.63, 95% CI \x0116.07; a\x01b"], Words([]))
    assert text == "WMD = \ufffd4.63, 95% CI \ufffd16.07; a b"
