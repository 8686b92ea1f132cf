"""The benchmark of long texts reads as the toolkit does, and compares like with like."""

from __future__ import annotations

import json
import tarfile
from io import BytesIO
from pathlib import Path

import torch

from benchmarks.long_text_retrieval import Reader, compare, cut_context, strategies
from benchmarks.long_text_tasks import Task, medpix_tasks, openi_tasks
from domainclip.text.stretch import Stretch
from tests.data.tiny_towers import make_backbone

LONG = [f"the {word} report goes on and on about the lungs. " * 3 + f"it ends with {word}."
        for word in ("first", "second", "third")]  # fmt: skip
SHORT = ["a", "b c", "one more short text"]


def test_pieces_that_are_shared_are_read_once_and_give_the_same() -> None:
    backbone = make_backbone("vit")
    reader = Reader(backbone)
    for name, way in (strategies() | {"stretch": Stretch(keep=5, length=40)}).items():
        torch.testing.assert_close(
            reader(LONG + SHORT, way), backbone.encode_text(LONG + SHORT, long=way),
            rtol=0, atol=1e-5, msg=name,
        )  # fmt: skip


def test_truncation_comes_first_and_gains_are_over_it() -> None:
    backbone = make_backbone("vit")
    ways = {name: way for name, way in strategies().items() if name in ("truncate", "window mean")}
    task = Task("t", SHORT, LONG, ["1", "2", "3"])
    rows = list(compare(Reader(backbone), task, ways))
    assert [row.strategy for row in rows[:4]] == ["truncate"] * 4
    assert {(row.way, row.over) for row in rows} == {
        (way, over) for way in ("short -> long", "long -> short") for over in ("all", "exceeding")
    }
    assert all((row.gain is None) == (row.strategy == "truncate") for row in rows)
    assert all(row.values[0].n == 3 and row.values[2].value == 1.0 for row in rows)


def test_a_cut_context_reads_texts_that_fit_as_before() -> None:
    backbone = make_backbone("vit")
    before = backbone.encode_text(SHORT)
    cut_context(backbone, 8)
    assert backbone.context_length == 8 and backbone.tokenize(LONG).shape == (3, 8)
    torch.testing.assert_close(backbone.encode_text(SHORT), before, rtol=0, atol=1e-6)


def test_reports_that_read_alike_and_empty_ones_are_left_out(tmp_path: Path) -> None:
    rows = [
        ("Clear lungs. No effusion. Heart normal. Bones normal.", "Normal.", "normal"),
        ("Opacity on the left. No effusion.", "Pneumonia.", "Opacity/lung/left"),
        ("Another heart. Quite large.", "Normal.", "Cardiomegaly/mild"),
        ("", "None", "x"),
    ]
    with tarfile.open(tmp_path / "reports.tgz", "w:gz") as tar:
        for number, (findings, impression, code) in enumerate(rows):
            sections = {"FINDINGS": findings, "IMPRESSION": impression}
            parts = [f'<AbstractText Label="{k}">{v}</AbstractText>' for k, v in sections.items()]
            xml = f"<r>{''.join(parts)}<major>{code}</major></r>".encode()
            member = tarfile.TarInfo(f"{number}.xml")
            member.size = len(xml)
            tar.addfile(member, BytesIO(xml))
    impression, codes, tails = openi_tasks(tmp_path / "reports.tgz")
    assert impression.short == ["Pneumonia."]
    assert "Opacity lung left" in codes.short and len(codes.short) == 3
    assert codes.long[1] == "Opacity on the left. No effusion. Pneumonia."
    assert tails.short == ["Heart normal. Bones normal."]
    assert tails.long == ["Clear lungs. No effusion."]


def test_a_case_is_told_without_its_diagnosis(tmp_path: Path) -> None:
    case = {"History": "N/A", "Findings": "A mass.", "Case Diagnosis": "Glioma"}
    topic = {"Disease Discussion": "One. Two. Three. Four. Five."}
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "i1.png").touch()
    (tmp_path / "Case_topic.json").write_text(
        json.dumps([{"U_id": "1", "Case": case, "Topic": topic}])
    )
    described = [
        {"U_id": "1", "image": f"i{n}", "Description": {"Caption": f"c{n}"}} for n in (1, 2)
    ]
    (tmp_path / "Descriptions.json").write_text(json.dumps(described))
    found = {task.name: (task.short, task.long) for task in medpix_tasks(tmp_path)}
    assert found["MedPix diagnosis -> case"] == (["Glioma"], ["A mass."])
    assert found["MedPix last 2 sentences -> discussion before"] == (
        ["Four. Five."],
        ["One. Two. Three."],
    )
    assert found["MedPix image -> caption and case"][1] == ["c1 A mass."]
