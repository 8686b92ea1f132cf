"""One article's package to pairs: read its forms, join them, picture each figure, write it down."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domainclip.errors import BadInput
from domainclip.extraction import Source
from domainclip.pairs import Pair, Skip

from .jats.article import parse_jats
from .latex.article import parse_latex
from .licences import allows, spdx_of
from .merging import Merged, filled, merge
from .package import Package
from .pairing import Piece, pair_of
from .pdf.article import read_document
from .pdf.opening import open_pdf
from .picturing import files_of, pieces_of, shows_all
from .records import Article, Figure, Form
from .sources.packages import open_package

if TYPE_CHECKING:
    from . import Papers

__all__ = ["pairs_of"]

# what of an article gives pairs only where the options ask for it
_ON_REQUEST = {"table": "tables", "supplementary": "supplementary", "video": "supplementary"}


@dataclass(slots=True)
class _Opened:
    """What an article's forms say, and its open PDF, if it has one that can be read.

    content: what stays the same wherever the PDF lies, of one without any number.
    """

    articles: dict[Form, Article]
    document: Any | None
    skips: list[Skip]
    content: str = ""


def pairs_of(options: Papers, source: Source) -> Iterator[Pair | Skip]:
    """The pairs of one source, and a Skip for each figure without one.

    Raises BadInput where the package cannot be opened.
    """
    with ExitStack() as stack:
        opening = open_package(source, keep=_kept(options))
        if isinstance(opening, Skip):
            yield opening
            return
        package = stack.enter_context(opening)
        yield from package.problems
        opened = _read_forms(options, package, stack)
        yield from opened.skips
        if not opened.articles:
            return
        article, figures = merge(opened.articles)
        article = _with_meta(article, package.meta)
        if article.retracted and not options.retracted:
            yield Skip(where=package.name, reason="retracted", quarantine=False)
            return
        if not figures:
            yield Skip(where=package.name, reason="no_figures", quarantine=False)
        elif _text_alone(opened, package):
            yield Skip(
                where=package.name,
                reason="no_images",
                detail=f"{package.name}: has {len(figures)} figures and no image file; put the "
                "package's images or the article's PDF beside it.",
            )
            return
        group = _group(article, opened.content or package.name)
        for merged in figures:
            yield from _pairs_of_figure(options, merged, article, package, group, opened.document)


def _read_forms(options: Papers, package: Package, stack: ExitStack) -> _Opened:
    """Read an article's forms; one that cannot be read is a Skip, and the others count.

    The PDF is read where the other forms leave something for it to show: most packages do not.
    """
    opened = _Opened({}, None, [])
    for form, name in package.main.items():
        if form == "jats":
            with _noted(opened, package, "bad_jats"):
                opened.articles["jats"] = parse_jats(package.read(name), _shown(package, name))
        elif form == "latex":
            with _noted(opened, package, "bad_latex"):
                opened.articles["latex"] = parse_latex(
                    package.files, package.read, name, package.name
                )
    if "pdf" in package.main and _needs_pdf(options, opened.articles, package):
        name = package.main["pdf"]
        with _noted(opened, package, "bad_pdf"):
            data = package.read(name)
            document = stack.enter_context(open_pdf(data, _shown(package, name)))
            opened.content = f"pdf-{hashlib.sha256(data).hexdigest()[:16]}"
            article = read_document(document, tables=options.tables, ocr=options.ocr)
            opened.articles["pdf"], opened.document = article, document
            opened.skips.extend(_problems(article, package))
    return opened


@contextmanager
def _noted(opened: _Opened, package: Package, reason: str) -> Iterator[None]:
    try:
        yield
    except BadInput as error:
        reason = getattr(error, "reason", reason)
        opened.skips.append(Skip(where=package.name, reason=reason, detail=str(error)))


def _problems(article: Article, package: Package) -> Iterator[Skip]:
    """One Skip for each class of what could not be read, with its first case."""
    first: dict[str, list[str]] = {}
    for problem in article.problems:
        reason, _, sentence = problem.partition(": ")
        if not reason.isidentifier():
            reason, sentence = "damaged_page", f"{problem.rstrip('.')}."
        first.setdefault(reason, []).append(sentence)
    for reason, sentences in first.items():
        more = f" ({len(sentences) - 1} more pages likewise.)" if len(sentences) > 1 else ""
        yield Skip(
            where=package.name, reason=reason, detail=f"{package.name}: {sentences[0]}{more}"
        )


def _needs_pdf(options: Papers, articles: Mapping[Form, Article], package: Package) -> bool:
    form: Form = "jats" if "jats" in articles else "latex"
    if form not in articles or not articles[form].figures:
        return True
    return any(
        not shows_all(figure, *files_of(figure, form, package))
        for figure in articles[form].figures
        if not _left_out(options, figure, articles[form])
    )


def _shown(package: Package, name: str) -> str:
    """A file for messages; a loose one bears its article's name already."""
    folder, _, own = package.name.rpartition("/")
    beside = f"{folder}/{name}" if folder else name
    return beside if name.startswith(f"{own}.") else f"{package.name}/{name}"


