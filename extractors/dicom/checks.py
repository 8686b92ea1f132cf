"""The options of the DICOM extractor, refused while the user is still there to mend them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from domainclip.errors import UsageError, nearest
from domainclip.images.voi import PRESETS

from .reports.findings import read_findings
from .reports.headings import SECTION_NAMES, read_headings

if TYPE_CHECKING:
    from . import Dicom

__all__ = ["check_options", "columns_of"]

# PS3.15's options that a user may choose; the others follow from what is asked for
_KEEP = ("uids", "device", "institution", "patient", "private", "descriptors")
_ROLES = ("image", "sop", "study", "series", "accession", "patient", "text", "label", "caption")
_CHOICES = {
    "captions": ("either", "report", "header"),
    "slices": ("auto", "key", "spaced", "middle", "all"),
    "format": ("png", "jpeg"),
    "dates": ("remove", "shift", "keep"),
    "burned_in": ("blank", "quarantine", "keep"),
}


def check_options(options: Dicom) -> None:
    """Raises UsageError for the first option that cannot be."""
    for name, known in _CHOICES.items():
        _one_of(name, getattr(options, name), known)
    for word in options.keep:
        _one_of("keep", word, _KEEP)
    if not options.text:
        raise UsageError("text is empty; give sections in the order in which you prefer them.")
    for word in options.text:
        _one_of("text", word, (*SECTION_NAMES, "caption", "report", "header"))
    columns_of(options)
    for name, least, most in (
        ("per_series", 1, 100_000),
        ("quality", 1, 95),
        ("max_mpx", 1, 100_000),
    ):
        value = getattr(options, name)
        if not least <= value <= most:
            raise UsageError(f"{name}={value}: must be from {least:,} to {most:,}.")
    if options.max_px and options.max_px < 16:
        raise UsageError(f"max_px={options.max_px}: must be at least 16, or 0 to keep the size.")
    _check_window(options.window)
    if options.spacing_mm is not None and not (options.volumes and 0 < options.spacing_mm < 1e3):
        raise UsageError(
            f"spacing_mm={options.spacing_mm:g}: goes with --volumes DIR; in mm, more than 0."
        )
    for name in ("reports", "headings", "findings"):
        path = getattr(options, name)
        if path and not Path(path).exists():
            raise UsageError(f"{name}={path!r}: no such file or folder.")
    if options.columns and not options.reports:
        raise UsageError("columns are those of the table that --reports names; give it too.")
    if options.headings:
        read_headings(Path(options.headings))
    if options.findings:
        read_findings(Path(options.findings))
    if options.keep_identifiers and (options.keep or options.dates != "remove" or options.copies):
        raise UsageError(
            "keep_identifiers keeps everything and de-identifies nothing; leave keep, dates and "
            "copies out, or leave keep_identifiers out."
        )


def columns_of(options: Dicom) -> dict[str, str]:
    """role -> column of the options' ``columns``. Raises UsageError."""
    found = {}
    for word in options.columns:
        role, equals, column = word.partition("=")
        if not equals or not column:
            raise UsageError(f"columns={word!r}: give role=column, as image=file_name.")
        if role not in (*_ROLES, *SECTION_NAMES):
            known = ", ".join((*_ROLES, *SECTION_NAMES))
            raise UsageError(
                f"columns={word!r}: {role!r} is no role.{nearest(role, (*_ROLES, *SECTION_NAMES))} "
                f"Known: {known}."
            )
        found[role] = column
    return found


def _check_window(window: str) -> None:
    parts = window.split("+")
    if len(parts) not in (1, 3):
        raise UsageError(f"window={window!r}: give one window, or three as lung+brain+bone.")
    if len(parts) == 1 and window in ("auto", "minmax", "three"):
        return
    for part in parts:
        if part in PRESETS or re.fullmatch(r"file:\d{1,3}", part):
            continue
        if re.fullmatch(r"-?\d+(\.\d+)?/\d+(\.\d+)?", part) and float(part.split("/")[1]) > 0:
            continue
        raise UsageError(
            f"window={part!r}: is no window.{nearest(part, PRESETS)} Give auto, minmax, three, "
            f"file:0, centre/width as 40/400, or one of {', '.join(PRESETS)}."
        )


def _one_of(name: str, value: str, known: Iterable[str]) -> None:
    names = tuple(known)
    if value not in names:
        raise UsageError(
            f"{name}={value!r}: is not known.{nearest(value, names)} Choose from "
            f"{', '.join(names)}."
        )
