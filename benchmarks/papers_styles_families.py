"""How made-up articles look: one function a family, modelled on real publishers' pages."""

# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

__all__ = ["FAMILIES", "Style"]

_SERIF, _SANS = "Liberation Serif", "Liberation Sans"
_FONTS = (_SERIF, _SERIF, _SANS, "DejaVu Serif", "Liberation Sans Narrow")


@dataclass(frozen=True, slots=True)
class Style:
    """The looks of one article. Lengths in points.

    label: how "Figure N" is written, with N for the number. label_css, caption_css: their type.
    side: where captions stand to their figures. wide: share of figures that span all columns.
    wrapped: share of column floats that text flows around. hanging: the label stands in a column
    left of the caption. uneven: raised numbers push lines apart. double: captions in two languages.
    frame: rules and boxes around floats. legends: all captions in a list, pictures at the end.
    """

    page: tuple[float, float] = (595, 842)
    margins: tuple[float, float, float, float] = (60, 60, 55, 55)  # top, bottom, left, right
    columns: int = 2
    gap: float = 16
    font: str = _SERIF
    size: float = 9.5
    leading: float = 1.2
    justify: bool = True
    indent: float = 10
    parting: float = 0
    heading_css: str = "font-weight:bold"
    label: str = "Figure N."
    label_css: str = "font-weight:bold"
    label_line: bool = False
    bold_title: bool = False
    caption_css: str = "font-size:8pt"
    caption_columns: int = 1
    side: Literal["below", "above", "left", "right"] = "below"
    wide: float = 0.4
    frame: Literal["", "box", "tint", "rules", "under", "inner"] = ""
    table_label: str = "Table N."
    table_side: Literal["above", "below"] = "above"
    table_look: str = "book"
    head: str = ""
    foot: str = ""
    language: str = "en"
    numbered_lines: bool = False
    watermark: str = ""
    sidebar: bool = False
    drop_cap: bool = False
    link_css: str = ""
    legends: bool = False
    own_pages: bool = False
    facing: bool = False
    turned: bool = False
    landscape: bool = False
    paired: float = 0.1
    wrapped: float = 0
    hanging: bool = False
    uneven: bool = False
    double: bool = False


def _any(random: Random, *options: str) -> str:
    return random.choice(options)


def bmc(r: Random) -> Style:
    return Style(
        size=r.choice((9.5, 10)), label=_any(r, "Fig. N", "Figure N"), bold_title=r.random() < 0.6,
        caption_css="font-size:8pt;font-family:Liberation Sans" if r.random() < 0.5 else
        "font-size:8.5pt", frame=r.choice(("", "rules", "box")), table_label="Table N",
        head="Smith et al. BMC Medicine (2016) 14:23", foot="Page # of 9", facing=r.random() < 0.3,
        link_css="color:#0000cc", table_look=r.choice(("book", "heads")),
    )  # fmt: skip


def plos(r: Random) -> Style:
    narrow = r.random() < 0.6
    return Style(
        page=(612, 792), columns=1 if narrow else 2,
        margins=(70, 60, 200, 36) if narrow else (60, 60, 36, 36), size=r.choice((9, 10)),
        label=_any(r, "Fig N.", "Figure N."), bold_title=True, caption_css=_any(r,
        "font-size:9pt;font-family:Liberation Sans", "font-size:8.5pt", "font-size:9.5pt"),
        head="PLOS ONE | Figure legends and tables in disease", foot="PLoS ONE | March # / 12",
        table_look="shaded", wide=0.7,
    )  # fmt: skip


def frontiers(r: Random) -> Style:
    return Style(
        size=9.5, label=_any(r, "FIGURE N |", "Figure N |", "FIGURE N. "),
        caption_css="font-size:8pt;font-family:Liberation Sans" + r.choice(("", ";color:#444")),
        table_label="TABLE N |", frame=r.choice(("", "under", "tint")), bold_title=r.random() < 0.5,
        head="Rossi et al. Figures of merit", foot="Frontiers in Immunology | www.frontiersin.org",
        caption_columns=r.choice((1, 1, 2)), table_look=r.choice(("heads", "shaded")),
    )  # fmt: skip


def mdpi(r: Random) -> Style:
    return Style(
        columns=1, margins=(70, 60, 50, 50) if r.random() < 0.5 else (70, 60, 165, 40), size=10,
        label="Figure N.", caption_css="font-size:9pt;" + _any(r, "", "padding:0 30pt",
        "text-align:center"), table_label="Table N.", wide=1, head="Int. J. Mol. Sci. 2019, 20, #",
        font=r.choice((_SERIF, "DejaVu Serif")), link_css=_any(r, "", "color:#0000cc"),
    )  # fmt: skip


