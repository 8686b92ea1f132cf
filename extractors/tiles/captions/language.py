"""A language as its YAML file has it: patterns of sentences, words for numbers, places, sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domainclip.errors import nearest

from .grammar import GRAMMARS, Grammar
from .lists import EnglishLists
from .marked_yaml import Marked
from .nouns import Noun
from .placement import ZONES
from .sentences import Sentence, bad_sentence, parse_sentence

__all__ = ["KINDS", "MAY_LACK", "Language", "Options", "language_of"]

# slots that a sentence of any kind may use, and those that carry a kind's fact
_SHARED = (
    "a_picture", "bare_picture", "picture", "gsd", "when", "where", "sensor", "a_sensor_picture",
    "bare_sensor_picture", "taken", "from_space",
)  # fmt: skip
KINDS: dict[str, tuple[str, ...]] = {
    "class": ("class", "a_class", "of_class"),
    "objects.all": ("things",),
    "objects.centre": ("things",),
    "objects.edge": ("things",),
    "objects.around": ("things",),
    "objects.placed": ("placed",),
    "objects.split": ("things", "split"),
    "objects.some": ("things",),
    "features.focus": ("focus", "others"),
    "features.around": ("focus", "others"),
    "features.alone": ("focus",),
    "features.scene": ("things",),
    "cover.words": ("most", "rest", "mix"),
    "cover.numbers": ("parts",),
    "place": (),
    "place.sea": (),
    "summary": ("main",),
    "plain": (),
}
# kinds that a language may do without: see objects.edge_objects
MAY_LACK = frozenset({"objects.around", "features.around"})
# kinds of pictures: those that a language must have words for, and those for which the plain word
# for a picture stands where it has none
_PICTURES = ("satellite", "aerial")
_MORE_PICTURES = ("overhead", "radar", "false_colour", "index", "grey")
_COVER = ("whole", "most", "half", "third", "part", "little")
_SEASONS = ("spring", "summer", "autumn", "winter")
_FIELDS = (
    "language", "grammar", "articles", "options", "sentences", "pictures", "picture_word",
    "aerial_sensors", "numbers", "one_of", "many", "joins", "sizes", "lengths", "named", "zones",
    "cover", "share", "gsd", "gsd_cm", "decimal", "thousands", "sensor_picture", "sensor_by",
    "months", "when", "season", "season_year", "where", "lexicon", "lists", "patch",
    "from_space", "another",
)  # fmt: skip

Forms = Mapping[str, str]  # by gender, or "" for all


@dataclass(frozen=True)
class Options:
    """vague_above: counts beyond it are vague but in the complete caption. categories: at most so
    many kinds of things in the other captions. long_words: a complete caption of more words is not
    the first. names: say proper names of features."""

    vague_above: int
    categories: int
    long_words: int
    names: bool


@dataclass(frozen=True, eq=False)
class Language:
    """What the fields of ``languages/en.yaml`` say; compared by identity, for caches.

    from_space: said of pictures from satellites alone; "" where the language does not say it.
    another: one, more: a thing, things like the one that is spoken of; none where it has no words.

    nouns: by the key of their English name; empty for English, which makes its own from names.
    lists: how English reads the names of classes, needed in every language.
    """

    code: str
    grammar: Grammar
    options: Options
    sentences: Mapping[str, tuple[Sentence, ...]]
    pictures: Mapping[str, tuple[Noun, ...]]
    picture_word: Noun
    aerial_sensors: tuple[str, ...]
    numbers: tuple[Forms, ...]
    one_of: Forms
    many: tuple[Forms, ...]
    joins: tuple[str, str]
    sizes: Mapping[str, Forms]
    lengths: Mapping[str, str]
    named: str
    zones: Mapping[str, tuple[str, ...]]
    cover: Mapping[str, tuple[str, ...]]
    share: str
    gsd: tuple[str, ...]
    gsd_cm: str
    decimal: str
    thousands: str
    sensor_picture: str
    sensor_by: str
    months: tuple[str, ...]
    when: Mapping[str, str]
    season: Mapping[str, str]
    season_year: Mapping[str, str]
    where: Mapping[str, tuple[str, ...]]
    from_space: str
    another: Mapping[str, Forms]
    nouns: Mapping[str, Noun]
    lists: EnglishLists


def language_of(
    code: str, file: Marked, nouns: Mapping[str, Noun], lists: EnglishLists
) -> Language:
    """A language from its file. Raises BadInput with file, line and field of what is wrong."""
    fields = file.mapping()
    for name, value in fields.items():
        if name not in _FIELDS:
            raise value.wrong(f"unknown field.{nearest(name, _FIELDS)}")
    grammar = _need(file, "grammar").text() if "grammar" in fields else "plain"
    if grammar not in GRAMMARS:
        known = ", ".join(GRAMMARS)
        raise fields["grammar"].wrong(f"{grammar!r} is no grammar; known are {known}.")
    articles = _texts_by_name(fields["articles"]) if "articles" in fields else {}
    joins = _need(file, "joins")
    if len(joins.items()) != 2:
        raise joins.wrong("must be two texts: between things, and before the last.")
    months = _need(file, "months")
    if len(months.items()) != 12:
        raise months.wrong("must be the names of the twelve months.")
    zones = _lists_by_name(_need(file, "zones"), need=ZONES)
    return Language(
        code=code,
        grammar=GRAMMARS[grammar](articles),
        options=_options(_need(file, "options")),
        sentences=_sentences(_need(file, "sentences")),
        pictures=_pictures(_need(file, "pictures")),
        picture_word=_picture(_need(file, "picture_word")),
        aerial_sensors=fields["aerial_sensors"].texts(least=0)
        if "aerial_sensors" in fields
        else (),
        numbers=tuple(_forms(one) for one in _need(file, "numbers").items()),
        one_of=_forms(_need(file, "one_of")),
        many=tuple(_forms(one) for one in _need(file, "many").items()),
        joins=(joins.items()[0].text(), joins.items()[1].text()),
        sizes={name: _forms(one) for name, one in _need(file, "sizes").mapping().items()},
        lengths=_texts_by_name(_need(file, "lengths"), need=("long", "across")),
        named=_need(file, "named").text(),
        zones=zones,
        cover=_lists_by_name(_need(file, "cover"), need=_COVER),
        share=_need(file, "share").text(),
        gsd=_need(file, "gsd").texts(),
        gsd_cm=_need(file, "gsd_cm").text(),
        decimal=_need(file, "decimal").text(),
        thousands=str(_need(file, "thousands").value),
        sensor_picture=_need(file, "sensor_picture").text(),
        sensor_by=_need(file, "sensor_by").text(),
        months=months.texts(),
        when=_texts_by_name(_need(file, "when"), need=("month", "year")),
        season=_texts_by_name(_need(file, "season"), need=_SEASONS),
        season_year=_texts_by_name(_need(file, "season_year"), need=_SEASONS[:3]),
        where=_lists_by_name(_need(file, "where"), need=()),
        from_space=fields["from_space"].text() if "from_space" in fields else "",
        another=_another(fields["another"]) if "another" in fields else {},
        nouns=nouns,
        lists=lists,
    )


def _need(file: Marked, name: str) -> Marked:
    fields = file.mapping()
    if name not in fields:
        raise file.wrong(f"the field {name!r} is missing.")
    return fields[name]


def _options(value: Marked) -> Options:
    known = ("vague_above", "categories", "long_words", "names")
    for name, one in value.mapping().items():
        if name not in known:
            raise one.wrong(f"unknown option.{nearest(name, known)}")
    return Options(
        vague_above=_need(value, "vague_above").whole(least=1),
        categories=_need(value, "categories").whole(least=1),
        long_words=_need(value, "long_words").whole(least=1),
        names=_need(value, "names").yes(),
    )


def _sentences(value: Marked) -> dict[str, tuple[Sentence, ...]]:
    made = {}
    for kind, patterns in value.mapping().items():
        if kind not in KINDS:
            raise patterns.wrong(f"unknown kind of sentence.{nearest(kind, KINDS)}")
        known = frozenset((*_SHARED, *KINDS[kind]))
        facts = frozenset(KINDS[kind])
        for pattern in patterns.items(least=0):  # none: that kind is not written
            wrong = bad_sentence(pattern.text(), known, facts)
            if wrong:
                raise pattern.wrong(f"{pattern.value!r}: {wrong[0]}.{nearest(wrong[1], known)}")
        made[kind] = tuple(parse_sentence(pattern) for pattern in patterns.texts(least=0))
    return made


def _pictures(value: Marked) -> dict[str, tuple[Noun, ...]]:
    known = (*_PICTURES, *_MORE_PICTURES)
    for kind in _PICTURES:
        _need(value, kind)
    for kind, nouns in value.mapping().items():
        if kind not in known:
            raise nouns.wrong(f"unknown kind of picture.{nearest(kind, known)}")
    return {
        kind: tuple(_picture(one) for one in nouns.items())
        for kind, nouns in value.mapping().items()
    }


def _another(value: Marked) -> dict[str, Forms]:
    return {name: _forms(_need(value, name)) for name in ("one", "more")}


def _picture(value: Marked) -> Noun:
    forms = value.texts()
    if len(forms) not in (2, 3):
        raise value.wrong("must be [singular, plural, gender].")
    return Noun(forms[0], forms[1], forms[2] if len(forms) == 3 else "")


def _forms(value: Marked) -> Forms:
    """A text for all genders, or one for each."""
    return {"": value.text()} if isinstance(value.value, str) else _texts_by_name(value)


def _texts_by_name(value: Marked, *, need: tuple[str, ...] = ()) -> dict[str, str]:
    for name in need:
        _need(value, name)
    return {name: one.text() for name, one in value.mapping().items()}


def _lists_by_name(value: Marked, *, need: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    for name in need:
        _need(value, name)
    return {name: one.texts() for name, one in value.mapping().items()}
