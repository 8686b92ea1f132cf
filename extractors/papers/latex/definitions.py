r"""The commands by which a document defines its own: \newcommand, \def, \let and their kin."""

from __future__ import annotations

import re

from .macros import (
    Macro,
    alias,
    body_parts,
    delimited_parameters,
    document_parameters,
)
from .reader import Primitive, Reader

__all__ = ["DEFINITIONS"]

_END_CSNAME = re.compile(r"\\endcsname(?![A-Za-z@]) *")
_TO_BRACE = re.compile(r"(?=\{)")
_MAX_PARAMETERS = 200  # characters of a \def's parameter text
_NUMBER = re.compile(r"[1-9]")
_NAME = re.compile(r"\s*\\([A-Za-z@]+|.)\s*\Z", re.S)


def _name_of(text: str) -> str:
    """The name in "\\foo"; "" where it is none."""
    found = _NAME.match(text)
    return found[1] if found else ""


def _letters(reader: Reader) -> bool:
    return reader.frames[-1].letters == "A-Za-z@" if reader.frames else False


def _define(reader: Reader, name: str, macro: Macro, *, everywhere: bool = False) -> None:
    """Define; of a package only what its users are meant to call, and nothing made of internals."""
    if not name or (
        reader.package
        and ("@" in name or name in reader.state.macros or "@" in "".join(map(str, macro.parts)))
    ):
        return
    reader.state.define(name, macro, everywhere=everywhere or reader.package)


def _newcommand(reader: Reader, command: str) -> None:
    reader.star()
    name = _name_of(reader.argument())
    count = _NUMBER.search(reader.optional() or "")
    number = int(count[0]) if count else 0
    default = reader.optional() if number else None
    body = reader.argument()
    if command == "providecommand" and name in reader.state.macros:
        return
    optional = default is not None
    parameters: tuple[str | None, ...] = (("[",) if optional else ()) + (None,) * (
        number - optional
    )
    _define(
        reader,
        name,
        Macro(
            body_parts(body, number),
            parameters,
            (default,) if default is not None else (),
            letters=_letters(reader),
        ),
    )


def _newdocumentcommand(reader: Reader, _command: str) -> None:
    name = _name_of(reader.argument())
    parameters, defaults = document_parameters(reader.argument())
    body = reader.argument()
    macro = Macro(body_parts(body, len(parameters)), parameters, defaults, letters=_letters(reader))
    _define(reader, name, macro)


def _def(reader: Reader, command: str) -> None:
    name = _name_of(reader.argument())
    text = reader.up_to(_TO_BRACE, within=_MAX_PARAMETERS)
    if text is None:
        return
    leading, parameters = delimited_parameters(text)
    body = reader.argument()
    macro = Macro(
        body_parts(body, len(parameters)), parameters, leading=leading, letters=_letters(reader)
    )
    _define(reader, name, macro, everywhere=command in ("gdef", "xdef"))


def _namedef(reader: Reader, _command: str) -> None:
    name = reader.argument().strip()
    _define(reader, name, Macro(body_parts(reader.argument(), 0), letters=_letters(reader)))


def _let(reader: Reader, _command: str) -> None:
    name = _name_of(reader.argument())
    reader.take("=")
    value = reader.argument()
    target = _name_of(value)
    if target:
        known = reader.state.macros.get(target)
        _define(reader, name, known if known is not None else alias(target))
    elif value:
        _define(reader, name, Macro((value,)))


def _operator(reader: Reader, _command: str) -> None:
    reader.star()
    name = _name_of(reader.argument())
    _define(reader, name, Macro((f"\\operatorname{{{reader.argument()}}}",)))


def _paired(reader: Reader, _command: str) -> None:
    r"""mathtools' \DeclarePairedDelimiter\abs{\lvert}{\rvert}."""
    name = _name_of(reader.argument())
    left, right = reader.argument(), reader.argument()
    _define(reader, name, Macro((f"{left} ", 2, f"{right} "), ("*", None)))


