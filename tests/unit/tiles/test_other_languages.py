"""Captions in six other languages: countries in their words, and what editors once found wrong."""

from __future__ import annotations

import builtins
import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

from domainclip.errors import MissingExtra
from domainclip.extractors.tiles.captions import LANGUAGES, captions_of, read_templates
from domainclip.extractors.tiles.captions.grammar import GRAMMARS
from domainclip.extractors.tiles.places import naming
from domainclip.extractors.tiles.places.countries import country_names
from domainclip.extractors.tiles.places.lookup import places_of
from domainclip.extractors.tiles.places.naming import CountrySaid, country_said, town_said
from domainclip.extractors.tiles.records import Facts, Place, Thing

OTHERS = LANGUAGES[1:]
OURS = read_templates(None)
LYON = Place(4.8, 45.8, "France", "FR", "Auvergne-Rhône-Alpes", "Lyon", 9.0)


def write(facts: Facts, code: str, count: int = 12, keys: int = 12) -> list[str]:
    """Captions of a tile under several keys."""
    return [
        text.text
        for key in range(keys)
        for text in captions_of(
            facts, key=str(key), seed=0, count=count, languages=(code,), templates=OURS
        )
    ]


def joined(facts: Facts, code: str) -> str:
    return "\n".join(write(facts, code))


def table() -> dict[str, Any]:
    """The table of prepositions as its file has it."""
    file = naming.resources.files(naming.__package__) / "countries_said.yaml"
    said: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return said


@pytest.fixture
def names() -> dict[str, str]:
    pytest.importorskip("tzdata")
    pytest.importorskip("babel")
    return country_names()


@pytest.mark.parametrize("code", OTHERS)
def test_every_country_has_a_name_that_a_sentence_can_hold(
    code: str, names: dict[str, str]
) -> None:
    assert len(names) >= 249
    for country in names:
        said = country_said(country, code)
        assert said is not None and said.within
        assert not re.search(
            r"[()/&{}’]|\bSAR\b|\bRAE\b|\bRAS\b|R\.A\.S|EE\. ?UU|\bEUA\b", said.name
        )
        assert said.within.split()[0][0].islower()
        assert said.name.split()[-1][:4] in said.within


@pytest.mark.parametrize("code", OTHERS)
def test_the_table_of_countries_names_each_once_by_its_code(
    code: str, names: dict[str, str]
) -> None:
    said = table()[code]
    codes = [one for way in said["ways"].values() for one in way] + [*said.get("phrases", {})]
    assert len(codes) == len(set(codes))
    # NO without quotation marks is the word false in YAML
    assert {*codes, *said["names"]} <= names.keys()


@pytest.mark.parametrize(
    ("code", "country", "within"),
    [
        ("de", "FR", "in Frankreich"), ("de", "CH", "in der Schweiz"), ("de", "IR", "im Iran"),
        ("de", "NL", "in den Niederlanden"), ("de", "US", "in den Vereinigten Staaten"),
        ("de", "CF", "in der Zentralafrikanischen Republik"), ("de", "MT", "auf Malta"),
        ("fr", "FR", "en France"), ("fr", "PT", "au Portugal"), ("fr", "IR", "en Iran"),
        ("fr", "US", "aux États-Unis"), ("fr", "CU", "à Cuba"), ("fr", "CI", "en Côte d'Ivoire"),
        ("es", "PE", "en Perú"), ("es", "NL", "en los Países Bajos"),
        ("es", "GB", "en el Reino Unido"), ("es", "IN", "en la India"),
        ("it", "FR", "in Francia"), ("it", "US", "negli Stati Uniti"), ("it", "HT", "ad Haiti"),
        ("it", "NL", "nei Paesi Bassi"), ("it", "IM", "sull'Isola di Man"),
        ("pt", "BR", "no Brasil"), ("pt", "NO", "na Noruega"), ("pt", "PT", "em Portugal"),
        ("pt", "US", "nos Estados Unidos"), ("pt", "PH", "nas Filipinas"),
        ("nl", "NL", "in Nederland"), ("nl", "US", "in de Verenigde Staten"),
        ("nl", "CU", "op Cuba"),
    ],
)  # fmt: skip
def test_a_country_stands_behind_its_own_preposition(
    code: str, country: str, within: str, names: dict[str, str]
) -> None:
    said = country_said(country, code)
    assert said is not None and said.within == within


def test_english_puts_the_before_the_countries_that_have_it(names: dict[str, str]) -> None:
    the = OURS.language("en").lists.the_countries
    for country, name in names.items():
        needs = name in the
        # a plural, a republic, a kingdom, a territory has it; an island and a country do not
        plural = re.search(r"(Islands|States|Netherlands|Emirates|Territories)$", name)
        if plural and " and " not in name:
            assert needs, country
        if re.search(r"(Republic|Kingdom|Territory)\b", name):
            assert needs, country
    assert {names[code] for code in ("NL", "US", "PH", "BS", "GB")} <= the
    assert not {names[code] for code in ("FR", "UA", "LB", "CZ", "NO")} & the
    place = Place(5.0, 52.0, names["NL"], "NL")
    made = joined(Facts(224, place=place), "en")
    assert "in the Netherlands" in made and "in Netherlands" not in made


