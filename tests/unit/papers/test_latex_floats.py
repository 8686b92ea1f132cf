"""Every kind of float gives its figure, with its own caption and its own files."""

from __future__ import annotations

import pytest

from domainclip.extractors.papers.records import Figure

from .latex_papers import figure_of, figures_of


def hrefs(figure: Figure) -> list[str]:
    return [graphic.href for graphic in figure.graphics]


@pytest.mark.parametrize(
    "environment",
    ["figure", "figure*", "SCfigure", "sidewaysfigure", "sidewaysfigure*", "marginfigure",
     "teaserfigure", "floatingfigure", "wrapfigure"],
)  # fmt: skip
def test_float_environments(environment: str) -> None:
    arguments = {"wrapfigure": "{r}{5cm}", "floatingfigure": "{5cm}"}.get(environment, "")
    body = (
        rf"\begin{{{environment}}}{arguments}\centering\includegraphics[width=2cm]{{a}}"
        rf"\caption{{Text.}}\label{{l}}\end{{{environment}}}"
    )
    figure = figure_of(body)
    assert (figure.id, figure.label, figure.caption) == ("l", "Figure 1", "Text.")
    assert hrefs(figure) == ["a.png"]


@pytest.mark.parametrize(
    ("tex", "files"),
    [
        (r"\includegraphics*[0,0][10,10]{a}", ["a.png"]),
        (r"\epsfig{file=a.eps,width=3in}", ["a.png"]),
        (r"\psfig{figure=a.ps}", ["a.png"]),
        (r"\epsfbox{a.eps}", ["a.png"]),
        (r"\epsfxsize=3in \epsffile{a.ps}", ["a.png"]),
        (r"\plotone{a} ", ["a.png"]),
        (r"\epsscale{0.8}\plottwo{a}{b}", ["a.png", "b.png"]),
        (r"\includesvg[width=2cm]{a}", ["a.png"]),
        (r"\animategraphics[loop]{12}{x-}{0}{9}", ["x-0.png"]),
        (r"\adjustimage{width=2cm}{a}", ["a.png"]),
        (r"\resizebox{\linewidth}{!}{\includegraphics{a}}"
            r"\scalebox{0.5}{\includegraphics{b}}", ["a.png", "b.png"]),
        (r"\begin{tabular}{cc}\includegraphics{a}&\includegraphics{b}\\ x & "
            r"y\end{tabular}", ["a.png", "b.png"]),
        (r"\fbox{\rotatebox{90}{\includegraphics{a}}}", ["a.png"]),
        (r"\begin{overpic}[width=3cm]{a}\put(1,2){text}\end{overpic}", ["a.png"]),
        (r"\sbox0{\includegraphics{b}}\savebox{\mybox}{\includegraphics{a}}\box0 "
            r"\usebox{\mybox}", ["b.png", "a.png"]),
        (r"\special{psfile=a.png hscale=30}", ["a.png"]),
        (r"\gridline{\fig{a.png}{0.3\textwidth}{(a)}"
            r"\fig{b.png}{0.3\textwidth}{(b)}}", ["a.png", "b.png"]),
    ],
)  # fmt: skip
def test_commands_that_place_files(tex: str, files: list[str]) -> None:
    figure = figure_of(
        rf"\begin{{figure}}{tex}\caption{{Text.}}\end{{figure}}", files={"x-0.png": ""}
    )
    assert hrefs(figure) == files
    assert figure.caption == "Text."


def test_options_of_a_graphic_are_kept() -> None:
    body = r"""\begin{figure}\includegraphics[page=3,angle=90,trim={1in 2bp 0 1cm},clip]{a}
    \includegraphics[trim=0 0 0 36]{b}\caption{T.}\end{figure}"""
    first, second = figure_of(body).graphics
    assert (first.page, first.angle) == (2, 90.0)
    assert first.trim == pytest.approx((72, 2, 0, 72 / 2.54))
    assert second.trim is None  # without clip all of it shows


