"""Which file of a package a source's picture name means: ``g002`` -> ``images/g002.jpg``."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

__all__ = ["EXTENSIONS", "FileNames", "match_href"]

# In the order of preference where several files differ in nothing else
EXTENSIONS = ("jpg", "jpeg", "png", "webp", "tif", "tiff", "gif", "eps", "svg", "pdf", "bmp")
_KNOWN = frozenset(EXTENSIONS) | frozenset(
    ["jpe", "jfif", "jp2", "jpx", "ps", "ai", "wmf", "emf", "svgz", "heic", "avif", "dib"]
)


def match_href(href: str, files: Mapping[str, int]) -> str | None:
    """The file that a name means, or None; for many names of one package use ``FileNames``."""
    return FileNames(files).match(href)


class FileNames:
    """The files of one package (name -> size in bytes), ready to be asked for many names.

    The folder counts first (the very path, then one that ends so, then any folder), then the
    extension (as written, else jpg, jpeg, png, webp, tif, tiff, gif, eps, svg, pdf, bmp), then
    upper and lower case, then the larger file. Only pictures may have another extension than the
    source says: data.xlsx is data.xlsx. A gif that has a larger
    jpg or png beside it is PMC's thumbnail, and the larger one is meant.
    """

    def __init__(self, files: Mapping[str, int]) -> None:
        self._files = files
        self._by_stem: dict[str, list[str]] = {}
        for name in files:
            self._by_stem.setdefault(_stem(_base(name).lower()), []).append(name)

    def match(self, href: str) -> str | None:
        """The file that a name means, or None."""
        wanted = _clean(href)
        if not wanted:
            return None
        beside = self._by_stem.get(_stem(_base(wanted).lower()), [])
        found = min(beside, key=lambda name: self._rank(wanted, name), default=None)
        return None if found is None else self._full_size(found, beside)

    def _rank(self, wanted: str, name: str) -> tuple[int, int, int, int, str]:
        """Smaller is better: folder, extension, case, size."""
        extension, own = _extension(name), _extension(wanted)
        order = EXTENSIONS.index(extension) if extension in EXTENSIONS else len(EXTENSIONS)
        if extension == own:
            order = -1
        stem, wanted_stem = _stem(name), _stem(wanted)
        if stem.lower() == wanted_stem.lower():
            folder = 0
        else:
            folder = 1 if stem.lower().endswith("/" + wanted_stem.lower()) else 2
        return folder, order, int(not stem.endswith(wanted_stem)), -self._files[name], name

    def _full_size(self, found: str, beside: list[str]) -> str:
        if _extension(found) != "gif":
            return found
        stem = _stem(found)
        larger = [
            name
            for name in beside
            if _stem(name) == stem
            and _extension(name) in ("jpg", "jpeg", "png")
            and self._files[name] > self._files[found]
        ]
        return max(larger, key=lambda name: (self._files[name], name), default=found)


def _clean(href: str) -> str:
    """Without URL parts: ``info:doi/10.1371/x.g001`` and ``https://host/x.jpg?v=1`` -> the name."""
    href = href.strip().replace("\\", "/")
    scheme, colon, rest = href.partition(":")
    if colon and len(scheme) > 1 and scheme.isalpha():
        href = _base(rest.partition("?")[0].partition("#")[0])
    if "%" in href:
        href = unquote(href)
    while href.startswith("./"):
        href = href[2:]
    return href.lstrip("/")


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _extension(name: str) -> str:
    """A picture's extension in lower case; names hold dots for other reasons too (x.g001)."""
    extension = _base(name).rpartition(".")[2].lower() if "." in name else ""
    return extension if extension in _KNOWN else ""


def _stem(name: str) -> str:
    extension = _extension(name)
    return name[: -len(extension) - 1] if extension else name