def _newenvironment(reader: Reader, _command: str) -> None:
    reader.star()
    name = reader.argument().strip()
    count = _NUMBER.search(reader.optional() or "")
    number = int(count[0]) if count else 0
    default = reader.optional() if number else None
    begin, end = reader.argument(), reader.argument()
    optional = default is not None
    parameters: tuple[str | None, ...] = (("[",) if optional else ()) + (None,) * (
        number - optional
    )
    _keep_environment(
        reader, name, begin, end, parameters, (default,) if default is not None else ()
    )


def _newdocumentenvironment(reader: Reader, _command: str) -> None:
    name = reader.argument().strip()
    parameters, defaults = document_parameters(reader.argument())
    begin, end = reader.argument(), reader.argument()
    _keep_environment(reader, name, begin, end, parameters, defaults)


def _keep_environment(
    reader: Reader,
    name: str,
    begin: str,
    end: str,
    parameters: tuple[str | None, ...],
    defaults: tuple[str, ...],
) -> None:
    if name in reader.state.protected or (reader.package and "@" in begin + end):
        return
    macro = Macro(
        body_parts(begin, len(parameters)), parameters, defaults, letters=_letters(reader)
    )
    reader.state.environments[name] = (macro, end)


def _csname(reader: Reader, _command: str) -> None:
    name = reader.up_to(_END_CSNAME, within=100)
    if name is not None and re.fullmatch(r"[A-Za-z@]{1,60}\*?", name.strip()):
        reader.push(f"\\{name.strip()} ", letters=True)


def _at_letter(reader: Reader, command: str) -> None:
    for frame in reversed(reader.frames):
        frame.letters = "A-Za-z@" if command == "makeatletter" else "A-Za-z"
        if frame.path:
            break


def _if_star(reader: Reader, _command: str) -> None:
    starred, plain = reader.argument(), reader.argument()
    reader.push(starred if reader.star() else plain)


def _if_next(reader: Reader, _command: str) -> None:
    sign, yes, no = reader.argument(), reader.argument(), reader.argument()
    reader.push(yes if reader.peek() == sign else no)


def _nothing(_reader: Reader, _command: str) -> None:
    """Prefixes such as \\long: what follows says it all."""


DEFINITIONS: dict[str, Primitive] = {
    **dict.fromkeys(
        ("newcommand", "renewcommand", "providecommand", "DeclareRobustCommand", "newrobustcmd",
         "renewrobustcmd", "DeclareTextFontCommand", "newcommandx"), _newcommand),
    **dict.fromkeys(
        ("NewDocumentCommand", "RenewDocumentCommand", "DeclareDocumentCommand",
         "ProvideDocumentCommand", "NewExpandableDocumentCommand"), _newdocumentcommand),
    **dict.fromkeys(("def", "gdef", "edef", "xdef"), _def),
    **dict.fromkeys(("@namedef", "csdef"), _namedef),
    **dict.fromkeys(("let", "futurelet"), _let),
    **dict.fromkeys(("DeclareMathOperator", "DeclareMathAlphabet"), _operator),
    "DeclarePairedDelimiter": _paired,
    **dict.fromkeys(("newenvironment", "renewenvironment", "provideenvironment"), _newenvironment),
    **dict.fromkeys(
        ("NewDocumentEnvironment", "RenewDocumentEnvironment", "DeclareDocumentEnvironment"),
        _newdocumentenvironment),
    "csname": _csname,
    **dict.fromkeys(("makeatletter", "makeatother"), _at_letter),
    "@ifstar": _if_star,
    **dict.fromkeys(("@ifnextchar", "kernel@ifnextchar"), _if_next),
    **dict.fromkeys(
        ("long", "global", "protected", "outer", "expandafter", "noexpand", "relax", "protect",
         "immediate", "ignorespaces", "unskip"), _nothing),
}  # fmt: skip
