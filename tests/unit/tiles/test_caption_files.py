"""A user's sentences, nouns and languages are laid over ours; a mistake names its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from domainclip.errors import BadInput
from domainclip.extractors.tiles.captions import captions_of, read_templates
from domainclip.extractors.tiles.records import Facts, Thing


def lay(path: Path, text: str, name: str = "en.yaml") -> str:
    file = path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return str(file)


def write(path: str, facts: Facts, code: str = "en", count: int = 3) -> list[str]:
    made = captions_of(
        facts, key="a", seed=0, count=count, languages=(code,), templates=read_templates(path)
    )
    return [text.text for text in made]


def test_a_text_file_holds_sentences_about_a_class(tmp_path: Path) -> None:
    path = lay(tmp_path, "# of fields\n\nThe field is {a_class}.\n  {class}  \n", "mine.txt")
    assert sorted(write(path, Facts(224, label="dune"))) == ["Dune.", "The field is a dune."]


def test_a_sentence_takes_the_place_of_ours_and_the_rest_stays(tmp_path: Path) -> None:
    path = lay(tmp_path, "sentences:\n  class:\n    - 'Look, {a_class}[ at {gsd}]'\n")
    assert write(path, Facts(224, label="dune")) == ["Look, a dune."]
    assert write(path, Facts(224))


def test_a_kind_without_sentences_is_not_written(tmp_path: Path) -> None:
    path = lay(tmp_path, "sentences: {place: [], summary: []}\n")
    facts = Facts(224, label="dune", acquired="2019-07-14")
    made = captions_of(facts, key="a", seed=0, count=20, templates=read_templates(path))
    assert {text.role for text in made} == {"class"}


def test_a_folder_holds_several_languages(tmp_path: Path) -> None:
    lay(tmp_path, "sentences: {class: ['Das ist {a_class}']}\n", "de.yaml")
    lay(tmp_path, 'language: fr\nsentences: {class: ["C\'est {a_class}"]}\n', "mine.yaml")
    facts = Facts(224, label="forest")
    assert write(str(tmp_path), facts, "de") == ["Das ist ein Wald."]
    assert write(str(tmp_path), facts, "fr") == ["C'est une forêt."]
    assert len(write(str(tmp_path), facts, "en")) == 3


def test_nouns_join_the_lexicon(tmp_path: Path) -> None:
    path = lay(tmp_path, "lexicon:\n  yardang: [Yardang, Yardangs, m]\n", "de.yaml")
    assert any("ein Yardang" in text for text in write(path, Facts(224, label="yardang"), "de", 9))
    assert write(path, Facts(224, label="forest"), "de")


def test_names_join_the_lists(tmp_path: Path) -> None:
    path = lay(tmp_path, "lists:\n  aliases: {cls_07: salt pan}\n  uncounted: [salt]\n")
    assert any("a salt pan" in text.lower() for text in write(path, Facts(224, label="cls_07")))
    made = write(path, Facts(224, label="rock salt"), count=9)
    assert not any("a rock salt" in text.lower() for text in made)


def test_options_hold_for_every_language(tmp_path: Path) -> None:
    path = lay(tmp_path, "options: {vague_above: 3}\n")
    ships = tuple(Thing("ship", (at, 1.0, at + 4.0, 3.0), 8.0) for at in range(5))
    facts = Facts(224, objects=ships)
    assert any("many ships" in text.lower() for text in write(path, facts, "en", 40))
    assert any("viele Schiffe" in text for text in write(path, facts, "de", 40))


def test_a_new_language_is_a_complete_file(tmp_path: Path) -> None:
    ours = Path(__file__).parents[3] / "extractors/tiles/captions/languages/nl.yaml"
    text = ours.read_text(encoding="utf-8") + "lexicon: {dune: [dún, dúnen, c]}\n"
    path = lay(tmp_path, text, "fy.yaml")
    assert any("een dún" in one.lower() for one in write(path, Facts(224, label="dune"), "fy", 9))
    with pytest.raises(BadInput, match=r"fy.yaml:1 file: the field 'joins' is missing"):
        read_templates(lay(tmp_path / "b", "sentences: {}\n", "fy.yaml"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sentences:\n  class:\n    - a {clas}\n",
         r"en.yaml:3 sentences.class\[0\]: 'a {clas}': the slot {clas} is not known here. "
         "Did you mean 'class'"),
        ("sentences:\n  class: ['no slot']\n", "en.yaml:2 .*it names no fact; it needs .*{class}"),
        ("sentences:\n  class: ['x [of {class}]']\n", "en.yaml:2 .*outside of brackets"),
        ("sentences:\n  clas: [a]\n", "en.yaml:2 sentences.clas: unknown kind.*'class'"),
        ("sentences:\n  class: ['{class} [a [b]]']\n", "en.yaml:2 .*brackets"),
        ("sentences:\n  class: ['{class} {a']\n", "en.yaml:2 .*braces"),
        ("sentences:\n  class: ['{class} {a|b|c}']\n", "en.yaml:2 .*two forms"),
        ("\noptions: {vague_above: many}\n", "en.yaml:2 options.vague_above: .*'many' is not"),
        ("options: {names: maybe}\n", "en.yaml:1 options.names: .*'maybe'"),
        ("options: {vague: 3}\n", "en.yaml:1 options.vague: unknown option.*'vague_above'"),
        ("sentence: {}\n", "en.yaml:1 sentence: unknown field.*'sentences'"),
        ("months: [Jan]\n", "en.yaml:1 months: .*twelve"),
        ("grammar: klingon\n", "en.yaml:1 grammar: 'klingon' is no grammar"),
        ("language: ../de\n", "en.yaml:1 language: .*no language code"),
        ("lexicon: {dune: [dune]}\n", "en.yaml:1 lexicon.dune: must be"),
        ("lexicon: {dune: [dune, dunes, q]}\n", "en.yaml:1 lexicon.dune: the gender 'q'"),
        ("lists: {aliases: [a]}\n", "en.yaml:1 lists.aliases: must be a mapping"),
        ("lists: {alias: {a: b}}\n", "en.yaml:1 lists.alias: unknown list"),
        ("months: &m [a]\nmany: *m\n", "en.yaml:2: YAML aliases are not read"),
        ("a: 1\na: 2\n", "en.yaml:2 file: the field 'a' is there twice"),
        ("a: [\n", "en.yaml:2: not YAML"),
        ("- a\n", "en.yaml:1 file: must be a mapping"),
        ("", "en.yaml: nothing in it"),
        ("zones:\n  centre: []\n", "en.yaml:2 zones.centre: .*empty"),
        ("many: []\n", "en.yaml:1 many: .*empty"),
        ("pictures: {rader: [[a, b]]}\n",
         "en.yaml:1 pictures.rader: unknown kind of picture.*'radar'"),
        ("lists: {adjectives: [dead]}\n", "en.yaml:1 lists.adjectives: must be a mapping"),
        ("pictures: {satellite: []}\n", "en.yaml:1 pictures.satellite: .*empty"),
        ("x: !!python/object/apply:os.system [ls]\n", "en.yaml:1 x: unknown field"),
    ],
)  # fmt: skip
def test_a_mistake_names_file_line_and_field(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read_templates(lay(tmp_path, text))


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9 {class}")
    with pytest.raises(BadInput, match=r"latin.txt: .*cannot be read"):
        read_templates(str(tmp_path / "latin.txt"))
    with pytest.raises(BadInput, match=r"absent\.yaml"):
        read_templates(str(tmp_path / "absent.yaml"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"no .yaml or .txt file"):
        read_templates(str(tmp_path / "empty"))
    with pytest.raises(BadInput, match="no caption template in it"):
        read_templates(lay(tmp_path, "# nothing\n", "none.txt"))
    with pytest.raises(BadInput, match=r"mine.txt:2 .*\{clas\} is not known here"):
        read_templates(lay(tmp_path, "# x\n{clas}\n", "mine.txt"))
    with pytest.raises(BadInput, match=r"deep\.yaml:1: more than 8 levels"):
        read_templates(lay(tmp_path, "[" * 50, "deep.yaml"))
