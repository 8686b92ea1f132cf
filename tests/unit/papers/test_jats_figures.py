"""Which elements of JATS become figures, with which pictures and captions."""

from __future__ import annotations

from domainclip.extractors.papers.jats.article import parse_jats
from domainclip.extractors.papers.records import Article, Figure

XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


def article(body: str, *, meta: str = "", attributes: str = "") -> Article:
    text = (
        f"<article {XLINK} {attributes}><front><article-meta>{meta}</article-meta></front>"
        f"<body>{body}</body></article>"
    )
    return parse_jats(text.encode(), "a.xml")


def only(body: str) -> Figure:
    (figure,) = article(body).figures
    return figure


def hrefs(figure: Figure) -> list[str]:
    return [graphic.href for graphic in figure.graphics]


def picture(name: str, attributes: str = "") -> str:
    return f'<graphic xlink:href="{name}" {attributes}/>'


def test_label_title_and_every_paragraph_of_the_caption() -> None:
    figure = only(
        '<fig id="f1"><label>Figure 1.</label><caption><title>Cells</title><p>One.</p><p>Two.</p>'
        f"</caption>{picture('g1')}</fig>"
    )
    assert (figure.id, figure.label, figure.title) == ("f1", "Figure 1", "Cells")
    assert figure.caption == "Cells One. Two."
    assert hrefs(figure) == ["g1"]


def test_a_figure_without_caption_does_not_take_the_one_before() -> None:
    figures = article(
        f'<fig id="a"><caption><p>First</p></caption>{picture("x")}</fig>'
        f'<fig id="b">{picture("y")}</fig>'
    ).figures
    assert [figure.caption for figure in figures] == ["First", ""]


def test_pictures_whose_href_is_not_the_first_attribute_or_has_no_namespace() -> None:
    figure = only('<fig><graphic id="i" mimetype="image" href="g1" position="float"/></fig>')
    assert hrefs(figure) == ["g1"]


def test_one_of_alternatives_and_all_of_several_graphics() -> None:
    figure = only(
        f"<fig><alternatives>{picture('a.tif')}{picture('a.jpg')}</alternatives>"
        f"{picture('b')}{picture('c')}</fig>"
    )
    assert hrefs(figure) == ["a.jpg", "b", "c"]


def test_the_same_picture_in_two_formats_counts_once() -> None:
    assert hrefs(only(f"<fig>{picture('a.eps')}{picture('a.png')}</fig>")) == ["a.png"]


def test_a_thumbnail_is_not_chosen() -> None:
    thumb = picture("t.jpg", 'specific-use="thumbnail"')
    figure = only(f"<fig><alternatives>{thumb}{picture('full.gif')}</alternatives></fig>")
    assert hrefs(figure) == ["full.gif"]


def test_supplements_of_a_figure_are_figures_below_it() -> None:
    figures = article(
        f'<fig id="f1"><label>Figure 1.</label><caption><p>Main.</p></caption>{picture("g1")}'
        '<p><fig id="f1s1" specific-use="child-fig"><label>Figure 1—figure supplement 1.</label>'
        f"<caption><p>More.</p></caption>{picture('g1s1')}</fig></p></fig>"
    ).figures
    assert [(f.id, f.parent, f.caption, hrefs(f)) for f in figures] == [
        ("f1", "", "Main.", ["g1"]),
        ("f1s1", "f1", "More.", ["g1s1"]),
    ]


def test_supplements_in_a_group_belong_to_its_first_figure() -> None:
    figures = article(
        f'<fig-group><fig id="f1"><caption><p>Main.</p></caption>{picture("g1")}</fig>'
        f'<fig id="s1" specific-use="child-fig"><caption><p>More.</p></caption>{picture("s")}</fig>'
        "</fig-group>"
    ).figures
    assert [(f.id, f.parent, f.caption) for f in figures] == [
        ("f1", "", "Main."),
        ("s1", "f1", "More."),
    ]


