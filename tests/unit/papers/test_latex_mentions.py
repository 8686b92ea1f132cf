"""Each paragraph that cites a figure is a mention of it, once, with the panels it names."""

from __future__ import annotations

import pytest

from domainclip.extractors.papers.records import Mention

from .latex_papers import article, figures_of

FLOATS = "\n\n".join(
    rf"\begin{{figure}}\includegraphics{{{n}}}\caption{{T.}}\label{{f{n}}}\end{{figure}}"
    for n in "abcd"
)
PANELS = r"""\begin{figure}\subfloat[L.]{\includegraphics{a}\label{p:a}}
\begin{subfigure}{3cm}\includegraphics{b}\caption{R.}\label{p:b}\end{subfigure}\caption{W.}\label{p}\end{figure}"""


def cited(text: str, preamble: str = "") -> list[tuple[Mention, ...]]:
    return [figure.mentions for figure in figures_of(f"{text}\n\n{FLOATS}", preamble)]


@pytest.mark.parametrize(
    ("text", "read", "figures"),
    [
        (r"See Fig.~\ref{fb}.", "See Fig. 2.", [1]),
        (r"See \cref{fa,fc} and \Cref{fb}.", "See figs. 1 and 3 and Figure 2.", [0, 1, 2]),
        (r"In \autoref{fd}, \figref{fa}.", "In Figure 4, Figure 1.", [0, 3]),
        (r"Figs.~\ref{fa}--\ref{fc}.", "Figs. 1–3.", [0, 1, 2]),
        (r"Figures \ref{fb} to \ref{fd} show", "Figures 2 to 4 show", [1, 2, 3]),
        (r"\crefrange{fa}{fd} show", "figs. 1 to 4 show", [0, 1, 2, 3]),
        (r"Twice \ref{fa}, \ref{fa}.", "Twice 1, 1.", [0]),
        (r"\hyperref[fb]{the second}", "the second", [1]),
        (r"Typed: Figs. 1 and 3, as Fig.~2 of \cite{x}.", "Typed: Figs. 1 and 3, as Fig. 2 of "
            "[CITATION].", [0, 2]),
        (r"Nothing here, equation 3.", "", []),
    ],
)  # fmt: skip
def test_paragraphs_that_cite(text: str, read: str, figures: list[int]) -> None:
    found = cited(text)
    assert [at for at, mentions in enumerate(found) if mentions] == figures
    assert {m.text for mentions in found for m in mentions} == ({read} if read else set())
    assert all(len(mentions) <= 1 for mentions in found)


@pytest.mark.parametrize(
    ("text", "panels"),
    [
        (r"Fig.~\ref{fa}(b) shows", ("B",)),
        (r"Fig.~\ref{fa}b and c show", ("B", "C")),
        (r"Fig.~\ref{fa}(a--c) show", ("A", "B", "C")),
        (r"Fig.~\ref{fa}\,(a,c).", ("A", "C")),
        (r"Fig.~\ref{fa} shows a cell", ()),
        (r"\newcommand{\fr}[1]{Fig.~\ref{#1}}\fr{fa}(d)", ("D",)),
    ],
)
def test_panels_behind_a_reference(text: str, panels: tuple[str, ...]) -> None:
    assert [mention.panels for mention in cited(text)[0]] == [panels]


def test_labels_of_panels_name_figure_and_panel() -> None:
    (figure,) = figures_of(rf"See \ref{{p:b}} and \subref{{p:a}}. {PANELS}")
    assert figure.mentions == (Mention("See 1b and (a).", ("A", "B")),)


def test_a_float_does_not_end_its_paragraph_and_items_are_paragraphs() -> None:
    body = (
        rf"Begun {PANELS} and ended in \ref{{p}}."
        "\n"
        r"\begin{itemize}\item One \ref{p}.\item Two.\end{itemize}"
    )
    (figure,) = figures_of(body)
    assert [m.text for m in figure.mentions] == ["Begun and ended in 1.", "One 1."]


def test_captions_titles_and_comments_are_no_mentions_footnotes_are() -> None:
    floats = FLOATS.replace("T.", r"See \ref{fa}.")
    body = rf"""\section{{About \ref{{fa}}}} % \ref{{fa}}
    {floats}
    Text.\footnote{{But see \ref{{fa}}.}}"""
    assert [m.text for m in figures_of(body)[0].mentions] == ["But see 1."]


def test_mathematics_in_paragraphs_and_numbers_of_equations() -> None:
    body = rf"""By \begin{{equation}}\label{{e}} E = mc^2 \end{{equation}} and
    \begin{{align}} a &= b \\ c &= d \nonumber \\ e &= f \label{{e2}} \end{{align}}
    (\ref{{e}}), \eqref{{e2}} Fig.~\ref{{fa}} follows. {FLOATS}"""
    (mention,) = figures_of(body)[0].mentions
    assert mention.text.startswith("By E = mc² and")
    assert mention.text.endswith("(1), (3) Fig. 1 follows.")


def test_title_abstract_and_keywords() -> None:
    made = article(
        r"""\begin{abstract}We show \emph{things} in 5\,\textmu m.\end{abstract}
        \begin{keywords}cells, \sep light; optics\end{keywords}""",
        r"\title[Short]{A \textbf{Title}\thanks{Money} with $\alpha$}",
    )
    assert made.title == "A Title with α"
    assert made.abstract == "We show things in 5 µm."
    assert made.keywords == ("cells", "light", "optics")
    macros = article(r"\maketitle", r"\title{T}\abstract{Abstract. Words.}\keywords{a \and b}")
    assert (macros.abstract, macros.keywords) == ("Words.", ("a", "b"))
