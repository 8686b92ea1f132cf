"""DICOM studies to pairs by the command line: what is linked, what is shown, what never leaves."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pyarrow.parquet as pq
import pydicom
import pytest
from PIL import Image

from domainclip.cli import main
from domainclip.pairs import Pair, open_pairs
from tests.data.make_dicom import image, save
from tests.data.make_study import SECRETS, write_archive, write_key


def _extract(source: Path, out: Path, *words: str) -> int:
    key = write_key(out.parent)
    return main(
        ["extract", "dicom", str(source), "-o", str(out), "--workers", "1", "--key", key,
         "--max-errors", "100", *words]
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(archive, its pairs)."""
    folder = tmp_path_factory.mktemp("dicom")
    archive = write_archive(folder / "archive")
    assert _extract(archive, folder / "pairs", "--volumes", str(folder / "volumes"),
                    "--copies", str(folder / "copies")) == 0  # fmt: skip
    return archive, folder / "pairs"


def _by_modality(pairs: Path) -> dict[str, list[Pair]]:
    found: dict[str, list[Pair]] = {}
    for pair in open_pairs(pairs):
        found.setdefault(pair.meta["Modality"], []).append(pair)
    return found


def test_both_views_have_the_report_and_one_study(made: tuple[Path, Path]) -> None:
    views = _by_modality(made[1])["CR"]
    assert len(views) == 2
    assert {pair.meta["ViewPosition"] for pair in views} == {"PA", "LL"}
    assert len({pair.document for pair in views}) == len({pair.group for pair in views}) == 1
    for pair in views:
        assert pair.text == "Cardiomegaly."
        assert pair.meta["link"] == "reference"
        assert pair.labels == ("Cardiomegaly",)
        assert pair.meta["absent"] == ["Pleural Effusion"]
        roles = {text.role: text.text for text in pair.texts}
        assert roles["findings"].startswith("The heart is enlarged. There is no pleural effusion.")
        assert "Chest radiograph" in roles["header"]


def test_slices_are_chosen_by_their_place(made: tuple[Path, Path]) -> None:
    slices = sorted(_by_modality(made[1])["CT"], key=lambda pair: pair.where["slice"])
    assert [(pair.where["slice"], pair.where["slices"]) for pair in slices] == [
        (3, 9), (5, 9), (7, 9)
    ]  # fmt: skip
    assert {pair.where["plane"] for pair in slices} == {"axial"}
    assert all(pair.text == slices[0].text for pair in slices)
    assert slices[0].text.startswith("CT, axial plane")


def test_a_series_becomes_a_volume_beside_them(made: tuple[Path, Path]) -> None:
    (path,) = (made[1].parent / "volumes").rglob("*.nii.gz")
    volume = nibabel.load(path)
    assert volume.shape == (64, 64, 9)
    np.testing.assert_allclose(volume.affine, np.diag([-1, -1, 5, 1]), atol=1e-6)
    assert np.asarray(volume.dataobj).min() == -1024


def test_nothing_that_identifies_is_anywhere(made: tuple[Path, Path]) -> None:
    archive, pairs = made
    said = []
    for path in pairs.parent.rglob("*"):
        if path.is_relative_to(archive) or path.name == "key":
            continue
        said.append(str(path.relative_to(pairs.parent)).encode())
        if path.suffix in (".dcm", ".md", ".json"):
            said.append(path.read_bytes())
        elif path.suffix == ".parquet":
            said.append(str(pq.read_table(path).to_pylist()).encode())
    for pair in open_pairs(pairs):
        with Image.open(io.BytesIO(pair.image)) as picture:
            assert picture.info == {} and not picture.getexif()
    joined = b"\n".join(said).lower()
    assert not [word for word in SECRETS if word.lower().encode() in joined]
    assert b"the heart is enlarged" in joined, "the clinical text is kept"
    assert b"discussed with" in joined


def test_what_is_kept_on_request_is_said_and_people_are_not(
    made: tuple[Path, Path], tmp_path: Path
) -> None:
    words = ["--keep", "patient,device", "--dates", "shift"]
    assert _extract(made[0], tmp_path / "pairs", *words) == 0
    for pair in _by_modality(tmp_path / "pairs")["CR"]:
        assert pair.meta["identifiers"] == "removed but for patient, device, shifted dates"
        assert pair.meta["PatientSex"] == "F"
        assert pair.meta["StudyDate"] not in ("", "20110312")
        said = f"{pair.key} {[text.text for text in pair.texts]} {pair.meta}"
        assert not [word for word in SECRETS if word in said]


