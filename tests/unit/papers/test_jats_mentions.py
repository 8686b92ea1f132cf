"""Paragraphs that cite a figure: each once, whole, and with nothing foreign in it."""

from __future__ import annotations

import pytest

from domainclip.extractors.papers.jats.article import parse_jats
from domainclip.extractors.papers.records import Mention

FIGURES = "".join(
    f'<fig id="f{n}"><label>Figure {n}</label><caption><p>Caption {n}</p></caption></fig>'
    for n in range(1, 6)
)


def mentions(body: str) -> dict[str, tuple[Mention, ...]]:
    article = parse_jats(f"<article><body>{body}{FIGURES}</body></article>".encode(), "a.xml")
    return {figure.id: figure.mentions for figure in article.figures if figure.mentions}


def xref(rid: str, text: str) -> str:
    return f'<xref ref-type="fig" rid="{rid}">{text}</xref>'


def test_a_paragraph_once_with_its_text_once() -> None:
    first, again = xref("f1", "Figure 1"), xref("f1", "Fig. 1")
    found = mentions(f"<p>Before {first} between {again} after.</p>")
    assert found == {"f1": (Mention("Before Figure 1 between Fig. 1 after."),)}


def test_figures_tables_and_captions_inside_a_paragraph_are_foreign() -> None:
    found = mentions(
        f"<p>See {xref('f1', 'Fig. 1')}.<fig id='x'><caption><p>Foreign</p></caption></fig>"
        "<table-wrap><caption><p>Foreign</p></caption></table-wrap> The end.</p>"
    )
    assert found["f1"] == (Mention("See Fig. 1. The end."),)


def test_the_nearest_paragraph_and_not_the_one_around_it_too() -> None:
    inner = f"<list><list-item><p>Item {xref('f1', 'Fig. 1')}</p></list-item></list>"
    assert mentions(f"<p>Outer {inner}</p>")["f1"] == (Mention("Item Fig. 1"),)
    both = mentions(f"<p>Outer {xref('f1', 'Fig. 1')} {inner}</p>")
    assert both["f1"] == (Mention("Outer Fig. 1 Item Fig. 1"),)


def test_several_ids_in_one_reference() -> None:
    assert set(mentions(f"<p>{xref('f1 f3', 'Figs 1 and 3')}</p>")) == {"f1", "f3"}


@pytest.mark.parametrize(
    "text",
    [
        f"Figs {xref('f2', '2')}–{xref('f4', '4')}",
        f"Figs {xref('f2', 'Fig. 2')} to {xref('f4', '4')}",
        xref("f2", "Figs 2–4"),
        xref("f2 f4", "Figures 2-4"),
        f"{xref('f2', 'Fig 2')}-4",
    ],
)
def test_ranges_cite_what_lies_between(text: str) -> None:
    assert set(mentions(f"<p>{text}</p>")) == {"f2", "f3", "f4"}


def test_two_figures_are_no_range() -> None:
    found = mentions(f"<p>{xref('f1', 'Fig. 1')} and {xref('f4', 'Fig. 4')}, 2–3 days</p>")
    assert set(found) == {"f1", "f4"}


@pytest.mark.parametrize(
    ("text", "panels"),
    [
        (xref("f2", "Fig. 2"), ""),
        (xref("f2", "Fig. 2B,C"), "BC"),
        (xref("f2", "Figs 2A–C"), "ABC"),
        (xref("f2", "Figure 2(a) and (d)"), "AD"),
        (xref("f2", "Fig 2A and 2B"), "AB"),
        (xref("f2", "Fig. 2") + "B, C", "BC"),
        (xref("f2", "Fig. 2") + " (a–c)", "ABC"),
        (f"{xref('f2', 'Fig. 2')}<italic>a</italic>", "A"),
        (f"{xref('f2', 'Fig. 2A')}–{xref('f2', 'D')}", "ABCD"),
        (f"{xref('f2', '2(b)')}–{xref('f2', '2(d)')}", "BCD"),
        (f"{xref('f2', 'Fig. 2A')} and 2D", "AD"),
        (xref("f2", "Fig. 2") + " a cell", ""),
        (xref("f2", "Fig. 2") + " shows cells", ""),
        (xref("f2", "Fig. 2Aii"), "A"),
    ],
)
def test_panels(text: str, panels: str) -> None:
    ((mention,),) = (mentions(f"<p>{text}</p>")["f2"],)
    assert mention.panels == tuple(panels)


def test_a_caption_does_not_cite_itself_but_may_cite_another() -> None:
    found = mentions(
        f"<fig id='x'><label>Figure 9</label><caption><p>As in {xref('f1', 'Fig. 1')}, of "
        f"{xref('x', 'Fig. 9')}.</p></caption></fig>"
    )
    assert found == {"f1": (Mention("As in Fig. 1, of Fig. 9."),)}


def test_references_to_groups_and_to_parts_of_figures() -> None:
    group = (
        "<fig-group id='g'><fig id='a'><caption><p>A</p></caption><graphic href='a'/></fig>"
        "<fig id='b'><caption><p id='inner'>B</p></caption><graphic href='b'/></fig></fig-group>"
    )
    found = mentions(f"{group}<p>See {xref('g', 'both')}.</p><p>Only {xref('inner', 'b')}.</p>")
    assert {key: [m.text for m in those] for key, those in found.items()} == {
        "a": ["See both."],
        "b": ["See both.", "Only b."],
    }


def test_a_dangling_reference_is_resolved_by_its_number() -> None:
    assert set(mentions(f"<p>{xref('gone', 'Figure 3')}</p>")) == {"f3"}


def test_other_references_cite_no_figure() -> None:
    assert mentions('<p><xref ref-type="bibr" rid="f1">1</xref></p>') == {}
