"""Which file of a LaTeX source is the article, and which files its commands name."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Collection, Sequence

from domainclip.errors import BadInput

from .source import clean, declared_encoding, decoded, verbatim_environments

__all__ = ["SourceTree", "find_main", "path_inside"]

_TEX = (".tex", ".ltx", ".latex")
_MAX_FILE = 32 << 20  # bytes of one TeX file; the longest theses have 5 MB
_MAX_TREE = 64 << 20
_MAX_OPENED = 2000
_MAX_CANDIDATES = 500

_CLASS = re.compile(
    rb"^[^%\n]{0,200}?\\document(?:class|style)(?![A-Za-z])"
    rb"(?:\s*(?:\[[^\]]{0,2000}\])?\s*\{([^}\n]{1,80})\})?",
    re.M,
)
_BEGIN = re.compile(rb"^[^%\n]{0,200}?\\begin\s*\{document\}", re.M)
_INCLUDED = re.compile(rb"^[^%\n]{0,200}?\\(?:input|include|subfile)\s*\{?\s*([^}\s]{1,200})", re.M)
_PLAIN = re.compile(
    rb"\\(?:bye|magnification|hsize|vfill\\eject)\b|\\input\s+(?:epsf|harvmac|amstex|mssymb)"
)
_PARTS = {"subfiles", "standalone", "letter", "minimal"}  # classes of what is no article by itself


def path_inside(reference: str, folder: str = "") -> str | None:
    """A name as a document gives it, as a path inside the package; None where it leads out."""
    name = reference.strip().strip('"').replace("\\", "/").strip()
    if not name or "\0" in name or name.startswith(("/", "~", "|")) or len(name) > 500:
        return None
    path = posixpath.normpath(posixpath.join(folder, name))
    return None if path.startswith(("..", "/")) or path == "." else path


def find_main(files: Collection[str], read: Callable[[str], bytes]) -> str | None:
    """The root .tex of an article's files; None where no file is one.

    What arXiv's 00README says comes first. Else it is a file with \\documentclass and
    \\begin{document}: of several, one with a bibliography of its own name (arXiv asks for main.bbl
    beside main.tex), that no other file includes, with a title and an abstract, near the top.
    Else a plain TeX file. Raises BadInput only where ``read`` does for the file that it asks for.
    """
    told = _told(files, read)
    if told is not None:
        return told
    names = [name for name in files if name.lower().endswith(_TEX)]
    names = names or [name for name in files if "." not in posixpath.basename(name)]
    if not names and len(files) == 1:
        names = list(files)
    rated: list[tuple[float, str]] = []
    included: set[str] = set()
    for name in sorted(names, key=lambda n: (n.count("/"), n))[:_MAX_CANDIDATES]:
        try:
            data = read(name)[:_MAX_FILE]
        except BadInput:
            continue  # a damaged chapter must not hide a sound root; parsing says what is missing
        if rate := _rate(name, data, files):
            rated.append((rate, name))
        for found in _INCLUDED.findall(data):
            stem = posixpath.splitext(found.decode("latin-1"))[0]
            if path := path_inside(stem):
                included.add(posixpath.join(posixpath.dirname(name), path))
                included.add(path)
    best = [(rate - 20 * (posixpath.splitext(name)[0] in included), name) for rate, name in rated]
    return min(best, key=lambda pair: (-pair[0], pair[1].count("/"), pair[1]))[1] if best else None


def _rate(name: str, data: bytes, files: Collection[str]) -> float:
    """How much a file looks like the article's root; 0: not at all."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = decoded(data).encode()
    found = _CLASS.search(data)
    if not found or not _BEGIN.search(data):
        return 1.0 if not found and _PLAIN.search(data) else 0.0
    stem = posixpath.splitext(name)[0]
    rate = 50.0
    rate -= 40 * ((found[1] or b"").strip().decode("latin-1") in _PARTS)
    rate += 15 * (f"{stem}.bbl" in files)
    rate += 5 * (
        posixpath.basename(stem).lower() in {"main", "ms", "paper", "article", "manuscript"}
    )
    rate -= 5 * any(
        word in stem.lower() for word in ("supp", "response", "reply", "cover", "template")
    )
    rate += 3 * (b"\\title" in data) + 3 * (b"abstract" in data) + 2 * (b"\\maketitle" in data)
    rate += 2 * (b"\\bibliography" in data or b"thebibliography" in data) + 2 * (
        b"\\section" in data
    )
    rate -= 3 * name.count("/")
    return rate + min(5.0, len(data) / 20_000)


