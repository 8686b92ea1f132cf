"""Whether a caption says that its figure is somebody else's: "reproduced with permission", "©"."""

from __future__ import annotations

import re

__all__ = ["is_third_party"]

# A patient's permission to show a photograph is no other owner's
_NOT_OF_PATIENTS = (
    r"(?! (?:was |were )?(?:(?:granted|obtained|given) )?(?:of|from|by) (?:\w+ ){0,2}"
    r"(?:patients?|parents?|famil|subjects?|guardians?|participants?|volunteers?))"
)
# Publishers' credit lines: a phrase of lower-case text, behind words of which it holds one at
# least; looking for those first is a hundred times as fast.
_PHRASES = (
    # English
    (
        ("permission",),
        r"(?:re)?(?:produc|print|publish|us|adapt|modif|draw|tak)\w{0,5}\b[^.;]{0,120}?"
        r"\b(?:with|by|under)\b[^.;]{0,30}?\bpermissions?\b" + _NOT_OF_PATIENTS,
    ),
    (
        ("permission",),
        r"\bwith (?:the )?(?:kind |prior |written )*permissions?\b"
        rf"{_NOT_OF_PATIENTS}|\bpermissions?\b{_NOT_OF_PATIENTS} (?:from|of|granted|obtained)\b",
    ),
    (
        ("printed", "reproduced", "drawn", "published", "adapted", "modified", "excerpted"),
        r"\b(?:re-?printed|reproduced|re-?drawn|re-?published|adapted|modified|excerpted) "
        r"(?:\w+ly )?(?:and \w+ )?(?:from|after)\b(?! \d| (?:\w+ ){0,2}(?:hours?|days?|weeks?|"
        r"minutes?|treatment|injection|incubation|exposure)\b)",
    ),
    (
        (" from ",),
        r"\b(?:taken|adopted|obtained|downloaded) from (?:\(|\[|refs?\b|\w+ et al|https?:|www\.|"
        r"wiki|google|the (?:book|article|paper|public domain)\b)",
    ),
    (("courtesy", "property"), r"\b(?:courtesy|property) of\b"),
    (("copyright", "©", "(c)"), r"\bcopyright(?:ed)?\b|©|\(c\) ?(?:19|20)\d\d"),
    (("credit",), r"\b(?:photo|image|picture|figure|illustration|drawing)s? credits?\b"),
    # German, Dutch, Swedish, Danish, Norwegian
    (("genehmigung", "erlaubnis"), r"\b(?:mit|nach) (?:freundlicher )?(?:genehm|erlaub)"),
    (("druck",), r"\babgedruckt\b|\bnachdruck\b"),
    (
        ("modifiziert", "verändert", "adaptiert", "entnommen", "übernommen"),
        r"\b(?:modifiziert|verändert|adaptiert|entnommen|übernommen) (?:nach|aus|von)\b",
    ),
    (("toestemming", "overgenomen"), r"\bmet toestemming\b|\bovergenomen uit\b"),
    (("med til",), r"\bmed (?:tillstånd|tilladelse|tillatelse)\b"),
    # French
    (
        ("permission", "autorisation"),
        r"\b(?:avec|par) (?:l['’]aimable )?(?:la )?(?:l['’])?(?:permission|autorisation)\b",
    ),
    (
        ("reproduit", "adapté", "extrait", "modifié", "tiré"),
        r"\b(?:reproduite?s?|adaptée?s?|extraite?s?|modifiée?s?|tirée?s?) (?:d['’]après|de|avec)\b",
    ),
    # Spanish, Portuguese, Italian
    (
        ("permis", "autoriza"),
        r"\bcon (?:el )?(?:permiso|autorizaci[oó]n)\b|\bcom (?:a )?(?:permissão|autorização)",
    ),
    (
        ("reprodu", "adaptad", "modificad", "tomad", "extra", "retirad", "imprimid"),
        r"\b(?:reproducid|reproduzid|adaptad|modificad|tomad|extra[ií]d|retirad|imprimid)[oa]s? "
        r"(?:de|del|con|com|do|da)\b",
    ),
    (("concessione", "permesso"), r"\bper gentile concessione\b|\bcon il permesso\b"),
    (
        ("riprodott", "adattat", "modificat", "tratt"),
        r"\b(?:riprodott|adattat|modificat|tratt)[oaie] (?:da|dal|dalla|con)\b",
    ),
    # Polish, Czech, Turkish, Russian
    (("zgod", "pozwol", "przedruk"), r"\bza (?:zgodą|pozwoleniem)\b|\bprzedruk\w*"),
    (("svolením", "povolením"), r"\bs (?:laskavým )?(?:svolením|povolením)\b"),
    (("izni", "uyarlan", "telif"), r"\bizni(?:yle| ile)\b|\w[td][ae]n uyarlan\w+|\btelif hakkı\b"),
    (
        ("разреш", "авторск", "заимств", "перепеч", "адаптир"),
        r"\bс (?:любезного )?разрешения\b|\bавторск\w+ прав|"
        r"\b(?:заимствован|перепечатан|адаптирован)",
    ),
    # Chinese, Japanese, Korean
    (("许可", "許可", "授权", "授權"), r"(?:经|經|已获|已獲)[^。;；]{0,20}(?:许可|許可|授权|授權)"),
    (("版权", "版權", "自"), r"版权|版權|转载自|轉載自|改编自|改編自"),
    (
        ("許", "転載", "著作権", "引用", "改変"),
        r"許可を得て|許諾|転載|著作権|(?:より|から)(?:引用|改変)",
    ),
    (("허", "저작권", "인용"), r"허가를? (?:받|얻)|허락|저작권|에서 인용"),
)
_ENDS = 10_000  # characters at both ends of an overlong text that are looked at
_CREDITS = tuple((words, re.compile(phrase)) for words, phrase in _PHRASES)


def is_third_party(text: str) -> bool:
    """True where a caption or permission names another source or owner of the figure.

    Rather once too often: "adapted from [12]" counts, whoever wrote [12].
    """
    if len(text) > 2 * _ENDS:
        text = text[:_ENDS] + text[-_ENDS:]
    lower = text.lower()
    for words, phrase in _CREDITS:
        for word in words:
            if word in lower:
                if phrase.search(lower):
                    return True
                break
    return False
