"""Recipes for reports, figures and boxes, from real files to a measured model, in small."""

from __future__ import annotations

from pathlib import Path

import pytest

from domainclip.cli import main
from domainclip.runs import read_result
from tests.data.make_study import write_key


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOMAINCLIP_CACHE", str(tmp_path / "cache"))


def adapted(recipe: str, pairs: Path, tmp_path: Path, *more: str) -> None:
    out = tmp_path / "run"
    assert main(["run", recipe, "--smoke", f"data.pairs={pairs}", *more, "-o", str(out)]) == 0
    found = {(value.stage, value.evaluator) for value in read_result(out).values}
    assert {("before", "retrieval"), ("after", "retrieval")} <= found


def test_pictures_of_medpix_with_their_captions(shared_data: Path, tmp_path: Path) -> None:
    medpix, pairs = shared_data / "medical" / "medpix", tmp_path / "pairs"
    words = ["extract", "dicom", str(medpix / "images"), "--limit", "60", "--workers", "1"]
    table = ["--reports", str(medpix / "Descriptions.json"), "--key", write_key(tmp_path)]
    assert main([*words, *table, "-o", str(pairs)]) == 0
    adapted("medical/reports_long", pairs, tmp_path)


def test_photographs_of_trees_with_boxes(shared_data: Path, tmp_path: Path) -> None:
    scenes, pairs = str(shared_data / "tiles" / "deepforest"), tmp_path / "pairs"
    words = ["extract", "tiles", scenes, "--boxes", scenes, "--size-px", "128", "--captions", "3"]
    assert main([*words, "--workers", "1", "--max-errors", "100", "-o", str(pairs)]) == 0
    adapted("remote_sensing/boxes", pairs, tmp_path, "data.split.by=key", "data.split.buffer=null")


def test_figures_of_papers_with_captions_and_mentions(shared_data: Path, tmp_path: Path) -> None:
    papers, pairs = str(shared_data / "papers" / "jose"), tmp_path / "pairs"
    words = ["extract", "papers", papers, "--limit", "12", "--workers", "1", "--max-errors", "100"]
    assert main([*words, "-o", str(pairs)]) == 0
    adapted("figures/captions_long", pairs, tmp_path, "data.split.by=key")
