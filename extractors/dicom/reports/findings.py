"""The findings that a report states, denies or leaves open, by a documented set of rules.

A mention is a phrase of ``findings.yaml``; its status follows from the words around it, as in NegEx
(Chapman et al. 2001, doi:10.1006/jbin.2001.1029) with the three states of CheXpert (Irvin et al.
2019, arXiv:1901.07031, section 3): a trigger before it reaches to the end of its clause, one after
it back to the clause's start; a word that turns the sense (but, however, except) ends a clause.
The phrases and triggers are our own, not those papers'. Where one mention states a finding that
another denies, stated wins, then open, then denied.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import yaml

from domainclip.errors import BadInput

from ..records import Section

__all__ = ["NO_FINDING", "Finding", "Findings", "findings_of", "read_findings", "shipped_findings"]

NO_FINDING = "No Finding"
Status = Literal["present", "uncertain", "absent"]
_REACH = 300  # characters that a trigger reaches: no clause of a report is that long
_RANK: dict[Status, int] = {"absent": 0, "uncertain": 1, "present": 2}

_CHEST = re.compile(
    r"\b(?:chest|thora\w+|lungs?|infiltrates?|pulmonary|pleura\w*|heart|cardi(?:ac|omediast\w*|omegaly)"
    r"|mediastin\w+|pneumo(?:th|mediast|ni)\w+|hila(?:r|um)?|costophrenic|hemithorax|consolidat\w+"
    r"|cardiopulmonary|atelecta\w+|granulomatous|bronch\w+)\b",
    re.IGNORECASE,
)
_ORGANS = tuple(
    re.compile(rf"\b(?:{organ})", re.IGNORECASE)
    for organ in (
        "lungs?\\b|pulmonary|air ?space",
        "heart\\b|cardi",
        "pleura|pneumothora|effusion",
        "mediastin|hila",
    )
)
_WHOLE_CHEST = re.compile(
    r"\b(?:chest|cardiopulmonary|thoracic (?:process|disease))\b", re.IGNORECASE
)
# What says that there is nothing, but for findings that are denied by name.
_NORMAL = re.compile(
    r"\b(?<!not )(?:normal(?:ly)?|unremarkable|clear|negative|no (?:\w+ ){0,2}acute"
    r"|(?:no|without) (?:\w+ ){0,3}(?:abnormal\w+|disease|process|findings?|change|evidence))\b",
    re.IGNORECASE,
)
# Read for findings; what a patient came with, or had before, is none.
_SECTIONS = ("findings", "impression", "addendum", "")


@dataclass(frozen=True, slots=True)
class Finding:
    """name: of the list. status: what the report says of it."""

    name: str
    status: Status


@dataclass(frozen=True, slots=True)
class Findings:
    """What to look for: name -> one pattern over lower-case sentences. chest: names that mean what
    they say in a report of the chest alone: an effusion of the knee is none of the pleura."""

    patterns: tuple[tuple[str, re.Pattern[str]], ...]
    chest: frozenset[str] = frozenset()

    def of_text(self, text: str, *, of_chest: bool = True) -> dict[str, Status]:
        """The findings of a text, each with its surest status, in the list's order."""
        found: dict[str, Status] = {}
        patterns = [one for one in self.patterns if of_chest or one[0] not in self.chest]
        for clause in _clauses(text):
            for name, pattern in patterns:
                for mention in pattern.finditer(clause):
                    status = _status(clause, mention.start(), mention.end())
                    if name not in found or _RANK[status] > _RANK[found[name]]:
                        found[name] = status
        return {name: found[name] for name, _ in self.patterns if name in found}


