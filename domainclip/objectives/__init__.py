"""Training losses, one per file; classes loaded when named."""

from __future__ import annotations

from typing import Any

from domainclip.catalogue import by_class_name, entries

__all__: list[str] = []  # the catalogue: see ``domainclip list objectives``


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return by_class_name("objectives", name)


def __dir__() -> list[str]:
    return [entry.class_name for entry in entries("objectives")]
