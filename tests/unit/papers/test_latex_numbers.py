"""A figure's label has the number that is printed: the PDF's region is found by it."""

from __future__ import annotations

import pytest

from .latex_papers import article, figures_of

FIGURE = r"\begin{figure}\includegraphics{a}\caption{T.}\end{figure}"


def labels(body: str, preamble: str = "", **more: str) -> list[str]:
    return [figure.label for figure in figures_of(body, preamble, **more)]


def test_figures_count_from_one_and_starred_captions_do_not_count() -> None:
    body = FIGURE + FIGURE.replace(r"\caption", r"\caption*") + FIGURE
    assert labels(body) == ["Figure 1", "", "Figure 2"]


def test_floats_without_captions_do_not_count() -> None:
    body = r"\begin{figure}\includegraphics{b}\end{figure}" + FIGURE
    first, second = figures_of(body)
    assert (first.label, first.caption) == ("", "")
    assert second.label == "Figure 1"


def test_counters_are_obeyed() -> None:
    body = FIGURE + r"\setcounter{figure}{6}" + FIGURE + r"\addtocounter{figure}{-1}" + FIGURE
    assert labels(body) == ["Figure 1", "Figure 7", "Figure 7"]


def test_continued_floats_repeat_their_number_and_go_on_with_panels() -> None:
    body = r"""\begin{figure}\subfloat[One.]{\includegraphics{a}}\caption{T.}\end{figure}
    \begin{figure}\ContinuedFloat\subfloat[Two.]{\includegraphics{b}}\caption{Continued.}\end{figure}"""
    found = figures_of(body) + figures_of(FIGURE)
    assert [f.label for f in found[:2]] == ["Figure 1", "Figure 1"]
    assert [f.caption for f in found[:2]] == ["T. (a) One.", "Continued. (b) Two."]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (r"\renewcommand{\thefigure}{S\arabic{figure}}\setcounter{figure}{0}", "Figure S1"),
        (r"\renewcommand\thefigure{\thesection.\arabic{figure}}\section{X}", "Figure 1.2"),
        (r"\appendix\section{X}\renewcommand{\thefigure}{\thesection\arabic{figure}}", "Figure A2"),
        (r"\makeatletter\renewcommand{\thefigure}{S\@arabic\c@figure}\makeatother", "Figure S2"),
        (r"\renewcommand{\thefigure}{\Roman{figure}}", "Figure II"),
        (r"\def\thefigure{A-\number\value{figure}}", "Figure A-2"),
        (r"\appendix\counterwithin{figure}{section}\section{X}", "Figure A.1"),
        (r"\renewcommand{\figurename}{Supplementary Fig.}", "Supplementary Fig. 2"),
        (
            r"\captionsetup[figure]{name={Extended Data Fig.},labelsep=colon}",
            "Extended Data Fig. 2",
        ),
        (r"\captionsetup{font=small,name=Fig.}", "Fig. 2"),
    ],
)
def test_redefined_numbers(code: str, expected: str) -> None:
    assert labels(FIGURE + code + FIGURE)[1] == expected


def test_figures_within_sections_and_chapters() -> None:
    body = rf"\section{{A}}{FIGURE}{FIGURE}\section{{B}}{FIGURE}\appendix\section{{C}}{FIGURE}"
    numbered = labels(body, r"\numberwithin{figure}{section}")
    assert numbered == ["Figure 1.1", "Figure 1.2", "Figure 2.1", "Figure A.1"]
    book = labels(body.replace("section", "chapter"), document_class=r"\documentclass{book}")
    assert book == numbered


@pytest.mark.parametrize(
    ("document_class", "label"),
    [
        (r"\documentclass[twocolumn]{revtex4-2}", "FIG. 1"),
        (r"\documentclass[journal]{IEEEtran}", "Fig. 1"),
        (r"\documentclass{llncs}", "Fig. 1"),
        (r"\documentstyle[12pt,epsf]{article}", "Figure 1"),
        (r"\documentclass[german]{article}", "Abbildung 1"),
    ],
)
def test_the_word_before_the_number(document_class: str, label: str) -> None:
    assert labels(FIGURE, document_class=document_class) == [label]


def test_babel_tells_language_and_word() -> None:
    made = article(FIGURE, r"\usepackage[english,ngerman]{babel}")
    assert (made.lang, made.figures[0].label, made.figures[0].lang) == ("de", "Abbildung 1", "de")
    assert article(FIGURE, r"\usepackage[main=french,english]{babel}").lang == "fr"
    assert article(FIGURE, r"\setdefaultlanguage{spanish}").lang == "es"
    assert article(FIGURE).lang == ""


def test_other_floats_and_front_matter_do_not_count() -> None:
    body = r"""\begin{algorithm}\caption{Steps.}\begin{algorithmic}\State x\end{algorithmic}
    \end{algorithm}
    \begin{myfloat}\caption{Something else.}\end{myfloat}
    \begin{landscape}\includegraphics{b}\caption{Wide.}\end{landscape}"""
    assert labels(body + FIGURE) == ["Figure 1", "Figure 2"]
    book = rf"\frontmatter\chapter{{P}}\mainmatter\chapter{{A}}{FIGURE}"
    assert labels(book, document_class=r"\documentclass{mythesis}") == ["Figure 1.1"]


def test_classes_that_number_the_appendix_their_own_way() -> None:
    body = rf"{FIGURE}\appendix\section{{X}}{FIGURE}"
    assert labels(body, document_class=r"\documentclass{elsarticle}")[1] == "Figure A.2"
    assert labels(body, document_class=r"\documentclass{aa}")[1] == "Fig. A.1"
    assert labels(body)[1] == "Figure 2"
