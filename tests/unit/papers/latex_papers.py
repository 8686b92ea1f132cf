"""Made-up LaTeX sources, parsed: what tests of the LaTeX form start from."""

from __future__ import annotations

from collections.abc import Mapping

from domainclip.extractors.papers.latex.article import parse_latex
from domainclip.extractors.papers.records import Article, Figure

__all__ = ["article", "caption_of", "figure_of", "figures_of"]

_PICTURES = ("a.png", "b.png", "c.png", "d.png")


def article(
    body: str,
    preamble: str = "",
    *,
    files: Mapping[str, str | bytes] | None = None,
    document_class: str = "\\documentclass{article}",
    main: str = "main.tex",
) -> Article:
    """The article of a document with this body; a.png to d.png are among its files."""
    text = f"{document_class}\n{preamble}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"
    held: dict[str, bytes] = {
        name: value.encode() if isinstance(value, str) else value
        for name, value in {main: text, **dict.fromkeys(_PICTURES, b""), **(files or {})}.items()
    }
    return parse_latex(held.keys(), held.__getitem__, main, "made")


def figures_of(body: str, preamble: str = "", **more: object) -> tuple[Figure, ...]:
    """The figures of ``article``."""
    return article(body, preamble, **more).figures  # type: ignore[arg-type]


def figure_of(body: str, preamble: str = "", **more: object) -> Figure:
    """The only figure of ``article``."""
    (figure,) = figures_of(body, preamble, **more)
    return figure


def caption_of(tex: str, preamble: str = "") -> str:
    """What ``tex`` reads as in a caption."""
    figure = figure_of(
        f"\\begin{{figure}}\\includegraphics{{a}}\\caption{{{tex}}}\\end{{figure}}", preamble
    )
    return figure.caption