@pytest.mark.parametrize("code", OTHERS)
def test_captions_name_the_country_and_the_near_town(code: str, names: dict[str, str]) -> None:
    said = country_said("FR", code)
    assert said is not None
    made = joined(Facts(224, label="forest", place=LYON), code)
    assert said.within in made and f"({said.name})" in made and "Lyon" in made
    assert f"{said.within} (Auvergne-Rhône-Alpes)" in made
    assert "France" not in made or code == "fr"
    far = joined(Facts(224, label="forest", place=replace(LYON, town_km=80.0)), code)
    assert said.within in far and "Lyon" not in far


@pytest.mark.parametrize(
    ("town", "country", "code", "said"),
    [
        ("Rome", "IT", "de", "Rom"), ("Prague", "CZ", "es", "Praga"),
        ("London", "GB", "nl", "Londen"), ("Knox", "US", "fr", "Knox"),
        ("Cairo", "EG", "fr", "Le Caire"), ("Reykjavík", "IS", "de", "Reykjavík"),
        ("London", "CA", "nl", "London"), ("Rome", "US", "de", "Rome"),
        ("Lyon", "FR", "it", "Lyon"), ("Havana", "CU", "it", "L'Avana"),
        ("Rome", "IT", "xx", "Rome"),
    ],
)  # fmt: skip
def test_a_town_has_its_name_in_the_language_where_there_is_one(
    town: str, country: str, code: str, said: str, names: dict[str, str]
) -> None:
    assert town_said(town, country, code) == said


def test_towns_in_captions_are_those_of_the_language(names: dict[str, str]) -> None:
    cairo = Facts(224, place=Place(31.2, 30.0, names["EG"], "EG", "", "Cairo", 4.0))
    assert "près du Caire (Égypte)" in joined(cairo, "fr")
    assert "nei pressi del Cairo (Egitto)" in joined(cairo, "it")
    assert "nahe Kairo (Ägypten)" in joined(cairo, "de")
    assert "close to Cairo in Egypt" in joined(cairo, "en")


@pytest.mark.parametrize("code", OTHERS)
def test_a_city_state_is_not_near_itself(code: str, names: dict[str, str]) -> None:
    place = Place(103.8, 1.3, "Singapore", "SG", "", "Singapore", 2.0)
    said = country_said("SG", code)
    assert said is not None
    made = joined(Facts(224, place=place), code)
    assert said.within in made and "(" not in made


@pytest.mark.parametrize("code", OTHERS)
def test_a_country_that_has_no_name_is_not_said(code: str, names: dict[str, str]) -> None:
    assert country_said("XX", code) is None
    place = Place(20.0, 42.0, "", "", "", "Pristina", 3.0)
    made = write(Facts(224, label="forest", place=place), code)
    assert made and not any("Pristina" in text for text in made)


def test_a_language_of_the_users_own_has_a_name_without_a_preposition(
    names: dict[str, str],
) -> None:
    assert country_said("DE", "sv") == CountrySaid("Tyskland", "")
    assert country_said("DE", "xx") is None
    strange = replace(OURS.language("nl"), code="sv")
    templates = replace(OURS, languages={"sv": strange})
    made = captions_of(
        Facts(224, place=LYON), key="a", seed=0, count=9, languages=("sv",), templates=templates
    )
    assert any("Lyon (Frankrike)" in text.text for text in made)
    assert not any("{" in text.text for text in made)


def test_places_without_babel_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == "babel":
            raise ImportError(name)
        return plain(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r"babel.*places"):
        places_of([4.8], [45.8])


@pytest.mark.parametrize(
    ("code", "town", "said"),
    [
        ("french", "Lyon", "de Lyon"), ("french", "Orléans", "d'Orléans"),
        ("french", "Le Havre", "du Havre"), ("french", "Les Ulis", "des Ulis"),
        ("french", "La Rochelle", "de La Rochelle"), ("french", "Hamburg", "de Hamburg"),
        ("french", "Évry", "d'Évry"), ("french", "Leipzig", "de Leipzig"),
        ("italian", "Roma", "di Roma"), ("italian", "Il Cairo", "del Cairo"),
        ("italian", "L'Aquila", "dell'Aquila"), ("italian", "La Spezia", "di La Spezia"),
        ("portuguese", "Rio de Janeiro", "do Rio de Janeiro"), ("portuguese", "Porto", "do Porto"),
        ("portuguese", "Porto Alegre", "de Porto Alegre"), ("portuguese", "Lisboa", "de Lisboa"),
    ],
)  # fmt: skip
def test_towns_contract_with_of(code: str, town: str, said: str) -> None:
    assert GRAMMARS[code]({}).of_place(town) == said


COVER = (("mangrove", 0.62), ("water", 0.28), ("bare ground", 0.1))


