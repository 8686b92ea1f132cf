"""Which files of a folder make up which article: its forms, its images, what is somebody else's.

The rules, from the most certain on:

- a folder named ``PMC<id>.<version>`` is that article (PMC's bucket layout);
- TeX files make a folder one LaTeX article, with the folders that they name or that hold no article
  of their own, and with a PDF of the same stem or of the folder's name; other PDFs are its graphics;
- a folder's only JATS file makes it that article's: its images, its only PDF or the one of the same
  stem, and the folders below without text of their own;
- else files of one stem are one article (``X.xml``, ``X.pdf``, ``X.tar.gz``, the folder ``X/``),
  and what begins with a JATS file's stem (``X_fig1.jpg``, ``X-S1.pdf``) belongs to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from domainclip.errors import BadInput

from .folders import Entry, Folder, Tree
from .names import arxiv_id, extension, stem

__all__ = ["Found", "articles", "is_bucket_name"]

_BUCKET_EXTRAS = ("metadata", "inventory-reports")  # beside the articles in PMC's bucket
FORMS = {"jats": "jats", "pdf": "pdf", "tex": "latex"}
DEEPEST = 48  # folders below each other
_BUCKET = re.compile(r"PMC\d+\.\d+")
_PACKAGE = re.compile(r"PMC\d+|10[._]\d{4,}.*")
_PICTURES = re.compile(
    r"(fig|figs|figures?|images?|imgs?|pics?|pictures?|plots?|graphics|graphs|media|assets|eps|pdf"
    r"|pdfs|diagrams|suppl?|supplement(ary)?([-_ ].*)?|appendix|anc|ancillary)\d*",
    re.IGNORECASE,
)
_SOURCES = re.compile(r"(src|source|sources|tex|latex|xml|jats|.*[._-](src|source|tex|jats))", re.I)
_MAIN_NAMES = {"paper", "main", "article", "fulltext", "manuscript", "ms"}
_PART_CLASSES = {"standalone", "subfiles", "minimal"}
_TEXT_BYTES = 1 << 18  # of a TeX file, to see which folders it names
_MANY_PDFS = 30  # more in a folder below a JATS file are papers, not supplements
_MOST_ATTACHED = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One article, or something that is none, in a tree.

    kind: article; bucket (a PMC folder); archive (of many articles, to be listed); refused.
    folder: its place; all other names are relative to it. main: (form, name) pairs; an empty name
    of latex: to be chosen among the files. files: its own, None for all of the folder's. folders:
    that are its as a whole, None for all but ``without``. archives: to be unpacked into it.
    shared: the folder's images may be its too. reason, detail: of what is refused.
    """

    kind: Literal["article", "bucket", "archive", "refused"]
    name: str
    folder: str
    main: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] | None = None
    folders: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    archives: tuple[str, ...] = ()
    shared: bool = False
    reason: str = ""
    detail: str = ""


def is_bucket_name(name: str) -> bool:
    """Is it a folder's name in PMC's bucket: PMC7301234.1?"""
    return bool(_BUCKET.fullmatch(name))


def articles(tree: Tree, path: str, name: str, depth: int = 0) -> Iterator[Found]:
    """What the folder at ``path`` of a tree holds; name: what stands before its articles' names."""
    if is_bucket_name(_last(path or name)):
        yield Found(kind="bucket", name=_last(path or name), folder=path)
        return
    if depth > DEEPEST:
        detail = f"It lies more than {DEEPEST} folders deep; give it as a source of its own."
        yield Found(kind="refused", name=name, folder=path, reason="too_deep", detail=detail)
        return
    try:
        folder = tree.folder(path)
    except BadInput as error:
        reason = "unreadable_folder"
        yield Found(kind="refused", name=name, folder=path, reason=reason, detail=str(error))
        return
    walk = _Walk(tree, path, name, folder, depth)
    if folder.count.get("tex") and not walk.loose_tex():
        yield from walk.latex()
    elif folder.count.get("jats") == 1 and walk.is_package():
        yield from walk.package()
    else:
        yield from walk.loose()


