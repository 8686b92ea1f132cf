"""A caption reads as TeX would print it: accents, symbols, mathematics, macros, no mark-up."""

from __future__ import annotations

import pytest

from .latex_papers import caption_of, figure_of, figures_of


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"\small \textbf{Bold.} {\em Slanted} \textcolor{red}{red}", "Bold. Slanted red"),
        (r"``Quoted'' and `single' -- dash --- long", "“Quoted” and ‘single’ – dash — long"),
        (r"\'Etude, na\"ive, \c{c}a, Erd\H{o}s, \v{S}koda, \~n, \aa, {\o}, \ss, "
            r"\L{}\'od\'z", "Étude, naïve, ça, Erdős, Škoda, ñ, å, ø, ß, Łódź"),
        (r"\'{\i} and \"{\i}", "í and ï"),
        (r"5\% of \$3 \& \#1 \_x \{y\}", "5% of $3 & #1 _x {y}"),
        (r"a~b\,c\ d\\e \quad f", "a b c d e f"),
        (r"\copyright{} \textdegree C \S 2 \dag", "© °C §2 †"),
        (r"CO\textsubscript{2} and m\textsuperscript{2}", "CO₂ and m²"),
        (r"Text.\footnote{Dropped, with {braces}.}\label{fig:x}", "Text."),
        (r"As in~\cite{a,b} and \citep[see][p.~3]{c}.", "As in [CITATION] and [CITATION]."),
        (r"see \url{http://a.b/c_d%20e~f}", "see http://a.b/c_d%20e~f"),
        (r"\href{http://x.y/%20}{the text}", "the text"),
        (r"\verb|a_b%{| and \verb+\x+", r"a_b%{ and \x"),
        (r"\SI{5e-3}{\micro\metre\per\second} and \num{1.5e6}", "5 × 10⁻³ µm s⁻¹ and 1.5 × 10⁶"),
        (r"\qty{20}{\celsius}, \ang{45}, \SI{3}{\percent}", "20 °C, 45°, 3 %"),
        (r"\ce{H2O} and \ce{SO4^2-}", "H₂O and SO₄²⁻"),
        (r"a\hspace{1cm}b\vspace*{-2pt}\vskip 3pt plus 1fil c\kern-2pt d", "abcd"),
        (r"\looseness=-1 Text \protect\centering here", "Text here"),
        (r"\texorpdfstring{$\alpha$}{alpha} rays", "α rays"),
        (r"\raisebox{-1pt}[0pt][0pt]{up} \parbox[t]{3cm}{in a box} \mbox{m}", "up in a box m"),
        (r"\multicolumn{2}{c}{cell} \rule{1pt}{2pt}\color{blue}end", "cell end"),
        (r"\unknowncommand{kept} \textbf{}", "kept"),
    ],
)  # fmt: skip
def test_text_commands_read_as_they_print(tex: str, text: str) -> None:
    assert caption_of(tex) == text


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"$W=4$", "W = 4"),
        (r"$k \times W_i$", "k × Wᵢ"),
        (r"$\alpha_i^2 \leq 10^{-3}$", "αᵢ² ≤ 10⁻³"),
        (r"$-3$ to $+0.5$", "−3 to +0.5"),
        (r"$p<0.05$, $90^\circ$", "p < 0.05, 90∘"),
        (r"\(x\) and \ensuremath{y^2}", "x and y²"),
        (r"$\frac{a}{b}$ $\frac{a+b}{2}$ $\sqrt{x+1}$", "a/b (a + b)/2 √(x + 1)"),
        (r"$\hat{x}\in\mathbb{R}^{n}$", "x̂ ∈ ℝⁿ"),
        (r"$\mathrm{H}_2\mathrm{O}$, $\mathcal{L}$", "H₂O, ℒ"),
        (r"$T_\mathrm{eff}=5\,\mathrm{km}$", "T_{eff} = 5 km"),
        (r"$i \bmod W$, $\sin x$, $\log\alpha$", "i mod W, sin x, log α"),
        (r"$f(x,y)=1{,}000$", "f(x, y) = 1,000"),
        (r"$\left(\tfrac12\right)$ and $\text{if $x$ is set}$", "(1/2) and if x is set"),
        (r"$\begin{matrix}a\\b\end{matrix}$", r"$\begin{matrix}a\\b\end{matrix}$"),
        (r"$\nobodyknows{x}$", r"$\nobodyknows {x}$"),
    ],
)
def test_simple_mathematics_is_unicode_and_the_rest_stays_tex(tex: str, text: str) -> None:
    assert caption_of(tex) == text


