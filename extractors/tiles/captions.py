"""Captions from templates: the same tile always gets the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from domainclip.errors import BadInput

__all__ = ["caption", "read_templates", "with_article"]

# sounds, not letters: an hour, a university
_AN = ("a", "e", "i", "o", "u", "hour", "honest", "heir")
_A = ("uni", "use", "eu", "one", "ura", "ubi")


def with_article(noun: str) -> str:
    """``an ice cap``, ``a university``; a plural, a name or a phrase with an article stays."""
    first = noun.partition(" ")[0].lower()
    last = noun.split(" ")[-1].lower()
    if first in ("a", "an", "the", "some", "no") or (
        last.endswith("s") and not last.endswith(("ss", "us", "is"))
    ):
        return noun
    vowel = first.startswith(_AN) and not first.startswith(_A)
    return f"{'an' if vowel else 'a'} {noun}"


def caption(template: str, class_name: str, gsd_m: float | None) -> str:
    """The template filled in, capital first; without a resolution its phrase is left out."""
    if gsd_m is None and "{gsd}" in template:
        template = template.partition(" at {gsd}")[0].rstrip(" ,") + "."
    filled = (
        template.replace("{a_class}", with_article(class_name))
        .replace("{class}", class_name)
        .replace("{gsd}", "" if gsd_m is None else f"{gsd_m:,.0f}" if gsd_m >= 10 else f"{gsd_m:g}")
    )
    return filled[:1].upper() + filled[1:]


def read_templates(path: str | None) -> Sequence[str]:
    """The templates of a text file, or ours; blank lines and # lines are left out. BadInput."""
    if path is None:
        text = (files(__package__) / "templates.txt").read_text(encoding="utf-8")
    else:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"{path}: the caption templates cannot be read ({error}).") from error
    found = [line.strip() for line in text.splitlines()]
    found = [line for line in found if line and not line.startswith("#")]
    for line in found:
        if "{class}" not in line and "{a_class}" not in line:
            raise BadInput(f"{path}: template {line!r} names neither {{class}} nor {{a_class}}.")
    if not found:
        raise BadInput(f"{path}: no caption template in it.")
    return found
