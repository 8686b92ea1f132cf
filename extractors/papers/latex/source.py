"""The text of a TeX file as its reader needs it: decoded, without comments, verbatim text hidden.

In cleaned text a single blank stands for blanks and line ends, a newline for the end of a
paragraph, and no comment is left. Verbatim characters that mean something to TeX are moved to the
private-use area (``hidden``) and moved back at the very end (``shown``), so that no later step
needs to know of \\verb.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

__all__ = ["clean", "declared_encoding", "decoded", "hidden", "shown", "verbatim_environments"]

_SPECIAL = "\\{}$&#^_~%'`\"-"
_HIDE = {ord(c): 0xE100 + ord(c) for c in _SPECIAL} | {ord(c): " " for c in "\r\n\t"}
_SHOW = {0xE100 + ord(c): c for c in _SPECIAL}
_PRIVATE = re.compile("[\ue000-\uf8ff]")

# inputenc's options and the CJK package's names, as Python's codecs call them
_ENCODINGS = {
    "latin1": "cp1252", "ansinew": "cp1252", "cp1252": "cp1252", "latin9": "iso8859-15",
    "latin2": "iso8859-2", "latin3": "iso8859-3", "latin4": "iso8859-4", "latin5": "iso8859-9",
    "latin10": "iso8859-16", "cp1250": "cp1250", "cp1251": "cp1251", "koi8-r": "koi8-r",
    "koi8-u": "koi8-u", "cp866": "cp866", "cp850": "cp850", "cp437": "cp437", "cp865": "cp865",
    "applemac": "mac-roman", "iso88595": "iso8859-5", "iso88597": "iso8859-7",
    "gbk": "gbk", "gb": "gbk", "gb18030": "gb18030", "bg5": "big5", "big5": "big5",
    "sjis": "shift-jis", "jis": "euc-jp", "euc-jp": "euc-jp", "ks": "euc-kr", "euc-kr": "euc-kr",
}  # fmt: skip
_INPUTENC = re.compile(
    r"\\(?:usepackage\s*\[\s*([\w-]{1,20})[^\]]{0,80}\]\s*\{inputenc\}"
    r"|inputencoding\s*\{([\w-]{1,20})\}|begin\s*\{CJK\*?\}(?:\[[^\]]{0,20}\])?\{([\w-]{1,20})\})"
)


def decoded(data: bytes, encoding: str = "") -> str:
    """A file's text. UTF-8 where it is UTF-8, else ``encoding``, else Western European.

    encoding: a Python codec, such as ``declared_encoding`` finds it. Never raises: a byte that an
    encoding does not know becomes U+FFFD.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            encoding = encoding or declared_encoding(data)
            text = data.decode(encoding or "cp1252", "replace")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text.isascii() else _PRIVATE.sub("\ufffd", text)


def declared_encoding(data: bytes) -> str:
    """The codec that a document says it is written in; "" where it says nothing (or UTF-8)."""
    found = _INPUTENC.search(data[:200_000].decode("latin-1"))
    if not found:
        return ""
    name = (found[1] or found[2] or found[3]).lower()
    return _ENCODINGS.get(name, "")


def hidden(text: str) -> str:
    """``text`` with the characters that mean something to TeX moved out of its sight."""
    return text.translate(_HIDE)


def shown(text: str) -> str:
    """What ``hidden`` hid, as it was."""
    return text if text.isascii() else text.translate(_SHOW)


_VERBATIM = (
    "verbatim", "verbatim*", "Verbatim", "Verbatim*", "BVerbatim", "LVerbatim", "SaveVerbatim",
    "lstlisting", "minted", "alltt", "filecontents", "filecontents*", "comment",
)  # fmt: skip
_OWN_VERBATIM = re.compile(
    r"\\(?:DefineVerbatimEnvironment|lstnewenvironment|excludecomment|newminted\[|newverbatim)"
    r"\s*\{?([A-Za-z*]{1,40})[}\]]"
    r"|\\newenvironment\s*\{([A-Za-z*]{1,40})\}[^\n]{0,80}?\\(?:verbatim|alltt)(?![A-Za-z])"
)
_CONTROL_WORD = re.compile(r"\\[A-Za-z@]+\Z")


def verbatim_environments(text: str) -> set[str]:
    """The verbatim environments that a document makes for itself; few in any honest one."""
    if "erbatim" not in text and "alltt" not in text and "excludecomment" not in text:
        return set()
    return {name for pair in _OWN_VERBATIM.findall(text)[:50] for name in pair if name}


