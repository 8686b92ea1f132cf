"""Reports read: structured ones beside a walk of the raw tree and highdicom; OpenI; MedPix.

    python benchmarks/dicom_reports.py [--data ../shared/data] [--files FOLDER ...]

Structured reports (of dicom/reports, of pydicom and pydicom-data's files, and of further folders):

- read without an exception: from their bytes, as ``read_report`` does, beside highdicom's
  ``sr.srread`` of the same files, and files per CPU second of both where both read;
- TEXT values, collected by a walk of the raw data set that shares no code with the package and
  visits each item once: how many of the content are found in the report's text, and how many of the
  observation context among its identifiers (names of tracked lesions are left out, being nobody's);
  compared by letters and digits;
- PNAME items of whose name a word is in the text that is in no TEXT value;
- references: SOP instances of the tree and of the evidence, found by the same walk.

OpenI: files read, those whose sections equal the AbstractText of Python's own ElementTree (one
holds an HL7 escape, ``\\T\\`` for ``&``, which is undone), files per CPU second, beside lxml's
parse alone. MedPix: rows read with a caption, rows per second.
"""

from __future__ import annotations

import argparse
import re
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pydicom
from lxml import etree
from pydicom.dataset import Dataset

from domainclip.errors import BadInput
from domainclip.extractors.dicom.quiet import quiet
from domainclip.extractors.dicom.records import Place, Report, ReportLink
from domainclip.extractors.dicom.reports.medpix import read_medpix_file
from domainclip.extractors.dicom.reports.openi import read_openi
from domainclip.extractors.dicom.reports.reading import read_report

__all__ = ["main"]


def bare(text: str) -> str:
    """Letters and digits alone, without case."""
    return re.sub(r"[\W_]+", "", text).casefold()


def structured_files(data: Path, more: list[Path]) -> list[Path]:
    """Files that have a content tree, each content once."""
    folders = [data / "dicom", Path(pydicom.__file__).parent / "data", *more]
    try:
        import data_store

        folders.append(Path(data_store.__file__).parent)
    except ImportError:
        print("pydicom-data is not installed: its files are left out")
    found: dict[bytes, Path] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.stat().st_size > 16 << 20:
                continue
            content = path.read_bytes()
            with quiet():
                try:
                    dataset = pydicom.dcmread(path, stop_before_pixels=True)
                    if "ContentSequence" in dataset or dataset.get("Modality") in ("SR", "KO"):
                        found.setdefault(content, path)
                except Exception:  # not DICOM, or one that pydicom cannot read either
                    continue
    return list(found.values())


def raw_items(dataset: Dataset) -> Iterator[tuple[Dataset, bool]]:
    """Every item of the content tree, the document first; whether it is observation context."""
    visited: set[int] = set()
    waiting = [(dataset, False)]
    while waiting:
        item, context = waiting.pop()
        if id(item) in visited:
            continue
        visited.add(id(item))
        context = context or item.get("RelationshipType") == "HAS OBS CONTEXT"
        yield item, context
        waiting += [(child, context) for child in item.get("ContentSequence") or ()]


def raw_references(dataset: Dataset) -> set[str]:
    found = {
        str(reference.get("ReferencedSOPInstanceUID", ""))
        for item, _ in raw_items(dataset)
        for reference in item.get("ReferencedSOPSequence") or ()
    }
    for keyword in ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence"):
        for study in dataset.get(keyword) or ():
            for series in study.get("ReferencedSeriesSequence") or ():
                for one in series.get("ReferencedSOPSequence") or ():
                    found.add(str(one.get("ReferencedSOPInstanceUID", "")))
    return {uid for uid in found if "." in uid}


def ours(path: Path) -> Report:
    link = ReportLink(Place(str(path)), "sr", "study")
    return read_report(link, read=lambda place, _: Path(place.path).read_bytes(), columns={})


def highdicoms(path: Path) -> Any:
    from highdicom.sr import srread

    return srread(path)


def successes(read: Callable[[Path], Any], paths: list[Path]) -> list[Path]:
    """Those that are read, and how fast: CPU seconds of the ones that are."""
    done = []
    for path in paths:
        with quiet():
            try:
                read(path)
                done.append(path)
            except Exception:  # whatever the peer raises counts as not read
                continue
    return done


def rate(read: Callable[[Path], Any], paths: list[Path], seconds: float = 2.0) -> float:
    """Files per CPU second."""
    begun, count = time.process_time(), 0
    with quiet():
        while paths and time.process_time() - begun < seconds:
            for path in paths:
                read(path)
            count += len(paths)
    return count / max(time.process_time() - begun, 1e-9)