def test_a_groups_caption_stands_before_its_members() -> None:
    figures = article(
        '<fig-group id="g"><label>Figure 2</label><caption><p>Liver.</p></caption>'
        f'<fig id="a"><label>(a)</label><caption><p>Before.</p></caption>{picture("x")}</fig>'
        f'<fig id="b"><label>(b)</label><caption><p>After.</p></caption>{picture("y")}</fig>'
        "</fig-group>"
    ).figures
    assert [(f.id, f.label, f.caption, f.parent) for f in figures] == [
        ("a", "Figure 2 (a)", "Liver. Before.", "g"),
        ("b", "Figure 2 (b)", "Liver. After.", "g"),
    ]


def test_members_without_captions_are_pictures_of_their_group() -> None:
    figure = only(
        '<fig-group id="g"><caption><p>Liver.</p></caption>'
        f"<fig>{picture('x')}</fig><fig>{picture('y')}</fig></fig-group>"
    )
    assert (figure.id, figure.caption, hrefs(figure)) == ("g", "Liver.", ["x", "y"])


def test_a_figure_in_two_languages_shares_its_picture() -> None:
    figures = article(
        f'<fig-group><fig xml:lang="en" id="e"><caption><title>Map</title></caption></fig>'
        f'<fig xml:lang="pt" id="p"><caption><title>Mapa</title></caption>{picture("m")}</fig>'
        "</fig-group>"
    ).figures
    assert [(f.lang, f.caption, hrefs(f)) for f in figures] == [
        ("en", "Map", ["m"]),
        ("pt", "Mapa", ["m"]),
    ]


def test_formulas_and_icons_and_portraits_are_no_figures() -> None:
    assert not article(
        f"<p><disp-formula>{picture('eq')}</disp-formula>"
        f"<inline-formula><inline-graphic xlink:href='i'/></inline-formula>"
        f"<chem-struct-wrap>{picture('c')}</chem-struct-wrap></p><bio>{picture('me')}</bio>"
        f"<table-wrap><table><tr><td>{picture('icon')}</td></tr></table></table-wrap>"
    ).figures


def test_a_formula_inside_a_figures_caption_is_no_picture_of_it() -> None:
    figure = only(
        f"<fig><caption><p>At <inline-formula><alternatives>{picture('eq')}<tex-math>$x^2$"
        f"</tex-math></alternatives></inline-formula>.</p></caption>{picture('g')}</fig>"
    )
    assert (hrefs(figure), figure.caption) == (["g"], "At x².")


def test_kinds() -> None:
    caption = "<caption><p>C</p></caption>"
    figures = article(
        f"<table-wrap id='t'>{caption}<alternatives>{picture('t1')}<table/></alternatives>"
        f"</table-wrap><boxed-text id='b'>{caption}<p>{picture('b1')}</p></boxed-text>"
        f"<fig id='s'><label>Scheme 1</label>{picture('s1')}</fig>"
        f"<supplementary-material id='m' xlink:href='data.xlsx'>{caption}</supplementary-material>"
        f"<media id='v' mimetype='video' xlink:href='v.mp4'>{caption}</media>"
        f"<table-wrap id='n'>{caption}<table/></table-wrap>",
        meta=f"<abstract><p>Words.</p></abstract><abstract abstract-type='graphical'><title>"
        f"Graphical abstract</title><p>It works. {picture('ga')}</p></abstract>",
    ).figures
    assert {f.id: (f.kind, hrefs(f)) for f in figures} == {
        "graphical_abstract1": ("graphical_abstract", ["ga"]),
        "t": ("table", ["t1"]),
        "b": ("box", ["b1"]),
        "s": ("scheme", ["s1"]),
        "m": ("supplementary", ["data.xlsx"]),
        "v": ("video", ["v.mp4"]),
    }
    assert figures[0].caption == "It works."