def hindawi(r: Random) -> Style:
    return Style(
        page=(600, 792), size=10, label=_any(r, "Figure N:", "FIGURE N:"),
        label_css=_any(r, "", "font-variant:small-caps"), caption_css="font-size:8.5pt",
        table_label=_any(r, "Table N:", "TABLE N:"), head="BioMed Research International", foot="#",
        caption_columns=1, wide=0.5,
    )  # fmt: skip


def springer(r: Random) -> Style:
    return Style(
        size=10, label="Fig. N", caption_css="font-size:8.5pt", side=r.choice(("below", "below",
        "right", "left")), table_label="Table N", head="Eur J Nucl Med (2011) 38:1–10", foot="123",
        link_css=_any(r, "", "color:#00c"), table_look=r.choice(("book", "shaded")), gap=14,
        caption_columns=1, wide=0.5,
    )  # fmt: skip


def wiley(r: Random) -> Style:
    return Style(
        page=(595, 782), size=r.choice((9, 10)), label=_any(r, "Figure N.", "FIGURE N", "Fig. N."),
        label_css=_any(r, "font-weight:bold", "font-weight:bold;color:#036", "", "font-style:italic"
        ), caption_css=_any(r, "font-size:8pt", "font-size:9pt;font-weight:bold",
        "font-size:8pt;font-family:Liberation Sans"), frame=r.choice(("", "tint", "rules")),
        head="JONES ET AL.", foot="# | Wiley Periodicals", table_look="heads",
    )  # fmt: skip


def elsevier(r: Random) -> Style:
    return Style(
        page=(595, 794), size=r.choice((8, 8.5)), gap=18, label=_any(r, "Fig. N.", "Figure N", "Fig. N"),
        label_css=_any(r, "", "font-weight:bold"), caption_css=_any(r, "font-size:7pt",
        "font-size:6.5pt;font-family:Liberation Sans"), label_line=r.random() < 0.15,
        table_label="Table N", head="A. Author, B. Other / NeuroImage: Clinical 9 (2015) 1–#",
        link_css="color:#06a", wide=0.5,
    )  # fmt: skip


def oup(r: Random) -> Style:
    return Style(
        page=(595, 794), size=9, label=_any(r, "Figure N.", "Fig. N.", "FIG. N.", "Fig. N"),
        label_css=_any(r, "font-weight:bold", "font-weight:bold;color:#a33"),
        caption_css=_any(r, "font-size:8pt", "font-size:7.5pt;font-family:Liberation Sans",
        "font-size:9pt"), side=r.choice(("below", "below", "right")), head="Nucleic Acids Research, "
        "2012, Vol. 40, No. #", sidebar=r.random() < 0.5, table_label="Table N.", wide=0.4,
        frame=r.choice(("", "under")), paired=0.2,
    )  # fmt: skip


def dove(r: Random) -> Style:
    return Style(
        page=(612, 792), size=9.5, font=_SERIF, label=_any(r, "Figure N", "Figure N."),
        caption_css="font-size:8pt;font-family:Liberation Sans", bold_title=r.random() < 0.4,
        frame=r.choice(("box", "rules", "tint")), table_label="Table N", table_look=
        r.choice(("shaded", "heads", "grid")), head="Dovepress", foot="submit your manuscript | #",
    )  # fmt: skip


def nature(r: Random) -> Style:
    return Style(
        page=(595, 790), size=r.choice((8.5, 9)), label=_any(r, "Figure N |", "Figure N.",
        "Fig. N |", "Fig. N:"), bold_title=True, caption_css=_any(r, "font-size:7.5pt",
        "font-size:7pt;font-family:Liberation Sans", "font-size:8pt"), columns=r.choice((1, 2, 2)),
        head="www.nature.com/scientificreports/", foot="SCIENTIFIC REPORTS | 5:12345 | DOI: 10.1038",
        caption_columns=r.choice((1, 2)), wide=0.6, drop_cap=r.random() < 0.5, table_label="Table N |",
        table_side=r.choice(("above", "below")), margins=(60, 50, 40, 40), paired=0.2,
    )  # fmt: skip


