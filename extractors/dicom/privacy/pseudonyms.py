"""Pseudonyms and date shifts made with a secret: the same input and key give the same output.

Everything is HMAC-SHA256 (RFC 2104) of a value under the user's key, with the kind of the value in
front, so that a patient ID and an accession number that read alike get different names. Without
the key nothing can be undone or tried out: patient IDs are few enough to be guessed by a plain
hash, but not by this one. There is no table of names to be lost or stolen; whoever has the key and
a list of patient IDs can tell who is who, so the key stays with the user.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from domainclip.errors import UsageError

from .keyfile import MIN_BYTES, make_key, read_key

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["Pseudonyms", "make_key", "patient_key", "read_key"]

# What stands in headers where nothing is known of the patient: no identity, however often met.
_NOBODY = frozenset(
    (
        *("anonymous", "anonymized", "anonymised", "anon", "deidentified", "removed", "none"),
        *("null", "unknown", "unk", "nn", "na", "n/a", "noname", "no_name", "no name", "noid"),
        *("no_id", "no id", "test", "patient", "xxx", "xxxx", "x", "0", "00", "000", "0000"),
    )
)


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """The names of one key.

    key: at least 32 secret bytes. max_shift_days: dates are moved by up to so many days, 1 or more.
    whole_weeks: by whole weeks only, so that days of the week stay what they were (then
    max_shift_days is at least 7). Raises UsageError for a key that is too short, or such a number.
    """

    key: bytes = field(repr=False)
    max_shift_days: int = 365
    whole_weeks: bool = False

    def __post_init__(self) -> None:
        if len(self.key) < MIN_BYTES:
            raise UsageError(
                f"The key of the pseudonyms has {len(self.key)} bytes, and {MIN_BYTES} are needed."
            )
        least = 7 if self.whole_weeks else 1
        if self.max_shift_days < least:
            raise UsageError(
                f"max_shift_days={self.max_shift_days}: must be at least {least}, or no date moves."
            )

    def name(self, kind: str, value: str, length: int = 16) -> str:
        """``length`` (1 to 50) of the letters a-z and digits 2-7: 16 of them are 80 bits, so two
        of a million values share a name with a chance of 4e-13."""
        return base64.b32encode(self._mac(kind, value)).decode("ascii").lower()[:length]

    def uid(self, uid: str) -> str:
        """``2.25.`` and a number of 128 bits (PS3.5 B.2), at most 44 characters."""
        number = int.from_bytes(self._mac("uid", uid.strip(" \0"))[:16], "big")
        return f"2.25.{number}"

    def patient(self, of: Dataset | Sequence[str]) -> str:
        """The patient's name: by ``patient_key`` of a data set, or of what such a key is made of
        (issuer of the patient ID, patient ID, name, birth date, and study UID where known)."""
        parts = of if isinstance(of, Sequence) else _parts(of)
        return self.name("patient", patient_key(*parts))

    def shift_days(self, patient: str) -> int:
        """By how many days the dates of a patient (the name that ``patient`` gave) move: evenly
        within ± max_shift_days, never 0."""
        span = self.max_shift_days // 7 if self.whole_weeks else self.max_shift_days
        drawn = int.from_bytes(self._mac("shift", patient)[:8], "big") % (2 * span)
        days = drawn - span if drawn < span else drawn - span + 1
        return days * 7 if self.whole_weeks else days

    def shift_date(self, value: str, patient: str) -> str:
        """A DA (``YYYYMMDD``; also ``YYYY.MM.DD`` of ACR-NEMA) moved by the patient's shift.

        "" for what is no date: words, the 30th of February, a year or month alone (moving these by
        days would tell how far), and what would leave the years 1 to 9999.
        """
        text = value.strip(" \0").replace(".", "").replace("-", "")
        if len(text) != 8 or not (text.isascii() and text.isdigit()):
            return ""
        return _moved(text, self.shift_days(patient))

    def shift_datetime(self, value: str, patient: str) -> str:
        """A DT: its date moved, its time and offset from UTC as they are; "" for what is none."""
        text = value.strip(" \0")
        moved, rest = self.shift_date(text[:8], patient), text[8:]
        clock = rest.replace(".", "", 1).replace("+", "", 1).replace("-", "", 1)
        plain = clock.isascii() and (clock.isdigit() or not clock) and len(rest) <= 18
        return moved + rest if moved and plain else ""

    def fingerprint(self) -> str:
        """Eight hexadecimal digits that tell two keys apart and tell nothing of either."""
        return self._mac("fingerprint", "").hex()[:8]

    def _mac(self, kind: str, value: str) -> bytes:
        message = f"domainclip/1/{kind}\0{value}".encode("utf-8", "surrogatepass")
        return hmac.digest(self.key, message, "sha256")


def patient_key(
    issuer: str = "", patient_id: str = "", name: str = "", born: str = "", study: str = ""
) -> str:
    """What one patient is told from another by.

    The patient ID with its issuer; where there is no ID (empty, or a word for nobody such as
    ANONYMOUS or 0) the name with the birth date, in any case and spacing; where there is no name
    either, the study: then two studies of such a patient count as two patients, which is safe for
    privacy and may put them into two splits. An ID with two names stays one patient.
    """
    patient_id, issuer = " ".join(patient_id.split()), " ".join(issuer.split())
    if not _nobody(patient_id):
        return _joined("id", issuer, patient_id)
    plain = " ".join(name.split("=")[0].replace("^", " ").split()).casefold()
    if not _nobody(plain):
        return _joined("name", plain, born.strip())
    return _joined("study", study.strip())


def _parts(dataset: Dataset) -> tuple[str, ...]:
    # pydicom: the rest of this file does without it
    from ..quiet import quiet
    from .decode import plain

    with quiet():
        # issuer, ID, name, birth date; the study, else the series, else the instance
        named = [plain(dataset, tag) for tag in (0x00100021, 0x00100020, 0x00100010, 0x00100030)]
        uids = (plain(dataset, tag) for tag in (0x0020000D, 0x0020000E, 0x00080018))
        return (*named, next(filter(None, uids), ""))


def _nobody(text: str) -> bool:
    return not text or text.casefold().strip("^ .*_?") in _NOBODY or not any(map(str.isalnum, text))


def _joined(*parts: str) -> str:
    # lengths in front: ("ab", "c") and ("a", "bc") are two patients
    return "".join(f"{len(part)}:{part}" for part in parts)


@lru_cache(maxsize=4096)
def _moved(text: str, days: int) -> str:
    try:
        at = date(int(text[:4]), int(text[4:6]), int(text[6:])) + timedelta(days=days)
    except (ValueError, OverflowError):
        return ""
    return f"{at.year:04d}{at.month:02d}{at.day:02d}"
