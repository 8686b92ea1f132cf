"""What GDAL raises, and what it says."""

from __future__ import annotations

from rasterio._err import CPLE_BaseError
from rasterio.errors import CRSError, RasterioError

from domainclip.errors import BadInput

__all__ = ["GDAL_ERRORS", "Placeless", "ServerGone", "words_of"]

# What rasterio raises for a damaged file: its own errors, GDAL's that slip through, and text in a
# file's header, or a file's name, that is no text.
GDAL_ERRORS = (RasterioError, CRSError, CPLE_BaseError, UnicodeError)


class ServerGone(BadInput):
    """A server that answered before and does no longer; what it holds is not damaged."""


class Placeless(BadInput):
    """A scene without a place, where one is needed."""


def words_of(error: BaseException) -> str:
    """What GDAL said, in one line without a full stop."""
    while error.__cause__ is not None:  # rasterio says "see previous exception"
        error = error.__cause__
    return " ".join(str(error).split()).rstrip(".")
