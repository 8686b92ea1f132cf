"""A tiny CLIP and folders of colours, for the tests of the benchmark."""

from __future__ import annotations

from pathlib import Path

import pytest

from domainclip.backbones import Backbone, load_backbone
from domainclip.data.datasets import open_dataset
from domainclip.data.labelled import LabelledImages
from tests.data.colour_folders import COLOURS, make_tree
from tests.data.tiny_clip import write_tiny_clip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("benchmark")
    write_tiny_clip(place / "tiny")
    make_tree(place / "colours", tuple(COLOURS))
    make_tree(place / "warm", ("red", "white"), seed=1)
    return place


@pytest.fixture(scope="module")
def clip(place: Path) -> Backbone:
    return load_backbone(str(place / "tiny"))


@pytest.fixture(autouse=True)
def own_cache(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOMAINCLIP_CACHE", str(place / "cache"))


@pytest.fixture
def colours(place: Path) -> LabelledImages:
    return open_dataset(str(place / "colours"))
