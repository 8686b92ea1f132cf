"""Small DICOM files whose every value is known: images, a text report, a key object selection."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    BasicTextSRStorage,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    KeyObjectSelectionDocumentStorage,
    MRImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

__all__ = [
    "as_bytes",
    "concept",
    "image",
    "jpeg",
    "jpeg_image",
    "key_object",
    "ramp",
    "save",
    "text_report",
    "uid",
]

ROOT = "1.2.826.0.1.3680043.8.498."
# Modality -> storage class of one frame.
CLASSES = {
    "CT": CTImageStorage,
    "MR": MRImageStorage,
    "CR": ComputedRadiographyImageStorage,
    "DX": DigitalXRayImageStorageForPresentation,
    "MG": DigitalMammographyXRayImageStorageForPresentation,
    "US": UltrasoundImageStorage,
}


def uid(number: int | str) -> str:
    """The same UID for the same number or words."""
    text = str(number)
    return ROOT + (text if text.isdigit() else str(int.from_bytes(text.encode()[:12], "big")))


def ramp(
    rows: int = 32, columns: int = 24, *, frames: int = 1, samples: int = 1, bits: int = 12
) -> np.ndarray:
    """Values that differ along rows, columns, frames and samples, within ``bits``:
    ([frames,] rows, columns [, samples]) uint8 or uint16; an axis of one frame or sample is left
    out."""
    y, x = np.mgrid[:rows, :columns]
    grid = (y * columns + x)[None, :, :, None]
    step = (np.arange(frames)[:, None] * 7 + np.arange(samples) * 41)[:, None, None, :]
    values = (grid * max(1, (1 << bits) // (rows * columns)) + step) % (1 << bits)
    values = values.astype(np.uint8 if bits <= 8 else np.uint16)
    values = values if frames > 1 else values[0]
    one_sample: np.ndarray = values[..., 0]
    return values if samples > 1 else one_sample


def _common(
    *,
    modality: str,
    storage: str,
    patient: str | None,
    name: str | None,
    study: int | str | None,
    series: int | str | None,
    instance: int | str | None,
    accession: str | None,
    syntax: str,
) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID = storage
    ds.SOPClassUID = storage
    if instance is not None:
        ds.SOPInstanceUID = uid(instance)
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.Modality = modality
    for keyword, value in (("PatientID", patient), ("PatientName", name)):
        if value is not None:
            setattr(ds, keyword, value)
    if study is not None:
        ds.StudyInstanceUID = uid(study)
    if series is not None:
        ds.SeriesInstanceUID = uid(series)
    if accession is not None:
        ds.AccessionNumber = accession
    return ds


def image(
    values: np.ndarray | None = None,
    *,
    modality: str = "CT",
    photometric: str = "",
    bits_stored: int | None = None,
    patient: str | None = "P1",
    name: str | None = "Doe^Jane",
    study: int | str | None = 1,
    series: int | str | None = 2,
    instance: int | str | None = 3,
    number: int | None = 1,
    accession: str | None = None,
    position: Sequence[float] | None = None,
    orientation: Sequence[float] = (1, 0, 0, 0, 1, 0),
    spacing: Sequence[float] | None = None,
    window: tuple[float, float] | None = None,
    slope: float | None = None,
    intercept: float | None = None,
    syntax: str = ExplicitVRLittleEndian,
    planar: int = 0,
    palette: np.ndarray | None = None,
    encoded: Sequence[bytes] | None = None,
    extra: dict[str, Any] | None = None,
) -> Dataset:
    """An image of ``values``, by default a 32 x 24 ramp of the modality's usual kind.

    values: (rows, columns), (frames, rows, columns), or with a last axis of 3 for colour; uint8,
    int8, uint16, int16, float32 or float64 (the last two as Float and Double Float Pixel Data), or
    bool as 1-bit data. photometric: by default RGB for colour, MONOCHROME2 else. position, spacing:
    Image Position (Patient) and Pixel Spacing in mm, left out where None; orientation stands beside
    a position. window: centre and width. palette: (3, entries) uint16, the values are its indices.
    encoded: the frames' own bytes in a compressed ``syntax``. extra: keyword -> value, None takes
    the attribute out.
    """
    if values is None:
        values = ramp(bits=8, samples=3) if modality == "US" else ramp()
    colour = values.ndim > 2 and values.shape[-1] == 3
    rows, columns = values.shape[-3:-1] if colour else values.shape[-2:]
    frames = values.shape[0] if values.ndim == (4 if colour else 3) else 1
    storage = CLASSES.get(modality, SecondaryCaptureImageStorage)
    if modality == "US" and frames > 1:
        storage = UltrasoundMultiFrameImageStorage
    ds = _common(
        modality=modality,
        storage=storage,
        patient=patient,
        name=name,
        study=study,
        series=series,
        instance=instance,
        accession=accession,
        syntax=syntax,
    )
    if number is not None:
        ds.InstanceNumber = number
    if position is not None:
        ds.ImagePositionPatient = [float(x) for x in position]
        ds.ImageOrientationPatient = [float(x) for x in orientation]
    if spacing is not None:
        ds.PixelSpacing = [float(x) for x in spacing]
    if window is not None:
        ds.WindowCenter, ds.WindowWidth = window
    if slope is not None or intercept is not None:
        ds.RescaleSlope = 1 if slope is None else slope
        ds.RescaleIntercept = 0 if intercept is None else intercept

    ds.Rows, ds.Columns = rows, columns
    ds.SamplesPerPixel = 3 if colour else 1
    ds.PhotometricInterpretation = photometric or (
        "PALETTE COLOR" if palette is not None else "RGB" if colour else "MONOCHROME2"
    )
    if frames > 1:
        ds.NumberOfFrames = frames
    if colour:
        ds.PlanarConfiguration = planar
    if palette is not None:
        for colour_name, entries in zip(("Red", "Green", "Blue"), palette, strict=True):
            entries = np.asarray(entries, "<u2")
            setattr(ds, f"{colour_name}PaletteColorLookupTableDescriptor", [len(entries), 0, 16])
            setattr(ds, f"{colour_name}PaletteColorLookupTableData", entries.tobytes())
    _put_pixels(ds, values, bits_stored, planar if colour else 0, encoded)
    for keyword, value in (extra or {}).items():
        if value is None:
            if keyword in ds:
                delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def _put_pixels(
    ds: Dataset,
    values: np.ndarray,
    bits_stored: int | None,
    planar: int,
    encoded: Sequence[bytes] | None,
) -> None:
    if values.dtype.kind == "f":
        ds.BitsAllocated = values.dtype.itemsize * 8
        keyword = "FloatPixelData" if ds.BitsAllocated == 32 else "DoubleFloatPixelData"
        setattr(ds, keyword, values.astype(values.dtype.newbyteorder("<")).tobytes())
        return
    one_bit = values.dtype == bool
    ds.BitsAllocated = 1 if one_bit else values.dtype.itemsize * 8
    top = 0 if one_bit or values.dtype.kind == "i" else int(values.max(initial=0))
    usual = 12 if ds.BitsAllocated == 16 and values.dtype.kind == "u" and top < 4096 else None
    ds.BitsStored = bits_stored or usual or ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(values.dtype.kind == "i")
    if encoded is not None:
        ds.PixelData = encapsulate(list(encoded))
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
        return
    if one_bit:
        data = np.packbits(values.ravel(), bitorder="little").tobytes()
    else:
        stored = np.moveaxis(values, -1, -3) if planar else values
        data = np.ascontiguousarray(stored).astype(stored.dtype.newbyteorder("<")).tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"


def jpeg(values: np.ndarray, *, quality: int = 95) -> bytes:
    """A frame (rows, columns[, 3]) uint8 as a baseline JPEG (process 1), colour as YCbCr 4:4:4."""
    out = BytesIO()
    Image.fromarray(values).save(out, "JPEG", quality=quality, subsampling=0)
    return out.getvalue()


def jpeg_image(values: np.ndarray, **options: Any) -> Dataset:
    """``image`` of values (rows, columns[, 3]) or frames of them, as JPEG baseline; YBR_FULL for
    colour."""
    colour = values.shape[-1] == 3
    frames = values if values.ndim == (4 if colour else 3) else values[None]
    options.setdefault("photometric", "YBR_FULL" if colour else "MONOCHROME2")
    encoded = [jpeg(frame) for frame in frames]
    return image(values, syntax=JPEGBaseline8Bit, encoded=encoded, **options)


def concept(meaning: str, code: str = "1", scheme: str = "99TEST") -> Dataset:
    """An item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, scheme, meaning
    return item


