"""What an extraction was made with: the extractor's name, its version, its options."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any, cast

from domainclip.errors import UsageError
from domainclip.extraction._record import printable
from domainclip.extraction.protocol import Extractor

__all__ = ["differences", "extractor_name", "options_of"]


def extractor_name(extractor: Extractor) -> str:
    """What a user types for it: ``tiles``, ``mine`` (of ./mine.py), else the class's name."""
    kind = type(extractor)
    module = kind.__module__
    if module.startswith("domainclip.extractors."):
        return module.split(".")[2]
    if module.startswith("domainclip_user_"):
        return module.removeprefix("domainclip_user_").rpartition("_")[0]
    return kind.__name__


def options_of(extractor: Extractor) -> dict[str, Any]:
    """Its options as JSON values, comparable between runs."""
    try:
        fields = dataclasses.fields(cast(Any, extractor))
    except TypeError as error:
        raise UsageError(
            f"{type(extractor).__name__} must be a dataclass: its fields are its options."
        ) from error
    values = {field.name: getattr(extractor, field.name) for field in fields}
    for name in getattr(extractor, "hidden", ()):
        if values.get(name):  # two runs can be compared, and nothing is said
            digest = hashlib.sha256(str(values[name]).encode("utf-8", "surrogatepass"))
            values[name] = f"hidden {digest.hexdigest()[:12]}"
    plain: dict[str, Any] = json.loads(json.dumps(values, default=_plain, sort_keys=True))
    return plain


def differences(before: dict[str, Any], now: dict[str, Any]) -> str:
    """What two extractions differ in, in words: name and version first, then the options."""
    for key in ("extractor", "version"):
        if before.get(key) != now[key]:
            return f"{key} {before.get(key)!r}, and this run has {now[key]!r}"
    old, new = before.get("options", {}), now["options"]
    changed = [name for name in sorted(old | new) if old.get(name) != new.get(name)]
    words = [f"{name}={old.get(name)!r} (now {new.get(name)!r})" for name in changed]
    return printable(", ".join(words))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
