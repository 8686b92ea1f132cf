"""Where the user's key lies: a file of theirs, never beside the pairs."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path

from domainclip.errors import UsageError

from .privacy.pseudonyms import Pseudonyms, make_key, read_key

__all__ = ["check_of", "key_path", "pseudonyms_of"]


def key_path(given: str) -> Path:
    """The file of the key: as given, else the user's own, which is made where there is none.

    Raises UsageError where the given file is not there.
    """
    if given:
        path = Path(given)
        if not path.exists():
            raise UsageError(
                f"key={given!r}: no such file. Make one with: "
                f"head -c 32 /dev/urandom > {given} && chmod 600 {given}"
            )
        return path
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "domainclip"
    path = folder / "dicom.key"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_key(path)
        print(
            f"{path}: a new key was made. All pseudonyms and date shifts come from it: keep it, "
            "and keep it apart from the pairs.",
            file=sys.stderr,
        )
    return path


def check_of(path: Path) -> str:
    """What tells this key from another one; it tells nothing of the key itself."""
    return pseudonyms_of(str(path)).fingerprint()


@lru_cache(maxsize=4)
def pseudonyms_of(path: str) -> Pseudonyms:
    """The pseudonyms of a key file. Raises UsageError where it cannot be read, or is unsafe."""
    return Pseudonyms(read_key(Path(path)))
