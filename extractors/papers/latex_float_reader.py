r"""Reads a document's floats: their captions, sub-captions, graphics and what TeX draws in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from .graphics import graphic_file
from .latex_environments import BOXES, DRAWN, DRAWN_BY_COMMAND, FLOAT, OVERLAYS, PANELS, TABLES
from .latex_floats import Caption, Content, Draft, Float, Panel, drafts
from .latex_graphics import GRAPHICS_COMMANDS, graphics_of
from .latex_languages import figure_word
from .latex_reader import Reader
from .latex_state import State
from .latex_symbols import ENVIRONMENT_ARGUMENTS
from .latex_text import TextReader, one_line
from .records import Graphic

__all__ = ["FloatReader"]


@dataclass(slots=True)
class _Open:
    """An open environment, and what to put back where it ends.

    kind: what it is to us. items: where its content goes; before: how many were there already.
    drawing: what it draws.
    """

    name: str
    kind: str
    sinks: int
    boxes: int
    scopes: int
    items: list[Content | Panel | Caption]
    before: int
    drawing: Content | None


class FloatReader(TextReader):
    """Collects ``finished`` floats."""

    def __init__(self, state: State, reader: Reader) -> None:
        super().__init__(state, reader)
        self.finished: list[Draft] = []
        self.open: list[_Open] = []
        self.float: Float | None = None
        self.loose = Float("figure")  # graphics and \captionof outside of floats
        self.anchor: tuple[str, str] | Caption = ("", "")  # what a \label outside of floats means
        self.numbers: dict[str, tuple[str, str]] = {}  # other labels: kind and number
        self.float_names: dict[str, str] = {}
        self._boxes: list[int] = []
        self._box_count = 0
        self._panels: list[Panel] = []
        self._kinds: list[str] = []  # of \ttabbox and the like
        self._continued = False
        self._panel_count = 0
        self.commands |= {
            **dict.fromkeys(GRAPHICS_COMMANDS, self._graphics),
            **dict.fromkeys(DRAWN_BY_COMMAND, self._drawn),
            "caption": self._caption,
            "captionof": self._caption,
            "figcaption": self._figcaption,
            "subcaption": self._subcaption,
            **dict.fromkeys(("subfloat", "subfigure", "subtable"), self._subfloat),
            "subcaptionbox": self._subcaptionbox,
            **dict.fromkeys(("ffigbox", "ttabbox", "capbtabbox", "fcapside"), self._floatbox),
            "floatbox": self._floatbox,
            "teaser": self._teaser,
            "ContinuedFloat": self._continue,
            "psfrag": self._psfrag,
            "captionsetup": self._captionsetup,
            "floatname": self._floatname,
            **dict.fromkeys(("newfloat", "DeclareFloatingEnvironment"), self._newfloat),
            **dict.fromkeys(("parbox", "vbox", "vtop"), self._parbox),
            **dict.fromkeys(("figure", "wrapfigure"), self.begin),
            **dict.fromkeys(("endfigure", "endwrapfigure"), lambda name: self.end(name[3:])),
        }  # fmt: skip

    # -- environments ----------------------------------------------------------------------------

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
                self._panels.append(Panel(tuple(self._boxes)))
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
        items = self._target().items
        if drawing is not None:
            items.append(drawing)
        self.open.append(
            _Open(name, kind, len(self.sinks), len(self._boxes), len(self.state.scopes), items,
                  len(items), drawing)
        )  # fmt: skip
        self.state.open_scope()
        if kind in ("box", "table", "float"):
            self._box_count += 1
            self._boxes.append(self._box_count)
        if kind in ("dropped", "table", "float"):
            self.sinks.append(None)

    def _leave(self, entry: _Open) -> None:
        while len(self.state.scopes) > entry.scopes:
            self.state.close_scope()
        empty = len(entry.items) == entry.before
        if entry.kind == "panel":
            self._end_panel()
        elif entry.drawing is not None and not empty:
            entry.drawing.note = f"{entry.drawing.note.partition(':')[0]}: {_OVERLAID}"
        elif entry.kind == "table" and empty and self.float is not None:
            entry.items.append(self._content("tabular"))
        elif entry.kind == "float" and self.float is not None:
            self.finished.extend(drafts(self.float))
            self.float = None
            self._panels = []
        del self.sinks[max(1, entry.sinks) :]
        del self._boxes[entry.boxes :]
        if not self.open and self.float is None:
            self.flush_loose()

    def _begin_float(self, name: str, kind: str) -> None:
        self.flush_loose()
        self.float = Float(kind)
        self._continued = False
        self._panel_count = self.state.counters.values["subfigure"]
        self.state.counters.put("subfigure", 0)
        self._enter(name, "float")

    def _target(self) -> Float:
        return self.float if self.float is not None else self.loose

    # -- graphics --------------------------------------------------------------------------------

    def _content(self, tool: str) -> Content:
        return Content(tuple(self._boxes), note=f"{tool}: made by TeX, no graphics file")

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
        self._target().items.append(Content(tuple(self._boxes), graphic, note))

    def _drawn(self, command: str) -> None:
        self._target().items.append(self._content(DRAWN_BY_COMMAND[command]))
        self.reader.optional()
        if self.reader.group_follows():
            self.sinks.append(None)
            depth = len(self.sinks)
            self.reader.push(self.reader.argument(), on_end=lambda: self._drop_sinks(depth - 1))
        elif command == "tikz":
            self.reader.up_to(re.compile(r";"))

    def _drop_sinks(self, depth: int) -> None:
        del self.sinks[max(1, depth) :]

    # -- captions --------------------------------------------------------------------------------

    def _caption(self, command: str) -> None:
        starred = self.reader.star()
        kind = self._kinds[-1] if self._kinds else self._target().kind
        if command == "captionof":
            kind = self.reader.argument().strip()
        elif self.float is None and "@captype" in self.state.macros:
            kind = self.state.macros["@captype"].filled([]).strip()
        self.reader.optional()
        text = self.reader.argument()
        if self._panels and command == "caption":
            self._panel_caption(self._panels[-1], text, counted=not starred)
        else:
            self._main_caption(kind, text, counted=not starred)

    def _main_caption(self, kind: str, tex: str, *, counted: bool) -> None:
        caption = Caption(tuple(self._boxes), kind)
        if counted:
            if not self._continued:
                self.state.counters.step(kind)
            caption.number = self.plain(f"\\the{kind} ")
            caption.label = f"{self._name_of(kind)} {caption.number}".strip()
        self._continued = False
        self._target().items.append(caption)
        self.anchor = caption
        self.into(tex, lambda parts: setattr(caption, "text", one_line(parts)))

    def _name_of(self, kind: str) -> str:
        """What is printed before a caption's number."""
        if kind in self.float_names:
            return self.plain(self.float_names[kind])
        if f"{kind}name" in self.state.macros:
            return self.plain(f"\\{kind}name ")
        return figure_word(self.state) if kind == "figure" else kind.capitalize()

    def _panel_caption(self, panel: Panel, tex: str, *, counted: bool = True) -> None:
        if counted:
            self.state.counters.step("subfigure")
            panel.letter = self.plain("\\thesubfigure ").strip("() .")
        if panel not in self._target().items:
            self._target().items.append(panel)
        self.into(
            tex, lambda parts: setattr(panel, "text", f"{panel.text} {one_line(parts)}".strip())
        )

    def _end_panel(self) -> None:
        if self._panels:
            panel = self._panels.pop()
            if panel.labels and not any(panel is item for item in self._target().items):
                self._target().items.append(panel)

    def _subcaption(self, _command: str) -> None:
        starred = self.reader.star()
        self.reader.optional()
        panel = self._panels[-1] if self._panels else Panel(tuple(self._boxes))
        if not self._panels:
            self._panels.append(panel)
            text = self.reader.argument()
            self.reader.push("", on_end=self._end_panel)
            self._panel_caption(panel, text, counted=not starred)
        else:
            self._panel_caption(panel, self.reader.argument(), counted=not starred)

    def _subfloat(self, command: str) -> None:
        first = self.reader.optional()
        second = self.reader.optional()
        if not self.reader.group_follows():
            return
        self._panel_of(second if second is not None else first, self.reader.argument())

    def _subcaptionbox(self, _command: str) -> None:
        starred = self.reader.star()
        self.reader.optional()
        text = self.reader.argument()
        self.reader.optional()
        self.reader.optional()
        self._panel_of(text, self.reader.argument(), counted=not starred)

    def _panel_of(self, caption: str | None, body: str, *, counted: bool = True) -> None:
        self._in_box(body, self._end_panel)
        self._panels.append(Panel(tuple(self._boxes)))
        if caption is not None:
            self._panel_caption(self._panels[-1], caption, counted=counted)

    def _in_box(self, body: str, then: Callable[[], None] | None = None) -> None:
        """Read ``body`` next, as a box of its own."""
        depth = len(self._boxes)
        self._box_count += 1
        self._boxes.append(self._box_count)

        def leave() -> None:
            del self._boxes[depth:]
            if then is not None:
                then()

        self.reader.push(body, on_end=leave)

    # -- other ways to place a figure ------------------------------------------------------------

    def _figcaption(self, _command: str) -> None:
        """AASTeX's figure outside of floats: the file in brackets, its caption in braces."""
        href = self.reader.optional()
        if self.float is None and not self.loose.items:
            self.flush_loose()
        if href:
            self._add(Graphic(href.strip()))
        self._main_caption("figure", self.reader.argument(), counted=True)

    def _floatbox(self, command: str) -> None:
        r"""floatrow's \ffigbox[width]{caption}{body}, in any order, and \floatbox{kind}."""
        self.reader.optional()
        kind = "table" if command in ("ttabbox", "capbtabbox") else self._target().kind
        if command == "floatbox":
            kind = self.reader.argument().strip() or kind
        self.reader.optional()
        self.reader.optional()
        body = f"{self.reader.argument()} {self.reader.argument()}"
        self._kinds.append(kind)
        self._in_box(body, lambda: self._kinds.clear())

    def _parbox(self, command: str) -> None:
        self.take("ooom" if command == "parbox" else "")
        if self.reader.group_follows():
            self._in_box(self.reader.argument())

    def _teaser(self, _command: str) -> None:
        if self.float is None and self.reader.group_follows():
            body = self.reader.argument()
            self._begin_float("teaser", "figure")
            self.reader.push(body, on_end=lambda: self.end("teaser"))

    def _continue(self, _command: str) -> None:
        self._continued = True
        self.state.counters.put("subfigure", self._panel_count)

    def _psfrag(self, _command: str) -> None:
        self.take("somoomm"[:2])
        self.reader.argument()
        self.take("oooo")
        self.reader.argument()
        self._target().note = "psfrag: TeX replaces text in its graphics files"

    def _captionsetup(self, _command: str) -> None:
        kind = self.reader.optional() or "figure"
        found = re.search(
            r"(?:^|[,{ ])name *= *(\{[^{}]{0,60}\}|[^,{}]{0,60})", self.reader.argument()
        )
        if found and kind.strip() in ("figure", "table"):
            self.float_names[kind.strip()] = found[1].strip().strip("{}")

    def _floatname(self, _command: str) -> None:
        name = self.reader.argument().strip()
        self.float_names[name] = self.reader.argument()

    def _newfloat(self, command: str) -> None:
        printed, within = "", ""
        if command == "newfloat":
            name = self.reader.argument().strip()
            self.take("mm")
            within = (self.reader.optional() or "").strip()
        else:
            options = self.reader.optional() or ""
            name = self.reader.argument().strip()
            found = re.search(r"name *= *\{?([^,{}]{1,60})", options)
            printed = found[1].strip() if found else ""
        if name and len(self.float_names) < 100:
            self.float_names.setdefault(name, printed or name.capitalize())
            self.state.counters.new(name)
            if within:
                self.state.counters.within[name] = within

    # -- labels ----------------------------------------------------------------------------------

    def label(self, key: str) -> None:
        if not key:
            return
        if self.float is None:
            if isinstance(self.anchor, Caption):
                self.anchor.labels.append(key)
            else:
                self.numbers.setdefault(key, self.anchor)
        elif self._panels:
            self._panels[-1].labels.append(key)
        else:
            captions = [item for item in self.float.items if isinstance(item, Caption)]
            (captions[-1].labels if captions else self.float.labels).append(key)


_OVERLAID = "text and lines that TeX lays over its graphics files are not in them"
