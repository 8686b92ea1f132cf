"""The text of a content tree: which items are headings, lines, parts of lines, or no text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..records import Section
from .concepts import is_generic, section_name
from .content_identifiers import CONTEXT, in_context
from .content_items import Item
from .headings import Headings

__all__ = ["sections_of_items"]

_IN_BRACKETS = {"HAS CONCEPT MOD", "HAS PROPERTIES", "HAS ACQ CONTEXT"}
_LEAVES = {"TEXT", "CODE", "NUM"}
_PLACEHOLDERS = {"PNAME": "[NAME]", "DATE": "[DATE]", "DATETIME": "[DATE]"}
# The image library of TID 1600 lists headers of images: not what a report says of them.
_LIBRARY = {"111028", "126200"}
_SILENT = {"121049", "121046"}  # language and country (TID 1204), given as Report.lang
_BRACKET_CHARS = 200  # a longer property is a line of its own
_STOP = re.compile(r"[.:;!?,)\]]")


def sections_of_items(
    items: Sequence[Item], warnings: list[str], headings: Headings | None = None
) -> list[Section]:
    """The sections in document order; text outside of any has no heading. warnings: added to where
    a reference leads nowhere or round in a circle."""
    return _Writer(items, warnings, headings).sections()


def _name(item: Item) -> tuple[str, str]:
    return item.concept.code, item.concept.meaning


class _Writer:
    """Goes through the items once, holding what heading each stands below."""

    def __init__(
        self, items: Sequence[Item], warnings: list[str], headings: Headings | None
    ) -> None:
        self._items, self._warnings, self._headings = items, warnings, headings
        self._outside = in_context(items)
        self._brackets: dict[int, list[str]] = {}
        self._head = list(range(len(items)))  # the item behind which each one stands in brackets
        self._attach()
        self._sections: list[tuple[str, str, list[str]]] = []
        # of each item: (name, heading) of its section; the container whose paragraph it is part of
        self._place: list[tuple[str, str]] = []
        self._run: list[int] = []
        self._last_run = -1
        self._pending: dict[int, str] = {}  # headings within sections, until their first line

    def sections(self) -> list[Section]:
        for index, item in enumerate(self._items):
            self._place.append(self._place[item.parent] if item.parent >= 0 else ("", ""))
            self._run.append(self._run_of(index, item))
            if self._outside[index]:
                continue
            if item.kind == "CONTAINER":
                self._container(index, item)
            elif self._head[index] == index:
                self._line(index, item)
        return [
            Section(name, heading, text)
            for name, heading, lines in self._sections
            if (text := "\n".join(lines).strip())
        ]

    def _attach(self) -> None:
        """Modifiers and properties to what they modify, those of theirs to the same."""
        library: list[bool] = []
        for index, item in enumerate(self._items):
            parent = item.parent
            library.append(item.concept.code in _LIBRARY or (parent >= 0 and library[parent]))
            if parent < 0 or self._outside[index] or item.relation not in _IN_BRACKETS:
                continue
            source = self._resolved(index) if item.kind == "REFERENCE" else item
            if source is None or source.kind not in _LEAVES:
                continue
            head = self._head[parent]
            if self._outside[head]:
                continue
            of_image = self._items[head].kind not in (*_LEAVES, "CONTAINER")
            if source.kind != "TEXT" and (library[index] or of_image or head == 0):
                self._head[index] = head  # what an image's header says too
                continue
            if source.concept.code in _SILENT:
                self._head[index] = head
                continue
            phrase = self._phrase(source, modifier=True)
            of_heading = self._items[head].kind == "CONTAINER" and source.kind == "TEXT"
            if not phrase or len(phrase) > _BRACKET_CHARS or of_image or of_heading or head == 0:
                continue  # a line of its own: a heading without lines is not shown
            self._head[index] = head
            known = self._brackets.setdefault(head, [])
            if phrase not in known:
                known.append(phrase)

    def _resolved(self, index: int) -> Item | None:
        """The item that a reference leads to, over other references where it must."""
        seen: set[int] = set()
        while self._items[index].kind == "REFERENCE":
            if index in seen:
                self._note("content items refer to each other in a circle")
                return None
            seen.add(index)
            target = 0
            for position in self._items[index].target[1:]:
                children = self._items[target].children
                if not 1 <= position <= len(children):
                    self._note("a content item refers to one that is not there")
                    return None
                target = children[position - 1]
            index = target
        return self._items[index]

    def _run_of(self, index: int, item: Item) -> int:
        outer = self._run[item.parent] if item.parent >= 0 else -1
        if item.kind != "CONTAINER":
            return outer
        # a paragraph needs words between its values: measurement groups are marked CONTINUOUS too
        prose = item.continuous and any(
            self._items[child].kind == "TEXT" and self._items[child].relation != CONTEXT
            for child in item.children
        )
        return (outer if outer >= 0 else index) if prose else -1

    def _container(self, index: int, item: Item) -> None:
        if item.parent < 0:
            if item.value:
                self._write(index, item.value)
            return
        code, meaning = _name(item)
        own, heading = self._place[index]
        said = "; ".join(self._brackets.get(index, ()))
        if said and (is_generic(code, meaning) or len(said) > _BRACKET_CHARS):
            self._write(index, said)
            said = ""
        name = section_name(code, meaning, self._headings)
        if not name and is_generic(code, meaning):  # "Section Heading" of a form not filled in
            meaning = ""
        title = f"{meaning} ({said})" if said else meaning
        if (name and name != own) or (meaning and not heading):
            self._place[index] = (name, title)
        elif title and title != heading:
            self._pending[index] = title
        if item.value:
            self._write(index, item.value)

    def _line(self, index: int, item: Item) -> None:
        if item.kind == "REFERENCE":
            self._resolved(index)  # for its warnings: what it names is shown where it stands
            return
        within = self._run[index] >= 0
        said = self._brackets.get(index, [])
        if item.kind in _PLACEHOLDERS and within and item.value:
            self._write(index, _PLACEHOLDERS[item.kind])
        if not item.shown:
            for phrase in said:
                self._write(index, phrase)
            return
        code, meaning = _name(item)
        own, heading = self._place[index]
        named = not within and not is_generic(code, meaning)
        name = section_name(code, meaning, self._headings) if meaning or code else ""
        if name and item.kind != "NUM" and not within:
            named = False
            if name != own:
                self._place[index] = (name, meaning)
        elif named and item.kind == "TEXT" and not heading:
            self._place[index] = ("", meaning)
            named = False
        named = named and meaning.casefold() != heading.casefold()
        value = self._phrase(item, named=named)
        if said:
            value = f"{value} ({'; '.join(said)})" if value else "; ".join(said)
        if value and not within and item.kind != "TEXT" and value[-1] not in ".:;!?,":
            value += "."
        if value:
            self._write(index, value)

    def _phrase(self, item: Item, *, modifier: bool = False, named: bool = True) -> str:
        code, meaning = _name(item)
        if not item.value or not named or is_generic(code, meaning, modifier=modifier):
            return item.value
        return f"{meaning}: {item.value}"

    def _write(self, index: int, text: str) -> None:
        """A line, or a part of the paragraph that is being written, below the item's heading."""
        name, heading = self._place[index]
        before = self._headings_before(index)
        if before:
            text = f"{before}: {text}"
        if not self._sections or self._sections[-1][:2] != (name, heading):
            self._sections.append((name, heading, []))
            self._last_run = -1
        lines = self._sections[-1][2]
        run = self._run[index]
        if run >= 0 and run == self._last_run and lines:
            joint = "" if _STOP.match(text) or lines[-1].endswith(("\n", "(")) else " "
            lines[-1] += joint + text
        else:
            lines.append(text)
        self._last_run = run

    def _headings_before(self, index: int) -> str:
        """The headings between the section and this item that no line has shown yet."""
        found: list[str] = []
        at = index
        while at >= 0 and self._place[at] == self._place[index]:
            if at in self._pending:
                found.append(self._pending.pop(at))
            at = self._items[at].parent
        return ": ".join(reversed(found))

    def _note(self, words: str) -> None:
        if words not in self._warnings:
            self._warnings.append(words)
