"""Which window an image is shown through: the file's own, a preset, numbers, or its values' range.

A window is asked for by words:

    auto            the file's first; where it has none, a preset (CT) or the range of the values
    file:N          the file's Nth, from 0: its VOI LUTs first, then its windows
    minmax          from the smallest to the largest value that is no padding
    lung, bone, ... a preset in Hounsfield units, for CT
    40/400          centre and width; 40/400/sigmoid and 40/400/linear_exact name the function
    A+B+C           three of these as red, green and blue; ``three`` is lung+mediastinum+bone
"""

from __future__ import annotations

import math
from collections.abc import MutableSequence
from dataclasses import dataclass
from typing import Literal, get_args

from pydicom.dataset import Dataset

from domainclip.errors import BadInput, nearest
from domainclip.images.voi import PRESETS, Lut, VoiFunction, Window

from .attributes import group_item, items_of, numbers_of, text_of, value_of
from .luts import read_lut

__all__ = ["PRESETS", "Asked", "View", "file_views", "parse_windows", "preset_for"]

_THREE = "lung+mediastinum+bone"
_MOST_VIEWS = 64

# Words of Body Part Examined (PS3.16 annex L) -> the preset that shows the part's own tissue.
_PARTS = {
    "BRAIN": "brain", "HEAD": "brain", "SKULL": "bone", "LUNG": "lung", "LIVER": "liver",
    "SPINE": "bone", "EXTREMITY": "bone", "HIP": "bone", "KNEE": "bone", "ANKLE": "bone",
    "FOOT": "bone", "HAND": "bone", "WRIST": "bone", "ELBOW": "bone", "SHOULDER": "bone",
    "LEG": "bone", "ARM": "bone", "JAW": "bone", "MANDIBLE": "bone", "TEMPORALBONE": "bone",
}  # fmt: skip

# An explanation is free text of the file: only words of this list leave it.
_EXPLAINED = {
    "NORMAL", "HARDER", "SOFTER", "HARD", "SOFT", "WIDE", "NARROW", "STANDARD", "DEFAULT", "USER",
    "WINDOW", "WINDOW1", "WINDOW2", "WINDOW3", "ALGO1", "ALGO2", "ALGO3", "LINEAR", "SIGMOID",
    "LUT", "BRAIN", "HEAD", "BONE", "LUNG", "MEDIASTINUM", "ABDOMEN", "ABDOMINAL", "LIVER",
    "TISSUE", "SPINE", "NECK", "PELVIS", "CHEST", "THORAX", "ANGIO", "VESSEL", "CONTRAST", "LOW",
    "HIGH", "MEDIUM", "SUBDURAL", "STROKE", "POSTERIOR", "FOSSA", "BREAST", "IMPLANT",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """One window as asked for. index: of ``file``. name: of ``preset``. window: of ``numbers``."""

    kind: Literal["auto", "file", "minmax", "preset", "numbers"]
    index: int = 0
    name: str = ""
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A way of looking that the file offers; explanation: its words, as far as they are known."""

    voi: Window | Lut
    explanation: str = ""


def parse_windows(words: str) -> tuple[Asked, ...]:
    """One window, or three for the channels of a colour picture.

    Raises BadInput where the words are none of those in this file's docstring.
    """
    parts = (_THREE if words.strip().lower() == "three" else words).split("+")
    if len(parts) not in (1, 3):
        raise BadInput(f"window {words!r}: give one window, or three joined by '+'.")
    return tuple(_one(part.strip().lower(), words) for part in parts)


def _one(part: str, words: str) -> Asked:
    if part == "auto":
        return Asked("auto")
    if part == "minmax":
        return Asked("minmax")
    if part in PRESETS:
        return Asked("preset", name=part)
    start, _, number = part.partition(":")
    if start == "file" and number.isdecimal() and len(number) < 6:
        return Asked("file", index=int(number))
    pieces = part.split("/")
    if len(pieces) in (2, 3):
        function = (pieces[2] if len(pieces) == 3 else "LINEAR").upper()
        try:
            centre, width = float(pieces[0]), float(pieces[1])
        except ValueError:
            centre = width = math.nan
        if function in get_args(VoiFunction) and math.isfinite(centre) and width > 0:
            return Asked("numbers", window=_window(centre, width, function))
    raise BadInput(
        f"window {words!r} is none: use auto, file:0, minmax, a preset ({', '.join(PRESETS)}), "
        f"three, or centre/width such as 40/400 with a width above 0.{nearest(part, PRESETS)}"
    )


def _window(centre: float, width: float, function: str) -> Window:
    """LINEAR below a width of 1 is undefined; files of small real values mean LINEAR_EXACT by it
    (pydicom issue 1073)."""
    if function == "LINEAR" and width < 1:
        function = "LINEAR_EXACT"
    for known in get_args(VoiFunction):
        if function == known:
            return Window(centre, width, known)
    raise AssertionError(function)


def preset_for(dataset: Dataset) -> str:
    """The preset for a CT image whose file has no window: by Body Part Examined."""
    words = text_of(dataset, "BodyPartExamined")
    for part, preset in _PARTS.items():
        if part in words:
            return preset
    return "soft_tissue"


def file_views(
    dataset: Dataset, frame_index: int, *, inputs: tuple[float, float], little: bool
) -> tuple[list[View | None], list[str]]:
    """The file's VOI LUTs, then its windows; None for one that cannot be used; and notes.

    Those of the frame's functional group (Frame VOI LUT) stand before those of the image itself.
    inputs: the smallest and largest value that the modality transformation can give.
    """
    group = group_item(dataset, frame_index, "FrameVOILUTSequence")
    for source in (group, dataset):
        if source is None:
            continue
        views, notes = _views(source, inputs, little)
        if views:
            return views, notes
    return [], []


def _views(
    source: Dataset, inputs: tuple[float, float], little: bool
) -> tuple[list[View | None], list[str]]:
    views: list[View | None] = []
    notes: list[str] = []
    for item in items_of(source, "VOILUTSequence", _MOST_VIEWS):
        found = read_lut(item, inputs=inputs, little=little)
        notes.extend(found.notes)
        words = _explained(text_of(item, "LUTExplanation"))
        views.append(View(found.lut, words) if found.lut is not None else None)

    centres, widths = numbers_of(source, "WindowCenter"), numbers_of(source, "WindowWidth")
    if len(centres) != len(widths):
        notes.append("the file gives other numbers of window centres and widths")
    function = text_of(source, "VOILUTFunction").replace(" ", "_") or "LINEAR"
    if centres and function not in get_args(VoiFunction):
        notes.append("an unknown VOI LUT function was taken as LINEAR")
        function = "LINEAR"
    told = value_of(source, "WindowCenterWidthExplanation")
    told = told if isinstance(told, MutableSequence) else [told]
    for at, (centre, width) in enumerate(list(zip(centres, widths, strict=False))[:_MOST_VIEWS]):
        if centre is None or width is None or width <= 0:
            notes.append("a window of the file is no window (its width is 0, or not a number)")
            views.append(None)
            continue
        if function == "LINEAR" and width < 1:
            notes.append("a window narrower than 1 was taken as LINEAR_EXACT")
        words = _explained(str(told[at])) if at < len(told) else ""
        views.append(View(_window(centre, width, function), words))
    return views, notes


def _explained(text: str) -> str:
    words = text.upper().replace("_", " ").replace("-", " ").split()
    return " ".join(words).lower() if words and set(words) <= _EXPLAINED else ""