def findings_of(
    sections: Iterable[Section], findings: Findings | None = None, chest: bool | None = None
) -> tuple[Finding, ...]:
    """The findings of a report's findings, impression and addendum (or of a text without headings).

    ``No Finding`` is present where such sections describe a chest (two of its organs, or the word),
    call something normal or deny a finding, and state nothing nor leave it open. findings:
    ``read_findings`` of a file of yours, else the shipped list. chest: whether the image is one of
    the chest, where the header says it ("Lungs clear." does not); True stands for the words of the
    chest, False gives no ``No Finding``.
    """
    read = [section for section in sections if section.name in _SECTIONS and not section.heading]
    read += [section for section in sections if section.name in _SECTIONS[:3] and section.heading]
    texts = [section.text for section in read if section.text.strip()]
    if not texts:
        return ()
    of_chest = chest or any(_CHEST.search(text) for text in texts)
    found = (findings or shipped_findings()).of_text("\n".join(texts), of_chest=of_chest)
    described = _describes_chest(texts) if chest is None else chest
    normal = bool(found) or any(_NORMAL.search(text) for text in texts)
    if described and normal and not any(status != "absent" for status in found.values()):
        found = {NO_FINDING: "present", **found}
    return tuple(Finding(name, status) for name, status in found.items())


def _describes_chest(texts: Iterable[str]) -> bool:
    """Not the heart alone, of which reports of the abdomen speak too."""
    joined = "\n".join(texts)
    organs = sum(organ.search(joined) is not None for organ in _ORGANS)
    return organs > 1 or _WHOLE_CHEST.search(joined) is not None


def read_findings(path: Path) -> Findings:
    """A YAML file of findings with their expressions, as the shipped one. Raises BadInput."""
    try:
        plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BadInput(f"{path}: is no YAML file that can be read.") from error
    return _compiled(plain, str(path))


@lru_cache(maxsize=1)
def shipped_findings() -> Findings:
    """The list that comes with domainclip."""
    file = files("domainclip.extractors.dicom.reports").joinpath("findings.yaml")
    return _compiled(yaml.safe_load(file.read_text(encoding="utf-8")), "findings.yaml")


def _compiled(plain: object, path: str) -> Findings:
    if not isinstance(plain, Mapping) or not all(
        isinstance(plain.get(part, {}), Mapping) and part in ("chest", "any") for part in plain
    ):
        raise BadInput(
            f"{path}: must have chest and any, each mapping findings to lists of regular "
            "expressions."
        )
    patterns = []
    for name, phrases in {**plain.get("chest", {}), **plain.get("any", {})}.items():
        if not isinstance(phrases, list) or not all(isinstance(each, str) for each in phrases):
            raise BadInput(f"{path}: {name!r} must have a list of regular expressions.")
        joined = "|".join(phrase.replace(" _ ", r" (?:[\w'-]+ ){0,5}?") for phrase in phrases)
        try:
            patterns.append((str(name), re.compile(rf"(?<![\w-])(?:{joined})(?!\w)")))
        except re.error as error:
            raise BadInput(f"{path}: {name!r} is no regular expression ({error}).") from error
    return Findings(tuple(patterns), frozenset(map(str, plain.get("chest", {}))))


_SENTENCE = re.compile(
    r"(?<=[a-z\])])\.(?=\s|$)|(?<=\d)\.(?=\s+[a-z])|[;!]|(?<=\?)|\n\s*\n|\n(?=\s*[-*\d])|:\s"
)
_QUERY = re.compile(r"(?<![^\s(,])\?+[ \t]*(?=\w)")  # "? pneumonia"
_TURN = re.compile(
    r",? (?:but|however|although|though|aside from|apart from|other than|except(?:ing)?(?: for)?"
    r"|with the exception of|which|secondary to|due to|because of)\b"
    r"|, (?:and )?(?:there (?:is|are)|the|this|these|it)\b| and (?:there (?:is|are)|the) "
    r"| with (?=\w+ (?:of|in) )"
)


def _clauses(text: str) -> Iterator[str]:
    for sentence in _SENTENCE.split(_QUERY.sub("questionable ", text.lower())):
        plain = " ".join(sentence.split())
        at = 0
        for turn in _TURN.finditer(plain):
            yield plain[at : turn.start()]
            at = turn.start()
        if plain[at:]:
            yield plain[at:]


