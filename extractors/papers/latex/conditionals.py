r"""\if...: which of its branches a document prints, as far as that can be told without TeX."""

from __future__ import annotations

import re

from .reader import Primitive, Reader

__all__ = ["CONDITIONALS", "choose_branch"]

_MARK = re.compile(
    r"\\newif *\\if[A-Za-z@]+|\\(?P<word>if[A-Za-z@]*|else|or|fi)(?![A-Za-z@])(?P<brace> *\{)?"
)
# These begin with "if" and take groups, or are symbols: no \fi belongs to them.
_NOT = {
    "iff", "ifthenelse", "ifdef", "ifundef", "ifcsdef", "ifcsundef", "ifstrequal", "ifblank",
    "ifnumcomp", "ifnumequal", "iftoggle", "ifbool", "ifboolexpr", "ifdefempty", "ifstrempty",
    "ifdefstring", "ifpackageloaded", "ifsym", "ifinlist",
}  # fmt: skip
# TeX's own, whatever follows them
_TEX = {
    "if", "ifcat", "ifnum", "ifdim", "ifodd", "ifvmode", "ifhmode", "ifmmode", "ifinner", "ifvoid",
    "ifhbox", "ifvbox", "ifx", "ifeof", "iftrue", "iffalse", "ifcase", "ifdefined", "ifcsname",
    "ifpdf", "ifpdftex", "ifxetex", "ifluatex", "ifPDFTeX", "ifXeTeX", "ifLuaTeX", "if@twocolumn",
}  # fmt: skip
_TRUE = {"iftrue", "ifpdf", "ifPDFTeX", "ifPDF", "ifpdftex"}
_NUMBERS = re.compile(
    r" *(?:\\value *\{([A-Za-z@]+)\}|\\c@([A-Za-z@]+)|(-?\d+)) *([<>=]) *"
    r"(?:\\value *\{([A-Za-z@]+)\}|\\c@([A-Za-z@]+)|(-?\d+)|\\(z@|@ne)) ?"
    r"(?:\\relax(?![A-Za-z@]) *)?"
)
_TWO_TOKENS = re.compile(r" *(\\[A-Za-z@]+|\\.|[^\\]) *(\\[A-Za-z@]+|\\.|[^\\]) ?", re.S)
_MAX_SKIPPED_STRINGS = 50


def choose_branch(reader: Reader, name: str) -> bool:
    r"""Obey \if... and \footrue, \foofalse of a \newif; False where ``name`` is neither."""
    if name.endswith(("true", "false")) and _switched(reader, name):
        return True
    if not name.startswith("if") or name in _NOT:
        return False
    _if(reader, name)
    return True


def _if(reader: Reader, name: str) -> None:
    r"""Go on in the branch that is printed; where no \fi comes, the command means nothing."""
    switches = reader.state.switches
    if name in switches:
        chosen = switches[name]
    elif name in _TRUE or (name == "ifmmode" and reader.math):
        chosen = True
    elif name == "ifnum" or name == "ifodd":
        chosen = _compared(reader)
    elif name in ("ifx", "if", "ifcat"):
        chosen = _same(reader)
    elif name in ("ifdefined", "ifcsname"):
        chosen = _defined(reader, name)
    else:
        if name not in _TEX and reader.group_follows():
            return  # takes its branches as groups
        chosen = False
    if not chosen:
        _skip(reader, stop_at_else=True)


def _compared(reader: Reader) -> bool:
    frame = reader.frames[-1]
    found = _NUMBERS.match(frame.text, frame.pos)
    if not found:
        return False
    frame.pos = found.end()
    values = reader.state.counters.values

    def number(counter: str | None, other: str | None, digits: str | None) -> int:
        return int(digits[:9]) if digits else values.get(counter or other or "", 0)

    left = number(found[1], found[2], found[3])
    right = number(found[5], found[6], found[7])
    if found[8]:
        right = int(found[8] == "@ne")
    return {"<": left < right, ">": left > right, "=": left == right}[found[4]]


def _same(reader: Reader) -> bool:
    frame = reader.frames[-1]
    found = _TWO_TOKENS.match(frame.text, frame.pos)
    if not found:
        return False
    frame.pos = found.end()
    macros = reader.state.macros
    first, second = (
        macros.get(token[1:], token) if token[:1] == "\\" else token
        for token in (found[1], found[2])
    )
    undefined = ("\\undefined", "\\@undefined")
    if first in undefined or second in undefined:
        # LaTeX's own commands are not told from unknown ones here: what is asked for is there
        other = second if first in undefined else first
        return isinstance(other, str) and other in undefined
    return first == second


