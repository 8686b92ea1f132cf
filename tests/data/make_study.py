"""A small archive of made-up studies: radiographs with a report, a CT series, odd files."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from tests.data.make_dicom import image, save, text_report

__all__ = ["SECRETS", "write_archive", "write_key", "write_mammograms", "write_patients"]

# what identifies the patient or her physician, anywhere in the archive
SECRETS = ("Quackenbush", "Philomena", "Zora", "MRN778812", "Featherstonehaugh", "Algernon",
           "ACC556677", "19410317", "Swithin")  # fmt: skip
FINDINGS = (
    "The heart is enlarged. There is no pleural effusion. Discussed with Dr. Featherstonehaugh "
    "on 03/12/2011. Mrs. Quackenbush was informed."
)


def write_key(folder: Path) -> str:
    """A key file for tests; its path."""
    path = folder / "key"
    if not path.exists():
        path.write_bytes(bytes(range(32)))
        path.chmod(0o600)
    return str(path)


def _her(dataset: Dataset) -> Dataset:
    dataset.PatientBirthDate, dataset.PatientSex = "19410317", "F"
    dataset.ReferringPhysicianName = "Featherstonehaugh^Algernon"
    dataset.InstitutionName = "Saint Swithin Hospital"
    dataset.StudyDate = "20110312"
    return dataset


def write_archive(folder: Path) -> Path:
    """Two radiographs of one study with an SR, a CT series of nine slices, and files of no use."""
    person = {
        "patient": "MRN778812",
        "name": "Quackenbush^Philomena^Zora",
        "accession": "ACC556677",
    }
    views = []
    for number, view in enumerate(("PA", "LL")):
        values = _picture(96, 80, number)
        one = image(
            values, modality="CR", study=1, series=10 + number, instance=20 + number, **person
        )
        one.BodyPartExamined, one.ViewPosition = "CHEST", view
        views.append(_her(one))
        save(one, folder / "xr" / f"Quackenbush_{view}.dcm")
    report = text_report(
        findings=FINDINGS, impression="Cardiomegaly.", images=views, study=1, **person
    )
    save(_her(report), folder / "sr" / "report")
    for number in range(9):
        one = image(
            _picture(64, 64, number), modality="CT", study=2, series=30, instance=40 + number,
            number=9 - number, position=(0.0, 0.0, 5.0 * number), spacing=(1.0, 1.0),
            slope=1.0, intercept=-1024.0, patient="MRN900001", name="Else^Somebody",
        )  # fmt: skip
        save(one, folder / "ct" / f"{(7 * number) % 9}", preamble=number % 2 == 0)
    (folder / "broken.dcm").write_bytes(b"not what it is called")
    (folder / "readme.txt").write_text("About this archive.")
    return folder


def write_patients(folder: Path, modality: str, count: int) -> None:
    """``count`` patients with one image each and its report, no two of which read alike."""
    for number in range(count):
        person = {"patient": f"PAT{number:04d}", "name": f"Else^Number{number}"}
        one = image(
            _picture(64, 64, number), modality=modality, study=100 + number, series=200 + number,
            instance=300 + number, **person,
        )  # fmt: skip
        report = text_report(
            findings=f"A nodule of {number + 2} mm in the lung.",
            impression=f"Nodule of {number + 2} mm.",
            images=[one],
            study=100 + number,
            instance=400 + number,
            **person,
        )
        save(one, folder / f"{number}.dcm")
        save(report, folder / f"{number}-report.dcm")


def write_mammograms(folder: Path, count: int) -> None:
    """``count`` patients with both breasts in two views and a report; every third lacks a view, and
    tells the side by its description alone."""
    for number in range(count):
        person = {"patient": f"MAM{number:04d}", "name": f"Else^Number{number}"}
        views = []
        for at, (side, view) in enumerate(product("LR", ("CC", "MLO"))):
            if number % 3 == 0 and at == 3:
                continue
            one = image(
                _picture(64, 64, 3 * number + at), modality="MG", study=100 + number,
                series=1000 + 10 * number + at, instance=5000 + 10 * number + at, **person,
                extra={"SeriesDescription": f"{side} {view}"} if number % 3 == 0 else
                {"ImageLaterality": side, "ViewPosition": view},
            )  # fmt: skip
            views.append(one)
            save(one, folder / f"{number}-{side}{view}.dcm")
        report = text_report(
            findings=f"A mass of {number + 2} mm in the left breast.",
            impression=f"Mass of {number + 2} mm.",
            images=views, study=100 + number, instance=9000 + number, **person,
        )  # fmt: skip
        save(report, folder / f"{number}-report.dcm")


def _picture(rows: int, columns: int, number: int) -> np.ndarray:
    """A soft blob: nothing in it that looks like lettering."""
    y, x = np.mgrid[:rows, :columns]
    distance = np.hypot((y - rows / 2) / rows, (x - columns / 2 - number) / columns)
    return (3000 * np.clip(1 - 2 * distance, 0, 1)).astype(np.uint16)
