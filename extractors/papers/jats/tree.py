"""From a file's bytes to the trees of its articles, whatever encoding, DTD or wrapping they have.

Hostile files cost bounded memory and time: no entity is ever expanded (the document type is cut
out before parsing, named entities of the JATS DTD are replaced by their characters), nothing is
fetched, size, number of tags and depth are limited.
"""

from __future__ import annotations

import re
from html.entities import html5
from typing import Any

from lxml import etree

from domainclip.errors import BadInput

__all__ = ["MATHML", "Element", "article_trees", "href_of", "local_name", "plain_text"]

Element = Any  # lxml.etree._Element, which has no types of its own

MAX_BYTES = 128 << 20
MAX_TAGS = 3_000_000  # "<" in the file; a tree takes some 200 bytes for each
MAX_ATTRIBUTES = 3_000_000
SMALL_BYTES = 9 << 20  # up to it libxml2's own limits hold (depth 256, text of 10 MB)

XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
MATHML = "http://www.w3.org/1998/Math/MathML"

_OPTIONS = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "collect_ids": False,
    "encoding": "utf-8",
}
_PARSER = etree.XMLParser(**_OPTIONS)  # parsers are locked and used again; making one takes 0.1 ms
_HUGE = etree.XMLParser(huge_tree=True, **_OPTIONS)
_ENCODING = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)")
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_ROOT = re.compile(rb"<[A-Za-z_]")
_DOCTYPE_TOKEN = re.compile(rb"[\"'\[\]>]|<!--|<\?")
_CLOSING = {b'"': b'"', b"'": b"'", b"<!--": b"-->", b"<?": b"?>"}
_NAMED = re.compile(rb"&(?!#|amp;|lt;|gt;|quot;|apos;)([A-Za-z][\w.-]{0,40});")
_LONE_AMPERSAND = re.compile(rb"&(?!#\d{1,7};|#[xX][0-9a-fA-F]{1,6};|[A-Za-z]\w{0,40};)")
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]+|&#(?:[0-8]|1[0-9]|2[0-9]|3[01]|11|12);")
_ESCAPED = re.compile("[\udc80-\udcff]")
# ISO 8879 Greek (agr = α ...), the one set of the JATS DTD that HTML does not name
_GREEK = dict(
    zip(
        [
            "a",
            "b",
            "g",
            "d",
            "e",
            "z",
            "ee",
            "th",
            "i",
            "k",
            "l",
            "m",
            "n",
            "x",
            "o",
            "p",
            "r",
            "sf",
            "s",
            "t",
            "u",
            "ph",
            "kh",
            "ps",
            "oh",
        ],
        "αβγδεζηθικλμνξοπρςστυφχψω",
        strict=False,
    )
)
_GREEK["ohm"] = "Ω"


def article_trees(data: bytes, name: str) -> list[Element]:
    """The ``article`` elements of a file, outermost ones.

    The root may be the article itself, or a PMC article set, or an OAI record; a default namespace
    is taken off. Raises BadInput: empty, too large, cut off, no XML, or no article in it.
    """
    if not data.strip(b"\0 \r\n\t"):
        raise BadInput(f"{name} is empty; fetch it again.")
    if len(data) > MAX_BYTES:
        raise BadInput(f"{name} is larger than {MAX_BYTES >> 20} MB; no article's XML is.")
    data = _without_doctype(_utf8(data), name)
    if len(data) > SMALL_BYTES and (
        data.count(b"<") > MAX_TAGS or data.count(b"=") > MAX_ATTRIBUTES
    ):
        raise BadInput(f"{name} has more than {MAX_TAGS} tags; no article's XML has.")
    data = _NAMED.sub(_character, data)
    root, repaired = _parsed(data, name)
    if repaired or root.tag[0] == "{":
        _plain_names(root)
    if root.tag == "article":
        articles = [root]
    else:
        articles = [a for a in root.iter("{*}article") if a.getparent().tag != "article"]
        for article in articles:
            if article.tag != "article":
                _plain_names(article)
    articles = [a for a in articles if any(part.tag in _PARTS for part in a)]
    if not articles:
        raise BadInput(f"{name} has no JATS article in it: its root is <{local_name(root)}>.")
    return articles


_PARTS = frozenset(["front", "front-stub", "body", "back", "floats-group", "floats-wrap"])


_STRING = etree.XPath("string()")


def plain_text(element: Element) -> str:
    """All characters in an element, whatever its tags; no comments or instructions."""
    return str(_STRING(element))


def local_name(element: Element) -> str:
    """An element's name without namespace or prefix."""
    return str(element.tag).rpartition("}")[2].rpartition(":")[2]


def href_of(element: Element) -> str:
    """The target of a link or picture, with or without the xlink namespace, or empty."""
    attributes = element.attrib
    href = attributes.get(XLINK_HREF) or attributes.get("href") or attributes.get("xlink:href")
    if not href:
        href = next((v for k, v in attributes.items() if k.endswith(("}href", ":href"))), "")
    return str(href).strip()


