"""XML from files that may be hostile: no document type, so no entities; a bounded size."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from domainclip.errors import BadInput

__all__ = ["parse_xml", "read_xml"]

XML_BYTES = 32 * 2**20


def read_xml(file: Path) -> ElementTree.Element:
    """The root element of a file in UTF-8. Raises BadInput."""
    try:
        with file.open("rb") as opened:
            data = opened.read(XML_BYTES + 1)
        if len(data) > XML_BYTES:
            raise BadInput(f"{file.name}: XML of more than {XML_BYTES >> 20} MiB is not read.")
        return parse_xml(data.decode("utf-8-sig"), file.name)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file.name}: its XML cannot be read ({error}).") from error


def parse_xml(text: str, name: str) -> ElementTree.Element:
    """The root element of a document. name: of what it is from. Raises BadInput."""
    # without a document type there are no entities to expand and nothing to fetch
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise BadInput(f"{name}: XML with a document type is not read.")
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise BadInput(f"{name}: its XML cannot be read ({error}).") from error