def _text_alone(opened: _Opened, package: Package) -> bool:
    """Whether a text came without anything that could show a figure."""
    return "pdf" not in package.main and not any(
        files_of(figure, form, package)[0]
        for form, article in opened.articles.items()
        for figure in article.figures
    )


def _kept(options: Papers) -> frozenset[str]:
    return frozenset({"retracted"}) if options.retracted else frozenset()


def _with_meta(article: Article, meta: Mapping[str, str]) -> Article:
    """The article with what the archive says of it and the article itself does not."""
    ids = {kind: meta[kind] for kind in ("pmcid", "pmid", "doi", "arxiv") if meta.get(kind)}
    license = meta.get("license_code") or meta.get("license", "")
    said = Article(
        form=article.form,
        title=meta.get("title", ""),
        ids=ids,
        license=spdx_of(license) if license else "",
        license_text=license,
    )
    return filled(article, said)


def _group(article: Article, otherwise: str) -> str:
    """What stays the same in every version, form and place of an article."""
    ids = article.ids
    known = (ids[kind] for kind in ("pmcid", "doi", "arxiv", "pmid") if ids.get(kind))
    return next(known, otherwise)


def _pairs_of_figure(
    options: Papers,
    merged: Merged,
    article: Article,
    package: Package,
    group: str,
    document: Any | None,
) -> Iterator[Pair | Skip]:
    figure = merged.figure
    where = f"{package.name} {figure.label or figure.id}"
    left_out = _left_out(options, figure, article)
    if left_out:
        yield Skip(where=where, reason=left_out, quarantine=False)
        return
    for piece in pieces_of(
        merged, package, document, dpi=options.dpi, max_px=options.max_px, where=where
    ):
        if isinstance(piece, Skip):
            yield piece
            continue
        panels = _panels(options, merged, piece, document)
        for each in [piece, *panels] if options.panels == "also" or not panels else panels:
            yield pair_of(
                each,
                merged,
                article,
                document=package.name,
                group=group,
                source=f"papers {options.version}",
                license=figure_license(figure, article),
                kinds=options.kinds,
                min_px=options.min_px,
            )


def figure_license(figure: Figure, article: Article) -> str:
    """The figure's own licence; of somebody else's figure without one, nothing is known."""
    if figure.license:
        return figure.license
    return "unknown" if figure.third_party else article.license or "unknown"


def _left_out(options: Papers, figure: Figure, article: Article) -> str:
    """Why a figure gives no pair under these options; empty where it may."""
    asked = _ON_REQUEST.get(figure.kind)
    if asked and not getattr(options, asked):
        return f"{figure.kind}_not_asked_for"
    if not allows(figure_license(figure, article), options.license):
        return "license_not_allowed"
    own = figure.caption.removeprefix(figure.label)  # some publishers print the label in it
    if sum(letter.isalnum() for letter in own) < options.min_caption:
        return "no_caption"
    return ""


def _panels(options: Papers, merged: Merged, piece: Piece, document: Any | None) -> list[Piece]:
    if options.panels == "no":
        return []
    from .panels.pieces import panels_of

    box = merged.shown.box if merged.shown else None
    return list(panels_of(merged.figure, piece, document, box))
