"""What a file is, from its first bytes; its name decides only where those do not."""

from __future__ import annotations

import re
from typing import Literal

from domainclip.extraction.archives.members import HEAD_BYTES
from domainclip.extraction.archives.tar import is_tar

from .names import PACKED_ENDINGS, extension

__all__ = ["ARTICLES", "HEAD_BYTES", "Kind", "document_class", "kind_of", "named_kind", "root_name"]

Kind = Literal[
    "jats",
    "jats_set",  # several articles in one file
    "xml",  # of another kind
    "tex",
    "pdf",
    "archive",
    "unread_archive",  # rar, 7z, zst
    "document",  # docx, epub, html and the like: nothing here reads them
    "image",
    "other",
]

# What an article can be told by.
ARTICLES: frozenset[Kind] = frozenset({"jats", "jats_set", "tex", "pdf", "archive"})

_IMAGES = re.compile(
    "jpe?g?|png|gif|tiff?|webp|bmp|svgz?|epsi?|epsf|ps|jp2|jpx|j2k|emf|wmf|ai|heic|avif|pgf|tikz"
)
_DOCUMENTS = re.compile("docx?|docm|odt|rtf|epub|mobi|djvu|x?html?|mhtml|pptx?|key|pages")
# Read by nobody here, and no reader's loss: data beside an article, checksums, build products.
_OTHERS = re.compile(
    "txt|csv|tsv|jsonl?|ya?ml|toml|ini|md|rst|py|r|ipynb|sh|log|md5|sha1|sha256|sfv|asc|sig|bib|bbl"
    "|bst|blg|cls|sty|aux|out|toc|lof|lot|clo|fd|dtx|ins|def|cfg|bbx|cbx|lbx|dat|mp4|mov|avi|mpe?g"
    "|wmv|flv|mp3|wav|webm|m4v|xlsx?|xlsm|ods|pdb|mol|cif|fasta|fastq|db|mod|ent|dtd|xsl|xsd|rng"
    "|css|js|parquet|tmp|bak|part|crdownload"
)
_UNREAD_MAGIC = (b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x28\xb5\x2f\xfd")
_IMAGE_MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*", b"%!PS", b"\xc5\xd0\xd3")
_ZIPPED_DOCUMENT = re.compile(rb"\[Content_Types\]\.xml|mimetypeapplication/(?:epub|vnd)")

_ELEMENT = re.compile(r"<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
_BEFORE_ROOT = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_DOCTYPE = re.compile(r"<!DOCTYPE\s+(?:[\w.-]+:)?([\w.-]+)((?:[^\[>\"']|\"[^\"]*\"|'[^']*')*)")
_SETS = frozenset({"pmc-articleset", "articles", "OAI-PMH", "record", "ListRecords", "articleset"})
_CLASS = re.compile(rb"^[^%\n]*\\document(?:class|style)\s*(?:\[[^\]]*\]\s*)?\{([^}\n]*)\}", re.M)
_TEX = re.compile(rb"\\(?:documentclass|documentstyle|begin\s*\{|input\b|magnification|section)")


def named_kind(name: str) -> Kind | None:
    """The kind of a file whose name alone settles it, else None: look inside."""
    ending = extension(name)
    if ending in PACKED_ENDINGS:  # data.csv.gz, figure.eps.gz
        packed = extension(name.rpartition(".")[0])
        return "other" if _OTHERS.fullmatch(packed) or _IMAGES.fullmatch(packed) else None
    if _IMAGES.fullmatch(ending):
        return "image"
    if _DOCUMENTS.fullmatch(ending):
        return "document"
    base = name.rsplit("/", 1)[-1]
    # ._x and __MACOSX: what a Mac leaves behind in archives
    if _OTHERS.fullmatch(ending) or base.startswith((".", "~$")) or "__MACOSX/" in name:
        return "other"
    return None


def kind_of(name: str, head: bytes) -> Kind:
    """The kind of a file from its name and its first bytes (up to ``HEAD_BYTES``, b"" allowed)."""
    settled = named_kind(name)
    if settled is not None:
        return settled
    ending = extension(name)
    packed = _packed(head)
    if packed is not None:
        return packed
    if b"%PDF-" in head[:1024] or ending == "pdf":
        return "pdf"
    if head.startswith(_IMAGE_MAGIC):
        return "image"
    markup = _text(head)
    if markup is not None:
        return _markup(markup, ending)
    if ending in ("nxml", "jats"):
        return "jats"
    if ending in ("tex", "ltx", "latex") or (not ending and _TEX.search(head)):
        return "tex"
    if ending == "xml":
        return "xml"
    return "other"


def document_class(head: bytes) -> str:
    r"""The class in ``\documentclass{...}`` where a LaTeX file's first bytes have one, else ""."""
    found = _CLASS.search(head)
    return found.group(1).decode("latin-1").strip() or "article" if found else ""


def root_name(head: bytes) -> str:
    """The local name of an XML file's root element, or "" where the first bytes do not show it."""
    text = _text(head)
    return _root(text)[0] if text is not None else ""


def _packed(head: bytes) -> Kind | None:
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "document" if _ZIPPED_DOCUMENT.search(head) else "archive"
    if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")):
        return "archive"
    if head.startswith(_UNREAD_MAGIC):
        return "unread_archive"
    return "archive" if is_tar(head) else None


def _text(head: bytes) -> str | None:
    """The head as text where it begins like markup."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head[: len(head) & ~1].decode("utf-16", "replace")
    else:
        text = head.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    return text if text.lstrip()[:1] == "<" else None


def _root(text: str) -> tuple[str, str]:
    """(root element's local name, what the document type says) of the start of an XML file."""
    at, doctype = 0, ""
    while found := _BEFORE_ROOT.match(text, at):
        at = found.end()
    if declared := _DOCTYPE.match(text, at):
        doctype = declared.group(0)
        at = declared.end()
        if text[at : at + 1] == "[":  # an internal subset: its declarations hold no elements
            closed = text.find("]>", at)
            if closed < 0:
                return declared.group(1), doctype
            at = closed
        at = max(text.find(">", at) + 1, at)
        while found := _BEFORE_ROOT.match(text, at):
            at = found.end()
    root = _ELEMENT.match(text, at)
    if root is not None:
        return root.group(2), doctype
    return (declared.group(1) if declared else ""), doctype


def _markup(text: str, ending: str) -> Kind:
    root, doctype = _root(text)
    if root == "article" and "docbook" not in (doctype + text[:2000]).lower():
        return "jats"
    if root in _SETS and (root == "pmc-articleset" or "article" in text):
        return "jats_set"
    if root.lower() == "html":
        return "document"
    return "jats" if not root and ending in ("nxml", "jats") else "xml"
