"""Dates and times of a report, in numbers and in words of seven languages.

A date of day, month and year is one in every spelling. A month with a day or a year is one; a
month alone, a day and month in numbers ("3/12"), a year alone and a weekday are one only behind a
word that announces a date ("on 3/12", "since 1998"), for "3/12" is also three months, a grade or a
level. A time of day needs am, pm or its like, a date beside it, or a sentence that tells of a
message; "at 10:30, 5 cm from the nipple" is a place in a breast and stays.
"""

from __future__ import annotations

import datetime
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from .text_words import Folded, Span

__all__ = ["DateSpan", "date_spans"]

_MONTHS = (
    "january|januar|janvier|enero|gennaio|janeiro|januari|jan",
    "february|februar|fevrier|febrero|febbraio|fevereiro|februari|feb|febr",
    "march|marz|maerz|mars|marzo|marco|maart|mar|mrz",
    "april|avril|abril|aprile|apr|avr|abr",
    "may|mai|mayo|maggio|maio|mei",
    "june|juni|juin|junio|giugno|junho|jun",
    "july|juli|juillet|julio|luglio|julho|jul",
    "august|aout|agosto|augustus|aug|ago",
    "september|septembre|septiembre|setiembre|settembre|setembro|sept|sep",
    "october|oktober|octobre|octubre|ottobre|outubro|oct|okt",
    "november|novembre|noviembre|novembro|nov",
    "december|dezember|decembre|diciembre|dicembre|dezembro|dec|dez|dic",
)
_NUMBERS = {name: n + 1 for n, names in enumerate(_MONTHS) for name in names.split("|")}
_MONTH = "(?:" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + r")(?![^\W\d_])\.?"
# Names of months that are no other word in lower case, good enough alone behind a preposition.
_LONG = "|".join(name for name in _NUMBERS if len(name) > 4)
# In small letters these are other words, too.
_OTHER_WORDS = frozenset(
    ("may", "mar", "march", "mars", "mai", "mei", "dec", "dez", "dic", "sep", "ago", "apr", "abr")
)
_YEAR = r"(?:1[89]|20)\d\d"
_WEEKDAY = (
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|montag|dienstag|mittwoch|donnerstag|freitag|"
    r"samstag|sonntag|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miercoles|"
    r"jueves|viernes|sabado|domingo)s?"
)
_DAY = r"(?:3[01]|[12]\d|0?[1-9])"
_AFTER = r"(?![\w/]|[.:,\-]\d)"
_SEPARATOR = r"\s?[/.\-]\s?"
_FULL = re.compile(
    rf"(?<![\w.])(?<!\d[/\-])(?:(?P<y1>{_YEAR})(?P<s1>[/.\-])(?P<m1>1[0-2]|"
    rf"0?[1-9])(?P=s1)(?P<d1>{_DAY})"
    rf"(?:T[\d:.]{{4,15}}Z?)?|"
    rf"(?P<a>\d{{1,2}})(?:\s?/\s?(?P<b1>\d{{1,2}})\s?/\s?|\s?-\s?(?P<b2>\d{{1,2}})\s?-\s?|"
    rf"\.\s?(?P<b3>\d{{1,2}})\.\s?)(?P<y2>\d{{4}}|'?\d\d)|"
    rf"(?P<y3>{_YEAR})(?P<m3>1[0-2]|0[1-9])(?P<d3>3[01]|[12]\d|"
    rf"0[1-9])(?:\d{{6}}(?:\.\d{{1,6}})?)?){_AFTER}",
)
_WORDED = re.compile(
    rf"(?<![^\W_])(?:(?:{_WEEKDAY}),?\s{{1,2}}(?:(?:the|den|le)\s)?)?(?:"
    rf"(?P<d1>{_DAY})(?:st|nd|rd|th|\.|er|o)?(?:\s{{0,2}}-\s{{0,2}}|\s{{1,2}}(?:of\s|de\s|di\s)?|)"
    rf"(?P<m1>{_MONTH})(?:(?:\s{{0,2}}[-,/]\s{{0,2}}|\s{{1,2}}(?:de[l]?\s)?|)(?P<y1>{_YEAR}|"
    rf"'\d\d|(?<=[-/])\d\d))?|"
    rf"(?P<m2>{_MONTH})(?:\s{{0,2}}-\s{{0,2}}|\s{{1,2}}(?:the\s)?|)(?P<d2>{_DAY})(?:st|nd|rd|th)?"
    rf"(?:\s{{0,2}}[-,/]?\s{{0,2}}(?P<y2>{_YEAR}|'\d\d|(?<=-)\d\d))?|"
    rf"(?P<m3>{_MONTH})(?:\s{{0,2}}[-,/]\s{{0,2}}|\s{{1,2}}(?:of\s|de\s)?|)(?P<y3>{_YEAR}|'\d\d)|"
    rf"(?P<y4>{_YEAR})(?:[-,/]|\s{{1,2}})(?P<m4>{_MONTH})(?:(?:[-,/]|"
    rf"\s{{1,2}})(?P<d4>{_DAY})(?:st|nd|rd|th)?)?"
    rf")(?![\w/]|[.:\-]\d)",
    re.IGNORECASE,
)
# A month and a year in numbers; the year's four digits make it one.
_MONTH_YEAR = re.compile(
    rf"(?<![\w./\-])(?:(?:1[0-2]|0?[1-9])[/.]{_YEAR}|{_YEAR}[/\-](?:1[0-2]|"
    rf"0[1-9])){_AFTER}"
)
_ANNOUNCED = (
    r"\b(?:on|dated|date|from|since|until|till|through|before|after|between|by|performed|dictated|"
    r"obtained|acquired|admitted|discharged|seen|done|prior|previous|priors?|"
    r"comparisons?(?:\s+is)?|"
    r"compar(?:ed|ison|e)\s+(?:to|with|is\s+made\s+(?:to|with))|study|studies|exam|examination|"
    r"radiographs?|films?|x-?rays?|ct|mri?|pet|ultrasound|mammograms?|scans?|(?:ct|mri?|study|exam|"
    r"examination|radiographs?|films?|x-?rays?|scans?|that)\s+of|lmp|dob|d\.o\.b|born|received|"
    r"signed|"
    r"am|vom|seit|bis|le|du|depuis|el|del|desde|il|d|t|collected|resulted|drawn|surgery)"
    r"\s{0,2}[:,]?\s{0,3}\(?"
)
_PARTIAL = re.compile(
    rf"{_ANNOUNCED}(?P<date>(?:1[0-2]|0?[1-9])/{_DAY}|{_DAY}\.(?:1[0-2]|0?[1-9])\.)"
    rf"(?P<more>(?:\s?(?:,|and|&|-|to)\s?(?:1[0-2]|0?[1-9])/{_DAY})*)(?![\w/\-]|[.:]\d)"
    r"(?!\s{0,2}(?:mm|cm|ml|months?|weeks?|days?|years?|strength|systolic|diastolic|murmur|levels?|"
    r"discs?|of\b|in\b|positive|negative|nodes?|biops|scores?|grade|beats|cores?))",
    re.IGNORECASE,
)
_ALONE = re.compile(
    r"\b(?:in|since|from|of|until|till|by|dated|during|around|before|after|prior\s+to|early|late|"
    r"mid|"
    r"last|this|next|every|to|and|im|seit|ab|bis|en|depuis|desde|on|between|year|circa|"
    r"approximately)"
    r"(?:\s{1,2}the\s(?:year|summer|winter|fall|spring|week|month)\sof|\s{1,2}(?:early|late|"
    r"mid))?\s{1,2}"
    rf"(?P<date>{_YEAR}s?(?:\s?(?:-|to|and|&|/)\s?{_YEAR})?(?![\w/]|[.:,\-]\d)"
    r"(?!\s{0,2}(?:mm|cm|ml|cc|mg|mcg|hu|ug|g\b|units?|cells?|rads?|cgy|gy|hounsfield|x\b|kcal|"
    r"ms|hz|"
    r"copies|iu|m[il]|mgy|ng|calories|patients|images|slices|beads))"
    rf"|(?:{_LONG})(?![^\W_])|{_WEEKDAY}(?![^\W_])(?:\s(?:morning|afternoon|evening|night))?)",
    re.IGNORECASE,
)
_BARE_MONTH = re.compile(
    r"\b(?:in|since|from|of|until|till|by|last|this|next|during|early|late|mid)\s{1,2}"
    r"(?P<date>May|March|April|June|July|MAY|MARCH|APRIL|JUNE|JULY)(?![^\W_])"
)
_CLOCK = r"(?:[01]?\d|2[0-3])"
_TIME = re.compile(
    rf"(?<![\w:/.])(?P<time>{_CLOCK}[:.h][0-5]\d(?::[0-5]\d(?:\.\d{{1,6}})?)?|(?:0\d|1\d|"
    rf"2[0-3])[0-5]\d(?=\s?(?:h|hrs?|hours|uhr)\b)|(?<=\bat )(?:0\d|1\d|2[0-3])[0-5]\d(?!\s?[km])"
    rf"|{_CLOCK}(?=\s?(?:[ap]\.?\s?m\b|uhr\b|[ap]\b-)))"
    r"(?P<half>\s?(?:[ap]\.\s?m\.(?=\s?[a-z,;)]|$)|[ap]\.?\s?m\b|[ap]\b|uhr\b|hours\b|hrs?\b|"
    r"h\b(?!\w)))?(?![\w:/]|\.\d)"
    r"(?:\s?(?:[ECMP][SD]T|UTC|GMT|CET|CEST)\b)?"
    r"(?!\s{0,2}(?:-?\s?(?:o'?clock|position|axis|radian|radius|location|plane|meridian|dilution|"
    r"ratio|titer|titre)))",
    re.IGNORECASE,
)
_MESSAGE = re.compile(
    r"\b(?:discuss|communicat|notif|inform|call|page[dr]|phone|telephone|convey|relay|dictat|sign|"
    r"transcri|approv|verif|report|receiv|spoke|alert|acknowledg|read\s?back|admitted|arriv|"
    r"performed\s+at|obtained\s+at|acquired\s+at|obtained\s+at|timed|time|taken\s+at|hours|"
    r"besprochen|"
    r"informiert)",
    re.IGNORECASE,
)
_BREAST = re.compile(r"\b(?:nipple|o'?clock|cmfn|fn\b|radius)", re.IGNORECASE)


