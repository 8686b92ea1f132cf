"""What a pair says of its image's header: what the profile leaves of a fixed list of attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataset import Dataset

from .coded import coded_region, coded_side, coded_view
from .naming import Naming
from .pixels.mammography import mammogram_view
from .pixels.reading import attribute
from .privacy.deidentify import deidentify
from .privacy.matching import forms_of, words_of
from .privacy.policy import Policy
from .quiet import quiet
from .records import Identifier
from .series.header import words
from .series.stacking import role_of
from .study import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from . import Dicom

__all__ = ["facts_of", "policy_of", "secret_of", "spoken"]

_KEYWORDS = (
    *("Modality", "BodyPartExamined", "ViewPosition", "Laterality", "ImageLaterality"),
    *("PatientPosition", "ImageType", "KVP", "SliceThickness", "SpacingBetweenSlices"),
    *("PixelSpacing", "ImagerPixelSpacing", "MagneticFieldStrength", "ScanningSequence"),
    *("SequenceVariant", "MRAcquisitionType", "EchoTime", "RepetitionTime", "InversionTime"),
    *("FlipAngle", "ConvolutionKernel", "ContrastBolusAgent", "PresentationIntentType"),
    *("LossyImageCompression", "PatientSex", "PatientAge", "PatientSize", "PatientWeight"),
    *("EthnicGroup", "StudyDescription", "SeriesDescription", "ProtocolName", "StudyDate"),
    *("SeriesDate", "AcquisitionDate", "ContentDate", "Manufacturer", "ManufacturerModelName"),
    *("DeviceSerialNumber", "StationName", "InstitutionName", "InstitutionalDepartmentName"),
    *("PatientID", "PatientName", "PatientBirthDate", "AccessionNumber", "ReferringPhysicianName"),
)
# what the dummies of the profile say is not worth a row
_DUMMIES = frozenset({"ANONYMIZED", "REMOVED", "DUMMY", "UNKNOWN", "NONE", "19000101"})
_TOMOSYNTHESIS = "1.2.840.10008.5.1.4.1.1.13.1.3"
# only with keep_identifiers: elsewhere these are pseudonyms, which `group` has already
_PERSONAL = frozenset(_KEYWORDS[-5:])
_NUMBERS = frozenset({"PatientID", "OtherPatientIDs", "AccessionNumber", "StudyID"})


def policy_of(options: Dicom) -> Policy:
    """The policy that the options ask for; texts of structured content are always cleaned."""
    keep = {*options.keep, "structured_content"}
    return Policy(keep=frozenset(keep), dates=options.dates)  # type: ignore[arg-type]


def secret_of(options: Dicom, identifiers: Sequence[Identifier]) -> frozenset[str]:
    """The values that no fact may hold. With options that keep some attributes it is the people and
    their numbers alone: a date or an institution is then there on purpose."""
    if options.keep_identifiers:
        return frozenset()
    if options.keep or options.dates != "remove":
        identifiers = [each for each in identifiers if each.kind == "name" or each.name in _NUMBERS]
    return forms_of(identifiers)


def facts_of(
    options: Dicom,
    header: Dataset,
    naming: Naming,
    patient: str,
    clean: Callable[[str], str],
    secret: frozenset[str] = frozenset(),
) -> dict[str, str]:
    """Keyword -> value in words, of what may be said; empty ones are left out.

    The header goes through the confidentiality profile first, so an attribute that the options do
    not keep is not in it. secret: ``matching.forms_of`` the study's identifiers; an attribute that
    holds one all the same (a maker called like the hospital) is left out.
    """
    left = Dataset()
    with quiet():
        for keyword in (*_KEYWORDS, "SOPClassUID"):
            if attribute(header, keyword) is not None:  # of a malformed one the conversion fails
                left[keyword] = header[keyword]
        if naming.pseudonyms is not None:
            left = deidentify(
                left, policy_of(options), naming.pseudonyms, patient=patient, scrub=clean
            )
        found = {}
        for keyword in _KEYWORDS:
            if keyword in _PERSONAL and naming.pseudonyms is not None:
                continue
            value = _plain(text_of(left, keyword))
            said = words_of(value)
            if any(form in said for form in secret):
                continue
            if value and value.upper() not in _DUMMIES:
                found[keyword] = value
    if found.get("Modality") == "MG":  # so that two views of one breast are told by one field
        side, view = mammogram_view(header)
        found |= {"ImageLaterality": side[0].upper()} if side else {}
        found |= {"ViewPosition": view} if view else {}
    return found


def spoken(header: Dataset, facts: dict[str, str], plane: str, windows: str) -> dict[str, str]:
    """The facts of ``captions.header_caption``."""
    told = {
        "Modality": facts.get("Modality", ""),
        "BodyPartExamined": facts.get("BodyPartExamined", ""),
        "ViewPosition": facts.get("ViewPosition", ""),
        "Laterality": facts.get("ImageLaterality", "")
        or facts.get("Laterality", "")
        or coded_side(header),
        "region": coded_region(header),
        "view": coded_view(header),
        "kind": _kind(header),
        "plane": plane,
        "window": windows,
        "contrast": "yes" if text_of(header, "ContrastBolusAgent") else "",
    }
    if told["Modality"] == "MG":
        side, view = mammogram_view(header)
        told["Laterality"] = {"left": "L", "right": "R"}.get(side, told["Laterality"])
        told["ViewPosition"] = view or told["ViewPosition"]
    return told


def _kind(header: Dataset) -> str:
    """What the modality alone does not tell of how the picture was made."""
    if text_of(header, "SOPClassUID") == _TOMOSYNTHESIS:
        return "tomosynthesis"
    image_type = words(header, "ImageType")
    if role_of(image_type) == "localizer":
        return "localizer"
    return "mosaic" if "MOSAIC" in image_type else ""


def _plain(value: str) -> str:
    """A multi-valued attribute as pydicom prints it -> its values between backslashes."""
    if value.startswith("[") and value.endswith("]"):
        return "\\".join(part.strip(" '\"") for part in value[1:-1].split(","))
    return value
