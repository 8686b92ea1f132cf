"""Reading of languages and lexicons: ours, and a user's file or folder laid over them.

A user's YAML file has the layout of ours (``languages/en.yaml``) with only the fields that
differ: lists take the place of ours, mappings are laid over field by field, ``lexicon:`` adds
nouns and ``lists:`` adds to ``lexicon/en.yaml``. ``language:`` names the language (default: the
file's name where it is a language code, else en). A folder holds such files. A text file holds
English sentences about a class, one a line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from domainclip.errors import BadInput, UsageError, nearest

from .grammar import GRAMMARS
from .language import Language, language_of
from .lists import EnglishLists, lists_of
from .marked_yaml import Marked, read_text, read_yaml
from .nouns import Noun, nouns_of

__all__ = ["LANGUAGES", "Templates", "read_templates"]

LANGUAGES = ("en", "de", "es", "fr", "it", "nl", "pt")
_CODE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z]{2,4})?$")


@dataclass(frozen=True, eq=False)
class Templates:
    """The languages that captions can be written in, by code."""

    languages: Mapping[str, Language]

    def language(self, code: str) -> Language:
        """A language. Raises UsageError where there is none of that code."""
        try:
            return self.languages[code]
        except KeyError:
            known = ", ".join(self.languages)
            raise UsageError(
                f"languages: there are no captions in {code!r}; known are {known}."
                f"{nearest(code, self.languages)}"
            ) from None


@lru_cache(maxsize=4)
def read_templates(path: str | None) -> Templates:
    """Ours for None, else a user's file or folder laid over ours.

    Raises BadInput that names the file, line and field of what is wrong.
    """
    own: dict[str, list[Marked]] = {}
    for file in _files(path):
        for code, marked in _of_user(file):
            own.setdefault(code, []).append(marked)
    added = [_field(one, "lists") for many in own.values() for one in many]
    if not own:
        return Templates({code: _our_language(code) for code in LANGUAGES})
    lists = lists_of([_ours("lexicon/en.yaml"), *(one for one in added if one is not None)])
    options = _options([_ours("languages/en.yaml"), *own.get("en", [])])
    codes = dict.fromkeys((*LANGUAGES, *own))
    return Templates({code: _language(code, lists, options, own.get(code, [])) for code in codes})


@lru_cache(maxsize=1)
def _our_lists() -> EnglishLists:
    return lists_of([_ours("lexicon/en.yaml")])


@lru_cache(maxsize=16)
def _our_language(code: str) -> Language:
    return _language(code, _our_lists(), _options([_ours("languages/en.yaml")]), [])


def _options(english: list[Marked]) -> Marked:
    """The options of English hold for every language that does not have its own."""
    file = english[0]
    for one in english[1:]:
        file = _laid_over(file, one)
    return Marked({"options": file.mapping()["options"]}, file.file, file.line, "")


def _language(code: str, lists: EnglishLists, options: Marked, own: list[Marked]) -> Language:
    if code in LANGUAGES:
        file = _ours(f"languages/{code}.yaml")
    else:  # a language of the user's: complete, since there is nothing to lay it over
        file, own = own[0], own[1:]
    for one in own:
        file = _laid_over(file, one)
    file = _laid_over(options, file)
    nouns: dict[str, Noun] = {}
    if code in LANGUAGES and code != "en":
        nouns.update(_patched(code, file, nouns_of(_ours(f"lexicon/{code}.yaml"))))
    lexicon = _field(file, "lexicon")
    if lexicon is not None:
        nouns.update(_patched(code, file, nouns_of(lexicon)))
    return language_of(code, file, nouns, lists)


def _patched(code: str, file: Marked, nouns: dict[str, Noun]) -> dict[str, Noun]:
    """With words for the patches of what is not counted: ``zone d'eau``, ``zones d'eau``."""
    patch = _field(file, "patch")
    if patch is None:
        return nouns
    forms = patch.texts()
    if len(forms) != 3:
        raise patch.wrong("must be [singular, plural, gender] with {} or {of} for the noun.")
    name = _field(file, "grammar")
    grammar = GRAMMARS.get(name.text() if name else "plain", GRAMMARS["plain"])({})
    made = {}
    for key, noun in nouns.items():
        if noun.mass and not noun.one:
            one, more = (
                form.replace("{of}", grammar.of(noun.mass)).replace("{}", noun.mass)
                for form in forms[:2]
            )
            noun = replace(noun, one=one, more=more, gender=forms[2])
        made[key] = noun
    return made


@lru_cache(maxsize=32)
def _ours(name: str) -> Marked:
    text = (files(__package__) / name).read_text(encoding="utf-8")
    return read_yaml(text, name)


def _files(path: str | None) -> list[Path]:
    if path is None:
        return []
    where = Path(path)
    if not where.is_dir():
        return [where]
    found = sorted(one for one in where.iterdir() if one.suffix in (".yaml", ".yml", ".txt"))
    if not found:
        raise BadInput(f"{path}: no .yaml or .txt file of caption templates in this folder.")
    return found


def _of_user(file: Path) -> list[tuple[str, Marked]]:
    text = read_text(file)
    if file.suffix not in (".yaml", ".yml"):
        return [("en", _from_lines(text, str(file)))]
    marked = read_yaml(text, str(file))
    language = _field(marked, "language")
    if language is None:
        return [(file.stem if _CODE.match(file.stem) else "en", marked)]
    if not _CODE.match(language.text()):
        raise language.wrong(f"{language.text()!r} is no language code (BCP 47, such as en).")
    return [(language.text(), marked)]


def _from_lines(text: str, file: str) -> Marked:
    """Sentences about a class, one a line; blank lines and # lines are left out."""
    lines = [
        Marked(line.strip(), file, number, "template")
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.strip().startswith("#")
    ]
    if not lines:
        raise BadInput(f"{file}: no caption template in it.")
    sentences = Marked({"class": Marked(lines, file, 1, "template")}, file, 1, "sentences")
    return Marked({"sentences": sentences}, file, 1, "")


def _laid_over(under: Marked, over: Marked) -> Marked:
    """Mappings field by field; lists and texts are replaced."""
    if not isinstance(under.value, dict) or not isinstance(over.value, dict):
        return over
    merged = dict(under.value)
    for name, value in over.value.items():
        merged[name] = _laid_over(merged[name], value) if name in merged else value
    return Marked(merged, over.file, over.line, over.field)


def _field(marked: Marked, name: str) -> Marked | None:
    return marked.mapping().get(name)
