"""LaTeX's counters: what \\thefigure prints."""

from __future__ import annotations

__all__ = ["Counters", "formatted"]

_SECTIONS = ("part", "chapter", "section", "subsection", "subsubsection", "paragraph")
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
    (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip


class Counters:
    """Counters by name, and which of them starts anew when another steps."""

    def __init__(self) -> None:
        self.values = dict.fromkeys(
            (*_SECTIONS, "figure", "table", "equation", "scheme", "chart", "footnote"), 0
        )
        self.values["subfigure"] = self.values["subtable"] = 0
        self.within: dict[str, str] = {
            "section": "chapter", "subsection": "section", "subsubsection": "subsection",
            "paragraph": "subsubsection",
        }  # fmt: skip
        self.resets: dict[str, str] = {}  # starts anew with, but does not show it
        self.chapters = False
        self.appendix = False
        self.roman_sections = False

    def new(self, name: str, within: str = "") -> None:
        """A counter that starts anew with ``within``."""
        if len(self.values) < 2000:
            self.values.setdefault(name, 0)
        if within:
            self.resets[name] = within

    def add(self, name: str, by: int) -> None:
        """Add to a counter."""
        self.put(name, self.values.get(name, 0) + by)

    def put(self, name: str, value: int) -> None:
        """Set a counter; kept within what TeX can hold."""
        if name in self.values or len(self.values) < 2000:
            self.values[name] = max(-(2**31), min(2**31 - 1, value))

    def step(self, name: str) -> None:
        """Add one, and start anew all that are counted within it."""
        self.add(name, 1)
        waiting, seen = [name], {name}
        while waiting:
            outer = waiting.pop()
            for table in (self.within, self.resets):
                for inner, parent in table.items():
                    if parent == outer and inner not in seen:
                        self.put(inner, 0)
                        seen.add(inner)
                        waiting.append(inner)

    def use_chapters(self) -> None:
        """Number figures, tables and equations by chapters, as book and report do."""
        self.chapters = True
        for name in ("figure", "table", "equation"):
            self.within[name] = "chapter"

    def start_appendix(self) -> None:
        """\\appendix: the outermost sections are counted by letters from now on."""
        self.appendix = True
        self.put("chapter" if self.chapters else "section", 0)
        self.put("subsection", 0)

    def printed(self, name: str) -> str:
        """TeX for what \\the<name> stands for where the document does not redefine it."""
        if name in ("chapter", "section") and name == ("chapter" if self.chapters else "section"):
            kind = "Alph" if self.appendix else "Roman" if self.roman_sections else "arabic"
            return f"\\{kind}{{{name}}}"
        if name in ("subfigure", "subtable"):
            return f"\\alph{{{name}}}"
        parent = self.within.get(name, "")
        if not parent or (parent == "chapter" and not self.values.get("chapter")):
            return f"\\arabic{{{name}}}"
        return f"\\the{parent}.\\arabic{{{name}}}"


def formatted(kind: str, value: int) -> str:
    """A number as \\arabic, \\roman, \\Roman, \\alph or \\Alph print it."""
    if kind in ("alph", "Alph") and 1 <= value <= 26:
        return chr((97 if kind == "alph" else 65) + value - 1)
    if kind in ("roman", "Roman") and 1 <= value < 4000:
        out = ""
        for size, letters in _ROMAN:
            out += letters * (value // size)
            value %= size
        return out if kind == "roman" else out.upper()
    return str(value)
