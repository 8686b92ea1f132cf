"""Training losses, one per file; classes loaded when named. ``Known`` and ``Alone`` are what a loop
of one's own hands to them."""

from __future__ import annotations

from typing import Any

from domainclip.catalogue import by_class_name, entries, import_optional

__all__: list[str] = []  # the catalogue: see ``domainclip list objectives``

_BESIDE = {
    "Alone": "domainclip.objectives._protocol",
    "Known": "domainclip.objectives._known",
}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    if name in _BESIDE:
        return getattr(import_optional(_BESIDE[name]), name)
    return by_class_name("objectives", name)


def __dir__() -> list[str]:
    return [*_BESIDE, *(entry.class_name for entry in entries("objectives"))]
