"""TeX's mouth: tokens of a document with its files joined and its own macros expanded.

The input is a stack of strings, the document at the bottom, what macros stand for above it; no
step recurses. Work is bounded: what one call in the document expands to, and what all do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from domainclip.errors import BadInput

from .macros import Macro
from .state import Frame, State

__all__ = ["Primitive", "Reader"]

_MAX_DEPTH = 2000  # strings open at once: a macro that calls itself
_MAX_BURST = 500_000  # characters that one call in the document may expand to

_TOKEN = {
    letters: re.compile(
        rf"\\(?P<word>[{letters}]+) *|\\(?P<sign>.)|(?P<text>[^\\{{}}$&#^_~\n]+)|(?P<char>.)", re.S
    )
    for letters in ("A-Za-z", "A-Za-z@")
}
_MAX_EXPANSIONS_WITHIN = 5
_COST = 20  # characters that one expansion counts for by itself
_MAX_OPTIONAL = 20_000  # characters in brackets
_LENGTH = r"[+-]?\s*(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})?(?:\s*true\s*)?"
_UNIT = r"(?:(?:pt|in|cm|mm|em|ex|pc|bp|sp|mu|fil{1,3})(?![A-Za-z])|\\[A-Za-z@]+)?"
_ASSIGNED = re.compile(
    rf"\s*(=?)\s*(?=[-+\d.\\]){_LENGTH}{_UNIT}(?:\s*(?:plus|minus)\s*{_LENGTH}{_UNIT}){{0,2}} ?"
)
_BRACE = re.compile(r"\\.|[{}]", re.S)
_BRACE_OR_BRACKET = re.compile(r"\\.|[{}\[\]]", re.S)

Token = tuple[str, str]  # kind ("text", "command", "begin", "end" or the character) and value


Primitive = Callable[["Reader", str], None]


class Reader:
    """Tokens one after another.

    primitives: what to do at commands that the reader itself obeys. unknown: is asked of all other
    commands, and says whether it has obeyed them. math: whether the text at hand is mathematics.
    """

    def __init__(
        self,
        state: State,
        frame: Frame,
        primitives: Mapping[str, Primitive],
        unknown: Callable[[Reader, str], bool],
    ) -> None:
        self.state = state
        self.frames = [frame]
        self.math = False
        self._unknown = unknown
        self.package = False  # a package's code is read for its definitions alone
        self._primitives = primitives
        self._burst = 0
        self._depth = 0  # of ``expand`` within ``expand``
        self._ends: list[tuple[str, str]] = []  # own environments that are open: name, end code

    def next(self) -> Token | None:
        """The next token that is no macro and no definition; None at the end.

        Raises BadInput where the document expands without end.
        """
        frames = self.frames
        state = self.state
        macros = state.macros
        while frames:
            frame = frames[-1]
            found = _TOKEN[frame.letters].match(frame.text, frame.pos)
            if found is None:
                self._pop()
                continue
            frame.pos = found.end()
            kind = found.lastgroup
            if kind == "text":
                return "text", found[0]
            if kind == "char":
                return found[0], found[0]
            name = found[kind] if kind else ""
            macro = macros.get(name)
            if macro is not None and state.left > 0:
                if frame.path:
                    self._burst = 0
                if not macro.primitive:
                    self._expand(macro)
                    continue
                name = macro.primitive
            primitive = self._primitives.get(name)
            if primitive is not None:
                primitive(self, name)
            elif name == "begin" or name == "end":
                token = self._environment(name)
                if token is not None:
                    return token
            elif not self._unknown(self, name):
                return "command", name
        return None

    def push(
        self,
        text: str,
        *,
        letters: bool | None = None,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        """Read ``text`` next, then go on; ``on_end`` is called when it has been read."""
        frames = self.frames
        while frames and frames[-1].on_end is None and not frames[-1].path:
            if frames[-1].pos < len(frames[-1].text):
                break
            frames.pop()  # read to its end: what calls itself last takes no room
        if not self._may_expand(len(text) + 1):
            text = ""
        if letters is None:
            letters = bool(frames) and frames[-1].letters == "A-Za-z@"
        frames.append(Frame(text, letters=letters, on_end=on_end))

    def push_file(self, path: str, text: str, folder: str | None) -> None:
        """Read a file next."""
        self.frames.append(Frame(text, path=path, folder=folder, letters=self.package))
        self.state.allow(text)

    def open_files(self) -> list[str]:
        """The files being read, the innermost last."""
        return [frame.path for frame in self.frames if frame.path]

    def folders(self) -> list[str]:
        """Where names are looked for besides the main file's folder, innermost first."""
        return [frame.folder for frame in reversed(self.frames) if frame.folder is not None]

    # -- arguments -------------------------------------------------------------------------------

    def peek(self) -> str:
        """The next character, blanks left out, without taking it; "" where nothing follows."""
        start = self._place()
        frame = self._front()
        sign = frame.text[frame.pos] if frame else ""
        self._back_to(start)
        return sign

    def star(self) -> bool:
        """Whether a star follows; it is taken."""
        return self.take("*")

    def take(self, sign: str) -> bool:
        """Whether ``sign`` follows; it is taken."""
        start = self._place()
        frame = self._front()
        if frame is None or frame.text[frame.pos] != sign:
            self._back_to(start)
            return False
        frame.pos += 1
        return True

    def argument(self) -> str:
        """The next group without its braces, else the next token; "" where none is."""
        frame = self._front()
        if frame is None:
            return ""
        text, pos = frame.text, frame.pos
        if text[pos] == "{":
            end = self._group_end(text, pos + 1)
            frame.pos = min(end + 1, len(text))
            return text[pos + 1 : end]
        found = _TOKEN[frame.letters].match(text, pos)
        if found is None or text[pos] in "}\n":
            return ""
        if found.lastgroup == "text":
            frame.pos = pos + 1
            return text[pos]
        frame.pos = found.end()
        return found[0]

    def optional(self, opening: str = "[", closing: str = "]") -> str | None:
        """What stands in brackets next, braces in it kept; None where no bracket opens."""
        start = self._place()
        frame = self._front()
        if frame is None or frame.text[frame.pos] != opening:
            self._back_to(start)
            return None
        text, pos = frame.text, frame.pos + 1
        depth = brackets = 0
        limit = min(len(text), pos + _MAX_OPTIONAL)
        pattern = _BRACE_OR_BRACKET if opening == "[" else re.compile(r"\\.|[{}()]", re.S)
        for found in pattern.finditer(text, pos, limit):
            sign = found[0]
            if sign == "{":
                depth += 1
            elif sign == "}":
                depth -= 1
                if depth < 0:
                    limit = found.start()
                    break
            elif sign == opening and not depth:
                brackets += 1
            elif sign == closing and not depth:
                if not brackets:
                    frame.pos = found.end()
                    self.charge(frame.pos - pos)
                    return text[pos : found.start()]
                brackets -= 1
        self.charge(limit - pos)
        self._back_to(start)
        return None

    def expand(self, text: str) -> str:
        """``text`` with macros replaced by what they stand for, as names of files need it."""
        if "\\" not in text:
            return text
        if self._depth >= _MAX_EXPANSIONS_WITHIN:
            return ""
        inner = Reader(self.state, Frame(text), self._primitives, self._unknown)
        inner._depth = self._depth + 1
        out: list[str] = []
        while (token := inner.next()) is not None:
            kind, value = token
            if kind in ("text", "_", "~", "^", "&", "#", "command"):
                out.append("" if kind == "command" and value.isalpha() else value)
        return "".join(out)

    def group_follows(self) -> bool:
        """Whether an opening brace is next."""
        return self.peek() == "{"

    def assignment(self, *, needs_sign: bool) -> None:
        """Leave out "=-1", "=2pt plus 1fil": what a register is set to."""
        frame = self.frames[-1] if self.frames else None
        found = _ASSIGNED.match(frame.text, frame.pos) if frame else None
        if frame is not None and found and (found[1] or not needs_sign):
            frame.pos = found.end()

    def up_to(self, pattern: re.Pattern[str], *, within: int = _MAX_OPTIONAL) -> str | None:
        """The text before ``pattern``, which is taken too; None where it is not near."""
        frame = self.frames[-1] if self.frames else None
        if frame is None:
            return None
        found = pattern.search(frame.text, frame.pos, frame.pos + within)
        self.charge(
            (found.start() if found else min(len(frame.text), frame.pos + within)) - frame.pos
        )
        if found is None:
            return None
        text = frame.text[frame.pos : found.start()]
        frame.pos = found.end()
        return text

    def charge(self, count: int) -> None:
        """Count ``count`` characters of work. Raises BadInput where it has been too much."""
        self.state.scans -= count
        if self.state.scans < 0:
            raise BadInput(
                f"{self.state.tree.name}: its LaTeX is nested without end; take its PDF instead."
            )

    # -- within ----------------------------------------------------------------------------------

    def _place(self) -> tuple[Frame | None, int]:
        frame = self.frames[-1] if self.frames else None
        return frame, frame.pos if frame else 0

    def _back_to(self, place: tuple[Frame | None, int]) -> None:
        """Give back the blanks taken since ``place``, where its string is still open."""
        frame, pos = place
        if frame is not None and self.frames and self.frames[-1] is frame:
            frame.pos = pos

    def _front(self) -> Frame | None:
        """The string that holds the next character; blanks before it are taken."""
        frames = self.frames
        while frames:
            frame = frames[-1]
            text, pos = frame.text, frame.pos
            while pos < len(text) and text[pos] == " ":
                pos += 1
            frame.pos = pos
            if pos < len(text):
                return frame
            if frame.on_end is not None or frame.path:
                return None
            frames.pop()
        return None

    def _group_end(self, text: str, pos: int) -> int:
        """Where the group closes that is open at ``pos``; without an end, its paragraph's end."""
        depth = 1
        for found in _BRACE.finditer(text, pos):
            sign = found[0]
            if sign == "{":
                depth += 1
            elif sign == "}":
                depth -= 1
                if not depth:
                    self.charge(found.start() - pos)
                    return found.start()
        self.charge(len(text) - pos)
        end = text.find("\n", pos)
        return end if end >= 0 else len(text)

    def _pop(self) -> None:
        frame = self.frames.pop()
        if frame.on_end is not None:
            frame.on_end()

    def _environment(self, name: str) -> Token | None:
        """\\begin or \\end of an environment; None where it is the document's own, and expanded."""
        called = self.argument().strip()
        if name == "begin" and called in self.state.environments:
            macro, end = self.state.environments[called]
            if len(self._ends) < 1000:
                self._ends.append((called, end))
                self._expand(macro)
            return None
        if name == "end" and self._ends and self._ends[-1][0] == called:
            self.push(self._ends.pop()[1])
            return None
        return name, called

    def _expand(self, macro: Macro) -> None:
        arguments = self._arguments(macro)
        if macro.length(arguments) > _MAX_BURST:
            self.state.left -= _MAX_BURST
            self._end_burst()
            return
        self.push(macro.filled(arguments), letters=macro.letters)

    def _arguments(self, macro: Macro) -> list[str]:
        if macro.leading:
            self.up_to(_flexible(macro.leading))
        arguments: list[str] = []
        defaults = iter(macro.defaults)
        for parameter in macro.parameters:
            if parameter is None:
                arguments.append(self.argument())
            elif parameter == "[":
                value = self.optional()
                default = next(defaults, "")
                arguments.append(default if value is None else value)
            elif parameter == "*":
                arguments.append("*" if self.star() else "")
            else:
                arguments.append(self._delimited(parameter))
        return arguments

    def _delimited(self, end: str) -> str:
        text = self.up_to(_flexible(end)) or ""
        return (
            text[1:-1] if text[:1] == "{" and text[-1:] == "}" and "}" not in text[1:-1] else text
        )

    def _may_expand(self, count: int) -> bool:
        """Whether a string of ``count`` characters may be opened; else the present call ends."""
        count += _COST
        self._burst += count
        self.state.left -= count
        if self._burst > _MAX_BURST or len(self.frames) > _MAX_DEPTH:
            self._end_burst()
            return False
        return True

    def _end_burst(self) -> None:
        """Leave what a call in the document has expanded to; what was begun there is ended."""
        while self.frames and not self.frames[-1].path and len(self.frames) > 1:
            self._pop()
        self._burst = 0


@lru_cache(maxsize=256)
def _flexible(text: str) -> re.Pattern[str]:
    """A macro's delimiter as a pattern: blanks match any blanks."""
    return re.compile(r"\s*".join(re.escape(piece) for piece in text.split()) or r"(?!)")
