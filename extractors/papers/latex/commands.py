"""Tables of the commands and environments that mean something for a text, by what they do."""

from __future__ import annotations

import re

__all__ = [
    "ACRONYMS",
    "CITES",
    "DING",
    "ENDS_MATH",
    "MATH_ENVIRONMENTS",
    "NUMBERED",
    "QUOTES",
    "REFERENCES",
    "REGISTERS",
    "SILENT_SIGNS",
]

CITES = re.compile(
    r"[Cc]ite[a-zA-Z]{0,12}|(?:[Pp]aren|[Tt]ext|[Aa]uto|[Ff]ull|[Ss]uper|[Oo]nline|[Ss]mart|foot)cite[ps]?s?"
)
REFERENCES = {
    "ref": "number", "vref": "number", "labelcref": "number", "zref": "number", "eqref": "equation",
    "cref": "lower", "zcref": "lower", "Cref": "upper", "autoref": "upper", "vcref": "lower",
    "Vref": "upper", "fullref": "upper", "figref": "upper", "Figref": "upper", "fref": "lower",
    "Fref": "upper", "tabref": "upper", "secref": "upper", "subref": "panel", "nameref": "none",
    "titleref": "none", "crefrange": "lower range", "Crefrange": "upper range",
    "vrefrange": "number range", "labelcpageref": "none",
}  # fmt: skip
MATH_ENVIRONMENTS = {
    "math", "displaymath", "equation", "align", "eqnarray", "gather", "multline", "flalign",
    "alignat", "dmath", "IEEEeqnarray", "subequations@", "split@",
}  # fmt: skip
NUMBERED = {"equation", "align", "eqnarray", "gather", "multline", "flalign", "alignat"}
# TeX's own that take a length or number without "="
REGISTERS = {
    "vskip", "hskip", "kern", "mkern", "mskip", "baselineskip", "parindent", "parskip", "hsize",
    "vsize", "penalty", "tolerance", "hangindent", "hangafter", "looseness", "textwidth",
    "moveleft",
    "moveright", "raise", "lower", "abovecaptionskip", "belowcaptionskip", "textheight",
    "topmargin", "oddsidemargin", "evensidemargin", "pretolerance", "tabcolsep", "itemsep",
}  # fmt: skip
ACRONYMS = ("gls", "Gls", "glspl", "ac", "acs", "acf", "acl", "acp", "acrshort")
QUOTES = (("---", "—"), ("--", "–"), ("``", "“"), ("''", "”"), ("`", "‘"), ("'", "’"))
ENDS_MATH = {"caption", "captionof", "section", "subsection", "subsubsection", "chapter", "item"}
SILENT_SIGNS = set("-/!@)(]['\"")
DING = {"51": "✓", "52": "✓", "53": "✗", "55": "✗", "56": "✗", "72": "★", "108": "●", "109": "○"}
