"""Numbers and addresses that tell who somebody is, and great ages, by their own form.

E-mail and web addresses, IP addresses, DICOM UIDs (PS3.5 section 9), telephone, fax and pager
numbers, social security numbers, record and accession numbers by their label or their length, ages
over 89 (45 CFR 164.514(b)(2)(i)(C)). What a report counts and measures has a unit, a range or few
digits, and stays: "1.2 x 3.4", "T2", "L4-L5", "BI-RADS 4", "series 4 image 53", "8,100".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .text_words import Folded, Span

__all__ = ["rule_spans"]

_UNIT = (
    r"(?!\s{0,2}(?:mm|cm|m\b|ml|cc|mg|mcg|ug|g\b|kg|hu\b|iu|units?|cells?|copies|rads?|c?gy|mgy|"
    r"x\s?\d|"
    r"hz|khz|mhz|ms\b|%|/\s?(?:u|m|d|c|hpf|mm)|per\b|kcal|platelets|beads|particles|mbq|bq|mci))"
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}\s?@\s?[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_URL = re.compile(
    r"(?:https?|ftps?|file|dicom-web|wado)://[^\s<>\"')\]]{1,500}|"
    r"(?<![\w.])www\.[\w\-./?=&%#]{3,300}|"
    r"(?<![\w.@])[a-z0-9-]{2,40}\.(?:[a-z0-9-]{2,40}\.){0,3}(?:com|org|net|edu|gov|info|de|fr|ch|"
    r"co\.uk|nhs\.uk)"
    r"(?:/[\w\-./?=&%#]{0,200})?(?![\w])",
    re.IGNORECASE,
)
_UID = re.compile(
    r"(?<![\w.])(?:[0-2](?:\.\d{1,39}){5,}|[12]\.2\.(?:840|276|826|250|124|"
    r"392)(?:\.\d{1,39}){2,}|2\.25\.\d{10,})(?![\w])"
)
_UUID = re.compile(r"(?<![\w-])[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}(?![\w-])")
_IP = re.compile(
    r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|"
    r"1?\d?\d)(?::\d{2,5})?(?![\w]|\.\d)|"
    r"(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){5,7}[0-9A-Fa-f]{1,4}(?![\w:])"
)
_SSN = re.compile(r"(?<![\w-])(?:\d{3}-\d{2}-\d{4}|\d{3}\s\d{2}\s\d{4})(?![\w-])")
_EXTENSION = r"(?:\s{0,2},?\s{0,2}(?:x|ext\.?|extension|option)\s{0,2}\d{1,6})?"
_PHONE = re.compile(
    # (317) 555-0123, 317-555-0123, 317.555.0123, 1-800-555-0123, +1 317 555 0123
    rf"(?<![\w.\-])(?:\+?1[\s.\-]{{0,2}})?(?:\(\d{{3}}\)\s{{0,2}}|"
    rf"\d{{3}}[\s.\-/]{{1,2}})\d{{3}}[\s.\-]{{1,2}}\d{{4}}{_EXTENSION}(?![\w-])|"
    # +49 30 1234567, 0049 (0)30 123 45 67
    r"(?<![\w.])(?:\+\d{1,3}|00\d{1,3}(?=[\s.\-/(]))(?:[\s.\-/]{0,2}\(?\d{1,5}\)?){2,7}(?![\w])|"
    # 01 42 34 56 78, 030/1234567, 0711-123456
    r"(?<![\w.\-])0\d(?:[\s.]\d{2}){4}(?![\w])|(?<![\w.\-/])0\d{2,4}\s?[/\-]\s?\d{5,8}(?![\w])|"
    # (07151) 62046, 050-02 01 01, 0527-832 3029
    r"(?<![\w.\-/])(?=[\d\s()/\-]{9,22})\(?0\d{1,5}\)?[\s/\-]{1,3}\d{2,8}(?:[\s\-]\d{2,4}){0,4}"
    r"(?![\w\-]|[.,]\d)|"
    # x4567 and 555-0123 alone
    r"(?<=[\s(])x\d{4,5}(?![\w])|"
    r"(?<![\w.\-/])\d{3}-\d{4}(?![\w\-])"
)
_CALLED = re.compile(
    r"\b(?:phones?|telephones?|tel|ph|mobile|cell(?:ular)?(?:\s?phone)?|fax|telefax|pagers?|"
    r"beepers?|bleep|"
    r"(?:page|call|reached|contact|reach|dial)(?:\s+\w{2,10}){0,3}?\s+(?:at|on)|call|extension|ext|"
    r"telefon|handy|durchwahl|"
    r"telephone|portable\s(?=\d)|telefono|movil|p#|vm|voicemail|callback(?:\snumber)?|"
    r"call\s?back)(?:\s?(?:number|no|nr|num|is|was|#))?"
    r"\s{0,2}[.:#]{0,2}\s{0,3}(?P<number>[+(]?\d[\d\s().\-/]{2,20}\d)(?:\s{0,2}(?:x|"
    r"ext\.?)\s{0,2}\d{1,6})?(?![\w:])"
    r"(?!\s?(?:[ap]\.?m\b|mm|cm|ml|hours|hrs))",
    re.IGNORECASE,
)
_LABELLED = re.compile(
    r"\b(?:mrn|m\.r\.n|mr\s?(?:#|no\b|number)|medical\s+record|med\.?\s?rec|record|chart|account|"
    r"acct|accession|acc|"
    r"patient(?:en)?|pat|pt|case|exam(?:ination)?|order|requisition|req|visit|encounter|specimen|"
    r"hospital|unit|study|claim|policy|insurance|member|group|medicare|medicaid|nhs|chi|hic|fin|"
    r"csn|"
    r"certificate|licen[cs]e|npi|dea|serial|s/n|badge|employee|job|dictation|document|doc|report|"
    r"confirmation|"
    r"reference|ref|control|transaction|passport|driver'?s?\s?licen[cs]e|ssn|social\s+security|"
    r"versichertennummer|fallnummer|fall|patientennummer|auftragsnummer|auftrag|"
    r"untersuchungsnummer|"
    r"dossier|numero|historia(?:\s+clinica)?|expediente|nhc|nss|dni|ipp|nip)"
    r"(?P<sign>(?:\s{1,2}|/)?(?:numbers?|nummer|num|no|nr|id|ident(?:ifier)?|#s?|code|"
    r"n)?\.?\s{0,2}(?:is|was|:|#|=)?\s{0,3}[:#]?\s{0,3})"
    r"(?P<value>[A-Za-z]{0,6}[\-/]?\d[A-Za-z0-9]{0,20}(?:[\-/.](?=[\w]*\d)"
    r"[A-Za-z0-9]{1,14}){0,4})(?![\w])" + _UNIT,
    re.IGNORECASE,
)
_SURE_LABEL = re.compile(
    r"(?:mrn|m\.r\.n|mr\s?#|medical\s+record|med|record|chart|account|acct|accession|npi|dea|ssn|"
    r"social|"
    r"nhs|fin|csn|s/n|serial|passport|driver|nummer|fallnummer|nhc|nss|dni|ipp|nip|medicare|"
    r"medicaid|licen)",
    re.IGNORECASE,
)
_SIGN = re.compile(r"#|:|=|\b(?:no|nr|number|nummer|id|identifier|num)\b", re.IGNORECASE)
_ID_SIGN = re.compile(
    r"(?<![\w#])(?:ID|Id|I\.D\.|P\.?ID|UID|GUID)\s{0,2}(?:no|number|nr|is)?\.?\s{0,2}[:#=]?\s{0,3}"
    r"(?P<value>[A-Za-z]{0,6}[\-/]?\d[A-Za-z0-9]{2,20}(?:[\-/.][A-Za-z0-9]{1,14}){0,4})(?![\w])|"
    r"(?<![\w#])#\s?(?P<bare>[A-Za-z]{0,4}-?\d{4,20})(?![\w])"
)
# Longer than what a report counts: seven digits, or six without a unit; and letters and digits in
# the manner of accession and specimen numbers.
_LONG = re.compile(
    r"(?<![\w.,\-/+])(?:\d{7,}|\d{6}(?![\d]))(?![\w]|[,.]\d)" + _UNIT + "|"
    r"(?<![\w\-.])(?=[A-Z0-9\-]{0,24}\d{4})[A-Z]{1,6}-?\d{2,4}-\d{3,10}(?:-\d{1,6})?(?![\w])|"
    r"(?<![\w\-.])[A-Z]{1,5}-?\d{5,14}[A-Z]{0,2}(?![\w])|(?<![\w\-.])"
    r"(?=[\d\-]{9,})\d{2,6}-\d{2,8}-\d{1,8}(?:-\d{1,6})*(?![\w\-])|"
    r"(?<![\w\-.])[A-Z]{2}\s?(?:\d{2}\s){2}\d{2}\s?[A-D](?![\w])|"
    r"(?<![\w\-.])\d{3,4}-\d{4,8}(?![\w\-])|"
    r"(?<![\w\-.])\d{3}\s\d{3}\s\d{3,4}(?![\w])|(?<![\w\-.])"
    r"\d{4,}[A-Z]{1,4}\d{2,}\w{0,12}(?![\w\-])"
)
_GREAT = r"(?:9\d|1[0-3]\d)"
_AGE = re.compile(
    rf"(?<![\w.,/\-])(?P<a>{_GREAT})(?=\s?(?:-\s?)?(?:years?|yrs?|y\.?\s?/?o\b|yo[fm]?\b|y/o|yom|"
    rf"yof|y\.o|jahre|jahrig|ans\b|anos|anni|jaar)"
    rf"(?!\s+(?:ago|later|history|before|after|previously|prior|earlier|of\s+(?!age)|survival|"
    rf"pack)))|"
    rf"\b(?:aged?|alter|edad|age\s?(?:is|of|:))\s{{0,2}}:?\s{{0,3}}(?P<b>{_GREAT})(?!\w|\.\d|"
    rf"\s?(?:%|days?|weeks?|months?))|"
    rf"(?<![\w.,/\-])(?P<c>{_GREAT})(?=\s?/?\s?(?:[MF]|male|female|man|woman|lady|gentleman)\b)",
    re.IGNORECASE,
)
_WORDED_AGE = re.compile(
    r"\b(?:ninety|(?:one\s)?hundred)(?:[\s-](?:and\s)?(?:one|two|three|four|five|six|seven|eight|"
    r"nine|ten))?"
    r"(?=[\s-](?:years?|yrs?)[\s-]old\b)",
    re.IGNORECASE,
)


def rule_spans(folded: Folded) -> Iterator[Span]:
    """Spans of the kinds EMAIL, URL, ID, PHONE and AGE in a folded text."""
    text = folded.text
    if "@" in text:
        yield from _all(folded, _EMAIL, "EMAIL")
    yield from _all(folded, _URL, "URL")
    for found in _AGE.finditer(text):
        group = found.lastgroup or "a"
        yield folded.span("AGE", *found.span(group))
    yield from _all(folded, _WORDED_AGE, "AGE")
    if not any(character.isdigit() for character in text):
        return
    for pattern, kind in (
        (_UID, "ID"), (_UUID, "ID"), (_IP, "ID"), (_SSN, "ID"), (_PHONE, "PHONE"), (_LONG, "ID"),
    ):  # fmt: skip
        yield from _all(folded, pattern, kind)
    for found in _CALLED.finditer(text):
        if sum(character.isdigit() for character in found["number"]) >= 4:
            yield folded.span("PHONE", found.start("number"), found.end())
    for found in _LABELLED.finditer(text):
        digits = sum(character.isdigit() for character in found["value"])
        said = _SIGN.search(found["sign"]) is not None
        sure = _SURE_LABEL.match(found.group()) is not None
        if (sure and (digits >= 3 or said)) or (said and digits >= 3) or digits >= 5:
            yield folded.span("ID", found.start("value"), found.end("value"))
    for found in _ID_SIGN.finditer(text):
        yield folded.span("ID", *found.span("value" if found["value"] else "bare"))


def _all(folded: Folded, pattern: re.Pattern[str], kind: str) -> Iterator[Span]:
    for found in pattern.finditer(folded.text):
        yield folded.span(kind, *found.span())
