"""Figure-caption pairs of papers: PubMed Central packages, JATS, arXiv sources, PDFs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from domainclip.catalogue import import_optional
from domainclip.extraction import Source
from domainclip.pairs import Pair, Skip

from .checks import check_options

if TYPE_CHECKING:
    from domainclip.pairs.page import Context

__all__ = ["Papers"]


@dataclass(frozen=True)
class Papers:
    """Figures with their captions, and the paragraphs that cite them, of every kind of paper.

    A source is a PDF, a JATS file, an arXiv or PubMed Central package, or a folder, list, zip or
    tar of them; local, http(s):// or s3://. Forms of one article are joined.
    license: keep figures that may be used so: any, commercial, or SPDX names such as CC0,CC-BY.
    tables: tables given as pictures too. supplementary: figures of supplements too.
    panels: no; also (each panel of a compound figure beside the whole); only (panels instead of the
    whole, where they can be told apart).
    kinds: of figures to keep, as plot,diagram: plot, diagram, microscopy, radiology, photograph,
    map, equation, table, other; by default all.
    dpi: at which vector graphics and pages are rendered. max_px: longest side of what is rendered.
    min_px: shortest side that a picture must have. min_caption: letters that a caption must have.
    since: only what an inventory says was changed on or after this day, as 2026-11-01.
    retracted: retracted articles too.
    ocr: language of scanned pages, as Tesseract calls it (eng, deu, eng+fra), which reads them
    where it is installed; empty leaves them out.
    """

    license: str = "any"
    tables: bool = False
    supplementary: bool = False
    panels: Literal["no", "also", "only"] = "no"
    kinds: tuple[str, ...] = ()
    dpi: int = 150
    max_px: int = 4096
    min_px: int = 32
    min_caption: int = 1
    since: str = ""
    retracted: bool = False
    ocr: str = "eng"

    version = "1"

    def __post_init__(self) -> None:
        """Raises UsageError for options that cannot be, before anything is made or read."""
        kinds = (kind.strip() for each in self.kinds for kind in each.split(","))
        object.__setattr__(self, "kinds", tuple(kind for kind in kinds if kind))
        check_options(self)

    def sources(self, root: str) -> Iterator[Source]:
        """One source an article. Raises BadInput (no such file), UsageError, MissingExtra."""
        from .sources.finding import find_sources

        yield from find_sources(root, since=self.since)

    def pairs(self, source: Source) -> Iterator[Pair | Skip]:
        """The figures of one article. Raises BadInput where none of its forms can be read."""
        # what a reader lacks is lacking for every article, and no fault of this one
        yield from import_optional(f"{__name__}.reading").pairs_of(self, source)

    @staticmethod
    def contexts(roots: Sequence[str], pairs: Sequence[Pair]) -> Iterator[tuple[str, Context]]:
        """(key, page with the figure's and the caption's boxes) of those that a PDF shows."""
        from .contexts import contexts_of

        return contexts_of(roots, pairs)
