"""Papers of every form become pairs: pictures, texts, licences, places; what cannot says why."""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from domainclip.catalogue import load
from domainclip.cli import main
from domainclip.errors import MissingExtra, UsageError
from domainclip.pairs import Pair, Skip, open_pairs
from tests.data.make_papers import jats, picture, write_jats, write_latex, write_pdf


def _items(root: Path, **options: Any) -> list[Pair | Skip]:
    extractor = load("extractors", "papers")(**options)
    return [item for source in extractor.sources(str(root)) for item in extractor.pairs(source)]


def _pairs(root: Path, **options: Any) -> dict[str, Pair]:
    return {item.key: item for item in _items(root, **options) if isinstance(item, Pair)}


def _reasons(root: Path, **options: Any) -> list[str]:
    return [item.reason for item in _items(root, **options) if isinstance(item, Skip)]


def test_jats_with_its_images(tmp_path: Path) -> None:
    write_jats(tmp_path / "one", "one")
    pairs = _pairs(tmp_path)
    assert len(pairs) == 2
    first = min(pairs.values(), key=lambda pair: pair.key)
    assert first.image == picture(1)  # as found, byte for byte
    assert first.text == "one title 1. Growth of culture 1 over ten days."
    texts = {text.role: text.text for text in first.texts}
    assert texts["mention"] == "As Fig. 1 shows, culture 1 grew."
    assert texts["title"] == "Cultures of one"
    assert texts["abstract"] == "We grew cultures."
    assert first.license == "CC-BY-4.0"
    assert first.group == "10.1234/one"
    assert first.where["label"] == "Figure 1"
    assert first.meta["doi"] == "10.1234/one"


def test_a_pdf_alone(tmp_path: Path) -> None:
    write_pdf(tmp_path / "paper.pdf")
    pairs = _pairs(tmp_path)
    assert [pair.text for pair in pairs.values()] == [
        "Growth of culture 1 over ten days.",
        "Growth of culture 2 over ten days.",
    ]
    for number, pair in enumerate(pairs.values(), 1):
        assert pair.where["page"] == number - 1
        left, top, right, bottom = pair.where["box"]
        assert abs(left - 170) < 3 and abs(right - 425) < 3
        assert abs(top - 280) < 3 and abs(bottom - 471) < 3
        # one embedded image is the whole region: its own bytes
        assert pair.where["picture"] == "original"
        assert pair.image == picture(number, (320, 240))
        assert pair.license == "unknown"


def test_text_from_jats_pictures_from_the_pdf(tmp_path: Path) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    (folder / "fulltext.xml").write_text(jats("two", 2), encoding="utf-8")
    write_pdf(folder / "fulltext.pdf")
    pairs = _pairs(tmp_path)
    assert len(pairs) == 2
    for pair in pairs.values():
        assert pair.where["form"] == "jats"
        assert pair.where["file"] == "fulltext.pdf"
        assert pair.text.startswith("two title")
        assert {text.role for text in pair.texts} >= {"caption", "mention", "title"}


def test_a_pdf_of_another_article_is_not_its_picture(tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    text = re.sub("Growth of .*? days", "Rain in the northern valleys", jats("two", 2))
    (folder / "fulltext.xml").write_text(text, encoding="utf-8")
    write_pdf(folder / "fulltext.pdf")
    assert not _pairs(tmp_path)
    assert _reasons(tmp_path) == ["no_file", "no_file"]


def test_latex_with_graphics(tmp_path: Path) -> None:
    write_latex(tmp_path / "2310.00001")
    pairs = _pairs(tmp_path)
    assert [pair.where["label"] for pair in pairs.values()] == ["Figure 1", "Figure 2"]
    assert pairs["2310.00001/fig:1"].image == picture(1, form="PNG")
    assert pairs["2310.00001/fig:1"].group == "2310.00001"
    mention = next(t.text for t in pairs["2310.00001/fig:2"].texts if t.role == "mention")
    assert "Culture 2 grew" in mention


def test_tikz_is_taken_from_the_compiled_pdf_and_says_so(tmp_path: Path) -> None:
    folder = write_latex(tmp_path / "2310.00001", tikz=True)
    write_pdf(folder / "2310.00001.pdf")
    drawn = _pairs(tmp_path)["2310.00001/fig:2"]
    assert drawn.where["file"].endswith(".pdf")
    assert drawn.where["page"] == 1
    assert "tikz" in drawn.meta["note"].lower()


def test_what_tex_lays_over_a_file_is_taken_from_the_compiled_pdf(tmp_path: Path) -> None:
    folder = write_latex(tmp_path / "2310.00001")
    tex = folder / "main.tex"
    over = r"\begin{overpic}{plots/g1}\put(1,2){B}\end{overpic}"
    tex.write_text(
        re.sub(r"\\includegraphics\[[^]]*\]\{plots/g1\}", lambda _: over, tex.read_text())
    )
    assert _pairs(tmp_path)["2310.00001/fig:1"].where["file"] == "plots/g1.png"
    write_pdf(folder / "2310.00001.pdf")
    assert _pairs(tmp_path)["2310.00001/fig:1"].where["file"] == "2310.00001.pdf"


def test_licence_filters_leave_out_what_is_not_known(tmp_path: Path) -> None:
    write_jats(
        tmp_path / "free", "free", license="https://creativecommons.org/publicdomain/zero/1.0/"
    )
    write_jats(tmp_path / "nc", "nc", license="https://creativecommons.org/licenses/by-nc/4.0/")
    write_jats(tmp_path / "odd", "odd", license="https://example.org/terms")
    documents = {policy: {p.document for p in _pairs(tmp_path, license=policy).values()}
                 for policy in ("any", "commercial", "CC0", "CC-BY-NC")}  # fmt: skip
    assert documents == {
        "any": {"free", "nc", "odd"},
        "commercial": {"free"},
        "CC0": {"free"},
        "CC-BY-NC": {"nc"},
    }
    assert _reasons(tmp_path, license="commercial").count("license_not_allowed") == 4


def test_somebody_elses_figure_has_no_licence_of_its_article(tmp_path: Path) -> None:
    folder = write_jats(tmp_path / "one", "one")
    xml = folder / "one.xml"
    words = "Reproduced with permission from Smith et al."
    xml.write_text(xml.read_text().replace("Growth of culture 1", f"{words} Growth of culture 1"))
    own, borrowed = sorted(_pairs(tmp_path).values(), key=lambda pair: pair.license)
    assert (own.license, borrowed.license) == ("CC-BY-4.0", "unknown")
    assert borrowed.meta["third_party"] is True
    assert len(_pairs(tmp_path, license="commercial")) == 1


def test_what_cannot_be_used_says_why(tmp_path: Path) -> None:
    for name, data in (("bare.xml", jats("bare", 2).encode()), ("cut.pdf", b"%PDF-1.7 no more")):
        (tmp_path / name[:-4]).mkdir()
        (tmp_path / name[:-4] / name).write_bytes(data)
    write_jats(tmp_path / "torn", "torn")
    (tmp_path / "torn" / "torn-g1.jpg").write_bytes(picture(1)[:200])
    (tmp_path / "torn" / "torn-g2.jpg").unlink()
    skips = {item.reason: item for item in _items(tmp_path) if isinstance(item, Skip)}
    assert set(skips) == {"no_images", "damaged_pdf", "no_picture", "no_file"}
    for skip in skips.values():
        assert skip.quarantine and skip.detail.endswith(".")
    assert "torn-g2" in skips["no_file"].detail


def test_an_archive_of_packages(tmp_path: Path) -> None:
    package = write_jats(tmp_path / "made" / "PMC77", "one")
    inner = tmp_path / "PMC77.tar.gz"
    with tarfile.open(inner, "w:gz") as file:
        file.add(package, "PMC77")
    with tarfile.open(tmp_path / "all.tar", "w") as file:
        file.add(inner, "PMC77.tar.gz")
    pairs = _pairs(tmp_path / "all.tar")
    assert len(pairs) == 2
    assert {pair.document.rpartition("/")[2] for pair in pairs.values()} == {"PMC77"}


@pytest.fixture
def compound(tmp_path: Path) -> Iterator[Path]:
    folder = write_jats(tmp_path / "one", "one", figures=1)
    sheet = Image.new("RGB", (640, 300), "white")
    for at, number in enumerate((1, 2)):
        with Image.open(io.BytesIO(picture(number, (280, 240)))) as panel:
            sheet.paste(panel, (20 + 320 * at, 30))
    sheet.save(folder / "one-g1.jpg", quality=95)
    xml = folder / "one.xml"
    caption = "(A) Cells before the treatment. (B) Cells after the treatment of ten days."
    xml.write_text(xml.read_text().replace("Growth of culture 1 over ten days.", caption))
    yield tmp_path


def test_panels_where_both_sides_agree(compound: Path) -> None:
    assert len(_pairs(compound)) == 1
    also, only = _pairs(compound, panels="also"), _pairs(compound, panels="only")
    assert len(also) == 3 and len(only) == 2
    assert set(only) < set(also)
    for pair in only.values():
        assert pair.where["parent"] in also
        assert pair.width < 330
    assert only["one/F1/A"].text == "Cells before the treatment."
    assert "after" in only["one/F1/B"].text


def test_the_command_and_its_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_jats(tmp_path / "in" / "one", "one")
    write_pdf(tmp_path / "in" / "paper.pdf")
    (tmp_path / "in" / "cut.pdf").write_bytes(b"%PDF-1.7")
    out = tmp_path / "pairs"
    command = ["extract", "papers", str(tmp_path / "in"), "-o", str(out), "--workers", "1"]
    assert main([*command, "--json", "--max-errors", "50"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["pairs"] == 4
    assert said["quarantined"] == {"damaged_pdf": 1}
    assert len(open_pairs(out)) == 4
    page = tmp_path / "page.html"
    shown = ["pairs", "show", str(out), "--html", str(page), "--source", str(tmp_path / "in")]
    assert main([*shown, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["with_context"] == 2
    assert page.read_text(encoding="utf-8").count('class="figure"') == 2


@pytest.mark.parametrize(
    "options, said",
    [
        ({"license": "free"}, "licence policy 'free'"),
        ({"kinds": ("plots",)}, "Did you mean 'plot'?"),
        ({"dpi": 5}, "dpi=5"),
        ({"since": "yesterday"}, "2026-11-01"),
        ({"panels": "all"}, "no, also, only"),
    ],
)
def test_wrong_options_end_in_a_sentence(
    options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        _items(tmp_path, **options)


def test_a_library_that_is_missing_ends_the_run_and_no_article(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jats(tmp_path / "one", "one")
    package = "domainclip.extractors.papers"
    for name in [*sys.modules]:
        if name.startswith((f"{package}.latex", f"{package}.reading", "pylatexenc")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pylatexenc", None)
    with pytest.raises(MissingExtra, match=r"'pylatexenc' is not installed.*\[papers\]"):
        _items(tmp_path)


def test_a_refused_option_claims_no_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_jats(tmp_path / "in" / "one", "one")
    command = ["extract", "papers", str(tmp_path / "in"), "-o", str(tmp_path / "out")]
    command += ["--workers", "1"]
    assert main([*command, "--license", "comercial"]) == 2
    assert not (tmp_path / "out").exists()
    assert main([*command, "--license", "commercial", "--kinds", "plot,map,other,diagram"]) == 0
    assert "pairs in" in capsys.readouterr().out


def test_one_pdf_in_two_places_is_one_group(tmp_path: Path) -> None:
    for name in ("a.pdf", "b.pdf"):
        write_pdf(tmp_path / name, figures=1)
    (tmp_path / "b.pdf").write_bytes((tmp_path / "a.pdf").read_bytes())
    assert len({pair.group for pair in _pairs(tmp_path).values()}) == 1


def test_the_same_articles_give_the_same_pairs(tmp_path: Path) -> None:
    write_jats(tmp_path / "one", "one")
    write_pdf(tmp_path / "paper.pdf")
    assert _pairs(tmp_path) == _pairs(tmp_path)
