"""What a raster file may lead to: its own folder, and nothing that runs code or opens a connection.

GDAL opens what a file names: the sources of a VRT may be any file of the machine, an URL inside a
network, a database or Python code, and a file with any name may hold such a VRT (GDAL, "Security
considerations", https://gdal.org/en/stable/user/security.html). So local files are opened by
drivers of plain data alone, and the sources of a VRT must lie beside or below it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from domainclip.errors import BadInput

from .xml import parse_xml, read_xml

__all__ = ["DRIVERS", "check_local", "check_no_python", "check_opened", "local_file"]

# Drivers that read pixels from the file itself or from files named like it. Left out are those
# that go where a file says: web services (WMS, WCS, STACIT, ...), catalogues (GTI, ECRGTOC), MRF.
DRIVERS = [
    "GTiff", "VRT", "JPEG", "PNG", "GIF", "BIGGIF", "BMP", "WEBP", "JP2OpenJPEG", "JP2KAK",
    "JP2ECW", "JP2MrSID", "JPEGXL", "netCDF", "HDF5", "HDF5Image", "HDF4", "HDF4Image", "GRIB",
    "BAG", "S102", "S104", "S111", "Zarr", "NITF", "HFA", "ENVI", "EHdr", "PCIDSK", "ERS",
    "AAIGrid", "GRASSASCIIGrid", "AIG", "RST", "SAGA", "RRASTER", "USGSDEM", "DTED", "SRTMHGT",
    "GSAG", "GSBG", "GS7BG", "XYZ", "ISIS3", "ISIS2", "PDS", "VICAR", "FITS", "GPKG", "MBTiles",
    "SGI", "PNM", "TGA", "XPM", "SENTINEL2", "CEOS", "SAR_CEOS", "ILWIS", "PCRaster", "RMF",
    "TIL", "DIMAP", "TSX", "RS2", "SNAP_TIFF",
]  # fmt: skip
# Metadata files that a driver of products opens, by what they are called.
PRODUCT_XML = re.compile(r"(MTD_|S2[A-D]_|DIM_|VOL_|TS[XD]X?1_|product\.xml$).*", re.IGNORECASE)
VRT_DEPTH = 8
# elements of a VRT that name a file: https://gdal.org/en/stable/drivers/raster/vrt.html
_NAMES_A_FILE = {
    "SourceFilename", "SourceDataset", "Filename", "DEMPath", "XDataset", "YDataset",
}  # fmt: skip
_KEY_OF_A_FILE = re.compile(r"DATASET|FILENAME|_FILE$|DEM$|DSNAME", re.IGNORECASE)
# elements of products' metadata that name a file, and names that lead out of the folder
_OF_A_FILE = re.compile(r"(?!.*URL$).*(FILE|IMAGE|PATH|LOCATION|GRANULE|LOOKUP|URI)", re.IGNORECASE)
_ELSEWHERE = re.compile(r"^[/\\<]|(^|[/\\])\.\.([/\\]|$)|^[A-Za-z]\w+:\S|/vsi\w+/")
_REFUSED = {"VRTRawRasterBand", "PixelFunctionCode"}
_SUBDATASET = re.compile(r"^[A-Za-z0-9_]{2,}:(?:\"(?P<quoted>[^\"]+)\"|(?P<plain>[^:\"]+))(?::|$)")


def local_file(path: str) -> Path | None:
    """The file that a path or the name of a subdataset is about, where there is one."""
    plain = Path(path)
    try:
        if plain.exists():
            return plain
    except (OSError, ValueError):  # the XML of a VRT is too long for a name
        return None
    found = _SUBDATASET.match(path)
    inner = Path(found["quoted"] or found["plain"]) if found else None
    return inner if inner is not None and inner.exists() else None


def check_local(path: str) -> None:
    """Raises BadInput where a local file would lead GDAL out of its folder."""
    file = local_file(path)
    if file is None or not file.is_file():
        return
    folder = file.resolve().parent
    _check_file(file, folder, 0)
    for ending in (".ovr", ".OVR", ".msk", ".MSK"):
        # GDAL takes these for overviews and masks whatever they hold, a VRT included
        beside = file.with_name(file.name + ending)
        if beside.is_file():
            _check_file(beside, folder, 1)


def check_opened(name: str, dataset: Any) -> None:
    """Raises BadInput for an open raster whose overviews, by its metadata or a side file, lie
    elsewhere. GDAL itself names them for a Sentinel-2 product: beside its metadata file."""
    for place in (dataset.tags(ns="OVERVIEWS"), *_band_tags(dataset)):
        named = place.get("OVERVIEW_FILE", "")
        if not named:
            continue
        file = local_file(name)
        beside = named.removeprefix(":::BASE:::") if named.startswith(":::BASE:::") else ""
        if dataset.driver == "SENTINEL2" and file and Path(named).parent == file.parent:
            beside = Path(named).name
        if not (beside and _stays(beside)):
            raise BadInput(
                f"{name}: names {named!r} as the file of its overviews, which does not lie beside "
                "it; remove this entry from its metadata or its .aux.xml."
            )
        if file and _is_file(file.with_name(beside)):
            _check_file(file.with_name(beside), file.resolve().parent, 1)


def check_no_python(name: str, dataset: Any) -> None:
    """Raises BadInput for an open VRT, trusted too, with a pixel function in Python: it is never
    run, so that nothing can be read. Also where a VRT that it names has one."""
    text = dataset.tags(ns="xml:VRT").get("xml:VRT", "") if dataset.driver == "VRT" else ""
    if text:
        named = local_file(name)
        shown, folder = (named.name, named.parent) if named else (name[:80], Path())
        _check_no_python(shown, parse_xml(text, shown), folder, 0)


def _check_no_python(name: str, root: Any, folder: Path, depth: int) -> None:
    for element in root.iter():
        text = (element.text or "").strip()
        if element.tag == "PixelFunctionLanguage" and text.lower() == "python":
            raise BadInput(
                f"{name}: computes its pixels by Python code, which is never run here; make a "
                "GeoTIFF of it first: GDAL_VRT_ENABLE_PYTHON=YES gdal_translate."
            )
        if element.tag == "SourceFilename" and depth < VRT_DEPTH and text.endswith(".vrt"):
            relative = element.get("relativeToVRT", "0").strip() == "1"
            source = folder / text if relative else Path(text)
            if _is_file(source):
                _check_no_python(source.name, read_xml(source), source.parent, depth + 1)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # inline XML is too long for a name
        return False


def _band_tags(dataset: Any) -> list[dict[str, str]]:
    return [dataset.tags(band, ns="OVERVIEWS") for band in dataset.indexes[:1]]


def _stays(name: str) -> bool:
    parts = re.split(r"[/\\]", name)
    return len(parts) == 1 and ":" not in name


def _check_file(file: Path, folder: Path, depth: int) -> None:
    try:
        with file.open("rb") as opened:
            head = opened.read(1024)
    except OSError as error:
        raise BadInput(f"{file.name}: cannot be read ({error}).") from error
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] == b"{":
        raise BadInput(f"{file.name}: is JSON and no raster.")
    if file.suffix.lower() == ".vrt" or b"<VRTDataset" in head:
        _check_vrt(file, folder, depth)
    elif start[:1] == b"<":
        if not PRODUCT_XML.match(file.name):
            raise BadInput(f"{file.name}: is XML and no raster; only VRT is read from XML.")
        _check_product(file)


def _check_product(file: Path) -> None:
    for element in read_xml(file).iter():
        if not _OF_A_FILE.match(str(element.tag).rpartition("}")[2]):
            continue
        for named in (element.text or "", *element.attrib.values()):
            if _ELSEWHERE.search(named.strip()):
                raise BadInput(
                    f"{file.name}: names {named.strip()[:80]!r} as one of its files, which does "
                    "not lie below it."
                )


def _check_vrt(file: Path, folder: Path, depth: int) -> None:
    if depth > VRT_DEPTH:
        raise BadInput(f"{file.name}: VRT files that name each other, {VRT_DEPTH} deep.")
    for element in read_xml(file).iter():
        tag, text = element.tag, (element.text or "").strip()
        kind = element.get("subClass") or tag
        if kind in _REFUSED or text in _REFUSED:
            raise BadInput(
                f"{file.name}: a VRT with {kind} is not opened, since that reads raw bytes or "
                "runs code; convert it with gdal_translate first."
            )
        key = element.get("name") or element.get("key") or ""
        if text and (tag in _NAMES_A_FILE or _KEY_OF_A_FILE.search(key)):
            relative = element.get("relativeToVRT", "0").strip() == "1"
            _check_source(file, folder, text, file.parent if relative else Path.cwd(), depth)


def _check_source(file: Path, folder: Path, named: str, base: Path, depth: int) -> None:
    found = _SUBDATASET.match(named)
    inner = (found["quoted"] or found["plain"]) if found else named
    try:
        target = (base / inner).resolve()
        held = "://" not in named and target.is_relative_to(folder) and target.exists()
    except (OSError, ValueError):  # inline XML is too long for a name
        held = False
    if not held:
        raise BadInput(
            f"{file.name}: names {named[:80]!r}, which does not lie in the VRT's own folder; make "
            "a VRT beside its sources, or a GeoTIFF of it with gdal_translate."
        )
    if target.is_file():
        _check_file(target, folder, depth + 1)