_DENIED_BEFORE = re.compile(
    r"\b(?:no|without|not|non|nor|neither|negative for|free of|clear of|absence of|absent"
    r"|lack of|resolved|resolution of|ruled? out|excluded?|denies|never|cannot (?:see|identify)"
    r"|unlikely|clear(?:ed|ing) of|unremarkable for|no longer|fails? to|removal of|removed)\b"
)
# a denial that denies nothing of what follows
_NO_DENIAL = re.compile(
    r"\b(?:no (?:significant |substantial |interval |definite |acute )*"
    r"(?:change|improvement|increase)"
    r"|not (?:significantly |only |well |fully |completely )*(?:changed|only|certain|excluded"
    r"|entirely excluded|evaluated|visuali[sz]ed)|(?:can ?not|not) (?:be )?(?:exclude|rule out)\w*"
    r"|not (?:un)?usual|without (?:significant |interval )*change|no further)\b"
)
_DENIED_AFTER = re.compile(
    r"^[\w ,/()'-]*?\b(?:(?:is|are|was|were|has|have|been|be)? ?(?:not|no longer)"
    r" (?:\w+ )?(?:seen|identified|present|appreciated|visuali[sz]ed|evident|enlarged|demonstrated"
    r"|noted|apparent|detected|observed|suspected)|(?:has|have) (?:\w+ )?(?:resolved|cleared)"
    r"|(?:is|are) (?:\w+ )?(?:resolved|absent|excluded|ruled out|negative)|resolved|unlikely"
    r"|(?:is|are|appears?|remains?) (?:\w+ )?(?:normal|unremarkable|clear))\b"
)
_OPEN_BEFORE = re.compile(
    r"\b(?:possib(?:le|ly|ility of)|probab(?:le|ly)|may|might|could|questionable|question(?: of)?"
    r"|suspicious for|suspicion of|suspect(?:ed)?|suggest(?:s|ing|ive)?(?: of)?|concern(?:ing)? for"
    r"|worrisome for|cannot (?:be )?(?:exclude|rule out)\w*|can't exclude|not exclude\w*|versus|vs"
    r"|likely|presumed|favor(?:s|ing|ed)?|reflect(?:s|ing)?|represent(?:s|ing)?|rather than"
    r"|equivocal|perhaps|differential|compatible with|consistent with|rule out|evaluate for"
    r"|assess for|correlate for|if|unless|should)\b"
)
_OPEN_AFTER = re.compile(
    r"^[\w ,/()'-]*?\b(?:(?:can ?not|could not|not) (?:be )?(?:\w+ )?(?:excluded|ruled out)"
    r"|(?:is|are) (?:\w+ )?(?:possible|suspected|questioned|considered|questionable)"
    r"|(?:may|might|could) be (?:present|considered)|versus|vs|not excluded)\b"
    r"|^[\w /()'-]*\?"
)


def _status(clause: str, start: int, end: int) -> Status:
    before, after = clause[max(0, start - _REACH) : start], clause[end : end + _REACH]
    openly = _OPEN_BEFORE.search(before) or _OPEN_AFTER.search(after)
    if openly and re.search(r"exclude|rule out", openly.group()):
        return "uncertain"
    denied = _DENIED_BEFORE.search(_NO_DENIAL.sub(lambda m: " " * len(m.group()), before))
    if denied or _DENIED_AFTER.search(after) or _inside(clause[start:end]):
        return "absent"
    if openly:
        return "uncertain"
    return "present"


def _inside(mention: str) -> bool:
    """A phrase with a gap may hold its own denial: the heart is not enlarged."""
    return re.search(r"\b(?:not|no|non|normal|without)\b", mention) is not None and not re.search(
        r"(?:limits? (?:of )?|top )normal", mention
    )
