"""What a file says of its own de-identification: 0012,0062 to 0064 and 0028,0303 (PS3.15 E.2, E.3).

Burned In Annotation (0028,0301) is left to those who looked at the pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.tag import BaseTag

from .dummies import text
from .policy import CODES, Policy

__all__ = ["stamp_pixels", "stamps"]

_Element: TypeAlias = DataElement | RawDataElement
_REMOVED, _METHOD, _CODES = map(BaseTag, (0x00120062, 0x00120063, 0x00120064))
_DATES, _BURNED_IN = BaseTag(0x00280303), BaseTag(0x00280301)
_WORDS = "domainclip, PS3.15 E: "
_TEMPORAL = {"remove": "REMOVED", "shift": "MODIFIED", "keep": "UNMODIFIED"}


def stamps(policy: Policy, before: Dataset, *, scrub: bool) -> dict[BaseTag, _Element]:
    """The elements that say that a data set was de-identified, and how.

    before: the data set as it was; what it says of its pixels having been cleaned stays said, its
    other stamps are replaced. scrub: there was a function that cleans text, so the options that
    need one hold.
    """
    codes, earlier = list(policy.codes(scrub=scrub)), _earlier(before)
    codes += [CODES[name] for name in ("pixels", "visual") if CODES[name][0] in earlier]
    made = _method(codes)
    made[_DATES] = text(_DATES, "CS", _TEMPORAL[policy.dates])
    return made


def stamp_pixels(dataset: Dataset) -> None:
    """Writes into a data set that has its stamps that its pixels were cleaned too."""
    known = {code: (code, meaning) for code, meaning in CODES.values()}
    codes = [known[code] for code in _earlier(dataset) if code in known]
    if CODES["pixels"] not in codes:
        codes.append(CODES["pixels"])
    for tag, element in _method(codes).items():
        dataset[tag] = element
    dataset[_BURNED_IN] = text(_BURNED_IN, "CS", "NO")


def _method(codes: Sequence[tuple[str, str]]) -> dict[BaseTag, _Element]:
    words = [_WORDS + codes[0][1], *(meaning[:64] for _, meaning in codes[1:])]
    return {
        _REMOVED: text(_REMOVED, "CS", "YES"),
        _METHOD: text(_METHOD, "LO", "\\".join(words)),
        _CODES: DataElement(_CODES, "SQ", Items(map(_code_item, codes))),
    }


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
