"""LaTeX's symbols as Unicode, its accents, and what its commands take that nobody reads.

Most symbols come from pylatexenc's table (MIT), the largest that is kept up; ours adds packages
that papers use and it leaves out. Its converter is not used: it recurses (text nested a few
hundred deep ends it), expands no macros, drops the arguments of siunitx and mhchem, and of five
real sources two did not end within a minute and the others took twelve times our time
(benchmarks/papers_latex.py).
"""

from __future__ import annotations

from pylatexenc.latex2text import get_default_latex_context_db

__all__ = ["ACCENTS", "ARGUMENTS", "ENVIRONMENT_ARGUMENTS", "SYMBOLS"]


def _table() -> dict[str, str]:
    found = {  # what stands for a reference ("<cit.>") or the day is no symbol
        spec.macroname: spec.simplify_repl
        for spec in get_default_latex_context_db().iter_macro_specs()
        if isinstance(spec.simplify_repl, str)
        and "%" not in spec.simplify_repl
        and spec.macroname != "today"
    }
    return {name: text for name, text in found.items() if text.strip() and "<" not in text}


SYMBOLS: dict[str, str] = _table() | {
    # text
    "copyright": "©", "textcopyright": "©", "pounds": "£", "textsterling": "£", "euro": "€",
    "EUR": "€", "S": "§", "P": "¶", "textdegree": "°", "degree": "°", "degC": "°C", "micro": "µ",
    "textmu": "µ", "textmicro": "µ", "ohm": "Ω", "textohm": "Ω", "celsius": "°C",
    "textcelsius": "°C", "percent": "%", "textpercent": "%", "textbar": "|", "textless": "<",
    "textgreater": ">", "textasciigrave": "`", "textasciitilde": "~", "textasciicircum": "^",
    "textunderscore": "_", "lq": "‘", "rq": "’", "guillemotleft": "«", "guillemotright": "»",
    "og": "«", "fg": "»", "flqq": "«", "frqq": "»", "glqq": "„", "grqq": "“", "textquotedbl": '"',
    "textquotesingle": "'", "textellipsis": "…", "textdagger": "†", "textdaggerdbl": "‡",
    "textsection": "§", "textparagraph": "¶", "textbullet": "•", "textperiodcentered": "·",
    "textperthousand": "‰", "texttimes": "×", "textdiv": "÷", "textonehalf": "½",
    "textonequarter": "¼", "textonesuperior": "¹", "texttwosuperior": "²",
    "textthreesuperior": "³", "textordmasculine": "º", "textordfeminine": "ª", "textbackslash":
    "\\", "textbraceleft": "{", "textbraceright": "}", "textdollar": "$", "textvisiblespace": "␣",
    "texteuro": "€", "textregistered": "®", "texttrademark": "™", "textminus": "−",
    "textrightarrow": "→", "textleftarrow": "←", "textuparrow": "↑", "textdownarrow": "↓",
    "th": "þ", "TH": "Þ", "dh": "ð", "DH": "Ð", "dj": "đ", "DJ": "Đ", "ng": "ŋ", "NG": "Ŋ",
    "SS": "ẞ", "i": "ı", "j": "ȷ", "slash": "/", "space": " ", "nobreakspace": " ", "enspace": " ",
    "thinspace": " ", "enskip": " ", "hfill": " ", "hfil": " ", "quad": " ", "qquad": " ",
    "newline": " ", "linebreak": " ", "break": " ",  "TeX": "TeX", "LaTeX": "LaTeX",
    "LaTeXe": "LaTeX2e", "BibTeX": "BibTeX", "checkmark": "✓", "cmark": "✓", "xmark": "✗",
    "tick": "✓", "eg": "e.g.", "ie": "i.e.", "etal": "et al.", "etc": "etc.",
    "onedot": ".", "wrt": "w.r.t.", "figurename": "Figure", "tablename": "Table",
    # astronomy
    "arcdeg": "°", "arcmin": "′", "arcsec": "″", "sun": "☉", "earth": "♁", "micron": "µm",
    "fdg": ".°", "farcs": ".″", "farcm": ".′", "fh": ".ʰ", "fm": ".ᵐ", "fs": ".ˢ", "fd": ".ᵈ",
"la": "≲", "ga": "≳", "solar": "☉", "Sun": "☉", "astrosun": "☉",
    "angstrom": "Å", "kms": "km s⁻¹",
    # mathematics
    "iff": "⟺", "implies": "⟹", "impliedby": "⟸", "land": "∧", "lor": "∨", "lnot": "¬", "neg": "¬",
    "prime": "′", "ne": "≠", "neq": "≠", "le": "≤", "leq": "≤", "leqslant": "≤", "ge": "≥",
    "geq": "≥", "geqslant": "≥", "star": "⋆", "ast": "*", "bullet": "•", "triangle": "△",
    "Box": "□", "Diamond": "◇", "blacksquare": "■", "blacktriangle": "▲", "blacktriangledown": "▼",
    "bigstar": "★", "bigcirc": "○", "bigtriangleup": "△", "bigtriangledown": "▽",
    "blacklozenge": "⧫", "lozenge": "◊", "Re": "ℜ", "Im": "ℑ", "imath": "ı", "jmath": "ȷ",
    "colon": ":", "lbrace": "{", "rbrace": "}", "lbrack": "[", "rbrack": "]", "vert": "|",
    "Vert": "‖", "lvert": "|", "rvert": "|", "lVert": "‖", "rVert": "‖", "mid": "|", "sim": "∼",
    "thicksim": "∼", "deg": "deg", "upmu": "µ", "coloneqq": "≔", "eqqcolon": "≕", "triangleq": "≜",
    "mathellipsis": "…", "dotsc": "…", "dotsb": "⋯", "dotsm": "⋯", "dotso": "…", "dotsi": "⋯",
    "eps": "ε", "epsilon": "ϵ", "ddag": "‡", "dag": "†", "dagger": "†", "ddagger": "‡",
    "arg": "arg",
    "argmin": "arg min", "argmax": "arg max", "lim": "lim", "gets": "←", "owns": "∋", "And": "&",
    "backslash": "\\", "surd": "√", "top": "⊤", "bot": "⊥", "smallint": "∫", "dif": "d",
    "lesssim": "≲", "gtrsim": "≳", "apprle": "≲", "apprge": "≳", "degreeCelsius": "°C",
"mathsection": "§", "hslash": "ℏ", "hbar": "ħ", "wedge": "∧", "vee": "∨",
}  # fmt: skip

ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306",
    ".": "\u0307", '"': "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323",
    "c": "\u0327", "k": "\u0328", "b": "\u0331", "t": "\u0361",
}  # fmt: skip

