"""Reads a whole document: title, abstract, sections, paragraphs; its floats by FloatReader."""

from __future__ import annotations

import re

from .float_reader import FloatReader
from .reader import Reader
from .state import State
from .symbols import ENVIRONMENT_ARGUMENTS
from .text import one_line

__all__ = ["ENVIRONMENTS", "DocumentReader"]

_SECTIONS = (
    "part",
    "chapter",
    "section",
    "subsection",
    "subsubsection",
    "paragraph",
    "subparagraph",
)
_ABSTRACTS = {"abstract", "abstract*", "onecolabstract", "Abstract", "resume"}
_KEYWORDS = {"keyword", "keywords", "IEEEkeywords", "Keywords", "keyword*"}
_DROPPED = {"thebibliography", "filecontents", "filecontents*", "comment", "CCSXML", "tikzcd@"}
# what a document cannot give another meaning
ENVIRONMENTS = frozenset({*_ABSTRACTS, *_KEYWORDS, *_DROPPED, *ENVIRONMENT_ARGUMENTS, "document"})
_LABEL = re.compile(r"\\label *\{([^{}]{1,100})\}")
_SEPARATORS = re.compile(r"\s*(?:[,;·•]|\\sep|\\and|\u2014|\u2013 )\s*")
_ENOUGH_TEXT = 100  # characters of a paragraph that part what stands before it from what follows
_AFTER_LABEL = re.compile(r"^(?:key\s?words?|index terms|abstract)\s*[:.—–-]*\s*", re.I)

# How classes number figures after \appendix: (prefix of the class, \thefigure, starts anew)
_APPENDICES = (
    ("apa", "\\Alph{section}\\arabic{figure}", True),
    ("elsarticle", "\\Alph{section}.\\arabic{figure}", False),
    ("aa ", "\\Alph{section}.\\arabic{figure}", True),
    ("mnras", "\\Alph{section}\\arabic{figure}", True),
)


class DocumentReader(FloatReader):
    """After ``read`` and ``close_all``: title, abstract, keywords, paragraphs (placeholders in)."""

    def __init__(self, state: State, reader: Reader) -> None:
        super().__init__(state, reader)
        self.title = ""
        self.abstract = ""
        self.keywords: tuple[str, ...] = ()
        self.paragraphs: list[str] = []
        self.sinks = [None]  # until \begin{document}
        self._body: list[str] = []
        self._unnumbered = False  # in front or back matter
        self.commands |= {
            **dict.fromkeys(_SECTIONS, self._section),
            **dict.fromkeys(("title", "icmltitle", "Title"), self._title),
            **dict.fromkeys(("abstract", "Abstract", "abst"), self._abstract),
            **dict.fromkeys(("keywords", "keyword", "Keywords", "icmlkeywords"), self._keyword),
            "sep": lambda _name: self.put(";"),
            "and": lambda _name: self.put(";"),
            "item": self._item,
            "appendix": self._appendix,
            **dict.fromkeys(("frontmatter", "mainmatter", "backmatter"), self._matter),
            "twocolumn": lambda _name: self.reader.push(self.reader.optional() or ""),
        }  # fmt: skip

    def paragraph(self) -> None:
        if self.sinks[-1] is not self._body:
            self.write(" ")
            return
        if not self._body:
            return
        text = "".join(self._body)
        self._body.clear()
        if len(text) > _ENOUGH_TEXT:
            self.flush_loose()
        self._keep(text)

    def footnote(self, parts: list[str]) -> None:
        self._keep("".join(parts))

    def _keep(self, text: str) -> None:
        if "\ue000" in text or "ig" in text or "IG" in text:  # cites something, or a "Fig. 3"
            self.paragraphs.append(text)

    def equation(self, rows: int) -> None:
        if rows:
            self.state.counters.add("equation", rows)
            if rows > 0:
                self.anchor = ("equation", self.plain("\\theequation "))

    def begin(self, name: str) -> None:
        if name == "document":
            self.sinks = [self._body]
        elif name in _ABSTRACTS or name in _KEYWORDS:
            self.paragraph()
            self.take(ENVIRONMENT_ARGUMENTS.get(name, "o"))
            self._enter(name, "other")
            self.sinks.append([])
        elif name in _DROPPED:
            self._enter(name, "dropped")
        else:
            if name in ("appendices", "appendix", "subappendices"):
                self._appendix(name)
            super().begin(name)

    def end(self, name: str) -> None:
        if name == "document":
            self.reader.frames.clear()
            return
        if (name in _ABSTRACTS or name in _KEYWORDS) and any(e.name == name for e in self.open):
            parts = self.sinks[-1] or []
            if name in _ABSTRACTS:
                self._set_abstract(parts)
            else:
                self._set_keywords(parts)
        super().end(name)

    def close_all(self) -> None:
        super().close_all()
        self.paragraph()

    # -- commands --------------------------------------------------------------------------------

    def _section(self, name: str) -> None:
        self.paragraph()
        self.flush_loose()
        starred = self.reader.star()
        self.reader.optional()
        title = self.reader.argument()
        if name == "chapter" and not self.state.counters.chapters:
            self.state.counters.use_chapters()  # a class of its own that has chapters
        if not starred and not (name == "chapter" and self._unnumbered):
            self.state.counters.step(name)
            self.anchor = ("section", self.plain(f"\\the{name} "))
        for key in _LABEL.findall(title)[:5]:
            self.label(key)

    def _title(self, _name: str) -> None:
        self.reader.optional()
        self.into(self.reader.argument(), self._set_title)

    def _set_title(self, parts: list[str]) -> None:
        self.title = self.title or one_line(parts)

    def _abstract(self, _name: str) -> None:
        if not self.reader.group_follows():
            return
        texts = [self.reader.argument()]
        while self.state.document_class == "aa" and len(texts) < 5 and self.reader.group_follows():
            texts.append(self.reader.argument())
        self.into(" ".join(texts), self._set_abstract)

    def _set_abstract(self, parts: list[str]) -> None:
        self.abstract = self.abstract or _AFTER_LABEL.sub("", one_line(parts))

    def _keyword(self, _name: str) -> None:
        if self.reader.group_follows():
            self.into(self.reader.argument(), self._set_keywords)

    def _set_keywords(self, parts: list[str]) -> None:
        words = _SEPARATORS.split(_AFTER_LABEL.sub("", one_line(parts)))
        found = tuple(word for each in words if (word := each.strip(" .")))
        self.keywords = self.keywords or found[:50]

    def _item(self, _name: str) -> None:
        self.paragraph()
        self.reader.optional()

    def _matter(self, name: str) -> None:
        self._unnumbered = name != "mainmatter"

    def _appendix(self, _name: str) -> None:
        counters = self.state.counters
        counters.start_appendix()
        name = f"{self.state.document_class} "
        for start, printed, anew in _APPENDICES:
            if name.startswith(start) and not counters.chapters:
                self.reader.push(f"\\gdef\\thefigure{{{printed}}}")
                if anew:
                    counters.put("figure", 0)
                    counters.resets["figure"] = "section"
