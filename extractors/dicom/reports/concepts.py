"""What the coded concepts of a structured report mean: sections, identifiers, units, languages.

Sources: PS3.16 CID 7001 and 7002 (headings and elements of diagnostic imaging reports, in LOINC and
in the DCM codes that these replaced), TID 1001 to 1010 (observation context), TID 1204 (language),
PS3.3 C.18.1 (units in UCUM).
"""

from __future__ import annotations

import re

from ..records import IdentifierKind
from .headings import SECTION_NAMES, Headings, heading_key, shipped_headings

__all__ = [
    "context_kind",
    "is_generic",
    "language_of",
    "named_kind",
    "section_name",
    "unit_text",
]

# By code value: values of LOINC and of DCM's numbers share none. Measurements and qualitative
# evaluations (TID 1500) and what a CAD marked (TID 4000) are findings.
_SECTIONS = {
    "findings": ("121070", "121071", "18782-3", "59776-5", "404684003",
                 "126010", "126011", "C0034375", "111017"),
    "impression": ("121072", "121073", "19005-8", "121076", "121077", "55110-1", "121111",
                   "55112-7"),
    "indication": ("121109", "18785-6", "121062", "55115-0", "121110", "55108-5", "55752-0"),
    "history": ("121060", "11329-0", "11348-0", "10164-2"),
    "technique": ("121064", "121065", "55111-9", "29549-3"),
    "comparison": ("121066", "55114-3", "121068", "121069", "18834-2"),
    "recommendation": ("121074", "121075", "18783-1"),
    "addendum": ("121078", "55107-7"),
}  # fmt: skip
_BY_CODE = {code: name for name, codes in _SECTIONS.items() for code in codes}

_OTHER_SCRIPTS = {
    "所見": "findings", "所见": "findings", "影像所见": "findings", "检查所见": "findings",
    "소견": "findings", "описание": "findings", "診断": "impression", "诊断": "impression",
    "印象": "impression", "结论": "impression", "诊断意见": "impression", "결론": "impression",
    "판독": "impression", "заключение": "impression", "検査目的": "indication", "病史": "history",
}  # fmt: skip

# Concepts that say no more than that there is a text: their names are left out before it.
_GENERIC = re.compile(
    r"(?:report |free |finding |narrative |content )?(?:text|narrative|description|comments?|notes?"
    r"|paragraph|body|report|content|value|code|line|remarks?)(?: (?:text|code|value|section))*"
    r"|(?:section|document|report) (?:heading|title|header)|image reference"
    r"|key object description|(?:first|second|third|last) paragraph|procedure reported"
)
_GENERIC_CODES = {"113012", "121106", "121058", "121050", "121049"}
# Modifiers that read well alone: laterality, site and its modifier, severity, view.
_PLAIN_MODIFIERS = {
    "272741003",
    "G-C171",
    "363698007",
    "G-C0E3",
    "106233006",
    "G-A1F8",
    "246112005",
}

# DCM codes of observation context (TID 1002 to 1010): what a text under them is.
_CONTEXT: dict[str, IdentifierKind] = {
    "121008": "name", "121009": "institution", "121012": "id", "121013": "other", "121016": "id",
    "121017": "institution", "121018": "id", "121019": "id", "121020": "id", "121021": "id",
    "121022": "id", "121028": "id", "121029": "name", "121030": "id", "121031": "date",
    "121036": "name", "121114": "name", "121121": "institution", "121122": "id", "121152": "id",
    "121173": "name", "110119": "institution", "110190": "id",
}  # fmt: skip
_CONTEXT_MEANINGS: tuple[tuple[IdentifierKind, str], ...] = (
    ("phone", r"\b(?:tele)?phone|\bfax\b|e-?mail|\bpager\b|telefon"),
    ("address", r"address|street|\bcity\b|postal|zip code|anschrift"),
    ("id", r"\b(?:accession|patient|subject|order|serial|record|placer|filler|device|study|license)"
     r"\b.*(?:\bids?\b|number|identifier|\buid\b)|\bmrn\b|\bssn\b|insurance"),
    ("institution", r"hospital|institution|clinic\b|clinic name|organi[sz]ation|department|facility"
     r"|\bstation\b|physical location|\bward\b|krankenhaus|klinik"),
    ("date", r"\bdate\b|\bbirth|geburtsdatum"),
    ("name", r"\bname\b|physician|radiologist|observer|operator|technologist|technician|sonographer"
     r"|\bauthor\b|referr(?:ing|er)|perform(?:ed|er|ing)\b.*\bby|read(?:ing|er)? by|dictated"
     r"|transcri(?:bed|ptionist)|verif(?:ied|ier)|signed|surgeon|\bnurse\b|\barzt\b"),
)  # fmt: skip
_BY_CONTEXT = [(kind, re.compile(pattern)) for kind, pattern in _CONTEXT_MEANINGS]
# Of content that is shown, only names that say plainly that they are of somebody or somewhere.
_NAMED: tuple[tuple[IdentifierKind, str], ...] = (
    ("phone", r"(?:tele)?phone(?: number)?|fax(?: number)?|e-?mail(?: address)?"),
    ("address", r".*\baddress"),
    ("id", r"(?:accession|patient|subject|order|serial|medical record) (?:id|number|identifier)"
     r"|mrn"),
    ("institution", r"(?:.*\b)?(?:hospital|institution|organi[sz]ation|facility|department|clinic)"
     r"(?: name)?"),
    ("name", r"(?:patient|subject|physician|observer|operator|doctor|relative)(?:'?s)? name"
     r"|(?:.*\b)?(?:physician|radiologist|technologist|sonographer|surgeon|observer)(?: name)?"),
)  # fmt: skip
_BY_NAMED = [(kind, re.compile(pattern)) for kind, pattern in _NAMED]

