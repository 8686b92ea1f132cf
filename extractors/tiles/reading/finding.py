"""The scenes under a path: of a folder every raster, of a container each of its rasters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath

from rasterio.drivers import raster_driver_extensions
from rasterio.env import Env

from domainclip.errors import BadInput, nearest

from ..records import Listed
from .errors import GDAL_ERRORS
from .remote import environment, is_remote, open_dataset, without_secrets
from .scenes import BUILT_IN
from .stores import files_of_store, is_store_folder
from .trust import DRIVERS, check_local

__all__ = ["is_folder", "is_raster_name", "scenes_of"]

# Names of rasters that GDAL's list of extensions lacks, since several drivers share them.
ALSO = {"vrt", "nc", "nc4", "cdf", "h5", "hdf5", "he5", "hdf", "h4", "jp2", "j2k", "jpx", "jxl",
        "bsq", "bip", "bil", "img", "ntf", "nitf", "tif", "tiff", "gtiff", "gtif"}  # fmt: skip
# Names that some raster driver lists and that are mostly something else: text, vectors, grids of
# shifts between datums. Such a scene can be named by itself.
MOSTLY_ELSE = {
    "xml", "pdf", "kml", "kmz", "dat", "map", "hdr", "err", "sqlite", "lbl", "gen", "gtx", "gsb",
    "gvb", "bt", "ter", "cal", "ct1", "rda", "xpm", "xyz", "mpl", "prf", "rsw", "grd", "rst",
    "pix", "rgb", "gpkg.zip",
}  # fmt: skip
CONTAINERS = {"nc", "nc4", "cdf", "h5", "hdf5", "he5", "hdf", "h4", "gpkg", "mbtiles"}
SENTINEL2 = ("MTD_MSIL1C.xml", "MTD_MSIL2A.xml")
ZARR = (".zgroup", ".zarray", ".zmetadata", "zarr.json")  # versions 2 and 3
LEAST_SIDE = 3  # bounds of a coordinate are n x 2 and no picture


def scenes_of(
    root: str,
    *,
    leave_out: Callable[[Path], bool] | None = None,
    subdatasets: tuple[str, ...] = (),
) -> Iterator[Listed]:
    """The scenes that a path stands for, in the order of their names, which are unique.

    root: a file, a URL, a path that GDAL takes, a built-in name or a folder, also one of an object
    store (s3://bucket/folder/, with the slash). Of a folder every
    raster below it, by its extension, without hidden files and folders, side files and previews of
    products; links are followed once. A NetCDF or HDF5 file or a Zarr store (a folder) gives a
    scene for each of its rasters, FILE:VARIABLE, a Sentinel-2 product one for each of its
    resolutions.

    leave_out: files of the folder that are something else, e.g. masks. subdatasets: only these
    variables of containers. Raises BadInput where there is no such file or folder, or nothing in
    it. What cannot be opened is listed as it is: opening it says why.
    """
    folder = Path(root)
    if root in BUILT_IN or root.lstrip().startswith("<"):
        yield Listed(root if root in BUILT_IN else "scene.vrt", root)
        return
    if is_folder(root):
        found = False
        for path in _files_below(folder, leave_out):
            name = path.relative_to(folder).as_posix()
            for listed in _inside(name if name != "." else folder.name, path, subdatasets):
                found = True
                yield listed
        if not found:
            raise BadInput(f"{root}: there is no raster that GDAL reads in this folder.")
        return
    if is_store_folder(root):
        names = [name for name in files_of_store(root) if is_raster_name(name)]
        if not names:
            raise BadInput(f"{root}: there is no raster that GDAL reads in this folder.")
        for name in names:
            yield from _inside(name, f"{root.rstrip('/')}/{name}", subdatasets)
        return
    if _is_plain(root) and not _exists(folder):
        raise BadInput(f"{root}: no such file, and no built-in scene.{nearest(root, BUILT_IN)}")
    yield from _inside(_name_of(root), root, subdatasets)


def is_folder(root: str) -> bool:
    """Is this a folder of this machine?"""
    return _exists(Path(root)) and Path(root).is_dir()


def is_raster_name(name: str) -> bool:
    """Is this what rasters are called? By the extension alone."""
    suffix = PurePosixPath(name).suffix.lower().lstrip(".")
    return suffix in _extensions()


@lru_cache(maxsize=1)
def _extensions() -> frozenset[str]:
    with Env():
        known = {ext for ext, driver in raster_driver_extensions().items() if driver in DRIVERS}
    return frozenset((known | ALSO) - MOSTLY_ELSE)


def _files_below(folder: Path, leave_out: Callable[[Path], bool] | None) -> Iterator[Path]:
    """Files, products and stores in the order of their paths; a product is a folder, as is a Zarr
    store."""
    yield from _walk(folder, leave_out, {folder.resolve()})


def _walk(
    folder: Path, leave_out: Callable[[Path], bool] | None, seen: set[Path]
) -> Iterator[Path]:
    try:
        entries = sorted(path.name for path in folder.iterdir())
    except OSError:  # not ours to read
        return
    if any(name in (*SENTINEL2, *ZARR) for name in entries):
        yield folder
        return
    radar = "manifest.safe" in entries  # previews of Sentinel-1 lie beside its measurements
    for name in ["measurement"] if radar and "measurement" in entries else entries:
        path = folder / name
        if name.startswith(".") or name == "__MACOSX":
            continue
        if path.is_dir():
            real = path.resolve()
            if real not in seen:  # links may lead round and round
                seen.add(real)
                yield from _walk(path, leave_out, seen)
        elif _is_raster(path, entries) and not (leave_out and leave_out(path)):
            yield path


def _is_raster(path: Path, beside: list[str]) -> bool:
    if is_raster_name(path.name):
        return path.is_file()
    # ENVI: a file of pixels with or without an extension, and a header of the same name
    if path.suffix.lower() in ("", ".dat", ".raw") and (
        f"{path.name}.hdr" in beside or f"{path.stem}.hdr" in beside
    ):
        header = path.with_name(f"{path.name}.hdr")
        header = header if header.is_file() else path.with_suffix(".hdr")
        try:
            with header.open("rb") as opened:
                return opened.read(4) == b"ENVI"
        except OSError:
            return False
    return False


def _inside(name: str, path: str | Path, subdatasets: tuple[str, ...]) -> Iterator[Listed]:
    """The file itself, or the rasters that it holds."""
    file = Path(path)
    if isinstance(path, Path) and file.is_dir():
        product = next((file / each for each in SENTINEL2 if (file / each).is_file()), file)
        yield from _members(name, str(product), subdatasets)
    elif file.suffix.lower().lstrip(".") in CONTAINERS or PurePosixPath(name).name in SENTINEL2:
        yield from _members(name, str(path), subdatasets)
    else:
        yield Listed(name, str(path))


def _members(name: str, path: str, subdatasets: tuple[str, ...]) -> Iterator[Listed]:
    try:
        check_local(path)
        with open_dataset(path, drivers=DRIVERS) as dataset, environment(path):
            inner, bands = list(dataset.subdatasets), dataset.count
    except BadInput:
        yield Listed(name, path)
        return
    except GDAL_ERRORS:
        # a GeoPackage of vectors is no raster; another damaged file is one that says so
        if not path.lower().endswith(".gpkg"):
            yield Listed(name, path)
        return
    if not inner:
        if bands:
            yield Listed(name, path)
        return
    names = _short_names(inner)
    for each in subdatasets:
        if each not in names:
            raise BadInput(
                f"{name}: holds no {each!r}; its rasters are {', '.join(names)}."
                f"{nearest(each, names)}"
            )
    for short, full in sorted(zip(names, inner, strict=True)):
        if (not subdatasets and _is_picture(full)) or short in subdatasets:
            yield Listed(f"{name}:{short}", full)


def _short_names(inner: list[str]) -> list[str]:
    """What follows the file in GDAL's names: ``netcdf:/a/b.nc:sst`` is ``sst``."""
    return [
        re.sub(r'^\w+:(?:"[^"]*"|(?:/vsi\w+/)?(?:https?://)?[^:]*):', "", each).lstrip("/")
        for each in inner
    ]


def _is_picture(path: str) -> bool:
    try:
        with open_dataset(path, drivers=DRIVERS) as dataset:
            return bool(min(dataset.width, dataset.height) >= LEAST_SIDE)
    except GDAL_ERRORS:
        return True  # opened again as a scene, it says why not


def _name_of(root: str) -> str:
    plain = without_secrets(root).rstrip("/").replace("\\", "/")
    return PurePosixPath(plain).name or plain


def _is_plain(root: str) -> bool:
    """Is it the path of a file, rather than something that GDAL takes apart itself?"""
    return not (is_remote(root) or root.startswith("/vsi") or "://" in root) and not re.match(
        r"[A-Za-z0-9_]{2,}:", root
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
