"""Body region and view of an image by their codes, as newer objects tell them instead of in words.

Sources: PS3.3 10.5 (anatomic region), C.7.6.16.2.8 (frame anatomy), C.8.11.5.1.6 (view code);
PS3.16 CID 4, 4031 (regions) and 4010 (views), with their SNOMED RT twins of annex O.
"""

from __future__ import annotations

from functools import cache

from pydicom.dataset import Dataset

from .pixels.attributes import group_item, items_of, text_of

__all__ = ["coded_region", "coded_side", "coded_view"]

# Views that a reader names in words or letters; the rest of CID 4010 is left unsaid.
_VIEWS = {
    "399348003": "AP", "272479007": "PA", "399067008": "lateral", "399173006": "left lateral",
    "399198007": "right lateral", "399352003": "lateral", "399260004": "lateral",
    "399182000": "oblique", "399312000": "AP oblique", "399059000": "PA oblique",
    "399135007": "LAO", "399356000": "RAO", "399006002": "LPO", "399038007": "RPO",
    "399184004": "left oblique", "399236003": "right oblique", "399061009": "axial",
    "399110001": "tangential", "399335002": "dorsoplantar", "399033003": "frontal",
}  # fmt: skip
_SPOKEN = {"entire body": "whole body", "jaw region": "jaw", "eye region": "eye"}
_NO_REGIONS = {"phantom"}
_SNOMED = {"SCT": "SCT", "SRT": "SRT", "SNM3": "SRT", "99SDM": "SRT"}


def coded_region(dataset: Dataset) -> str:
    """The region in small letters, "wrist", "chest and abdomen"; "" where none is coded. The words
    are the code table's: what a file says beside a code is never told."""
    for source in (group_item(dataset, 0, "FrameAnatomySequence"), dataset):
        for item in items_of(source, "AnatomicRegionSequence", 1) if source is not None else ():
            words = _region(*_code(item))
            if words:
                return words
    return ""


def coded_side(dataset: Dataset) -> str:
    """L, R or B of the first frame's anatomy, else ""."""
    anatomy = group_item(dataset, 0, "FrameAnatomySequence")
    side = text_of(anatomy, "FrameLaterality") if anatomy is not None else ""
    return side if side in ("L", "R", "B") else ""


def coded_view(dataset: Dataset) -> str:
    """The view as a reader says it, "PA", "left lateral"; "" where none is coded."""
    for item in items_of(dataset, "ViewCodeSequence", 1):
        return _view(*_code(item))
    return ""


def _code(item: Dataset) -> tuple[str, str]:
    value = text_of(item, "CodeValue") or text_of(item, "LongCodeValue")
    return value, _SNOMED.get(text_of(item, "CodingSchemeDesignator"), "")


@cache
def _regions() -> dict[str, str]:
    """SNOMED CT code -> words. The common regions' words stand before those of the wide table."""
    from pydicom.sr.codedict import codes  # half a second, for those files alone that are coded

    found: dict[str, str] = {}
    for table in (codes.cid4031, codes.cid4):
        for code in table.concepts.values():
            words = code.meaning.lower().removesuffix(" joint").removesuffix(" structure")
            found.setdefault(code.value, _SPOKEN.get(words, words))
    return {value: words for value, words in found.items() if words not in _NO_REGIONS}


@cache
def _region(value: str, scheme: str) -> str:
    return _told(value, scheme, _regions()) if scheme and len(value) < 32 else ""


@cache
def _view(value: str, scheme: str) -> str:
    return _told(value, scheme, _VIEWS) if scheme and len(value) < 32 else ""


def _told(value: str, scheme: str, words: dict[str, str]) -> str:
    """pydicom holds a SNOMED RT code and its SNOMED CT twin to be equal."""
    if scheme == "SCT":
        return words.get(value, "")
    from pydicom.sr.coding import Code

    given = Code(value, scheme, "")
    return next((each for code, each in words.items() if Code(code, "SCT", "") == given), "")
