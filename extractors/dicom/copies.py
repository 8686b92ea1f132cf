"""De-identified copies of a study's DICOM files, on request."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from domainclip.errors import BadInput, DomainclipError
from domainclip.pairs import Skip
from domainclip.pairs.writer import output_errors

from .facts import policy_of
from .naming import Naming
from .pixels.decoding import decode
from .pixels.reading import read_dataset
from .pixels.rendering import render
from .privacy.burned_in import verdict
from .privacy.deidentify import deidentify
from .sources.places import open_place
from .study import Study
from .texts import cleaner_of

if TYPE_CHECKING:
    from . import Dicom

__all__ = ["write_copies"]

MAX_FILE_BYTES = 4 << 30


def write_copies(options: Dicom, study: Study, naming: Naming) -> Iterator[Skip]:
    """Write ``COPIES/<study>/<image>.dcm`` of each image whose pixels hold no lettering.

    The pixels are the file's own; where lettering may be in them there is no copy, and a skip.
    """
    if not options.copies or naming.pseudonyms is None:
        return
    clean = cleaner_of(options, study.identifiers, study.patient, naming)
    folder = Path(options.copies) / study.name
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for instance in study.instances:
        if instance.web:
            continue
        where = f"{study.name}/{instance.name}.dcm"
        try:
            with open_place(instance.place) as file:
                dataset = read_dataset(file, max_bytes=MAX_FILE_BYTES)
            if options.burned_in != "keep":
                frames = decode(
                    dataset, max_pixels=options.max_mpx * 1_000_000, frames=[0, instance.frames - 1]
                )
                for number in {0, frames.count - 1}:
                    shown = render(dataset, frames.frame(number), frame_index=number,
                                   photometric=frames.photometric, bits=frames.bits)  # fmt: skip
                    if verdict(dataset, shown.picture).risk != "none":
                        raise BadInput("Its pixels hold lettering, or may: it is not copied.")
            copy = deidentify(
                dataset, policy_of(options), naming.pseudonyms, patient=study.patient, scrub=clean
            )
            _write(copy, dataset, folder / f"{instance.name}.dcm")
        except BadInput as error:
            yield Skip(where=where, reason="no_copy", detail=str(error), quarantine=False)


def _write(copy: Dataset, dataset: Dataset, path: Path) -> None:
    """The copy as a whole file, or none. dataset: what it is of, read from a file.

    Raises BadInput for what cannot be written as DICOM, OutputError.
    """
    if not copy.file_meta.get("TransferSyntaxUID"):
        copy.file_meta.TransferSyntaxUID = _encoding(dataset)
    part = path.with_suffix(f".{os.getpid()}")
    try:
        with output_errors(path):
            copy.save_as(part, enforce_file_format=True)
            part.replace(path)
    except (DomainclipError, OSError):
        raise
    except Exception:  # what is malformed in it shows while it is encoded; the message has values
        raise BadInput("What its header holds cannot be written as DICOM.") from None
    finally:
        part.unlink(missing_ok=True)


def _encoding(dataset: Dataset) -> UID:
    """The transfer syntax of a file that does not tell it. Raises BadInput for compressed pixels,
    whose codec is a guess that a copy must not state."""
    if "PixelData" in dataset and dataset["PixelData"].is_undefined_length:
        raise BadInput("Its transfer syntax is missing and its pixels are compressed.")
    implicit, little = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian
