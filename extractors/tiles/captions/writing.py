"""Captions of a tile from its facts: which kinds, in which order, in which words."""

from __future__ import annotations

from collections.abc import Callable

from domainclip.errors import UsageError
from domainclip.pairs import Text

from ..records import Facts
from .context import PICTURES, Alternatives, context_of
from .cover import cover_as_things, cover_in_numbers, cover_in_words
from .draws import Draws
from .english import is_proper
from .features import focus_alone, focus_and_around, focus_and_others, scene_of_features
from .language import Language
from .material import Material
from .objects import (
    all_objects,
    around_objects,
    central_objects,
    edge_objects,
    lie_around,
    placed_objects,
    some_objects,
    split_objects,
)
from .phrases import a_noun, bare_noun, ground_in
from .sentences import Sentence
from .templates import Templates
from .waters import is_sea

__all__ = ["captions_of"]

# Over all kinds, for captions that differ; a tile of which little is known then has fewer.
_ROUNDS = 6
_TELLING = frozenset({"where", "when", "taken", "sensor"})
_PLACES = frozenset({"where", "taken"})


def captions_of(
    facts: Facts,
    *,
    key: str,
    seed: int,
    count: int,
    languages: tuple[str, ...] = ("en",),
    templates: Templates,
) -> tuple[Text, ...]:
    """``count`` captions of a tile in each language, or as many different ones as there are.

    The first is the pair's default text. Of a tile with objects it has every category with its
    exact count; where that is longer than the option long_words it comes second. Of several
    categories the next say what is in the centre and what is not; the rest are drawn from all
    that is known.
    Text.role: class, objects, features, cover, place, summary; plain where nothing is known.

    A language whose lexicon lacks a noun has no caption of that kind (never one half in English);
    one that can say nothing has no caption of this tile: the caller may count the languages that
    are missing. No objects although they were looked for (``looked``) say nothing, since which
    kinds were looked for is not known here. Raises UsageError (unknown language, count below 1).
    """
    if count < 1:
        raise UsageError(f"captions: {count} for a tile, and it must be 1 or more.")
    made: list[Text] = []
    for code in languages:
        language = templates.language(code)
        made += _in_language(facts, language, Draws(seed, key, code), count)
    return tuple(made)


def _in_language(facts: Facts, language: Language, draws: Draws, count: int) -> list[Text]:
    context = context_of(facts, language)
    if "gsd" in context:  # captions of a tile differ by more than how they put its resolution
        context["gsd"] = (draws.pick(context["gsd"]),)
    used: set[str] = set()
    kinds = _kinds(facts, language, context, draws)
    made = _complete(facts, language, context, draws, used)
    said = {text.text for text in made}
    for _ in range(_ROUNDS):
        failed = set()
        for kind in kinds:
            if len(made) == count:
                break
            text = _sentence(kind, facts, language, context, draws, used)
            if text is None:
                failed.add(kind)
            elif text.text not in said:
                said.add(text.text)
                made.append(text)
        kinds = [kind for kind in kinds if kind not in failed]
        if len(made) == count or not kinds:
            break
    if not made and language.code == "en":  # a label or categories without a word in them
        plain = _sentence("plain", facts, language, context, draws, used)
        return [plain] if plain is not None else []
    if len(made) > 1 and facts.objects and _is_long(made[0].text, language):
        made[0], made[1] = made[1], made[0]
    return made


def _complete(
    facts: Facts, language: Language, context: Alternatives, draws: Draws, used: set[str]
) -> list[Text]:
    """A caption of every category with its exact count: a plain list, or one that says where the
    things are as well, where they are few enough for that."""
    if not facts.objects:
        return []
    kinds = ["objects.all"]
    if draws.below(4) > 0:
        kinds = [*draws.shuffled(["objects.placed", "objects.split"]), *kinds]
    for kind in kinds:
        text = _sentence(kind, facts, language, context, draws, used, complete=True)
        if text is not None:
            return [text]
    return []


def _kinds(facts: Facts, language: Language, context: Alternatives, draws: Draws) -> list[str]:
    """The kinds of captions that the facts allow, in the order in which they are written."""
    first: list[str] = []
    rest: list[str] = []
    if facts.objects:
        thing = facts.objects[0].category
        rest += ["objects.all", "objects.placed", "objects.split", "objects.some"]
        around = lie_around(facts, language)
        around = around and (draws.below(2) == 0 or not language.sentences.get("objects.edge"))
        halves = draws.shuffled(["objects.centre", f"objects.{'around' if around else 'edge'}"])
        if all(other.category == thing for other in facts.objects):
            rest += halves  # of one category alone they say little
        else:
            first = halves
    if facts.features:
        several = len(facts.features) > 1
        if facts.focus and several:
            rest += draws.shuffled(["features.focus", "features.around"])
        if several or not facts.focus:
            rest.append("features.scene")
        if facts.focus and not (several and draws.below(4)):
            rest.append("features.alone")
    if facts.label:
        rest.append("class")
    if facts.shares:
        rest += ["cover.words", "cover.numbers"]
    lead = [] if facts.objects or not rest else [rest[0]]
    place = "place.sea" if facts.place is not None and facts.place.water else "place"
    if _TELLING & context.keys():
        rest += [place, "summary"] if first or rest else [place]
    if not first and not rest:
        return [place] if "gsd" in context or place == "place.sea" else ["plain"]
    return first + lead + draws.shuffled([kind for kind in rest if kind not in lead])


