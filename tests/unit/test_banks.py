"""Text banks: what is read, what is refused and in which words, and what a saved adapter keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from domainclip.adapters.biomedcoop import BiomedCoOp
from domainclip.adapters.storage import load_adapter, save_adapter
from domainclip.adapters.vdt import VDT
from domainclip.banks import BankRow, append_rows, descriptions, read_bank, rows_of, write_bank
from domainclip.classifier import few_shot
from domainclip.errors import BadInput, OutputError, UsageError
from tests.data.tiny_towers import images, make_backbone

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    BankRow("river_or_lake", "Water with a smooth, dark surface.", "a person"),
    BankRow("river_or_lake", 'A "river" winds, its banks green.', "a person"),
    BankRow("Forest", "Ωκεανός of crowns,\ta closed canopy.", "gpt@host: Describe {}."),
]
NAMES = ["cat", "polar_bear", "sea"]
BANK = ROOT / "tests" / "data" / "small_bank.jsonl"


def _as_table(separator: str) -> str:
    rows = [("class", "text", "origin"), *((r.class_name, r.text, r.origin) for r in ROWS)]
    return "".join(
        separator.join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n" for row in rows
    )


def test_every_form_gives_the_same_rows(tmp_path: Path) -> None:
    write_bank(tmp_path / "a.jsonl", ROWS)
    (tmp_path / "b.csv").write_bytes(b"\xef\xbb\xbf" + _as_table(",").encode())  # Excel's mark
    (tmp_path / "c.TSV").write_text(_as_table("\t"), "utf-8")
    for name in ("a.jsonl", "b.csv", "c.TSV"):
        assert read_bank(tmp_path / name) == ROWS, name
    found = descriptions(tmp_path / "b.csv", ["forest", "River or lake"])
    assert list(found) == ["forest", "River or lake"]
    assert found["River or lake"] == [row.text for row in ROWS[:2]]
    assert rows_of(tmp_path / "a.jsonl", ["forest"])["forest"][0].origin == ROWS[2].origin


def test_a_released_bank_has_its_file_as_origin_and_may_repeat_itself(tmp_path: Path) -> None:
    path = tmp_path / "CuPL.json"
    path.write_text(json.dumps({"forest": ["Trees. ", "Trees."], "sea": ["Water."], "air": []}))
    assert read_bank(path) == [
        BankRow("forest", "Trees.", "CuPL.json"), BankRow("forest", "Trees.", "CuPL.json"),
        BankRow("sea", "Water.", "CuPL.json"),
    ]  # fmt: skip
    with pytest.raises(BadInput, match="no sentence about 'air'"):
        descriptions(path, ["sea", "air"])


ROW = '{"class": "a", "text": "One.", "origin": "me"}\n'


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("a.jsonl", ROW + "\n{oops\n", ":3: not JSON"),
        ("a.jsonl", "[" * 100_000, ":1: not JSON"),
        ("a.jsonl", ROW + "3\n", ":2: not a JSON object"),
        ("a.jsonl", ROW + '{"class": "a", "text": "x"}', ":2: has no 'origin'"),
        ("a.jsonl", ROW.replace("One.", " "), ":1: 'text' is ' ', and must be a text"),
        ("a.jsonl", ROW.replace('"me"', "7"), ":1: 'origin' is 7"),
        ("a.jsonl", ROW + "\n" + ROW.replace('"a"', '"A"'), ":3: 'A' has this sentence already, "
                                                            "in line 1"),
        ("a.jsonl", "\n \n", "holds no row"),
        ("a.jsonl", ROW.encode() + b'{"class": "\xff"}', ":2: not UTF-8"),
        ("a.csv", "class,text\na,b\n", ":1: has no column 'origin'"),
        ("a.csv", "", ":1: has no column 'class'"),
        ("a.csv", "class,text,origin\na,b, c, d\n", ":2: 4 columns instead of 3"),
        ("a.csv", "class,text,origin\na,\n", ":2: 2 columns instead of 3"),
        ("a.csv", "class,text,origin\n\na,,me\n", ":3: 'text' is ''"),
        ("a.tsv", 'class\ttext\torigin\na\t"b\tme\n', ":2: not a table"),
        ("a.json", "[1]", "not a JSON object of {class"),
        ("a.json", '{"a": {"b": ["c"]}}', "'a' has no list of sentences"),
        ("a.json", '{"a": "text"}', "'a' has no list of sentences"),
        ("a.json", '{"a": ["x"], "A": ["y"]}', "'A' stands there twice"),
        ("a.json", '{"a": ["x", ""]}', "sentence 2 of 'a' is ''"),
        ("a.json", '{"a": ["x"],\n', ":2: not JSON"),
        ("a.txt", "x", "ends in .jsonl, .csv, .tsv, .json"),
        ("a.pt", b"PK", "ends in .jsonl"),
    ],
)  # fmt: skip
def test_a_bad_bank_is_one_sentence_with_file_and_line(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadInput) as error:
        read_bank(path)
    message = str(error.value)
    assert message.startswith(str(path)) and said in message
    assert "\n" not in message and message.endswith(".")


def test_what_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no such file; `domainclip bank CLASS... -o FILE` makes"):
        read_bank(tmp_path / "none.jsonl")
    with pytest.raises(BadInput, match="cannot be read"):
        (tmp_path / "folder.csv").mkdir()
        read_bank(tmp_path / "folder.csv")
    with pytest.raises(BadInput, match=r"small_bank.jsonl: the bank has no sentence about 'tulip', "
                                       r"'x0'.* and 3 more"):  # fmt: skip
        descriptions(BANK, ["tulip", "cat", *(f"x{i}" for i in range(12))])


def test_rows_are_added_after_whatever_an_interruption_left(tmp_path: Path) -> None:
    path = tmp_path / "new" / "bank.jsonl"
    append_rows(path, ROWS[:1])
    whole = path.read_bytes()
    for left in (whole + b'{"class": "x", "te', whole + b'{"class": "\xce', whole[:-1], whole):
        path.write_bytes(left)
        append_rows(path, ROWS[1:])
        assert read_bank(path) == ROWS
    with pytest.raises(OutputError, match="cannot be written"):
        append_rows(tmp_path, ROWS)
    with pytest.raises(OutputError, match="cannot be written"):
        write_bank(path / "below.jsonl", ROWS)
    assert [file.name for file in path.parent.iterdir()] == ["bank.jsonl"]


def _adapter(method: type[Any], **options: Any) -> Any:
    adapter = method(**options)
    adapter.for_classes(NAMES, ["a {}."])
    return adapter


@pytest.mark.parametrize("method", [BiomedCoOp, VDT])
def test_without_a_bank_nothing_begins(method: type[Any], tmp_path: Path) -> None:
    backbone = make_backbone("vit")
    with pytest.raises(UsageError, match="domainclip bank CLASS"):
        _adapter(method).inject(backbone)
    with pytest.raises(UsageError, match="bank=FILE"):
        few_shot(backbone, list(images()), [0, 1, 2], NAMES, method=method.__name__.lower())
    with pytest.raises(BadInput, match="no such file"):
        _adapter(method, bank=str(tmp_path / "gone.jsonl")).inject(backbone)
    with pytest.raises(BadInput, match="no sentence about 'sea'"):
        _adapter(method, texts={"cat": ["A cat."], "polar bear": ["A bear."]}).inject(backbone)
    assert backbone.class_prompts is None


@pytest.mark.parametrize("method", [BiomedCoOp, VDT])
def test_a_saved_adapter_needs_its_bank_for_other_classes_alone(
    method: type[Any], tmp_path: Path
) -> None:
    bank = tmp_path / "bank.jsonl"
    bank.write_bytes(BANK.read_bytes())
    backbone = make_backbone("vit")
    adapter = _adapter(method, bank=str(bank))
    adapter.inject(backbone)
    expected = backbone.classifier(NAMES)
    penalty = getattr(adapter, "penalty", lambda image, labels, text: torch.zeros(()))
    image = backbone.image(images()).detach()
    first = penalty(image, torch.arange(3), backbone.class_text(NAMES))
    save_adapter(tmp_path / "mine", adapter, method.__name__.lower(), backbone, classnames=NAMES)
    adapter.eject()
    assert adapter.texts == {} and adapter.bank == str(bank)
    bank.unlink()

    again = load_adapter(tmp_path / "mine", backbone)
    assert torch.equal(backbone.classifier(NAMES), expected)
    penalty = getattr(again, "penalty", lambda image, labels, text: torch.zeros(()))
    assert torch.equal(penalty(image, torch.arange(3), backbone.class_text(NAMES)), first)
    kept = json.loads((tmp_path / "mine" / "adapter.json").read_text())["arguments"]["texts"]
    assert set(kept) == set(NAMES)
    assert kept["cat"][0]["origin"] == "written for the tests"
    if method is VDT:
        with pytest.raises(BadInput, match="no such file"):
            backbone.classifier(["dog"])
        bank.write_bytes(BANK.read_bytes())
        assert backbone.classifier(["dog", "cat"]).shape == (2, 32)
    again.eject()


def test_options_that_cannot_be_are_refused() -> None:
    backbone = make_backbone("vit")
    with pytest.raises(UsageError, match=r"tau is 0\.5"):
        _adapter(BiomedCoOp, bank=str(BANK), tau=0.5).inject(backbone)
    with pytest.raises(UsageError, match="ratio is 2"):
        _adapter(VDT, bank=str(BANK), ratio=2).inject(backbone)
    with pytest.raises(UsageError, match="for_classes"):
        BiomedCoOp(bank=str(BANK)).inject(backbone)


@pytest.mark.parametrize(
    ("name", "sets", "each"),
    [
        ("rsscn7", ["rsscn7"], 8),
        ("chest_xray", ["chest_xray_sample"], 8),
        ("medpix", ["medpix_modality", "medpix_plane", "medpix_location"], 6),
    ],
)
def test_an_example_bank_describes_every_class_of_its_sets(
    name: str, sets: list[str], each: int
) -> None:
    folder = ROOT / "domainclip" / "data" / "sets"
    described = [json.loads((folder / f"{one}.json").read_text())["classnames"] for one in sets]
    names = list(dict.fromkeys(name for one in described for name in one.values()))
    bank = ROOT / "examples" / "banks" / f"{name}.jsonl"
    found = rows_of(bank, names)
    assert {len(rows) for rows in found.values()} == {each}
    assert each * len(names) == len(read_bank(bank))
    for rows in found.values():
        for row in rows:
            assert row.origin == "written for domainclip"
            assert 20 < len(row.text) < 200 and row.text.endswith(".")
