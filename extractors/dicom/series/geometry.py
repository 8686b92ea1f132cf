"""Images of a DICOM object as slices in space: numbers of the header, no pixels.

Objects of one frame, of frames with functional groups, reconstructed nuclear medicine and dose
grids say where their frames lie; ultrasound, angiography and the rest do not, and their slices
have no position. Whole-slide images are told by ``is_whole_slide`` and refused: their frames are
tiles of one picture, not slices.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from pydicom.dataset import Dataset

from domainclip.errors import BadInput

from ..quiet import quiet
from .header import integer, items, text, words
from .moments import Moment, moment_of
from .placing import Placing, placing_of, placings_of_frames

__all__ = ["Slice", "is_whole_slide", "slices_of"]

_MOST_FRAMES = 100_000  # of one object; more is a broken or hostile header
_WHOLE_SLIDE = ("1.2.840.10008.5.1.4.1.1.77.1.6", "1.2.840.10008.5.1.4.1.1.77.1.7")
_PLACES = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One image in space. What the header does not say is None, "" or ().

    index: of its file in the caller's list. frame: within the object, from 0 (DICOM counts from 1);
    frames: how many the object says it has. rows, columns: pixels. position (3,): centre of the
    first pixel, mm, in the patient's LPS. orientation (6,): direction cosines of a row (along
    growing columns), then of a column; both are there or none. pixel_spacing (2,): mm between rows,
    between columns. thickness, spacing_between: mm, as the header says, which is often wrong.
    """

    index: int
    frame: int = 0
    frames: int = 1
    series_uid: str = ""
    sop_uid: str = ""
    modality: str = ""
    rows: int
    columns: int
    position: tuple[float, ...] | None = None
    orientation: tuple[float, ...] | None = None
    pixel_spacing: tuple[float, ...] | None = None
    thickness: float | None = None
    spacing_between: float | None = None
    image_type: tuple[str, ...] = ()
    instance_number: int | None = None
    moment: Moment = field(default_factory=Moment)


def is_whole_slide(dataset: Dataset) -> bool:
    """A whole-slide microscopy image: by its storage class, or by its modality and tiles."""
    with quiet():
        return _is_whole_slide(dataset)


def slices_of(dataset: Dataset, index: int) -> list[Slice]:
    """The images of an object, in the order of its frames; no pixel is read.

    dataset: a header, with or without its pixels. index: of the file in the caller's list, kept in
    every slice. Raises BadInput for what is no image (no rows or columns), for a whole-slide image
    and for more than 100,000 frames.
    """
    with quiet():
        if _is_whole_slide(dataset):
            raise BadInput("A whole-slide image: its frames are tiles, not slices of a volume.")
        rows, columns = integer(dataset, "Rows"), integer(dataset, "Columns")
        if rows is None or columns is None or min(rows, columns) < 1:
            raise BadInput("The object has no rows and columns of pixels: it is no image.")
        frames = max(integer(dataset, "NumberOfFrames") or 1, 1)
        if frames > _MOST_FRAMES:
            raise BadInput(f"The object says that it has more than {_MOST_FRAMES} frames.")
        base = Slice(
            index=index,
            frames=frames,
            series_uid=text(dataset, "SeriesInstanceUID"),
            sop_uid=text(dataset, "SOPInstanceUID"),
            modality=text(dataset, "Modality"),
            rows=rows,
            columns=columns,
            image_type=_upper(words(dataset, "ImageType")),
            instance_number=integer(dataset, "InstanceNumber"),
        )
        if "SharedFunctionalGroupsSequence" in dataset or (
            "PerFrameFunctionalGroupsSequence" in dataset
        ):
            return _with_groups(dataset, base)
        if frames > 1:
            moment = moment_of(dataset, many=True)
            placings = placings_of_frames(dataset, frames)
            return [_at(base, at, each, moment) for at, each in enumerate(placings)]
        # a mosaic's tiles are slices that lie elsewhere than its corner says
        placed = "MOSAIC" not in base.image_type
        return [_at(base, 0, placing_of([dataset], position=placed), moment_of(dataset))]


def _is_whole_slide(dataset: Dataset) -> bool:
    return text(dataset, "SOPClassUID") in _WHOLE_SLIDE or (
        text(dataset, "Modality") == "SM" and "TotalPixelMatrixColumns" in dataset
    )


def _with_groups(dataset: Dataset, base: Slice) -> list[Slice]:
    """Each frame by its functional groups: its own before the shared ones before the root."""
    shared = list(items(dataset, "SharedFunctionalGroupsSequence"))[:1]
    own = items(dataset, "PerFrameFunctionalGroupsSequence")
    found = []
    for at in range(base.frames):
        groups = [*own[at : at + 1], *shared]
        places = [item for group in groups for name in _PLACES for item in items(group, name)[:1]]
        place = placing_of([*places, dataset])
        if base.frames > 1 and not any("ImagePositionPatient" in each for each in places):
            # one position at the root cannot be that of all frames
            place = replace(place, position=None, orientation=None)
        moment = moment_of(dataset, groups, many=base.frames > 1)
        kind = next((each for group in groups if (each := _frame_type(group))), base.image_type)
        found.append(replace(_at(base, at, place, moment), image_type=kind))
    return found


def _frame_type(group: Dataset) -> tuple[str, ...]:
    """Of any of the sequences that tell it: each kind of image has one of its own."""
    for keyword in group.dir("FrameTypeSequence"):
        for item in items(group, keyword)[:1]:
            return _upper(words(item, "FrameType"))
    return ()


def _at(base: Slice, frame: int, place: Placing, moment: Moment) -> Slice:
    named = {each.name: getattr(place, each.name) for each in fields(place)}
    return replace(base, frame=frame, moment=moment, **named)


def _upper(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each.upper() for each in values)
