"""Which transformation to 8 bits an asked-for window means for one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from domainclip.errors import BadInput
from domainclip.images.voi import Lut, Window

from .attributes import little_endian, value_of
from .grey import Modality, Stored
from .ranges import PERCENTILES, window_of_values
from .windows import PRESETS, Asked, View, file_views, preset_for

__all__ = ["Chosen", "Image", "choose"]


@dataclass(frozen=True, slots=True)
class Image:
    """What the choice depends on. padding: stored values that count for no statistics."""

    dataset: Dataset
    frame_index: int
    stored: Stored
    modality: Modality
    padding: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """source: ``file:N``, ``preset:NAME``, numbers, identity, minmax or percentiles."""

    voi: Window | Lut
    source: str
    explanation: str = ""
    notes: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        facts: dict[str, Any] = {"source": self.source, "function": "LUT"}
        if isinstance(self.voi, Window):
            facts["function"] = self.voi.function
            facts["centre"], facts["width"] = self.voi.centre, self.voi.width
        if self.explanation:
            facts["explanation"] = self.explanation
        return facts


def choose(asked: Asked, image: Image) -> Chosen:
    """Raises BadInput where the image has no such view, or is not in Hounsfield units."""
    if asked.kind == "numbers" and asked.window is not None:
        return Chosen(asked.window, "numbers")
    if asked.kind == "preset":
        return _preset(asked.name, image)
    if asked.kind == "minmax":
        window, notes = window_of_values(image.stored, image.modality.transform, image.padding)
        return Chosen(window, "minmax", notes=notes)
    views, notes = _views(image)
    usable = [at for at, view in enumerate(views) if view is not None]
    at = asked.index if asked.kind == "file" else next(iter(usable), -1)
    view = views[at] if at in usable else None
    if view is not None:
        return Chosen(view.voi, f"file:{at}", view.explanation, notes)
    if asked.kind == "file":
        raise BadInput(
            f"window 'file:{at}': the image has no such view that can be used "
            f"({len(usable)} can); use auto."
        )
    return _without_view(image, notes)


def _views(image: Image) -> tuple[list[View | None], tuple[str, ...]]:
    inputs = image.modality.range(*image.stored.range())
    views, notes = file_views(
        image.dataset, image.frame_index, inputs=inputs, little=little_endian(image.dataset)
    )
    return views, tuple(notes)


def _without_view(image: Image, notes: tuple[str, ...]) -> Chosen:
    """Values of up to 8 bits fill their range as they are (the standard's identity); CT has its
    presets, but for localizers, which are projections; for all else percentiles."""
    stored, modality = image.stored, image.modality
    if not modality.told and not stored.signed and stored.bits <= 8:
        full = float((1 << stored.bits) - 1)
        return Chosen(Window(full / 2, full, "LINEAR_EXACT"), "identity", notes=notes)
    if modality.hounsfield(image.dataset) and "LOCALIZER" not in _image_type(image.dataset):
        found = _preset(preset_for(image.dataset), image)
        return Chosen(
            found.voi, found.source, notes=(*notes, "the file has no window: a preset was taken")
        )
    window, odd = window_of_values(stored, modality.transform, image.padding, PERCENTILES)
    note = "the file has no window: percentiles of its values were taken"
    return Chosen(window, "percentiles", notes=(*notes, note, *odd))


def _preset(name: str, image: Image) -> Chosen:
    if not image.modality.hounsfield(image.dataset):
        raise BadInput(
            f"window {name!r} is in Hounsfield units, and this image is no CT with a rescale "
            "to them; use auto, minmax, or centre/width such as 40/400."
        )
    return Chosen(Window(*PRESETS[name]), f"preset:{name}")


def _image_type(dataset: Dataset) -> str:
    return str(value_of(dataset, "ImageType") or "").upper()
