"""How a language puts nouns into phrases: articles, partitives, what ``of`` does to them.

Each language's file says which grammar it has (``grammar: french``) and its articles; what
articles by gender cannot say is here. Nouns stand in one case only, the nominative: the German
and Dutch sentences are worded so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from .english import a_phrase
from .nouns import Noun

__all__ = ["GRAMMARS", "Grammar"]


class Grammar:
    """Articles by gender; nothing before plurals and what is not counted; ``of`` changes nothing.

    articles: gender -> indefinite article. nested: joins a list of which a part has the usual word
    for and in it.
    """

    nested = ""

    def __init__(self, articles: Mapping[str, str]) -> None:
        self.articles = articles

    def one(self, noun: Noun, phrase: str) -> str:
        """A phrase whose head is the noun, in the singular, with its indefinite article."""
        article = self.articles.get(noun.gender, "")
        return f"{article} {phrase}" if article else phrase

    def several(self, noun: Noun) -> str:
        """Some of them, without a number: ``des navires``."""
        return noun.more

    def mass(self, noun: Noun) -> str:
        """Some of what is not counted: ``de l'eau``."""
        return noun.mass

    def of(self, phrase: str) -> str:
        """The phrase after the word for of, with that word: ``d'un navire``; a bare one too."""
        return phrase

    def of_place(self, name: str) -> str:
        """The name of a town after the word for of: ``du Havre``."""
        return self.of(name)

    def joiner(self, joiner: str, following: str, before: str = "") -> str:
        """What stands before the last of a list, given what follows it and the rest before it: of
        snow and ice nobody says ``water and snow and ice``."""
        return self.nested if self.nested and (joiner in following or joiner in before) else joiner


class English(Grammar):
    """a and an go by sound."""

    def one(self, noun: Noun, phrase: str) -> str:
        return a_phrase(phrase)

    def of(self, phrase: str) -> str:
        return f"of {phrase}"

    def joiner(self, joiner: str, following: str, before: str = "") -> str:
        """``water, and snow and ice``."""
        return f",{joiner}" if joiner in following or joiner in before else joiner


class German(Grammar):
    """Articles by gender; every noun in the nominative."""

    nested = " sowie "


class French(Grammar):
    """des, du, de la, de l'; de elides before vowels and mute h and swallows partitives."""

    nested = " ainsi que "

    # their h is not mute
    _ASPIRATED = (
        "hangar", "haie", "hameau", "hauteur", "halle", "haut", "héron", "hors", "hutte", "houle",
        "hêtr", "haras", "hache",
    )  # fmt: skip

    def several(self, noun: Noun) -> str:
        return f"d'{noun.more}" if noun.more.startswith("autres ") else f"des {noun.more}"

    def mass(self, noun: Noun) -> str:
        if noun.mass_gender == "p":
            return f"des {noun.mass}"
        if self._elides(noun.mass):
            return f"de l'{noun.mass}"
        return f"{'de la' if noun.mass_gender == 'f' else 'du'} {noun.mass}"

    def of(self, phrase: str) -> str:
        phrase = re.sub(r"^(?:des |du |de la |de l'|de )", "", phrase)
        return f"d'{phrase}" if self._elides(phrase) else f"de {phrase}"

    def of_place(self, name: str) -> str:
        for article, said in (("Le ", "du "), ("Les ", "des ")):
            if name.startswith(article):
                return said + name.removeprefix(article)
        # the h of most names is not mute, and where it is nobody minds: de Hyères
        return f"de {name}" if name[:1] in "Hh" else self.of(name)

    def _elides(self, word: str) -> bool:
        first = unicodedata.normalize("NFD", word[:1].lower())[:1]
        if first == "h":
            return not word.lower().startswith(self._ASPIRATED)
        return first in tuple("aeiouyœ") and not word.lower().startswith(("onze", "ya", "yo"))


class Italian(Grammar):
    """uno before s and a consonant, z, gn, ps, x, y; un' before a feminine's vowel; ed before e."""

    nested = " nonché "

    _UNO = re.compile(r"(?:s[^aeiouàèéìòù]|z|gn|ps|pn|x|y)", re.IGNORECASE)

    def one(self, noun: Noun, phrase: str) -> str:
        vowel = phrase[:1].lower() in tuple("aeiouàèéìòù")
        if noun.gender == "f":
            return f"un'{phrase}" if vowel else f"una {phrase}"
        return f"{'uno' if self._UNO.match(phrase) else 'un'} {phrase}"

    def of(self, phrase: str) -> str:
        return f"di {phrase}"

    def of_place(self, name: str) -> str:
        for article, said in (("Il ", "del "), ("L'", "dell'")):
            if name.startswith(article):
                return said + name.removeprefix(article)
        return self.of(name)

    def joiner(self, joiner: str, following: str, before: str = "") -> str:
        found = super().joiner(joiner, following, before)
        return " ed " if found == " e " and following[:1].lower() in tuple("eèé") else found


class Spanish(Grammar):
    """un before a feminine that begins with a stressed a: ``un área``; y is e before an i."""

    nested = " así como "

    _STRESSED_A = ("área", "agua", "ave", "aula", "ala", "arma", "hacha", "alga", "ancla")

    def one(self, noun: Noun, phrase: str) -> str:
        if noun.gender == "f" and phrase.split(" ", 1)[0].lower() in self._STRESSED_A:
            return f"un {phrase}"
        return super().one(noun, phrase)

    def of(self, phrase: str) -> str:
        return f"de {phrase}"

    def joiner(self, joiner: str, following: str, before: str = "") -> str:
        found = super().joiner(joiner, following, before)
        return (
            " e " if found == " y " and re.match(r"h?[ií](?![aeo])", following.lower()) else found
        )


class Portuguese(Grammar):
    """um, uma; de before indefinite articles stays apart, as Portuguese prose allows."""

    nested = " bem como "

    # towns that have an article, all masculine
    _WITH_ARTICLE = ("Rio", "Recife", "Porto", "Cairo", "Funchal", "Crato")

    def of(self, phrase: str) -> str:
        return f"de {phrase}"

    def of_place(self, name: str) -> str:
        has_article = name in self._WITH_ARTICLE or name.startswith("Rio ")
        return f"do {name}" if has_article else f"de {name}"


class Dutch(Grammar):
    """een for every gender; van before what follows."""

    nested = " alsook "

    def of(self, phrase: str) -> str:
        return f"van {phrase}"


GRAMMARS: dict[str, type[Grammar]] = {
    "plain": Grammar,
    "english": English,
    "french": French,
    "german": German,
    "italian": Italian,
    "spanish": Spanish,
    "portuguese": Portuguese,
    "dutch": Dutch,
}
