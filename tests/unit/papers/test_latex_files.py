"""The root of a source is found, and the files that it names, and no others."""

from __future__ import annotations

import pytest

from domainclip.errors import BadInput
from domainclip.extractors.papers.latex.article import parse_latex
from domainclip.extractors.papers.latex.source import clean, decoded
from domainclip.extractors.papers.latex.tree import find_main, path_inside

from .latex_papers import figure_of, figures_of

ROOT = r"\documentclass{article}\begin{document}\title{T}\end{document}"
PART = r"\begin{figure}\includegraphics{a}\caption{From a part.}\end{figure}"


def root(**files: str | bytes) -> str | None:
    held = {
        name.replace("__", "."): text if isinstance(text, bytes) else text.encode()
        for name, text in files.items()
    }
    return find_main(held.keys(), held.__getitem__)


def test_the_root_has_a_class_and_a_document() -> None:
    assert root(a__tex="\\section{x}", z__tex=ROOT) == "z.tex"
    assert root(a__tex="% \\documentclass{x}\n% \\begin{document}", z__tex=ROOT) == "z.tex"
    assert root(a__tex="\\section{x}") is None
    assert root(paper="\\documentstyle[12pt]{article}\n\\begin{document}") == "paper"
    assert root(plain__tex="\\input epsf\n Text. \\bye") == "plain.tex"
    assert root() is None


def test_of_several_roots_the_article_is_taken() -> None:
    assert root(b__tex=ROOT, a__tex=ROOT, b__bbl="x") == "b.tex"
    assert root(a__tex=ROOT.replace("article", "standalone"), b__tex=ROOT) == "b.tex"
    assert root(a__tex=ROOT, main__tex=ROOT) == "main.tex"
    assert root(a__tex=ROOT, supplement__tex=ROOT * 3) == "a.tex"
    part = ROOT.replace("{article}", "[b]{subfiles}")
    assert root(a__tex=part, b__tex=ROOT.replace("\\title{T}", "\\subfile{a}")) == "b.tex"


def test_arxivs_readme_decides() -> None:
    told = {"00README.XXX": b"x.tex toplevelfile\n", "x.tex": b"x", "main.tex": ROOT.encode()}
    assert find_main(told.keys(), told.__getitem__) == "x.tex"
    told = {
        "00README.json": b'{"sources":[{"filename":"x.tex","usage":"toplevel"}]}',
        "x.tex": b"",
        "m.tex": ROOT.encode(),
    }
    assert find_main(told.keys(), told.__getitem__) == "x.tex"
    broken = {"00README.json": b"[" * 100_000, "m.tex": ROOT.encode()}
    assert find_main(broken.keys(), broken.__getitem__) == "m.tex"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (r"\input{part}", "part.tex"), (r"\input part ", "part.tex"),
        (r"\include{part}", "part.tex"),
        (r"\input{s/part.tex}", "s/part.tex"), (r"\input{./s/../part}", "part.tex"),
        (r"\import{s/}{part}", "s/part.tex"), (r"\subimport{s}{part.tex}", "s/part.tex"),
        (r"\subfile{s/part}", "s/part.tex"), (r"\input{Part}", "part.TEX"),
        (r"\InputIfFileExists{part}{}{}", "part.tex"), (r"\newcommand{\p}{part}"
            r"\input{\p}", "part.tex"),
    ],
)  # fmt: skip
def test_parts_are_read_where_they_stand(command: str, name: str) -> None:
    assert figure_of(command, files={name: PART}).caption == "From a part."


def test_parts_of_parts_and_their_graphics_are_found_from_their_folder() -> None:
    files = {
        "s/one.tex": r"\subimport{t/}{two}",
        "s/t/two.tex": PART.replace("{a}", "{own}"),
        "s/t/own.pdf": "",
    }
    (graphic,) = figure_of(r"\import{s/}{one}", files=files).graphics
    assert graphic.href == "s/t/own.pdf"


def test_a_part_that_is_a_document_gives_its_body() -> None:
    files = {"part.tex": ROOT.replace(r"\title{T}", PART)}
    assert figure_of(r"\subfile{part}", files=files).caption == "From a part."


def test_circles_and_missing_parts_are_left() -> None:
    files = {"one.tex": r"\input{two}" + PART, "two.tex": r"\input{one}\input{main}"}
    assert len(figures_of(r"\input{one}\input{gone}", files=files)) == 1


def test_no_name_leads_out_of_the_package() -> None:
    for name in (
        "../x",
        "/etc/passwd",
        "a/../../x",
        "~/x",
        "|ls",
        "",
        ".",
        "..",
        "a\0b",
        "x" * 600,
    ):
        assert path_inside(name) is None
    assert path_inside("a/../b.tex") == "b.tex"
    assert path_inside("../b", "s") == "b"
    files = {"../secret.tex": PART, "/etc/passwd": PART}
    assert figures_of(r"\input{../secret}\input{/etc/passwd}\input{|ls}", files=files) == ()


def test_graphics_paths_and_the_folder_of_the_root() -> None:
    body = (
        r"\graphicspath{{x/}{figs/}}\begin{figure}\includegraphics{p}\includegraphics{q}"
        r"\caption{T.}\end{figure}"
    )
    files = {"paper/figs/p.pdf": "", "paper/q.jpg": ""}
    graphics = figure_of(body, files=files, main="paper/main.tex").graphics
    assert [g.href for g in graphics] == ["paper/figs/p.pdf", "paper/q.jpg"]


@pytest.mark.parametrize(
    ("text", "encoding", "declared"),
    [
        ("naïve “é”", "utf-8", ""), ("naïve é", "latin-1", ""), ("“quoted” – é", "cp1252", ""),
        ("Łódź ż", "iso8859-2", r"\usepackage[latin2]{inputenc}"),
        ("Рисунок", "cp1251", r"\usepackage[cp1251]{inputenc}"),
        ("Рисунок", "koi8-r", r"\usepackage[koi8-r]{inputenc}"),
        ("图像", "gbk", r"\begin{CJK*}{GBK}{song}"),
        ("é", "mac-roman", r"\usepackage[applemac]{inputenc}"),
        ("é\u4e00", "utf-16", ""), ("é", "utf-8-sig", ""),
    ],
)  # fmt: skip
def test_encodings(text: str, encoding: str, declared: str) -> None:
    assert decoded(f"{declared} {text}".encode(encoding)).strip() == f"{declared} {text}".strip()


def test_parts_share_the_encoding_that_the_root_declares() -> None:
    files = {"part.tex": PART.replace("From a part", "Łódź").encode("iso8859-2")}
    figure = figure_of(r"\input{part}", r"\usepackage[latin2]{inputenc}", files=files)
    assert figure.caption == "Łódź."


def test_cleaning_joins_lines_as_tex_does() -> None:
    assert clean("a% x\n  b") == "ab"
    assert clean("a % x\n\n b") == "a\nb"
    assert clean("\\item% x\nText") == "\\item Text"
    assert clean("50\\% a\\\\% b\nc") == "50\\% a\\\\c"
    assert clean("a\n\n\n  b\nc") == "a\nb c"
    assert clean("a\\end{document} b") == "a\\end{document}"


def test_damaged_roots_are_one_sentence() -> None:
    def read(name: str) -> bytes:
        raise BadInput(f"{name}: gone.")

    with pytest.raises(BadInput, match="gone"):
        parse_latex(["m.tex"], read, "m.tex", "x")
