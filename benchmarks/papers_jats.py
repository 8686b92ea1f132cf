"""JATS articles: exactness against a slow reading of the raw XML, and articles per second.

    python benchmarks/papers_jats.py [--data ../shared/data/papers] [--licences] [--seconds 4]

Exactness, on papers/twins, papers/jats and papers/jose, against an oracle that reads the XML with
Python's own ElementTree and shares no code with the package:

- figure -> picture names, as written, in order, one of each ``alternatives``;
- figure -> caption, compared without white space (NFKC, so that H₂O is H2O); nested supplements,
  figures and pictures are no part of it;
- every ``xref`` to a figure -> its paragraph is among the figure's mentions, once; no paragraph
  holds text that its ``p`` has not;
- the same captions and links as in papers/twins/gold.jsonl.

Speed, per CPU second of one process: ``parse_jats`` with metadata, mentions and licence; lxml's
parse alone; pubmed_parser's captions, and its metadata, captions and paragraphs (which is nearer to
what ``parse_jats`` does), where it is importable (pip install pubmed_parser). --licences prints the
licence text beside its class, for reading.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

from lxml import etree

from domainclip.extractors.papers.jats.article import parse_jats
from domainclip.extractors.papers.licences import allows
from domainclip.extractors.papers.records import Article

__all__ = ["main"]

HREF = "{http://www.w3.org/1999/xlink}href"
NOT_CAPTION = {"fig", "supplementary-material", "table-wrap", "media", "graphic", "alt-text"}
NO_FIGURE = {"disp-formula", "inline-formula", "supplementary-material", "table-wrap", "td", "th"}


def files_of(data: Path) -> list[Path]:
    """The sample's JATS files."""
    found = [
        *data.glob("twins/*/fulltext.xml"),
        *data.glob("jats/*"),
        *data.rglob("jose/**/*.jats"),
    ]
    return sorted(path for path in found if path.is_file())


def bare(text: str) -> str:
    """Characters alone: no white space, no difference between ² and 2, no braces of scripts."""
    text = re.sub(r"[\^_](?=\{)|[{}]", "", text)
    text = unicodedata.normalize("NFKC", text).translate({0x2212: "-", 0x2013: "-", 0x2010: "-"})
    return "".join(text.split())


def words(element: ElementTree.Element, without: set[str]) -> str:
    """An element's characters, less some of its descendants."""
    parts = [element.text or ""]
    for child in element:
        if child.tag not in without:
            parts.append(words(child, without))
        parts.append(child.tail or "")
    return "".join(parts)


class Oracle:
    """What one file says of its figures, read slowly."""

    def __init__(self, path: Path) -> None:
        root = ElementTree.fromstring(path.read_bytes())
        for parent in list(root.iter()):
            for child in list(parent):
                if child.tag in ("sub-article", "response"):
                    parent.remove(child)
        self.up = {child: parent for parent in root.iter() for child in parent}
        self.figures = list(root.iter("fig"))
        self.root = root

    def above(self, element: ElementTree.Element) -> Iterator[ElementTree.Element]:
        """Ancestors, nearest first."""
        while element in self.up:
            element = self.up[element]
            yield element

    def hrefs(self, fig: ElementTree.Element) -> list[str]:
        """A figure's own pictures; of alternatives the first jpg, else the first."""
        names: list[str] = []
        seen = set()
        for graphic in fig.iter("graphic"):
            ways = list(self.above(graphic))
            before = ways[: ways.index(fig)]
            if any(way.tag in NO_FIGURE or way.tag == "fig" for way in before):
                continue
            if ways[0].tag == "alternatives":
                if ways[0] in seen:
                    continue
                seen.add(ways[0])
            names.append(graphic.get(HREF, ""))
        return names

    def links(self) -> Iterator[tuple[str, str]]:
        """(figure id, its paragraph's characters) for each xref outside its own caption."""
        ids = {fig.get("id") for fig in self.figures}
        for xref in self.root.iter("xref"):
            if xref.get("ref-type") != "fig":
                continue
            ways = list(self.above(xref))
            paragraph = next((w for w in ways if w.tag in ("p", "td", "title", "list-item")), None)
            inside = {way.get("id") for way in ways if way.tag == "fig"}
            for rid in (xref.get("rid") or "").split():
                if rid in ids and rid not in inside and paragraph is not None:
                    yield rid, bare(words(paragraph, NOT_CAPTION | {"boxed-text"}))


def same_but_formulas(ours: str, theirs: str, has_formula: bool) -> bool:
    """Equal characters; a formula's fraction bars and roots are ours."""
    if ours == theirs:
        return True
    keep = str.isalnum
    return has_formula and sorted(filter(keep, ours)) == sorted(filter(keep, theirs))


