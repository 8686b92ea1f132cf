"""A raster of values laid over a scene: classes, masks, clouds."""

from __future__ import annotations

from typing import Any

from rasterio.enums import ColorInterp, Resampling
from rasterio.vrt import WarpedVRT

from domainclip.errors import BadInput

from .errors import GDAL_ERRORS, words_of
from .georeference import Georeference
from .scenes import Scene

__all__ = ["laid_over"]


def laid_over(raster: Scene, place: Georeference, scene: Scene, what: str) -> Any:
    """A raster's dataset on the pixels of a scene; both have a place, the raster's is ``place``.

    Itself where the pixels are the same (read in half the time), else by nearest neighbour, across
    CRSs to within an eighth of a pixel; what lies outside is masked. Raises BadInput, with
    ``what`` it is: ``class raster``.
    """
    source, other = raster.dataset, scene.place
    same_size = (raster.width, raster.height) == (scene.width, scene.height)
    if same_size and place.crs == other.crs and place.transform.almost_equals(other.transform):
        return source
    try:
        return WarpedVRT(
            source,
            src_crs=place.crs,
            src_transform=place.transform,
            crs=other.crs,
            transform=other.transform,
            width=scene.width,
            height=scene.height,
            resampling=Resampling.nearest,
            # without it, what lies outside would have the value 0
            add_alpha=source.nodata is None and ColorInterp.alpha not in source.colorinterp,
        )
    except GDAL_ERRORS as error:
        raise BadInput(
            f"{raster.name}: the {what} cannot be laid over {scene.name} ({words_of(error)})."
        ) from error
