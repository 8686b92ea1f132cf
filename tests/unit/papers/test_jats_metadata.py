"""Title, abstract, dates, ids and keywords of an article."""

from __future__ import annotations

from pathlib import Path

import pytest

from domainclip.extractors.papers.jats.article import parse_jats
from domainclip.extractors.papers.records import Article


def article(meta: str, attributes: str = "", journal: str = "") -> Article:
    text = (
        f"<article {attributes}><front><journal-meta>{journal}</journal-meta><article-meta>{meta}"
        "</article-meta></front><body/></article>"
    )
    return parse_jats(text.encode(), "a.xml")


def test_identifiers_old_and_new() -> None:
    for kind, value in (("pmc", "123"), ("pmcid", "PMC123"), ("pmc", "PMC123.2")):
        found = article(
            f"<article-id pub-id-type='{kind}'>{value}</article-id>"
            "<article-id pub-id-type='pmid'> 42 </article-id><article-id pub-id-type='doi'>"
            "https://doi.org/10.1000/ABC.1</article-id>"
            "<article-id pub-id-type='pmcaid'>9</article-id>"
        )
        assert found.ids == {"pmcid": "PMC123", "pmid": "42", "doi": "10.1000/abc.1"}


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ("<pub-date pub-type='ppub'><year>2013</year></pub-date>", "2013"),
        ("<pub-date pub-type='ppub'><month>Apr</month><year>2013</year></pub-date>", "2013-04"),
        ("<pub-date><day>31</day><month>12</month><year>2013</year></pub-date>", "2013-12-31"),
        ("<pub-date><month>13</month><year>2013</year></pub-date>", "2013"),
        ("<pub-date><season>Spring</season><year>2013</year></pub-date>", "2013"),
        ("<pub-date iso-8601-date='2013-04-19'><year>2013</year></pub-date>", "2013-04-19"),
        ("<pub-date pub-type='collection'><year>2012</year></pub-date><pub-date pub-type='epub'>"
         "<day>1</day><month>2</month><year>2013</year></pub-date>", "2013-02-01"),
        ("<pub-date><year>soon</year></pub-date>", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_dates(dates: str, expected: str) -> None:
    assert article(dates).date == expected


def test_title_with_subtitle_and_without_footnote_marks() -> None:
    found = article(
        "<title-group><article-title>CO<sub>2</sub> in <italic>vivo</italic><xref ref-type='fn' "
        "rid='n'>*</xref></article-title><subtitle>a study</subtitle></title-group>"
    )
    assert found.title == "CO₂ in vivo: a study"


def test_the_abstract_and_not_its_neighbours() -> None:
    found = article(
        "<abstract abstract-type='toc'><p>Short.</p></abstract><abstract><title>Abstract</title>"
        "<sec><title>Aims</title><p>We did.</p></sec></abstract>"
    )
    assert found.abstract == "Aims We did."


def test_keywords_in_the_articles_language_and_mesh_apart() -> None:
    found = article(
        "<kwd-group xml:lang='en'><title>Keywords</title><kwd>liver</kwd><kwd>x-ray</kwd>"
        "</kwd-group>"
        "<kwd-group xml:lang='de'><kwd>Leber</kwd></kwd-group>"
        "<kwd-group kwd-group-type='MeSH'><kwd>Humans</kwd></kwd-group>"
        "<kwd-group kwd-group-type='abbreviations'><kwd>CT</kwd></kwd-group>",
        "xml:lang='en'",
    )
    assert (found.keywords, found.mesh, found.lang) == (("liver", "x-ray"), ("Humans",), "en")


def test_comments_are_nowhere_in_the_answer() -> None:
    found = article(
        "<!-- c --><abstract><!-- c --><p>We<!-- c --></p></abstract><permissions><license>"
        "<!-- c --><license-p>CC BY<!-- c --></license-p></license></permissions>"
    )
    assert (found.abstract, found.license, found.license_text) == ("We", "CC-BY", "CC BY")


def test_journal() -> None:
    full = "<journal-title-group><journal-title>Acta</journal-title></journal-title-group>"
    assert article("", journal=full).journal == "Acta"
    assert article("", journal="<journal-id journal-id-type='nlm-ta'>A B</journal-id>").journal == (
        "A B"
    )


@pytest.mark.parametrize(
    ("attributes", "meta", "retracted"),
    [
        ("article-type='retraction'", "", True),
        ("", "<title-group><article-title>RETRACTED: Cells</article-title></title-group>", True),
        ("", "<related-article related-article-type='retraction-forward'/>", True),
        ("", "<title-group><article-title>Retraction of the eyelid</article-title></title-group>",
         False),
        ("", "<title-group><article-title>Withdrawal of a drug</article-title></title-group>",
         False),
        ("article-type='research-article'", "", False),
    ],
)  # fmt: skip
def test_retracted(attributes: str, meta: str, retracted: bool) -> None:
    assert article(meta, attributes).retracted is retracted


def test_every_figure_and_link_of_real_articles(shared_data: Path) -> None:
    gold_papers = sorted((shared_data / "papers" / "jats").glob("*.nxml"))
    found = [parse_jats(path.read_bytes(), path.name) for path in gold_papers]
    assert len(found) == 11
    assert all(a.title and a.abstract and a.journal and len(a.date) == 10 and a.ids for a in found)
    assert all(f.caption and f.graphics for a in found for f in a.figures if f.kind == "figure")
