"""Figure kinds: every picture has one, images of one sort get theirs, the filter keeps by them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from domainclip.cli import main
from domainclip.curation.figure_kind import _PROMPTS, FigureKind
from domainclip.errors import BadInput, UsageError
from domainclip.images.figure_kind import KINDS, figure_kind, kind_probabilities, statistics
from domainclip.pairs import open_pairs
from tests.data.make_pairs import make_pair, write_pairs

ROOT = Path(__file__).resolve().parents[2]


def encoded(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def bar_chart() -> Image.Image:
    image = Image.new("RGB", (600, 450), "white")
    draw = ImageDraw.Draw(image)
    draw.line((60, 20, 60, 400), "black", 3)
    draw.line((60, 400, 580, 400), "black", 3)
    for at, height in enumerate((300, 120, 200, 80, 250)):
        draw.rectangle((90 + 95 * at, 400 - height, 145 + 95 * at, 398), "gray", "black")
        draw.line((117 + 95 * at, 385 - height, 117 + 95 * at, 415 - height), "black", 2)
        draw.text((110 + 95 * at, 410), f"T{at}", "black")
        draw.text((30, 80 * at + 40), f"{100 - 20 * at}", "black")
    return image


def noise(width: int, height: int) -> Image.Image:
    """A picture without paper: clouds in colour."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 255, (9, 9, 3), dtype=np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


@settings(max_examples=60, deadline=None)
@given(
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"]),
    width=st.integers(1, 700),
    height=st.integers(1, 700),
    level=st.integers(0, 255),
)
def test_every_picture_has_a_kind(mode: str, width: int, height: int, level: int) -> None:
    image = Image.new("L", (width, height), level)
    image.paste(0, (width // 3, 0, width // 2, height))
    image = Image.new(mode, (width, height)) if mode in ("I;16", "I", "F") else image.convert(mode)
    assert np.isfinite(statistics(image)).all()
    kind, sure = figure_kind(image)
    assert kind in KINDS
    assert 0 < sure <= 1
    shares = kind_probabilities(image)
    assert tuple(shares) == KINDS
    assert sum(shares.values()) == pytest.approx(1)
    assert shares[kind] == sure == max(shares.values())
    assert figure_kind(image) == (kind, sure)


def test_drawn_and_imaged_are_told_apart() -> None:
    assert figure_kind(bar_chart())[0] == "plot"
    assert figure_kind(noise(500, 400))[0] in ("photograph", "microscopy", "map", "radiology")


def test_transparent_is_white_paper() -> None:
    clear = bar_chart().convert("RGBA")
    pixels = np.array(clear)
    pixels[(pixels[..., :3] == 255).all(axis=2)] = (0, 0, 0, 0)
    assert np.allclose(statistics(Image.fromarray(pixels)), statistics(bar_chart()))


def test_radiographs_and_scenes_of_real_data(shared_data: Path) -> None:
    found = Counter(
        figure_kind(Image.open(path))[0]
        for path in sorted(shared_data.glob("medical/chest_xray/*/*"))
    )
    assert found["radiology"] >= 0.9 * found.total()
    found = Counter(
        figure_kind(Image.open(path))[0] for path in sorted(shared_data.glob("tiles/rsscn7/*/*"))
    )
    drawn = sum(found[kind] for kind in ("plot", "diagram", "table", "equation", "other"))
    assert drawn <= 0.05 * found.total()


def test_labels_name_known_kinds_and_files(shared_data: Path) -> None:
    labels = json.loads((ROOT / "benchmarks/figure_kind_labels.json").read_text(encoding="utf-8"))
    assert len(labels) >= 150
    for label in labels:
        assert label["kind"] in KINDS
        assert label.get("also", "plot") in KINDS
        if "file" in label:
            assert label["file"].startswith("package:") or (shared_data / label["file"]).is_file()
        else:
            assert (shared_data / "papers" / label["pair"].split("/")[0]).is_dir()


def test_the_filter_keeps_by_label_and_reads_no_image() -> None:
    chosen = FigureKind(keep=("plot", "map"))
    assert "image" not in chosen.columns
    table = pa.table({"key": ["a", "b", "c"], "labels": [["x", "plot"], ["table"], ["map"]]})
    assert chosen.start()(table).tolist() == [True, False, True]


def test_pairs_without_a_kind_say_what_to_do() -> None:
    table = pa.table({"key": ["a"], "labels": [["forest"]]})
    with pytest.raises(BadInput, match="images=true"):
        FigureKind().start()(table)


def test_the_filter_looks_at_the_pictures(tmp_path: Path) -> None:
    images = [encoded(bar_chart()), encoded(noise(500, 400)), b"no image"]
    pairs = write_pairs(
        tmp_path / "pairs", [make_pair(at, image=image) for at, image in enumerate(images)]
    )
    words = ["curate", str(pairs.path), "-o", str(tmp_path / "kept")]
    assert main([*words, "--filter", "figure_kind:images=true,keep=plot|diagram"]) == 0
    kept = open_pairs(tmp_path / "kept").table(["key"]).column("key").to_pylist()
    assert kept == ["pair-000000"]


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'plot'"):
        FigureKind(keep=("plots",))
    with pytest.raises(UsageError, match="empty"):
        FigureKind(keep=())


def test_a_backbone_decides_zero_shot(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    backbones = pytest.importorskip("domainclip.backbones")

    class Eyes:
        """Texts are unit vectors by kind; a picture is what its red says."""

        def class_text(self, names: list[str], templates: list[str]) -> object:
            kind = next(at for at, words in enumerate(_PROMPTS.values()) if list(words) == names)
            return torch.eye(len(KINDS))[kind].repeat(len(names), 1)

        def encode_image(self, images: object, batch_size: int) -> object:
            reds = [image.getpixel((0, 0))[0] for image in images]  # type: ignore[attr-defined]
            return torch.eye(len(KINDS))[torch.tensor(reds)]

    monkeypatch.setattr(backbones, "load_backbone", lambda name, pretrained: Eyes())
    pictures = [encoded(Image.new("RGB", (9, 9), (red, 0, 0))) for red in (1, 3, 0)]
    table = pa.table({"image": [{"bytes": picture, "path": ""} for picture in pictures]})
    assert tuple(_PROMPTS) == KINDS
    keep = FigureKind(keep=("diagram", "plot"), backbone="eyes").start()(table)
    assert keep.tolist() == [True, False, True]


def test_torch_stays_out_without_a_backbone() -> None:
    code = (
        "import sys; from domainclip.curation.figure_kind import FigureKind;"
        "FigureKind(images=True).start(); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
