"""The picture files of LaTeX sources: which one a name means, and its picture as PNG or JPEG."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Sequence
from functools import lru_cache

from domainclip.errors import BadInput
from domainclip.images.encoded import decoded, web_image

from ._drawn import drawn_pdf, drawn_svg, turned
from .latex.tree import path_inside
from .pdf.pictures import Picture
from .postscript import drawn_postscript, preview
from .records import Graphic

__all__ = ["graphic_file", "picture_of_graphic"]

# What TeX engines try where a name has no extension: those that can be shown come first
_SUFFIXES = (".pdf", ".png", ".jpg", ".jpeg", ".jpe", ".svg", ".gif", ".tif", ".tiff", ".webp",
             ".bmp", ".eps", ".ps", ".epsi", ".epsf", ".eps.gz", ".ps.gz", ".mps")  # fmt: skip
_KNOWN = frozenset((*_SUFFIXES, ".pdf_tex", ".gz", ".ai", ".jp2"))
_POSTSCRIPT = (".eps", ".ps", ".epsi", ".epsf", ".gz")


def graphic_file(
    graphic: Graphic, files: Collection[str], graphics_paths: Sequence[str] = ()
) -> str | None:
    """The file of a package that a picture's name means; None where it is not there.

    graphics_paths: folders of \\graphicspath, looked in after the top. A missing extension is
    found as TeX would, whatever the case; a file that lies in another folder than it says counts
    if it is the only one of its name. Where an EPS is named and a PDF of the same name is there,
    that is taken: it is what was printed, and it can be shown without Ghostscript.
    """
    names = _names(files if isinstance(files, frozenset) else frozenset(files))
    places = [
        place
        for folder in ("", *graphics_paths)
        if (place := path_inside(graphic.href, folder or "")) is not None
    ]
    for place in places:
        for wanted in _candidates(place):
            found = names.get(wanted.lower())
            if found:
                return wanted if wanted in found else found[0]
    for place in places[:1]:
        for wanted in _candidates(posixpath.basename(place)):
            found = names.get(f"*/{wanted.lower()}")
            if found and len(found) == 1:
                return found[0]
    return None


def _candidates(place: str) -> list[str]:
    stem, extension = posixpath.splitext(place)
    if extension.lower() not in _KNOWN:
        return [place + suffix for suffix in _SUFFIXES] + [place]
    if extension == ".gz":
        stem = posixpath.splitext(stem)[0]
    if extension.lower() == ".pdf_tex":
        return [f"{stem}.pdf", f"{stem}.eps"]
    if extension == ".svg":  # the svg package ships what Inkscape made of it
        base = posixpath.basename(stem)
        made = [f"svg-inkscape/{base}_svg-{kind}.pdf" for kind in ("tex", "raw")]
        return [place, *made, *(stem + suffix for suffix in _SUFFIXES)]
    others = [stem + suffix for suffix in _SUFFIXES if suffix != extension]
    if extension.lower() in _POSTSCRIPT:
        converted = [f"{stem}-eps-converted-to.pdf", f"{stem}.pdf"]
        return [*converted, place, *others]
    # a dot may be part of the name: fig1.2 is fig1.2.pdf
    return [place, *others, *(place + suffix for suffix in _SUFFIXES[:4])]


@lru_cache(maxsize=4)
def _names(files: frozenset[str]) -> dict[str, list[str]]:
    """Files by their path, and by ``*/`` and their name, in lower case."""
    names: dict[str, list[str]] = {}
    for path in sorted(files):
        names.setdefault(path.lower(), []).append(path)
        names.setdefault(f"*/{posixpath.basename(path).lower()}", []).append(path)
    return names


def picture_of_graphic(
    graphic: Graphic, data: bytes, filename: str, *, dpi: int = 150, max_px: int = 4096
) -> Picture:
    """The picture of a file's bytes.

    PNG and JPEG as they are; GIF, TIFF, WebP and BMP as lossless PNG; PDF, SVG and PostScript drawn
    at ``dpi`` on white, no side longer than ``max_px``. page, trim and angle of ``graphic`` are
    obeyed where something is drawn. What a file is tells its content, not its name. PostScript
    takes Ghostscript (``gs``) where that is installed, else the file's own preview.

    Raises BadInput: damaged, too large, of no known format, no Ghostscript.
    """
    if not data:
        raise BadInput(f"{filename}: the file is empty; get the article's source again.")
    if data[:5] == b"%PDF-" or b"%PDF-" in data[:1024]:
        return drawn_pdf(graphic, data, filename, dpi=dpi, max_px=max_px)
    if data[:4] in (b"%!PS", b"\xc5\xd0\xd3\xc6") or data[:2] in (b"%!", b"\x04%", b"\x1f\x8b"):
        shown = drawn_postscript(graphic, data, filename, dpi=dpi, max_px=max_px)
        return shown if shown is not None else preview(data, filename)
    if b"<svg" in data[:4096]:
        return drawn_svg(graphic, data, filename, dpi=dpi, max_px=max_px)
    return _image(graphic, data, filename)


def _image(graphic: Graphic, data: bytes, filename: str) -> Picture:
    try:
        image = decoded(data)
        kept = web_image(data, image)
    except ValueError as error:
        raise BadInput(f"{filename}: {error}; open it and save it as PNG.") from error
    note = "" if kept is data else f"{image.format} kept as PNG"
    if kept is data and image.format != "PNG":
        return turned(Picture(data, "JPEG", *image.size, "original"), graphic.angle)
    return turned(Picture(kept, "PNG", *image.size, "original", note), graphic.angle)
