"""What the headers of an image say of lettering in its pixels: kinds of pictures, regions.

General rules of the standard come before devices': the regions of an ultrasound image
(PS3.3 C.8.5.5) tell where its picture ends, Image Type (C.7.6.1.1.2), Conversion Type (C.8.6.1) and
the SOP class tell a screen from a scan. Without regions the head of an ultrasound image is its
banner: of the fifty-odd devices whose banners pydicom/deid's recipe ``deid.dicom`` lists (facts
that are there, and in the CTP of the RSNA before, to be looked up), all but those with screens of
another layout keep within 0.13 of the height, most within 0.10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from ..pixels.attributes import text_of, value_of
from .text_regions import Box

__all__ = ["Device", "device", "scanners_own"]

_ULTRASOUND_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.3",  # multi-frame and its retired form
    "1.2.840.10008.5.1.4.1.1.6",  # single, enhanced volume, retired
)
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_SCREEN_WORDS = frozenset(
    ("SCREEN", "SCREENSHOT", "SNAPSHOT", "CAPTURE", "REPORT", "DOSE", "PROT", "PROTOCOL", "FORM",
     "GRAPH", "CURVE", "RESULT", "RESULTS", "PASTED", "PRINT", "SAVE")
)  # fmt: skip
# Modalities whose pictures come off a screen, a camera, a scanner for paper or film.
_OFTEN = frozenset(("US", "IVUS", "SC", "OT", "XC", "ES", "DOC", "ECG", "HD", "BDUS", "BMD", "OAM",
                    "OPV", "AR", "LEN", "VA", "IOL", "GM", "EPS"))  # fmt: skip
_BANNER = 0.13
_MOST_REGIONS = 64
_LEAST_SHARE, _MOST_SHARE = 0.05, 0.98


@dataclass(frozen=True, slots=True)
class Device:
    """declared: what Burned In Annotation says. often: pictures of this kind carry lettering as a
    rule. boxes: where, in pixels of the stored image. why: in words without values."""

    declared: bool | None
    often: bool
    boxes: tuple[Box, ...]
    why: tuple[str, ...]


def device(dataset: Dataset, width: int, height: int) -> Device:
    """What the headers tell of an image of ``width`` x ``height`` pixels. Nothing is raised for
    values that are malformed; they tell nothing."""
    declared = {"YES": True, "NO": False}.get(text_of(dataset, "BurnedInAnnotation"))
    why: list[str] = []
    boxes: tuple[Box, ...] = ()
    if declared:
        why.append("Burned In Annotation (0028,0301) is YES")
    elif declared is False:
        why.append("Burned In Annotation (0028,0301) is NO")
    often = False
    if text_of(dataset, "RecognizableVisualFeatures") == "YES":
        often = True
        why.append("Recognizable Visual Features (0028,0302) is YES")
    sop_class = text_of(dataset, "SOPClassUID")
    modality = text_of(dataset, "Modality")
    if sop_class.startswith(_SECONDARY_CAPTURE):
        often = True
        why.append("a secondary capture")
    kinds = {
        word for value in _words(dataset, "ImageType") for word in value.replace("_", " ").split()
    }
    if kinds & _SCREEN_WORDS:
        often = True
        why.append("Image Type tells of a screen or a report")
    elif "SECONDARY" in _words(dataset, "ImageType")[1:2] and "DERIVED" in kinds:
        often = True
        why.append("Image Type is DERIVED, SECONDARY")
    if text_of(dataset, "ConversionType") in ("DV", "DF", "SD", "WSD", "DRW", "SI", "SYN"):
        often = True
        why.append("Conversion Type tells of a screen, a film or a drawing")
    ultrasound = modality in ("US", "IVUS") or any(
        sop_class == each or sop_class.startswith(each + ".") for each in _ULTRASOUND_CLASSES
    )
    if ultrasound:
        inside = _regions(dataset, width, height)
        if inside:
            boxes = outside(inside, width, height)
            why.append("all that is outside of the ultrasound regions (0018,6011)")
        elif declared is not False:
            often = True
            boxes = (Box(0, 0, width, max(1, round(_BANNER * height))),)
            why.append("the head of an ultrasound image without regions")
    elif modality in _OFTEN and not often:
        often = True
        why.append("a modality whose pictures come off screens or cameras")
    return Device(declared, often, boxes, tuple(why))


def scanners_own(dataset: Dataset) -> bool:
    """Whether an image holds a scanner's values: CT, MR, PET or nuclear medicine of more than 8
    bits, no secondary capture, and not declared to hold text."""
    return (
        text_of(dataset, "Modality") in ("CT", "MR", "PT", "NM")
        and (_whole(dataset, "BitsStored") or 0) > 8
        and not text_of(dataset, "SOPClassUID").startswith("1.2.840.10008.5.1.4.1.1.7")
        and text_of(dataset, "BurnedInAnnotation") != "YES"
    )


def outside(regions: Sequence[Box], width: int, height: int) -> tuple[Box, ...]:
    """Boxes that cover all of a picture but its regions, from top to bottom."""
    edges = sorted({0, height, *(edge for box in regions for edge in (box.top, box.bottom))})
    open_boxes: dict[tuple[int, int], int] = {}  # (left, right) -> top
    found: list[Box] = []
    for top, bottom in pairwise(edges):
        spans = sorted((b.left, b.right) for b in regions if b.top <= top and b.bottom >= bottom)
        gaps: set[tuple[int, int]] = set()
        reached = 0
        for left, right in [*spans, (width, width)]:
            if left > reached:
                gaps.add((reached, left))
            reached = max(reached, right)
        closed = [gap for gap in open_boxes if gap not in gaps]
        found += [Box(gap[0], open_boxes.pop(gap), gap[1], top) for gap in closed]
        for gap in gaps:
            open_boxes.setdefault(gap, top)
    found += [Box(left, top, right, height) for (left, right), top in open_boxes.items()]
    return tuple(sorted(found, key=lambda box: (box.top, box.left)))


def _regions(dataset: Dataset, width: int, height: int) -> list[Box]:
    """Regions within the picture; [] where there are none, or where they leave nothing of the
    picture, or cover all of it and so tell nothing of its banner."""
    try:
        items = list(dataset.get("SequenceOfUltrasoundRegions") or ())[:_MOST_REGIONS]
    except (TypeError, ValueError, AttributeError, NotImplementedError):
        return []
    found: list[Box] = []
    for item in items:
        edges = [
            _whole(item, f"RegionLocation{name}") for name in ("MinX0", "MinY0", "MaxX1", "MaxY1")
        ]
        if any(edge is None for edge in edges):
            continue
        left, top, right, bottom = (edge or 0 for edge in edges)
        box = Box(max(0, left), max(0, top), min(width, right + 1), min(height, bottom + 1))
        if box.right > box.left and box.bottom > box.top:
            found.append(box)
    hidden = sum((b.right - b.left) * (b.bottom - b.top) for b in outside(found, width, height))
    shown = 1 - hidden / (width * height)
    return found if _LEAST_SHARE <= shown <= _MOST_SHARE else []


def _words(dataset: Dataset, keyword: str) -> list[str]:
    value = value_of(dataset, keyword)
    several = value if isinstance(value, MultiValue | list | tuple) else [value]
    return [str(each).strip().upper()[:64] for each in several[:32] if each is not None]


def _whole(dataset: Dataset, keyword: str) -> int | None:
    value = value_of(dataset, keyword)
    return value if isinstance(value, int) and abs(value) < 1 << 20 else None
