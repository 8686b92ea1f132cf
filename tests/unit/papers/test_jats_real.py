"""Real articles of many publishers: gold captions and pictures, and no exception when damaged."""

from __future__ import annotations

import json
import random
import re
import unicodedata
from pathlib import Path

from domainclip.errors import BadInput
from domainclip.extractors.papers.jats.article import parse_jats


def bare(text: str) -> str:
    text = unicodedata.normalize("NFKC", re.sub(r"[\^_](?=\{)|[{}]", "", text))
    return "".join(text.translate({0x2212: "-", 0x2013: "-", 0x2010: "-"}).split())


def test_gold_captions_pictures_and_citations(shared_data: Path) -> None:
    twins = shared_data / "papers" / "twins"
    figures = exact = 0
    for line in (twins / "gold.jsonl").read_text().splitlines():
        gold = json.loads(line)
        path = twins / gold["dir"] / "fulltext.xml"
        found = {f.id: f for f in parse_jats(path.read_bytes(), path.name).figures}
        for wanted in gold["figs"]:
            figure = found[wanted["id"]]
            figures += 1
            exact += (
                bare(figure.caption) == bare(wanted["caption"])
                and [graphic.href for graphic in figure.graphics] == wanted["graphics"]
                and bool(figure.mentions) == bool(wanted["mentions"])
            )
            assert len({mention.text for mention in figure.mentions}) == len(figure.mentions)
    assert figures > 200
    assert exact >= 0.995 * figures


def test_damaged_articles_end_in_an_article_or_in_one_sentence(shared_data: Path) -> None:
    rng = random.Random(0)
    originals = [p.read_bytes() for p in sorted((shared_data / "papers" / "jats").glob("*.nxml"))]
    for _ in range(150):
        data = bytearray(rng.choice(originals))
        for _ in range(rng.randint(1, 6)):
            at, length = rng.randrange(len(data)), rng.randint(1, 2000)
            if rng.random() < 0.5:
                del data[at : at + length]
            else:
                start = rng.randrange(len(data))
                data[at:at] = data[start : start + length] + rng.randbytes(3)
        try:
            article = parse_jats(bytes(data), "a.xml")
        except BadInput:
            continue
        assert len({figure.id for figure in article.figures}) == len(article.figures)