def _node(relation: str, kind: str, heading: str = "", code: str = "1", **values: Any) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType = relation, kind
    if heading:
        item.ConceptNameCodeSequence = Items([concept(heading, code, "DCM")])
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def _references(images: Sequence[Dataset]) -> Items:
    items = []
    for each in images:
        item = Dataset()
        item.ReferencedSOPClassUID = each.SOPClassUID
        item.ReferencedSOPInstanceUID = each.SOPInstanceUID
        items.append(item)
    return Items(items)


def _evidence(images: Sequence[Dataset]) -> Items:
    """Current Requested Procedure Evidence: study, series, instances."""
    series: dict[tuple[str, str], list[Dataset]] = {}
    for each in images:
        series.setdefault((each.StudyInstanceUID, each.SeriesInstanceUID), []).append(each)
    studies: dict[str, list[Dataset]] = {}
    for (study, one), members in series.items():
        item = Dataset()
        item.SeriesInstanceUID = one
        item.ReferencedSOPSequence = _references(members)
        studies.setdefault(study, []).append(item)
    out = []
    for study, members in studies.items():
        item = Dataset()
        item.StudyInstanceUID = study
        item.ReferencedSeriesSequence = Items(members)
        out.append(item)
    return Items(out)


def _document(ds: Dataset, title: str, code: str, content: list[Dataset]) -> Dataset:
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = Items([concept(title, code, "DCM")])
    ds.CompletionFlag, ds.VerificationFlag = "COMPLETE", "UNVERIFIED"
    ds.ContentSequence = Items(content)
    return ds


