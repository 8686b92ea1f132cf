"""Mathematics as readable Unicode where it is simple: "$k \\times W_i$" is "k × Wᵢ".

What is not (matrices, alignments, commands that nobody knows) stays TeX between dollar signs.
"""

from __future__ import annotations

import re
import unicodedata

from ..scripts import accented, fraction, root_of, script
from .symbols import ACCENTS, SYMBOLS
from .units import chemistry, quantity

__all__ = ["math_text"]

_MAX_LENGTH = 2000  # characters; longer mathematics reads better as it was written
_MAX_DEPTH = 12

_TOKEN = re.compile(r"\\(?P<word>[A-Za-z@]+) *|\\(?P<sign>.)|(?P<space>[\s~]+)|(?P<char>.)", re.S)
_RELATIONS = set("=<>≤≥≈∼≃≅≡≠∝∈∉⊂⊆⊃⊇→←↔⇒⇐⇔⟶⟹⟺↦≪≫≲≳≔≜∥⊥")
_BINARY = set("+−×·±∓∗∘∪∩⊕⊗⊙∧∨÷⋅")
_STYLES = {
    "mathrm", "mathit", "mathbf", "mathsf", "mathtt", "mathnormal", "boldsymbol", "bm", "pmb",
    "mathfrak", "mathop", "mathrel", "mathbin", "mathord", "mathopen", "mathclose", "mathinner",
    "mathpunct", "symbf", "symrm", "symbfit", "ensuremath", "operatorname", "textcolor@", "boxed",
    "mathds@", "vcenter", "mathchoice@", "rm@", "bold", "mathbfit", "mathup", "emph", "smash",
}  # fmt: skip
_TEXTS = {
    "text", "textrm", "textit", "textbf", "textsf", "texttt", "textnormal", "mbox", "hbox",
    "textsc", "textup", "fbox", "intertext", "textmd",
}  # fmt: skip
_NOTHING = {
    "displaystyle", "textstyle", "scriptstyle", "scriptscriptstyle", "limits", "nolimits", "rm",
    "bf", "it", "sf", "tt", "cal", "mit", "boldmath", "big", "Big", "bigg", "Bigg", "bigl", "bigr",
    "Bigl", "Bigr", "biggl", "biggr", "Biggl", "Biggr", "bigm", "Bigm", "biggm", "mathstrut",
    "strut", "null", "nonumber", "notag", "allowbreak", "nobreak", "left", "right", "middle",
    "xspace", "small", "footnotesize", "normalsize", "scriptsize", "tiny", "protect", "relax",
    "left@", "em", "sl", "centering", "!", "/", "-", "displaylimits",
}  # fmt: skip
_MARKS = {
    "hat": "\u0302", "widehat": "\u0302", "bar": "\u0304", "overline": "\u0305",
    "tilde": "\u0303", "widetilde": "\u0303", "vec": "\u20d7", "overrightarrow": "\u20d7",
    "dot": "\u0307", "ddot": "\u0308", "check": "\u030c", "breve": "\u0306", "acute": "\u0301",
    "grave": "\u0300", "mathring": "\u030a", "underline": "\u0332", "underbar": "\u0332",
}  # fmt: skip
_SPACES = {",": " ", ":": " ", ";": " ", " ": " ", "quad": " ", "qquad": " ", "enspace": " ",
           "thinspace": " ", "\\": " ", ">": " ", "space": " "}  # fmt: skip
_WITH_ONE = {"mathbb", "mathbbm", "mathds", "mathcal", "mathscr", "mathpzc", "EuScript"}
_WITH_ARGUMENT = _STYLES | _TEXTS | _WITH_ONE | set(_MARKS)
_BLACKBOARD = {"C": "ℂ", "H": "ℍ", "N": "ℕ", "P": "ℙ", "Q": "ℚ", "R": "ℝ", "Z": "ℤ", "1": "𝟙"}
_SCRIPT = {"B": "ℬ", "E": "ℰ", "F": "ℱ", "H": "ℋ", "I": "ℐ", "L": "ℒ", "M": "ℳ", "R": "ℛ"}


