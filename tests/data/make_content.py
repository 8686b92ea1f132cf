"""Content trees of structured reports by script: one function a content item, and their bytes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

__all__ = [
    "code",
    "container",
    "document",
    "document_bytes",
    "image",
    "item",
    "nested_bytes",
    "num",
    "reference",
    "text",
]

COMPREHENSIVE = "1.2.840.10008.5.1.4.1.1.88.33"


def code(value: str, meaning: str, scheme: str = "99TEST") -> Dataset:
    """A code sequence's item."""
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = value, scheme, meaning
    return made


def item(
    kind: str | None,
    name: Dataset | str | None = None,
    children: Sequence[Dataset] = (),
    relation: str | None = "CONTAINS",
    **values: Any,
) -> Dataset:
    """A content item. name: a code, or its meaning. values: further attributes by keyword."""
    made = Dataset()
    if relation is not None:
        made.RelationshipType = relation
    if kind is not None:
        made.ValueType = kind
    if name is not None:
        named = code("T-1", name) if isinstance(name, str) else name
        made.ConceptNameCodeSequence = Items([named])
    for keyword, value in values.items():
        setattr(made, keyword, value)
    if children:
        made.ContentSequence = Items(children)
    return made


def container(name: Dataset | str | None, *children: Dataset, **options: Any) -> Dataset:
    return item("CONTAINER", name, children, **options)


def text(name: Dataset | str | None, value: str, *children: Dataset, **options: Any) -> Dataset:
    return item("TEXT", name, children, TextValue=value, **options)


def num(
    name: str, value: str | None, unit: str = "mm", *children: Dataset, **options: Any
) -> Dataset:
    """value: None for an empty measured value sequence."""
    measured = []
    if value is not None:
        one = Dataset()
        one.NumericValue = value
        one.MeasurementUnitsCodeSequence = Items([code(unit, unit, "UCUM")])
        measured = [one]
    return item("NUM", name, children, MeasuredValueSequence=Items(measured), **options)


def image(uid: str, frames: Sequence[int] = (), name: str | None = None, **options: Any) -> Dataset:
    referenced = Dataset()
    referenced.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    referenced.ReferencedSOPInstanceUID = uid
    if frames:
        referenced.ReferencedFrameNumber = list(frames)
    return item("IMAGE", name, ReferencedSOPSequence=Items([referenced]), **options)


def reference(*position: int, relation: str = "INFERRED FROM") -> Dataset:
    """An item by reference. position: 1-based, the document first."""
    return item(None, relation=relation, ReferencedContentItemIdentifier=list(position))


def document(*children: Dataset, title: str | None = "Report", **values: Any) -> Dataset:
    """A Comprehensive SR of these items."""
    made = item("CONTAINER", title, children, relation=None, **values)
    made.SOPClassUID = COMPREHENSIVE
    made.SOPInstanceUID = "1.2.3.4"
    made.Modality = "SR"
    return made


def document_bytes(dataset: Dataset) -> bytes:
    """As a file, with preamble and file meta."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def nested_bytes(depth: int, value: bytes = b"deep") -> bytes:
    """A document whose containers stand in one another, sequences of undefined length, written by
    hand: pydicom's own writer goes down with it."""
    inner = _element(0x0040, 0xA040, b"CS", b"TEXT") + _element(0x0040, 0xA160, b"UT", value)
    for _ in range(depth):
        held = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + inner
        held += struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
        inner = (
            _element(0x0040, 0xA040, b"CS", b"CONTAINER ")
            + struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
            + held
        )
    head = document_bytes(document())
    return head[: head.index(struct.pack("<HH", 0x0040, 0xA040))] + inner


def _element(group: int, number: int, vr: bytes, value: bytes) -> bytes:
    value += b" " * (len(value) % 2)
    if vr == b"UT":
        return struct.pack("<HH2sHI", group, number, vr, 0, len(value)) + value
    return struct.pack("<HH2sH", group, number, vr, len(value)) + value