def scielo(r: Random) -> Style:
    language = r.choice(("pt", "es"))
    word = r.choice(("Figura N.", "Figura N -", "FIGURA N.", "Figura N", "Fig. N –"))
    table = {"pt": "Tabela N", "es": "Tabla N"}[language] + r.choice((".", " -", ""))
    return Style(
        language=language, label=word, table_label=table, size=r.choice((9, 10)),
        caption_css=_any(r, "font-size:8pt", "font-size:8pt;font-family:Liberation Sans",
        "font-size:9pt;font-style:italic", "text-align:center;font-size:8pt"), font=r.choice(
        (_SERIF, _SANS)), side=r.choice(("below", "below", "above")), head="Rev Bras Hematol. 2012",
    )  # fmt: skip


def languages(r: Random) -> Style:
    language = r.choice(("de", "fr", "ru"))
    words = {
        "de": ("Abb. N", "Abbildung N:", "Abb. N:", "Abb. N ▪"),
        "fr": ("Figure N.", "Fig. N –", "Figure N :", "FIG. N. –"),
        "ru": ("Рис. N.", "Рисунок N.", "Рис. N —"),
    }
    tables = {"de": "Tab. N", "fr": "Tableau N.", "ru": "Таблица N."}
    return Style(
        language=language, label=r.choice(words[language]), table_label=tables[language],
        label_css=_any(r, "font-weight:bold", "", "font-style:italic"), size=r.choice((9, 10)),
        caption_css=_any(r, "font-size:8pt", "font-size:8.5pt;font-family:Liberation Sans"),
        columns=r.choice((1, 2, 3)), head="Dtsch Arztebl Int 2010", wide=0.3,
    )  # fmt: skip


def manuscript(r: Random) -> Style:
    legends = r.random() < 0.7
    return Style(
        page=(612, 792), margins=(72, 72, 72, 72), columns=1, size=r.choice((11, 12)),
        leading=r.choice((1.5, 2, 2.3)), justify=r.random() < 0.3, indent=36, legends=legends,
        font=r.choice((_SERIF, _SERIF, _SANS)), label=_any(r, "Figure N.", "Figure N:", "Fig. N.",
        "Figure N", "FIGURE N."), caption_css="", label_line=r.random() < 0.15, wide=1,
        numbered_lines=r.random() < 0.5, foot="#", table_look=r.choice(("book", "grid")),
    )  # fmt: skip


def author(r: Random) -> Style:
    return Style(
        page=(612, 792), margins=(70, 60, 90, 60), columns=1, size=10.5, leading=1.2, indent=0,
        parting=6, label="Figure N.", label_line=True, bold_title=r.random() < 0.4,
        caption_css="font-size:10.5pt" if r.random() < 0.6 else "font-size:9.5pt", own_pages=True,
        watermark="Author Manuscript", head="Smith et al. Page #", wide=1,
        foot="J Neurosci. Author manuscript; available in PMC 2014", font=r.choice((_SERIF, _SANS)),
    )  # fmt: skip


def icml(r: Random) -> Style:
    return Style(
        page=(612, 792), margins=(72, 72, 54, 54), gap=18, size=10, label=_any(r, "Figure N.",
        "Figure N:", "Fig. N."), label_css=_any(r, "font-style:italic", ""), caption_css=
        "font-size:9pt" + r.choice(("", ";font-style:italic", "")), table_label="Table N.",
        table_side=r.choice(("above", "below")), table_look=r.choice(("book", "grid", "plain")),
        head="Figures for Learning with Tables", wide=0.3, frame=r.choice(("", "", "under")),
        paired=0.25,
    )  # fmt: skip


def older(r: Random) -> Style:
    return Style(
        page=r.choice(((540, 738), (482, 680), (595, 842))), margins=(50, 50, 45, 45), size=r.choice(
        (7.5, 8, 9, 10)), label=_any(r, "FIG. N.—", "FIG. N.", "Fig. N.", "Figure N.–", "Fig. N. –"),
        label_css=_any(r, "", "font-variant:small-caps", "font-style:italic"), columns=r.choice(
        (1, 2)), caption_css=_any(r, "font-size:7pt", "font-size:8pt", "", "font-size:7.5pt"),
        table_label=_any(r, "TABLE N", "TABLE N.—", "Table N"), head="BRIT. J. CANCER", foot="#",
        turned=r.random() < 0.3, font=_SERIF, table_look="book",
    )  # fmt: skip


