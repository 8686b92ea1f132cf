"""Elements made in place of those that are taken out: empty ones, and dummies of each VR.

All values are ASCII text or zeros, so they read the same in every character set and byte order; the
elements are raw ones, which pydicom writes as they stand.
"""

from __future__ import annotations

from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

__all__ = ["DUMMIES", "FREE_VRS", "TEXT_VRS", "dummy", "empty", "text"]

# VR -> a value that is valid for it (PS3.5 6.2) and says nothing.
DUMMIES: dict[str, bytes] = {
    "AE": b"REMOVED ",
    "AS": b"000Y",
    "AT": bytes(4),
    "CS": b"REMOVED ",
    "DA": b"19000101",
    "DS": b"0 ",
    "DT": b"19000101000000",
    "FD": bytes(8),
    "FL": bytes(4),
    "IS": b"0 ",
    "LO": b"REMOVED ",
    "LT": b"REMOVED ",
    "OB": bytes(2),
    "OD": bytes(8),
    "OF": bytes(4),
    "OL": bytes(4),
    "OV": bytes(8),
    "OW": bytes(2),
    "PN": b"REMOVED ",
    "SH": b"REMOVED ",
    "SL": bytes(4),
    "SS": bytes(2),
    "ST": b"REMOVED ",
    "SV": bytes(8),
    "TM": b"000000",
    "UC": b"REMOVED ",
    "UI": b"2.25.0",
    "UL": bytes(4),
    "UN": bytes(2),
    "UR": b"about:blank ",
    "US": bytes(2),
    "UT": b"REMOVED ",
    "UV": bytes(8),
}

# What people type into, of which a Clean option gives the words without the names.
TEXT_VRS = frozenset(("LO", "LT", "SH", "ST", "UC", "UT"))
# What may hold words or a name where it stands in the place of another VR.
FREE_VRS = TEXT_VRS | {"AE", "PN", "UR", "DA", "DT", "AS"}


def dummy(tag: int, vr: str) -> RawDataElement:
    """An element with a value that says nothing. vr: one with alternatives (``OB or OW``) counts as
    the first of them, an unknown one as UN."""
    vr = vr[:2] if vr[:2] in DUMMIES else "UN"
    return _raw(tag, vr, DUMMIES[vr])


def empty(tag: int, vr: str) -> RawDataElement:
    """An element without a value; of a sequence, one without items."""
    vr = vr[:2] if vr[:2] in DUMMIES or vr == "SQ" else "UN"
    return _raw(tag, vr, b"")


def text(tag: int, vr: str, value: str) -> RawDataElement:
    """An element with ASCII text, padded to an even length as its VR asks for."""
    data = value.encode("ascii")
    if len(data) % 2:
        data += b"\0" if vr == "UI" else b" "
    return _raw(tag, vr, data)


def _raw(tag: int, vr: str, value: bytes) -> RawDataElement:
    return RawDataElement(BaseTag(tag), vr, len(value), value, 0, False, True)
