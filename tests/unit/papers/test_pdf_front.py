"""What a PDF says of itself: licence, DOI, arXiv number, title."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pymupdf
import pytest

from domainclip.extractors.papers.jats.article import parse_jats
from domainclip.extractors.papers.licences import allows
from domainclip.extractors.papers.pdf.front import ids_of, license_of, title_of
from domainclip.extractors.papers.pdf.opening import open_pdf
from domainclip.extractors.papers.pdf.page import read_page

BODY = "The cells were kept at thirty degrees and counted twice a day by one observer. " * 9
CC_BY = (
    "This is an open access article distributed under the Creative Commons Attribution License, "
    "which permits unrestricted use, provided the original work is properly cited."
)
CC_BY_NC = (
    "This article is distributed under the terms of the Creative Commons "
    "Attribution-NonCommercial 4.0 International License "
    "(http://creativecommons.org/licenses/by-nc/4.0/)."
)


def _read(*pages: tuple[str, ...]) -> list[Any]:
    with pymupdf.open() as document:
        for texts in pages:
            page = document.new_page()
            for at, text in enumerate(texts):
                page.insert_textbox((60, 30 + 200 * at, 540, 220 + 200 * at), text, fontsize=10)
        return [read_page(document, number) for number in range(document.page_count)]


@pytest.mark.parametrize(
    "pages, license",
    [
        (((BODY, CC_BY),), "CC-BY"),
        (((BODY,), (BODY,), (BODY, CC_BY_NC)), "CC-BY-NC-4.0"),
        (((BODY, CC_BY), (BODY, CC_BY_NC)), "CC-BY-NC-4.0"),  # the strictest
        (((BODY,),), "unknown"),
        (((BODY + "Open access to the data was granted by the hospital.",),), "unknown"),
        (
            ((BODY,), (BODY,), (BODY, CC_BY), (BODY,), (BODY,)),
            "unknown",
        ),  # in the middle: another's
    ],
)
def test_the_licence_is_the_strictest_statement(pages: Any, license: str) -> None:
    found, statement = license_of(_read(*pages))
    assert found == license
    assert bool(statement) == (license != "unknown")


def test_its_own_doi_stands_at_the_edge_of_the_first_page() -> None:
    data = "Data are at http://dx.doi.org/10.1155/2015/862924."
    pages = _read(("Journal of Cells (doi: 10.1234/Cells.77).", BODY + data))
    assert ids_of(pages) == {"doi": "10.1234/cells.77"}
    assert ids_of(_read(("arXiv:2310.06825v1 [cs.CL] 10 Oct 2023",))) == {"arxiv": "2310.06825"}
    assert ids_of([]) == {}


@pytest.mark.parametrize(
    "written, title",
    [
        ("Growth of cells &amp; tissues", "Growth of cells & tissues"),
        ("Microsoft Word - draft 3.doc", ""),
        ("265_2015_1952_Article 1383..1394", ""),
        ("Proceedings Template - WORD", ""),
        ("", ""),
    ],
)
def test_a_title_is_no_file_name(written: str, title: str) -> None:
    with pymupdf.open() as document:
        document.new_page()
        document.set_metadata({"title": written})
        assert title_of(document) == title


def test_real_articles_say_of_themselves_what_their_xml_says(shared_data: Path) -> None:
    right = 0
    for folder in sorted((shared_data / "papers" / "twins").iterdir()):
        if not folder.is_dir():
            continue
        article = parse_jats((folder / "fulltext.xml").read_bytes(), folder.name)
        with open_pdf((folder / "fulltext.pdf").read_bytes(), folder.name) as document:
            last = document.page_count - 1
            pages = [read_page(document, at) for at in sorted({0, 1, last - 1, last})]
        license, _ = license_of(pages)
        assert allows(article.license, "commercial") or not allows(license, "commercial")
        right += license != "unknown"
    assert right >= 38
