"""What licence prose says in a dozen languages: attribution, no commerce, share-alike, no changes.

Texts come lower-cased, without accents, with plain hyphens.
"""

from __future__ import annotations

import re

__all__ = ["of_article", "only_of_data", "stated_terms"]

_NAMED = re.compile(
    r"creative ?commons|\bccby|\bcc[ -](?:by|licen[sc]e)|创用|知识共享|クリエイティブ"
)
_ATTRIBUTION = re.compile(
    r"attribution|\bby\b licen|atribucion|reconocimiento|atribuicao|namensnennung|attribuzione|"
    r"paternite|reconeixement|uznanie autorstwa|uvedte (?:autora|puvod)|atıf|atif|naamsvermelding|"
    r"erkannande|navngivelse|navngivels|atribusi|атрибуци|указанием авторства|署名|表示|저작자"
)
_NON_COMMERCIAL = re.compile(
    r"(?<!both commercial and )(?<!commercial, )"
    r"(?<!commercial and )(?<!commercial or )(?<!commercial as well as )"
    r"\bnon ?-? ?commercial(?! (?:and|or|as well as|&) (?:for )?commercial)|"
    r"\bno ?-? ?comercial|\bnao ?-? ?comercial|nicht ?-? ?kommerziell|"
    r"pas d['’ ]?utilisation commerciale|(?:usage|utilisation|fins?) non[ -]commercial|"
    r"fines no comerciales|fins nao comerciais|non commerciale|niekomercyjn|nevyuzivejte|nekomerc|"
    r"nietcommercieel|niet-commercieel|icke-?kommersiell|ikke-?kommersiel|ikke-?kommerciel|"
    r"gayri ?-?ticari|ticari olmayan|non-?komersial|некоммерческ|非商|非营利|非営利|비영리|"
    r"not (?:be )?(?:used )?(?:for commercial|commercially)|no commercial (?:use|re-?use)|"
    r"commercial (?:use|re-?use|purposes?)[^.;]{0,30} (?:is|are) (?:not|prohibited|forbidden)|"
    r"(?:for|regarding) commercial (?:use|re-?use|purposes?|reproduction|rights)[^.;]{0,20}"
    r"(?:please|contact|permission|e-?mail)|without commercial|\bnon ?-? ?profit|not-for-profit"
)
_NO_CHANGES = re.compile(
    r"\bno ?-? ?deriv|sin ?-? ?(?:obras? ?-? ?)?deriva|sem ?-? ?deriva|keine ?-? ?bearbeitung|"
    r"pas de modification|non opere derivate|bez utworow zaleznych|nezpracovavejte|"
    r"geen ?-? ?afgeleide|ingabearbetningar|inga ?-? ?bearbetningar|ingen ?-? ?(?:bearbej|bearbei)|"
    r"turetilemez|tanpa ?-? ?turunan|без производных|禁止演绎|禁止改作|改変禁止|변경 ?금지|"
    r"not (?:be )?(?:altered|changed|modified|transformed|built upon)|not altered, transformed|"
    r"(?<!with or )without (?:any )?(?:modification|alteration|change)s?|"
    r"no (?:modifications?|alterations?|adaptations?)\b|permission [^.]{0,40}share adapted material"
)
_SHARE_ALIKE = re.compile(
    r"share ?-? ?alike|compartir ?-? ?igual|compartilha ?-? ?igual|partilha|"
    r"weitergabe unter gleichen|partage (?:dans les memes conditions|a l['’ ]identique)|"
    r"condividi allo stesso modo|"
    r"na tych samych warunkach|zachovejte licenci|gelijkdelen|dela ?-?lika|ayni ?-? ?lisansla|"
    r"berbagi ?-? ?serupa|(?:under|on) (?:the |an? )?(?:identical|same) (?:terms|licen)|"
    r"с сохранением условий|相同方式|継承|동일 ?조건"
)
_VERSION = re.compile(
    r"(?:attribution|commons|licen[scz]\w*|lizenz|international|unported)"
    r"[^.;:]{0,60}?\b([1-4]\.[05])\b"
)
_DATA = re.compile(
    r"(?:appl(?:y|ies)|regarding|with respect) to (?:the |all |any )?(?:data|metadata|abstract)|"
    r"waiver\b.{0,300}\bdata\b|\bdata (?:are|is)? ?made available|(?:meta)?data (?:are|is) "
    r"(?:released|licensed|available|dedicated)"
)
_SENTENCE = re.compile(r"(?<=[.;!?])\s+(?=\S)|[。；]")
_RIGHTS = re.compile(r"licen[sc]|creative|rights|permi|public domain|copyright|\bcc\b|reus")
_PUBLIC_DOMAIN = re.compile(
    r"\b(?:is|are|lies?|being|placed|released|dedicated) (?:\w+ )?(?:in|into|to|within|of) the "
    r"public domain|\bin the public domain in|public domain (?:work|article)|"
    r"(?:this|the) (?:article|work|paper|is)\b[^.;]{0,60}"
    r"(?:u\.? ?s\.?|united states) government work|"
    r"(?:this|the) (?:article|work|paper|is)\b[^.;]{0,60}work of the (?:u\.? ?s\.?|united states)"
)
_RESERVED = re.compile(
    r"not (?:\w+ )?(?:in|into|within) the public|no claim|rights reserved|may be subject"
)
_DEDICATION = re.compile(r"public domain (?:dedication|declaration|waiver)|\bcc ?-?0\b|\bzero\b")


def of_article(text: str) -> str:
    """Without the sentences that speak of the data's or metadata's licence."""
    return " ".join(s for s in _SENTENCE.split(text) if not _DATA.search(s))


def only_of_data(text: str) -> bool:
    """Whether a licence's words, as they are written, speak of the data or metadata alone."""
    rest = of_article(" ".join(text.lower().split()))
    return len(rest) < len(text) and not _RIGHTS.search(rest)


def stated_terms(text: str) -> str | None:
    """What prose claims, as an identifier (with a version where it names one); None: nothing.

    "unknown" where it forbids commercial use without naming a Creative Commons licence, so that
    no other claim of the same text makes more of it.
    """
    non_commercial = _NON_COMMERCIAL.search(text) is not None
    named = _NAMED.search(text) is not None
    attributed = named and _ATTRIBUTION.search(text) is not None
    if not named:
        if non_commercial:
            return "unknown"
        free = _PUBLIC_DOMAIN.search(text) and not _RESERVED.search(text)
        return "LicenseRef-public-domain" if free else None
    terms = [
        name
        for name, stated in (
            ("NC", non_commercial),
            ("SA", _SHARE_ALIKE.search(text)),
            ("ND", _NO_CHANGES.search(text)),
        )
        if stated
    ]
    if attributed or terms:
        if {"SA", "ND"} <= set(terms):
            return "unknown"
        version = _VERSION.search(text)
        name = "-".join(["CC-BY", *terms])
        return f"{name}-{version[1]}" if version else name
    if _DEDICATION.search(text):
        return "CC-PDDC" if "declaration" in text else "CC0-1.0"
    return None
