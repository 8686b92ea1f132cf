"""Open a PDF from outside: a document, or one sentence that says why there is none."""

from __future__ import annotations

from typing import Any, Literal

import pymupdf

from domainclip.errors import BadInput

__all__ = ["BadPdf", "open_pdf"]

Reason = Literal[
    "not_a_pdf",
    "damaged_pdf",
    "needs_password",
    "no_pages",
    "too_many_pages",
    "image_too_large",
    "outside_page",
]


class BadPdf(BadInput):
    """A PDF, or a part of one, that cannot be used. reason: the class of causes, in snake_case."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason: Reason = reason


def open_pdf(data: bytes, name: str, *, max_pages: int = 5000) -> Any:
    """The open ``pymupdf.Document`` of a file's bytes, to be closed: ``with open_pdf(...)``.

    name: of the file, for messages. An empty user password is tried. MuPDF repairs what it can
    (``document.is_repaired``). Its own messages on stderr are silenced, and what it kept of
    earlier files (images, fonts, warnings) is let go, so that memory stays flat over many files.
    Raises BadPdf.
    """
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    pymupdf.TOOLS.store_shrink(100)
    pymupdf.TOOLS.reset_mupdf_warnings()
    try:
        document = pymupdf.open(stream=data, filetype="pdf")
    except Exception as error:  # MuPDF raises many kinds; the file is the cause of each of them
        raise _unreadable(data, name, error) from error
    try:
        _check(document, data, name, max_pages)
    except BaseException:
        document.close()
        raise
    return document


def _check(document: Any, data: bytes, name: str, max_pages: int) -> None:
    if not document.is_pdf:  # MuPDF goes by content: an image or an e-book opens too
        raise _unreadable(data, name, ValueError("another kind of document"))
    if document.needs_pass and not document.authenticate(""):
        raise BadPdf(
            "needs_password",
            f"{name}: the PDF is encrypted and needs a password; save it without one "
            "(qpdf --decrypt --password=... in.pdf out.pdf).",
        )
    try:
        pages = document.page_count
    except Exception as error:  # a cyclic or lying page tree
        raise _unreadable(data, name, error) from error
    if pages <= 0:
        raise BadPdf("no_pages", f"{name}: the PDF has no pages; get the file anew.")
    if pages > max_pages:
        raise BadPdf(
            "too_many_pages",
            f"{name}: the PDF has {pages:,} pages, more than the {max_pages:,} allowed; split it "
            "(qpdf --split-pages=100 in.pdf out.pdf).",
        )


def _unreadable(data: bytes, name: str, error: Exception) -> BadPdf:
    # ISO 32000-1, implementation note 13: readers look for the header in the first 1024 bytes
    if b"%PDF-" not in data[:1024]:
        return BadPdf(
            "not_a_pdf",
            f"{name}: not a PDF ({len(data):,} bytes without a %PDF- header); get the file anew.",
        )
    cause = " ".join(str(error).split()).rstrip(".")[:120] or type(error).__name__
    return BadPdf(
        "damaged_pdf",
        f"{name}: the PDF is damaged and cannot be repaired ({cause}); get the file anew.",
    )
