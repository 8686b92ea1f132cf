"""The instances that a report, key object selection or encapsulated document names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset

from domainclip.errors import BadInput

from ..quiet import quiet
from ..records import Place
from .places import open_place

__all__ = ["referenced_instances"]

_MOST_NODES = 200_000  # of a content tree; the largest real ones (CAD) have some thousands


def referenced_instances(place: Place) -> tuple[str, ...]:
    """SOP instance UIDs in the order of the file, each once; () where it cannot be read.

    Of a structured report those of the IMAGE items of its content tree, at any depth, and of its
    evidence: Current Requested Procedure (0040,A375) and Pertinent Other (0040,A385), PS3.3
    C.17.2. Where the current evidence names images, other studies' in the pertinent other evidence
    are what the reader compared with (PS3.3 C.17.2.3), and the report is not about those. Of an
    encapsulated document those of its Source Instance Sequence (0042,0013) and Referenced Instance
    Sequence (0008,114A).
    """
    try:
        with quiet(), open_place(place) as file:
            dataset = dcmread(file, force=True)
            return tuple(dict.fromkeys(_instances(dataset)))
    except BadInput:
        return ()
    except Exception:  # pydicom raises whatever a malformed value makes it raise
        return ()  # its reader says what is wrong with it


def _instances(dataset: Dataset) -> Iterator[str]:
    current = list(_evidence(dataset, "CurrentRequestedProcedureEvidenceSequence"))
    others = list(_evidence(dataset, "PertinentOtherEvidenceSequence"))
    compared: set[str] = set()
    if current:
        studies = {study for study, _ in current} | {_uid(dataset, "StudyInstanceUID")}
        compared = {instance for study, instance in others if study not in studies}
        compared -= {instance for _, instance in current}
    for instance in _tree(dataset):
        if instance not in compared:
            yield instance
    for _, instance in (*current, *others):
        if instance not in compared:
            yield instance
    for name in ("SourceInstanceSequence", "ReferencedInstanceSequence"):
        for item in _items(dataset, name):
            yield from filter(None, (_uid(item, "ReferencedSOPInstanceUID"),))


def _evidence(dataset: Dataset, name: str) -> Iterator[tuple[str, str]]:
    """(study, instance) of a hierarchical reference macro (PS3.3 C.17-3)."""
    for study in _items(dataset, name):
        for series in _items(study, "ReferencedSeriesSequence"):
            for each in _items(series, "ReferencedSOPSequence"):
                if instance := _uid(each, "ReferencedSOPInstanceUID"):
                    yield _uid(study, "StudyInstanceUID"), instance


def _tree(dataset: Dataset) -> Iterator[str]:
    """Of the IMAGE items. Items by reference are not followed: what they lead to is in the tree."""
    waiting = [dataset]
    for _ in range(_MOST_NODES):
        if not waiting:
            return
        node = waiting.pop()
        if str(node.get("ValueType", "")).strip().upper() == "IMAGE":
            for item in _items(node, "ReferencedSOPSequence"):
                yield from filter(None, (_uid(item, "ReferencedSOPInstanceUID"),))
        waiting.extend(reversed(_items(node, "ContentSequence")))


def _items(dataset: Dataset, name: str) -> list[Dataset]:
    found: Any = dataset.get(name)
    if found is None or isinstance(found, (str, bytes)):
        return []
    return [each for each in found if isinstance(each, Dataset)]


def _uid(dataset: Dataset, name: str) -> str:
    value: Any = dataset.get(name)
    return str(value).strip(" \0") if value else ""
