"""The pictures of a figure: the package's own files where they are there, else the PDF's region."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Any

from domainclip.errors import BadInput
from domainclip.pairs import Skip

from .graphics import graphic_file, picture_of_graphic
from .hrefs import match_href
from .merging import Merged
from .package import Package
from .pairing import Piece
from .pdf.pictures import picture_of
from .records import Box, Figure, Form, Graphic

__all__ = ["files_of", "pieces_of", "shows_all"]


def pieces_of(
    merged: Merged, package: Package, document: Any | None, *, dpi: int, max_px: int, where: str
) -> Iterator[Piece | Skip]:
    """The pictures of one figure, in reading order; where there is none, a Skip that says why.

    document: the package's open PDF, if it has one. A figure of several files, or one that has
    more to it than its files (TikZ over a photograph: its note says so), is one picture where the
    PDF shows the whole of it; else each file is a picture of its own.
    """
    found, absent = files_of(merged.figure, merged.form, package)
    box = merged.shown.box if merged.shown is not None else None
    whole = shows_all(merged.figure, found, absent)
    if found and (whole or box is None or document is None):
        for number, (graphic, name) in enumerate(found, 1):
            part = "" if len(found) == 1 else str(number)
            yield from _from_file(package, graphic, name, part, dpi, max_px, where)
        for href in absent:
            detail = f"the file {href!r} that the text names is not in the package"
            yield Skip(where=where, reason="no_file", detail=f"{package.name}: {detail}.")
        return
    if box is not None and document is not None:
        yield from _from_page(package, document, box, dpi, max_px, where)
        return
    yield _without_picture(merged, package, absent, where)


def shows_all(figure: Figure, found: Sequence[tuple[Graphic, str]], absent: Sequence[str]) -> bool:
    """Whether a figure's files are one picture that is the whole of it."""
    return len(found) == 1 and not absent and not figure.note


def files_of(
    figure: Figure, form: Form, package: Package
) -> tuple[list[tuple[Graphic, str]], list[str]]:
    """The package's files of a figure's graphics, and the names that are not in it."""
    found: list[tuple[Graphic, str]] = []
    absent: list[str] = []
    for graphic in figure.graphics:
        name = _file(graphic, form, package)
        if name is None:
            absent.append(graphic.href)
        elif name not in [known for _, known in found]:
            found.append((graphic, name))
    return found, absent


def _file(graphic: Graphic, form: Form, package: Package) -> str | None:
    if form == "latex":
        return graphic_file(graphic, package.files)
    folder = posixpath.dirname(package.main.get(form, ""))
    near = posixpath.join(folder, graphic.href) if folder else graphic.href
    return match_href(near, package.files) or match_href(graphic.href, package.files)


def _from_file(
    package: Package, graphic: Graphic, name: str, part: str, dpi: int, max_px: int, where: str
) -> Iterator[Piece | Skip]:
    try:
        picture = picture_of_graphic(graphic, package.read(name), name, dpi=dpi, max_px=max_px)
    except BadInput as error:
        yield Skip(where=where, reason="no_picture", detail=str(error))
        return
    yield Piece(
        picture.data,
        name,
        "file" if picture.how == "original" else picture.how,
        dpi=None if picture.how == "original" else dpi,
        part=part,
        note=picture.note,
    )


def _from_page(
    package: Package, document: Any, box: Box, dpi: int, max_px: int, where: str
) -> Iterator[Piece | Skip]:
    try:
        picture = picture_of(document, box, dpi=dpi, max_px=max_px)
    except BadInput as error:
        yield Skip(where=where, reason="no_picture", detail=str(error))
        return
    yield Piece(
        picture.data,
        package.main["pdf"],
        picture.how,
        dpi=dpi if picture.how == "rendered" else None,
        note=picture.note,
    )


def _without_picture(merged: Merged, package: Package, absent: list[str], where: str) -> Skip:
    if absent:
        names = ", ".join(map(repr, absent[:3]))
        detail = f"{package.name}: {names}: named in the text, but not in the package"
        reason = "no_file"
    elif merged.form == "pdf":
        detail = f"{package.name}: no region of the PDF goes with this caption"
        reason = "no_region"
    else:
        detail = f"{package.name}: the text names no image file"
        reason = "no_graphic"
    if merged.form != "pdf":
        found = "shows no such figure" if "pdf" in package.main else "is not there"
        detail += f", and the article's PDF {found}"
    return Skip(where=where, reason=reason, detail=detail + ".")
