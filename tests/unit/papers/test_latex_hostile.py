"""Sources made to hang, to fill memory or to crash end soon, and cost only themselves."""

from __future__ import annotations

import random

import pytest

from domainclip.errors import BadInput

from .latex_papers import article, figures_of

FIGURE = r"\begin{figure}\includegraphics{a}\caption{Kept.}\end{figure}"
N = 20_000


@pytest.mark.parametrize(
    "code",
    [
        r"\def\a{\a}\a", r"\def\a{x\a}\a", r"\def\a{\a\a}\a", r"\def\a#1{\a{#1#1}}\a{x}",
        r"\def\a{\b\b}\def\b{\c\c}\def\c{\d\d}" + "".join(
            rf"\def\{chr(c)}{{\{chr(c + 1)}\{chr(c + 1)}\{chr(c + 1)}}}" for c in range(100, 118)
        ) + r"\a",
        r"\newcommand{\x}[1]{#1#1#1#1#1#1#1#1}\x{\x{\x{\x{\x{\x{\x{\x{\x{\x{\x{y}}}}}}}}}}}",
        r"\newenvironment{e}{\begin{e}}{\end{e}}\begin{e}",
        r"\def\thefigure{\thefigure}", r"\counterwithin{figure}{table}"
            r"\counterwithin{table}{figure}",
        r"\let\a\b\let\b\a\a", r"\newcommand{\ref}{\ref}", r"\def\caption{\caption}",
        r"\def\a{\includegraphics{a}\a}\begin{figure}\a\caption{x}\end{figure}",
    ],
    ids=range(13),
)  # fmt: skip
def test_macros_without_end_cost_only_themselves(code: str) -> None:
    assert figures_of(code + "\n\n" + FIGURE)[-1].caption == "Kept."


@pytest.mark.parametrize(
    "code",
    [
        "{" * N, "}" * N, "{" * N + "}" * N, r"\textbf{" * N, r"\frac{" * N, "$" + "{" * N + "$",
        "$" + r"\sqrt{" * N + "}" * N + "$", "$" * (N + 1), r"\begin{a}" * N, r"\end{a}" * N,
        r"\begin{minipage}" * N, "[" * N, r"\cite[" * N, r"\footnote{" * N, r"\caption{" * N,
        r"\subfloat[" * N, r"\subfloat[a]{" * N, r"\iffalse" * N, r"\iftrue" * N, r"\else" * N,
        r"\def" * N, r"\newcommand" * N,
        r"\def\a" + "#" * N, r"\verb|" * N, r"\begin{verbatim}" * N,
        "%" * N, "\\" * (N + 1), "a " * N, "\n \n" * N,
        " " * 200_000, r"\url{" * N, "^" * N, "-" * N,
        r"\ref{a}--" * N, r"Fig. 1, " * N, r"\csname " * N,
        r"\input{" * N, "\\begin{tabular}{c}" * N,
        r"\SI{" + "1" * N + "}{" + r"\per" * N + "}", r"\ce{" + "H2^" * N + "}", "\0" * N,
        "$" + "x_" * N + "$", r"\left(" * N, r"\expandafter" * N, r"\begin{figure}" * N,
    ],
    ids=range(45),
)  # fmt: skip
def test_pathological_text_is_read_in_bounded_time(code: str) -> None:
    try:
        article(FIGURE + "\n\n" + code)
        article(r"\begin{figure}\includegraphics{a}\caption{" + code + r"}\end{figure}")
    except BadInput as error:
        assert "made" in str(error)


def test_noise_never_raises() -> None:
    words = [r"\begin{figure}", r"\end{figure}", r"\caption{", "}", "{", "$",
             r"\includegraphics{a}",
             r"\label{x}", r"\ref{x}", r"\subfloat[", "]", r"\def\x#1{", r"\x", r"\iffalse", r"\fi",
             r"\else", "\n\n", "%", r"\verb", "|", r"\begin{tikzpicture}", r"\end{tikzpicture}",
             r"\begin{subfigure}{1cm}", r"\end{subfigure}", r"\[", r"\]", "&", "#1",
             "^", "_", "word ",
             r"\newcommand", r"\captionof{figure}{", r"\begin{minipage}{1cm}", r"\end{minipage}",
             r"\footnote{", r"\ffigbox{", r"\begin{align}", r"\end{align}", r"\\", r"\frac", r"\'",
             r"\csname", r"\endcsname", r"\let", "=", r"\ContinuedFloat",
             r"\usebox", r"\sbox"]  # fmt: skip
    random_ = random.Random(0)
    for _ in range(400):
        text = "".join(random_.choice(words) for _ in range(random_.randrange(1, 120)))
        try:
            article(text)
        except BadInput as error:
            assert "made" in str(error)


def test_files_that_multiply_are_refused() -> None:
    files = {f"f{i}.tex": rf"\input{{f{i + 1}}}" * 10 for i in range(12)}
    with pytest.raises(BadInput, match="without end"):
        article(r"\input{f0}", files=files)


def test_private_use_characters_of_a_source_are_no_placeholders() -> None:
    (figure,) = figures_of(FIGURE.replace("Kept", "\ue0000\ue001 \ue125"))
    assert figure.caption == "\ufffd0\ufffd \ufffd."
