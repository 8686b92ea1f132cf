"""Image-report pairs of DICOM studies; what identifies a person stays behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from domainclip.catalogue import import_optional
from domainclip.extraction import Source
from domainclip.pairs import Pair, Skip

from .checks import check_options

if TYPE_CHECKING:
    from pathlib import Path

    from domainclip.extraction.audit import Audit

__all__ = ["Dicom"]


@dataclass(frozen=True)
class Dicom:
    """Images of DICOM studies with what their reports say of them, without who they are of.

    A source is a folder, file, zip, tar or DICOMDIR; files are told by what they hold, not by their
    names. Structured reports, key object selections and encapsulated PDFs among them are read.
    reports: a folder, archive or table of further reports: text files, OpenI XML, MedPix JSON, CSV,
    TSV, JSON. columns: what its columns are, as image=file,study=uid,findings=text; by default told
    by their names. headings: a YAML file of further section headings, for other languages.
    text: which of a report's texts is the caption, the first that is there: names of sections,
    caption (of a table), report (all of it), header (a sentence from the header's attributes).
    captions: of a report, else of the header (either); report leaves images without one out; header
    uses no report.
    slices: of a CT, MR or PET series, or frames of a cine loop: auto (those marked as key, else
    spaced), key, spaced, middle, all. per_series: how many of them.
    window: auto (the file's first; CT without one by body part), file:1 and on, minmax, 40/400, or
    a preset: lung, mediastinum, bone, brain, subdural, stroke, liver, angio, soft_tissue; three:
    lung, mediastinum and bone as the three channels.
    max_px: longest side of a picture; 0 keeps its size. format: of the pictures. quality: of jpeg.
    crop: cut the empty background of mammograms away. overlays: draw the file's overlay planes.
    volumes: a folder for every uniform series as NIfTI too. spacing_mm: resample it (MONAI).
    copies: a folder for the de-identified DICOM files too.
    keep: PS3.15 options, of uids, device, institution, patient, private, descriptors. dates:
    remove, shift (by days that are one patient's own) or keep.
    key: the file of your secret, from which all pseudonyms are made; by default one in your
    configuration folder, made when there is none. Keep it, and keep it apart from the pairs.
    burned_in: text in the pixels: blank it, quarantine the image, or keep it.
    keep_identifiers: leave out everything of the above that protects patients.
    labels: the findings that the report states, as labels. findings: a YAML file of your own list,
    as extractors/dicom/reports/findings.yaml.
    max_mpx: million pixels that an image may have. license: of the studies, as SPDX where there is
    a name.
    """

    reports: str = ""
    columns: tuple[str, ...] = ()
    headings: str = ""
    text: tuple[str, ...] = ("caption", "impression", "findings", "report", "header")
    captions: Literal["either", "report", "header"] = "either"
    slices: Literal["auto", "key", "spaced", "middle", "all"] = "auto"
    per_series: int = 3
    window: str = "auto"
    max_px: int = 1024
    format: Literal["png", "jpeg"] = "png"
    quality: int = 92
    crop: bool = True
    overlays: bool = False
    volumes: str = ""
    spacing_mm: float | None = None
    copies: str = ""
    keep: tuple[str, ...] = ()
    dates: Literal["remove", "shift", "keep"] = "remove"
    key: str = ""
    burned_in: Literal["blank", "quarantine", "keep"] = "blank"
    keep_identifiers: bool = False
    labels: bool = True
    findings: str = ""
    max_mpx: int = 256
    license: str = ""
    key_check: str = field(default="", init=False)

    version = "1"
    hidden = ("reports", "headings", "findings", "volumes", "copies", "key")

    def __post_init__(self) -> None:
        """Raises UsageError for options that cannot be, before anything is made or read; makes the
        key where there is none and no file of one was given."""
        for name in ("columns", "text", "keep"):
            words = (word.strip() for each in getattr(self, name) for word in each.split(","))
            object.__setattr__(self, name, tuple(word for word in words if word))
        check_options(self)
        if not self.keep_identifiers:
            keys = import_optional(f"{__name__}.keys")
            object.__setattr__(self, "key_check", keys.check_of(keys.key_path(self.key)))

    def sources(self, root: str) -> Iterator[Source]:
        """One source a study. Raises BadInput (no such file), UsageError, MissingExtra."""
        return self.all_sources([root])

    def all_sources(self, roots: Sequence[str]) -> Iterator[Source]:
        """One source a study, whose files may lie under several roots. Raises as ``sources``."""
        yield from import_optional(f"{__name__}.listing").sources_of(self, roots)

    def pairs(self, source: Source) -> Iterator[Pair | Skip]:
        """The images of one study, each with what its reports say."""
        # what a reader lacks is lacking for every study, and no fault of this one
        yield from import_optional(f"{__name__}.pairing").pairs_of(self, source)

    def audit(self, roots: Sequence[str], pairs: Path) -> Audit:
        """What of the identifying values under ``roots`` is found in the pairs directory."""
        audit: Audit = import_optional(f"{__name__}.privacy.audit").audit(self, roots, pairs)
        return audit

    def names(self, roots: Sequence[str]) -> Iterator[tuple[str, str]]:
        """(name in the pairs, file) of every image and report under ``roots``: for your eyes."""
        yield from import_optional(f"{__name__}.listing").names_of(self, roots)
