"""Forms of one article joined: figures by number or caption, what one lacks from the other."""

from __future__ import annotations

import pytest

from domainclip.extractors.papers.merging import filled, merge, number_of
from domainclip.extractors.papers.records import Article, Box, Figure

CAPTION = "Growth of the culture over ten days at thirty degrees"


def _shown(*labels: str, caption: str = CAPTION) -> Article:
    figures = (
        Figure(id=f"fig{at}", label=label, caption=f"{caption}, {at}.", box=Box(at, 0, 0, 9, 9))
        for at, label in enumerate(labels)
    )
    return Article(form="pdf", figures=tuple(figures))


def _told(*labels: str, caption: str = CAPTION, kind: str = "figure") -> Article:
    figures = (
        Figure(id=f"F{at}", label=label, caption=f"{caption}, {at}.", kind=kind)  # type: ignore[arg-type]
        for at, label in enumerate(labels)
    )
    return Article(form="jats", figures=tuple(figures))


@pytest.mark.parametrize(
    "label, number",
    [
        ("Figure 2", ("figure", "2")),
        ("Fig. 2", ("figure", "2")),
        ("FIG2", ("figure", "2")),
        ("Abbildung 2", ("figure", "2")),
        ("图 2", ("figure", "2")),
        ("Fig. S1", ("figure", "s1")),
        ("Supplementary Figure S1", ("figure", "s1")),
        ("Supplementary Figure 1", ("supplement figure", "1")),
        ("Extended Data Fig. 2", ("extended figure", "2")),
        ("Figure A.1", ("figure", "a.1")),
        ("Table IV", ("table", "iv")),
        ("Scheme 1", ("scheme", "1")),
        ("", ("figure", "")),
    ],
)
def test_labels_are_a_kind_and_a_number(label: str, number: tuple[str, str]) -> None:
    assert number_of(label) == number


def test_figures_are_joined_by_number() -> None:
    _, figures = merge({"jats": _told("Figure 2", "Figure 1"), "pdf": _shown("Fig. 1", "Fig. 2")})
    assert [each.shown.label if each.shown else None for each in figures] == ["Fig. 2", "Fig. 1"]


def test_figures_without_labels_are_joined_by_caption() -> None:
    _, figures = merge({"jats": _told("", ""), "pdf": _shown("Fig. 1")})
    assert [each.shown is not None for each in figures] == [True, False]


def test_a_video_does_not_take_a_figures_place() -> None:
    video = _told("Video 1", caption="Something else entirely", kind="supplementary")
    figure = _told("Figure 1")
    both = Article(form="jats", figures=video.figures + figure.figures)
    _, figures = merge({"jats": both, "pdf": _shown("Figure 1")})
    assert [each.shown is not None for each in figures] == [False, True]


def test_captions_of_other_articles_are_not_joined() -> None:
    other = _shown("Figure 1", caption="Rainfall in the northern valleys by month and height")
    _, (figure,) = merge({"jats": _told("Figure 1"), "pdf": other})
    assert figure.shown is None


def test_a_text_without_figures_leaves_them_to_the_pdf() -> None:
    article, figures = merge({"jats": Article(form="jats", title="T"), "pdf": _shown("Fig. 1")})
    assert (article.form, article.title, len(figures)) == ("pdf", "T", 1)
    assert figures[0].form == "pdf"


@pytest.mark.parametrize(
    "one, other, ruling",
    [
        ("CC-BY-4.0", "", "CC-BY-4.0"),
        ("", "CC-BY-4.0", "CC-BY-4.0"),
        ("unknown", "CC-BY-4.0", "CC-BY-4.0"),
        ("CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-NC-4.0"),
        ("CC-BY-NC-4.0", "CC-BY-4.0", "CC-BY-NC-4.0"),
        ("unknown", "", "unknown"),
        ("", "", ""),
    ],
)
def test_of_two_licences_the_stricter_stands(one: str, other: str, ruling: str) -> None:
    first, second = Article(form="jats", license=one), Article(form="pdf", license=other)
    assert filled(first, second).license == ruling
