"""LaTeX sources to figures: are all floats found, with their words and files, and how fast?

    .venv/bin/python benchmarks/papers_latex.py [../shared/data/papers/latex_src] [--repeat 20]
                                                [--with-pdf]

Truth is a second reader that shares no code with the first: it strips comments, puts \\input files
in their places, cuts out every \\begin{figure...} with regular expressions, and takes from it the
names in \\includegraphics and the plain words of \\caption (those outside of commands' names,
arguments in brackets, mathematics, citations and the document's own macros). A float is right
where the words of the caption found hold these, in order, and where each name leads to the file
that a search by hand (as it stands, else with an extension) finds.

--with-pdf: the folder holds compiled documents (x.tex beside x.pdf, such as the examples of a TeX
distribution): count the captions that stand in the PDF's text behind the number that was given.

Speed is CPU time of one core, files read from memory: ``find_main`` and ``parse_latex`` beside
pylatexenc's ``latex_to_text`` of the same TeX (text alone: it finds neither figures nor files), at
most 60 s each.
"""

from __future__ import annotations

import argparse
import re
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pymupdf
from pebble import ProcessPool
from pylatexenc.latex2text import LatexNodes2Text

from domainclip.errors import BadInput
from domainclip.extractors.papers.graphics import graphic_file, picture_of_graphic
from domainclip.extractors.papers.latex.article import find_main, parse_latex
from domainclip.extractors.papers.records import Article

FLOAT = re.compile(r"\\begin\{(?:wrap|SC|sideways)?figure\*?\}(.*?)\\end\{\w*figure\*?\}", re.S)
GRAPHIC = re.compile(r"\\includegraphics\*?(?:\[[^\]]*\])*\{([^}]*)\}")
TIMEOUT_S = 60
EXTENSIONS = ("", ".pdf", ".png", ".jpg", ".jpeg", ".eps", ".ps")


class Source:
    """One article's files, in memory."""

    def __init__(self, path: Path) -> None:
        paths = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
        folder = path.parent if path.is_file() else path
        self.name = path.name
        self.files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(paths)}

    def read(self, name: str) -> bytes:
        return self.files[name]

    def article(self) -> Article:
        main = find_main(self.files, self.read)
        if main is None:
            raise BadInput(f"{self.name}: no root")
        return parse_latex(self.files, self.read, main, self.name)

    def flat(self, name: str | None = None, depth: int = 0) -> str:
        """The TeX in one piece, without comments."""
        name = name or find_main(self.files, self.read) or ""
        text = self.files[name].decode("utf-8", "replace")
        text = "\n".join(re.sub(r"(?<!\\)%.*", "", line) for line in text.splitlines())
        if depth > 10:
            return text

        def part(found: re.Match[str]) -> str:
            wanted = [found[1].strip() + ending for ending in (".tex", "")]
            names = [each for each in wanted if each in self.files]
            return self.flat(names[0], depth + 1) if names else ""

        return re.sub(r"\\(?:input|include)\{([^}]*)\}", part, text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    default = Path("../shared/data/papers/latex_src")
    parser.add_argument("sources", type=Path, nargs="?", default=default)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--with-pdf", action="store_true")
    arguments = parser.parse_args()
    if arguments.with_pdf:
        against_pdfs(arguments.sources)
        return
    sources = [Source(path) for path in sorted(arguments.sources.iterdir())]
    truth(sources)
    speed(sources, arguments.repeat)


def truth(sources: list[Source]) -> None:
    floats = found = captions = graphics = placed = pictures = mentions = 0
    for source in sources:
        article = source.article()
        mentions += sum(len(figure.mentions) for figure in article.figures)
        emitted = [figure for figure in article.figures if figure.kind == "figure"]
        expected = [each for each in FLOAT.findall(source.flat()) if "\\caption{" in each]
        floats += len(expected)
        found += len(emitted)
        for float_, figure in zip(expected, emitted, strict=True):
            right = in_order(plain_words(float_), words(figure.caption))
            captions += right
            if not right:
                print(f"{source.name} {figure.id}: {figure.caption[:100]!r}")
            named = [by_hand(source, name) for name in GRAPHIC.findall(float_)]
            graphics += len(named)
            placed += named == [graphic_file(each, source.files) for each in figure.graphics]
            for graphic in figure.graphics:
                name = graphic_file(graphic, source.files) or ""
                pictures += bool(picture_of_graphic(graphic, source.read(name), name).data)
    print(f"{len(sources)} sources: {found} figures of {floats} floats, {mentions} mentions")
    print(f"captions whole: {captions} of {floats}; floats with all their files: {placed}")
    print(f"pictures made: {pictures} of {graphics}")


def by_hand(source: Source, name: str) -> str | None:
    wanted = name.strip().removeprefix("./")
    return next((wanted + e for e in EXTENSIONS if wanted + e in source.files), None)


def plain_words(float_: str) -> list[str]:
    """Words of a caption that no command touches."""
    start = float_.index("\\caption{") + len("\\caption{")
    depth = 1
    for end in range(start, len(float_)):
        depth += (float_[end] == "{") - (float_[end] == "}")
        if not depth:
            break
    text = float_[start:end]
    for pattern in (
        r"\$[^$]*\$",
        r"\\(?:cite\w*|ref|label|url)\{[^}]*\}",
        r"\\[A-Za-z]+\*?",
        r"\\.",
    ):
        text = re.sub(pattern, " ", text)
    return words(text)


def words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z]{3,}", text)


