"""How a backbone reads texts beyond the context: what was said of it, and the strategy itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainclip._component import make_component
from domainclip.catalogue import entries, file_of
from domainclip.errors import BadInput, UnsafeFile, UsageError

if TYPE_CHECKING:
    from domainclip.backbones.handle import Backbone

__all__ = ["CUT", "Reading", "is_code", "reading_of", "recorded", "to_record"]


@dataclass(frozen=True)
class Reading:
    """said: a name and its options. strategy: what reads so, None for the default, which cuts.
    chosen: by the caller, and not by what was loaded."""

    said: Mapping[str, Any]
    strategy: Any
    chosen: bool


CUT = Reading({"name": "truncate"}, None, chosen=False)


def reading_of(
    backbone: Backbone, name: str, options: Mapping[str, Any], *, chosen: bool
) -> Reading:
    """Raises UnknownName, UsageError for options or a tower that do not fit."""
    strategy = make_component("text", name, options)
    if hasattr(strategy, "check"):
        strategy.check(backbone)
    return Reading({"name": name, **options}, strategy, chosen)


def to_record(key: str, backbone: Backbone) -> dict[str, Any]:
    """``{key: ...}`` for a description of what was trained; empty where texts are cut."""
    return {} if backbone.long["name"] == "truncate" else {key: backbone.long}


def recorded(
    key: str, described: Mapping[str, Any], backbone: Backbone, path: Path
) -> Reading | None:
    """The reading that a description records; None where there is nothing to change.

    Raises BadInput, UnsafeFile for code outside of domainclip that the caller did not choose.
    """
    text = described.get(key)
    if text is None or text == backbone.long:
        return None
    name = text.get("name") if isinstance(text, Mapping) else None
    if not isinstance(name, str) or (not is_code(name) and name not in _known()):
        raise BadInput(f"{path}: its {key!r} names no way of reading long texts; save it again.")
    if is_code(name):
        raise UnsafeFile(
            f"{path}: it reads long texts by {name!r}, code outside of domainclip, which was not "
            f"run; call read_long({name!r}, ...) on the backbone before, if you trust it."
        )
    options = {key: value for key, value in text.items() if key != "name"}
    try:
        return reading_of(backbone, name, options, chosen=False)
    except (UsageError, TypeError) as error:
        raise BadInput(f"{path}: its {key!r} cannot be used: {error}") from error


def is_code(name: str) -> bool:
    """Whether a name is of code outside of domainclip: ``./mine.py``, ``package.module:Class``."""
    return file_of(name) is not None or ":" in name


def _known() -> set[str]:
    return {entry.name for entry in entries("text")}