def test_two_names_in_one_study_are_no_pair(tmp_path: Path) -> None:
    for number, name in enumerate(("Nobel^Alfred", "Curie^Marie")):
        one = image(modality="CR", patient=None, name=name, study=5, instance=50 + number)
        save(one, tmp_path / "in" / str(number))
    assert _extract(tmp_path / "in", tmp_path / "pairs") == 0
    errors = pq.read_table(tmp_path / "pairs" / "_errors.parquet").to_pylist()
    assert [row["error"] for row in errors] == ["two_patients"]


def test_a_window_of_ct_leaves_a_radiograph_as_its_file_says(
    made: tuple[Path, Path], tmp_path: Path
) -> None:
    assert _extract(made[0], tmp_path / "pairs", "--window", "three") == 0
    found = _by_modality(tmp_path / "pairs")
    for pair in found["CR"]:
        assert any("auto was taken" in note for note in pair.meta["notes"])
    for pair in found["CT"]:
        with Image.open(io.BytesIO(pair.image)) as picture:
            assert picture.mode == "RGB"


def test_names_in_a_tables_columns_stay_behind(made: tuple[Path, Path], tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(
        "accession,patient,caption,label\n"
        "ACC556677,MRN778812,Zora has an effusion.,effusion|Philomena Quackenbush\n"
    )
    words = ["--reports", str(table), "--columns", "label=label,caption=caption"]
    assert _extract(made[0] / "xr", tmp_path / "pairs", *words) == 0
    for pair in open_pairs(tmp_path / "pairs"):
        assert "effusion" in pair.labels and len(pair.labels) == len({*pair.labels} - {"Zora"})
        assert not [label for label in pair.labels if "Philomena" in label]
        assert "Zora" not in str([text.text for text in pair.texts])


def test_names_of_folders_are_not_written_down(made: tuple[Path, Path], tmp_path: Path) -> None:
    folder = write_archive(tmp_path / "Quackenbush^Philomena")
    texts = tmp_path / "Zora reports"
    texts.mkdir()
    (texts / "a.txt").write_text("FINDINGS: Normal.")
    assert _extract(folder, tmp_path / "pairs", "--reports", str(texts)) == 0
    assert _extract(folder, tmp_path / "pairs", "--reports", str(texts)) == 0, "it goes on"
    for path in (tmp_path / "pairs").rglob("*"):
        said = path.read_bytes() if path.is_file() else b""
        assert b"Quackenbush" not in said and b"Zora" not in said, path


def test_the_audit_finds_nothing_and_would(made: tuple[Path, Path], capsys: Any) -> None:
    archive, pairs = made
    assert _extract(archive, pairs, "--audit", "--json") == 0
    audit = json.loads(capsys.readouterr().out)
    assert audit["found"] == 0
    looked = {row["name"]: row["values"] for row in audit["attributes"]}
    assert looked["PatientName"] == 2
    kept = pairs.parent / "kept"
    key = write_key(kept.parent)
    words = ["extract", "dicom", str(archive), "-o", str(kept), "--workers", "1"]
    assert main([*words, "--keep-identifiers", "--max-errors", "100"]) == 0
    assert "IDENTIFIERS ARE KEPT" in capsys.readouterr().err
    assert main([*words, "--keep-identifiers", "--audit", "--json"]) == 1
    audit = json.loads(capsys.readouterr().out)
    assert {row["name"] for row in audit["attributes"] if row["found"]} >= {"PatientName"}
    assert key


def test_names_tell_the_owner_which_file_is_which(made: tuple[Path, Path], capsys: Any) -> None:
    archive, pairs = made
    names = pairs.parent / "names.csv"
    assert _extract(archive, pairs, "--names", str(names)) == 0
    rows = dict(line.split(",", 1) for line in names.read_text().splitlines()[1:])
    for pair in open_pairs(pairs):
        assert Path(rows[pair.key]).is_file()
    errors = pq.read_table(pairs / "_errors.parquet").to_pylist()
    assert [row["error"] for row in errors] == ["not_dicom"]
    assert rows[errors[0]["input"]].endswith("broken.dcm")
    assert names.stat().st_mode & 0o077 == 0


def test_copies_are_dicom_without_identity(made: tuple[Path, Path]) -> None:
    copies = sorted((made[1].parent / "copies").rglob("*.dcm"))
    assert len(copies) == 11
    for path in copies:
        dataset = pydicom.dcmread(path)
        assert dataset.PatientIdentityRemoved == "YES"
        assert dataset.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
        assert dataset.pixel_array.any()
        assert "Quackenbush" not in str(dataset)


def test_the_same_key_gives_the_same_pairs_and_another_is_refused(
    made: tuple[Path, Path], tmp_path: Path, capsys: Any
) -> None:
    archive, pairs = made
    assert _extract(archive, pairs.parent / "again") == 0
    keys = {pair.key for pair in open_pairs(pairs)}
    assert {pair.key for pair in open_pairs(pairs.parent / "again")} == keys
    other = tmp_path / "other"
    other.write_bytes(b"another key of thirty-two bytes!")
    other.chmod(0o600)
    capsys.readouterr()
    out = pairs.parent / "again"
    words = ["extract", "dicom", str(archive), "-o", str(out), "--key", str(other)]
    assert main([*words, "--max-errors", "100"]) == 2
    assert "key" in capsys.readouterr().err


def test_images_and_reports_may_lie_under_different_sources(
    made: tuple[Path, Path], tmp_path: Path
) -> None:
    archive = made[0]
    key = write_key(tmp_path)
    words = ["extract", "dicom", str(archive / "xr"), str(archive / "sr"), "-o"]
    assert main([*words, str(tmp_path / "pairs"), "--key", key, "--workers", "1"]) == 0
    assert [pair.text for pair in open_pairs(tmp_path / "pairs")] == ["Cardiomegaly."] * 2


def test_a_killed_run_goes_on(made: tuple[Path, Path], tmp_path: Path) -> None:
    archive = made[0]
    out, key = tmp_path / "pairs", write_key(tmp_path)
    command = [
        sys.executable, "-c", "import sys, domainclip.cli as c; sys.exit(c.main())", "extract",
        "dicom", str(archive), "-o", str(out),
        "--key", key, "--workers", "1", "--max-errors", "100",
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (out / "_state").is_dir() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert subprocess.run(command, capture_output=True).returncode == 0
    keys = Counter(pair.key for pair in open_pairs(out))
    assert set(keys) == {pair.key for pair in open_pairs(made[1])}
    assert set(keys.values()) == {1}


@pytest.mark.parametrize(
    "words, said",
    [
        (["--window", "lungs"], "lung"),
        (["--text", "impresion"], "impression"),
        (["--keep", "dates"], "keep"),
        (["--columns", "imag=a"], "image"),
        (["--key", "nowhere"], "head -c 32"),
        (["--reports", "nowhere"], "no such file"),
        (["--columns", "image=a"], "--reports"),
        (["--headings", __file__], "headings"),
        (["--findings", __file__], "YAML"),
        (["--spacing-mm", "1"], "volumes"),
        (["--keep-identifiers", "--dates", "shift"], "keep_identifiers"),
    ],
)
def test_wrong_options_are_one_sentence(
    made: tuple[Path, Path], tmp_path: Path, capsys: Any, words: list[str], said: str
) -> None:
    assert main(["extract", "dicom", str(made[0]), "-o", str(tmp_path / "out"), *words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def real(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The pairs of the real sample studies."""
    out = tmp_path_factory.mktemp("real") / "pairs"
    assert _extract(shared_data / "dicom", out) == 0
    yield out


def test_the_reports_of_the_sample_speak_of_their_images_and_no_others(real: Path) -> None:
    linked = [pair for pair in open_pairs(real) if "link" in pair.meta]
    assert Counter(pair.meta["link"] for pair in linked) == {"reference": 4}
    assert sorted(pair.meta["Modality"] for pair in linked) == ["CT", "CT", "MR", "US"]


def test_names_of_the_samples_patients_are_not_in_its_pairs(real: Path, shared_data: Path) -> None:
    said = "\n".join(
        f"{pair.key} {[text.text for text in pair.texts]} {pair.where} {pair.meta}"
        for pair in open_pairs(real)
    ).lower()
    for name in ("napper", "wilkins", "walz", "margret", "simpson", "homer", "zzzdowntime"):
        assert name not in said
    assert _extract(shared_data / "dicom", real, "--audit") == 0
