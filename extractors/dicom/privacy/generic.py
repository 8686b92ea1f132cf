"""Words in identifying headers that identify nobody."""

from __future__ import annotations

import re

__all__ = ["is_generic"]

_WORDS = frozenset(
    (
        *("anon", "anonym", "anonymous", "anonymized", "anonymised", "anonymize", "deidentified"),
        *("removed", "none", "null", "unknown", "unspecified", "undefined", "unk", "n/a", "nil"),
        *("no", "name", "yes", "not", "available", "default", "other", "test", "tests", "testing"),
        *("patient", "subject", "study", "series", "phantom", "phantoms", "sample", "samples"),
        *("demo", "dummy", "example", "user", "admin", "operator", "physician", "doctor", "nurse"),
        *("technologist", "tech", "technician", "dr", "md", "mr", "mrs", "ms", "prof", "phd", "jr"),
        *("hospital", "clinic", "institution", "institute", "university", "medical", "center"),
        *("centre", "department", "dept", "division", "unit", "ward", "service", "services"),
        *("radiology", "cardiology", "oncology", "neurology", "surgery", "medicine", "emergency"),
        *("imaging", "diagnostic", "nuclear", "ultrasound", "mammography", "outpatient", "icu"),
        *("inpatient", "station", "room", "workstation", "scanner", "server", "system", "local"),
        *("street", "road", "the", "of", "and", "for", "und", "de", "la", "von", "a", "an", "in"),
        *("computed", "digital", "radiography", "tomography", "magnetic", "resonance", "x-ray"),
        *("brain", "head", "chest", "thorax", "abdomen", "pelvis", "spine", "knee", "hip", "neck"),
        *("left", "right", "axial", "sagittal", "coronal", "image", "images", "report", "scan"),
    )
)
_SPLIT = re.compile(r"[\s^=,;:._\-/\\()\[\]*]+")


def is_generic(value: str) -> bool:
    """True for a value that could stand in anybody's header: shorter than 3 characters or without a
    letter or digit, a run of one character (``0000``), digits alone below four (``12``), or made of
    words like ANONYMOUS, UNKNOWN, TEST, HOSPITAL, RADIOLOGY or single letters only."""
    text = value.strip().casefold()
    plain = "".join(filter(str.isalnum, text))
    # one ideograph is a name's part, one letter is nobody
    least = 1 if any(letter > "\u2e7f" for letter in plain) else 3
    if len(plain) < least or (len(plain) > 1 and len(set(plain)) == 1):
        return True
    if plain.isdigit():
        return len(plain) < 4
    words = [word for word in _SPLIT.split(text) if word]
    return all(word in _WORDS or (len(word) == 1 and word < "\u2e7f") for word in words)
