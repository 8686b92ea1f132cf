"""Captions from templates: the same tile always gets the same ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from domainclip.errors import BadInput

__all__ = ["captions_of", "read_templates", "with_article"]

# The article follows the sound: an hour, a university. Longer beginnings come first.
_SOUNDS = {
    **dict.fromkeys(("unin", "unim", "unir", "uniden", "hour", "honest", "hono", "heir"), "an"),
    **dict.fromkeys(("uni", "use", "usu", "usa", "eu", "one", "once", "ura", "ubi", "uti"), "a"),
    **dict.fromkeys("aeiou", "an"),
}
# what is not counted takes no article; the last word decides
_UNCOUNTED = {
    "water", "ice", "snow", "sand", "mud", "soil", "rock", "bedrock", "gravel", "lava",
    "grass", "grassland", "vegetation", "shrubland", "scrubland", "woodland", "farmland",
    "cropland", "pasture", "land", "terrain", "heath", "heathland", "moorland", "wetland",
    "rice", "wheat", "maize", "corn", "barley", "rapeseed", "soy", "cotton", "tundra", "taiga",
    "permafrost", "housing", "infrastructure", "developed", "barren", "fog", "smoke",
}  # fmt: skip
_SINGULAR_S = ("ss", "us", "is", "oasis", "lens", "campus")


def with_article(noun: str) -> str:
    """``an ice cap``, ``a university``; a plural, something uncounted, a name with an article stay.

    An abbreviation in capitals goes by the names of its letters: ``an ET zone``, ``a UTM zone``.
    """
    words = noun.split()
    if not words:
        return noun
    first, last = words[0].lower(), words[-1].lower()
    plural = last.endswith("s") and not last.endswith(_SINGULAR_S)
    if first in ("a", "an", "the", "some", "no") or plural or last in _UNCOUNTED:
        return noun
    if words[0].isupper() and len(first) <= 4:
        return f"{'an' if first[0] in 'aefhilmnorsx' else 'a'} {noun}"
    for beginning in sorted(_SOUNDS, key=len, reverse=True):
        if first.startswith(beginning):
            return f"{_SOUNDS[beginning]} {noun}"
    return f"a {noun}"


def captions_of(
    templates: Sequence[str], class_name: str, gsd_m: float | None, *, first: int, count: int
) -> list[str]:
    """``count`` different captions, or as many as there are templates, from number ``first`` on.

    Templates with {gsd} are left out where the resolution is unknown.
    """
    usable = [line for line in templates if gsd_m is not None or "{gsd}" not in line]
    usable = usable or ["{a_class}"]
    return [
        _filled(usable[(first + at) % len(usable)], class_name, gsd_m)
        for at in range(min(count, len(usable)))
    ]


@lru_cache(maxsize=4)
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


def _filled(template: str, class_name: str, gsd_m: float | None) -> str:
    values = {"{a_class}": with_article(class_name), "{class}": class_name}
    if gsd_m is not None:
        values["{gsd}"] = f"{gsd_m:,.0f}" if gsd_m >= 10 else f"{gsd_m:.2g}"
    # one pass, so that a class name with a brace in it is left alone
    slots = "|".join(map(re.escape, values))
    filled = re.sub(slots, lambda found: values[found[0]], template)
    return filled[:1].upper() + filled[1:]
