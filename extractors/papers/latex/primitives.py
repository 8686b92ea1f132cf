r"""The commands that a reader of TeX obeys itself: \input, \usepackage, counters, boxes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from .conditionals import CONDITIONALS, choose_branch
from .counters import formatted
from .definitions import DEFINITIONS
from .macros import Macro
from .reader import Primitive, Reader
from .state import Frame, State

__all__ = ["reader_of"]

_MAX_OPEN_FILES = 50
_MAX_PACKAGE = 200_000  # characters; longer ones are LaTeX's own, whose insides tell nothing
_SUFFIXES = (".tex", "", ".ltx")
_CHAPTERED = re.compile(r"book|report|thesis|memoir|scrbook|scrreprt|diss|mono\Z", re.I)
_FILE_NAME = re.compile(r' *("[^"]{1,300}"|[^\s\\{}]{1,300}) ?')


def reader_of(
    state: State,
    text: str,
    *,
    path: str = "",
    on_end: Callable[[], None] | None = None,
) -> Reader:
    """A reader of ``text``. path: the file that it is, if it is one."""
    if path:
        state.allow(text)
    return Reader(state, Frame(text, path=path, on_end=on_end), _PRIMITIVES, _unknown)


def _unknown(reader: Reader, name: str) -> bool:
    if name.startswith(("the", "c@")) and _counter_text(reader, name):
        return True
    return choose_branch(reader, name)


# -- files ---------------------------------------------------------------------------------------


def _input(reader: Reader, command: str) -> None:
    if reader.group_follows():
        reference = reader.argument()
    else:
        frame = reader.frames[-1]
        found = _FILE_NAME.match(frame.text, frame.pos)
        if not found:
            return
        frame.pos = found.end()
        reference = found[1]
    reference = reader.expand(reference)
    if command == "InputIfFileExists":
        then, otherwise = reader.argument(), reader.argument()
        reader.push(then if _open(reader, reference, None) else otherwise)
        return
    only = reader.state.options.get("\\includeonly")
    if command == "include" and only and reference.strip() not in only:
        return
    _open(reader, reference, None)


def _import(reader: Reader, command: str) -> None:
    reader.star()
    folder, reference = reader.expand(reader.argument()).strip(), reader.expand(reader.argument())
    if command.startswith("sub"):
        folder = posixpath.join(*reversed(reader.folders()[:1]), folder)
    _open(reader, posixpath.join(folder, reference.strip()), folder)


def _subfile(reader: Reader, _command: str) -> None:
    reference = reader.expand(reader.argument()).strip()
    _open(reader, reference, posixpath.dirname(reference))


def _open(reader: Reader, reference: str, folder: str | None) -> bool:
    """Read a file next: its document's body where it is a document of its own."""
    tree = reader.state.tree
    path = tree.find(reference, reader.folders(), _SUFFIXES)
    opened = reader.open_files()
    if path is None or path in opened or len(opened) >= _MAX_OPEN_FILES:
        return path is not None
    if path.lower().endswith((".png", ".pdf", ".jpg", ".jpeg", ".eps", ".ps")):
        return True
    text = tree.text(path)
    if "\\documentclass" in text[:100_000]:
        begin = text.find("\\begin{document}")
        end = text.rfind("\\end{document}")
        if begin >= 0:
            text = text[begin + len("\\begin{document}") : end if end > begin else len(text)]
    reader.push_file(path, text, folder)
    return True


def _end_input(reader: Reader, _command: str) -> None:
    for frame in reversed(reader.frames):
        frame.pos = len(frame.text)
        if frame.path:
            break


# -- class and packages --------------------------------------------------------------------------


