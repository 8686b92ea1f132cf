"""Words of made-up articles: real paragraphs and captions read at run time, or invented ones."""

# ruff: noqa: E501

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

from lxml import etree

from domainclip.extractors.papers.jats.article import parse_jats
from domainclip.extractors.papers.pdf.labels import read_label

__all__ = ["Words", "read_words"]

_VOCABULARY = {
    "de": "der die das und mit bei wurde wurden Patienten Behandlung nach einer Untersuchung zeigt "
    "Verlauf Gruppe deutlich höher Werte im Vergleich zur Kontrolle nicht signifikant Therapie vor "
    "über Jahre klinisch Befund Lunge Herz Messung ergab Ergebnis eine hohe Zahl von",
    "fr": "le la les des patients avec une étude montre après traitement groupe niveau dans et par "
    "rapport aux témoins évolution clinique chez analyse résultats mesure au cours du temps moyenne "
    "élevée cellules tissus sans différence significative selon",
    "es": "el la los pacientes con una muestra después del tratamiento grupo nivel en y por respecto "
    "a los controles evolución clínica análisis resultados medida durante tiempo media elevada "
    "células tejidos sin diferencia significativa según estudio",
    "pt": "o a os pacientes com uma amostra após tratamento grupo nível em e por relação aos "
    "controles evolução clínica análise resultados medida durante tempo média elevada células "
    "tecidos sem diferença significativa segundo estudo não foram",
    "ru": "пациентов после лечения группа исследование показало уровень в и на по сравнению с "
    "контролем клинический анализ результаты измерения времени средний высокий клетки ткани без "
    "различий значимых при этом было",
}


@dataclass(frozen=True, slots=True)
class Words:
    """paragraphs, captions: of real articles in English."""

    paragraphs: tuple[str, ...]
    captions: tuple[str, ...]

    def paragraph(self, random: Random, language: str) -> str:
        if language == "en":
            return random.choice(self.paragraphs)
        return _invented(random, language, random.randrange(4, 12))

    def caption(self, random: Random, language: str) -> str:
        """20 to 1,800 letters."""
        if language == "en":
            return random.choice(self.captions)
        return _invented(random, language, random.choice((1, 1, 2, 3, 6)))


def _invented(random: Random, language: str, sentences: int) -> str:
    words = _VOCABULARY[language].split()
    made = []
    for _ in range(sentences):
        sentence = " ".join(random.choice(words) for _ in range(random.randrange(6, 22)))
        made.append(sentence[0].upper() + sentence[1:] + ".")
    return " ".join(made)


def read_words(folder: Path) -> Words:
    """Paragraphs of 200 to 2,500 letters and captions of the JATS files below a folder."""
    paragraphs: list[str] = []
    captions: list[str] = []
    for path in sorted((*folder.glob("jats/*.nxml"), *folder.glob("jats/*.xml"),
                        *folder.glob("twins/*/fulltext.xml"))):  # fmt: skip
        parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
        body = etree.parse(str(path), parser).find(".//{*}body")
        for node in body.iter("{*}p") if body is not None else ():
            if (
                node.getparent().tag.endswith("caption")
                or node.find(".//{*}disp-formula") is not None
            ):
                continue
            text = " ".join("".join(node.itertext()).split())
            labelled = read_label(text) is not None
            if 200 <= len(text) <= 2500 and "\\" not in text and not labelled:
                paragraphs.append(text)
        article = parse_jats(path.read_bytes(), path.name)
        captions += [
            figure.caption for figure in article.figures
            if 20 <= len(figure.caption) <= 1800 and "\\" not in figure.caption
            and read_label(figure.caption) is None and "Click here" not in figure.caption
        ]  # fmt: skip
    return Words(tuple(paragraphs), tuple(captions))
