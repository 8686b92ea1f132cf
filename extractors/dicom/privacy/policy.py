"""What of a header stays: the Basic Profile of DICOM PS3.15 Annex E and its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from domainclip.errors import UsageError, nearest

__all__ = ["CODES", "Dates", "Option", "Policy"]

Option = Literal[
    "uids",  # Retain UIDs
    "device",  # Retain Device Identity
    "institution",  # Retain Institution Identity
    "patient",  # Retain Patient Characteristics
    "private",  # Retain Safe Private
    "descriptors",  # Clean Descriptors
    "structured_content",  # Clean Structured Content
    "graphics",  # Clean Graphics
    "pixels",  # Clean Pixel Data: stamped by whoever cleans the pixels, not by the header's part
]
Dates = Literal["remove", "shift", "keep"]

# CID 7050 "De-identification Method" (PS3.16): option -> code of DCM, meaning.
CODES: dict[str, tuple[str, str]] = {
    "basic": ("113100", "Basic Application Confidentiality Profile"),
    "pixels": ("113101", "Clean Pixel Data Option"),
    "visual": ("113102", "Clean Recognizable Visual Features Option"),
    "graphics": ("113103", "Clean Graphics Option"),
    "structured_content": ("113104", "Clean Structured Content Option"),
    "descriptors": ("113105", "Clean Descriptors Option"),
    "dates_keep": ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    "dates_shift": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "patient": ("113108", "Retain Patient Characteristics Option"),
    "device": ("113109", "Retain Device Identity Option"),
    "uids": ("113110", "Retain UIDs Option"),
    "private": ("113111", "Retain Safe Private Option"),
    "institution": ("113112", "Retain Institution Identity Option"),
}
# These clean text, and do so with a function that the caller gives.
_NEED_SCRUB = frozenset({"descriptors", "structured_content", "graphics"})


@dataclass(frozen=True, slots=True)
class Policy:
    """keep: options, none for the Basic Profile alone. dates: remove them (Basic Profile), shift
    them by days that are one patient's own (Modified Dates), or keep them (Full Dates).

    Raises UsageError for an option or a choice of dates that does not exist.
    """

    keep: frozenset[Option] = frozenset()
    dates: Dates = "remove"

    def __post_init__(self) -> None:
        for option in sorted(set(self.keep) - set(get_args(Option))):
            known = get_args(Option)
            raise UsageError(
                f"keep={option!r}: no such option.{nearest(option, known)} Known: "
                f"{', '.join(known)}."
            )
        if self.dates not in get_args(Dates):
            raise UsageError(f"dates={self.dates!r}: must be one of {', '.join(get_args(Dates))}.")

    def columns(self, *, scrub: bool = True) -> tuple[str, ...]:
        """The columns of the table that hold besides the basic one, in a fixed order. scrub: there
        is a function that cleans text; without one the options that clean text do not hold, and
        what they would clean is removed."""
        chosen = [
            option
            for option in get_args(Option)
            if option in self.keep and (scrub or option not in _NEED_SCRUB)
        ]
        if self.dates != "remove":
            chosen.append(f"dates_{self.dates}")
        return tuple(chosen)

    def codes(self, *, scrub: bool = True) -> tuple[tuple[str, str], ...]:
        """(code, meaning) of CID 7050 for 0012,0064: the Basic Profile, then the options that hold.
        Clean Pixel Data is none of them: who cleaned pixels says so (``stamps.stamp_pixels``)."""
        names = [name for name in self.columns(scrub=scrub) if name != "pixels"]
        return tuple(CODES[name] for name in ("basic", *names))
