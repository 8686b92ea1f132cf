"""Reports that are PDF documents, loose or encapsulated in a DICOM object, as text.

Source: DICOM PS3.3 A.45 and C.24.2 (Encapsulated Document). The text is what pypdf extracts, in the
order of the pages; a scan has none and is refused with that reason.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from pydicom.dataset import Dataset
from pypdf import PdfReader
from pypdf.errors import DependencyError

from domainclip.errors import BadInput

from ..quiet import quiet
from ..records import Identifier, Report
from .decoding import tidy
from .elements import concept_of, encodings_in, items_of, text_of

__all__ = ["read_pdf", "read_pdf_bytes"]

MAX_BYTES = 128 << 20
MAX_PAGES = 200
MAX_CHARACTERS = 4 << 20
_START = b"%PDF-"
_HEAD_BYTES = 1024  # within which a PDF says that it is one (ISO 32000-1 annex H, note 13)


def read_pdf(dataset: Dataset) -> Report:
    """The report of an Encapsulated PDF object.

    facts: title. references: the instances that it says it was made from. Raises BadInput where
    the object holds no PDF, or one without text that can be read.
    """
    with quiet():
        mime = text_of(dataset, "MIMETypeOfEncapsulatedDocument").strip().lower()
        document = _document(dataset)
        if not document:
            raise BadInput("The object holds no document.")
        if _START not in document[:_HEAD_BYTES]:
            kind = {"text/xml": " but an XML one", "model/stl": " but a model"}.get(mime, "")
            raise BadInput(f"The object holds no PDF document{kind}.")
        encodings = encodings_in(dataset, ())
        title = text_of(dataset, "DocumentTitle", encodings).strip()
        title = title or concept_of(dataset, "ConceptNameCodeSequence", encodings).meaning
        references = dict.fromkeys(
            uid
            for sequence in ("SourceInstanceSequence", "ReferencedInstanceSequence")
            for item in items_of(dataset, sequence)
            if "." in (uid := text_of(item, "ReferencedSOPInstanceUID").strip())
        )
    return _report(document, title, tuple(references))


def read_pdf_bytes(data: bytes) -> Report:
    """The report that is a PDF file. Raises BadInput: no PDF, encrypted, damaged, without text."""
    if _START not in data[:_HEAD_BYTES]:
        raise BadInput("The file is no PDF.")
    return _report(data, "", ())


def _document(dataset: Dataset) -> bytes:
    try:
        value = dataset["EncapsulatedDocument"].value
        length = dataset.get("EncapsulatedDocumentLength")
    except Exception:  # absent, or whatever pydicom makes of a damaged one
        return b""
    if not isinstance(value, bytes):
        return b""
    # the length tells how much of it is padding, where it is right
    return value[:length] if isinstance(length, int) and 0 < length <= len(value) else value


def _report(data: bytes, title: str, references: tuple[str, ...]) -> Report:
    if len(data) > MAX_BYTES:
        raise BadInput(f"The PDF holds more than {MAX_BYTES >> 20} MB, which is the limit.")
    warnings: list[str] = []
    with quiet():
        try:
            reader = PdfReader(io.BytesIO(data), strict=False)
            # many are encrypted with an empty password, which any viewer opens without asking
            locked = reader.is_encrypted and not reader.decrypt("")
            pages = [] if locked else list(_pages(reader, warnings))
            author = "" if locked else _author(reader)
        except DependencyError:
            raise BadInput("The PDF is encrypted in a way that needs another library.") from None
        except Exception:  # pypdf raises its own errors and what its parsers stumble over
            raise BadInput("The PDF is damaged and cannot be read.") from None
    if locked:
        raise BadInput("The PDF is encrypted and needs a password.")
    text = "\n\n".join(page for page in pages if page)
    if not text:
        raise BadInput("The PDF holds no text; it may be a scan, which needs OCR first.")
    return Report(
        form="pdf",
        text=text,
        references=references,
        identifiers=(Identifier("name", author, "Author"),) if author else (),
        facts={"title": title} if title else {},
        warnings=tuple(warnings),
    )


def _pages(reader: PdfReader, warnings: list[str]) -> Iterator[str]:
    left = MAX_CHARACTERS
    failed = 0
    for number, page in enumerate(reader.pages):
        if number >= MAX_PAGES or left <= 0:
            warnings.append("the PDF is long: its rest was left out")
            break
        try:
            text = tidy(page.extract_text() or "")
        except Exception:  # as above: one page is not worth the others
            failed += 1
            continue
        yield text[:left]
        left -= len(text)
    if failed:
        warnings.append(f"{failed} page(s) of the PDF cannot be read")


def _author(reader: PdfReader) -> str:
    """Who the document says wrote it: a person as often as a program."""
    try:
        author = (reader.metadata or {}).get("/Author")
        return str(author or "").strip()[:200]
    except Exception:  # as above
        return ""
