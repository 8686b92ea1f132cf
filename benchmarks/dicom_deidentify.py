"""How fast headers are de-identified, and what identifying is left, beside dicom-anonymizer.

    python benchmarks/dicom_deidentify.py [DATA] [--limit N] [--rounds 3]

DATA (default ../shared/data) has dicom/; pydicom's own and pydicom-data's files are taken besides.
Printed: files that pydicom reads; files per second on one core, reading the header included
(pixels left unread), ours by the Basic Profile alone and with options, theirs by its default rules
(best of the rounds, run in turns); files that failed; files that have the stamp 0012,0062; and
files in whose output something is left: any value of ``identifiers_of`` the input, of an attribute
of the standard's table or a person name, with at least 4 characters, of names each part too, as
whole words in any text of the output, at any depth. Image Type, Frame Type and Value Type are not
looked into: in these files a patient is called Perfusion and an observer Text. Values are never
printed, only the attributes that they are of.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
from dicomanonymizer.simpledicomanonymizer import anonymize_dataset
from pydicom.data import get_testdata_files
from pydicom.dataset import Dataset
from pydicom.uid import UID_dictionary

from domainclip.extractors.dicom.privacy.deidentify import deidentify
from domainclip.extractors.dicom.privacy.generic import is_generic
from domainclip.extractors.dicom.privacy.identifiers import identifiers_of
from domainclip.extractors.dicom.privacy.policy import Policy
from domainclip.extractors.dicom.privacy.profile import rows
from domainclip.extractors.dicom.privacy.pseudonyms import Pseudonyms
from domainclip.extractors.dicom.quiet import quiet

# attributes that are in our table and not in the standard's
OWN = {row.keyword for row in rows().values() if row.edition == "own"}
PSEUDONYMS = Pseudonyms(bytes(range(32)))
OPTIONS = Policy(frozenset(("patient", "descriptors", "structured_content")), "shift")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=Path("../shared/data"))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    paths = [path for path in _paths(arguments.data) if _read(path) is not None]
    paths = paths[: arguments.limit]
    print(f"{len(paths)} files that pydicom reads")
    ways: dict[str, Callable[[Dataset], Dataset]] = {
        "ours, basic profile": _basic,
        "ours, shifted dates, cleaned text": _options,
        "dicom-anonymizer": _theirs,
    }
    with quiet():
        print(f"{'read alone':36} {_speed(paths, lambda it: it, arguments.rounds):8.0f} files/s")
        speeds = {name: _speed(paths, way, arguments.rounds) for name, way in ways.items()}
        for name, way in ways.items():
            failed, stamped, left = _left(paths, way)
            print(
                f"{name:36} {speeds[name]:8.0f} files/s  failed {failed:3}  stamped {stamped:4}  "
                f"something left in {sum(1 for each in left if each):4}  "
                f"{Counter(word for each in left for word in each).most_common(6)}"
            )
    ratio = speeds["ours, basic profile"] / speeds["dicom-anonymizer"]
    print(f"ours / dicom-anonymizer: {ratio:.1f}")


def _basic(dataset: Dataset) -> Dataset:
    return deidentify(dataset, Policy(), PSEUDONYMS, patient=PSEUDONYMS.patient(dataset))


def _options(dataset: Dataset) -> Dataset:
    found = [re.escape(each.value) for each in identifiers_of(dataset) if len(each.value) >= 4]
    names = re.compile("|".join(found) or "(?!)", re.IGNORECASE)
    return deidentify(
        dataset,
        OPTIONS,
        PSEUDONYMS,
        patient=PSEUDONYMS.patient(dataset),
        scrub=lambda text: names.sub("[REMOVED]", text),
    )


def _theirs(dataset: Dataset) -> Dataset:
    anonymize_dataset(dataset)
    return dataset


def _paths(data: Path) -> list[Path]:
    found = {path for path in (data / "dicom").rglob("*") if path.is_file()}
    found |= {Path(path) for path in get_testdata_files()}
    try:
        import data_store
    except ImportError:
        pass
    else:
        found |= {p for p in Path(data_store.__path__[0]).rglob("*") if p.is_file()}
    return sorted(found)


def _read(path: Path) -> Dataset | None:
    with quiet():
        try:
            dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        except Exception:  # no DICOM at all
            return None
    return dataset if len(dataset) > 3 and "SOPClassUID" in dataset else None


def _speed(paths: list[Path], way: Callable[[Dataset], Dataset], rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for path in paths:
            try:
                way(pydicom.dcmread(path, stop_before_pixels=True, force=True))
            except Exception:  # counted below
                continue
        best = min(best, time.process_time() - start)
    return len(paths) / best


def _left(paths: list[Path], way: Callable[[Dataset], Dataset]) -> tuple[int, int, list[set[str]]]:
    failed = stamped = 0
    left = []
    for path in paths:
        known = identifiers_of(pydicom.dcmread(path, stop_before_pixels=True, force=True))
        try:
            made = way(pydicom.dcmread(path, stop_before_pixels=True, force=True))
            text = "\n".join(_texts(made)).casefold()
        except Exception:
            failed += 1
            continue
        stamped += made.get("PatientIdentityRemoved") == "YES"
        found = set()
        for each in known:
            if each.name in OWN and each.kind != "name":
                continue
            parts = [each.value, *re.split(r"[\s^,]+", each.value)] if each.kind == "name" else ()
            for value in parts or [each.value]:
                if len(value) >= 4 and not is_generic(value) and value not in UID_dictionary:
                    pattern = rf"(?<![\w.]){re.escape(value.casefold())}(?![\w.])"
                    if value.casefold() in text and re.search(pattern, text):
                        found.add(each.name)
        left.append(found)
    return failed, stamped, left


def _texts(dataset: Dataset) -> Iterator[str]:
    """All values as text, at any depth, of the file meta too; bytes as Latin-1."""
    for part in (getattr(dataset, "file_meta", None), dataset):
        for element in part or ():
            if element.keyword in ("ImageType", "FrameType", "ValueType"):
                continue
            if element.VR == "SQ":
                for item in element.value:
                    yield from _texts(item)
            elif isinstance(element.value, bytes):
                yield element.value[:65536].decode("latin-1")
            else:
                yield str(element.value)


if __name__ == "__main__":
    main()