@pytest.mark.parametrize(
    ("code", "right", "wrong"),
    [
        ("fr", ("surtout des mangroves", "de l'eau par endroits"), ("surtout mangrove",)),
        ("es", ("sobre todo manglares", "agua en algunas zonas"), ("mitad nieve",)),
        ("it", ("soprattutto mangrovieti",), ("soprattutto mangrovieto,",)),
        ("pt", ("sobretudo mangues",), ("sobretudo mangue,",)),
        ("de", ("überwiegend Mangrovenwälder", "zum Teil Wasser"), ("überwiegend Mangrovenwald,",)),
        ("nl", ("vooral mangrovebossen", "water op sommige plekken"), ("deels",)),
    ],
)
def test_land_cover_takes_plurals_and_partitives(
    code: str, right: tuple[str, ...], wrong: tuple[str, ...]
) -> None:
    made = joined(Facts(224, shares=COVER), code).lower()
    assert all(words.lower() in made for words in right)
    assert not any(words.lower() in made for words in wrong)


def test_spanish_says_on_how_much_of_the_ground_something_lies() -> None:
    half = joined(Facts(224, shares=(("snow", 0.5), ("rock", 0.35), ("ice", 0.15))), "es")
    assert re.search(r"[Nn]ieve en cerca de la mitad de la superficie", half)


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("category", ["person", "tree", "tower", "bird"])
def test_no_verb_tells_how_a_thing_is_there(code: str, category: str) -> None:
    """Trees and towers stand and lakes lie, in German and Dutch."""
    thing = Thing(category, (110.0, 110.0, 114.0, 114.0), 12.0)
    for facts in (Facts(224, objects=(thing,)), Facts(224, features=(thing,), focus=True)):
        made = joined(facts, code)
        assert not re.search(r"\b(liegt|liegen|steht|stehen|ligt|liggen|staat|staan)\b", made)
        # how small something looks, not how small it is
        assert not re.search(r"de petite taille|de pequeño tamaño|\bkleine", made)


@pytest.mark.parametrize("code", ["fr", "es", "it", "pt"])
def test_what_looks_small_agrees_with_its_noun(code: str) -> None:
    words = {"fr": ("petit", "petite"), "es": ("pequeño", "pequeña"),
             "it": ("piccolo", "piccola"), "pt": ("pequeno", "pequena")}[code]  # fmt: skip
    # a vehicle is masculine and a person feminine in all four
    for category, word in zip(("vehicle", "person"), words, strict=True):
        thing = Thing(category, (20.0, 20.0, 24.0, 24.0), 12.0)
        said = set(
            re.findall(
                rf"\b(?:{words[0]}|{words[1]})\b", joined(Facts(224, objects=(thing,)), code)
            )
        )
        assert said == {word}


def test_portuguese_contracts_before_the_sensor_and_french_needs_no_of() -> None:
    facts = Facts(224, 10.0, acquired="2019-07", sensor="Sentinel-2")
    assert "do Sentinel-2" in joined(facts, "pt") and "de Sentinel" not in joined(facts, "pt")
    eye = joined(replace(facts, sensor="OrbView-3"), "fr")
    assert "de OrbView" not in eye and " OrbView-3" in eye


@pytest.mark.parametrize("code", OTHERS)
def test_pictures_that_are_none_from_space_are_not_said_to_be(code: str) -> None:
    space = OURS.language(code).from_space
    assert space and space in joined(Facts(224, 10.0, label="lake"), code)
    assert space not in joined(Facts(224, 0.1, label="lake"), code)


def test_dutch_ij_is_one_capital() -> None:
    made = write(Facts(224, label="ice"), "nl")
    assert any(text.startswith("IJs,") for text in made)
    assert not any(text.startswith("Ijs") for text in made)


def test_joiners_go_by_the_sound_that_follows() -> None:
    italian, spanish = GRAMMARS["italian"]({}), GRAMMARS["spanish"]({})
    assert italian.joiner(" e ", "erba") == " ed " and italian.joiner(" e ", "acqua") == " e "
    assert spanish.joiner(" y ", "iglesias") == " e " and spanish.joiner(" y ", "hielo") == " y "


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("de", "Wasser sowie Schnee und Eis"), ("fr", "de l'eau ainsi que des neiges et glaces"),
        ("es", "agua así como nieve y hielo"), ("it", "acqua nonché neve e ghiaccio"),
        ("pt", "água bem como neve e gelo"), ("nl", "water alsook sneeuw en ijs"),
    ],
)  # fmt: skip
def test_a_pair_within_a_list_is_joined_by_another_word(code: str, said: str) -> None:
    facts = Facts(224, shares=(("water", 0.6), ("snow and ice", 0.4)), acquired="2019")
    assert said.lower() in joined(facts, code).lower()


def test_others_of_a_kind_take_no_french_article() -> None:
    schools = tuple(Thing("school", (0.0, 0.0, 9.0, 9.0), 81.0, length_px=9.0) for _ in range(3))
    made = joined(Facts(224, features=schools, focus=True), "fr")
    assert "d'autres écoles" in made and "des autres" not in made