def _sentence(
    kind: str,
    facts: Facts,
    language: Language,
    context: Alternatives,
    draws: Draws,
    used: set[str],
    *,
    complete: bool = False,
) -> Text | None:
    """A caption of a kind, None where the facts or the language do not give it; complete: only
    one that has every category of objects with its exact count. used: the patterns that the tile's
    captions have, which others come before; the new one joins them."""
    patterns = language.sentences.get(kind)
    material = _MAKERS[kind](facts, language, draws) if patterns else None
    if not patterns or material is None or (complete and not material.complete):
        return None
    slots = {name: own for name, own in context.items() if name not in material.unsaid}
    known = material.values.keys() | slots.keys()
    told = known & (_TELLING if kind == "summary" else _TELLING | {"gsd"})
    fitting = [
        pattern
        for pattern in patterns
        if pattern.needs <= known and (kind not in _JOINED or pattern.tells(told))
    ]
    if not fitting:
        return None
    values = {name: draws.pick(own) for name, own in slots.items()} | material.values
    text = ""
    for pattern in _in_turn(fitting, facts, draws, used):
        text = pattern.fill(values, plural=material.plural, first_plural=material.first_plural)
        if not text[:1].isdigit():  # bad style, where there is another way to say it
            break
    used.add(pattern.pattern)
    return Text(kind.partition(".")[0], text, language.code)


def _in_turn(
    patterns: list[Sentence], facts: Facts, draws: Draws, used: set[str]
) -> list[Sentence]:
    """From a drawn one on, those first that the tile's captions do not have yet; before all, where
    a picture is not of natural colour, those that say what kind of picture it is."""
    start = draws.below(len(patterns))
    turned = patterns[start:] + patterns[:start]
    turned.sort(key=lambda pattern: pattern.pattern in used)
    if facts.shows:
        turned.sort(key=lambda pattern: not pattern.needs & PICTURES)
    return turned


def _is_long(text: str, language: Language) -> bool:
    return len(text.split()) > language.options.long_words


def _class(facts: Facts, language: Language, draws: Draws) -> Material | None:
    noun = ground_in(language, facts.label)
    if noun is None:
        return None
    said = a_noun(language, noun)
    values = {
        "class": bare_noun(noun),
        "a_class": said.text,
        "of_class": language.grammar.of(said.text),
    }
    return Material(values, said.plural, said.first_plural)


def _summary(facts: Facts, language: Language, draws: Draws) -> Material | None:
    """The most telling that is known of the ground: objects or the class, features, cover. Of what
    is no object nobody says that it is on the open sea, or where a place with a name is; nor is the
    sea, of which a tile on the coast has some, in a country."""
    if facts.objects and not (facts.label and draws.below(2)):
        return _as_main(some_objects(facts, language, draws), "things")
    at_sea = facts.place is not None and facts.place.water
    names = [name for name, _ in facts.shares] + [one.category for one in facts.features]
    sea = at_sea or any(is_sea(name, language.lists) for name in names)
    unsaid = _PLACES if sea or is_proper(facts.label, language.lists) else frozenset()
    if facts.label:
        return _as_main(_class(facts, language, draws), "a_class", unsaid)
    if facts.focus:
        return _as_main(focus_alone(facts, language, draws), "focus", unsaid)
    if facts.features:
        return _as_main(scene_of_features(facts, language, draws), "things", unsaid)
    return _as_main(cover_as_things(facts, language, draws), "things", unsaid)


def _as_main(
    material: Material | None, slot: str, unsaid: frozenset[str] = frozenset()
) -> Material | None:
    if material is None:
        return None
    main = {"main": material.values[slot]}
    return Material(main, material.plural, material.first_plural, unsaid=unsaid)


def _nothing(facts: Facts, language: Language, draws: Draws) -> Material | None:
    return Material({})


_MAKERS: dict[str, Callable[[Facts, Language, Draws], Material | None]] = {
    "class": _class,
    "objects.all": all_objects,
    "objects.centre": central_objects,
    "objects.edge": edge_objects,
    "objects.around": around_objects,
    "objects.placed": placed_objects,
    "objects.split": split_objects,
    "objects.some": some_objects,
    "features.focus": focus_and_others,
    "features.around": focus_and_around,
    "features.alone": focus_alone,
    "features.scene": scene_of_features,
    "cover.words": cover_in_words,
    "cover.numbers": cover_in_numbers,
    "place": _nothing,
    "place.sea": _nothing,
    "summary": _summary,
    "plain": _nothing,
}
# kinds that must say something beside what is on the ground
_JOINED = frozenset({"place", "summary"})
