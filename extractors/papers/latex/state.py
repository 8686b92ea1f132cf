"""What a document has defined so far, and the strings of it that are being read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .counters import Counters
from .macros import Macro
from .tree import SourceTree

__all__ = ["Frame", "State"]

_MAX_EXPANDED = 6_000_000  # characters that all may expand to, beside ten times the document's own
_MAX_SCANNED = 5_000_000  # that may be looked through for arguments' ends, beside 20 times it
_MAX_SCOPES = 5000


class Frame:
    r"""A string being read. path: of the file it is, "" for what a macro stands for.

    letters: the characters of control words. on_end: called once when it has been read.
    folder: where \\import has its files looked for.
    """

    __slots__ = ("folder", "letters", "on_end", "path", "pos", "text")

    def __init__(
        self,
        text: str,
        *,
        letters: bool = False,
        on_end: Callable[[], None] | None = None,
        path: str = "",
        folder: str | None = None,
    ) -> None:
        self.text = text
        self.pos = 0
        self.letters = "A-Za-z@" if letters else "A-Za-z"
        self.on_end = on_end
        self.path = path
        self.folder = folder


@dataclass(slots=True)
class State:
    """What a document has defined so far, shared by all who read pieces of it.

    protected: names that it cannot redefine, since figures are found by them. switches: of
    \\newif. scopes: what to restore where each open group ends. left: characters that may still
    be expanded to; then macros stand for nothing. scans: that may still be looked through.
    options: of the class, and of each package.
    """

    tree: SourceTree
    protected: frozenset[str] = frozenset()
    macros: dict[str, Macro] = field(default_factory=dict)
    environments: dict[str, tuple[Macro, str]] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)
    switches: dict[str, bool] = field(default_factory=dict)
    scopes: list[dict[str, Macro | None]] = field(default_factory=list)
    left: int = _MAX_EXPANDED
    scans: int = _MAX_SCANNED
    document_class: str = ""
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    graphics_paths: tuple[str, ...] = ()
    loaded: set[str] = field(default_factory=set)

    def allow(self, text: str) -> None:
        """A file of the document is read: its length allows for more work."""
        self.left += 10 * len(text)
        self.scans += 20 * len(text)

    def define(self, name: str, macro: Macro | None, *, everywhere: bool = False) -> None:
        """Give a control sequence its meaning, until the group ends."""
        if name in self.protected:
            return
        if everywhere:
            for scope in self.scopes:
                scope.pop(name, None)
        elif self.scopes:
            self.scopes[-1].setdefault(name, self.macros.get(name))
        self._put(name, macro)

    def open_scope(self) -> None:
        """A group begins. Beyond a depth no honest document has, groups are no scopes."""
        if len(self.scopes) < _MAX_SCOPES:
            self.scopes.append({})

    def close_scope(self) -> None:
        """A group ends: what was defined in it means what it meant before."""
        if self.scopes:
            for name, macro in self.scopes.pop().items():
                self._put(name, macro)

    def _put(self, name: str, macro: Macro | None) -> None:
        if macro is None:
            self.macros.pop(name, None)
        else:
            self.macros[name] = macro
