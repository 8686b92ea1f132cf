"""Mammograms from their files to a model of two views; pictures of wrong captions from a table."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from domainclip.cli import main
from domainclip.data._partners import Partners
from domainclip.data.settings import SecondViewSettings
from domainclip.pairs import open_pairs
from domainclip.runs import read_result
from tests.data.make_study import write_key, write_mammograms


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOMAINCLIP_CACHE", str(tmp_path / "cache"))


def adapted(recipe: str, pairs: Path, tmp_path: Path, *more: str) -> str:
    """The log of a run that measured before and after."""
    out = tmp_path / "run"
    assert main(["run", recipe, "--smoke", f"data.pairs={pairs}", *more, "-o", str(out)]) == 0
    found = {(value.stage, value.evaluator) for value in read_result(out).values}
    assert found == {("before", "retrieval"), ("after", "retrieval")}
    return (out / "log.txt").read_text()


def test_mammograms_train_with_the_other_view_of_the_same_breast(tmp_path: Path) -> None:
    write_mammograms(tmp_path / "in", 12)
    path = tmp_path / "pairs"
    words = ["extract", "dicom", str(tmp_path / "in"), "-o", str(path), "--workers", "1"]
    assert main([*words, "--key", write_key(tmp_path)]) == 0
    pairs = open_pairs(path)
    rows = list(pairs)
    assert len(rows) == 44 and {row.meta["ViewPosition"] for row in rows} == {"CC", "MLO"}
    everyone = pairs.with_splits(["train"] * len(rows))
    breast = SecondViewSettings("document", ("ImageLaterality",))
    partners = Partners(everyone, "train", second=breast, negatives=False)
    for row in rows:
        others = [rows[at] for at in partners.others(row.key).tolist()]
        alone = (row.document, row.meta["ImageLaterality"])
        assert len(others) == Counter((r.document, r.meta["ImageLaterality"]) for r in rows)[
            alone] - 1  # fmt: skip
        for other in others:
            assert other.document == row.document and other.text == row.text
            assert other.meta["ImageLaterality"] == row.meta["ImageLaterality"]
            assert other.meta["ViewPosition"] != row.meta["ViewPosition"]
    assert partners.with_second == 40  # four studies lack a view
    log = adapted("medical/mammography", path, tmp_path)
    assert "training images have another of their document with the same ImageLaterality" in log


def test_pictures_of_wrong_captions_come_from_a_table(tmp_path: Path) -> None:
    table = [["filepath", "title", "key", "group", "negative_of"]]
    for number in range(24):
        for name, owner in (("dry", ""), ("flooded", f"dry {number}")):
            file = f"{name}{number}.png"
            pixels = np.random.default_rng(len(table)).integers(0, 255, (16, 16, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / file)
            row = [file, f"a {name} field near town {number}", f"{name} {number}", str(number)]
            if not owner or number % 4:  # a quarter of the pairs has none
                table.append([*row, owner])
    with (tmp_path / "table.csv").open("w", newline="") as file_:
        csv.writer(file_).writerows(table)
    pairs = tmp_path / "pairs"
    assert main(["pairs", "import", str(tmp_path / "table.csv"), "-o", str(pairs)]) == 0
    log = adapted("remote_sensing/opposites", pairs, tmp_path)
    (said,) = [line for line in log.splitlines() if "negative images: " in line]
    has, of = (int(said.split("negative images: ")[1].split()[at]) for at in (0, 2))
    assert 0 < has < of < 24


def test_opposites_that_no_pair_has_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.data.make_pairs import make_pair, write_pairs

    pairs = write_pairs(tmp_path / "pairs", (make_pair(n) for n in range(24))).path
    given = [f"data.pairs={pairs}", "-o", str(tmp_path / "run")]
    assert main(["run", "remote_sensing/opposites", "--smoke", *given]) != 0
    assert "'negative_of' in meta (a column of a CSV)" in capsys.readouterr().err
