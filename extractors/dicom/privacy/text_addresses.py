"""Postal addresses and places of living in a report.

A house number with a street, a post box, a postal code with its place or state, and a place behind
"lives in": of the United States, Canada, the United Kingdom, Germany, France, Spain and Italy.
Numbers beside words that are no street ("3 new lesions") stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .text_words import Folded, Span, known

__all__ = ["address_spans"]

_STREET_WORD = (
    r"(?:Street|St\b\.?|Avenue|Ave\b\.?|Road|Rd\b\.?|Boulevard|Blvd\b\.?|Lane|Ln\b\.?|Drive|"
    r"Dr\b\.?|"
    r"Court|Ct\.|Ct(?=,)|Way|Place|Pl\b\.?|Square|Sq\b\.?|Highway|Hwy\b\.?|Parkway|Pkwy\b\.?|"
    r"Terrace|Circle|Cir\b\.?|Trail|"
    r"Plaza|Turnpike|Alley|Crescent|Close|Gardens|Grove|Row|Broadway|Route|Expressway|Walk)"
)
_SHOUTED = _STREET_WORD.upper().replace("\\B", "\\b").replace("|CT(?=,)", "")
_STREET_WORD = f"(?:{_STREET_WORD}|{_SHOUTED})"
_UNIT = (
    r"(?:,?\s{1,2}(?:Suite|Ste|Apt|Apartment|Unit|Room|Rm|Floor|Fl|Bldg|Building|#|SUITE|APT|UNIT|"
    r"STE)\.?\s?#?\s?[\w-]{1,8})?"
)
_CITY = r"[^\W\d_][^\W\d_.'\-]{1,24}(?:[ \-][A-Z][^\W\d_.'\-]{1,24}){0,3}"
_STATE = (
    r"(?:A[LKZR]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|"
    r"S[CD]|T[NX]|"
    r"UT|V[AT]|W[AIVY]|ON|QC|BC|AB|MB|SK|NS|NB|NSW|VIC|QLD|Alabama|Alaska|Arizona|Arkansas|"
    r"California|Colorado|"
    r"Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|"
    r"Louisiana|Maine|"
    r"Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|"
    r"New\s\w{4,10}|"
    r"North\s\w{6,8}|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode\sIsland|South\s\w{6,8}|Tennessee|"
    r"Texas|Utah|"
    r"Vermont|Virginia|Washington|West\sVirginia|Wisconsin|Wyoming)"
)
_ZIP = r"\d{5}(?:-\d{4})?"
# What may follow a street: a city with its state and code, or a city that ends the sentence.
_TAIL = (
    rf"(?:,?\s{{0,2}}\n?\s?{_CITY},?\s{{1,2}}(?:(?i:{_STATE})(?:\.?,?\s{{1,2}}{_ZIP})?(?![\w])|"
    r"(?i:[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2})(?![\w]))|"
    rf",\s?{_CITY}(?=\s?(?:[.,;)\n]|$)))?"
)
_STREETS = re.compile(
    rf"(?<![\w.,/\-])\d{{1,6}}[A-Za-z]?\s{{1,2}}(?:(?:N|S|E|W|NE|NW|SE|SW|North|South|East|"
    rf"West)\.?\s{{1,2}})?"
    rf"(?:(?:[A-Z][\w.'\-]{{0,24}}|\d{{1,3}}(?:st|nd|rd|th|ST|ND|RD|"
    rf"TH))\s{{1,2}}){{1,4}}{_STREET_WORD}(?![\w])"
    rf"(?:\s(?:N|S|E|W|NE|NW|SE|SW)\b\.?)?{_UNIT}{_TAIL}"
)
_LOWER_STREETS = re.compile(
    r"(?<![\w.,/\-])\d{1,6}\s{1,2}(?:[a-z][a-z'\-]{1,24}\s{1,2}){1,3}(?:street|avenue|road|"
    r"boulevard|blvd|lane|parkway|highway)\b"
)
_POST_BOX = re.compile(r"\bP\.?\s?O\.?\s?Box\s{0,2}#?\s?\d{1,7}" + _TAIL, re.IGNORECASE)
_CITY_STATE = re.compile(
    rf"(?<![\w]){_CITY},\s{{0,2}}(?i:{_STATE})\.?,?\s{{1,2}}{_ZIP}(?![\w])|"
    rf"(?<![\w]){_STATE}\s{{1,2}}{_ZIP}(?![\w])|"
    r"\b(?i:zip(?:\s?code)?|postal\s?code|postcode|plz)"
    r"\s{0,2}[:.]?\s{0,2}[A-Z0-9][A-Z0-9\- ]{3,9}(?=\W|$)"
)
# Without a postal code only behind what is no word; "Chest, CT" and "Hall, MD" are none.
_TOWN = re.compile(
    rf"(?<![\w])(?P<town>(?:[A-Z][a-z]{{2,24}}\s){{0,2}}[A-Z][a-z]{{2,24}}),\s(?!(?:MD|PA|CT|OR|"
    rf"IN|ME|HI|OK|AL|ID|DE|"
    rf"LA|VA|MS|MT|PR|SC|AB|BC|ON|NB|NS|SK|MA|DC|CO)\b){_STATE}(?![\w])"
)
_UK_CANADA = re.compile(
    r"(?<![\w])(?:[A-Z]{1,2}\d[A-Z\d]?\s\d(?!TH|ST|ND|RD|MM|CM|ML|HR)[ABD-HJLNP-UW-Z]{2}|"
    r"[ABCEGHJ-NPRSTVXY]\d[A-Z]\s\d[A-Z]\d)(?![\w])"
)
_EUROPE = re.compile(
    # Hauptstrasse 12a, 10115 Berlin
    r"(?<![^\W_])(?:[A-Z][^\W\d_]{2,24}(?:[ \-][A-Z][^\W\d_]{2,24}){0,3}[\- ]?)?(?:strasse|str\.|"
    r"straat|gasse|weg|allee|platz|damm|ufer|"
    r"Strasse|Str\.|Gasse|Weg|Allee|Platz|Damm|Ufer)\s{1,2}\d{1,4}\s?[a-z]?(?![\w])"
    r"(?:,?\s{1,2}(?:[A-Z]{1,2}-)?\d{4,5}\s[A-Z][^\W\d_]{2,24})?|"
    # ul. Orla 279, 73-509 Piekary
    r"\b(?i:ul\.|ulica|al\.|aleja|plac|os\.)\s(?:[A-Z][^\W\d_]{1,24}\s){1,3}\d{1,4}\w?"
    r"(?:,?\s\d{2}-\d{3}\s[A-Z][^\W\d_]{2,24})?|"
    # 12 bis, rue de la Paix, 75002 Paris; Calle Mayor 12, 28013 Madrid; Via Roma 1
    r"(?<![\w.,/])\d{1,4}(?:\s?(?:bis|ter))?,?\s(?i:rue|avenue|boulevard|place|chemin|impasse|"
    r"allee|quai|cours)(?:\s(?i:de|du|des|la|le|les|d'|l'))*"
    r"(?:\s?[A-Z][^\W\d_'\-]{1,24}){1,4}(?:,?\s{1,2}\d{4,5}\s[A-Z][^\W\d_\-]{2,24})?|"
    r"\b(?:[Cc]alle|C/|[Aa]venida|[Pp]laza|[Pp]aseo|[Rr]ua|[Vv]iale?|[Vv]ia|[Pp]iazza|"
    r"[Cc]orso)\s(?:(?i:de|del|la|las|los|di|della|da|do)\s){0,3}"
    r"(?:[A-Z][^\W\d_]{1,24}\s?){1,4},?\s?(?:n[o.]\s?)?\d{1,4}(?![\w])"
    r"(?:,?\s{1,2}\d{4,5}\s[A-Z][^\W\d_]{2,24})?"
)
# Whatever a text itself calls an address.
_STATED = re.compile(
    r"\b(?:(?:lives?|living|resid(?:es|ing))\s+at\s+(?=[^.;\n]{0,40}\d)|(?:address|adresse|anschrift|"
    r"direccion|domicilio|indirizzo)\s?(?::|is)\s{0,3})(?P<place>[^;\n]{3,120}?)"
    r"(?=\.(?:\s|$)|[;\n]|$|,?\s(?:and|who|with|where|phone|tel|mrn|dob)\b)",
    re.IGNORECASE,
)
_CODE_PLACE = re.compile(
    r"(?<![\w.,/\-])(?:[A-Z]{1,2}-)?(?P<code>\d{5})"
    r"\s(?P<place>[A-Z][^\W\d_]{2,24}(?:[ \-][A-Z][^\W\d_]{2,24})?)(?![\w])"
)
_LIVES = re.compile(
    r"\b(?:lives?|living|resid(?:es?|ing|ent)|born|native|wohnhaft|domiciliado)\s+(?:alone\s+|"
    r"with\s+\w+\s+\w+\s+)?(?:in|at|of|outside|near)\s+"
    r"(?P<place>[A-Z][^\W\d_]{2,24}(?:\s[A-Z][^\W\d_]{2,24}){0,2})"
)


def address_spans(folded: Folded) -> Iterator[Span]:
    """Spans of kind ADDRESS in a folded text."""
    text = folded.cased
    for found in _TOWN.finditer(text):
        if not known(found["town"].split()[-1], "words"):
            yield folded.span("ADDRESS", *found.span())
    for found in _STATED.finditer(text):
        yield folded.span("ADDRESS", *found.span("place"))
    for found in _LIVES.finditer(text):
        if not known(found["place"].split()[0], "words"):
            yield folded.span("ADDRESS", *found.span("place"))
    if not any(character.isdigit() for character in text):
        return
    for pattern in (_STREETS, _POST_BOX, _CITY_STATE, _UK_CANADA, _EUROPE):
        for found in pattern.finditer(text):
            yield folded.span("ADDRESS", *found.span())
    for found in _LOWER_STREETS.finditer(text):
        if not all(known(word, "words") for word in found.group().split()[1:-1]):
            yield folded.span("ADDRESS", *found.span())
    for found in _CODE_PLACE.finditer(text):
        if not known(found["place"].split()[0], "words", "eponyms"):
            yield folded.span("ADDRESS", *found.span())
