"""A run whose captions say nothing of what the tiles show says so, with the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domainclip.extractors.tiles import Tiles
from tests.data.make_rasters import scene_values, write_scene

NOTHING = "say nothing of what they show"


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    folder = tmp_path / "scenes"
    (folder / "forest").mkdir(parents=True)
    for name in ("a", "b"):
        write_scene(folder / "forest" / f"{name}.tif", scene_values(32, 32))
    return folder


@pytest.fixture
def told(scenes: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def told(where: Path = scenes, **options: Any) -> str:
        list(Tiles(size_px=8, **options).sources(str(where)))
        return str(capsys.readouterr().err)

    return told


def test_captions_of_nothing_are_told_once_with_the_options_that_give_labels(told: Any) -> None:
    assert told() == (
        "Captions of the tiles of 2 scenes say nothing of what they show: give --classes, "
        "--labels, --boxes, --masks or --vectors.\n"
    )


def test_a_run_that_says_something_is_left_in_peace(told: Any, tmp_path: Path) -> None:
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("image_path,xmin,ymin,xmax,ymax,label\na.tif,1,1,6,6,ship\n")
    for options in (
        {"classes": "folders"},
        {"boxes": str(boxes)},
        {"sensor": "NAIP"},
        {"acquired": "2019-07-14"},
    ):
        assert NOTHING not in told(**options)


def test_classes_with_numbers_for_names_say_nothing_and_their_table_helps(
    told: Any, tmp_path: Path
) -> None:
    values = np.ones((1, 32, 32), np.uint8)
    values[:, :, 16:] = 2
    raster = write_scene(tmp_path / "classes.tif", values)
    said = told(classes=str(raster))
    assert NOTHING in said and said.endswith("--class-table.\n")
    table = tmp_path / "names.csv"
    table.write_text("value,name\n1,forest\n2,water\n")
    assert NOTHING not in told(classes=str(raster), class_table=str(table))