@pytest.mark.parametrize(
    "panels",
    [
        r"\begin{subfigure}[b]{.4\textwidth}\includegraphics{a}\caption{Left.}\end{subfigure}"
        r"\begin{subfigure}[b]{.4\textwidth}\includegraphics{b}\caption{Right.}\end{subfigure}",
        r"\subfigure[Left.]{\includegraphics{a}}\subfigure[Right.]{\includegraphics{b}}",
        r"\subfloat[Left.]{\includegraphics{a}\label{x}}\quad\subfloat[list][Right.]{\includegraphics{b}}",
        r"\subcaptionbox{Left.\label{x}}{\includegraphics{a}}\subcaptionbox{Right.}[3cm][c]{\includegraphics{b}}",
        r"\begin{minipage}{3cm}\includegraphics{a}\subcaption{Left.}\end{minipage}"
        r"\begin{minipage}{3cm}\includegraphics{b}\subcaption{Right.}\end{minipage}",
    ],
)
def test_panels_stay_one_figure_with_their_captions(panels: str) -> None:
    figure = figure_of(rf"\begin{{figure}}{panels}\caption{{Whole.}}\label{{f}}\end{{figure}}")
    assert figure.caption == "Whole. (a) Left. (b) Right."
    assert hrefs(figure) == ["a.png", "b.png"]
    assert figure.label == "Figure 1"


def test_panels_without_texts_leave_no_letters() -> None:
    body = (
        r"\begin{figure}\subfloat[]{\includegraphics{a}}\subfloat{\includegraphics{b}}"
        r"\caption{W.}\end{figure}"
    )
    assert figure_of(body).caption == "W."


def test_minipages_with_captions_are_figures_of_their_own() -> None:
    body = r"""\begin{figure}
    \begin{minipage}{.4\textwidth}\includegraphics{a}\caption{First.}\label{one}\end{minipage}\hfill
    \begin{minipage}{.4\textwidth}\includegraphics{b}\includegraphics{c}\caption{Second.}\label{two}\end{minipage}
    \end{figure}"""
    first, second = figures_of(body)
    assert (first.id, first.label, first.caption, hrefs(first)) == (
        "one",
        "Figure 1",
        "First.",
        ["a.png"],
    )
    assert (second.id, second.label, hrefs(second)) == ("two", "Figure 2", ["b.png", "c.png"])


@pytest.mark.parametrize(
    "inside",
    [
        r"\includegraphics{a}\caption{A.}\includegraphics{b}\caption{B.}",
        r"\caption{A.}\includegraphics{a}\caption{B.}\includegraphics{b}",
        r"\includegraphics{a}\includegraphics{b}\caption{A.}\caption{B.}",
        r"\begin{floatrow}\ffigbox{\caption{A.}}{\includegraphics{a}}\ffigbox{\includegraphics{b}}{\caption{B.}}\end{floatrow}",
        r"\parbox{3cm}{\includegraphics{a}\caption{A.}}\parbox[t]{3cm}{\includegraphics{b}\caption{B.}}",
        r"\begin{minipage}{1cm}\includegraphics{a}\end{minipage}\begin{minipage}{1cm}\includegraphics{b}\end{minipage}"
        r"\begin{minipage}{1cm}\caption{A.}\end{minipage}\begin{minipage}{1cm}\caption{B.}\end{minipage}",
    ],
)
def test_several_captions_share_out_the_graphics(inside: str) -> None:
    first, second = figures_of(rf"\begin{{figure}}{inside}\end{{figure}}")
    assert [(f.caption, hrefs(f)) for f in (first, second)] == [
        ("A.", ["a.png"]),
        ("B.", ["b.png"]),
    ]


def test_a_table_beside_a_figure_takes_none_of_its_graphics() -> None:
    body = r"""\begin{figure}
    \begin{minipage}{3cm}\includegraphics{a}\caption{Picture.}\end{minipage}
    \begin{minipage}{3cm}\begin{tabular}{c}1\end{tabular}\captionof{table}{Numbers.}\end{minipage}
    \end{figure}"""
    figure = figure_of(body)
    assert (figure.caption, figure.kind, hrefs(figure)) == ("Picture.", "figure", ["a.png"])