def _told(files: Collection[str], read: Callable[[str], bytes]) -> str | None:
    """The top-level file that arXiv's 00README (.XXX, .json, .yaml) names."""
    for name in sorted(files):
        base = posixpath.basename(name).lower()
        if not base.startswith("00readme"):
            continue
        text = decoded(read(name)[:100_000])
        told: list[str] = []
        if base.endswith(".json"):
            told = _told_by_json(text)
        elif base.endswith((".yaml", ".yml")):
            told = re.findall(r"filename:\s*(\S+)\s*\n\s*usage:\s*toplevel", text)
            told += re.findall(r"usage:\s*toplevel\s*\n\s*filename:\s*(\S+)", text)
        else:
            told = re.findall(r"^\s*(\S+)\s+toplevelfile\s*$", text, re.M)
        for reference in told:
            path = path_inside(reference.strip("'\""), posixpath.dirname(name))
            if path and path in files:
                return path
    return None


def _told_by_json(text: str) -> list[str]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    sources = value.get("sources") if isinstance(value, dict) else None
    return [
        source["filename"]
        for source in (sources if isinstance(sources, list) else ())
        if isinstance(source, dict)
        and source.get("usage") == "toplevel"
        and isinstance(source.get("filename"), str)
    ]


class SourceTree:
    """The files of one article for a reader of its TeX: found by their names in commands.

    Names are looked up among ``files`` alone, so that none can lead out of the package. At most
    64 MB of TeX and 2,000 opened files: beyond that, BadInput.
    """

    def __init__(
        self, files: Collection[str], read: Callable[[str], bytes], main: str, name: str
    ) -> None:
        self.names = frozenset(files)
        self.main = main
        self.name = name
        self.folder = posixpath.dirname(main)
        self._read = read
        self._by_lower: dict[str, str] | None = None
        self._encoding = ""
        self._verbatim: set[str] = set()
        self._cleaned: dict[str, str] = {}
        self._opened = 0
        self._total = 0

    def find(self, reference: str, folders: Sequence[str], suffixes: Sequence[str]) -> str | None:
        """The file that ``reference`` names, in ``folders``, the main file's or at the top.

        suffixes: extensions to try, in order; "" is the name as it stands.
        """
        candidates = [
            path + suffix
            for folder in (*folders, self.folder, "")
            if (path := path_inside(reference, folder))
            for suffix in suffixes
        ]
        for path in candidates:
            if path in self.names:
                return path
        if self._by_lower is None:
            self._by_lower = {path.lower(): path for path in sorted(self.names, reverse=True)}
        for path in candidates:
            if (found := self._by_lower.get(path.lower())) is not None:
                return found
        return None

    def text(self, path: str) -> str:
        """A file's cleaned text. Raises BadInput (see the class, and ``read``)."""
        if path in self._cleaned:
            text = self._cleaned[path]
        else:
            data = self._read(path)
            if len(data) > _MAX_FILE:
                raise self._too_much(f"{path!r} has {len(data):,} bytes")
            if path == self.main:
                self._encoding = declared_encoding(data)
            text = decoded(data, self._encoding)
            self._verbatim |= verbatim_environments(text)
            text = self._cleaned[path] = clean(text, self._verbatim)
        self._opened += 1
        self._total += len(text)
        if self._opened > _MAX_OPENED or self._total > _MAX_TREE:
            raise self._too_much("its files include one another without end")
        return text

    def _too_much(self, what: str) -> BadInput:
        return BadInput(f"{self.name}: {what}, too much TeX for an article; take its PDF instead.")
