"""What a study, an image, a patient is called in the pairs: pseudonyms made with the user's key."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domainclip.errors import UsageError

from .keys import key_path, pseudonyms_of
from .privacy.pseudonyms import Pseudonyms
from .records import Place, StudyFiles

if TYPE_CHECKING:
    from . import Dicom

__all__ = ["Naming", "naming_of"]


@dataclass(frozen=True, slots=True)
class Naming:
    """pseudonyms: None where identifiers are kept. keep_uids: UIDs stay as they are."""

    pseudonyms: Pseudonyms | None
    keep_uids: bool

    def study(self, study: StudyFiles, roots: Sequence[str]) -> str:
        """The name of a unit of work, unique in a run."""
        if study.study_uid and (study.images or study.refused or not study.reports):
            return self._named("study", study.study_uid)
        first = (
            *study.images,
            *(r.place for r in study.reports),
            *(r.place for r in study.refused),
        )
        row = f"#{study.reports[0].row}" if study.reports and not study.images else ""
        kind = "image" if study.images else "report" if study.reports else "file"
        return self._named(kind, f"{_relative(first[0].path, roots)}{first[0].steps or ''}{row}")

    def file(self, place: Place) -> str:
        """The name of a file that has no UID to be named by."""
        last = place.path.rsplit("/", 1)[-1]
        return self._named("file", f"{last}{place.steps or ''}")

    def instance(self, sop_uid: str) -> str:
        """The short name of an image, part of its pair's key."""
        return self._named("sop", sop_uid).partition("-")[2] if self.pseudonyms else sop_uid

    def series(self, series_uid: str) -> str:
        """The short name of a series, that of its volume."""
        return (
            self._named("series", series_uid).partition("-")[2] if self.pseudonyms else series_uid
        )

    def uid(self, uid: str) -> str:
        """A UID as the pairs show it."""
        if not uid or self.pseudonyms is None or self.keep_uids:
            return uid
        return self.pseudonyms.uid(uid)

    def _named(self, kind: str, value: str) -> str:
        if self.pseudonyms is None:
            return f"{kind}-{value}"
        return f"{kind}-{self.pseudonyms.name(kind, value)}"


def naming_of(options: Dicom, check: str) -> Naming:
    """The naming of a run. check: the key's, as the run's start saw it.

    Raises UsageError where this process finds another key than that one.
    """
    if options.keep_identifiers:
        return Naming(None, True)
    found = pseudonyms_of(str(key_path(options.key)))
    if check != found.fingerprint():
        raise UsageError(
            f"key={options.key!r}: this machine has another key than the one that began the run; "
            "give every machine the same file with --key FILE."
        )
    return Naming(found, "uids" in options.keep)


def _relative(path: str, roots: Sequence[str]) -> str:
    """The path below the root that leads to it: the same wherever the root lies."""
    for root in sorted(roots, key=len, reverse=True):
        base = root.rstrip("/")
        if path == base:
            return os.path.basename(path)  # noqa: PTH119 - a text, as it is
        if path.startswith(f"{base}/"):
            return path[len(base) + 1 :]
    return path
