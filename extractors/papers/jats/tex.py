"""TeX formulas as one line of readable Unicode: ``\\frac{a}{b_1}`` -> a/b₁."""

from __future__ import annotations

import re
from html.entities import html5

from ..scripts import accented, fraction, root_of, script

__all__ = ["tex_text"]

MAX_CHARACTERS = 20_000
MAX_DEPTH = 40

_DOCUMENT = re.compile(r"\\begin\s*\{document\}(.*?)\\end\s*\{document\}", re.DOTALL)
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}^_~&$]|[^\\{}^_~&$]+", re.DOTALL)

# Where TeX's name differs from HTML's, or HTML's means another character
_SYMBOLS = {
    "infty": "∞", "to": "→", "cdot": "·", "cdots": "⋯", "ldots": "…", "dots": "…", "partial": "∂",
    "circ": "∘", "degree": "°", "star": "⋆", "neq": "≠", "ne": "≠", "leqslant": "⩽",
    "geqslant": "⩾", "emptyset": "∅", "varnothing": "∅", "upmu": "µ", "textmu": "µ", "ast": "∗",
    "vert": "|", "Vert": "‖", "backslash": "\\", "lbrace": "{", "rbrace": "}", "colon": ":",
    "textdegree": "°", "wedge": "∧", "vee": "∨", "AA": "Å", "angstrom": "Å", "lVert": "‖",
    "rVert": "‖", "lvert": "|", "rvert": "|", "gets": "←", "implies": "⇒", "iff": "⇔", "land": "∧",
    "lor": "∨", "lnot": "¬", "neg": "¬", "Re": "ℜ", "Im": "ℑ", "iint": "∬", "oint": "∮", "dag": "†",
    "epsilon": "ε", "phi": "φ", "varphi": "φ", "vartheta": "ϑ", "setminus": "∖", "perp": "⊥",
}  # fmt: skip
_ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303",
    "bar": "\u0304", "overline": "\u0305", "vec": "\u20d7", "overrightarrow": "\u20d7",
    "dot": "\u0307", "ddot": "\u0308", "check": "\u030c", "breve": "\u0306", "acute": "\u0301",
    "grave": "\u0300", "underline": "\u0332",
}  # fmt: skip
_SPACES = frozenset(
    ["\\,", "\\;", "\\:", "\\ ", "\\>", "\\quad", "\\qquad", "\\\\", "~", "\\newline", "&"]
)
_DROPPED = frozenset(
    [
        "left", "right", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl",
        "biggr", "displaystyle", "textstyle", "scriptstyle", "limits", "nolimits", "rm", "bf",
        "it", "sf", "tt", "cal", "hfill", "hfil", "protect", "boldmath", "noindent", "hline",
        "nonumber", "notag", "centering", "small", "large", "footnotesize", "mathstrut",
        "allowbreak"
    ]
)  # fmt: skip
_SKIPPED_ARGUMENT = frozenset(
    [
        "usepackage", "documentclass", "setlength", "label", "tag", "begin", "end", "vspace",
        "hspace", "phantom", "vphantom", "hphantom", "color", "textcolor", "fontsize",
        "selectfont"
    ]
)  # fmt: skip


def tex_text(source: str) -> str:
    """A formula without its document's preamble; what has no Unicode keeps its name or braces."""
    document = _DOCUMENT.search(source[: 4 * MAX_CHARACTERS])
    body = document[1] if document else source
    tokens = _TOKEN.findall(_COMMENT.sub("", body[:MAX_CHARACTERS]))
    text, _ = _row(tokens, 0, 0)
    return " ".join(text.split())


def _row(tokens: list[str], at: int, depth: int) -> tuple[str, int]:
    """The text up to the closing brace (or the end), and the place after it."""
    out: list[str] = []
    while at < len(tokens):
        token = tokens[at]
        if token == "}":
            return "".join(out), at + 1
        if token in "^_":
            if token == "^" and out and (upper := _argument_prime(tokens, at + 1)):
                out.append(upper)
                at += 2
                continue
            inner, at = _argument(tokens, at + 1, depth)
            out.append(script(inner, up=token == "^"))
            continue
        piece, at = _atom(tokens, at, depth)
        out.append(piece)
    return "".join(out), at


def _argument_prime(tokens: list[str], at: int) -> str:
    return "′" if tokens[at : at + 1] == ["\\prime"] else ""


def _atom(tokens: list[str], at: int, depth: int) -> tuple[str, int]:
    token = tokens[at]
    at += 1
    if depth > MAX_DEPTH:
        return "", at
    if token == "{":
        return _row(tokens, at, depth + 1)
    if token in _SPACES:
        return " ", at
    if token == "$":
        return "", at
    if token[0] != "\\":
        return token.replace("'", "′"), at
    name = token[1:].rstrip("*")
    if not name.isalpha():
        return ("" if name in ("!", "-", "/", "(", ")", "[", "]") else name), at
    return _command(name, tokens, at, depth)


def _command(name: str, tokens: list[str], at: int, depth: int) -> tuple[str, int]:
    if name in _DROPPED:
        return ("", at + 1) if tokens[at : at + 1] == ["."] else ("", at)
    if name in _SKIPPED_ARGUMENT:
        if tokens[at : at + 1] and tokens[at][0] == "[":
            at += 1
        return " ", _argument(tokens, at, depth)[1]
    if name in ("frac", "dfrac", "tfrac", "cfrac"):
        above, at = _argument(tokens, at, depth)
        below, at = _argument(tokens, at, depth)
        return fraction(above, below), at
    if name == "sqrt":
        inner, at = _argument(tokens, at, depth)
        return root_of(inner), at
    if name in _ACCENTS:
        inner, at = _argument(tokens, at, depth)
        return accented(inner, _ACCENTS[name]), at
    if name in ("text", "textrm", "mbox", "hbox", "mathop", "operatorname", "mathrm", "mathbf"):
        return _argument(tokens, at, depth)
    symbol = _SYMBOLS.get(name) or html5.get(name + ";")
    if symbol:
        return symbol, at
    if tokens[at : at + 1] == ["{"]:  # a font or a command that nobody knows: its argument counts
        return _argument(tokens, at, depth)
    return name, at  # \\sin, \\log


def _argument(tokens: list[str], at: int, depth: int) -> tuple[str, int]:
    """The next group, or the next single character or command."""
    while at < len(tokens) and not tokens[at].strip():
        at += 1
    if at >= len(tokens) or tokens[at] == "}":
        return "", at
    token = tokens[at]
    if token[0] in "\\{":
        return _atom(tokens, at, depth + 1)
    token = token.lstrip()
    tokens[at] = token[1:]
    return token[0], at if len(token) > 1 else at + 1
