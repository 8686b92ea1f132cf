"""The options of the papers extractor, refused while the user is still there to mend them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from domainclip.errors import UsageError
from domainclip.images.figure_kind import check_kinds

from .licences import check_policy
from .pdf.ocr import ocr_languages

if TYPE_CHECKING:
    from . import Papers

__all__ = ["check_options"]


def check_options(options: Papers) -> None:
    """Raises UsageError for the first option that cannot be."""
    check_policy(options.license)
    if options.panels not in ("no", "also", "only"):
        raise UsageError(f"panels={options.panels!r}: choose one of no, also, only.")
    check_kinds("kinds", options.kinds)
    for name, least in (("dpi", 20), ("max_px", 32), ("min_px", 0), ("min_caption", 0)):
        value = getattr(options, name)
        if value < least:
            raise UsageError(f"{name}={value}: must be at least {least}.")
    if options.dpi > 1200:
        raise UsageError(f"dpi={options.dpi}: more than 1200 is never in a paper.")
    known = ocr_languages() if options.ocr else ()
    for language in options.ocr.split("+") if known else ():
        if language not in known:
            raise UsageError(
                f"ocr={options.ocr!r}: Tesseract has no language {language!r} here; it has "
                f"{', '.join(known)}. Install its language data, or give one of these."
            )
    if options.since:
        try:
            date.fromisoformat(options.since)
        except ValueError as error:
            raise UsageError(f"since={options.since!r}: give a day as 2026-11-01.") from error
