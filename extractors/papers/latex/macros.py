"""A document's own macros: how \\newcommand and \\def define them, what they stand for."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Macro", "alias", "body_parts", "delimited_parameters", "document_parameters"]

_PARAMETER = re.compile(r"(?<!#)((?:##)*)#([1-9])")
_ENDS_IN_WORD = re.compile(r"\\[A-Za-z@]+\Z")


@dataclass(frozen=True, slots=True)
class Macro:
    """What a control sequence stands for.

    parameters: one entry each: None takes the next token or group; "[" with ``defaults`` an
    optional argument in brackets; "*" a star; any other text what the argument goes up to.
    leading: text that must follow the name (\\def\\a:#1{...}). parts: the body, numbers standing
    for arguments. letters: whether @ is a letter in it. primitive: it is another name of this
    command of LaTeX's own, whatever that is defined as now.
    """

    parts: tuple[str | int, ...] = ()
    parameters: tuple[str | None, ...] = ()
    defaults: tuple[str, ...] = ()
    leading: str = ""
    letters: bool = False
    primitive: str = ""

    def length(self, arguments: list[str]) -> int:
        """Characters of ``filled(arguments)``, or a few less; known before any is made."""
        return sum(
            len(part) if isinstance(part, str) else len(arguments[part - 1]) for part in self.parts
        )

    def filled(self, arguments: list[str]) -> str:
        """The body with its arguments; a blank keeps control words apart from letters."""
        out: list[str] = []
        for part in self.parts:
            text = part if isinstance(part, str) else arguments[part - 1]
            if out and text[:1].isalpha() and _ENDS_IN_WORD.search(out[-1][-80:]):
                out.append(" ")
            if text:
                out.append(text)
        return "".join(out)


def alias(name: str) -> Macro:
    """Another name of LaTeX's own command ``name``, for \\let."""
    return Macro(primitive=name)


def body_parts(body: str, count: int) -> tuple[str | int, ...]:
    """A body taken apart at #1 ... #9; what lies above ``count`` is left out, ## becomes #."""
    if "#" not in body:
        return (body,)
    parts: list[str | int] = []
    done = 0
    for found in _PARAMETER.finditer(body):
        parts.append((body[done : found.start()] + found[1]).replace("##", "#"))
        if int(found[2]) <= count:
            parts.append(int(found[2]))
        done = found.end()
    parts.append(body[done:].replace("##", "#"))
    return tuple(part for part in parts if part != "")


def delimited_parameters(text: str) -> tuple[str, tuple[str | None, ...]]:
    """The parameter text of a \\def ("#1;#2\\end") as (leading text, what ends each argument)."""
    pieces = re.split(r"#([1-9])", text)
    leading = pieces[0].strip()
    ends = [piece.strip() or None for piece in pieces[2::2]]
    return leading, tuple(ends[:9])


def document_parameters(specification: str) -> tuple[tuple[str | None, ...], tuple[str, ...]]:
    """xparse's argument specification ("s m O{x} o") as (parameters, defaults)."""
    parameters: list[str | None] = []
    defaults: list[str] = []
    for kind, default in re.findall(r"([smoOdDrRtgGvlu])\s*(?:\{([^{}]*)\})?", specification)[:9]:
        if kind in "mrRvlu":
            parameters.append(None)
        elif kind in "st":
            parameters.append("*")
        else:
            parameters.append("[")
            defaults.append(default)
    return tuple(parameters), tuple(defaults)
