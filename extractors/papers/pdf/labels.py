"""The label a caption begins with: its word in many languages, its number, and what follows.

``read_label`` reads the beginning of a line; whether the line is a caption or a sentence of the
text is decided in ``captions``, by comparing all labels of the document.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

__all__ = ["BEFORE", "WORDS", "Kind", "Label", "is_label_word", "read_label", "series_of"]

# other: numbered like a figure, but none (a box, an algorithm, a video). It ends a caption above.
Kind = Literal["figure", "scheme", "table", "other"]

# A blank after the first letter: small capitals are often set as "F IGURE".
WORDS: dict[Kind, str] = {
    "figure": r"""
        F\ ?ig(?:ure|ura|uur|ur)?s? | F\ I\ G(?:\ U\ R\ E|\ (?=\.))? | Bild
      | Abb(?:ildung(?:en)?)? | Afb(?:eelding)? | Image[mn]?
      | Ilustra[cç](?:ión|ão) | Illustration | Рис(?:унок)? | Фиг(?:ура)? | Мал(?:юнок)?
      | Rys(?:unek)? | Ryc(?:ina)? | Obr(?:ázek)? | Kuva | Slika | Hình | Gambar | Şekil | Joonis
      | Attēls | Pav | Εικόνα | Σχήμα | [图圖図] | 그림 | Plate | Chart | Graph | Diagram | Map
      | Photo(?:graph)? | Foto | Pict(?:ure)? | Graphic | Resim | Exhibit | Gr[aá]fico | Gráfica""",
    "table": r"""
        T\ ?ab(?:le(?:au|la)?|la|el[al]?|elle|ell|lo|ulka)?s? | T\ A\ B\ L\ E
      | Табл(?:ица)? | Πίνακας | Taulukko
      | Bảng | 表 | 표 | Cuadro | Quadro""",
    "scheme": r"(?:Reaction\ )?S\ ?ch[eé]m[ae] | Esquema | Схема",
    "other": r"""
        Box | Textbox | Algorithm | Listing | Video | Movie | Audio | Program | Code
      | Multimedia(?:\ component)?""",
}
BEFORE = r"""
    (?: (?:Extended\ data | Online(?:\ only)? | Appendix | Web | e?Supp(?:l|lement(?:ary|al)?)?\.?
        | Supporting(?:\ information)? | Additional\ file\ \d{1,2}: | Colou?r )\ {1,2}
      | e-?(?=[FT]) | SI\ | Text[‐–-]?\ ? )?"""
_WORD = "|".join(f"(?P<{kind}>{words})" for kind, words in WORDS.items())
# 2, 12, S1, A.1, 1.2, 3-1, IV, B. The letter of a panel is not of the number.
_LABEL = re.compile(
    rf"""[\s■▶►●•▪◆▸▲|*\ue000-\uf8ff\ufffd]{{0,3}}
    (?P<word>(?P<before>{BEFORE})(?:{_WORD}))(?P<dot>\.?)(?P<joint>[\s_‐‑–-]{{0,3}})
    (?:N[o°º]\.?\ ?|№\ ?)?
    (?P<number> (?-i:[A-Z]{{1,2}}[.–-]?\ ?)?\d{{1,3}}(?:[.‐‑–-]\d{{1,3}}){{0,2}}(?![\d%°])
      | (?-i:[IVXLC]{{1,6}})(?![\w’']) | (?-i:[A-Z])(?=\s?[.:|]) )
    (?P<supplement>\s?[—–-]\s?(?:figure|source|table|video)\ (?:supplement|data)\ \d{{1,2}})?
    (?P<panel>\ ?[A-Za-z](?:\ ?[,–-]\ ?[A-Za-z])*(?!\w)(?<!\ [aA]))?
    \s*(?P<close>[\])])?(?P<mark>[.:|⏐│∣ǀ।。：．、•■▪▸►▶◆]|[–—‒―-](?!\d))?""",
    re.VERBOSE | re.IGNORECASE,
)
_ONLY_WORD = re.compile(rf"{BEFORE}(?:{_WORD})\.?", re.VERBOSE | re.IGNORECASE)
_CONTINUED = re.compile(
    r"""\s*[.:]?\s*[(\[–—-]?\s*(?:cont(?:inued|inuation|inua|['’]?d|(?=\.))|fortsetzung|suite
    |continuaci[óo]n|continua[çc]ão)\.?\s*[)\]]?\s*[.:]?""",
    re.VERBOSE | re.IGNORECASE,
)
_OWN = re.compile(
    r"plate|chart|pict|graph|diagram|map|photo|foto|exhibit|gr[aá]fic|image|illustration|ilustra"
    r"|reaction|quadro|cuadro",
    re.IGNORECASE,
)
# "Figura 3 O grupo": these letters are words of their own in the languages of these labels.
_ROMANCE = re.compile(
    r"figura|tab[el]+l?[ae]|quadro|cuadro|gr[aá]fic|ilustra|esquema", re.IGNORECASE
)
_WORDS_OF_A_LETTER = frozenset((" E", " O", " Y", " À", " e", " o", " y"))
_MARKS = str.maketrans("⏐│∣ǀ•■▪▸►▶◆：．。।、–—‒―", "|||||||||||:....----")
_DASHES = str.maketrans("‐‑–", "---")
_WIDE = str.maketrans("０１２３４５６７８９", "0123456789")


@dataclass(frozen=True, slots=True)
class Label:
    """What a line begins with. word: as printed ("Fig.", "Extended Data Figure").

    number: "2", "S1", "IV", "A.1"; "1-S2" for the second supplement of figure 1; with the series
    in front where the word names it: "S2" of "Supplementary Fig. 2", "Plate2" of "Plate 2".
    panel: "a" of "Figure 3a". mark: the sign after the number: . : | - or "". text: the label as
    printed, without that sign. end: where the caption's text begins in the line. continued: the
    line says that it goes on from another page.
    """

    kind: Kind
    word: str
    number: str
    panel: str
    mark: str
    text: str
    end: int
    continued: bool


def read_label(line: str) -> Label | None:
    """The label a line begins with, or None. A word without a number is none."""
    match = _LABEL.match(line if line.isascii() else line.translate(_WIDE))
    if match is None or match["close"]:
        return None  # "Fig. 2)" ends a citation
    word, number = match["word"], re.sub(r"\s", "", match["number"]).translate(_DASHES)
    if word[0].islower() and not word.startswith(("eF", "eT", "eS", "e-F", "e-T")):
        return None
    if number[0].isalpha() and not (match["joint"] or match["dot"]):
        return None  # "Tabs", "Mapping": a longer word
    kind: Kind = next(kind for kind in WORDS if match[kind] is not None)
    last = next(name for name in ("panel", "supplement", "number") if match[name])
    panel, mark, end = match["panel"] or "", match["mark"] or "", match.end()
    if panel in _WORDS_OF_A_LETTER and not mark and _ROMANCE.match(match[kind]):
        panel, last, end = "", "number", match.start("panel") + 1
    if match["supplement"]:
        number += "-S" + match["supplement"].split()[-1]
    series = series_of(match["before"], match[kind])
    if series and not number.startswith(series):
        number = series + number
    if re.match(r"[A-Z](?: [A-Z]){2}", word):
        word = word.replace(" ", "")  # letters set apart
    text = unicodedata.normalize("NFKC", word + line[match.end("word") : match.end(last)])
    continued = _CONTINUED.match(line, match.end(last))
    return Label(
        kind,
        word + match["dot"],
        number,
        panel.strip(),
        mark.translate(_MARKS),
        " ".join(text.split()),
        continued.end() if continued else end,
        continued is not None,
    )


def is_label_word(text: str) -> bool:
    """Whether the text is a label's word without its number, as where a wide gap parts them."""
    return _ONLY_WORD.fullmatch(text) is not None


def series_of(before: str, word: str = "") -> str:
    """What stands before a number so that no two figures share one.

    before: the words before "Figure": "S" for supplementary, "ED" for extended data, "A", "e".
    word: the label's, which may count by itself: "Plate" of "Plate 1", which is not "Figure 1".
    """
    own = _OWN.match(word)
    series = own[0].capitalize() if own else ""
    before = before.strip().lower()
    if before.startswith(("supp", "esupp", "additional", "web", "online")):
        return series + "S"
    if before.startswith("extended"):
        return series + "ED"
    return series + {"appendix": "A", "e": "e", "e-": "e", "si": "S"}.get(before, "")
