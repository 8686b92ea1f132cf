"""Every study of an archive as a source, by its pseudonym; and which file each name stands for."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from domainclip.errors import BadInput
from domainclip.extraction import Source

from .checks import columns_of
from .copies import check_places
from .naming import Naming, naming_of
from .quiet import quiet
from .records import Place, StudyFiles
from .series.geometry import is_whole_slide
from .sources.finding import find_studies
from .study import MAX_FILE_BYTES, header_of, image_name

if TYPE_CHECKING:
    from . import Dicom

__all__ = ["names_of", "sources_of", "studies_of"]

_LOUD = (
    "IDENTIFIERS ARE KEPT: names, dates, numbers and UIDs of patients go into the pairs as they "
    "are. Treat them as you treat the archive itself."
)


def sources_of(options: Dicom, roots: Sequence[str]) -> Iterator[Source]:
    """One source a study. Raises BadInput (no such file, nothing found), UsageError."""
    if options.keep_identifiers:
        print(_LOUD, file=sys.stderr)
    check_places(options, roots)
    naming = naming_of(options, options.key_check)
    for study in studies_of(options, roots):
        first = (*study.images, *(each.place for each in study.reports))
        path = first[0].path if first else study.refused[0].place.path
        yield Source(naming.study(study, roots), path, study.part())


def studies_of(options: Dicom, roots: Sequence[str]) -> Iterator[StudyFiles]:
    """The studies themselves."""
    yield from find_studies(
        roots, reports=options.reports, columns=columns_of(options), limit_bytes=MAX_FILE_BYTES
    )


def names_of(options: Dicom, roots: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(name, file) of every study's images, reports and refused files, as pairs, errors and skips
    name them. A file that cannot be read has its name too."""
    naming = naming_of(options, options.key_check)
    for study in studies_of(options, roots):
        source = naming.study(study, roots)
        with quiet():
            for place in study.images:
                yield f"{source}/{_image(place, naming)}", place.path
        for link in study.reports:
            yield f"{source}/{naming.file(link.place)}", link.place.path
        for refused in study.refused:
            yield f"{source}/{naming.file(refused.place)}", refused.place.path


def _image(place: Place, naming: Naming) -> str:
    """An image's name in its study; of a file that gives no pair, the name of its skip."""
    whole = naming.file(place)
    try:
        header = header_of(place)
    except (BadInput, OSError):
        return whole
    if header is not None and is_whole_slide(header):
        return whole
    return image_name(place, header, naming)