def test_tables_count_only_with_graphics() -> None:
    body = r"""\begin{table}\caption{Numbers.}\begin{tabular}{c}1\end{tabular}\end{table}
    \begin{table*}\caption{Pictures.}\begin{tabular}{c}\includegraphics{a}\end{tabular}\end{table*}
    \begin{longtable}{c}\caption{Long.}\\ \includegraphics{b}\end{longtable}"""
    first, second = figures_of(body)
    assert (first.kind, first.label, first.caption) == ("table", "Table 2", "Pictures.")
    assert (second.label, hrefs(second)) == ("Table 3", ["b.png"])


@pytest.mark.parametrize(
    "body",
    [
        r"\begin{center}\includegraphics{a}\captionof{figure}{Text.}\label{f}\end{center}",
        r"\begin{center}\begin{tabular}{c}\includegraphics{a}\end{tabular}\captionof{figure}{Text.}\label{f}\end{center}",
        r"\begin{minipage}{\linewidth}\includegraphics{a}" "\n\n" r"\captionof{figure}{Text.}"
            r"\label{f}\end{minipage}",
        r"\begin{strip}\captionof{figure}[s]{Text.\label{f}}\includegraphics{a}\end{strip}",
        r"\makeatletter\def\@captype{figure}\makeatother\includegraphics{a}\caption{Text.}\label{f}",
        r"{\captionsetup{type=figure}\includegraphics{a}\caption{Text.}\label{f}}",
        r"\twocolumn[{\includegraphics{a}\captionof{figure}{Text.}\label{f}}]",
        r"\teaser{\includegraphics{a}\caption{Text.}\label{f}}",
        r"\figcaption[a.png]{Text.\label{f}}",
    ],
)  # fmt: skip
def test_figures_outside_of_floats(body: str) -> None:
    figure = figure_of(body)
    assert (figure.id, figure.label, figure.caption, hrefs(figure)) == (
        "f",
        "Figure 1",
        "Text.",
        ["a.png"],
    )


def test_a_logo_is_no_figure() -> None:
    long = "A paragraph that is long enough to part the logo from what comes after it. " * 2
    body = (
        rf"\includegraphics{{a}} {long}"
        "\n\n"
        r"\begin{center}\includegraphics{b}\captionof{figure}{T.}\end{center}"
    )
    assert hrefs(figure_of(body)) == ["b.png"]


@pytest.mark.parametrize(
    ("inside", "note"),
    [
        (r"\begin{tikzpicture}\draw (0,0) -- (1,1) node {$x$};\end{tikzpicture}", "tikz: "),
        (r"\tikz \draw (0,0) -- (1,1);", "tikz: "),
        (r"\begin{tikzpicture}\begin{axis}\addplot {x};\end{axis}\end{tikzpicture}", "tikz: "),
        (r"\begin{picture}(10,10)\put(0,0){\line(1,0){5}}\end{picture}", "picture: "),
        (r"\begin{pspicture}(2,2)\psline(0,0)(1,1)\end{pspicture}", "pstricks: "),
        (r"\psfrag{x}[c][l]{$x$}\includegraphics{a}", "psfrag: "),
        (r"\input{plot.pgf}", "pgf: "),
        (r"\begin{verbatim}code % here\end{verbatim}", "listing: "),
        (r"\xymatrix{A \ar[r] & B}", "xy: "),
        (r"Only words.", "text: "),
    ],
)
def test_what_tex_draws_has_no_graphic_and_says_why(inside: str, note: str) -> None:
    figure = figure_of(
        rf"\begin{{figure}}{inside}\caption{{Text.}}\end{{figure}}",
        files={"plot.pgf": r"\begin{pgfpicture}\pgfpathmoveto{x}\end{pgfpicture}"},
    )
    assert (figure.label, figure.caption) == ("Figure 1", "Text.")
    assert figure.graphics == ()
    assert figure.note.startswith(note)