def _utf8(data: bytes) -> bytes:
    """The file in UTF-8: byte order marks, declared encodings, and what was declared wrongly."""
    if data[:3] == b"\xef\xbb\xbf":
        data = data[3:]
    for mark, encoding in (
        (b"\xff\xfe\0\0", "utf-32"),
        (b"\0\0\xfe\xff", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
        (b"<\0", "utf-16-le"),
        (b"\0<", "utf-16-be"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, "replace").encode()
    declared = _ENCODING.match(data)
    encoding = declared[1].decode("ascii", "replace").lower() if declared else "utf-8"
    if encoding in ("utf-8", "utf8", "us-ascii", "ascii") or data.isascii():
        return data
    try:
        data.decode("utf-8")  # no text of another encoding is valid UTF-8 by chance
    except UnicodeDecodeError:
        try:
            return data.decode(encoding, "replace").encode("utf-8", "replace")
        except (LookupError, ValueError):
            return _windows(data)
    return data


def _windows(data: bytes) -> bytes:
    """UTF-8 with the invalid bytes read as Windows-1252, which they nearly always are."""
    text = data.decode("utf-8", "surrogateescape")
    return _ESCAPED.sub(
        lambda found: bytes([ord(found[0]) - 0xDC00]).decode("cp1252", "replace"), text
    ).encode("utf-8", "replace")


def _without_doctype(data: bytes, name: str) -> bytes:
    """Without the document type: where entities are defined, and other files are named."""
    root = _ROOT.search(data)
    start = data.find(b"<!DOCTYPE", 0, root.start() if root else len(data))
    if start < 0:
        return data
    end = _end_of_doctype(data, start + len(b"<!DOCTYPE"))
    if end < 0:
        raise BadInput(f"{name} has a document type declaration that does not end; fetch it again.")
    return data[:start] + data[end:]


def _end_of_doctype(data: bytes, at: int) -> int:
    """The place behind its last ">", which is in no quotes, comment or subset; -1 without one."""
    inside = False
    while (token := _DOCTYPE_TOKEN.search(data, at)) is not None:
        at = token.end()
        closing = _CLOSING.get(token[0])
        if closing is not None:
            found = data.find(closing, at)
            if found < 0:
                return -1
            at = found + len(closing)
        elif token[0] == b">":
            if not inside:
                return at
        else:
            inside = token[0] == b"["
    return -1


def _character(found: re.Match[bytes]) -> bytes:
    """A named entity's character; the name itself, as text, where nobody knows it."""
    name = found[1].decode("ascii", "replace")
    known = html5.get(name + ";")
    if known is None and name.lower().endswith("gr"):
        known = _GREEK.get(name[:-2].lower(), "")
        known = known.upper() if name[0].isupper() else known
    if not known:
        return b"&amp;" + found[1] + b";"
    return "".join(f"&#{ord(c)};" for c in known).encode()


def _parsed(data: bytes, name: str) -> tuple[Element, bool]:
    """The root, and whether libxml2 had to repair something for it."""
    huge = len(data) > SMALL_BYTES
    try:
        return etree.fromstring(data, _HUGE if huge else _PARSER), False
    except etree.XMLSyntaxError:
        pass
    data = _LONE_AMPERSAND.sub(b"&amp;", _CONTROLS.sub(b"", _windows(data))).lstrip()
    parser = etree.XMLParser(huge_tree=huge, recover=True, **_OPTIONS)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise BadInput(f"{name} is no XML ({_reason(error)}); fetch it again.") from None
    if root is None:
        raise BadInput(f"{name} is no XML (its first characters are {data[:20]!r}).")
    if local_name(root) == "html":
        raise BadInput(f"{name} is an HTML page instead of JATS; fetch the article's XML.")
    for entry in parser.error_log:
        if "depth" in entry.message.lower():
            raise BadInput(f"{name} is nested deeper than 256 elements; no article's XML is.")
        if entry.type_name in ("ERR_TAG_NOT_FINISHED", "ERR_DOCUMENT_END", "ERR_GT_REQUIRED"):
            cut = not data.rstrip().endswith(b">") or "Premature end" in entry.message
            if cut:
                raise BadInput(f"{name} is cut off at {len(data)} bytes; fetch it again.")
    return root, True


def _reason(error: Exception) -> str:
    return str(error).partition(" (<string>")[0].strip().rstrip(".") or "unreadable"


def _plain_names(root: Element) -> None:
    """Take the default namespace off; give MathML whose prefix was never declared its own."""
    own = root.tag.rpartition("}")[0][1:] if root.tag[0] == "{" else ""
    for element in root.iter(etree.Element):
        tag = element.tag
        if tag[0] == "{":
            if own and tag.startswith("{" + own + "}") and _NAME.fullmatch(tag, len(own) + 2):
                element.tag = tag[len(own) + 2 :]
        elif tag.startswith("mml:") and _NAME.fullmatch(tag, 4):
            element.tag = f"{{{MATHML}}}{tag[4:]}"