@pytest.mark.parametrize(
    ("preamble", "tex", "text"),
    [
        (r"\newcommand{\name}{Model\xspace}", r"\name is \name.", "Model is Model."),
        (r"\newcommand\two[2]{#2 before #1}", r"\two{a}{b}", "b before a"),
        (r"\newcommand{\opt}[2][x]{#1-#2}", r"\opt{b} \opt[a]{b}", "x-b a-b"),
        (r"\def\plain#1#2{#1#2}", r"\plain{a}b", "ab"),
        (r"\def\upto#1;{<#1>}", r"\upto one two; three", "<one two> three"),
        (r"\newcommand{\x}{old}\renewcommand{\x}{new}\providecommand{\x}{not}", r"\x", "new"),
        (r"\let\same\textbf \newcommand\z{z}\let\y=\z", r"\same{b} \y", "b z"),
        (r"\DeclareMathOperator*{\amax}{arg\,max}", r"$\amax x$", "arg max x"),
        (r"\NewDocumentCommand{\nd}{s m O{q}}{#2#3}", r"\nd*{a}[b] \nd{c}", "ab cq"),
        (r"\newcommand{\vx}{\mathbf{x}}\newcommand{\R}{\mathbb{R}}", r"$\vx\in\R$", "x ∈ ℝ"),
        (r"\newcommand{\outer}[1]{\inner{#1}}"
            r"\newcommand{\inner}[1]{[#1]}", r"\outer{\outer{a}}", "[[a]]"),
        (r"\newif\ifdraft \draftfalse", r"a\ifdraft draft\else final\fi b", "afinalb"),
        (r"\newif\ifdraft \drafttrue", r"a\ifdraft draft\else final\fi", "adraft"),
        (r"\iffalse \newcommand{\q}{bad} \fi \newcommand{\q}{good}", r"\q", "good"),
        (r"\newcommand{\bfa}{\bf}\def\w#1{\bf#1x}", r"\w{ord}", "ordx"),
        (r"{\def\loc{inner}} \newcommand{\loc}{outer}", r"\loc", "outer"),
        (r"\newacronym{cnn}{CNN}{convolutional network}", r"\gls{cnn}", "CNN"),
        (r"\expandafter\def\csname odd1\endcsname{x}", "fine", "fine"),
    ],
)  # fmt: skip
def test_a_documents_own_macros_are_expanded(preamble: str, tex: str, text: str) -> None:
    assert caption_of(tex, preamble) == text


def test_macros_defined_in_a_package_that_comes_along() -> None:
    style = r"\ProvidesPackage{mine}\newcommand{\tool}{Tool}\def\x@y{internal}\newcommand{\z}{\x@y}"
    figure = figure_of(
        r"\begin{figure}\includegraphics{a}\caption{\tool}\end{figure}",
        r"\usepackage{mine}",
        files={"mine.sty": style},
    )
    assert figure.caption == "Tool"


def test_short_captions_for_lists_are_left_out_and_braces_balance() -> None:
    body = r"""\begin{figure}\includegraphics{a}
    \caption[Short [one] {]}]{Long \textbf{with {nested} braces} and \} a brace.}
    \end{figure}"""
    assert figure_of(body).caption == "Long with nested braces and } a brace."


def test_comments_inside_captions_leave_no_trace() -> None:
    body = (
        "\\begin{figure}\\includegraphics{a}\n\\caption{One % a } comment {\n  two\\% %\n "
        "three}\n\\end{figure}"
    )
    assert figure_of(body).caption == "One two% three"


def test_references_in_captions_are_numbers() -> None:
    body = r"""\section{A}\label{s}
    \begin{figure}\includegraphics{a}\caption{Like Fig.~\ref{two}, Sec.~\ref{s} and \ref{no}.}
    \end{figure}
    \begin{figure}\includegraphics{b}\caption{Second.\label{two}}\end{figure}"""
    assert figures_of(body)[0].caption == "Like Fig. 2, Sec. 1 and [REF]."


def test_a_caption_that_thanks_another_publisher_is_flagged() -> None:
    body = (
        r"\begin{figure}\includegraphics{a}\caption{A cell. Reproduced with permission "
        r"from~\cite{x}.}\end{figure}"
    )
    assert figure_of(body).third_party
