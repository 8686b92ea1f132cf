"""Whether a picture is of natural colour, as far as the bands that it is made of tell."""

from __future__ import annotations

from ..reading.scenes import Scene
from .bands import bands_there
from .composites import PRESETS, Composite
from .sensors import sensor_of

__all__ = ["shown_as"]

_RADAR = ("vv", "vh", "hh", "hv")
# bands that eyes do not see
_UNSEEN = (
    "nir", "nir08", "nir09", "rededge071", "rededge075", "rededge078", "swir16", "swir22", "lwir",
    "lwir11", "lwir12", "cirrus",
)  # fmt: skip


def shown_as(scene: Scene, composite: Composite, *, sensor: str = "", decibels: str = "") -> str:
    """``radar``, ``false_colour``, ``grey`` or the name of an index; "" for natural colour, a
    palette's colours, and where nothing says which band is which.

    grey: one band of other than 8-bit values, which heights are as well as light; those of 8 bits
    are the grey photo that they look like, "".

    sensor: as in composite_of. decibels: as in Look: only radar has them.
    """
    if composite.is_index:
        return composite.name
    known = sensor_of(sensor or scene.facts.sensor)
    shown = set(composite.bands)
    if (
        composite.dtype.startswith("complex")
        or decibels
        or (known is not None and known.name == "sentinel-1")
        or shown & set(bands_there(scene, _RADAR, sensor).values())
    ):
        return "radar"
    if composite.palette:
        return ""
    if composite.name in PRESETS:
        return "" if composite.name == "true_colour" else "false_colour"
    if len(composite.channels) == 1:
        return "" if composite.dtype == "uint8" else "grey"
    if shown & set(bands_there(scene, _UNSEEN, sensor).values()):
        return "false_colour"
    seen = bands_there(scene, PRESETS["true_colour"], sensor)
    colour_of = {number: colour for colour, number in reversed(seen.items())}
    order = [composite.bands[channel.at[0]] for channel in composite.channels]
    colours = [colour_of[number] for number in order if number in colour_of]
    natural = [colour for colour in PRESETS["true_colour"] if colour in colours]
    return "" if colours == natural else "false_colour"
