"""Environments and commands that hold, draw or frame figures, by what they do."""

from __future__ import annotations

import re

from .graphics_commands import GRAPHICS_COMMANDS

__all__ = [
    "BOXES",
    "DRAWN",
    "DRAWN_BY_COMMAND",
    "FLOAT",
    "FRAMES",
    "OTHER_FLOATS",
    "OVERLAYS",
    "PANELS",
    "PROTECTED",
    "TABLES",
]

FLOAT = re.compile(
    r"(?:sideways|wrap|SC|floating|margin|teaser|wide|full|fullwidth|long|turn|rotated?|mc)?"
    r"(?P<kind>figure|table|scheme|chart)(?:here|H|\*)*"
)
BOXES = {"minipage", "subfigure", "subtable", "tabular", "tabularx", "tabular*", "floatrow",
          "adjustbox", "center", "threeparttable", "measuredfigure", "subcaptionblock",
          "subcaptiongroup", "columns", "column", "turn", "tcolorbox"}  # fmt: skip
PANELS = {"subfigure", "subtable", "subcaptionblock"}
TABLES = {"tabular", "tabular*", "tabularx", "tabulary", "tabu", "array", "NiceTabular", "tblr"}
DRAWN = {
    "tikzpicture": "tikz", "pgfpicture": "pgf", "axis": "pgfplots", "tikzcd": "tikz",
    "circuitikz": "tikz", "forest": "forest", "pspicture": "pstricks", "picture": "picture",
    "fmffile": "feynmf", "fmfgraph": "feynmf", "fmfgraph*": "feynmf", "asy": "asymptote",
    "gnuplot": "gnuplot", "xy": "xy", "dependency": "tikz", "quantikz": "tikz", "yquant": "tikz",
    "feynman": "tikz", "chemfig": "chemfig", "prooftree": "proof", "lstlisting": "listing",
    "verbatim": "listing", "Verbatim": "listing", "minted": "listing", "algorithmic": "algorithm",
    "algorithm": "algorithm", "algorithm2e": "algorithm", "bytefield": "bytefield",
}  # fmt: skip
DRAWN_BY_COMMAND = {
    "tikz": "tikz", "xymatrix": "xy", "Qcircuit": "qcircuit", "diagram": "diagram",
    "feynmandiagram": "tikz", "chemfig": "chemfig", "Tree": "qtree", "smartdiagram": "tikz",
    "pspicture": "pstricks", "tikzfig": "tikz", "ctikzfig": "tikz",
}  # fmt: skip
OVERLAYS = {"overpic", "Overpic"}
# Floats that are no figures, and environments that are no floats
OTHER_FLOATS = frozenset(
    ["algorithm", "algorithm2e", "listing", "lstlisting", "program", "video", "code", "quadro",
     "movie", "codelisting", "pseudocode"]
)  # fmt: skip
FRAMES = frozenset(
    ["center", "flushleft", "flushright", "quote", "quotation", "landscape", "strip", "multicols",
     "itemize", "enumerate", "description", "list", "adjustwidth", "widetext", "appendices",
     "otherlanguage", "CJK", "spacing", "doublespace", "singlespace", "sloppypar", "small",
     "footnotesize", "onecolumn", "onecolumngrid", "titlepage", "abstract", "frame", "block",
     "mdframed", "framed", "samepage", "group", "appendix", "subappendices", "section"]
)  # fmt: skip

# Figures are found by these, so that a document cannot give them another meaning
PROTECTED = frozenset(
    {*GRAPHICS_COMMANDS, *DRAWN, *OVERLAYS, "caption", "captionof", "subfloat", "subfigure",
     "subcaption", "subcaptionbox", "begin", "end", "label", "ref", "input", "include", "figure",
     "endfigure", "ffigbox", "ttabbox", "floatbox", "ContinuedFloat", "document"}
    - {"fig", "special", "epsf", "diagram", "figcaption", "xy", "asy", "axis", "dependency"}
)  # fmt: skip