# What commands take beside the text that is read: s star, o optional in brackets, p in
# parentheses, m an argument to be left out. What follows is read.
ARGUMENTS: dict[str, str] = {
    name: takes
    for takes, names in {
        "m": "color textcolor@ vspace@ label@ bibliographystyle pagestyle thispagestyle index "
        "glossary pagenumbering hyphenation bibliography date address@ pageref hypersetup "
        "captionsetup@ addbibresource selectlanguage usetikzlibrary pgfplotsset tikzset "
        "linespread sisetup lstset graphicspath DeclareGraphicsExtensions "
        "geometry phantom vphantom hphantom smash@ hypertarget@ affil@ orcid cline "
        "epsscale newsavebox newlength todo missingfigure comment fontfamily fontseries "
        "fontshape mathversion foreignlanguage textlcsc@ raisebox@ inst email thanks url@ ead "
        "IEEEcompsocitemizethanks href hyperlink colorbox highlight@ foreignlanguage scalebox "
        "pacs subjclass preprint pubmed received accepted nocite rowcolor columncolor cellcolor@ "
        "tablefoot floatsetup thisfloatsetup usefont@ DeclareCaptionLabelFormat@ bibitem@ "
        "hbox@ dimen@ baselinestretch@ titlerunning authorrunning shorttitle shortauthors "
        "institute affiliation@ setstretch enlargethispage RaggedRight@ gls@ ",
        "sm": "vspace hspace addvspace hspace@",
        "so": "\\ pagebreak nopagebreak newline@ linebreak@ footnotemark",
        "mm": "setlength addtolength fontsize setcounter addtocounter settowidth settoheight "
        "newtheorem@ resizebox@ multicolumn DeclareGraphicsRule@ specialrule addcontentsline "
        "addtocontents DeclareUnicodeCharacter fcolorbox setbeamertemplate markboth@ "
        "hyphenchar@ declaretheorem@ providelength@ AtEndEnvironment "
        "definecolorset@",
        "smm": "resizebox",
        "mmm": "definecolor colorlet@ addtolength@ crefname Crefname specialrule",
        "om": "textcolor color cellcolor captionsetup affil address author affiliation institute "
        "marginpar footnotetext title@ bibitem rule@ usetikzlibrary@ lstinputlisting inputminted "
        "hyperlink@ marginnote sidenote raisebox@",
        "omm": "rule colorbox@",
        "mo": "raisebox@",
        "moo": "raisebox",
        "om@": "",
        "oo": "makebox framebox",
        "pmm": "makebox@",
        "ooom": "parbox",
        "omom": "multirow@",
        "omomo": "multirow",
        "mom": "foreignlanguage@",
        "opm": "cmidrule",
        "pm": "cmidrule@ put@",
        "somm": "newtheorem",
        "oom": "rotatebox@",
    }.items()
    for name in names.split()
    if not name.endswith("@")
} | {"rotatebox": "om", "\\": "so", "foreignlanguage": "m", "textcolor": "om", "put": "p"}

ENVIRONMENT_ARGUMENTS: dict[str, str] = {
    "figure": "o", "figure*": "o", "table": "o", "table*": "o", "wrapfigure": "omom",
    "wrapfigure*": "omom", "wraptable": "omom", "SCfigure": "oo", "SCfigure*": "oo",
    "SCtable": "oo", "sidewaysfigure": "o", "sidewaysfigure*": "o", "sidewaystable": "o",
    "sidewaystable*": "o", "floatingfigure": "om", "marginfigure": "o", "margintable": "o",
    "subfigure": "om", "subtable": "om", "minipage": "ooom", "tabular": "om", "tabular*": "mom",
    "tabularx": "mom", "tabulary": "mom", "tabu": "m", "longtable": "om", "array": "om",
    "adjustbox": "m", "multicols": "mo", "multicols*": "mo", "otherlanguage": "m",
    "otherlanguage*": "m", "spacing": "m", "adjustwidth": "mm", "list": "mm", "enumerate": "o",
    "itemize": "o", "description": "o", "tcolorbox": "o", "overpic": "om", "Overpic": "om",
    "floatrow": "o", "subfloatrow": "o", "lrbox": "m", "scope": "o", "turn": "m", "rotate": "m",
    "scheme": "o", "scheme*": "o", "chart": "o", "chart*": "o", "figurehere": "o", "minted": "om",
    "lstlisting": "o", "Verbatim": "o", "algorithm": "o", "algorithm*": "o", "proof": "o",
    "thebibliography": "m", "CJK": "omm", "CJK*": "omm", "hyphenrules": "m", "captivy": "om",
    "teaserfigure": "o", "NiceTabular": "omo", "tblr": "om", "threeparttable": "o",
}  # fmt: skip
