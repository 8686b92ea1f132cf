"""Plain text out of the RTF and HTML that report systems store where plain text belongs."""

from __future__ import annotations

import html
import re

__all__ = ["is_markup", "unmarked"]

MAX_GROUPS = 10_000  # of RTF, one in another

# Only what is a tag of HTML: "nodules <5 mm" and "<b 3" are text.
_TAGS = (
    "a|abbr|address|article|aside|b|big|blockquote|body|br|caption|center|code|col|colgroup|dd|del|"
    "div|dl|dt|em|footer|font|form|h[1-6]|head|header|hr|html|i|img|ins|kbd|label|li|link|main|meta|"
    "nav|o:p|ol|p|pre|s|section|small|span|strike|strong|style|sub|sup|table|tbody|td|tfoot|th|thead|"
    "title|tr|tt|u|ul|xml"
)
_TAG = re.compile(rf"<(/?)({_TAGS})(?:\s[^<>]*|/)?>", re.IGNORECASE)
_DECLARED = re.compile(r"<(?:!DOCTYPE|\?xml)[^<>]*>", re.IGNORECASE)
_UNSEEN = re.compile(r"<(!--|(?:script|style|head|title)\b)", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_LINES = {
    "br", "p", "div", "tr", "li", "ul", "ol", "table", "hr", "pre", "section", "article", "dt",
    "dd", "blockquote", "body", "h1", "h2", "h3", "h4", "h5", "h6",
}  # fmt: skip

_RTF = re.compile(
    r"\\([A-Za-z]{1,32})(-?\d{1,10})? ?|\\'([0-9A-Fa-f]{2})|\\([^A-Za-z'])|([{}])"
    r"|[\r\n]+|([^\\{}\r\n]+)"
)
# Groups that hold no text of the document (RTF 1.9.1, "Destination control words").
_HIDDEN = {
    "fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "themedata",
    "colorschememapping", "datastore", "latentstyles", "listtable", "listoverridetable", "rsidtbl",
    "generator", "xmlnstbl", "filetbl", "revtbl", "fldinst", "bkmkstart", "bkmkend", "nonshppict",
    "header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf",
    "private", "mmathPr", "pntext",
}  # fmt: skip
_SIGNS = {
    "par": "\n", "line": "\n", "sect": "\n", "page": "\n", "row": "\n", "tab": " ", "cell": " ",
    "emdash": "—", "endash": "–", "bullet": "•", "lquote": "‘", "rquote": "’", "ldblquote": "“",
    "rdblquote": "”", "emspace": " ", "enspace": " ",
}  # fmt: skip


def is_markup(text: str) -> bool:
    """Whether ``unmarked`` would take something out: RTF, or at least one tag of HTML."""
    return text.lstrip().startswith("{\\rtf") or _TAG.search(text) is not None


def unmarked(text: str) -> str:
    """The words of ``text``: of an RTF document, of HTML, or itself where it is neither."""
    if text.lstrip().startswith("{\\rtf"):
        return _from_rtf(text)
    if _TAG.search(text):
        return _from_html(text)
    # escaped once more than meant: "&lt;br&gt;", "&amp;", in a text without a single tag
    if _ENTITY.search(text):
        plain = html.unescape(text)
        return _from_html(plain) if _TAG.search(plain) else plain
    return text


def _from_html(text: str) -> str:
    text = _without_unseen(_DECLARED.sub(" ", text))
    names = {found[2].lower() for found in _TAG.finditer(text)}
    if names & _LINES and "pre" not in names:
        text = " ".join(text.split())  # line ends of the source are blanks in HTML

    def sign(found: re.Match[str]) -> str:
        name = found[2].lower()
        if name in _LINES:
            return "\n"
        return " " if name in {"td", "th"} else ""

    return html.unescape(_TAG.sub(sign, text))


def _without_unseen(text: str) -> str:
    """Without comments, scripts and the like. One way through the text, closed or not."""
    kept: list[str] = []
    at = 0
    open_: set[str] = set()
    while found := _UNSEEN.search(text, at):
        name = found[1].lower()
        closing = "-->" if name == "!--" else f"</{name}"
        end = None
        if name not in open_:
            end = re.compile(closing, re.IGNORECASE).search(text, found.end())
        if end is None:
            open_.add(name)  # none of its kind is closed any more
            kept.append(text[at : found.end()])
            at = found.end()
            continue
        kept.append(text[at : found.start()])
        at = end.end() if name == "!--" else text.find(">", end.end()) + 1 or len(text)
    kept.append(text[at:])
    return " ".join(kept) if len(kept) > 1 else text


def _from_rtf(text: str) -> str:
    """Rich Text Format 1.9.1: control words, groups, destinations, code pages, ``\\u``."""
    out: list[str] = []
    stack: list[tuple[bool, int]] = []  # hidden, characters to pass after \u
    hidden, skip, pending = False, 1, 0
    codec = "cp1252"
    starred = False
    raw = bytearray()  # of \'hh, which may be halves of a character

    def flush() -> None:
        if raw:
            out.append(bytes(raw).decode(codec, "replace"))
            raw.clear()

    for word, number, byte, sign, brace, plain in (found.groups() for found in _RTF.finditer(text)):
        if byte is not None:
            if pending:
                pending -= 1
            elif not hidden:
                raw.append(int(byte, 16))
            continue
        flush()
        if brace == "{":
            if len(stack) < MAX_GROUPS:
                stack.append((hidden, skip))
            pending = 0
        elif brace == "}":
            if stack:
                hidden, skip = stack.pop()
            pending, starred = 0, False
        elif word is not None:
            value = int(number) if number else None
            if starred or word in _HIDDEN:
                hidden = hidden or (word not in {"shppict", "fldrslt"})
                starred = False
            elif word == "ansicpg" and value:
                codec = f"cp{value}" if _is_codec(f"cp{value}") else codec
            elif word == "uc" and value is not None:
                skip = max(0, min(value, 8))
            elif word == "u" and value is not None and not hidden:
                out.append(_character(value))
                pending = skip
            elif not hidden and word in _SIGNS:
                out.append(_SIGNS[word])
        elif sign is not None:
            if sign == "*":
                starred = True
            elif not hidden:
                out.append({"~": " ", "_": "-", "-": "", "\n": "\n", "\r": "\n"}.get(sign, sign))
        elif plain is not None and not hidden:
            out.append(plain[pending:])
            pending = max(0, pending - len(plain))
    flush()
    # \u gives UTF-16 units: halves of a pair belong together
    return "".join(out).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _is_codec(name: str) -> bool:
    try:
        b"".decode(name)
    except LookupError:
        return False
    return True


def _character(value: int) -> str:
    value %= 1 << 16  # written as a signed number of 16 bits
    return chr(value) if value else ""