def _document_class(reader: Reader, _command: str) -> None:
    options = _listed(reader.optional() or "")
    name = reader.argument().strip()
    reader.optional()
    state = reader.state
    if state.document_class:
        return
    state.document_class = name
    state.options["\\documentclass"] = options
    if name.startswith(("revtex", "IEEEtran")):
        state.counters.roman_sections = True
    text = _package_text(state, f"{name}.cls")
    base = re.search(r"\\LoadClass(?:WithOptions)?\s*(?:\[[^\]]{0,500}\])?\s*\{(\w+)\}", text)
    if _CHAPTERED.search(name) or (base and _CHAPTERED.search(base[1])):
        state.counters.use_chapters()
    _read_package(state, text)
    if not text and name.lower() != "article":
        for package in options:  # LaTeX 2.09 named its packages as options
            _read_package(state, _package_text(state, f"{package}.sty"))


def _package(reader: Reader, _command: str) -> None:
    options = _listed(reader.optional() or "")
    names = _listed(reader.argument())
    reader.optional()
    state = reader.state
    for name in names:
        if name not in state.options and len(state.options) < 1000:
            state.options[name] = options
            _read_package(state, _package_text(state, f"{name}.sty"))


def _package_text(state: State, reference: str) -> str:
    """A package's text where the article brings it along; once."""
    path = state.tree.find(reference, (), ("",))
    if path is None or path in state.loaded or len(state.loaded) > 100:
        return ""
    state.loaded.add(path)
    text = state.tree.text(path)
    return text if len(text) <= _MAX_PACKAGE else ""


def _read_package(state: State, text: str) -> None:
    """Take a package's definitions for those who use it; what it does otherwise is left."""
    if not text:
        return
    scopes, state.scopes = state.scopes, []
    counters, state.counters = state.counters, type(state.counters)()
    reader = reader_of(state, text, path="package")
    reader.package = True
    reader.frames[0].letters = "A-Za-z@"
    while reader.next() is not None:
        pass
    state.scopes, state.counters = scopes, counters


def _listed(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())[:200]


def _main_language(reader: Reader, _command: str) -> None:
    r"""polyglossia's \setdefaultlanguage."""
    reader.optional()
    reader.state.options["\\setdefaultlanguage"] = (reader.argument().strip(),)


def _include_only(reader: Reader, _command: str) -> None:
    reader.state.options["\\includeonly"] = _listed(reader.argument())


# -- counters ------------------------------------------------------------------------------------


def _counter_text(reader: Reader, name: str) -> bool:
    r"""\thefigure and \c@figure."""
    counters = reader.state.counters
    if name.startswith("c@") and name[2:] in counters.values:
        reader.push(str(counters.values[name[2:]]))
    elif name.startswith("the") and name[3:] in counters.values:
        reader.push(counters.printed(name[3:]))
    else:
        return False
    return True


def _number(reader: Reader, command: str) -> None:
    name = reader.argument().strip()
    if name.startswith("\\value"):
        name = reader.argument()
    name = name.removeprefix("\\c@")
    value = reader.state.counters.values.get(name)
    if value is not None:
        reader.push(formatted(command.lstrip("@"), value))
    elif name.lstrip("-").isdigit():
        reader.push(formatted(command.lstrip("@"), int(name[:9])))


def _integer(reader: Reader, text: str) -> int | None:
    """A number as \\setcounter takes it: digits, \\value{x}, a sum of two of them."""
    total = 0
    values = reader.state.counters.values
    pattern = r"([+-]?) *(?:(\d{1,9})|\\(?:value *\{([^{}]{1,60})\}|c@([A-Za-z@]+)))"
    found = list(re.finditer(pattern, text[:300]))
    for term in found:
        value = int(term[2]) if term[2] else values.get((term[3] or term[4]).strip(), 0)
        total += -value if term[1] == "-" else value
    return total if found else None


def _set_counter(reader: Reader, command: str) -> None:
    name, text = reader.argument().strip(), reader.argument()
    value = _integer(reader, text)
    if value is not None:
        if command == "addtocounter":
            reader.state.counters.add(name, value)
        else:
            reader.state.counters.put(name, value)


def _step_counter(reader: Reader, _command: str) -> None:
    reader.state.counters.step(reader.argument().strip())


def _new_counter(reader: Reader, _command: str) -> None:
    name = reader.argument().strip()
    reader.state.counters.new(name, reader.optional() or "")


