"""MathML as one line of readable Unicode: 10⁻³ for ``msup``, a/(b+c) for ``mfrac``."""

from __future__ import annotations

from ..scripts import accented, fraction, root_of, script
from .tree import Element, local_name, plain_text

__all__ = ["math_text"]

MAX_DEPTH = 100

_INVISIBLE = dict.fromkeys(map(ord, "\u2061\u2062\u2063\u2064\u200b"))
_OVER = {
    "^": "\u0302", "ˆ": "\u0302", "~": "\u0303", "˜": "\u0303", "∼": "\u0303", "¯": "\u0304",
    "‾": "\u0304", "_": "\u0304", "-": "\u0304", "−": "\u0304", "→": "\u20d7", "⃗": "\u20d7",
    ".": "\u0307", "˙": "\u0307", "¨": "\u0308", "ˇ": "\u030c", "̂": "\u0302", "̄": "\u0304",
    "̃": "\u0303", "⇀": "\u20d7", "―": "\u0304", "̅": "\u0304", "⋅": "\u0307", "·": "\u0307",
}  # fmt: skip
_TOKENS = frozenset(["mi", "mn", "mo", "mtext", "ms", "mglyph", "ci", "cn"])


def math_text(element: Element, depth: int = 0) -> str:
    """A MathML element's text; unknown elements give their children's."""
    name = local_name(element)
    if name in _TOKENS:
        return _token(element, name)
    children = [c for c in element if isinstance(c.tag, str)]
    if depth > MAX_DEPTH:
        return plain_text(element)
    if name in ("annotation", "annotation-xml", "mphantom", "maligngroup", "malignmark", "none"):
        return ""
    if name == "mspace":
        return " "
    if name == "semantics":
        return math_text(children[0], depth + 1) if children else ""
    if name == "mtable":
        return "; ".join(_row(row, depth, ", ") for row in children)
    parts = [math_text(child, depth + 1) for child in children]
    if name == "mfenced":
        inner = (element.get("separators", ",").strip()[:1] + " ").join(parts)
        return f"{element.get('open', '(')}{inner}{element.get('close', ')')}"
    made = _layout(name, parts, element)
    return _joined(parts) + _loose(element) if made is None else made


def _layout(name: str, parts: list[str], element: Element) -> str | None:
    """Scripts, fractions and roots; None for all else, or where an argument is missing."""
    if name == "msqrt":
        return root_of(_joined(parts))
    if len(parts) == 2:
        first, second = parts
        if name == "mfrac":
            binomial = element.get("linethickness", "") in ("0", "0pt", "0px")
            return f"({first} {second})" if binomial else fraction(first, second)
        if name == "mroot":
            return root_of(first, second)
        if name in ("msub", "munder"):
            return first + script(second.strip(), up=False)
        if name == "msup":
            return first + script(second.strip(), up=True)
        if name == "mover":
            mark = _OVER.get(second.strip())
            return accented(first, mark) if mark else first + script(second.strip(), up=True)
    if len(parts) == 3 and name in ("msubsup", "munderover"):
        first, below, above = parts
        return first + script(below.strip(), up=False) + script(above.strip(), up=True)
    return None


def _row(element: Element, depth: int, separator: str) -> str:
    cells = (math_text(cell, depth + 2) for cell in element if isinstance(cell.tag, str))
    return separator.join(cell for cell in cells if cell.strip())


def _token(element: Element, name: str) -> str:
    text = plain_text(element).translate(_INVISIBLE)
    if name in ("mtext", "ms"):
        return text.replace("\u00a0", " ")
    return " ".join(text.split())


def _joined(parts: list[str]) -> str:
    """Side by side; a blank keeps words apart ("max", "min"), single letters stay together."""
    out: list[str] = []
    for part in parts:
        if out and part and part[0].isalpha() and out[-1][-1:].isalpha():
            before = out[-1]
            if (len(part) > 1 and part.isalpha()) or (len(before) > 1 and before.isalpha()):
                out.append(" ")
        if part:
            out.append(part)
    return "".join(out)


def _loose(element: Element) -> str:
    """Characters outside any token element, which MathML forbids and publishers write."""
    loose = [element.text or "", *(child.tail or "" for child in element)]
    return " ".join(" ".join(loose).split())