def text_report(
    *,
    findings: str | None = "The lungs are clear.",
    impression: str | None = "No acute disease.",
    sections: Sequence[tuple[str, str]] = (),
    images: Sequence[Dataset] = (),
    evidence: bool = True,
    patient: str | None = "P1",
    name: str | None = "Doe^Jane",
    study: int | str | None = 1,
    series: int | str | None = 90,
    instance: int | str | None = 91,
    accession: str | None = None,
    charset: str | None = None,
    syntax: str = ExplicitVRLittleEndian,
    extra: dict[str, Any] | None = None,
) -> Dataset:
    """A Basic Text SR: a container with one section a heading, each with its text.

    sections: further (heading, text), before the findings. images: spoken of by the findings, and,
    where ``evidence``, listed as evidence. charset: Specific Character Set of the text. extra:
    keyword -> value at the top level.
    """
    ds = _common(
        modality="SR",
        storage=BasicTextSRStorage,
        patient=patient,
        name=name,
        study=study,
        series=series,
        instance=instance,
        accession=accession,
        syntax=syntax,
    )
    if charset is not None:
        ds.SpecificCharacterSet = charset
    told = [(heading, "", text) for heading, text in sections]
    told += [("Findings", "121070", findings)] if findings is not None else []
    told += [("Impression", "121072", impression)] if impression is not None else []
    content = []
    for heading, code, text in told:
        inside = [_node("CONTAINS", "TEXT", heading, code or "1", TextValue=text)]
        if heading == "Findings":
            inside += [
                _node("CONTAINS", "IMAGE", ReferencedSOPSequence=_references([each]))
                for each in images
            ]
        section = _node("CONTAINS", "CONTAINER", heading, code or "1")
        section.ContinuityOfContent = "SEPARATE"
        section.ContentSequence = Items(inside)
        content.append(section)
    if images and evidence:
        ds.CurrentRequestedProcedureEvidenceSequence = _evidence(images)
    _document(ds, "Radiology Report", "126000", content)
    for keyword, value in (extra or {}).items():
        setattr(ds, keyword, value)
    return ds


def key_object(
    images: Sequence[Dataset],
    *,
    title: str = "Of Interest",
    description: str | None = None,
    patient: str | None = "P1",
    name: str | None = "Doe^Jane",
    study: int | str | None = 1,
    series: int | str | None = 80,
    instance: int | str | None = 81,
    accession: str | None = None,
    syntax: str = ExplicitVRLittleEndian,
) -> Dataset:
    """A Key Object Selection of ``images``, with its description as text where one is given."""
    ds = _common(
        modality="KO",
        storage=KeyObjectSelectionDocumentStorage,
        patient=patient,
        name=name,
        study=study,
        series=series,
        instance=instance,
        accession=accession,
        syntax=syntax,
    )
    ds.CurrentRequestedProcedureEvidenceSequence = _evidence(images)
    content = [
        _node("CONTAINS", "IMAGE", ReferencedSOPSequence=_references([each])) for each in images
    ]
    if description is not None:
        content.insert(
            0,
            _node("CONTAINS", "TEXT", "Key Object Description", "113012", TextValue=description),
        )
    return _document(ds, title, "113000", content)


def as_bytes(dataset: Dataset, *, preamble: bool = True, meta: bool = True) -> bytes:
    """The file. meta: with its group 2 (without it no preamble either, and the transfer syntax of
    the dataset's own meta is used for the encoding but not written)."""
    syntax = dataset.file_meta.TransferSyntaxUID
    out = BytesIO()
    if not meta:
        bare = Dataset(dataset)
        dcmwrite(
            out,
            bare,
            implicit_vr=syntax.is_implicit_VR,
            little_endian=syntax.is_little_endian,
            force_encoding=True,
        )
        return out.getvalue()
    dataset.preamble = b"\0" * 128
    dcmwrite(out, dataset, enforce_file_format="SOPInstanceUID" in dataset)
    return out.getvalue() if preamble else out.getvalue()[132:]


def save(dataset: Dataset, path: Path, *, preamble: bool = True, meta: bool = True) -> Path:
    """Writes the file at ``path``, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_bytes(dataset, preamble=preamble, meta=meta))
    return path
