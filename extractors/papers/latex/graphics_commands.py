r"""The commands that place a picture file, and what they say of it: \includegraphics and such."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from ..records import Graphic
from .reader import Reader

__all__ = ["GRAPHICS_COMMANDS", "graphics_of"]

_OPTION = re.compile(r"([A-Za-z]+)\s*(?:=\s*(\{[^{}]*\}|[^,{}]*))?")
_LENGTH = re.compile(r"([+-]?(?:\d{1,6}(?:\.\d{0,6})?|\.\d{1,6}))\s*(bp|pt|in|cm|mm|pc|px)?")
_POINTS = {"bp": 1.0, "pt": 72 / 72.27, "in": 72.0, "cm": 72 / 2.54, "mm": 72 / 25.4, "pc": 12.0,
           "px": 1.0}  # fmt: skip
_FILE_KEY = re.compile(r"(?:^|,)\s*(?:file|figure|psfile|prolog)\s*=\s*\{?\s*([^,{}]{1,300})")


def graphics_of(reader: Reader, command: str) -> list[Graphic]:
    """The pictures that a command of GRAPHICS_COMMANDS places, its arguments taken."""
    placed = GRAPHICS_COMMANDS[command](reader)
    return [
        replace(graphic, href=_file(reader.expand(graphic.href)))
        for graphic in placed
        if graphic.href
    ]


def _include(reader: Reader) -> list[Graphic]:
    star = reader.star()
    first = reader.optional()
    second = reader.optional()
    href = reader.argument()
    if second is not None or (star and first is not None):
        return [Graphic(href)]  # graphics' old form: [llx,lly][urx,ury], a bounding box
    return [_with_options(href, first or "")]


def _adjust(reader: Reader) -> list[Graphic]:
    reader.star()
    if reader.group_follows():
        options = reader.argument()
        return [_with_options(reader.argument(), options)]
    return _include(reader)


def _svg(reader: Reader) -> list[Graphic]:
    reader.optional()
    href = reader.argument()
    return [Graphic(href if href.strip().lower().endswith(".svg") else f"{href}.svg")]


def _standalone(reader: Reader) -> list[Graphic]:
    reader.optional()
    return [Graphic(reader.argument())]


def _animation(reader: Reader) -> list[Graphic]:
    """The first of its frames."""
    reader.optional()
    reader.argument()
    stem, first = reader.argument(), reader.argument()
    reader.argument()
    return [Graphic(f"{stem}{first}")]


def _epsfig(reader: Reader) -> list[Graphic]:
    reader.star()
    text = reader.argument()
    found = _FILE_KEY.search(text)
    angle = re.search(r"angle\s*=\s*(-?\d{1,4})", text)
    return [Graphic(found[1], angle=float(angle[1]) if angle else 0.0)] if found else []


def _epsf(reader: Reader) -> list[Graphic]:
    reader.optional()
    return [Graphic(reader.argument())] if reader.group_follows() else _bare(reader)


def _bare(reader: Reader) -> list[Graphic]:
    r"""\epsfbox file.eps, as plain TeX takes it."""
    text = reader.up_to(re.compile(r"[\s}\\]"))
    return [Graphic(text)] if text and "." in text else []


def _plots(count: int) -> Callable[[Reader], list[Graphic]]:
    def read(reader: Reader) -> list[Graphic]:
        return [Graphic(reader.argument()) for _ in range(count)]

    return read


def _fig(reader: Reader) -> list[Graphic]:
    r"""AASTeX's \fig{file}{width}{(a) text}."""
    href = reader.argument()
    if not reader.group_follows():
        return []
    reader.argument()
    if not reader.group_follows():
        return []
    reader.argument()
    return [Graphic(href)]


def _special(reader: Reader) -> list[Graphic]:
    found = re.search(r"psfile\s*=\s*\"?([^\s\"{}]{1,300})", reader.argument())
    return [Graphic(found[1])] if found else []


def _pages(reader: Reader) -> list[Graphic]:
    options = reader.optional() or ""
    found = re.search(r"pages\s*=\s*\{?\s*(\d{1,5})", options)
    return [Graphic(reader.argument(), page=int(found[1]) - 1 if found else 0)]


def _file(href: str) -> str:
    """A name without what TeX needs around it."""
    href = href.replace("\\string", "").replace("\\_", "_").replace("\\space", " ")
    href = re.sub(r"[{}\"]|\\detokenize|\\jobname", "", href).strip()
    return re.sub(r"(?:\./)+", "", href) if href.startswith("./") else href


def _with_options(href: str, options: str) -> Graphic:
    page, angle = 0, 0.0
    trim: tuple[float, float, float, float] | None = None
    clip = False
    for name, value in _OPTION.findall(options[:2000]):
        value = value.strip().strip("{}").strip()
        if name == "page" and value.isdigit():
            page = max(0, int(value[:6]) - 1)
        elif name == "angle" and (number := _LENGTH.match(value)):
            angle = float(number[1])
        elif name == "trim":
            trim = _four(value)
        elif name == "clip":
            clip = value in ("", "true")
        elif name == "viewport":
            trim = trim or None
    # without clip, what is trimmed shows all the same: it only takes no room on the page
    return Graphic(href, page=page, trim=trim if clip else None, angle=angle)


def _four(text: str) -> tuple[float, float, float, float] | None:
    found = _LENGTH.findall(text[:200])
    if len(found) != 4:
        return None
    left, bottom, right, top = (float(n) * _POINTS[unit or "bp"] for n, unit in found)
    return left, bottom, right, top


GRAPHICS_COMMANDS: dict[str, Callable[[Reader], list[Graphic]]] = {
    "includegraphics": _include,
    "adjincludegraphics": _adjust,
    "adjustimage": _adjust,
    "pgfimage": _include,
    "includesvg": _svg,
    "includeinkscape": _svg,
    "includestandalone": _standalone,
    "animategraphics": _animation,
    "epsfig": _epsfig,
    "psfig": _epsfig,
    "epsffile": _epsf,
    "epsfbox": _epsf,
    "epsf": _epsf,
    "plotone": _plots(1),
    "plottwo": _plots(2),
    "fig": _fig,
    "leftfig": _fig,
    "rightfig": _fig,
    "boxedfig": _fig,
    "rotatefig": _plots(1),
    "special": _special,
    "includepdf": _pages,
}
