"""What a DICOM object is for the extractor: an image, a report, or neither."""

from __future__ import annotations

from typing import Literal

from .header import Header

__all__ = ["Kind", "kind_of"]

Kind = Literal["image", "sr", "key_object", "pdf", "directory", "no_pixels", "cut"]

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_KEY_OBJECT = f"{_STORAGE}88.59"
_PDF = f"{_STORAGE}104.1"
_DIRECTORY = "1.2.840.10008.1.3.10"
# PS3.4 B.5: 88.* are the structured reports, retired ones among them; 79.1 is one too.
_REPORTS = f"{_STORAGE}88."
_MACULAR = f"{_STORAGE}79.1"
# PS3.3 A.36.3: its Rows and Columns count voxels, each with a spectrum and none with a grey level.
_SPECTROSCOPY = f"{_STORAGE}4.2"


def kind_of(header: Header) -> Kind:
    """The kind; a private class is told by its Modality. cut: an image without its pixel data."""
    name = header.sop_class
    if name == _KEY_OBJECT or (header.modality == "KO" and not name.startswith(_STORAGE)):
        return "key_object"
    if name.startswith(_REPORTS) or name == _MACULAR:
        return "sr"
    if name == _PDF:
        return "pdf"
    if name == _DIRECTORY:
        return "directory"
    if header.ending == "pixels":
        return "image"
    if header.modality == "SR" and not name.startswith(_STORAGE):
        return "sr"
    if name == _SPECTROSCOPY:
        return "no_pixels"
    if header.ending == "cut" or (header.has_rows and header.ending == "end"):
        return "cut"
    if header.ending == "broken":
        # what pydicom makes of it is for it to say
        return "image" if header.has_rows else "cut"
    return "no_pixels"
