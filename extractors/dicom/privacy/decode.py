"""One element's value as pydicom decodes it, the data set left as it was."""

from __future__ import annotations

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset

from .values import strings

__all__ = ["MAX_DEPTH", "decoded", "plain"]

# Sequences nested deeper than this are not followed; the deepest real reports have about twenty
# levels.
MAX_DEPTH = 48


def decoded(dataset: Dataset, element: DataElement | RawDataElement, vr: str) -> DataElement:
    """The element of ``dataset`` with its value decoded.

    vr: the attribute's, for elements of implicit VR and those that the file calls UN; of the latter
    a sequence is implicit VR little endian (PS3.5 6.2.2). Raises whatever pydicom does where the
    value cannot be decoded.
    """
    if isinstance(element, DataElement):
        return element
    if element.value is None and element.length:  # left in the file so far
        found = dataset.get_item(element.tag)
        if isinstance(found, DataElement):
            return found
    if element.VR == "UN" and vr == "SQ":
        element = element._replace(VR=vr, is_implicit_VR=True, is_little_endian=True)
    elif element.VR in (None, "UN"):
        element = element._replace(VR=vr)
    charset = dataset.original_character_set or "iso8859"
    return convert_raw_data_element(element, encoding=charset, ds=dataset)


def plain(dataset: Dataset, tag: int) -> str:
    """A value of ``dataset`` as text, several with ``\\`` between them; "" for none, and for what
    cannot be decoded."""
    element = dataset.get_item(tag, keep_deferred=True)
    if element is None:
        return ""
    try:
        value = decoded(dataset, element, dictionary_VR(tag))
        return "\\".join(strings(value)).strip(" \0")
    except Exception:  # of whatever kind: a malformed header
        return ""
