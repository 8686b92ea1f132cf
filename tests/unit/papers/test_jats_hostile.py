"""Files that want to break the reader: each ends in an article or in one sentence."""

from __future__ import annotations

import io
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainclip.errors import BadInput
from domainclip.extraction.archives.streams import Span
from domainclip.extractors.papers.jats import tree as _jats_tree
from domainclip.extractors.papers.jats.article import parse_jats
from domainclip.extractors.papers.sources.sets import article_spans

SMALL = "<article><front/><body><fig id='f'><caption><p>{}</p></caption></fig></body></article>"


def caption(data: bytes) -> str:
    return parse_jats(data, "a.xml").figures[0].caption


def test_entities_are_never_expanded() -> None:
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    text = f'<!DOCTYPE article [<!ENTITY l0 "ha">{lol}]>' + SMALL.format("a &l11; b")
    attribute = text.replace("<body>", '<body specific-use="&l11;">')
    start = time.monotonic()
    assert "haha" not in caption(text.encode()) + caption(attribute.encode())
    assert time.monotonic() - start < 10


def test_nothing_is_read_from_disk(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    text = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]>' + SMALL.format("a &x; b")
    assert "secret" not in caption(text.encode())
    text = f'<!DOCTYPE article SYSTEM "{secret.as_uri()}">' + SMALL.format("fine")
    assert caption(text.encode()) == "fine"


def test_a_subset_full_of_traps_is_cut_out() -> None:
    subset = '<!DOCTYPE article [<!-- \']>" --><!ENTITY e "]>"><?pi ]>?> %x; ]>'
    assert caption((subset + SMALL.format("fine")).encode()) == "fine"


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("latin-1", "iso-8859-1"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16"),
        ("utf-8", "iso-8859-1"),
        ("latin-1", "utf-8"),
        ("utf-8", "no-such-encoding"),
        ("cp1252", "utf-8"),
    ],
)
def test_encodings_declared_rightly_and_wrongly(encoding: str, declared: str) -> None:
    text = f"<?xml version='1.0' encoding='{declared}'?>" + SMALL.format("größer als 5 µm")
    assert caption(text.encode(encoding)) == "größer als 5 µm"


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"   \n", "empty"),
        (b"plain words", "XML"),
        (b"<html><body>404</body></html>", "html"),
        (b"<!DOCTYPE html><html><p>Gone<br></html>", "HTML"),
        (b"<article/>", "no JATS"),
        (b"<book><front/></book>", "no JATS"),
        (b"<article><front/><body><p>cut of", "cut off"),
        (b"<article><front/><body><p>cut of</p>", "cut off"),
        (b"<!DOCTYPE article [<!ENTITY x 'y", "does not end"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "XML"),
        (b"<article>" + b"<sec>" * 5000 + b"</sec>" * 5000 + b"</article>", "deep"),
    ],
)
def test_what_cannot_be_used_says_why(data: bytes, word: str) -> None:
    with pytest.raises(BadInput, match=word) as caught:
        parse_jats(data, "PMC1.xml")
    assert str(caught.value).startswith("PMC1.xml ")


def test_small_errors_of_publishers_are_mended() -> None:
    text = SMALL.format("R&D at p < 0.05<bold>!</p>").replace("<p>", "<p>\x0b", 1)
    assert caption(text.encode()).startswith("R&D")


def test_namespaces_wrappers_and_undeclared_prefixes() -> None:
    inner = SMALL.format("fine").removeprefix("<article>")
    spaced = "<article xmlns='http://jats.nlm.nih.gov'>" + inner
    record = f"<record xmlns='http://oai'><metadata>{spaced}</metadata></record>"
    prefixed = inner.replace("</fig>", "<graphic xlink:href='g1'/></fig>")
    for text in (spaced, record, f"<pmc-articleset>{SMALL.format('fine')}</pmc-articleset>"):
        assert caption(text.encode()) == "fine"
    article = parse_jats(f"<article>{prefixed}".encode(), "a")
    assert article.figures[0].graphics[0].href == "g1"


def test_sets_of_articles_are_read_as_sets_only() -> None:
    data = f"<pmc-articleset>{SMALL.format('a')}{SMALL.format('b')}</pmc-articleset>".encode()
    spans = article_spans(Span(io.BytesIO(data), 0, len(data)))
    articles = [parse_jats(data[start:end], "s") for start, end, _ in spans]
    assert [a.figures[0].caption for a in articles] == ["a", "b"]
    with pytest.raises(BadInput, match="2 articles"):
        parse_jats(data, "s.xml")


def test_too_many_tags_are_refused_before_a_tree_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_jats_tree, "SMALL_BYTES", 1000)
    monkeypatch.setattr(_jats_tree, "MAX_TAGS", 1000)
    data = SMALL.format("<b/>" * 2000).encode()
    tracemalloc.start()
    with pytest.raises(BadInput, match="tags"):
        parse_jats(data, "a.xml")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_deep_formulas_and_markup_do_not_overflow_the_stack() -> None:
    for tag in ("mml:mrow", "sup", "italic", "inline-formula"):
        deep = f"<{tag}>" * 200 + "x" + f"</{tag}>" * 200
        assert caption(SMALL.format(deep).encode()).strip("^{}") in ("x", "ˣ")


@pytest.mark.parametrize("tag", ["fig", "sub-article"])
def test_floats_and_articles_nested_without_end(tag: str) -> None:
    inner = f"<{tag}><body/>" * 1900 + f"</{tag}>" * 1900
    cites = "<p><xref ref-type='fig' rid='f'>1</xref></p>" + "x" * _jats_tree.SMALL_BYTES
    data = f"<article><front/><fig id='f'>{inner}</fig>{cites}</article>"
    if tag == "sub-article":
        data = f"<article><front/>{inner}{cites}</article>"
    try:
        assert len(parse_jats(data.encode(), "a.xml").figures) <= 1901
    except BadInput as error:
        assert "too deeply" in str(error)


@given(st.binary(max_size=300), st.integers(0, 120))
def test_any_bytes_end_in_an_article_or_in_one_sentence(noise: bytes, place: int) -> None:
    text = SMALL.format("a <sub>2</sub> &amp; <xref ref-type='fig' rid='f'>Fig</xref>").encode()
    for data in (noise, text[:place] + noise + text[place:]):
        try:
            parse_jats(data, "a.xml")
        except BadInput:
            continue
