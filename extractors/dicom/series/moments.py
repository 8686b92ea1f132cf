"""What tells two images of one place apart: echo, diffusion weight, time, acquisition and so on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from .header import floats, integer, items, number, seconds, text

__all__ = ["Moment", "moment_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Absent is None or "". Times in ms are as the scanner counts them, those in s of a clock.

    dimensions: the dimension indices of a frame (PS3.3 C.7.6.16.2.2). component: of a complex image
    (magnitude, phase). instance: the SOP instance UID where one object holds many frames.
    """

    echo_time_ms: float | None = None
    echo_number: int | None = None
    b_value: float | None = None
    gradient: tuple[float, ...] | None = None
    inversion_time_ms: float | None = None
    temporal_position: float | None = None
    frame_time_ms: float | None = None
    trigger_time_ms: float | None = None
    stack_id: str = ""
    segment: int | None = None
    component: str = ""
    flip_angle_deg: float | None = None
    tube_kv: float | None = None
    kernel: str = ""
    acquisition_number: int | None = None
    acquisition_time_s: float | None = None
    content_time_s: float | None = None
    dimensions: tuple[float, ...] = ()
    instance: str = ""


def moment_of(dataset: Dataset, macros: Sequence[Dataset] = (), *, many: bool = False) -> Moment:
    """Of an image, or of a frame of one.

    macros: the frame's own functional groups and the shared ones, the frame's first. many: the
    object holds several frames.
    """
    content = _macro(macros, "FrameContentSequence")
    echo = _macro(macros, "MREchoSequence")
    timing = _macro(macros, "MRTimingAndRelatedParametersSequence")
    inversion = _macro(macros, "MRModifierSequence")
    cardiac = _macro(macros, "CardiacSynchronizationSequence")
    temporal = _macro(macros, "TemporalPositionSequence")
    kind = _macro(macros, "MRImageFrameTypeSequence")
    beam = _macro(macros, "CTXRayDetailsSequence")
    kernel = _macro(macros, "CTReconstructionSequence")
    segment = _macro(macros, "SegmentIdentificationSequence")
    diffusion = _macro(macros, "MRDiffusionSequence")
    b_value, gradient = _diffusion(dataset, diffusion)
    read: Mapping[str, Any] = {
        "echo_time_ms": _first(number, (echo, "EffectiveEchoTime"), (dataset, "EchoTime")),
        "echo_number": _first(integer, (dataset, "EchoNumbers")),
        "b_value": b_value,
        "gradient": gradient,
        "inversion_time_ms": _first(
            number, (inversion, "InversionTimes"), (dataset, "InversionTime")
        ),
        "temporal_position": _first(
            number,
            (temporal, "TemporalPositionTimeOffset"),
            (content, "TemporalPositionIndex"),
            (dataset, "TemporalPositionIdentifier"),
        ),
        "frame_time_ms": _first(number, (dataset, "FrameReferenceTime")),
        "trigger_time_ms": _first(
            number,
            (cardiac, "NominalCardiacTriggerDelayTime"),
            (dataset, "TriggerTime"),
            (dataset, "NominalPercentageOfCardiacPhase"),
        ),
        "stack_id": "" if content is None else text(content, "StackID"),
        "segment": _first(integer, (segment, "ReferencedSegmentNumber")),
        "component": text(dataset if kind is None else kind, "ComplexImageComponent"),
        "flip_angle_deg": _first(number, (timing, "FlipAngle"), (dataset, "FlipAngle")),
        "tube_kv": _first(number, (beam, "KVP"), (dataset, "KVP")),
        "kernel": text(dataset if kernel is None else kernel, "ConvolutionKernel"),
        "acquisition_number": _first(
            integer, (content, "FrameAcquisitionNumber"), (dataset, "AcquisitionNumber")
        ),
        "acquisition_time_s": _time(content, dataset),
        "content_time_s": seconds(dataset, "ContentDate", "ContentTime", ""),
        "dimensions": (content and floats(content, "DimensionIndexValues")) or (),
        "instance": text(dataset, "SOPInstanceUID") if many else "",
    }
    return Moment(**read)


def _macro(macros: Sequence[Dataset], keyword: str) -> Dataset | None:
    for group in macros:
        for item in items(group, keyword):
            return item
    return None


def _first(read: Any, *places: tuple[Dataset | None, str]) -> Any:
    """The first value that is there, rounded so that what was written twice compares equal."""
    for dataset, keyword in places:
        found = None if dataset is None else read(dataset, keyword)
        if found is not None:
            return round(found, 4)
    return None


def _time(content: Dataset | None, dataset: Dataset) -> float | None:
    if content is not None:
        found = seconds(content, "", "", "FrameAcquisitionDateTime")
        if found is not None:
            return found
    return seconds(dataset, "AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime")


def _diffusion(
    dataset: Dataset, macro: Dataset | None
) -> tuple[float | None, tuple[float, ...] | None]:
    """b-value in s/mm² and gradient direction, of the standard's attributes (PS3.3 C.8.13.5.9) or,
    for the older objects, of the makers' private ones as their conformance statements tell them."""
    where = dataset if macro is None else macro
    value = number(where, "DiffusionBValue")
    direction = None
    for item in items(where, "DiffusionGradientDirectionSequence"):
        direction = floats(item, "DiffusionGradientOrientation", 3)
    direction = direction or floats(where, "DiffusionGradientOrientation", 3)
    if value is None and text(dataset, "Modality") == "MR":
        for group, creator, offset in _PRIVATE_B:
            value = _private(dataset, group, creator, offset)
            if value is not None:
                break
    rounded = tuple(round(each, 3) + 0.0 for each in direction) if direction else None
    return (None if value is None else round(value, 1)), rounded


_PRIVATE_B = (
    (0x0019, "SIEMENS MR HEADER", 0x0C),
    (0x0043, "GEMS_PARM_01", 0x39),
    (0x2001, "Philips Imaging DD 001", 0x03),
)


def _private(dataset: Dataset, group: int, creator: str, offset: int) -> float | None:
    try:
        found = dataset.private_block(group, creator)[offset].value
        found = found if isinstance(found, str | float | int) else found[0]
        found = float(found)
    except Exception:  # no such block, or a value of any kind in it
        return None
    # GE adds 10⁹ where the value was typed in by hand
    return found % 1e9 if 0 <= found < 1e11 else None
