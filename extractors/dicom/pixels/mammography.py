"""Mammograms: which breast and view a file shows, and where in the picture the breast is.

Views as PS3.16 CID 4014 and PS3.3 C.8.11.7 name them.
"""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
from pydicom.dataset import Dataset

from .attributes import group_item, items_of, text_of
from .breast_area import breast_area

__all__ = ["Box", "crop_breast", "mammogram_view"]

Laterality = Literal["left", "right", ""]
Box = tuple[int, int, int, int]  # left, top, right, bottom: the last two are not part of it

# CID 4014: SNOMED CT and the older SNOMED RT codes. FB (from below) is caudo-cranial.
_CODES = {
    "399260004": "ML", "R-10224": "ML",
    "399368009": "MLO", "R-10226": "MLO",
    "399352003": "LM", "R-10228": "LM",
    "399099002": "LMO", "R-10230": "LMO",
    "399162004": "CC", "R-10242": "CC",
    "399196006": "FB", "R-10244": "FB",
    "399188001": "SIO", "R-102D0": "SIO",
    "441555000": "ISO", "R-40AAA": "ISO",
    "399192008": "XCCL", "R-1024A": "XCCL",
    "399101009": "XCCM", "R-1024B": "XCCM",
    "399265009": "XCC", "R-102CF": "XCC",
    "127457009": "SPECIMEN", "G-8310": "SPECIMEN",
}  # fmt: skip
_VIEWS = frozenset(_CODES.values()) | {"AT", "CV", "TAN"}
_SIDES: dict[str, Laterality] = {"L": "left", "R": "right", "LEFT": "left", "RIGHT": "right"}
# "R MLO", "LCC", "RIGHT CC": the words of a description where the header's own fields are empty
_DESCRIBED = re.compile(
    r"(?<![A-Z])(?P<side>L|R|LEFT|RIGHT)?[\s_-]*(?P<view>XCCL|XCCM|XCC|MLO|LMO|CC|ML|LM)(?![A-Z])"
)
_MARGIN = 0.02  # of the picture's width, kept beside the breast
_NARROWEST = 0.15  # of the picture's width; a box below it is no breast


def mammogram_view(dataset: Dataset) -> tuple[Laterality, str]:
    """Laterality and view ("CC", "MLO", ...), each "" where the file does not tell.

    From Image Laterality, Laterality or the frames' anatomy; from the view code, View Position, or,
    where these are empty, the words of the series' or the acquisition's description.
    """
    anatomy = group_item(dataset, 0, "FrameAnatomySequence")
    told = [text_of(dataset, "ImageLaterality"), text_of(dataset, "Laterality")]
    told += [text_of(anatomy, "FrameLaterality")] if anatomy is not None else []
    side: Laterality = next((_SIDES[each] for each in told if each in _SIDES), "")
    view = ""
    for item in items_of(dataset, "ViewCodeSequence", 1):
        view = _CODES.get(text_of(item, "CodeValue"), "")
    position = text_of(dataset, "ViewPosition")
    if not view and position in _VIEWS:
        view = position
    if side and view:
        return side, view
    for keyword in ("SeriesDescription", "AcquisitionDeviceProcessingDescription", "ProtocolName"):
        found = _DESCRIBED.search(text_of(dataset, keyword))
        if found is not None and (not view or found["view"] == view):
            return side or _SIDES.get(found["side"] or "", ""), view or found["view"]
    return side, view


def crop_breast(picture: np.ndarray) -> Box:
    """The box around the breast: columns of background and padding are cut off on both sides, the
    picture's whole height is kept (the long side of a mammogram, which MLO views fill).

    picture (h, w) uint8, low values dark. Letters and plates beside the breast are left out where
    they stand apart from it. A margin of 2 % of the width stays. Where no breast is found, or one
    narrower than 15 % of the picture, the box is the whole picture.
    """
    height, width = picture.shape
    whole = (0, 0, width, height)
    columns = breast_area(picture)
    if columns is None:
        return whole
    margin = max(1, round(_MARGIN * width))
    left, right = max(columns[0] - margin, 0), min(columns[1] + margin, width)
    return (left, 0, right, height) if right - left >= _NARROWEST * width else whole
