"""Where the user's key lies: a file of theirs, never beside the pairs."""

from __future__ import annotations

import os
import shlex
import sys
from functools import lru_cache
from pathlib import Path

from domainclip.errors import UsageError

from .privacy.pseudonyms import Pseudonyms, make_key, read_key

__all__ = ["check_of", "key_path", "pseudonyms_of"]


def key_path(given: str) -> Path:
    """The file of the key: as given, else the user's own, which is made where there is none.

    Raises UsageError where the given file is not there, or none can be made.
    """
    if given:
        path = Path(given)
        if not os.path.lexists(path):
            raise UsageError(
                f"key={given!r}: no such file. Make one with: "
                f"head -c 32 /dev/urandom > {given} && chmod 600 {given}"
            )
        return path
    path = _folder() / "dicom.key"
    if os.path.lexists(path):
        return path
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_key(path)
    except OSError as error:
        raise UsageError(
            f"{path}: no key can be made there ({error.strerror}); name one of yours with "
            "--key FILE."
        ) from None
    except UsageError as error:
        raise _named(error, str(path)) from None
    print(
        f"{path}: a new key was made. All pseudonyms and date shifts come from it: keep it, "
        "and keep it apart from the pairs.",
        file=sys.stderr,
    )
    return path


def _folder() -> Path:
    """The user's configuration folder. XDG_CONFIG_HOME counts where it is absolute, as the XDG Base
    Directory Specification has it. Raises UsageError where nobody's home is known."""
    configured = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    try:
        # an empty HOME is no home, though Path.home() makes it the root of the file system
        home = Path() if os.environ.get("HOME") == "" else Path.home()
    except RuntimeError:
        home = Path()
    base = configured if configured.is_absolute() else home / ".config"
    if not base.is_absolute():
        raise UsageError(
            f"HOME={os.environ.get('HOME', '')!r}: is no folder for .config/domainclip/dicom.key; "
            "name a key of yours with --key FILE."
        )
    return base / "domainclip"


def _named(error: UsageError, path: str) -> UsageError:
    """The error with the key's path in it."""
    said = str(error).replace(" FILE", f" {shlex.quote(path)}")
    return UsageError(f"{path}: {said.rstrip('.')}, or name another key with --key FILE.")


def check_of(path: Path) -> str:
    """What tells this key from another one; it tells nothing of the key itself."""
    return pseudonyms_of(str(path)).fingerprint()


@lru_cache(maxsize=4)
def pseudonyms_of(path: str) -> Pseudonyms:
    """The pseudonyms of a key file. Raises UsageError where it cannot be read, or is unsafe."""
    try:
        return Pseudonyms(read_key(Path(path)))
    except UsageError as error:
        raise _named(error, path) from None
