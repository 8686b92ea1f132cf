"""One article's files, opened from its source: a folder, an archive, members of one, a bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from domainclip.errors import BadInput
from domainclip.extraction import Source
from domainclip.extraction.archives.names import safe_name
from domainclip.pairs.schema import Skip

from ..package import Package
from .contents import Contents, MissingFile, folder_contents, member_contents
from .names import arxiv_id, last_name, stem
from .package_archives import archive_contents
from .places import is_url
from .pmc import BucketArticle, left_out, newest_version, read_about
from .registers import sidecar_meta

__all__ = ["ArticlePackage", "open_package"]

MOST_READ_BYTES = 4 << 30  # of one article, all its reads together


@dataclass(slots=True, kw_only=True)
class ArticlePackage:
    """A Package. problems: what of it cannot be used, for the record: each is quarantined."""

    name: str
    files: Mapping[str, int]
    main: Mapping[str, str]
    meta: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Skip, ...] = ()
    reader: Callable[[str], bytes]
    read_bytes: int = 0

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises BadInput (gone, damaged, over the limit, wrong md5)."""
        if name not in self.files:
            raise BadInput(f"{self.name}: {name!r} is not in the package.")
        data = self.reader(name)
        self.read_bytes += len(data)
        if self.read_bytes > MOST_READ_BYTES:
            raise BadInput(
                f"{self.name}: its files come to more than {MOST_READ_BYTES >> 30} GB; that is no "
                "article."
            )
        return data


def open_package(
    source: Source, *, keep: frozenset[str] = frozenset()
) -> Skip | AbstractContextManager[Package]:
    """The files of a source that ``find_sources`` gave, or the Skip of one that gives nothing.

    keep: articles that PMC's JSON says are "retracted", "historical_ocr" or of licence "tdm" are
    left out (a Skip that is counted, not quarantined) but for those named here. Entering the
    context raises BadInput where the article cannot be read. Nothing is written anywhere.
    """
    part = dict(source.part)
    if "refused" in part:
        return Skip(
            where=source.name,
            reason=part["refused"],
            detail=part.get("detail", ""),
            quarantine=bool(part.get("quarantine", True)),
        )
    meta = {str(key): str(value) for key, value in part.get("meta") or ()}
    about: BucketArticle | None = None
    folder = source.path
    if part.get("form") == "pmc" and not part.get("members"):
        name = source.name
        if "." not in name:
            base = folder.rpartition("/")[0] or "."
            name = newest_version(base, name)
            folder = f"{base}/{name}"
        about = read_about(folder, name)
        meta |= about.meta if about is not None else {}
    number = arxiv_id(last_name(source.name)) or arxiv_id(stem(source.path))
    if number and "arxiv" not in meta:
        meta["arxiv"] = number.partition("v")[0]
    if not is_url(source.path) and "license" not in meta and "license_code" not in meta:
        meta |= sidecar_meta(source.path, source.name)
    refused = left_out(meta, keep)
    if refused is not None:
        return Skip(where=source.name, reason=refused[0], detail=refused[1], quarantine=False)
    return _opened(source, folder, part, meta, about)


@contextmanager
def _opened(
    source: Source,
    folder: str,
    part: dict[str, Any],
    meta: dict[str, str],
    about: BucketArticle | None,
) -> Iterator[Package]:
    with ExitStack() as stack:
        contents = _contents(stack, source, folder, part, about)
        main = {str(form): str(name) for form, name in part.get("main") or ()}
        if part.get("form") == "folder":  # whose files the package calls by safe names
            main = {form: safe_name(name)[0] for form, name in main.items()}
        for name in part.get("archives") or ():
            inner = contents.taken(name)
            packed, told = archive_contents(stack, inner, name)
            contents.add(packed)
            main = {**told, **main}
        if part.get("form") == "pmc":
            main = _bucket_main(contents, folder if not part.get("members") else source.name)
        main = {**contents.main, **main}
        files = contents.sizes()
        if "latex" in main and not main["latex"]:
            _choose_latex(source.name, main, files, contents.read)
        main = {form: name for form, name in main.items() if name in files}
        if not main:
            raise BadInput(_nothing(source.name, files, contents))
        yield ArticlePackage(
            name=source.name,
            files=files,
            main=main,
            meta={**meta, **contents.meta},
            problems=tuple(
                Skip(where=source.name, reason=reason, detail=detail)
                for reason, detail in contents.problems
            ),
            reader=contents.read,
        )


def _contents(
    stack: ExitStack,
    source: Source,
    folder: str,
    part: dict[str, Any],
    about: BucketArticle | None,
) -> Contents:
    if part.get("members") is not None:
        return member_contents(stack, source.path, part.get("inside") or (), part["members"])
    form = part.get("form")
    if form == "archive":
        inner = (source.path, part.get("inside") or ())
        contents, main = archive_contents(stack, inner, part.get("file") or source.path)
        contents.main = main
        return contents
    if form == "span":
        return _span(stack, source, part)
    try:
        return folder_contents(folder, part, about)
    except MissingFile as error:
        raise BadInput(f"{source.name}: {error}") from error


def _span(stack: ExitStack, source: Source, part: dict[str, Any]) -> Contents:
    from domainclip.extraction.archives.members import MAX_FILE_BYTES

    from .archives import opened

    start, end = part["span"]
    file = stack.enter_context(opened(source.path, part.get("inside") or ()))

    def read() -> bytes:
        file.seek(start)
        return file.read(min(end - start, MAX_FILE_BYTES))

    name = "article.xml"
    return Contents({name: (end - start, read)}, main={"jats": name})


def _bucket_main(contents: Contents, folder: str) -> dict[str, str]:
    name = folder.rstrip("/").rsplit("/", 1)[-1]
    own = {"jats": (f"{name}.xml", f"{name}.nxml"), "pdf": (f"{name}.pdf",)}
    sizes = contents.sizes()
    return {form: found for form, names in own.items() for found in names[:1] if found in sizes}


def _choose_latex(
    name: str, main: dict[str, str], files: Mapping[str, int], read: Callable[[str], bytes]
) -> None:
    """Set the root .tex, and the PDF that was made of it; drop the form where there is none."""
    from ..latex.tree import find_main

    root = find_main(list(files), read)
    if root is None:
        del main["latex"]
        return
    main["latex"] = root
    compiled = root.rpartition("/")[0] + ("/" if "/" in root else "") + f"{stem(root)}.pdf"
    if "pdf" not in main and compiled in files:
        main["pdf"] = compiled


def _nothing(name: str, files: Mapping[str, int], contents: Contents) -> str:
    damage = f" {contents.problems[0][1]}" if contents.problems else ""
    some = ", ".join(sorted(files)[:4])
    return (
        f"{name}: no JATS, LaTeX or PDF file is among its {len(files)} files"
        f"{f' ({some})' if some else ''}.{damage}"
    )
