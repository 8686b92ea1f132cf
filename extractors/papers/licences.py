"""Licences as SPDX identifiers, from URLs, codes and prose, and which of them a policy takes.

The most restrictive reading wins wherever a text says two things: an article whose link says CC BY
and whose prose says non-commercial is CC BY-NC.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from domainclip.errors import UsageError, nearest

from ._licence_words import of_article, stated_terms

__all__ = ["UNKNOWN", "allows", "check_policy", "spdx_of", "strictest"]

UNKNOWN = "unknown"
PUBLIC_DOMAIN = "LicenseRef-public-domain"  # said in prose; SPDX has no identifier for it

_COMMERCIAL = frozenset(
    ["CC0", "CC-PDM", "CC-PDDC", PUBLIC_DOMAIN, "CC-BY", "CC-BY-SA", "CC-BY-ND", "OGL-UK"]
)
_STRICT_FIRST = ("OGL-UK", "CC0", "CC-PDM", "CC-PDDC", PUBLIC_DOMAIN)
_FAMILIES = _COMMERCIAL | frozenset(["CC-BY-NC", "CC-BY-NC-SA", "CC-BY-NC-ND"])
# Ported licences that SPDX lists; all others are given as the version they are ports of
_PORTED = frozenset(
    [
        "BY-2.5-AU", "BY-3.0-AT", "BY-3.0-AU", "BY-3.0-DE", "BY-3.0-IGO", "BY-3.0-NL",
        "BY-3.0-US", "BY-NC-3.0-DE", "BY-NC-ND-3.0-DE", "BY-NC-ND-3.0-IGO", "BY-NC-SA-2.0-DE",
        "BY-NC-SA-2.0-FR", "BY-NC-SA-2.0-UK", "BY-NC-SA-3.0-DE", "BY-NC-SA-3.0-IGO",
        "BY-ND-3.0-DE", "BY-SA-2.0-UK", "BY-SA-2.1-JP", "BY-SA-3.0-AT", "BY-SA-3.0-DE",
        "BY-SA-3.0-IGO"
    ]
)  # fmt: skip
_VERSIONS = frozenset(["1.0", "2.0", "2.1", "2.5", "3.0", "4.0"])

_CC_URL = re.compile(
    r"creativecommons\s*\.\s*org\s*/\s*(?:licen[sc]es?|publicdomain)\s*/\s*([a-z]+(?:\s?[-+]\s?[a-z]*)*)"
    r"(?:\s*/\s*(\d\s?\.\s?\d))?(?:/([a-z]{2,3})\b)?"
)
_CC_CODE = re.compile(
    r"\b(?:cc|creative commons)[ -]*by((?:[ -]*(?:nc|nd|sa))*)(?![a-z])"
    r"(?:[ -]*(?:v|version)?[ .]*(\d\.\d))?(?:[ -](igo|[a-z]{2})\b)?"
)
_CC0 = re.compile(r"\bcc[ -]?(?:0|zero)\b")
_CODE_ONLY = re.compile(r"\s*cc[ -]*(?:by|0|zero)[ a-z0-9.-]{0,24}\s*")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−_"), "-")


@lru_cache(maxsize=256)  # publishers say it in the same words every time
def spdx_of(url_or_text: str) -> str:
    """A licence's SPDX identifier: "CC-BY-4.0", "CC0-1.0", "CC-BY-NC-ND-3.0-IGO", or "unknown".

    Takes a URL, a code ("CC BY-NC", "CC0") or prose in any of a dozen languages. Where nothing
    names the version, neither does the answer ("CC-BY"): a version is never guessed. Sentences
    about the data, metadata or a data waiver do not count. No Creative Commons, public-domain or
    Open Government licence: "unknown" ("TDM", "all rights reserved", a publisher's own terms).
    """
    text = _plain(url_or_text)
    if not text.strip():
        return UNKNOWN
    if _CODE_ONLY.fullmatch(text):
        return strictest(_of_codes(text))
    kept = of_article(text)
    claims = [*_of_urls(kept), *_of_codes(kept)]
    terms = stated_terms(kept)
    if terms is not None:
        claims.append(terms)
    return strictest(claims)


def strictest(claims: list[str]) -> str:
    """The one licence that keeps to all claims; "unknown" for none, or where they exclude another.

    Claims of the same terms differ only in version: the first version named is taken.
    """
    if UNKNOWN in claims or not claims:
        return UNKNOWN
    families = {_family(claim) for claim in claims}
    attributed = [f for f in families if f.startswith("CC-BY")]
    if not attributed:
        chosen = min(families, key=_STRICT_FIRST.index)
    else:
        terms = {term for family in attributed for term in family.split("-")[2:]}
        if {"SA", "ND"} <= terms:
            return UNKNOWN
        chosen = "-".join(["CC-BY", *(t for t in ("NC", "SA", "ND") if t in terms)])
    same = [claim for claim in claims if _family(claim) == chosen]
    return max(same, key=lambda claim: claim != chosen, default=chosen)


def check_policy(policy: str) -> None:
    """Raises UsageError for a policy that ``allows`` would not understand."""
    _policy(policy)


def allows(spdx: str, policy: str) -> bool:
    """Whether a licence is one that a policy takes.

    policy: "any"; "commercial" (CC0, public domain, CC-BY, CC-BY-SA, CC-BY-ND, OGL-UK); or a list
    such as "CC0,CC-BY": an entry without a version stands for all versions, and CC-BY for itself
    alone, not for CC-BY-NC. An unknown or empty licence is taken by "any" only.
    Raises UsageError for any other policy.
    """
    entries = _policy(policy)
    if "any" in entries:
        return True
    if not spdx or spdx == UNKNOWN:
        return False
    family = _family(spdx)
    if "commercial" in entries and family in _COMMERCIAL:
        return True
    return family in entries or spdx in entries


def _policy(policy: str) -> set[str]:
    entries: set[str] = set()
    for part in policy.split(","):
        entry = part.strip()
        if entry.lower() in ("any", "commercial"):
            entries.add(entry.lower())
            continue
        short = entry.upper().replace(" ", "-").removesuffix("-1.0")
        found = short if short in _FAMILIES else entry if entry == PUBLIC_DOMAIN else spdx_of(entry)
        if found == UNKNOWN:
            known = ["any", "commercial", *sorted(_FAMILIES)]
            raise UsageError(
                f"Unknown licence policy {entry!r}.{nearest(entry, known)} "
                f"Give any, commercial, or a list of {', '.join(known[2:])}."
            )
        entries.add("CC0" if found == "CC0-1.0" else found)
    return entries


def _family(spdx: str) -> str:
    """Without version and port: CC-BY-NC-3.0-IGO -> CC-BY-NC."""
    return re.sub(r"-\d\.\d.*$", "", spdx)


def _plain(text: str) -> str:
    """Lower case, no accents, plain hyphens and blanks; other scripts stay as they are."""
    text = unicodedata.normalize("NFKD", text[:20_000].translate(_DASHES)).casefold()
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", _ACCENTS.sub("", text)))


def _of_urls(text: str) -> list[str]:
    claims = []
    for name, version, port in _CC_URL.findall(text):
        name, version = name.replace(" ", ""), version.replace(" ", "")
        if name == "zero":
            claims.append("CC0-1.0")
        elif name == "mark":
            claims.append("CC-PDM-1.0")
        elif name == "publicdomain":
            claims.append("CC-PDDC")
        elif name.startswith("by") and set(name.split("-")) <= {"by", "nc", "sa", "nd", ""}:
            claims.append(_named({t.upper() for t in name.split("-")}, version, port))
        else:
            claims.append(UNKNOWN)  # retired licences: sampling, nc, devnations
    if "open-government-licence" in text or "open government licence" in text:
        version = re.search(r"licence(?:/version/| v(?:ersion)? ?)([123])", text)
        claims.append(f"OGL-UK-{version[1]}.0" if version else "OGL-UK")
    return claims


def _of_codes(text: str) -> list[str]:
    claims = ["CC0-1.0"] if _CC0.search(text) else []
    for terms, version, port in _CC_CODE.findall(text):
        claims.append(_named({t.upper() for t in re.findall("nc|nd|sa", terms)}, version, port))
    return claims


def _named(terms: set[str], version: str, port: str) -> str:
    """CC-BY with its terms in SPDX's order, its version and its port where SPDX lists it."""
    name = "-".join(["BY", *(t for t in ("NC", "SA", "ND") if t in terms)])
    if {"SA", "ND"} <= terms:
        return UNKNOWN
    if version not in _VERSIONS:
        return f"CC-{name}"
    ported = f"{name}-{version}-{port.upper()}"
    return f"CC-{ported}" if port and ported in _PORTED else f"CC-{name}-{version}"