def in_order(wanted: list[str], found: list[str]) -> bool:
    """Whether ``found`` holds all that is wanted, in order, and little more."""
    rest: Iterator[str] = iter(found)
    return all(word in rest for word in wanted) and len(found) <= 1.3 * len(wanted) + 5


def speed(sources: list[Source], repeat: int) -> None:
    ours = {source.name: timed(source, repeat) for source in sources}
    sizes = {source.name: len(source.flat()) / 1e6 for source in sources}
    total = sum(ours.values())
    print(f"{len(sources) / total:.0f} sources/s, {sum(sizes.values()) / total:.2f} MB/s of TeX")
    theirs: dict[str, float] = {}
    for source in sources:
        with ProcessPool(max_workers=1) as pool:
            try:
                done = pool.schedule(convert, args=[source.flat()], timeout=TIMEOUT_S)
                theirs[source.name] = done.result()
            except TimeoutError:
                print(f"pylatexenc: {source.name} not done after {TIMEOUT_S} s")
            except (RecursionError, ValueError, IndexError, AttributeError) as error:
                print(f"pylatexenc: {source.name}: {type(error).__name__}")
    same = sum(ours[name] for name in theirs)
    rate = sum(sizes[name] for name in theirs) / sum(theirs.values())
    print(
        f"pylatexenc: {rate:.2f} MB/s on the other {len(theirs)}: "
        f"{sum(theirs.values()) / same:.1f} times our time"
    )


def timed(source: Source, repeat: int) -> float:
    """CPU seconds for one reading."""
    start = time.process_time()
    for _ in range(repeat):
        source.article()
    return (time.process_time() - start) / repeat


def convert(tex: str) -> float:
    """CPU seconds of pylatexenc for the text alone."""
    start = time.process_time()
    LatexNodes2Text().latex_to_text(tex)
    return time.process_time() - start


def against_pdfs(folder: Path) -> None:
    documents = behind = there = 0
    for path in sorted(folder.rglob("*.tex")):
        pdf = path.with_suffix(".pdf")
        if not pdf.exists() or b"\\document" not in path.read_bytes():
            continue
        names = {p.relative_to(path.parent).as_posix() for p in path.parent.rglob("*")}
        root = path.parent
        article = parse_latex(names, lambda n, root=root: (root / n).read_bytes(), path.name, "x")  # type: ignore[misc]
        with pymupdf.open(pdf) as pages:
            text = letters("".join(page.get_text() for page in pages))
        documents += 1
        for figure in article.figures:
            caption = letters(figure.caption.partition("[CITATION]")[0])[:25]
            if figure.label and caption in text and len(caption) > 5:
                there += 1
                behind += letters(figure.label.split()[-1]) + caption in text
    print(f"{documents} documents: {behind} of {there} captions stand behind the number given")


def letters(text: str) -> str:
    return "".join(c.lower() for c in unicodedata.normalize("NFKC", text) if c.isalnum())


if __name__ == "__main__":
    main()