def test_missing_files_are_named() -> None:
    figure = figure_of(
        r"\begin{figure}\includegraphics{a}\includegraphics{gone}\caption{T.}\end{figure}"
    )
    assert hrefs(figure) == ["a.png", "gone"]
    assert figure.note == "missing file: 'gone'"


def test_what_lies_over_a_picture_is_noted() -> None:
    body = (
        r"\begin{figure}\begin{tikzpicture}"
        r"\node{\includegraphics{a}};\draw(0,0);\end{tikzpicture}\caption{T.}\end{figure}"
    )
    figure = figure_of(body)
    assert hrefs(figure) == ["a.png"]
    assert figure.note.startswith("tikz: ")


def test_figures_made_by_the_documents_own_macros_and_environments() -> None:
    preamble = r"""\newcommand{\fig}[3]{\begin{figure}\includegraphics{#1}\caption{#2}\label{#3}
    \end{figure}}
    \newenvironment{myfig}[1][t]{\begin{figure}[#1]\centering}{\end{figure}}
    \def\bfig{\begin{figure}} \def\efig{\end{figure}}"""
    body = r"""\fig{a}{One.}{f:1}
    \begin{myfig}[h]\includegraphics{b}\caption{Two.}\label{f:2}\end{myfig}
    \bfig \includegraphics{c}\caption{Three.} \efig"""
    found = figures_of(body, preamble)
    assert [(f.id, f.caption, hrefs(f)) for f in found] == [
        ("f:1", "One.", ["a.png"]), ("f:2", "Two.", ["b.png"]), ("fig3", "Three.", ["c.png"]),
    ]  # fmt: skip


def test_what_is_not_printed_is_no_figure() -> None:
    float_ = r"\begin{figure}\includegraphics{a}\caption{Hidden.}\end{figure}"
    commented = float_.replace("\\", "%\n%\\", 1)
    body = "\n".join(
        ["%" + float_, commented.splitlines()[0], r"\iffalse" + float_ + r"\fi",
         r"\begin{comment}" + float_ + r"\end{comment}",
         "\\begin{verbatim}\n" + float_ + "\n\\end{verbatim}", r"\verb|\begin{figure}|",
         r"\begin{lstlisting}" + float_ + r"\end{lstlisting}",
         r"\newcommand{\ignore}[1]{}\ignore{" + float_ + "}",
         r"\end{document}" + float_]
    )  # fmt: skip
    assert figures_of(body) == ()


def test_verbatim_environments_of_the_documents_own() -> None:
    float_ = "\n\\begin{figure}\\caption{Shown as code.}\\end{figure}\n"
    preamble = r"\newenvironment{shown}{\small\verbatim}{\endverbatim}\lstnewenvironment{py}{}{}"
    body = "".join(
        f"\\begin{{{name}}}{float_}\\end{{{name}}}" for name in ("shown", "py", "smallverbatim")
    )
    assert figures_of(body, preamble) == ()


def test_macros_in_names_of_files() -> None:
    files = {"plots/v1_x.pdf": ""}
    preamble = r"\newcommand{\plots}{plots/v1\_}\newcommand{\ext}{pdf}"
    body = r"\begin{figure}\includegraphics{\plots x.\ext}\caption{T.}\end{figure}"
    assert hrefs(figure_of(body, preamble, files=files)) == ["plots/v1_x.pdf"]


def test_schemes_and_new_floats_have_their_own_counters() -> None:
    preamble = r"\usepackage{float}\newfloat{movie}{t}{lom}\floatname{movie}{Video}"
    body = r"""\begin{scheme}\includegraphics{a}\caption{S.}\end{scheme}
    \begin{movie}\includegraphics{b}\caption{M.}\end{movie}
    \begin{figure}\includegraphics{c}\caption{F.}\end{figure}"""
    assert [(f.label, f.kind) for f in figures_of(body, preamble)] == [
        ("Scheme 1", "scheme"), ("Video 1", "figure"), ("Figure 1", "figure"),
    ]  # fmt: skip