def _defined(reader: Reader, name: str) -> bool:
    if name == "ifcsname":
        called = (reader.up_to(re.compile(r"\\endcsname(?![A-Za-z@]) *"), within=100) or "").strip()
    else:
        called = reader.argument().strip().lstrip("\\")
    return called in reader.state.macros


def _skip(reader: Reader, *, stop_at_else: bool) -> None:
    r"""Leave out what stands before the \else or \\fi of this level; without a \fi, nothing."""
    depth = 0
    for frame in list(reversed(reader.frames))[:_MAX_SKIPPED_STRINGS]:
        for found in _MARK.finditer(frame.text, frame.pos):
            word = found["word"]
            if word is None or word == "or":
                continue
            if word == "fi":
                if not depth:
                    _go_to(reader, frame, found.end("word"))
                    return
                depth -= 1
            elif word == "else":
                if not depth and stop_at_else:
                    _go_to(reader, frame, found.end("word"))
                    return
            elif word not in _NOT:
                known = word in _TEX or word in reader.state.switches
                depth += known or not found["brace"]
        reader.charge(len(frame.text) - frame.pos)
        if frame.on_end is not None or frame.path:
            return


def _go_to(reader: Reader, frame: object, pos: int) -> None:
    while reader.frames[-1] is not frame:
        reader.frames.pop()
    reader.charge(pos - reader.frames[-1].pos)
    text = reader.frames[-1].text
    reader.frames[-1].pos = pos + (text[pos : pos + 1] == " ")


def _else(reader: Reader, _name: str) -> None:
    """The branch that is printed ends here."""
    _skip(reader, stop_at_else=False)


def _fi(_reader: Reader, _name: str) -> None:
    """The conditional is over."""


def _newif(reader: Reader, _name: str) -> None:
    name = reader.argument().strip().lstrip("\\")
    if name.startswith("if") and len(name) > 2 and not reader.package:
        reader.state.switches.setdefault(name, False)


def _switched(reader: Reader, name: str) -> bool:
    r"""Obey \footrue or \foofalse of a \newif\iffoo; False where ``name`` is neither."""
    for ending, value in (("true", True), ("false", False)):
        if (
            name.endswith(ending)
            and (switch := f"if{name[: -len(ending)]}") in reader.state.switches
        ):
            reader.state.switches[switch] = value
            return True
    return False


def _chosen_group(reader: Reader, _name: str) -> None:
    r"""ifthen's \ifthenelse{test}{yes}{no}: booleans are known, anything else is taken as true."""
    test, yes, no = reader.argument(), reader.argument(), reader.argument()
    chosen = True
    found = re.search(r"\\boolean *\{([A-Za-z@]+)\}", test)
    if found:
        chosen = reader.state.switches.get(f"if{found[1]}", False)
        chosen = not chosen if re.search(r"\\(?:not|NOT)(?![A-Za-z])", test) else chosen
    reader.push(yes if chosen else no)


def _toggled(reader: Reader, _name: str) -> None:
    name, yes, no = reader.argument().strip(), reader.argument(), reader.argument()
    reader.push(yes if reader.state.switches.get(f"if{name}", False) else no)


def _new_toggle(reader: Reader, name: str) -> None:
    if name in ("newboolean", "newtoggle", "newbool", "providetoggle"):
        reader.state.switches.setdefault(f"if{reader.argument().strip()}", False)
    elif name in ("setboolean", "settoggle", "setbool"):
        called = reader.argument().strip()
        reader.state.switches[f"if{called}"] = reader.argument().strip().lower() == "true"
    else:
        called = reader.argument().strip()
        reader.state.switches[f"if{called}"] = name in ("toggletrue", "booltrue")


CONDITIONALS: dict[str, Primitive] = {
    "else": _else, "or": _else, "fi": _fi, "newif": _newif, "ifthenelse": _chosen_group,
    **dict.fromkeys(("iftoggle", "ifbool"), _toggled),
    **dict.fromkeys(
        ("newboolean", "newtoggle", "newbool", "providetoggle", "setboolean", "settoggle",
         "setbool", "toggletrue", "togglefalse", "booltrue", "boolfalse"), _new_toggle),
}  # fmt: skip
