"""The page to judge pairs by: everything is on it, nothing of it runs or asks for anything."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from domainclip.cli import main
from domainclip.images.rgb import thumbnail
from domainclip.pairs import PairWriter, Text, open_pairs
from domainclip.pairs.page import Context, pairs_page, sample
from tests.data.make_pairs import encoded_image, make_pair

HOSTILE = '"><script>alert(1)</script>'


def _written(path: Path, count: int, **changes: object) -> Path:
    with PairWriter(path) as writer:
        for number in range(count):
            writer.write(make_pair(number, **changes))
    return path


def test_a_page_shows_every_text_and_picture(tmp_path: Path) -> None:
    texts = (Text("mention", "As Fig. 1 shows."), Text("title", "A title"))
    pairs = [make_pair(1, texts=texts, text="a cell"), make_pair(2)]
    page = pairs_page("mine", pairs, total=2)
    for words in ("a cell", "As Fig. 1 shows.", "A title", "CC-BY-4.0", "pair-000001", "2 pairs"):
        assert words in page
    assert page.count("data:image/jpeg;base64,") == 2


def test_nothing_from_the_data_becomes_markup() -> None:
    pair = make_pair(1, text=HOSTILE, key=HOSTILE, labels=(HOSTILE,), license=HOSTILE,
                     texts=(Text("mention", HOSTILE),), where={HOSTILE: HOSTILE})  # fmt: skip
    errors = [{"input": HOSTILE, "error": HOSTILE, "message": HOSTILE}]
    page = pairs_page(HOSTILE, [pair, make_pair(2)], total=2, errors=errors)
    assert page.count("<script>") == 1
    assert "alert(1)</script>" not in page
    assert not re.search(r"""(?:src|href)=["']?https?:""", page)


def test_a_place_is_drawn_in_shares_of_its_page() -> None:
    context = Context(encoded_image(5), {"figure": (0.1, 0.2, 0.6, 0.7)}, "page 3")
    page = pairs_page("mine", [make_pair(1)], total=1, contexts={"pair-000001": context})
    assert "left:10.00%;top:20.00%;width:50.00%;height:50.00%" in page


def test_a_broken_image_is_said_to_be_one() -> None:
    assert "not decodable" in pairs_page("mine", [make_pair(1, image=b"no image")], total=1)


def test_a_16_bit_grey_image_keeps_its_greys() -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8), 32768, np.uint16)).save(buffer, "PNG")
    shown = base64.b64decode(thumbnail(buffer.getvalue()).partition(",")[2])
    with Image.open(io.BytesIO(shown)) as image:
        assert abs(image.convert("L").getpixel((4, 4)) - 128) <= 1


def test_rows_are_drawn_evenly(tmp_path: Path) -> None:
    pairs = open_pairs(_written(tmp_path / "pairs", 10))
    assert [pair.key for pair in sample(pairs, 5)] == [pairs[at].key for at in (0, 2, 4, 6, 8)]
    assert len(sample(pairs, 99)) == 10
    assert sample(pairs, 0) == []


def test_the_command_writes_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs, page = _written(tmp_path / "pairs", 10), tmp_path / "new" / "page.html"
    assert main(["pairs", "show", str(pairs), "--html", str(page), "--rows", "4", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"page": str(page), "shown": 4, "pairs": 10, "with_context": 0}
    assert "4 of 10 pairs, evenly drawn" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "words, said",
    [
        (["--source", "x"], "--html"),
        (["--html", "p.html", "--source", "x"], "cannot show where"),
        (["--rows", "-1"], "--rows -1"),
    ],
)
def test_wrong_calls_end_in_a_sentence(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    pairs = _written(tmp_path / "pairs", 2, source="")
    assert main(["pairs", "show", str(pairs), *words]) == 2
    assert said in capsys.readouterr().err
