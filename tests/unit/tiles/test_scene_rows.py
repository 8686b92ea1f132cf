"""Each block is decoded once from top to bottom, whatever the grid, and alpha is a mask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from domainclip.extractors.tiles.reading import rows as reading
from domainclip.extractors.tiles.reading.masks import valid_pixels
from domainclip.extractors.tiles.reading.rows import Rows
from domainclip.extractors.tiles.reading.scenes import open_scene
from domainclip.extractors.tiles.records import View
from tests.data.make_rasters import scene_values, write_scene


class Watched:
    """A dataset that notes the rows it is read from."""

    def __init__(self, dataset: Any) -> None:
        self.dataset, self.spans = dataset, []  # type: ignore[var-annotated]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.dataset, name)

    def read(self, bands: list[int], window: Any) -> Any:
        self.spans.append((int(window.row_off), int(window.row_off + window.height)))
        return self.dataset.read(bands, window=window)


def test_blocks_too_large_for_the_cache_are_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BLOCK_CACHE_BYTES", 0)
    values = scene_values(200, 70)
    path = write_scene(tmp_path / "s.tif", values, tiled=True, blockxsize=64, blockysize=64)
    watched = Watched(open_scene(str(path)).dataset)
    rows = Rows("s", watched, (1, 2, 3))
    for row in range(0, 177, 8):
        assert np.array_equal(rows.at(row, 24)[0], values[:, row : row + 24])
    assert watched.spans == [(0, 64), (64, 128), (128, 192), (192, 200)]


def test_rows_of_a_warped_scene_are_those_of_one_read(tmp_path: Path) -> None:
    path = write_scene(
        tmp_path / "s.tif", scene_values(300, 260), crs="EPSG:32633", origin=(5e5, 5e6), pixel=10
    )
    scene = open_scene(str(path), View(crs="EPSG:3035", gsd_m=13.0))
    whole, valid = Rows(scene.name, scene.dataset, (1, 2, 3)).at(0, scene.height)
    assert 0.5 < valid.mean() < 1
    rows = Rows(scene.name, scene.dataset, (1, 2, 3))
    for row in range(0, scene.height - 31, 16):
        found, held = rows.at(row, 32)
        assert np.array_equal(held, valid[row : row + 32])
        # GDAL approximates the transform anew in each window, to an eighth of a pixel
        near = np.abs(found.astype(int) - whole[:, row : row + 32])[:, held]
        assert np.mean(near > 40) < 0.02


@pytest.mark.parametrize("bands", [4, 5])
def test_alpha_is_a_mask_however_many_bands_there_are(tmp_path: Path, bands: int) -> None:
    values = scene_values(20, 20, bands)
    values[-1, :, :5] = 0
    path = write_scene(tmp_path / "s.tif", values, photometric="rgb", alpha="yes")
    dataset = open_scene(str(path)).dataset
    if bands == 5:  # the extra bands are described one by one
        with rasterio.open(path, "r+") as opened:
            meaning = list(opened.colorinterp)
            meaning[3:] = [ColorInterp.undefined, ColorInterp.alpha]
            opened.colorinterp = meaning
        dataset = open_scene(str(path), name="again").dataset
    _, valid = Rows("s", dataset, (1, 2, 3)).at(0, 20)
    assert np.array_equal(valid, values[-1] > 0)
    assert np.array_equal(valid_pixels(dataset, (1,), values[:1], None), values[-1] > 0)
