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
from .report_files import Unusable, put_report_file
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
_ENDING = re.compile(r"[a-z][a-z0-9]{1,5}")
_REPORTS = (
    "Reports are text files, OpenI XML, MedPix JSON, PDF, DICOM, or a CSV, TSV or JSON table."
)
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
    unreadable_table, malformed_row (of a table; once, with their number), malformed_xml.

    Raises BadInput where there is nothing at a root, or neither images, reports nor refused files;
    where nothing at ``reports`` can be used as a report; where no table has the columns that
    ``columns`` names.
    """
    index = StudyIndex()
    passed = Counter() if passed is None else passed
    before = _files(passed)
    roots = [roots] if isinstance(roots, str) else roots
    try:
        scan = _Scan(index, columns or {}, limit_bytes, passed)
        scan.images(roots, reports)
        index.ready()
        link_reports(index)
        study = None
        for study in studies(index):
            yield study
        if study is None:
            others = _files(passed) - before
            raise BadInput(
                f"No DICOM file and no picture was found under {', '.join(map(repr, roots))} "
                f"({others:,} other file{'s were' if others != 1 else ' was'} passed over)."
            )
    finally:
        index.close()


def _files(passed: Counter[str]) -> int:
    return sum(count for kind, count in passed.items() if "row" not in kind.split("_"))


class _Scan:
    """Puts every file into the index."""

    def __init__(
        self, index: StudyIndex, columns: Mapping[str, str], limit: int, passed: Counter[str]
    ) -> None:
        self._index, self._columns = index, columns
        self._limit, self._passed = limit, passed
        self._unfit: BadInput | None = None  # a table without the columns that are named
        self._usable = 0  # reports at the place that is given for them
        self._kinds: Counter[str] = Counter()  # of the files there, by their endings
        self._unusable = ""  # what is wrong with the first of them

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
        if reports and not self._usable:
            kinds = ", ".join(f"{count:,} {kind}" for kind, count in self._kinds.most_common(5))
            raise BadInput(
                f"{reports}: nothing there can be used as a report (found: {kinds or 'no file'}). "
                f"{self._unusable or _REPORTS}"
            )

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
        ending = seen.name.rpartition("/")[2].rpartition(".")[2].lower()
        self._kinds[ending if _ENDING.fullmatch(ending) else "other"] += 1
        before, self._index.refusal = self._index.reported, ""
        try:
            if seen.window is None or not put_report_file(
                seen, self._index, self._columns, self._passed
            ):
                self._file(seen, images=images)
        except Unusable as error:
            self._unusable = self._unusable or str(error)
        except BadInput as error:
            self._unfit = self._unfit or error
        self._usable += self._index.reported - before
        self._unusable = self._unusable or self._index.refusal

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