# UCUM as written, where that is not how people write it.
_UNITS = {
    "1": "", "{no units}": "", "Cel": "°C", "um": "µm", "ug": "µg", "us": "µs", "uGy": "µGy",
    "[hnsf'U]": "HU", "deg": "°", "mm2": "mm²", "cm2": "cm²", "mm3": "mm³", "cm3": "cm³",
    "m2": "m²", "{H.B.}/min": "bpm", "{HU}": "HU", "[degF]": "°F", "{ratio}": "", "mm[Hg]": "mmHg",
}  # fmt: skip
_UNIT = re.compile(r"[A-Za-zµ°%/\d.*^²³-]{1,12}")

_LANGUAGES = {
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "ita": "it",
    "por": "pt", "nld": "nl", "dut": "nl", "jpn": "ja", "zho": "zh", "chi": "zh", "kor": "ko",
    "rus": "ru", "pol": "pl", "swe": "sv", "nor": "no", "nob": "nb", "dan": "da", "fin": "fi",
    "ces": "cs", "cze": "cs", "slk": "sk", "hun": "hu", "ron": "ro", "rum": "ro", "ell": "el",
    "gre": "el", "tur": "tr", "heb": "he", "ara": "ar", "hin": "hi", "tha": "th", "vie": "vi",
    "ukr": "uk", "bul": "bg", "hrv": "hr", "srp": "sr", "slv": "sl", "cat": "ca", "eus": "eu",
    "est": "et", "lav": "lv", "lit": "lt", "ind": "id", "fas": "fa", "per": "fa", "isl": "is",
}  # fmt: skip
_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}))?")


def section_name(code: str, meaning: str, headings: Headings | None = None) -> str:
    """The section that a concept heads, as ``Section.name``; "" where it is none of them.

    A meaning that is listed as a heading is believed before the code: writers copy codes, readers
    see meanings. headings: those of the user, else the shipped ones.
    """
    plain = _plain(meaning)
    by_code = _BY_CODE.get(code, "")
    if not plain or _GENERIC.fullmatch(plain):
        return by_code
    plain = re.sub(r"(?<=\w) section$", "", plain)
    if plain in _OTHER_SCRIPTS:
        return _OTHER_SCRIPTS[plain]
    known = headings or shipped_headings()
    listed = known.labels.get(heading_key(plain), "")
    if listed in SECTION_NAMES:
        return listed
    if by_code:
        return by_code
    found = known.match(plain)
    labels = [label for label in (found.labels if found else ()) if label in SECTION_NAMES]
    if not labels:
        return ""
    if labels == ["findings"] and plain.startswith(("previous", "prior")):
        return "comparison"
    return "impression" if "impression" in labels else labels[0]


def is_generic(code: str, meaning: str, *, modifier: bool = False) -> bool:
    """Whether a concept's name adds nothing to its value (``Description``, ``Report Text``)."""
    if not meaning or code in _GENERIC_CODES or (modifier and code in _PLAIN_MODIFIERS):
        return True
    return _GENERIC.fullmatch(_plain(meaning)) is not None


def context_kind(code: str, meaning: str) -> IdentifierKind | None:
    """What a value under this concept of the observation context tells, None where unknown."""
    if code in _CONTEXT:
        return _CONTEXT[code]
    plain = _plain(meaning)
    return next((kind for kind, pattern in _BY_CONTEXT if pattern.search(plain)), None)


def named_kind(meaning: str) -> IdentifierKind | None:
    """What a value under this concept of the shown content tells of who and where, else None."""
    plain = _plain(meaning)
    return next((kind for kind, pattern in _BY_NAMED if pattern.fullmatch(plain)), None)


def unit_text(code: str, meaning: str) -> str:
    """A unit as it is written after a number, "" for none."""
    if code in _UNITS:
        return _UNITS[code]
    if meaning in ("no units", "unity", "ratio") or code.startswith("{"):
        return "" if meaning in ("no units", "unity", "ratio") else meaning or code.strip("{}")
    return code if _UNIT.fullmatch(code) else meaning or code


def language_of(code: str, country: str = "") -> str:
    """BCP 47 tag of a language code (RFC 5646, ISO 639-1 or 639-2) and an ISO 3166 country."""
    found = _TAG.fullmatch(code.strip())
    if not found:
        return ""
    language = found[1].lower()
    language = _LANGUAGES.get(language, language)
    country = (found[3] or (country if re.fullmatch(r"[A-Za-z]{2}", country) else "")).upper()
    script = found[2].title() if found[2] else ""
    return "-".join(part for part in (language, script, country) if part)


def _plain(meaning: str) -> str:
    """As patterns expect it: lower case, single blanks, no numbering or colon."""
    plain = re.sub(r"[\s_]+", " ", meaning[:200]).strip().lower()
    return re.sub(r"^(?:\d+[.)] ?)|[:. ]+$", "", plain)