def check(articles: dict[Path, Article], gold_file: Path) -> None:
    """Prints how many figures, captions and links are exact, and every one that is not."""
    counts: Counter[str] = Counter()
    for path, article in articles.items():
        oracle = Oracle(path)
        ours = [f for f in article.figures if f.kind not in ("table", "box", "supplementary")]
        counts["figures"] += len(oracle.figures)
        counts["figures found"] += len(ours)
        for fig, figure in zip(oracle.figures, ours, strict=False):
            caption = fig.find("caption")
            theirs = bare(words(caption, NOT_CAPTION)) if caption is not None else ""
            counts["hrefs exact"] += [g.href for g in figure.graphics] == oracle.hrefs(fig)
            if bare(figure.caption) == theirs:
                counts["captions exact"] += 1
            else:
                print(f"{path} {figure.id}: caption {figure.caption!r}")
        by_id = {figure.id: figure for figure in article.figures}
        for figure in article.figures:
            texts = [mention.text for mention in figure.mentions]
            counts["mentions"] += len(texts)
            counts["mentions twice"] += len(texts) - len(set(texts))
        links = list(oracle.links())
        for rid, paragraph in links:
            counts["links"] += 1
            formulas = any("math" in e.tag for e in oracle.root.iter())
            held = any(
                same_but_formulas(bare(m.text), paragraph, formulas) for m in by_id[rid].mentions
            )
            counts["links held"] += held
            if not held:
                print(f"{path} {rid}: not cited by {paragraph[:100]!r}")
    for line in gold_file.read_text().splitlines():
        gold = json.loads(line)
        article = articles[gold_file.parent / gold["dir"] / "fulltext.xml"]
        by_id = {figure.id: figure for figure in article.figures}
        for wanted in gold["figs"]:
            figure = by_id.get(wanted["id"])
            counts["gold figures"] += 1
            if figure is None:
                continue
            counts["gold captions"] += bare(figure.caption) == bare(wanted["caption"])
            counts["gold hrefs"] += [g.href for g in figure.graphics] == wanted["graphics"]
            counts["gold figures cited"] += bool(figure.mentions) or not wanted["mentions"]
    for name, of in (
        ("figures found", "figures"),
        ("hrefs exact", "figures"),
        ("captions exact", "figures"),
        ("links held", "links"),
        ("gold captions", "gold figures"),
        ("gold hrefs", "gold figures"),
        ("gold figures cited", "gold figures"),
        ("mentions twice", "mentions"),
    ):
        print(f"{name:20} {counts[name]:5} of {counts[of]:5}  {counts[name] / counts[of]:.4f}")


def rate(work: Callable[[], object], count: int, seconds: float) -> float:
    """Articles per CPU second: the best of the passes that fit in the time."""
    best, end = float("inf"), time.monotonic() + seconds
    while time.monotonic() < end or best == float("inf"):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return count / best


def speed(paths: list[Path], seconds: float) -> None:
    """Prints articles per second for us, lxml alone and pubmed_parser."""
    contents = [(path.read_bytes(), path.name) for path in paths]
    ours = rate(lambda: [parse_jats(data, name) for data, name in contents], len(paths), seconds)
    parser = etree.XMLParser(recover=True, resolve_entities=False)
    alone = rate(lambda: [etree.fromstring(d, parser) for d, _ in contents], len(paths), seconds)
    print(f"parse_jats           {ours:7.0f} articles/s")
    print(f"lxml parse alone     {alone:7.0f} articles/s  ({ours / alone:.2f} of it is ours)")
    try:
        import pubmed_parser
    except ImportError:
        print("pubmed_parser is not installed: no peer to compare with (pip install pubmed_parser)")
        return
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for at, (data, _) in enumerate(contents):
            names.append(str(Path(folder) / f"{at}.nxml"))
            Path(names[-1]).write_bytes(data)

        def peer(name: str, *calls: str) -> list[dict[str, str]]:
            answer: list[dict[str, str]] = []
            for call in calls:
                try:
                    answer = getattr(pubmed_parser, call)(name) or []
                except Exception as error:  # the peer's own crashes are its answer
                    answer = []
                    crashes.add((call, name, type(error).__name__))
            return answer

        crashes: set[tuple[str, str, str]] = set()
        alone_calls = ("parse_pubmed_caption",)
        all_calls = ("parse_pubmed_xml", "parse_pubmed_paragraph", "parse_pubmed_caption")
        captions = rate(lambda: [peer(name, *alone_calls) for name in names], len(paths), seconds)
        everything = rate(lambda: [peer(name, *all_calls) for name in names], len(paths), seconds)
        right: Counter[str] = Counter()
        for path, name in zip(paths, names, strict=True):
            oracle = Oracle(path)
            answers = {answer["fig_id"]: answer for answer in peer(name, *alone_calls)}
            for fig in oracle.figures:
                answer = answers.get(fig.get("id") or "", {})
                caption = fig.find("caption")
                theirs = bare(words(caption, NOT_CAPTION)) if caption is not None else ""
                right["figures"] += 1
                right["captions"] += bare(answer.get("fig_caption") or "") == theirs
                right["hrefs"] += [answer.get("graphic_ref")] == oracle.hrefs(fig)[:1]
        print(
            f"pubmed_parser        {right['hrefs']} hrefs, {right['captions']} captions right of "
            f"{right['figures']}; {len(crashes)} crashes"
        )
    print(
        f"pubmed_parser        {captions:7.0f} articles/s, captions alone: {ours / captions:.2f}x"
    )
    print(f"pubmed_parser        {everything:7.0f} articles/s, as much: {ours / everything:.2f}x")


def main() -> None:
    """Check, then measure."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--data", type=Path, default=Path("../shared/data/papers"))
    options.add_argument("--licences", action="store_true")
    options.add_argument("--seconds", type=float, default=4)
    given = options.parse_args()
    paths = files_of(given.data)
    articles = {path: parse_jats(path.read_bytes(), path.name) for path in paths}
    print(f"{len(paths)} articles, {sum(len(a.figures) for a in articles.values())} figures")
    if given.licences:
        for path, article in articles.items():
            free = "commercial" if allows(article.license, "commercial") else "not commercial"
            place = path.relative_to(given.data)
            print(f"{place}: {article.license} ({free})\n    {article.license_text[:600]}")
    check(articles, given.data / "twins" / "gold.jsonl")
    speed(paths, given.seconds)


if __name__ == "__main__":
    main()
