r"""Reads a document's floats: their graphics, what TeX draws in them, boxes of several figures."""

from __future__ import annotations

import re
from dataclasses import replace

from ..graphics import graphic_file
from ..records import Graphic
from .captions import CaptionReader, OpenEnvironment
from .environments import (
    BOXES,
    DRAWN,
    DRAWN_BY_COMMAND,
    FLOAT,
    OVERLAYS,
    PANELS,
    TABLES,
)
from .floats import Caption, Content, Draft, Float, Panel, drafts
from .graphics_commands import GRAPHICS_COMMANDS, graphics_of
from .reader import Reader
from .state import State
from .symbols import ENVIRONMENT_ARGUMENTS

__all__ = ["FloatReader"]

_OVERLAID = "text and lines that TeX lays over its graphics files are not in them"


class FloatReader(CaptionReader):
    """Collects ``finished`` floats."""

    def __init__(self, state: State, reader: Reader) -> None:
        super().__init__(state, reader)
        self.finished: list[Draft] = []
        self.commands |= {
            **dict.fromkeys(GRAPHICS_COMMANDS, self._graphics),
            **dict.fromkeys(DRAWN_BY_COMMAND, self._drawn),
            "figcaption": self._figcaption,
            **dict.fromkeys(("ffigbox", "ttabbox", "capbtabbox", "fcapside"), self._floatbox),
            "floatbox": self._floatbox,
            "teaser": self._teaser,
            "psfrag": self._psfrag,
            **dict.fromkeys(("parbox", "vbox", "vtop"), self._parbox),
            **dict.fromkeys(("figure", "wrapfigure"), self.begin),
            **dict.fromkeys(("endfigure", "endwrapfigure"), lambda name: self.end(name[3:])),
        }

    def begin(self, name: str) -> None:
        found = FLOAT.fullmatch(name)
        kind = found["kind"] if found else name if name in self.float_names else ""
        if name in OVERLAYS:
            self.reader.optional()
            self._add(Graphic(self.reader.argument().strip()), f"overpic: {_OVERLAID}")
            self._enter(name, "dropped")
            return
        self.take(ENVIRONMENT_ARGUMENTS.get(name, "oo" if kind else ""))
        if kind and self.float is None:
            self._begin_float(name, kind)
        elif name in DRAWN:
            self._enter(name, "dropped", self._content(DRAWN[name]))
        elif name in TABLES:
            self._enter(name, "table")
        elif name in BOXES:
            self._enter(name, "box")
            if name in PANELS:
                self.open[-1].kind = "panel"
                self.panels.append(Panel(tuple(self.boxes)))
        else:
            self._enter(name, "other")

    def end(self, name: str) -> None:
        if not any(entry.name == name for entry in self.open[-200:]):
            return
        while self.open:
            entry = self.open.pop()
            self._leave(entry)
            if entry.name == name:
                break

    def close_all(self) -> None:
        """End what is still open at the end of the document."""
        self._close_math()
        while self.open:
            self._leave(self.open.pop())
        self.flush_loose()

    def flush_loose(self) -> None:
        """What stood outside of floats until here is figures if it has captions."""
        if any(isinstance(item, Caption) for item in self.loose.items):
            self.finished.extend(drafts(self.loose))
        if self.loose.items:
            self.loose = Float("figure")

    def _enter(self, name: str, kind: str, drawing: Content | None = None) -> None:
        items = self.target().items
        if drawing is not None:
            items.append(drawing)
        counts = len(self.sinks), len(self.boxes), len(self.state.scopes)
        self.open.append(OpenEnvironment(name, kind, *counts, items, len(items), drawing))
        self.state.open_scope()
        if kind in ("box", "table", "float"):
            self.box_count += 1
            self.boxes.append(self.box_count)
        if kind in ("dropped", "table", "float"):
            self.sinks.append(None)

    def _leave(self, entry: OpenEnvironment) -> None:
        while len(self.state.scopes) > entry.scopes:
            self.state.close_scope()
        empty = len(entry.items) == entry.before
        if entry.kind == "panel":
            self.end_panel()
        elif entry.drawing is not None and not empty:
            entry.drawing.note = f"{entry.drawing.note.partition(':')[0]}: {_OVERLAID}"
        elif entry.kind == "table" and empty and self.float is not None:
            entry.items.append(self._content("tabular"))
        elif entry.kind == "float" and self.float is not None:
            self.finished.extend(drafts(self.float))
            self.float = None
            self.panels = []
        del self.sinks[max(1, entry.sinks) :]
        del self.boxes[entry.boxes :]
        if not self.open and self.float is None:
            self.flush_loose()

    def _begin_float(self, name: str, kind: str) -> None:
        self.flush_loose()
        self.float = Float(kind)
        self.continued = False
        self.panel_count = self.state.counters.values["subfigure"]
        self.state.counters.put("subfigure", 0)
        self._enter(name, "float")

    def _content(self, tool: str) -> Content:
        return Content(tuple(self.boxes), note=f"{tool}: made by TeX, no graphics file")

    def _graphics(self, command: str) -> None:
        for graphic in graphics_of(self.reader, command):
            self._add(graphic)

    def _add(self, graphic: Graphic, note: str = "") -> None:
        tree = self.state.tree
        near = [folder for folder in (*self.reader.folders(), tree.folder) if folder]
        given = self.state.graphics_paths
        places = [*near, *given, *(f"{folder}/{path}" for folder in near for path in given)]
        path = graphic_file(graphic, tree.names, places)
        if graphic.href.lower().endswith("_tex"):
            note = f"overlay: {_OVERLAID}"
        if path is None:
            note = f"missing file: {graphic.href!r}"
        else:
            graphic = replace(graphic, href=path)
        self.target().items.append(Content(tuple(self.boxes), graphic, note))

    def _drawn(self, command: str) -> None:
        self.target().items.append(self._content(DRAWN_BY_COMMAND[command]))
        self.reader.optional()
        if self.reader.group_follows():
            self.sinks.append(None)
            depth = len(self.sinks)
            self.reader.push(self.reader.argument(), on_end=lambda: self._drop_sinks(depth - 1))
        elif command == "tikz":
            self.reader.up_to(re.compile(r";"))

    def _drop_sinks(self, depth: int) -> None:
        del self.sinks[max(1, depth) :]

    def _figcaption(self, _command: str) -> None:
        """AASTeX's figure outside of floats: the file in brackets, its caption in braces."""
        href = self.reader.optional()
        if self.float is None and not self.loose.items:
            self.flush_loose()
        if href:
            self._add(Graphic(href.strip()))
        self.main_caption("figure", self.reader.argument(), counted=True)

    def _floatbox(self, command: str) -> None:
        r"""floatrow's \ffigbox[width]{caption}{body}, in any order, and \floatbox{kind}."""
        self.reader.optional()
        kind = "table" if command in ("ttabbox", "capbtabbox") else self.target().kind
        if command == "floatbox":
            kind = self.reader.argument().strip() or kind
        self.reader.optional()
        self.reader.optional()
        body = f"{self.reader.argument()} {self.reader.argument()}"
        self.kinds.append(kind)
        self.in_box(body, lambda: self.kinds.clear())

    def _parbox(self, command: str) -> None:
        self.take("ooom" if command == "parbox" else "")
        if self.reader.group_follows():
            self.in_box(self.reader.argument())

    def _teaser(self, _command: str) -> None:
        if self.float is None and self.reader.group_follows():
            body = self.reader.argument()
            self._begin_float("teaser", "figure")
            self.reader.push(body, on_end=lambda: self.end("teaser"))

    def _psfrag(self, _command: str) -> None:
        self.take("smoooom")
        self.target().note = "psfrag: TeX replaces text in its graphics files"
