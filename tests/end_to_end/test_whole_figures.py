"""Figures that are trained whole are measured whole, and seen so by whoever loads the model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import domainclip as dc
from domainclip._run_evaluate import evaluate
from domainclip.adapters.storage import load_adapter
from domainclip.backbones import load_backbone
from domainclip.backbones.pictures import Preprocess, border_colour, whole_of
from domainclip.classifier import load_classifier
from domainclip.cli import main
from domainclip.data import PairsDataModule
from domainclip.data._loading import normalised
from domainclip.data.settings import AugmentSettings, DataSettings
from domainclip.data.transforms import Transform
from domainclip.evaluation._results import Measured, find
from domainclip.runs import read_result
from tests.data.make_pairs import make_pair, write_pairs
from tests.data.tiny_clip import write_tiny_clip

SIDES = ((220, 30, 30), (30, 200, 40), (40, 40, 230), (240, 230, 40))


def figure(kind: int, number: int) -> bytes:
    """White paper, wide, alike in the middle; colours at its sides tell the kind."""
    pixels = np.full((32, 96, 3), 255, np.uint8)
    pixels[4:28, 4:28] = pixels[4:28, 68:92] = SIDES[kind]
    pixels[12:20, 44:52] = 120
    pixels[number % 32, 45 + number % 7] = 0  # so that no two are one image
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("whole")

    def pairs() -> Iterator[Any]:
        for number in range(48):
            kind = number % 4
            yield make_pair(
                number, image=figure(kind, number), labels=(f"kind {kind}",), group=str(number),
                text=f"a figure of kind {kind}", width=96, height=32, texts=(),
                sha256=hashlib.sha256(figure(kind, number)).hexdigest(),
                split=("train", "train", "val", "test")[number // 4 % 4],
            )  # fmt: skip

    write_pairs(folder / "pairs", pairs())
    write_tiny_clip(folder / "clip")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOMAINCLIP_CACHE", str(folder / "cache"))
        yield folder


def ran(place: Path, *, whole: bool) -> Path:
    recipe = {
        "name": "figures",
        "backbone": {"name": str(place / "clip"), "device": "cpu"},
        "data": {"pairs": str(place / "pairs"), "image_px": 16, "batch_size": 8,
                 "augment": {"keep_whole": whole, "crop_scale": [0.7, 1.0]}},
        "text": {"templates": ["a figure of {}."]},
        "adapter": {"name": "full", "towers": ["image"]},
        "objective": {"name": "infonce"},
        "head": {"name": "knn"},
        "trainer": {"epochs": 1, "lr": 1e-5, "warmup": 0},
        "evaluate": [{"name": "linear_probe"}],
    }  # fmt: skip
    path, out = place / f"{whole}.yaml", place / f"run-{whole}"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False))
    assert main(["run", str(path), "-o", str(out), *(["--merge"] if whole else [])]) == 0
    return out


@pytest.fixture(scope="module")
def run(place: Path) -> Path:
    return ran(place, whole=True)


def accuracy(values: tuple[Measured, ...], stage: str) -> float:
    found = find(values, stage, "linear_probe", "accuracy")
    assert found is not None
    return found.value


def test_a_run_measures_the_sides_of_figures_that_it_trains_on(place: Path, run: Path) -> None:
    whole, cut = read_result(run).values, read_result(ran(place, whole=False)).values
    for stage in ("before", "after"):
        assert accuracy(whole, stage) == 1.0
        assert accuracy(cut, stage) < 0.7  # its centre says nothing
    measured = evaluate(str(run), place / "pairs", evaluators=["linear_probe"])
    assert accuracy(measured.values, "after") == accuracy(whole, "after")


def test_an_adapter_a_head_and_a_merged_model_remember_it(place: Path, run: Path) -> None:
    assert json.loads((run / "adapter" / "adapter.json").read_text())["whole"] is True
    images = [pair.image for pair in dc.open_pairs(place / "pairs").rows(split="test")]
    clip = load_backbone(str(place / "clip")).see(16)
    cut = clip.encode_image(images)
    assert not clip.whole
    load_adapter(run / "adapter", clip)
    adapted = clip.encode_image(images)
    assert clip.whole and float((adapted - cut).abs().max()) > 1e-2
    merged = load_backbone(str(run / "open_clip"))
    assert merged.whole
    torch.testing.assert_close(merged.see(16).encode_image(images), adapted, rtol=0, atol=1e-5)
    head = load_classifier(run, load_backbone(str(place / "clip")).see(16))
    assert head.clip.whole
    assert head.predict(images) == [f"kind {number % 4}" for number in range(len(images))]


def test_validation_shows_what_training_does(place: Path) -> None:
    clip = load_backbone(str(place / "clip"))
    settings = DataSettings(
        pairs=str(place / "pairs"), image_px=16, batch_size=4,
        augment=AugmentSettings(keep_whole=True),
    )  # fmt: skip
    pairs = dc.open_pairs(place / "pairs")
    whole = next(iter(PairsDataModule(pairs, settings, clip).val_dataloader())).images
    cut = replace(settings, augment=AugmentSettings())
    plain = next(iter(PairsDataModule(pairs, cut, clip).val_dataloader())).images
    assert float(plain.float().std(0).max()) < 80 < float(whole.float().std(0).max())


@pytest.mark.parametrize("shape", [(96, 32), (32, 96), (10, 7), (24, 24), (300, 2)])
@pytest.mark.parametrize("size", [(24, 24), (20, 30)])
def test_both_ways_to_pixels_agree_and_cut_nothing_off(
    shape: tuple[int, int], size: tuple[int, int]
) -> None:
    pixels = np.full((shape[1], shape[0], 3), 90, np.uint8)
    pixels[1:-1, 1:-1] = 200
    image = Image.fromarray(pixels)
    buffer = BytesIO()
    image.save(buffer, "PNG")
    seen = Transform(size, whole=True).prepare(buffer.getvalue())
    assert seen.shape == (3, *size)
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    by_tower = Preprocess(size, mean, std, whole=True)(image)
    torch.testing.assert_close(by_tower, normalised(seen[None], mean, std)[0])
    # what is added is of the border's colour, on both sides alike
    expected = border_colour(seen)
    scale = min(size[0] / shape[1], size[1] / shape[0])
    added = (size[0] - round(shape[1] * scale)) // 2, (size[1] - round(shape[0] * scale)) // 2
    if added[0] > 0:
        assert (seen[:, : added[0]] == expected[:, None, None]).all()
        assert (seen[:, -added[0] :] == expected[:, None, None]).all()
    if added[1] > 0:
        assert (seen[:, :, -added[1] :] == expected[:, None, None]).all()


def test_an_image_of_the_towers_shape_is_only_resized() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 50, 3)).astype(np.uint8)
    image = Image.fromarray(pixels)
    plain, whole = (
        Preprocess((24, 24), (0.0,) * 3, (1.0,) * 3),
        whole_of(image, (24, 24), "bicubic"),
    )
    assert torch.equal(plain(image), plain(whole))
    assert np.array_equal(np.array(whole), np.array(Transform((24, 24)).cut(image)))