class _Walk:
    """One folder of a tree on its way to articles."""

    def __init__(self, tree: Tree, path: str, name: str, folder: Folder, depth: int) -> None:
        self.tree, self.path, self.name, self.folder = tree, path, name, folder
        self.depth = depth
        self.subs = list(folder.folders)
        if any(is_bucket_name(each) for each in self.subs):
            self.subs = [each for each in self.subs if each not in _BUCKET_EXTRAS]

    def below(self, sub: str) -> Iterator[Found]:
        return articles(self.tree, _join(self.path, sub), _join(self.name, sub), self.depth + 1)

    def entries(self, *kinds: str) -> Iterator[Entry]:
        return (e for _, group in self.folder.groups() for e in group if e.kind in kinds)

    # --- LaTeX

    def loose_tex(self) -> bool:
        """Are the TeX files documents of their own, not the parts of one?"""
        some = list(islice(self.entries("tex"), 64))
        whole = [each for each in some if each.note and each.note not in _PART_CLASSES]
        if len(whole) < 2 or len(whole) < len(some):
            return False
        return len(whole) >= 4 or all(arxiv_id(stem(each.name)) for each in whole)

    def latex(self) -> Iterator[Found]:
        some = list(islice(self.entries("tex"), 64))
        text = b"\n".join(self._text(each.name) for each in some)
        mine, others = [], []
        waiting = list(self.subs)
        for sub in [each for each in waiting if _names(text, each)]:
            mine.append(sub)
            waiting.remove(sub)
            text += self._text_below(sub)
        for sub in waiting:
            if _names(text, sub) or (_PICTURES.fullmatch(sub) and not self._has_text(sub)):
                mine.append(sub)
                continue
            found = self.below(sub)
            first = next(found, None)
            if first is None:
                mine.append(sub)
            else:
                others.append(sub)
                yield first
                yield from found
        stems = {stem(each.name) for each in some if each.note} or {stem(some[0].name)}
        stems.add(_last(self.path or self.name))
        main, foreign = [("latex", "")], []
        name = self.name
        if others:
            # among other articles' folders the file's own name tells it
            name = _join(self.name, stem((next((e for e in some if e.note), some[0])).name))
        for each in self.entries("jats", "pdf", "archive", "refused", "jats_set"):
            if each.kind in ("jats", "pdf") and stem(each.name) in stems:
                if each.kind not in dict(main):
                    main.append((each.kind, each.name))
            elif others and stem(each.name).lower().encode() not in text:
                foreign.append(each)
        yield from self._foreign(foreign)
        yield Found(
            kind="article", name=name, folder=self.path, main=tuple(main), without=tuple(others)
        )

    def _text(self, name: str) -> bytes:
        return self.tree.start(_join(self.path, name), _TEXT_BYTES).lower()

    def _text_below(self, sub: str) -> bytes:
        try:
            folder = self.tree.folder(_join(self.path, sub))
        except BadInput:
            return b""  # it is reported when the article is read
        names = [e.name for _, group in folder.groups() for e in group if e.kind == "tex"]
        return b"\n".join(self._text(_join(sub, each)) for each in names[:32])

    def _has_text(self, sub: str, depth: int = 0) -> bool:
        """Is there any JATS or TeX in the folder or below?"""
        if depth > DEEPEST or is_bucket_name(_last(sub)):
            return True
        try:
            folder = self.tree.folder(_join(self.path, sub))
        except BadInput:
            return False
        if any(folder.count.get(kind) for kind in ("jats", "jats_set", "tex")):
            return True
        return any(self._has_text(_join(sub, each), depth + 1) for each in folder.folders)

    # --- JATS

    def is_package(self) -> bool:
        """Is the folder its only JATS file's, rather than a place for many papers?"""
        (jats,) = self.entries("jats")
        own = stem(jats.name)
        unrelated = [e for e in self.entries("pdf") if not _belongs(e.name, own)]
        if len(unrelated) <= 1 and not self.folder.count.get("archive"):
            return True
        base = _last(self.path or self.name)
        named = bool(_PACKAGE.fullmatch(base)) or base == own or bool(_SOURCES.fullmatch(base))
        return named or bool(self.folder.count.get("image")) or extension(jats.name) == "nxml"

    def package(self) -> Iterator[Found]:
        (jats,) = self.entries("jats")
        pdfs = [each.name for each in self.entries("pdf")]
        own = [each for each in pdfs if stem(each) == stem(jats.name)]
        own = own or [each for each in pdfs if stem(each).lower() in _MAIN_NAMES]
        if not own and len(pdfs) == 1 and not _belongs(pdfs[0], stem(jats.name)):
            own = pdfs
        main = [("jats", jats.name), *(("pdf", each) for each in own[:1])]
        others = []
        for sub in self.subs:
            if self._has_text(sub) or self._many_pdfs(sub):
                others.append(sub)
                yield from self.below(sub)
        foreign = []
        for each in self.entries("archive", "jats_set"):
            if not _belongs(each.name, stem(jats.name)) and self._tells(each):
                foreign.append(each)
        yield from self._foreign(foreign)
        name = _join(self.name, stem(jats.name)) if others or foreign else self.name
        yield Found(
            kind="article", name=name, folder=self.path, main=tuple(main), without=tuple(others)
        )

    def _many_pdfs(self, sub: str) -> bool:
        try:
            return self.tree.folder(_join(self.path, sub)).count.get("pdf", 0) > _MANY_PDFS
        except BadInput:
            return False

    def _tells(self, entry: Entry) -> bool:
        """Does an archive beside an article hold articles of its own, rather than supplements?"""
        return entry.kind == "jats_set" or self.tree.peek(_join(self.path, entry.name))[0] == "many"

    # --- everything else

    def _foreign(self, entries: list[Entry]) -> Iterator[Found]:
        for each in entries:
            yield from self._group(stem(each.name), [each], {}, [])

    def loose(self) -> Iterator[Found]:
        few = list(islice(self.folder.groups(), 2))
        joined: dict[str, tuple[str, Found]] = {}
        spare: list[str] = []
        for sub in self.subs:
            found = self.below(sub)
            some = list(islice(found, 2))
            if not some:
                spare.append(sub)
                continue
            key = self._same_article(sub, some[0], few) if len(some) == 1 else ""
            if key and key not in joined:
                joined[key] = (sub, some[0])
                continue
            yield from some
            yield from found
        above: list[str] = []  # JATS stems that the current one begins with
        for key, group in self.folder.groups():
            while above and not key.startswith(above[-1]):
                above.pop()
            kinds = {each.kind for each in group}
            if not kinds & {"jats", "jats_set", "tex"} and any(_belongs(key, it) for it in above):
                continue  # X-S1.pdf beside X.xml
            if "jats" in kinds:
                above.append(key)
            yield from self._group(key, group, joined, spare)

    def _group(
        self, key: str, group: list[Entry], joined: dict[str, tuple[str, Found]], spare: list[str]
    ) -> Iterator[Found]:
        main: dict[str, str] = {}
        archives: list[str] = []
        name = _join(self.name, key)
        for each in group:
            form = FORMS.get(each.kind)
            if form is not None and form not in main:
                main[form] = each.name
            elif form in ("pdf", "latex"):  # x.pdf and x.PDF
                yield self._of_file(each, "article")
            elif each.kind == "archive":
                holds, detail = self.tree.peek(_join(self.path, each.name))
                if holds == "one":
                    archives.append(each.name)
                elif holds == "many":
                    yield self._of_file(each, "archive")
                elif holds != "none" or len(group) == 1:
                    yield self._of_file(each, "refused", holds, detail)
            elif each.kind == "jats_set":
                yield self._of_file(each, "archive")
            elif form is None and not main:
                yield self._of_file(each, "refused", *_why_not(each))
        if not main and not archives:
            return
        files = list(main.values())
        folders: list[str] = []
        if "jats" in main:
            files += [each for each in self._attached(key) if each not in files]
            folders = [each for each in spare if _belongs(each, key)] or spare[:8]
        article = Found(
            kind="article",
            name=name,
            folder=self.path,
            main=tuple(main.items()),
            files=tuple(files),
            folders=tuple(folders),
            archives=tuple(archives),
            shared="jats" in main,
        )
        if key in joined:
            article = self._joined(article, *joined[key])
        yield article

    def _attached(self, key: str) -> Iterator[str]:
        """The files that begin with a JATS file's stem, and with no longer one's."""
        longer = ""
        for name in islice(self.folder.beginning_with(key), _MOST_ATTACHED):
            own = stem(name)
            if own == key or not _belongs(name, key):
                if own == key:
                    yield name
                continue
            if longer and _belongs(name, longer):
                continue
            if any(each.kind in ("jats", "tex") for each in self.folder.group(own)):
                longer = own
                continue
            yield name

    def _same_article(self, sub: str, found: Found, few: list[tuple[str, list[Entry]]]) -> str:
        """The stem in this folder whose files are the same article as the only one in ``sub``."""
        if found.kind != "article" or not found.folder.startswith(_join(self.path, sub)):
            return ""
        forms = {form for form, _ in found.main}
        stems = [sub, *(stem(name) for _, name in found.main if name)]
        if len(few) == 1 and _SOURCES.fullmatch(sub) and few[0][0].lower() in _MAIN_NAMES:
            stems.append(few[0][0])
        for key in stems:
            here = {each.kind for each in self.folder.group(key)} & {"jats", "pdf", "tex"}
            here = {"latex" if kind == "tex" else kind for kind in here}
            if here and not here & forms:
                return key
        return ""

    def _joined(self, article: Found, sub: str, found: Found) -> Found:
        """An article's files here and what of it lies in a folder below."""
        start = found.folder[len(self.path) :].lstrip("/")
        main = tuple((form, _join(start, name) if name else "") for form, name in found.main)
        alone = len(list(islice(self.folder.groups(), 2))) == 1 and len(self.subs) == 1
        return replace(
            article,
            name=self.name if alone and self.path else article.name,
            main=(*main, *article.main),
            folders=(*(article.folders or ()), sub),
            without=tuple(_join(start, each) for each in found.without),
            archives=(*article.archives, *(_join(start, each) for each in found.archives)),
        )

    def _of_file(
        self,
        entry: Entry,
        kind: Literal["article", "archive", "refused"],
        reason: str = "",
        detail: str = "",
    ) -> Found:
        if kind == "refused" and reason == "none":
            reason, detail = "no_article", "The archive holds no JATS, TeX or PDF file."
        return Found(
            kind=kind,
            name=_join(self.name, stem(entry.name) if kind == "archive" else entry.name),
            folder=self.path,
            main=((FORMS[entry.kind], entry.name),) if kind == "article" else (),
            files=(entry.name,),
            reason=reason,
            detail=detail,
        )


def _why_not(entry: Entry) -> tuple[str, str]:
    if entry.kind == "refused":
        return "refused_file", f"It is not read: {entry.note}."
    if entry.kind == "xml":
        root = f"its root element is <{entry.note}>" if entry.note else "it has no root element"
        return "not_jats", f"An XML file, but no JATS article: {root}."
    if entry.kind == "unread_archive":
        return "unread_archive", "An archive of a kind that is not read; repack it as zip or tar."
    return "unread_document", "Only JATS, LaTeX and PDF are read; convert it to PDF."


def _belongs(name: str, key: str) -> bool:
    """Does a name begin with a stem, and not with a longer word or number?"""
    return name.startswith(key) and not name[len(key) : len(key) + 1].isalnum()


def _names(text: bytes, folder: str) -> bool:
    return folder.lower().encode("utf-8", "replace") + b"/" in text


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder and name else folder or name


def _last(path: str) -> str:
    return path.rsplit("/", 1)[-1]