def structured(data: Path, more: list[Path]) -> None:
    paths = structured_files(data, more)
    done = successes(ours, paths)
    print(f"structured reports read: {len(done)}/{len(paths)}")
    try:
        theirs = successes(highdicoms, paths)
        print(f"  highdicom sr.srread: {len(theirs)}/{len(paths)}")
        both = [path for path in theirs if path in done]
        if both:
            mine, other = rate(ours, both), rate(highdicoms, both)
            print(
                f"  files/s where both read ({len(both)} files): ours {mine:.0f}, "
                f"highdicom {other:.0f}, ratio {mine / other:.2f}"
            )
    except ImportError:
        print("  highdicom is not installed")
    content = shown = context = kept = names = leaked = uids = uids_found = 0
    for path in done:
        with quiet():
            report, dataset = ours(path), pydicom.dcmread(path)
            items = list(raw_items(dataset))
            texts = [(str(item.TextValue), of) for item, of in items if item.get("TextValue")]
            people = {str(item.PersonName) for item, _ in items if item.get("PersonName")}
            wanted = raw_references(dataset)
        within = bare(report.text)
        beside = {bare(each.value) for each in report.identifiers}
        for text, of_context in texts:
            found = bare(text) in within
            content += not of_context
            shown += not of_context and found
            context += of_context
            kept += of_context and (found or bare(text) in beside)
        words = set(re.findall(r"\w+", report.text.casefold()))
        said = set(re.findall(r"\w+", " ".join(text for text, _ in texts).casefold()))
        for name in people:
            names += 1
            parts = {part for part in re.findall(r"\w+", name.casefold()) if len(part) > 2}
            leaked += bool(parts & words - said)
        uids += len(wanted)
        uids_found += len(wanted & set(report.references))
    print(f"  TEXT values of the content found in the text: {shown}/{content}")
    print(f"  TEXT values of the observation context among the identifiers: {kept}/{context}")
    print(f"  names of PNAME items: {names}; in the text {leaked}")
    print(f"  referenced SOP instances: {uids_found}/{uids}")


def abstract_of(data: bytes) -> list[tuple[str, str]]:
    root = ElementTree.fromstring(data)
    found = []
    for element in root.iter("AbstractText"):
        text = " ".join("".join(element.itertext()).split())
        if text:
            found.append((element.get("Label", ""), text))
    return found


def openi(data: Path) -> None:
    with tarfile.open(data / "medical" / "openi" / "NLMCXR_reports.tgz") as archive:
        files = [archive.extractfile(member) for member in archive if member.isfile()]
        contents = [file.read() for file in files if file is not None]
    begun = time.process_time()
    reports = []
    for content in contents:
        try:
            reports.append(read_openi(content))
        except BadInput:
            reports.append(None)
    took = time.process_time() - begun
    begun = time.process_time()
    for content in contents:
        etree.fromstring(content)
    parse = time.process_time() - begun
    read = [report for report in reports if report is not None]
    same = sum(
        report is not None
        and [(each.heading, bare(each.text)) for each in report.sections]
        == [(label, bare(text)) for label, text in abstract_of(content)]
        for report, content in zip(reports, contents, strict=True)
    )
    print(f"OpenI read: {len(read)}/{len(contents)}, {len(contents) / took:.0f} files/s")
    print(f"  lxml's parse alone: {len(contents) / parse:.0f} files/s, ratio {parse / took:.2f}")
    print(f"  sections equal to ElementTree's: {same}/{len(contents)}")
    print(
        f"  with text {sum(bool(report.text) for report in read)}, with terms "
        f"{sum(bool(report.labels) for report in read)}, images "
        f"{sum(len(report.references) for report in read)}"
    )


def medpix(data: Path) -> None:
    folder = data / "medical" / "medpix"
    rows = (folder / "Descriptions.json").read_bytes()
    cases = (folder / "Case_topic.json").read_bytes()
    begun = time.process_time()
    reports: list[Report] = []
    try:
        while True:
            reports.append(read_medpix_file(rows, len(reports), cases))
    except BadInput:
        pass  # behind the last row
    took = time.process_time() - begun
    captions = sum(report.sections[0].name == "caption" for report in reports if report.sections)
    cased = sum(any(each.name == "findings" for each in report.sections) for report in reports)
    print(
        f"MedPix rows: {len(reports)}, with a caption {captions}, with findings of their case "
        f"{cased}, {len(reports) / took:.0f} rows/s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--files", type=Path, nargs="*", default=[], help="further folders")
    arguments = parser.parse_args()
    structured(arguments.data, arguments.files)
    openi(arguments.data)
    medpix(arguments.data)


if __name__ == "__main__":
    main()