def test_nested_supplements_are_no_part_of_the_caption() -> None:
    figures = article(
        "<fig id='f'><caption><p>Bars.</p><p><supplementary-material id='d'><label>Data 1.</label>"
        "<caption><p>Values.</p></caption><media xlink:href='d.xlsx'/></supplementary-material></p>"
        f"</caption>{picture('g')}</fig>"
    ).figures
    assert [(f.id, f.caption, hrefs(f), f.parent) for f in figures] == [
        ("f", "Bars.", ["g"], ""),
        ("d", "Values.", ["d.xlsx"], "f"),
    ]


def test_floats_group_back_and_appendix() -> None:
    text = (
        f"<article {XLINK}><body/><back><app-group><app><fig id='a'>{picture('a')}</fig></app>"
        f"</app-group></back><floats-group><fig id='b'>{picture('b')}</fig></floats-group>"
        "</article>"
    )
    assert [f.id for f in parse_jats(text.encode(), "a").figures] == ["a", "b"]


def test_sub_articles_stand_apart() -> None:
    text = (
        f"<article {XLINK}><body><fig id='f1'><label>Figure 1</label>{picture('a')}</fig></body>"
        "<sub-article article-type='reply'><front-stub><title-group><article-title>Answer"
        "</article-title></title-group></front-stub><body><p>See <xref ref-type='fig' rid='f1'>"
        f"Figure 1</xref>.</p><fig id='r1'>{picture('r')}</fig></body></sub-article></article>"
    )
    main = parse_jats(text.encode(), "a")
    assert [f.id for f in main.figures] == ["f1"]
    assert main.figures[0].mentions == ()
    (reply,) = main.sub_articles
    assert (reply.kind, reply.title, [f.id for f in reply.figures]) == ("reply", "Answer", ["r1"])


def test_ids_are_unique_and_made_up_where_missing() -> None:
    figures = article("<fig/><fig id='a'/><fig id='a'/><fig id='fig1'/>").figures
    assert [f.id for f in figures] == ["fig1", "a", "a-2", "fig1-2"]


def test_labels_inside_captions_are_found_and_stay() -> None:
    figure = only(f"<fig><caption><p>Fig. 3. Cells.</p></caption>{picture('g')}</fig>")
    assert (figure.label, figure.caption) == ("Fig. 3", "Fig. 3. Cells.")


def test_alt_text_without_placeholders() -> None:
    real = only(f"<fig><alt-text>A blue bar chart</alt-text>{picture('g')}</fig>")
    empty = only(
        "<fig><alt-text>An external file that holds a picture, illustration, etc.</alt-text></fig>"
    )
    assert (real.alt_text, empty.alt_text) == ("A blue bar chart", "")


def test_rights_of_single_figures() -> None:
    meta = (
        "<permissions><license xlink:href='https://creativecommons.org/licenses/by/4.0/'/>"
        "</permissions>"
    )
    figures = article(
        "<fig id='own'><caption><p>Cells.</p></caption></fig>"
        "<fig id='said'><caption><p>Reproduced from [3] with permission.</p></caption></fig>"
        "<fig id='node'><permissions><copyright-statement>© 2010 Press</copyright-statement>"
        "<license><license-p>CC BY-NC 3.0</license-p></license></permissions></fig>"
        "<fig id='same'><permissions><copyright-statement>© 2020 The Authors</copyright-statement>"
        "<license xlink:href='https://creativecommons.org/licenses/by/4.0/'/></permissions></fig>"
        "<fig id='credit'><attrib>Photo courtesy of NASA</attrib></fig>",
        meta=meta,
    ).figures
    assert {f.id: (f.third_party, f.license) for f in figures} == {
        "own": (False, ""),
        "said": (True, ""),
        "node": (True, "CC-BY-NC-3.0"),
        "same": (False, "CC-BY-4.0"),
        "credit": (True, ""),
    }
