"""Whether a caption says that its figure is somebody else's: "reproduced with permission", "©"."""

from __future__ import annotations

import re

__all__ = ["is_third_party"]

# A patient's permission to show a photograph is no other owner's
_NOT_OF_PATIENTS = (
    r"(?! (?:was |were )?(?:(?:granted|obtained|given) )?(?:of|from|by) (?:\w+ ){0,2}"
    r"(?:patients?|parents?|famil|subjects?|guardians?|participants?|volunteers?))"
)
# Of publishers' credit lines. Words are stems: "reproduc" is reproduced and reproduction.
_PHRASES = (
    # English
    r"(?:re)?(?:produc|print|publish|us|adapt|modif|draw|tak)\w{0,5}\b[^.;]{0,120}?"
    r"\b(?:with|by|under)\b[^.;]{0,30}?\bpermissions?\b" + _NOT_OF_PATIENTS,
    r"(?<!patient )\bwith (?:the )?(?:kind |prior |written )*permissions?\b" + _NOT_OF_PATIENTS,
    r"\bpermissions? (?:from|of|granted|obtained)\b" + _NOT_OF_PATIENTS,
    r"\b(?:re-?printed|reproduced|re-?drawn|re-?published|adapted|modified|excerpted) "
    r"(?:\w+ly )?(?:and \w+ )?(?:from|after)\b(?! \d| (?:\w+ ){0,2}(?:hours?|days?|weeks?|minutes?|"
    r"treatment|injection|incubation|exposure)\b)",
    r"\b(?:taken|adopted|obtained|downloaded) from (?:\(|\[|refs?\b|\w+ et al|https?:|www\.|wiki|"
    r"google|the (?:book|article|paper|public domain)\b)",
    r"\b(?:courtesy|property) of\b",
    r"\bcopyright(?:ed)?\b",
    r"©|\(c\) ?(?:19|20)\d\d",
    r"\b(?:photo|image|picture|figure|illustration|drawing)s? credits?\b",
    # German, Dutch, Swedish, Danish
    r"\b(?:mit|nach) (?:freundlicher )?(?:genehmigung|erlaubnis)\b|\babgedruckt\b|\bnachdruck\b",
    r"\b(?:modifiziert|verändert|adaptiert|entnommen|übernommen) (?:nach|aus|von)\b",
    r"\bmet toestemming\b|\bovergenomen uit\b|\bmed (?:tillstånd|tilladelse|tillatelse)\b",
    # French
    r"\b(?:avec|par) (?:l['’]aimable )?(?:la )?(?:l['’])?(?:permission|autorisation)\b",
    r"\b(?:reproduite?s?|adaptée?s?|extraite?s?|modifiée?s?|tirée?s?) (?:d['’]après|de|avec)\b",
    # Spanish, Portuguese, Italian, Catalan
    r"\bcon (?:el )?(?:permiso|autorizaci[oó]n)\b|\bcom (?:a )?(?:permiss[aã]o|autoriza[cç][aã]o)",
    r"\b(?:reproducid|reproduzid|adaptad|modificad|tomad|extra[ií]d|retirad|imprimid)[oa]s? "
    r"(?:de|del|con|com|do|da)\b",
    r"\bper gentile concessione\b|\bcon il permesso\b",
    r"\b(?:riprodott|adattat|modificat|tratt)[oaie] (?:da|dal|dalla|con)\b",
    # Polish, Czech, Turkish, Russian
    r"\bza (?:zgodą|pozwoleniem)\b|\bprzedruk\w*|\bs (?:laskavým )?(?:svolením|povolením)\b",
    r"\bizni(?:yle| ile)\b|\b\w*(?:tan|ten|dan|den) uyarlan\w+|\btelif hakkı\b",
    r"\bс (?:любезного )?разрешения\b|\bавторск\w+ прав|\b(?:заимствован|перепечатан|адаптирован)",
    # Chinese, Japanese, Korean
    r"(?:经|經|已获|已獲)[^。;；]{0,20}(?:许可|許可|授权|授權)|版权|版權|转载自|轉載自|改编自|改編自",
    r"許可を得て|許諾|転載|著作権|より(?:引用|改変)|から(?:引用|改変)",
    r"허가를? (?:받|얻)|허락|저작권|에서 인용",
)
_CREDIT = re.compile("|".join(_PHRASES), re.IGNORECASE)


def is_third_party(text: str) -> bool:
    """True where a caption or permission names another source or owner of the figure.

    Rather once too often: "adapted from [12]" counts, whoever wrote [12].
    """
    return _CREDIT.search(text) is not None
