"""What a content tree tells of who, when and where: identifiers, no part of the text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..records import Identifier, IdentifierKind
from .concepts import context_kind, named_kind, section_name
from .content_items import Item

__all__ = ["CONTEXT", "identifiers_of", "in_context"]

CONTEXT = "HAS OBS CONTEXT"
_KINDS: dict[str, tuple[IdentifierKind, str]] = {
    "PNAME": ("name", "PersonName"),
    "DATE": ("date", "Date"),
    "TIME": ("date", "Time"),
    "DATETIME": ("date", "DateTime"),
    "UIDREF": ("id", "UID"),
}
# Of the observation context, what is said of a lesion, a role or a kind of device: nobody.
_HARMLESS = {"112039", "121010", "121014", "121015", "121034"}
_SHORT_WORDS = 8  # what names somebody or something is no longer
_VOID = re.compile(r"(?:n/?a|none|null|unknown|unspecified|anonymous|-+|\.+)?", re.IGNORECASE)


def identifiers_of(items: Sequence[Item]) -> tuple[Identifier, ...]:
    """Values of the content that tell who, when or which, each once.

    Of the observation context any short text, else what stands under a concept that says so
    (``Hospital Name``).
    """
    found: dict[Identifier, None] = {}
    outside = in_context(items)
    for item, out in zip(items, outside, strict=True):
        value = item.value.strip()
        if _VOID.fullmatch(value):
            continue
        if item.kind in _KINDS:
            kind, name = _KINDS[item.kind]
            found[Identifier(kind, value, name)] = None
        elif item.kind == "TEXT" and out and item.concept.code not in _HARMLESS:
            kind = context_kind(item.concept.code, item.concept.meaning) or "other"
            found[Identifier(kind, value, "TextValue")] = None
        elif item.kind in ("TEXT", "CODE") and len(value.split()) <= _SHORT_WORDS:
            named = named_kind(item.concept.meaning)
            if named:
                name = "TextValue" if item.kind == "TEXT" else "CodeMeaning"
                found[Identifier(named, value, name)] = None
    return tuple(found)


def in_context(items: Sequence[Item]) -> list[bool]:
    """Which items are of the observation context, which is not shown.

    A long text there, or one under a section's name, is none: writers put the history there.
    """
    outside: list[bool] = []
    for item in items:
        out = item.relation == CONTEXT or (item.parent >= 0 and outside[item.parent])
        concept = item.concept
        if out and item.kind == "TEXT" and context_kind(concept.code, concept.meaning) is None:
            words = len(item.value.split())
            headed = words > 2 and section_name(concept.code, concept.meaning) != ""
            out = not headed and words <= _SHORT_WORDS
        outside.append(out)
    return outside