_DIGIT = re.compile(r"\d")
# Some piece of a month or a weekday; a text without one, and without digits, has no date.
_HINT = re.compile(r"day|tag\b|woch|di\b|es\b|ado\b|ingo\b|" + _LONG, re.IGNORECASE)


class DateSpan(NamedTuple):
    """A date in a text. date: where it names a day without doubt, else None."""

    span: Span
    date: datetime.date | None


def date_spans(folded: Folded) -> Iterator[DateSpan]:
    """The dates of a folded text, then its times."""
    text = folded.text
    ends: list[int] = []
    starts: list[int] = []
    digits = _DIGIT.search(text) is not None
    if not digits and _HINT.search(text) is None:
        return
    for found in _FULL.finditer(text):
        valid, day = _numbers(found)
        if valid:
            starts.append(found.start())
            ends.append(found.end())
            yield DateSpan(folded.span("DATE", *found.span()), day)
    for found in _WORDED.finditer(text):
        if _is_worded(found):
            starts.append(found.start())
            ends.append(found.end())
            yield DateSpan(folded.span("DATE", *found.span()), _worded_day(found))
    for found in _MONTH_YEAR.finditer(text):
        yield DateSpan(folded.span("DATE", *found.span()), None)
    for pattern in (_PARTIAL, _ALONE, _BARE_MONTH):
        for found in pattern.finditer(text):
            end = found.end("more") if pattern is _PARTIAL else found.end("date")
            starts.append(found.start("date"))
            ends.append(end)
            yield DateSpan(folded.span("DATE", found.start("date"), end), None)
    starts.sort()
    ends.sort()
    for found in _TIME.finditer(text):
        if _is_time(text, found, starts, ends):
            yield DateSpan(folded.span("DATE", *found.span()), None)


