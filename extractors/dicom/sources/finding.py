"""Studies below a folder or in an archive: every file looked at once, then grouped and linked."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from domainclip.errors import BadInput

from ..records import Refused, StudyFiles
from .header import read_header
from .index import StudyIndex
from .kinds import kind_of
from .linking import link_reports
from .report_files import put_report_file
from .studies import studies
from .walking import Seen, walk

__all__ = ["find_studies"]

_DICOM_ENDINGS = (".dcm", ".dicom", ".dic", ".ima")
# Told by their names, which nobody gives to an image of a study.
_OTHERS = re.compile(
    "txt|[ct]sv|jsonl?|ndjson|xml|pdf|html?|md|rst|log|ini|ya?ml|toml|py|sh|bat|exe|dll|db|sha256"
    "|md5|docx?|xlsx?|pptx?|rtf|gif|svg|bmp|webp|tiff?|nii|np[yz]|mp4|avi|mov|parquet|pkl|pt|h5"
    "|mh[ad]|nrrd|inf|css|js|zst|7z|rar"
)
_DIRECTORY_NAMES = ("dicomdir", "thumbs.db", "desktop.ini", ".ds_store")
_WEB = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


def find_studies(
    roots: str | Sequence[str],
    *,
    reports: str = "",
    columns: Mapping[str, str] | None = None,
    limit_bytes: int,
    passed: Counter[str] | None = None,
) -> Iterator[StudyFiles]:
    """The studies of folders, zip or tar archives, DICOMDIRs, files, with their reports.

    roots: one or several, which are one archive: a study may lie under all of them. reports: a
    folder, file or archive of reports beside those that are there as DICOM. Inside a root it costs
    no second look. columns: see ``tables.roles_of``. limit_bytes: larger files
    are refused. passed: counts files that are nobody's concern, by kind.

    First DICOM studies by UID, then PNG and JPEG images (together where a report ties them), then
    reports for which nothing was found (those of one study together; ``how`` says what would have
    tied them), then files refused that belong to none of these. Files of a study are sorted.

    Refused: not_dicom (a .dcm that is none), truncated (before its pixel data), missing_uid (of
    study or instance; the file meta's serves for the instance), no_pixels (presentation states, RT
    plans, waveforms and the like), duplicate_instance, too_large, unreadable_file,
    unreadable_folder, linked_outside, dangling_link, deep_folder, damaged_archive, unsafe_archive,
    deep_archive, archive (a member that may not be read), missing_file (of a DICOMDIR),
    unreadable_table, malformed_xml.

    Raises BadInput where there is nothing at a root or ``reports``, or no table has the columns
    that ``columns`` names.
    """
    index = StudyIndex()
    try:
        scan = _Scan(index, columns or {}, limit_bytes, Counter() if passed is None else passed)
        scan.images([roots] if isinstance(roots, str) else roots, reports)
        index.ready()
        link_reports(index)
        yield from studies(index)
    finally:
        index.close()


class _Scan:
    """Puts every file into the index."""

    def __init__(
        self, index: StudyIndex, columns: Mapping[str, str], limit: int, passed: Counter[str]
    ) -> None:
        self._index, self._columns = index, columns
        self._limit, self._passed = limit, passed
        self._unfit: BadInput | None = None  # a table without the columns that are named

    def images(self, roots: Sequence[str], reports: str) -> None:
        """The files of ``roots``, and those of ``reports`` where they lie elsewhere."""
        if reports and not os.path.lexists(reports):
            raise BadInput(f"{reports}: there is no such file or folder of reports.")
        inside = os.path.realpath(reports) if reports else ""
        elsewhere = bool(reports)
        for root in roots:
            elsewhere &= not self._root(root, inside)
        if elsewhere:
            for seen in walk(reports):
                self._report(seen, images=False)
        if self._unfit is not None and not any(
            self._index.rows("SELECT 1 FROM reports WHERE form = 'table' LIMIT 1")
        ):
            raise self._unfit

    def _root(self, root: str, reports: str) -> bool:
        """The files of one root; whether the reports lie in it."""
        if not os.path.lexists(root):
            raise BadInput(f"{root}: there is no such file or folder.")
        top = os.path.realpath(root)
        within = (
            bool(reports)
            and Path(top).is_dir()
            and (reports == top or reports.startswith(f"{top}/"))
        )
        found = False
        for seen in walk(root):
            found = True
            path = seen.place.path
            if within and (reports == top or path == reports or path.startswith(f"{reports}/")):
                self._report(seen, images=True)
            else:
                self._file(seen, images=True)
        if not found:
            raise BadInput(f"No inputs found under {root!r}.")
        return within

    def _report(self, seen: Seen, *, images: bool) -> None:
        try:
            if seen.window is not None and put_report_file(
                seen, self._index, self._columns, self._passed
            ):
                return
        except BadInput as error:
            self._unfit = self._unfit or error
            self._passed["table_without_columns"] += 1
            return
        self._file(seen, images=images)

    def _file(self, seen: Seen, *, images: bool) -> None:
        """images: else only reports are of interest."""
        if seen.refused is not None:
            self._index.refuse(seen.refused)
            return
        last = seen.name.rpartition("/")[2].lower()
        ending = last.rpartition(".")[2]
        if last.startswith(".") or last in _DIRECTORY_NAMES:
            self._passed["hidden" if last.startswith(".") else last] += 1
            return
        if ending != last and _OTHERS.fullmatch(ending):
            self._passed[ending] += 1
            return
        assert seen.window is not None
        if seen.window.data.startswith(_WEB) and not last.endswith(_DICOM_ENDINGS):
            if images:
                self._index.add_image(seen.place, seen.name, None)
            else:
                self._passed["image"] += 1
            return
        self._dicom(seen, last, images)

    def _dicom(self, seen: Seen, last: str, images: bool) -> None:
        assert seen.window is not None
        header = read_header(seen.window)
        if header is None:
            if last.endswith(_DICOM_ENDINGS):
                self._refuse(seen, "not_dicom", "It is called DICOM and is none; fetch it again.")
            else:
                self._passed["other"] += 1
            return
        kind = kind_of(header)
        if kind == "directory":
            self._passed["dicomdir"] += 1
        elif seen.size > self._limit:
            detail = f"It has more than {self._limit >> 20} MB, which is the limit."
            self._refuse(seen, "too_large", detail, header.study)
        elif kind == "cut":
            detail = "It ends before its pixel data; it was not copied whole."
            self._refuse(seen, "truncated", detail, header.study)
        elif kind == "no_pixels":
            self._refuse(seen, "no_pixels", "It is no image and no report.", header.study)
        elif not header.sop or (not header.study and kind == "image"):
            missing = "SOP instance" if not header.sop else "study"
            detail = f"It has no {missing} UID, so nothing tells to what it belongs."
            self._refuse(seen, "missing_uid", detail, header.study)
        elif kind != "image":
            self._index.add_report(seen.place, seen.name, kind, header=header)
        elif images:
            self._index.add_image(seen.place, seen.name, header)
        else:
            self._passed["image"] += 1

    def _refuse(self, seen: Seen, reason: str, detail: str, study: str = "") -> None:
        self._index.refuse(Refused(seen.place, reason, detail), study)