def _within(reader: Reader, command: str) -> None:
    reader.star()
    counters = reader.state.counters
    if command == "numberwithin":
        reader.optional()
    name, outer = reader.argument().strip(), reader.argument().strip()
    if command == "counterwithout":
        counters.within.pop(name, None)
    elif command == "@addtoreset":
        counters.resets[name] = outer
    else:
        counters.within[name] = outer
        reader.state.define(f"the{name}", None, everywhere=True)


# -- boxes and groups ----------------------------------------------------------------------------


def _save_box(reader: Reader, command: str) -> None:
    name = reader.argument().strip()
    if command == "savebox":
        reader.optional()
        reader.optional()
    elif command == "setbox":  # \\setbox0=\\hbox{...}
        reader.take("=")
        reader.argument()
    body = reader.argument()
    reader.state.define(f"box {name}", Macro((body,)), everywhere=True)


def _use_box(reader: Reader, _command: str) -> None:
    box = reader.state.macros.get(f"box {reader.argument().strip()}")
    if box is not None:
        reader.push(box.filled([]))


def _group(reader: Reader, command: str) -> None:
    if command in ("bgroup", "begingroup"):
        reader.state.open_scope()
    else:
        reader.state.close_scope()


def _body_of(count: int) -> Primitive:
    """A command whose last argument is read here and now, outside of any group."""

    def read(reader: Reader, _command: str) -> None:
        for _ in range(count - 1):
            reader.argument()
        reader.push(reader.argument())

    return read


def _if_package(reader: Reader, _command: str) -> None:
    name, yes, no = reader.argument().strip(), reader.argument(), reader.argument()
    reader.push(yes if name in reader.state.options else no)


def _graphics_path(reader: Reader, _command: str) -> None:
    found = re.findall(r"\{([^{}]{0,300})\}", reader.argument()[:10_000])
    reader.state.graphics_paths = tuple(path.strip() for path in found[:50])


_PRIMITIVES: dict[str, Primitive] = {
    **DEFINITIONS,
    **CONDITIONALS,
    **dict.fromkeys(("input", "include", "InputIfFileExists", "@input"), _input),
    **dict.fromkeys(
        ("import", "subimport", "inputfrom", "subinputfrom", "includefrom", "subincludefrom"),
        _import),
    **dict.fromkeys(("subfile", "subfileinclude"), _subfile),
    "endinput": _end_input,
    "includeonly": _include_only,
    **dict.fromkeys(("documentclass", "documentstyle"), _document_class),
    **dict.fromkeys(("setmainlanguage", "setdefaultlanguage"), _main_language),
    **dict.fromkeys(("usepackage", "RequirePackage"), _package),
    **dict.fromkeys(
        ("arabic", "roman", "Roman", "alph", "Alph", "@arabic", "@roman", "@Roman", "@alph",
         "@Alph", "number"), _number),
    **dict.fromkeys(("setcounter", "addtocounter"), _set_counter),
    **dict.fromkeys(("stepcounter", "refstepcounter"), _step_counter),
    "newcounter": _new_counter,
    **dict.fromkeys(("numberwithin", "counterwithin", "counterwithout", "@addtoreset"), _within),
    **dict.fromkeys(("sbox", "savebox", "setbox"), _save_box),
    **dict.fromkeys(("usebox", "box", "copy", "unhbox", "unhcopy", "unvbox"), _use_box),
    **dict.fromkeys(("bgroup", "begingroup", "egroup", "endgroup"), _group),
    "graphicspath": _graphics_path,
    **dict.fromkeys(("AtBeginDocument", "AtEndPreamble", "AfterEndPreamble"), _body_of(1)),
    **dict.fromkeys(("addto", "appto", "g@addto@macro", "AtBeginEnvironment"), _body_of(2)),
    **dict.fromkeys(("@ifpackageloaded", "IfPackageLoadedTF", "ifpackageloaded"), _if_package),
}  # fmt: skip
