"""A head or adapter of the catalogue, made with the options that it was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from domainclip.catalogue import check_options, load
from domainclip.errors import UsageError

__all__ = ["make_component"]


def make_component(
    kind: str, method: str, options: Mapping[str, Any], *, seed: int | None = None
) -> Any:
    """A head or adapter with its options; seed: for one that has a seed and was given none.

    Raises UsageError for an option that it does not have.
    """
    made = load(kind, method)
    known = [option.name for option in fields(made) if option.init]
    check_options(method, options, known)
    for name, value in options.items():
        if isinstance(value, str) and isinstance(_default(made, name), tuple):
            raise UsageError(f"{method}: {name} is a list, as [{value!r}], not {value!r}.")
    seeded = seed is not None and "seed" in known
    return made(**{**({"seed": seed} if seeded else {}), **options})


def _default(made: type[Any], name: str) -> Any:
    return next(option.default for option in fields(made) if option.name == name)
