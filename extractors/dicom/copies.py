"""De-identified copies of a study's DICOM files, on request."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from domainclip.errors import BadInput, UsageError
from domainclip.pairs import Skip
from domainclip.pairs.writer import output_errors

from .facts import policy_of
from .lettering import is_lettered, looked_at, looks
from .naming import Naming
from .pixels.decoding import decode
from .privacy.deidentify import deidentify
from .privacy.jpeg_metadata import clean_codestreams
from .study import Study, dataset_of
from .texts import cleaner_of

if TYPE_CHECKING:
    from . import Dicom

__all__ = ["check_places", "write_copies"]


def check_places(options: Dicom, roots: Sequence[str], pairs: str | Path | None = None) -> None:
    """Raises UsageError for a folder of copies or volumes that lies in a source, whose next run
    would take what is written there for new input, or that is the directory of pairs.

    roots: the sources. pairs: the directory of pairs, where the caller knows it; one that holds
    pairs already is told by them.
    """
    for name in ("copies", "volumes"):
        said = getattr(options, name)
        if not said:
            continue
        folder = Path(said).resolve()
        for root in roots:
            source = Path(root).resolve()
            if folder == source or source in folder.parents:
                raise UsageError(
                    f"{name}={said!r}: lies in the source {root!r}, whose next run would read what "
                    f"is written there; give --{name} a folder outside of it."
                )
        if (pairs is not None and folder == Path(pairs).resolve()) or _holds_pairs(folder):
            raise UsageError(
                f"{name}={said!r}: is a directory of pairs; give --{name} a folder of its own."
            )


def _holds_pairs(folder: Path) -> bool:
    return (folder / "_state").is_dir() or any(folder.glob("part-*.parquet"))


def write_copies(options: Dicom, study: Study, naming: Naming) -> Iterator[Skip]:
    """Write ``COPIES/<study>/<image>.dcm`` of each image whose pixels hold no lettering.

    The pixels are the file's own, without what their codestreams say beside them. Where lettering
    may be in them there is no copy, and a skip. Nine frames at most are looked at: the first, the
    middle, the last and evenly spaced ones.
    Raises OutputError.
    """
    if not options.copies or naming.pseudonyms is None:
        return
    folder = Path(options.copies) / study.name
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    clean = cleaner_of(options, study.identifiers, study.patient, naming)
    for instance in study.instances:
        if instance.web:
            continue
        path = folder / f"{instance.name}.dcm"
        try:
            dataset = dataset_of(instance.place)
            _check_lettering(options, dataset, instance.frames)
            copy = deidentify(
                dataset,
                policy_of(options),
                naming.pseudonyms,
                patient=study.patient,
                scrub=clean,
                secret=study.secret,
            )
            clean_codestreams(copy)
            _write(copy, dataset, path)
        except BadInput as error:
            yield Skip(where=f"{study.name}/{path.name}", reason="no_copy", detail=str(error))
    with suppress(OSError):  # it holds copies
        folder.rmdir()


def _check_lettering(options: Dicom, dataset: Dataset, declared: int) -> None:
    """Raises BadInput for an image whose pixels hold lettering, or may."""
    if not looks(options):
        return
    wanted = looked_at(max(1, declared))
    frames = decode(dataset, max_pixels=options.max_mpx * 1_000_000, frames=wanted)
    for number in sorted({*(each for each in wanted if each < frames.count), frames.count - 1}):
        if is_lettered(options, dataset, frames, number, doubtful=True):
            raise BadInput("Its pixels hold lettering, or may: it is not copied.")


def _write(copy: Dataset, dataset: Dataset, path: Path) -> None:
    """The copy as a whole file, or none. dataset: what it is of, read from a file.

    Raises BadInput for what cannot be written as DICOM, OutputError.
    """
    if not copy.file_meta.get("TransferSyntaxUID"):
        copy.file_meta.TransferSyntaxUID = _encoding(dataset)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.writing")
    try:
        with output_errors(path):
            try:
                copy.save_as(part, enforce_file_format=True)
            except Exception as error:
                refused = _refusal(error)
                if refused is None:
                    # what is malformed in it shows while it is encoded; the message has values
                    raise BadInput(
                        "What its header holds cannot be written as DICOM: it is not copied."
                    ) from None
                raise refused from None
            part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink()


def _refusal(error: BaseException | None) -> OSError | None:
    """The file system's own error behind one of pydicom, which raises it anew with the element's
    values and a traceback as its message; None where it is none."""
    for _ in range(64):
        if error is None or (isinstance(error, OSError) and error.errno is not None):
            return error
        error = error.__cause__ or error.__context__
    return None


def _encoding(dataset: Dataset) -> UID:
    """The transfer syntax of a file that does not tell it. Raises BadInput for compressed pixels,
    whose codec is a guess that a copy must not state."""
    if "PixelData" in dataset and dataset["PixelData"].is_undefined_length:
        raise BadInput("Its transfer syntax is missing and its pixels are compressed.")
    implicit, little = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian
