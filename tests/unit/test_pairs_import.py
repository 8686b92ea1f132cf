"""Import from strangers: nothing outside the source is read, nothing unbounded, nothing is run."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from domainclip.cli import main
from domainclip.errors import BadInput, UsageError
from domainclip.images.encoded import decoded
from domainclip.pairs import Pair, Skip, Text, open_pairs
from domainclip.pairs.formats import (
    _shared,
    csv,
    folders,
    guess_format,
    huggingface,
    import_pairs,
    webdataset,
)
from tests.data.make_pairs import encoded_image, make_pair, write_pairs

PNG = encoded_image(0)


def make_tar(path: Path, members: list[tuple[str, bytes | tarfile.TarInfo]]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = data if isinstance(data, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.name = name
            body = b"" if isinstance(data, tarfile.TarInfo) else data
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return path


def link(kind: bytes, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, target
    return info


def reasons(items: object) -> list[str]:
    return [i.reason if isinstance(i, Skip) else i.text for i in items]  # type: ignore[attr-defined]


def test_hostile_tar_members_are_refused_and_good_samples_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webdataset, "MAX_TEXT_BYTES", 1000)
    tar = make_tar(
        tmp_path / "a.tar",
        [
            ("1.png", PNG),
            ("1.txt", b"one"),
            ("../2.png", PNG),
            ("/etc/3.png", PNG),
            ("4.png", link(tarfile.SYMTYPE, "/etc/passwd")),
            ("5.png", link(tarfile.LNKTYPE, "1.png")),
            ("6.png", link(tarfile.CHRTYPE, "")),
            ("7.txt", bytes(2000)),
            ("8.png", PNG),
            ("8.txt", b"eight"),
            ("8.pickle", pickle.dumps(print)),
            ("8.pyd", pickle.dumps(print)),
            ("9.txt", b"no image"),
            ("10.png", b"no image either"),
            ("11.png", PNG),
            ("11.json", b"[1, 2]"),
            ("12.png", PNG),
            ("12.json", b"[" * 900),
            ("13.png", PNG),
            ("13.txt", b"\xff\xfe"),
            ("14.png", PNG),
            ("14.json", json.dumps({"key": 5, "texts": []}).encode()),
        ],
    )
    assert sorted(reasons(webdataset.read(tar))) == sorted(
        ["one", "eight", *["unsafe_member"] * 5, "too_large", "no_image", "corrupt_image"]
        + ["bad_fields"] * 4
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tar"]


def test_a_tar_cut_short_gives_what_lies_before_the_cut(tmp_path: Path) -> None:
    members = [(f"{i}.{s}", PNG if s == "png" else b"t") for i in range(9) for s in ("png", "txt")]
    tar = make_tar(tmp_path / "a.tar", members)
    tar.write_bytes(tar.read_bytes()[:5000])
    (tmp_path / "b.tar").write_bytes(b"not a tar" * 100)
    make_tar(tmp_path / "c.tar", members[:2])
    found = reasons(webdataset.read(tmp_path))
    assert found.count("t") >= 2
    assert found.count("damaged_shard") == 2
    assert found[-1] == "t"


def test_samples_of_other_makers_keep_their_json_as_meta(tmp_path: Path) -> None:
    tar = make_tar(
        tmp_path / "train-000000.tar",
        [("x.png", PNG), ("x.txt", b"a caption"), ("x.json", b'{"url": "u"}'), ("x.cls", b"7")],
    )
    (pair,) = webdataset.read(tar)
    assert isinstance(pair, Pair)
    assert (pair.key, pair.split, pair.text) == ("train-000000/x", "train", "a caption")
    assert (pair.meta, pair.labels) == ({"url": "u"}, ("7",))


def test_a_table_cannot_reach_outside_its_root(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "outside.png"
    inside.mkdir()
    outside.write_bytes(PNG)
    (inside / "a.png").write_bytes(PNG)
    (inside / "link.png").symlink_to(outside)
    paths = ["a.png", "../outside.png", str(outside), "link.png", "absent.png", "", "a\0.png"]
    table = inside / "t.csv"
    table.write_text("filepath,title\n" + "".join(f"{p},{n}\n" for n, p in enumerate(paths)))
    assert reasons(csv.read(table)) == [
        "0",
        *["outside_root"] * 3,
        *["unreadable_image"] * 3,
    ]
    assert reasons(csv.read(table, root=tmp_path))[:4] == ["0", "1", "2", "3"]


def test_paths_may_start_at_the_root(tmp_path: Path) -> None:
    (tmp_path / "images" / "a").mkdir(parents=True)
    (tmp_path / "images" / "a" / "1.png").write_bytes(PNG)
    table = tmp_path / "t.csv"
    table.write_text(f"filepath,title\na/1.png,x\n{tmp_path / 'images' / 'a' / '1.png'},y\n")
    first, second = csv.read(table, root=tmp_path / "images")
    assert isinstance(first, Pair) and isinstance(second, Pair)
    assert first.key == second.key == "t/a/1.png"  # and no path of this machine


def test_tables_of_other_makers_are_understood(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    table = tmp_path / "val.csv"
    table.write_text("image;caption;label;age\na.png;a cat;cat;3\n", encoding="utf-8-sig")
    (pair,) = csv.read(table)
    assert isinstance(pair, Pair)
    assert (pair.text, pair.labels, pair.split) == ("a cat", ("cat",), "val")
    assert pair.meta["age"] == "3"
    with pytest.raises(BadInput, match=r"no caption column 'x'.*--caption-column"):
        list(csv.read(table, caption_column="x"))


def test_columns_of_a_table_are_the_fields_and_texts_of_a_pair(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    table = tmp_path / "t.tsv"
    table.write_text(
        "key\tfilepath\ttexts.findings\ttexts.impression\tlabels\tsource\tdocument\tgroup\tage\n"
        'k\ta.png\tclear lungs\t\t["x", "y"]\tward 3\tstudy\tpatient\t3\n'
    )
    (pair,) = csv.read(table)
    assert isinstance(pair, Pair)
    assert pair.texts == (Text("findings", "clear lungs"),)  # an empty one is none
    assert pair.text == "clear lungs"  # no caption: the first text of a role
    assert (pair.key, pair.labels, pair.group) == ("k", ("x", "y"), "patient")
    assert (pair.source, pair.document) == ("ward 3", "study")
    assert pair.meta["age"] == "3" and "texts.findings" not in pair.meta
    table.write_text("filepath\ttexts.findings\ttitle\na.png\tf\tt\n")
    (pair,) = csv.read(table)
    assert isinstance(pair, Pair)
    assert pair.text == "t" and pair.texts == (Text("findings", "f"),) and not pair.source


def test_images_outside_of_the_folder_are_told_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "in" / "b.png").write_bytes(PNG)
    table = tmp_path / "in" / "t.csv"
    for rows in ("../a.png,x\n", "../a.png,x\nb.png,y\n"):
        table.write_text("filepath,title\n" + rows)
        out = tmp_path / f"out{len(rows)}"
        assert main(["pairs", "import", str(table), "-o", str(out)]) == 1
        assert "give --root FOLDER" in capsys.readouterr().err
    assert main(["pairs", "import", str(table), "--root", str(tmp_path), "-o",
                 str(tmp_path / "all")]) == 0  # fmt: skip


def test_a_damaged_table_keeps_the_rows_before(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    rows = "".join(f"a.png,{n},k{n}\n" for n in range(2000))
    (tmp_path / "t.csv").write_bytes(b"filepath,title,key\n" + rows.encode() + b"a.png,\xff\n")
    found = reasons(csv.read(tmp_path / "t.csv"))
    assert found[-1] == "damaged_table"
    assert len(found) > 1


def test_folder_links_that_lead_out_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "s"
    (source / "train" / "cat").mkdir(parents=True)
    (source / "train" / "cat" / "1.png").write_bytes(PNG)
    (source / "train" / "cat" / "notes.txt").write_text("")
    (source / "top.png").write_bytes(PNG)
    (tmp_path / "secret.png").write_bytes(PNG)
    (source / "train" / "cat" / "2.png").symlink_to(tmp_path / "secret.png")
    (source / "train" / "loop").symlink_to(source)
    assert reasons(folders.read(source, template="an aerial view of a {}.")) == [
        "no_label",
        "an aerial view of a cat.",
        "unreadable_image",
        "not_an_image",
    ]
    with pytest.raises(UsageError, match=r"needs one \{\}"):
        next(folders.read(source, template="x"))


def test_a_decompression_bomb_is_one_quarantined_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domainclip.images.encoded.MAX_PIXELS", 100)
    bomb = encoded_image(1, size=(20, 20))
    tar = make_tar(tmp_path / "a.tar", [("1.png", bomb), ("1.txt", b"t"), ("2.png", PNG)])
    report = import_pairs(webdataset.read(tar), tmp_path / "out")
    assert (report.pairs, report.quarantined, dict(report.skipped)) == (1, 1, {"corrupt_image": 1})
    (row,) = open_pairs(tmp_path / "out").errors().to_pylist()
    assert row["input"] == "a.tar:1"
    assert row["message"] == "20 x 20 pixels are too many to decode"


def test_postscript_is_never_interpreted() -> None:
    with pytest.raises(ValueError, match="not an image of a known format"):
        decoded(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")


def test_huge_files_are_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_shared, "MAX_IMAGE_BYTES", 1000)
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.png").write_bytes(bytes(5000))
    assert reasons(folders.read(tmp_path)) == ["unreadable_image"]


@pytest.mark.parametrize(("form", "mode"), [("TIFF", "I;16"), ("BMP", "RGB"), ("WEBP", "RGB")])
def test_formats_that_are_not_of_the_web_become_lossless_png(
    tmp_path: Path, form: str, mode: str
) -> None:
    image = Image.effect_noise((9, 7), 80).convert("I;16" if mode == "I;16" else mode)
    (tmp_path / "c").mkdir()
    path = tmp_path / "c" / f"a.{form.lower()}"
    image.save(path, form, **({"lossless": True} if form == "WEBP" else {}))
    (pair,) = folders.read(tmp_path)
    assert isinstance(pair, Pair)
    assert decoded(pair.image).format == "PNG"
    assert decoded(pair.image).tobytes() == image.tobytes()
    assert (pair.width, pair.height) == (9, 7)


def test_an_image_that_changed_on_the_way_is_noticed(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "p", [make_pair(0), make_pair(1)])
    csv.write(pairs, tmp_path / "c")
    (tmp_path / "c" / "images" / "00000" / "000000000.png").write_bytes(encoded_image(9))
    assert reasons(csv.read(tmp_path / "c")) == ["sha256_mismatch", make_pair(1).text]


def test_a_key_met_twice_and_a_bad_text_are_quarantined(tmp_path: Path) -> None:
    items = [make_pair(0), make_pair(0), make_pair(1, text="\ud800"), make_pair(2, license="")]
    report = import_pairs(items, tmp_path / "out", license="CC0-1.0", split="test")
    assert dict(report.skipped) == {"duplicate_key": 1, "bad_fields": 1}
    stored = open_pairs(tmp_path / "out")
    assert [(p.key, p.license, p.split) for p in stored] == [
        ("pair-000000", "CC-BY-4.0", "test"),
        ("pair-000002", "CC0-1.0", "test"),
    ]


def test_damaged_parquet_keeps_other_files(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "p", [make_pair(i) for i in range(3)])
    huggingface.write(pairs, tmp_path / "h")
    (tmp_path / "h" / "data" / "zz.parquet").write_bytes(b"PAR1 cut")
    found = reasons(huggingface.read(tmp_path / "h"))
    assert found == [make_pair(i).text for i in range(3)] + ["damaged_file"]


def test_formats_are_guessed_from_files(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "p", [make_pair(0)])
    for name, module in (
        ("webdataset", webdataset),
        ("csv", csv),
        ("folders", folders),
        ("huggingface", huggingface),
    ):
        module.write(pairs, tmp_path / name)  # type: ignore[attr-defined]
        assert guess_format(tmp_path / name) == name
    (tmp_path / "e").mkdir()
    with pytest.raises(BadInput, match="holds no file"):
        guess_format(tmp_path / "e")
    (tmp_path / "e" / "notes.txt").write_text("x")
    with pytest.raises(BadInput, match="name it with --format"):
        guess_format(tmp_path / "e")