def _numbers(found: re.Match[str]) -> tuple[bool, datetime.date | None]:
    """Whether the numbers make a date, and which. Day and month that may be either are no day,
    but with points, which are written in countries that put the day first."""
    for year, month, day in (("y1", "m1", "d1"), ("y3", "m3", "d3")):
        if found[year]:
            return True, _day(int(found[year]), int(found[month]), int(found[day]))
    one = int(found["a"])
    other = int(found["b1"] or found["b2"] or found["b3"])
    written = found["y2"].strip("'")
    number = int(written)
    if len(written) == 4 and not 1800 <= number <= 2199:
        return False, None
    month_first, day_first = (
        1 <= one <= 12 and 1 <= other <= 31,
        1 <= other <= 12 and 1 <= one <= 31,
    )
    if not (month_first or day_first):
        return False, None
    if len(written) == 2:
        return True, None
    if found["b3"] and day_first:
        return True, _day(number, other, one)
    if month_first and day_first and one != other:
        return True, None
    return True, _day(number, one, other) if month_first else _day(number, other, one)


def _day(year: int, month: int, day: int) -> datetime.date | None:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def _is_worded(found: re.Match[str]) -> bool:
    """Whether a month's name beside a number is a month: "may 3" and "dec 2" in lower case, without
    a year, are none, nor is "Mar" a part of what stands glued to it."""
    month = next(found[name] for name in ("m1", "m2", "m3", "m4") if found[name])
    if any(found[name] for name in ("y1", "y2", "y3", "y4")) or month[0].isupper():
        return True
    return month.strip(".") not in _OTHER_WORDS or found.group()[-2:] in ("st", "nd", "rd", "th")


def _worded_day(found: re.Match[str]) -> datetime.date | None:
    for year, month, day in (("y1", "m1", "d1"), ("y2", "m2", "d2"), ("y4", "m4", "d4")):
        if found[year] and found[day] and len(found[year]) == 4:
            number = _NUMBERS[found[month].lower().rstrip(".")]
            return _day(int(found[year]), number, int(found[day]))
    return None


def _is_time(text: str, found: re.Match[str], starts: list[int], ends: list[int]) -> bool:
    if found["half"] and found["half"].strip().lower() not in ("h", "hr", "hrs", "a", "p"):
        return True
    if "." in found["time"][:3]:  # 3.15 is a measurement but for "3.15 pm"
        return False
    before, behind = bisect_right(ends, found.start()), bisect_left(starts, found.end())
    if before and found.start() - ends[before - 1] <= 12:
        return True
    if behind < len(starts) and starts[behind] - found.end() <= 12:
        return True
    near = text[max(0, found.start() - 100) : found.end() + 60]
    close = text[max(0, found.start() - 25) : found.end() + 40]
    return _MESSAGE.search(near) is not None and _BREAST.search(close) is None
