"""What a header calls the patient, others, places and things, to be looked for in reports and
outputs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset

from ..quiet import quiet
from ..records import Identifier, IdentifierKind
from .decode import MAX_DEPTH, decoded
from .generic import is_generic
from .profile import kinds
from .values import strings

__all__ = ["identifiers_of"]

# Longer values are no names; a header with more of them is no header.
_LONGEST, _MOST = 1024, 20_000


def identifiers_of(dataset: Dataset) -> tuple[Identifier, ...]:
    """Every identifying value of a data set, at any depth, each once, in the order of their tags.

    All person names, private ones too, and the attributes that the table gives a kind: IDs, serial
    and order numbers, UIDs, dates, institutions, stations, departments, addresses, telephones.
    Names come as they stand (``Doe^John^^Dr``), each representation (alphabetic, ideographic,
    phonetic) on its own; dates as ``YYYYMMDD``, of a DT its date. Blanks are normalised. Left out
    are values that say nothing of anybody (``generic.is_generic``). What cannot be read is skipped.
    """
    found: dict[Identifier, None] = {}
    with quiet():
        meta = getattr(dataset, "file_meta", None)
        for identifier in chain(_of(meta, 0) if meta else (), _of(dataset, 0)):
            found[identifier] = None
            if len(found) >= _MOST:
                break
    return tuple(found)


def _of(dataset: Dataset, depth: int) -> Iterator[Identifier]:
    known = kinds()
    for tag, element in sorted(dataset.items()):
        vr = element.VR
        if vr in (None, "UN"):
            vr = dictionary_VR(tag) if dictionary_has_tag(tag) else "UN"
        if vr == "SQ":
            if depth < MAX_DEPTH:
                for item in _items(dataset, element):
                    yield from _of(item, depth + 1)
            continue
        kind, keyword = known.get(int(tag), ("", ""))
        if vr == "PN" and not kind:
            kind, keyword = "name", keyword_for_tag(tag)
        if kind:
            yield from _values(dataset, element, vr, kind, keyword)  # type: ignore[arg-type]


def _items(dataset: Dataset, element: DataElement | RawDataElement) -> list[Dataset]:
    try:
        return list(decoded(dataset, element, "SQ").value)
    except Exception:  # no sequence, whatever it is called
        return []


def _values(
    dataset: Dataset,
    element: DataElement | RawDataElement,
    vr: str,
    kind: IdentifierKind,
    keyword: str,
) -> Iterator[Identifier]:
    try:
        parts = strings(decoded(dataset, element, vr))
    except Exception:  # not to be read as what it is called
        return
    for part in parts:
        for value in part.split("=") if kind == "name" else (part,):
            plain = " ".join(value.replace("\0", " ").split()).strip("^ ")
            if kind == "date":
                plain = plain.replace(".", "")[:8]
            if plain and len(plain) <= _LONGEST and not is_generic(plain):
                yield Identifier(kind, plain, keyword)
