"""Every error a user can meet: one class per cause, one sentence each, with the remedy in it.

``exit_code`` is what the command line returns for it (2: wrong usage or unusable input).
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

__all__ = [
    "BadInput",
    "DomainclipError",
    "MissingExtra",
    "NotFinite",
    "OutputError",
    "OutputInUse",
    "RecipeError",
    "UnfitTower",
    "UnknownName",
    "UnsafeFile",
    "UsageError",
    "WeightsMismatch",
    "install_command",
    "nearest",
]


def nearest(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` (with its leading blank), or an empty string where nothing is near."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""


def install_command(extra: str) -> str:
    """What to type for an extra: of the checkout that domainclip runs from, or of the package."""
    checkout = Path(__file__).resolve().parents[1]
    if not (checkout / "pyproject.toml").is_file():
        return f'pip install "domainclip[{extra}]"'
    folder = "." if checkout == Path.cwd() else checkout
    return f'pip install -e "{folder}[{extra}]"'


class DomainclipError(Exception):
    """The root: its message is a whole sentence for the user; never shown with a traceback."""

    exit_code = 2


class UsageError(DomainclipError):
    """A call that cannot be carried out as it is written."""


class UnfitTower(UsageError):
    """A method cannot work on a tower, or not with these options; the message names both."""


class BadInput(DomainclipError):
    """A file or value that cannot be used; the message names the file, the field and the remedy."""


class RecipeError(DomainclipError):
    """A recipe with unknown keys, wrong types or missing values; all of them are listed at once."""


class NotFinite(DomainclipError):
    """A training whose loss, gradient, weights or validations are no finite numbers any more."""


class OutputInUse(DomainclipError):
    """The output belongs to another run, past or present."""


class OutputError(DomainclipError):
    """An output that cannot be written: a full disk, no permission, a file in the way."""


class WeightsMismatch(DomainclipError):
    """An adapter or classifier was made for other weights than the ones at hand."""


class UnsafeFile(DomainclipError):
    """A file that could run code when read (a pickle) stands where a safe one is expected."""


class UnknownName(DomainclipError):
    """A name that the catalogue does not hold."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        shown = ", ".join(known) if len(known) <= 20 else f"{len(known)} of them"
        super().__init__(f"Unknown {kind} {name!r}.{nearest(name, known)} Known: {shown}.")


class MissingExtra(DomainclipError):
    """A library that an optional part needs is not installed."""

    def __init__(self, extra: str, module: str) -> None:
        super().__init__(
            f"{module!r} is not installed, and this needs it. Install it with: "
            f"{install_command(extra)}"
        )
