r"""Reads a document's captions: of figures, of their panels, and the labels that name them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .environments import FRAMES, OTHER_FLOATS
from .floats import Caption, Content, Float, Panel
from .languages import figure_word
from .macros import Macro
from .reader import Reader
from .state import State
from .text import TextReader, one_line

__all__ = ["CaptionReader", "OpenEnvironment"]

_CAPTION_NAME = re.compile(r"(?:^|[,{ ])name *= *(\{[^{}]{0,60}\}|[^,{}]{0,60})")
_CAPTION_TYPE = re.compile(r"(?:^|[,{ ])type\*? *= *\{?(\w{1,30})")


@dataclass(slots=True)
class OpenEnvironment:
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


class CaptionReader(TextReader):
    """Puts captions and panels into the float at hand, or into what is ``loose``.

    open: environments, the innermost last. boxes: numbers of the open boxes. panels: open
    sub-figures. kinds: of \\ttabbox and the like. anchor: what a \\label outside of floats means.
    numbers: kind and number of other labels. float_names: what is printed before their numbers.
    """

    def __init__(self, state: State, reader: Reader) -> None:
        super().__init__(state, reader)
        self.open: list[OpenEnvironment] = []
        self.float: Float | None = None
        self.loose = Float("figure")
        self.anchor: tuple[str, str] | Caption = ("", "")
        self.numbers: dict[str, tuple[str, str]] = {}
        self.float_names: dict[str, str] = {}
        self.boxes: list[int] = []
        self.box_count = 0
        self.panels: list[Panel] = []
        self.kinds: list[str] = []
        self.continued = False
        self.panel_count = 0  # of the float before, where this one goes on with it
        self.commands |= {
            **dict.fromkeys(("caption", "captionof"), self._caption),
            "subcaption": self._subcaption,
            **dict.fromkeys(("subfloat", "subfigure", "subtable"), self._subfloat),
            "subcaptionbox": self._subcaptionbox,
            "ContinuedFloat": self._continue,
            "captionsetup": self._captionsetup,
            "floatname": self._floatname,
            **dict.fromkeys(("newfloat", "DeclareFloatingEnvironment"), self._newfloat),
        }

    def target(self) -> Float:
        """Where what is read belongs."""
        return self.float if self.float is not None else self.loose

    def label(self, key: str) -> None:
        if not key:
            return
        if self.float is None:
            if isinstance(self.anchor, Caption):
                self.anchor.labels.append(key)
            else:
                self.numbers.setdefault(key, self.anchor)
        elif self.panels:
            self.panels[-1].labels.append(key)
        else:
            captions = [item for item in self.float.items if isinstance(item, Caption)]
            (captions[-1].labels if captions else self.float.labels).append(key)

    def _caption(self, command: str) -> None:
        starred = self.reader.star()
        kind = self.kinds[-1] if self.kinds else self.target().kind
        if command == "captionof":
            kind = self.reader.argument().strip()
        elif self.float is None and not self.kinds:
            kind = self._kind_outside()
        self.reader.optional()
        text = self.reader.argument()
        if self.panels and command == "caption":
            self._panel_caption(self.panels[-1], text, counted=not starred)
        else:
            self.main_caption(kind, text, counted=not starred)

    def _kind_outside(self) -> str:
        r"""What a \caption outside of floats counts: as \@captype says, or an unknown float."""
        told = self.state.macros.get("@captype")
        if told is not None:
            return told.filled([]).strip()
        drawn = any(isinstance(item, Content) for item in self.loose.items)
        for entry in reversed(self.open[-20:]):
            name = entry.name.rstrip("*")
            if name in OTHER_FLOATS or (not drawn and entry.kind == "other" and name not in FRAMES):
                return name
        return "figure"

    def main_caption(self, kind: str, tex: str, *, counted: bool) -> None:
        caption = Caption(tuple(self.boxes), kind)
        if counted:
            if not self.continued:
                self.state.counters.step(kind)
            caption.number = self.plain(f"\\the{kind} ")
            caption.label = f"{self._name_of(kind)} {caption.number}".strip()
        self.continued = False
        self.target().items.append(caption)
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
        if panel not in self.target().items:
            self.target().items.append(panel)
        self.into(
            tex, lambda parts: setattr(panel, "text", f"{panel.text} {one_line(parts)}".strip())
        )

    def end_panel(self) -> None:
        if self.panels:
            panel = self.panels.pop()
            if panel.labels and not any(panel is item for item in self.target().items):
                self.target().items.append(panel)

    def _subcaption(self, _command: str) -> None:
        starred = self.reader.star()
        self.reader.optional()
        panel = self.panels[-1] if self.panels else Panel(tuple(self.boxes))
        if not self.panels:
            self.panels.append(panel)
            text = self.reader.argument()
            self.reader.push("", on_end=self.end_panel)
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
        self.in_box(body, self.end_panel)
        self.panels.append(Panel(tuple(self.boxes)))
        if caption is not None:
            self._panel_caption(self.panels[-1], caption, counted=counted)

    def in_box(self, body: str, then: Callable[[], None] | None = None) -> None:
        """Read ``body`` next, as a box of its own."""
        depth = len(self.boxes)
        self.box_count += 1
        self.boxes.append(self.box_count)

        def leave() -> None:
            del self.boxes[depth:]
            if then is not None:
                then()

        self.reader.push(body, on_end=leave)

    def _continue(self, _command: str) -> None:
        self.continued = True
        self.state.counters.put("subfigure", self.panel_count)

    def _captionsetup(self, _command: str) -> None:
        kind = self.reader.optional() or "figure"
        options = self.reader.argument()
        found = _CAPTION_NAME.search(options)
        if found and kind.strip() in ("figure", "table"):
            self.float_names[kind.strip()] = found[1].strip().strip("{}")
        if found := _CAPTION_TYPE.search(options):
            self.state.define("@captype", Macro((found[1],)))

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
