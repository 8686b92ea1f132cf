"""Values of a dataset, each read by itself: what is absent, damaged or of another type is empty.

Text is decoded from its bytes where pydicom has not yet done so, since the character set that a
file declares is often not the one it is written in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.valuerep import PersonName

from .decoding import decode, encodings_of, mended, tidy
from .markup import unmarked

__all__ = [
    "NO_CONCEPT",
    "Concept",
    "concept_of",
    "encodings_in",
    "items_of",
    "number_text",
    "text_of",
]

MAX_TEXT_BYTES = 8 << 20  # of one value

_TEXTS = ("DS", "IS", "UT", "LO", "SH", "CS", "LT", "ST", "UC")


@dataclass(frozen=True, slots=True)
class Concept:
    """A coded concept. code, scheme, meaning: "" where absent."""

    code: str = ""
    scheme: str = ""
    meaning: str = ""


NO_CONCEPT = Concept()


def items_of(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence, [] where it is absent, empty or none."""
    try:
        value = dataset.get(keyword)
        return [item for item in value or () if isinstance(item, Dataset)]
    except RecursionError:
        raise
    except Exception:  # pydicom raises whatever a damaged sequence makes it
        return []


def text_of(dataset: Dataset, keyword: str, encodings: tuple[str, ...] = ()) -> str:
    """The text of an element as it stands, "" where it is absent or unreadable."""
    try:
        element = dataset.get_item(keyword)
        if element is None:
            return ""
        value = element.value
        if value is None and isinstance(element, RawDataElement):
            value = dataset[Tag(keyword)].value  # left in the file until it is asked for
        if isinstance(value, bytes | bytearray):
            return decode(bytes(value[:MAX_TEXT_BYTES]), encodings)
        if value is None or isinstance(value, Dataset):
            return ""
        if _is_multiple(value):
            return "\\".join(str(each) for each in value)
        return mended(str(value)[:MAX_TEXT_BYTES].rstrip("\0 "))
    except RecursionError:
        raise
    except Exception:  # as above: one value is not worth the report
        return ""


def number_text(dataset: Dataset, keyword: str, encodings: tuple[str, ...] = ()) -> str:
    """As ``text_of``, for an element whose bytes may be binary numbers (US, UL, FD)."""
    try:
        element = dataset.get_item(keyword)
        if element is None:
            return ""
        if not isinstance(element, RawDataElement) or element.VR in _TEXTS:
            return text_of(dataset, keyword, encodings)
        value = dataset[keyword].value
        if value is None:
            return ""
        return "\\".join(str(each) for each in value) if _is_multiple(value) else str(value)
    except RecursionError:
        raise
    except Exception:  # as above
        return text_of(dataset, keyword, encodings)


def concept_of(dataset: Dataset, keyword: str, encodings: tuple[str, ...]) -> Concept:
    """The first code of a code sequence (PS3.3 section 8)."""
    for code in items_of(dataset, keyword)[:1]:
        value = next(
            (
                text
                for name in ("CodeValue", "LongCodeValue", "URNCodeValue")
                if (text := text_of(code, name))
            ),
            "",
        )
        own = encodings_in(code, encodings)
        meaning = tidy(unmarked(text_of(code, "CodeMeaning", own)))
        return Concept(value.strip(), text_of(code, "CodingSchemeDesignator").strip(), meaning)
    return NO_CONCEPT


def encodings_in(dataset: Dataset, inherited: tuple[str, ...]) -> tuple[str, ...]:
    """What the dataset's own SpecificCharacterSet says, else ``inherited`` (PS3.5 7.5.3)."""
    terms = text_of(dataset, "SpecificCharacterSet")
    return encodings_of(terms.split("\\")) if terms else inherited


def _is_multiple(value: Any) -> bool:
    return not isinstance(value, str | bytes | PersonName) and isinstance(value, Iterable)