def clean(text: str, own: Collection[str] = ()) -> str:
    """``text`` without comments, verbatim environments' contents and all after \\end{document}.

    own: see ``verbatim_environments``. See the module on what blanks, newlines and private-use
    characters in it mean. Linear time.
    """
    return _folded(_uncommented(text, _stops(tuple(sorted(own)))))


@lru_cache(maxsize=64)
def _stops(own: tuple[str, ...]) -> re.Pattern[str]:
    """Where the plain flow of text ends: a comment, an escaped sign, verbatim, the end."""
    names = "|".join(re.escape(name) for name in (*_VERBATIM, *own))
    return re.compile(
        r"(?P<comment>%)"
        rf"|\\begin[ \t]*\{{(?P<environment>{names}|[A-Za-z]{{0,20}}[Vv]erbatim\*?)\}}"
        r"|\\(?P<verb>verb\*?|lstinline|mintinline)(?![A-Za-z@])"
        r"|\\(?P<url>url|path|nolinkurl|href)[ \t]*\{"
        r"|(?P<end>\\end[ \t]*\{document\})"
        r"|\\[^A-Za-z]"
    )


def _uncommented(text: str, stops: re.Pattern[str]) -> str:
    parts: list[str] = []
    done = pos = 0
    missing: set[str] = set()  # environments whose \end is known not to come: searched for once
    while found := stops.search(text, pos):
        pos = found.end()
        kind = found.lastgroup
        if kind is None:
            continue
        parts.append(text[done : found.start()])
        done = found.start()
        if kind == "comment":
            done = pos = _after_comment(text, pos, parts)
        elif kind == "end":
            parts.append(found[0])
            return "".join(parts)
        elif kind == "environment":
            name = found["environment"]
            end = -1 if name in missing else text.find(f"\\end{{{name}}}", pos)
            if end < 0:
                missing.add(name)
                continue
            if name != "comment":
                parts.append(f"{found[0]}\\end{{{name}}}")
            done = pos = end + len(name) + 6
        elif kind == "verb":
            done = pos = _after_verb(text, pos, found["verb"], parts)
        else:
            end = _closing(text, pos)
            if end > 0:
                parts.append(f"{found[0]}{hidden(text[pos:end])}")
                done = pos = end
    parts.append(text[done:])
    return "".join(parts)


_REST_OF_COMMENT = re.compile(r"[^\n]*(?:\n[ \t]*(\n)?)?")


def _after_comment(text: str, pos: int, parts: list[str]) -> int:
    """The end of a comment, which takes its line's end and the next line's indent with it."""
    rest = _REST_OF_COMMENT.match(text, pos)
    assert rest is not None  # it matches everywhere
    if rest[1]:
        parts.append("\n\n")  # an empty line follows: the paragraph ends all the same
    elif parts and _CONTROL_WORD.search(parts[-1][-80:]):
        parts.append(" ")  # the line's end had closed the control word
    return rest.end()


_VERB = re.compile(r"[ ]?([^A-Za-z*\s])")


def _after_verb(text: str, pos: int, command: str, parts: list[str]) -> int:
    if command != "verb" and command != "verb*":
        options = re.compile(r"(?:\[[^\]\n]{0,200}\])?(?:\{[\w-]{1,30}\}(?=[^\s\w]))?").match(
            text, pos
        )
        pos = options.end() if options else pos
    opening = _VERB.match(text, pos)
    if not opening:
        return pos
    start = opening.end()
    end = text.find("}" if opening[1] == "{" else opening[1], start, start + 1000)
    if end < 0 or "\n" in text[start:end]:
        return pos
    parts.append(hidden(text[start:end]))
    return end + 1


_IN_URL = re.compile(r"\\.|[{}\n]")


def _closing(text: str, pos: int) -> int:
    """Where the brace closes that was opened before ``pos``, within a URL's length; else -1."""
    depth = 1
    for found in _IN_URL.finditer(text, pos, pos + 3000):
        sign = found[0]
        if sign == "\n" or (sign[0] == "\\" and sign[1].isalpha()):
            return -1  # a macro in it: no plain URL
        depth += (sign == "{") - (sign == "}")
        if not depth:
            return found.start()
    return -1


def _folded(text: str) -> str:
    """Lines joined by blanks, paragraphs by newlines."""
    paragraphs: list[str] = []
    lines: list[str] = []
    for line in text.split("\n"):
        stripped = line.strip(" \t\f\v")
        if stripped:
            lines.append(stripped)
        elif lines:
            paragraphs.append(" ".join(lines))
            lines = []
    paragraphs.append(" ".join(lines))
    return "\n".join(paragraphs)
