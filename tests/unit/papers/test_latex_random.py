"""Whatever braces, comments, macros and files lie around it: the caption put in is found."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from .latex_papers import article, figures_of

WORDS = st.text(alphabet="abcdefgxyzéλ0123456789", min_size=1, max_size=6)
NOISE = st.sampled_from(
    ["", " ", "\n", "% } a comment {\n", "%\n", "\\label{l}", "\\footnote{a {b} c}",
     "{}", "\\small ",
     "\\hspace{1em}", "\\iffalse {hidden} \\else\\fi{}", "\\vspace*{-2pt}", "\\relax "]
)  # fmt: skip
WRAPPERS = st.sampled_from(
    ["{%s}", "\\textbf{%s}", "\\emph{%s}", "{\\bf %s}", "\\textcolor{red}{%s}", "\\mbox{%s}",
     "\\mine{%s}", "\\twice{gone}{%s}", "\\optional{%s}", "\\optional[x]{%s}", "\\scalebox{.5}{%s}"]
)  # fmt: skip
PREAMBLE = r"""\newcommand{\mine}[1]{\textit{#1}} \def\twice#1#2{{#2}}
\newcommand{\optional}[2][default]{#2}"""


@dataclass(frozen=True)
class Written:
    """TeX, and the words that it prints."""

    tex: str
    words: tuple[str, ...]


def joined(parts: list[Written]) -> Written:
    return Written(" ".join(p.tex for p in parts), tuple(w for p in parts for w in p.words))


def with_noise(part: Written, before: str, after: str) -> Written:
    return Written(f"{before}{part.tex}{after}", part.words)


def wrapped(part: Written, wrapper: str) -> Written:
    return Written(wrapper.replace("%s", part.tex), part.words)


TEXTS = st.recursive(
    st.builds(lambda word: Written(word, (word,)), WORDS),
    lambda inner: (
        st.builds(wrapped, inner, WRAPPERS)
        | st.builds(with_noise, inner, NOISE, NOISE)
        | st.lists(inner, min_size=1, max_size=4).map(joined)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4), st.data())
def test_captions_are_found_in_any_tree_of_files(
    captions: list[Written], data: st.DataObject
) -> None:
    files: dict[str, str] = {}
    body: list[str] = []
    for number, caption in enumerate(captions):
        place = data.draw(st.sampled_from(["[h]", "", "[!t]"]))
        float_ = (
            f"\\begin{{figure}}{place}\\centering\n\\includegraphics{{a}}%\n"
            f"\\caption{{{caption.tex}}}\n\\end{{figure}}\n"
        )
        for level in range(data.draw(st.integers(0, 3))):
            name = f"part{number}_{level}"
            files[f"{name}.tex"] = f"% {{ \n{float_}\n\\endinput \\begin{{figure}}"
            float_ = data.draw(st.sampled_from([f"\\input{{{name}}}", f"\\include{{{name}}}"]))
        body.append(float_)
    found = figures_of("\nText between. {\\bf x}\n\n".join(body), PREAMBLE, files=files)
    assert ["".join(f.caption.split()) for f in found] == ["".join(c.words) for c in captions]
    assert [f.label for f in found] == [f"Figure {n}" for n in range(1, len(captions) + 1)]


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_a_caption_reads_alike_in_a_macro_of_the_document(caption: Written) -> None:
    direct = f"\\begin{{figure}}\\includegraphics{{a}}\\caption{{{caption.tex}}}\\end{{figure}}"
    macro = "\\newcommand{\\fig}[2]{\\begin{figure}\\includegraphics{#1}\\caption{#2}\\end{figure}}"
    called = article(f"\\fig{{a}}{{{caption.tex}}}", PREAMBLE + macro)
    assert called.figures[0].caption == article(direct, PREAMBLE).figures[0].caption


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="\\{}[]$%&#^_~ \nabcaptionfigure@", max_size=200))
def test_any_text_is_an_article(text: str) -> None:
    article(text)
