"""What a file says of its own de-identification: 0012,0062 to 0064 and 0028,0303 (PS3.15 E.2, E.3).

Burned In Annotation (0028,0301) is left to those who looked at the pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from .dummies import text
from .policy import CODES, Policy

__all__ = ["stamp", "stamp_pixels"]

_REMOVED, _METHOD, _CODES = 0x00120062, 0x00120063, 0x00120064
_DATES, _BURNED_IN = 0x00280303, 0x00280301
_WORDS = "domainclip, PS3.15 E: "
_TEMPORAL = {"remove": "REMOVED", "shift": "MODIFIED", "keep": "UNMODIFIED"}


def stamp(dataset: Dataset, policy: Policy, *, scrub: bool) -> None:
    """Writes into ``dataset`` that it was de-identified, and how.

    scrub: there was a function that cleans text, so the options that need one hold. What an earlier
    de-identification said of the pixels stays said; its other stamps are replaced.
    """
    codes = list(policy.codes(scrub=scrub))
    codes += [CODES[name] for name in ("pixels", "visual") if CODES[name][0] in _earlier(dataset)]
    _write(dataset, codes)
    dataset[_DATES] = text(_DATES, "CS", _TEMPORAL[policy.dates])


def stamp_pixels(dataset: Dataset) -> None:
    """Writes into ``dataset``, which ``stamp`` has been at, that its pixels were cleaned too."""
    known = {code: (code, meaning) for code, meaning in CODES.values()}
    codes = [known[code] for code in _earlier(dataset) if code in known]
    if CODES["pixels"] not in codes:
        codes.append(CODES["pixels"])
    _write(dataset, codes)
    dataset[_BURNED_IN] = text(_BURNED_IN, "CS", "NO")


def _write(dataset: Dataset, codes: Sequence[tuple[str, str]]) -> None:
    words = [_WORDS + codes[0][1], *(meaning[:64] for _, meaning in codes[1:])]
    dataset[_REMOVED] = text(_REMOVED, "CS", "YES")
    dataset[_METHOD] = text(_METHOD, "LO", "\\".join(words))
    dataset[_CODES] = DataElement(_CODES, "SQ", Items(map(_code_item, codes)))


def _code_item(code: tuple[str, str]) -> Dataset:
    return Dataset(
        {
            element.tag: element
            for element in (
                text(0x00080100, "SH", code[0]),
                text(0x00080102, "SH", "DCM"),
                text(0x00080104, "LO", code[1][:64]),
            )
        }
    )


def _earlier(dataset: Dataset) -> list[str]:
    try:
        return [str(item.get("CodeValue", "")) for item in dataset[_CODES].value]
    except Exception:  # absent, or no sequence of codes at all: nothing was said
        return []