def magazine(r: Random) -> Style:
    return Style(
        page=(595, 792), columns=3, gap=13, size=r.choice((7.5, 8, 8.5)), margins=(50, 50, 40, 40),
        font=r.choice(_FONTS), label=_any(r, "Figure N", "Figure N:", "Figure N.", "FIGURE N",
        "Fig N"), label_css=_any(r, "font-weight:bold", "font-weight:bold;color:#fff;background:#036"
        ";padding:1pt 3pt", "font-weight:bold;color:#c30"), bold_title=r.random() < 0.5,
        caption_css="font-size:7pt;font-family:Liberation Sans", frame=r.choice(("", "tint", "box",
        "inner")), label_line=r.random() < 0.3, table_look="shaded", wide=0.3, sidebar=True,
        head="Articles | Figures and news", indent=8, table_label="Table N:",
    )  # fmt: skip


def preprint(r: Random) -> Style:
    """Nothing sets captions apart but the space around them."""
    size = r.choice((9, 10, 11))
    return Style(
        page=(612, 792), columns=r.choice((1, 2)), size=size, label=_any(r, "Figure N:", "Figure N.",
        "Fig. N.", "Figure N"), label_css="", caption_css=_any(r, f"font-size:{size}pt",
        f"font-size:{size}pt;text-align:center"), table_label=_any(r, "Table N:", "Table N."),
        table_side=r.choice(("above", "below")), font=r.choice(_FONTS), justify=r.random() < 0.7,
        head=_any(r, "", "Figure 1 of everything"), foot="#", wrapped=0.2, margins=(72, 72, 72, 72),
        table_look=r.choice(("book", "grid", "plain")), uneven=r.random() < 0.3,
    )  # fmt: skip


def odd(r: Random) -> Style:
    """Rare habits: labels set left of captions, floats in the text, other numberings."""
    return Style(
        page=r.choice(((595, 842), (612, 792), (520, 737))), columns=r.choice((1, 2, 2)),
        size=r.choice((8.5, 9.5, 10.5)), label=_any(r, "Figure SN.", "Supplementary Figure N:",
        "Fig. SN", "Extended Data Fig. N |", "Scheme N.", "Figure A.N:", "Plate N.", "Figure 1.N.",
        "Fig. N -", "FIGURE N:", "Chart N.", "Fig.N ", "Figure-N:", "►Fig. N"),
        label_css=_any(r, "", "font-weight:bold", "font-variant:small-caps", "color:#900"),
        caption_css=_any(r, "font-size:8pt", "font-size:7.5pt;font-family:Liberation Sans",
        "font-size:8pt;font-weight:bold", "font-size:8pt;font-style:italic"), hanging=r.random() < 0.3,
        wrapped=0.4, frame=r.choice(("", "box", "tint", "rules", "inner")), wide=0.4, paired=0.3,
        table_label=_any(r, "Table SN.", "Table N", "TABLE N"), side=r.choice(("below", "below",
        "above", "right")), head="Figure and fact, Vol. # (2009)",
        font=r.choice(_FONTS), link_css=_any(r, "", "color:#06c"),
    )  # fmt: skip


def wild(r: Random) -> Style:
    """Each trait by itself at random."""
    base = r.choice(list(FAMILIES.values())[:-1])(r)
    other = r.choice(list(FAMILIES.values())[:-1])(r)
    if base.language != "en" or other.language != "en" or base.legends or other.own_pages:
        return wild(r)
    size = r.choice((8, 9, 10, 11))
    return replace(
        base, columns=other.columns, label=other.label, label_css=other.label_css, size=size,
        caption_css=r.choice((other.caption_css, f"font-size:{size}pt", f"font-size:{size - 1}pt",
        f"font-size:{size}pt;font-family:Liberation Sans")), frame=other.frame, side=other.side,
        font=r.choice(_FONTS), leading=r.choice((1.15, 1.3, 1.5)), indent=r.choice((0, 12)),
        parting=r.choice((0, 6)), justify=r.random() < 0.6, landscape=r.random() < 0.2,
        margins=r.choice((base.margins, (50, 50, 45, 45))), head=other.head, turned=r.random() < 0.2,
        wrapped=r.choice((0, 0, 0.3)), uneven=r.random() < 0.2, hanging=other.hanging,
    )  # fmt: skip


FAMILIES: dict[str, Callable[[Random], Style]] = {
    family.__name__: family
    for family in (bmc, plos, frontiers, mdpi, hindawi, springer, wiley, elsevier, oup, dove, nature,
                   scielo, languages, manuscript, author, icml, older, magazine, preprint, odd, wild)
}  # fmt: skip
