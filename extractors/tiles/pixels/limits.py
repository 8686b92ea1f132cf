"""What a scene's values are stretched between, from a sample of its pixels."""

from __future__ import annotations

from domainclip.images.stretch import percentile_limits

from ..reading.sampling import sample
from ..reading.scenes import Scene
from .composites import Composite
from .rendering import Limits, Look, known_limits, stays

__all__ = ["decibels_already", "scene_limits"]


def scene_limits(scene: Scene, composite: Composite, look: Look) -> Limits | None:
    """(low, high) of each channel of a scene, for its ``Renderer``; None where values stay as they
    are, or each tile has its own limits.

    Percentiles of about a million of its pixels, of what is made of the bands: decibels, ratios.
    Raises BadInput where no block can be decoded.
    """
    if stays(composite, look):
        return None
    limits = known_limits(composite, look)
    if limits is not None or look.stretch == "tile":
        return limits
    values, valid = sample(scene, composite.bands)
    channels, valid = composite.channels_of(values, valid, look.decibels)
    return percentile_limits(channels, valid, look.percentiles)


def decibels_already(scene: Scene, composite: Composite, look: Look) -> tuple[str, str] | None:
    """(reason, sentence) where most of what is to become decibels lies below 0, which amplitudes
    and powers do not, though noise that was subtracted leaves a few; None: it can.

    Raises BadInput where no block can be decoded.
    """
    if not look.decibels or "complex" in composite.dtype:
        return None
    values, valid = sample(scene, composite.bands)
    known = values[:, valid]
    if not known.size or (known < 0).mean() <= 0.5:
        return None
    return "decibels_already", (
        f"Most of its values lie below 0, as decibels do and no {look.decibels} does; leave out "
        "--decibels."
    )