class _Complex(Exception):
    """What is at hand cannot be said on a line."""


def math_text(tex: str) -> str:
    """``tex`` (what stands between the dollar signs, macros expanded) as readable text.

    Placeholders of references in it pass through. Never raises; time is linear.
    """
    tex = " ".join(tex.split())
    if not tex:
        return ""
    if len(tex) <= _MAX_LENGTH:
        try:
            return _Formula(tex).text().strip()
        except _Complex:
            pass
    return f"${tex}$"


class _Formula:
    def __init__(self, tex: str, depth: int = 0) -> None:
        if depth > _MAX_DEPTH:
            raise _Complex
        self.tex = tex
        self.pos = 0
        self.depth = depth
        self.out: list[str] = []

    def text(self) -> str:
        """The whole formula."""
        while found := _TOKEN.match(self.tex, self.pos):
            self.pos = found.end()
            if found["space"]:
                if "~" in found[0]:
                    self.out.append(" ")
                continue
            name = found["word"] or found["sign"]
            if name:
                self._command(name)
            else:
                self._character(found["char"])
        return re.sub(r" {2,}", " ", "".join(self.out))

    def _inner(self, tex: str) -> str:
        return _Formula(tex, self.depth + 1).text().strip()

    def _character(self, sign: str) -> None:
        if sign in "^_":
            self._script(sign)
        elif sign == "'":
            self.out.append("′")
        elif sign == "{":
            self.pos -= 1
            self.out.append(self._inner(self._argument()))
        elif sign in "}&#":
            raise _Complex
        elif sign == "-":
            self._operator("−")
        elif sign in ",;":
            self.out.append(sign if self._digit_follows() else f"{sign} ")
        else:
            self._symbol(sign)

    def _digit_follows(self) -> bool:
        """A comma within a number (1,000) takes no blank after it."""
        return (
            self.tex[self.pos : self.pos + 1].isdigit()
            and bool(self.out)
            and self.out[-1].isdigit()
        )

    def _symbol(self, text: str) -> None:
        if text in _RELATIONS:
            self.out.append(f" {text} " if "".join(self.out[-2:]).strip() else text)
        elif text in _BINARY:
            self._operator(text)
        else:
            self.out.append(text)

    def _operator(self, sign: str) -> None:
        """Blanks around what joins two terms, none after a sign."""
        before = "".join(self.out[-2:])
        last = before.rstrip()[-1:]
        joins = (
            bool(last) and last not in _RELATIONS and last not in _BINARY and last not in "([{|,;"
        )
        self.out.append(f" {sign} " if joins else sign)

    def _script(self, sign: str) -> None:
        value = self._argument()
        inner = self._inner(value)
        if inner and not inner.startswith("\ue000"):
            inner = script(inner.replace(" ", "") if len(inner) < 40 else inner, up=sign == "^")
        self.out.append(inner)

    def _command(self, name: str) -> None:
        if name in _NOTHING:
            if name in ("left", "right", "middle") and self.tex[self.pos : self.pos + 1] == ".":
                self.pos += 1
        elif name in _SPACES:
            self.out.append(" ")
        elif name in _STYLES:
            self._star()
            self.out.append(self._inner(self._argument()))
            if name == "operatorname" and self.tex[self.pos : self.pos + 1].isalnum():
                self.out.append(" ")
        elif name in _TEXTS:
            self.out.append(_plain(self._argument(), self.depth))
        elif name in _WITH_ONE:
            self.out.append("".join(_alphabet(name, c) for c in self._inner(self._argument())))
        elif name in _MARKS:
            base = self._inner(self._argument())
            self.out.append(unicodedata.normalize("NFC", accented(base, _MARKS[name])))
        elif name in ("frac", "dfrac", "tfrac", "nicefrac", "sfrac", "cfrac"):
            self.out.append(fraction(self._inner(self._argument()), self._inner(self._argument())))
        elif name in ("bmod", "mod", "pmod"):
            inner = f"mod {self._inner(self._argument())}" if name == "pmod" else "mod"
            self.out.append(f" ({inner})" if name == "pmod" else " mod ")
        elif name == "sqrt":
            self._root()
        elif name == "not":
            self._negated()
        elif name in (
            "color",
            "label",
            "vspace",
            "hspace",
            "phantom",
            "vphantom",
            "hphantom",
            "tag",
        ):
            self._star()
            self._argument()
        elif name == "textcolor":
            self._argument()
            self.out.append(self._inner(self._argument()))
        elif name in ("SI", "qty", "num", "si", "unit", "ang"):
            self._optional()
            first = self._argument()
            second = self._argument() if name in ("SI", "qty") else ""
            self.out.append(quantity(name, first, second))
        elif name in ("ce", "cf"):
            self.out.append(chemistry(self._argument()))
        elif name in SYMBOLS:
            self._known(SYMBOLS[name])
        elif name in ("{", "}", "%", "&", "$", "#", "_", "|"):
            self.out.append("‖" if name == "|" else name)
        elif name in ACCENTS:
            self.out.append(
                unicodedata.normalize("NFC", _plain(self._argument(), 0) + ACCENTS[name])
            )
        else:
            raise _Complex

    def _known(self, text: str) -> None:
        if text.isalpha() and len(text) > 1 and text.isascii():  # sin, log
            if self.out and self.out[-1][-1:].isalnum():
                self.out.append(" ")
            after = self.tex[self.pos : self.pos + 1]
            self.out.append(f"{text} " if after.isalnum() or after == "\\" else text)
        else:
            self._symbol(text)

    def _root(self) -> None:
        degree = self._optional()
        base = self._inner(self._argument())
        self.out.append(root_of(base, self._inner(degree) if degree else ""))

    def _negated(self) -> None:
        inner = self._inner(self._argument())
        if not inner:
            raise _Complex
        self._symbol(unicodedata.normalize("NFC", inner + "\u0338"))

    def _star(self) -> None:
        if self.tex[self.pos : self.pos + 1] == "*":
            self.pos += 1

    def _optional(self) -> str:
        if self.tex[self.pos : self.pos + 1] != "[":
            return ""
        end = self.tex.find("]", self.pos)
        if end < 0:
            raise _Complex
        value = self.tex[self.pos + 1 : end]
        self.pos = end + 1
        return value

    def _argument(self) -> str:
        while self.tex[self.pos : self.pos + 1] == " ":
            self.pos += 1
        found = _TOKEN.match(self.tex, self.pos)
        if not found:
            raise _Complex
        if found[0] != "{":
            self.pos = found.end()
            if found["word"] in _WITH_ARGUMENT:  # x_\\mathrm{max}: TeX takes them together
                return f"{found[0]}{{{self._argument()}}}"
            return found[0]
        depth, start = 0, self.pos + 1
        for brace in re.compile(r"\\.|[{}]", re.S).finditer(self.tex, self.pos):
            depth += (brace[0] == "{") - (brace[0] == "}")
            if not depth:
                self.pos = brace.end()
                return self.tex[start : brace.start()]
        raise _Complex


_TEXT_COMMAND = re.compile(r"\\(?:([A-Za-z@]+) *|(.))", re.S)


def _plain(tex: str, depth: int) -> str:
    """What \\text holds: words, with mathematics between dollar signs."""
    pieces = re.split(r"(?<!\\)\$", tex)
    out = [
        _Formula(piece, depth + 1).text()
        if number % 2
        else _TEXT_COMMAND.sub(
            lambda m: SYMBOLS.get(m[1], "") if m[1] else (m[2] if m[2] in "{}%&$#_" else " "), piece
        )
        for number, piece in enumerate(pieces)
    ]
    return "".join(out).replace("{", "").replace("}", "").replace("~", " ")


def _alphabet(name: str, letter: str) -> str:
    """A letter in blackboard bold or script."""
    if name in ("mathbb", "mathbbm", "mathds"):
        if letter in _BLACKBOARD:
            return _BLACKBOARD[letter]
        base = 0x1D538
    else:
        if letter in _SCRIPT:
            return _SCRIPT[letter]
        base = 0x1D49C
    return chr(base + ord(letter) - 65) if "A" <= letter <= "Z" else letter
