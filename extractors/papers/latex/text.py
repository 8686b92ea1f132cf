r"""TeX to readable Unicode text, one line: what a caption says when TeX has printed it.

Fonts, sizes, spacing, labels and footnotes leave no trace. Mathematics is Unicode where it is
simple (see formulas). A citation is "[CITATION]", whatever it cites. A reference is a
placeholder until all labels are known (``References.resolved``); "[REF]" where none is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from ..scripts import script
from .commands import (
    ACRONYMS,
    CITES,
    DING,
    ENDS_MATH,
    MATH_ENVIRONMENTS,
    NUMBERED,
    QUOTES,
    REFERENCES,
    REGISTERS,
    SILENT_SIGNS,
)
from .formulas import math_text
from .macros import Macro
from .primitives import reader_of
from .reader import Reader
from .source import shown
from .state import State
from .symbols import ACCENTS, ARGUMENTS, ENVIRONMENT_ARGUMENTS, SYMBOLS
from .units import chemistry, quantity

__all__ = ["REFERENCE", "TextReader", "one_line"]

REFERENCE = re.compile("\ue000(\\d+)\ue001")


class TextReader:
    """Reads tokens and writes text into the innermost of ``sinks`` (None: what is read is lost).

    references: (kind, keys) of each placeholder. In math mode tokens are kept as TeX until the
    mode ends, since only the whole tells whether it is simple.
    """

    def __init__(self, state: State, reader: Reader) -> None:
        self.state = state
        self.reader = reader
        self.sinks: list[list[str] | None] = [[]]
        self.references: list[tuple[str, tuple[str, ...]]] = []
        self._formula: list[str] = []
        self._formula_end = ""
        self._braces = 0  # open in the formula, inner environments among them
        self._rows = False  # whether the formula's rows are numbered
        self.commands: dict[str, Callable[[str], None]] = {
            **dict.fromkeys(("footnote", "footnotetext", "tablefootnote"), self._footnote),
            **dict.fromkeys(("textsuperscript", "textsubscript", "sp", "sb"), self._script),
            **dict.fromkeys(("url", "nolinkurl", "path"), self._verbatim),
            **dict.fromkeys(("SI", "qty", "num", "si", "unit", "ang", "SIrange"), self._quantity),
            **dict.fromkeys(("ce", "ch"), self._chemistry),
            **dict.fromkeys(REFERENCES, self._reference),
            **dict.fromkeys(("(", "["), self._open_math),
            "ensuremath": self._ensure_math,
            "hyperref": self._hyperref,
            "texorpdfstring": self._first_of_two,
            "xspace": self._xspace,
            "ding": self._ding,
            "par": lambda _name: self.paragraph(),
            "label": lambda _name: self.label(self.reader.argument().strip()),
            **dict.fromkeys(ACRONYMS, self._acronym),
            **dict.fromkeys(("newacronym", "newacro", "acro", "acrodef"), self._new_acronym),
        }  # fmt: skip

    # -- what others may do otherwise ------------------------------------------------------------

    def paragraph(self) -> None:
        """A paragraph ends; here a blank."""
        self.write(" ")

    def label(self, key: str) -> None:
        """A \\label; here it leaves no trace."""

    def footnote(self, parts: list[str]) -> None:
        """A footnote has been read; here it leaves no trace."""

    def equation(self, rows: int) -> None:
        """Numbered rows of an equation begin (or, below 0, turn out to bear no number)."""

    def begin(self, name: str) -> None:
        """An environment begins."""
        self.take(ENVIRONMENT_ARGUMENTS.get(name, ""))

    def end(self, name: str) -> None:
        """An environment ends."""

    # -- reading ---------------------------------------------------------------------------------

    def read(self) -> None:
        """Read to the end. Raises BadInput (see Reader)."""
        following = self.reader.next
        while (token := following()) is not None:
            kind, value = token
            if self._formula_end:
                self._math_token(kind, value)
            elif kind == "text":
                self.write(value)
            elif kind == "command":
                self._command(value)
            elif kind == "{":
                self.state.open_scope()
            elif kind == "}":
                self.state.close_scope()
            elif kind == "\n":
                self.paragraph()
            elif kind == "begin":
                self._begin(value)
            elif kind == "end":
                self.end(value)
            elif kind == "$":
                self._dollar()
            else:
                self.write(" " if kind in "~&" else value)
        self._close_math()

    def write(self, text: str) -> None:
        """Add text as TeX prints it: quotes, dashes."""
        sink = self.sinks[-1]
        if sink is None:
            return
        if "'" in text or "-" in text or "`" in text:
            for ascii_form, printed in QUOTES:
                text = text.replace(ascii_form, printed)
        sink.append(text)

    def put(self, text: str) -> None:
        """Add text as it is."""
        sink = self.sinks[-1]
        if sink is not None:
            sink.append(text)

    def into(self, tex: str, then: Callable[[list[str]], None]) -> None:
        """Read ``tex`` next, into a sink of its own, and give ``then`` what it holds."""
        parts: list[str] = []
        self.sinks.append(parts)
        depth = len(self.sinks)

        def finish() -> None:
            if len(self.sinks) >= depth:  # else what was read has left it on its own
                self._close_math()
                del self.sinks[depth - 1 :]
                then(parts)

        self.reader.push(tex, on_end=finish)

    def plain(self, tex: str) -> str:
        """``tex`` as one line of text, read apart: for what is short and made by LaTeX itself."""
        inner = TextReader(self.state, reader_of(self.state, tex))
        inner.read()
        return one_line(inner.sinks[0] or [])

    def take(self, takes: str) -> None:
        """Leave out arguments: s a star, o in brackets, p in parentheses, m in braces."""
        for kind in takes:
            if kind == "s":
                self.reader.star()
            elif kind == "o":
                self.reader.optional()
            elif kind == "p":
                self.reader.optional("(", ")")
            else:
                self.reader.argument()

    def refer(self, kind: str, keys: str) -> None:
        """Add the placeholder of a reference."""
        wanted = tuple(key.strip() for key in keys.split(",") if key.strip())[:100]
        if wanted and self.sinks[-1] is not None:
            self.put(f"\ue000{len(self.references)}\ue001")
            self.references.append((kind, wanted))

    # -- commands --------------------------------------------------------------------------------

    def _command(self, name: str) -> None:
        command = self.commands.get(name)
        if command is not None:
            command(name)
        elif name in ARGUMENTS:
            self.take(ARGUMENTS[name])
            if name == "\\":
                self.put(" ")
        elif name in ACCENTS:
            self._accent(name)
        elif name in SYMBOLS:
            self.put(SYMBOLS[name])
        elif not name.isalpha():
            if name not in SILENT_SIGNS:
                self.put(" " if name in ",;:> ~" else name)
        elif CITES.fullmatch(name):
            self._cite(name)
        else:
            self.reader.assignment(needs_sign=name not in REGISTERS)

    def _accent(self, name: str) -> None:
        base = self.reader.argument().strip("{}$ ")
        if base.startswith("\\"):
            letter = base[1:].strip("{} ")
            base = {"i": "i", "j": "j", "imath": "i"}.get(letter, SYMBOLS.get(letter, ""))
        if base:
            self.put(unicodedata.normalize("NFC", base[0] + ACCENTS[name] + base[1:]))

    def _cite(self, name: str) -> None:
        self.reader.star()
        self.reader.optional()
        self.reader.optional()
        self.reader.argument()
        while name.endswith("cites") and self.reader.peek() in ("{", "["):
            self.reader.optional()
            self.reader.argument()
        self.put(" [CITATION]")

    def _footnote(self, _name: str) -> None:
        self.reader.optional()
        self.into(self.reader.argument(), self.footnote)

    def _script(self, name: str) -> None:
        raised = name in ("textsuperscript", "sp")
        tex = self.reader.argument()
        self.into(tex, lambda parts: self.put(script("".join(parts), up=raised)))

    def _verbatim(self, _name: str) -> None:
        self.put(self.reader.argument())

    def _quantity(self, name: str) -> None:
        self.reader.optional()
        first = self.reader.argument()
        if name == "SIrange":
            first = f"{first} to {self.reader.argument()}"
        second = self.reader.argument() if name in ("SI", "qty", "SIrange") else ""
        self.put(quantity(name, first, second))

    def _chemistry(self, _name: str) -> None:
        self.reader.optional()
        self.put(chemistry(self.reader.argument()))

    def _reference(self, name: str) -> None:
        self.reader.star()
        kind = REFERENCES[name]
        keys = self.reader.argument()
        if kind.endswith(" range"):
            keys = f"{keys},{self.reader.argument()}"
        self.refer(kind, keys)

    def _hyperref(self, _name: str) -> None:
        key = self.reader.optional()
        if key:
            self.refer("link", key)

    def _first_of_two(self, _name: str) -> None:
        first = self.reader.argument()
        self.reader.argument()
        self.reader.push(first)

    def _xspace(self, _name: str) -> None:
        if self.reader.peek() not in ("", *".,;:!?)'/-~}]\n"):
            self.put(" ")

    def _ding(self, _name: str) -> None:
        self.put(DING.get(self.reader.argument().strip(), ""))

    def _acronym(self, _name: str) -> None:
        self.reader.star()
        key = self.reader.argument().strip()
        macro = self.state.macros.get(f"acronym {key}")
        self.reader.push(macro.filled([]) if macro else key)

    def _new_acronym(self, name: str) -> None:
        key = self.reader.argument().strip() if name == "newacronym" else ""
        short = self.reader.optional() if name != "newacronym" else None
        first = self.reader.argument()
        self.reader.argument()
        macro = Macro((short or first,))
        self.state.define(f"acronym {key or first.strip()}", macro, everywhere=True)

    # -- mathematics -----------------------------------------------------------------------------

    def _begin(self, name: str) -> None:
        if name.rstrip("*") in MATH_ENVIRONMENTS:
            self._start_math(name)
            self._rows = name in NUMBERED
            self.equation(int(self._rows))
        else:
            self.begin(name)

    def _dollar(self) -> None:
        self._start_math("$$" if self.reader.take("$") else "$")

    def _open_math(self, name: str) -> None:
        self._start_math({"(": ")", "[": "]"}[name])

    def _ensure_math(self, _name: str) -> None:
        self.reader.push(f"${self.reader.argument()}$")

    def _start_math(self, end: str) -> None:
        self._formula = []
        self._formula_end = end
        self._braces = 0
        self._rows = False
        self.reader.math = True

    def _close_math(self) -> None:
        if self._formula_end:
            inline = self._formula_end in ("$", ")", "math")
            self._formula_end = ""
            self.reader.math = False
            if self.sinks[-1] is not None:
                text = math_text("".join(self._formula))
                self.put(text if inline else f" {text} ")

    def _math_token(self, kind: str, value: str) -> None:
        end = self._formula_end
        if kind == "text":
            self._formula.append(value)
        elif kind == "$":
            if end in ("$", "$$") and self._braces <= 0:
                if end == "$$":
                    self.reader.take("$")
                self._close_math()
            else:
                self._formula.append("$")
        elif kind == "command":
            self._math_command(value)
        elif kind == "end" and value == end:
            self._close_math()
        elif kind == "\n" or (
            kind == "end" and value in ENVIRONMENT_ARGUMENTS and value != "array"
        ):
            self._close_math()  # its end is missing: TeX would stop here
            if kind == "\n":
                self.paragraph()
            else:
                self.end(value)
        elif kind in ("begin", "end"):
            self._braces += 1 if kind == "begin" else -1
            self._formula.append(f"\\{kind}{{{value}}}")
        else:
            self._braces += (kind == "{") - (kind == "}")
            self._formula.append(kind)

    def _math_command(self, name: str) -> None:
        if name == self._formula_end:
            self._close_math()
        elif name in ENDS_MATH:
            self._close_math()  # its end is missing
            self._command(name)
        elif name == "label":
            self.label(self.reader.argument().strip())
        elif name in REFERENCES or CITES.fullmatch(name) or name in ("footnote", "includegraphics"):
            self._in_formula(name)
        elif name == "ensuremath":
            pass
        else:
            if self._rows and self._braces <= 0:
                self.equation(
                    {"\\": int(self._formula_end != "equation"), "nonumber": -1, "notag": -1}.get(
                        name, 0
                    )
                )
            self._formula.append(f"\\{name} " if name.isalpha() else f"\\{name}")

    def _in_formula(self, name: str) -> None:
        """A command that writes text, within a formula: its text becomes part of it."""
        if self.sinks[-1] is None:
            return self._command(name)
        self.sinks.append([])
        depth = len(self.sinks)
        self._command(name)
        self._formula.extend(self.sinks[depth - 1] or [])
        del self.sinks[depth - 1]
        return None


_BLANKS = re.compile(r"\s+")
_BEFORE_SIGN = re.compile(r" ([.,;:)\]])(?=\s|$|[.,;:)\]])")


def one_line(parts: list[str]) -> str:
    """A sink's text on one line: blanks single, none before a full stop, verbatim as it was."""
    text = _BLANKS.sub(" ", "".join(parts)).strip()
    text = _BEFORE_SIGN.sub(r"\1", text.replace("( ", "(").replace("[ ", "["))
    return shown(text)
