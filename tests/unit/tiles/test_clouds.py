"""Cloudy shares are those of a count over each tile's pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image

from domainclip.errors import BadInput, UsageError
from domainclip.extractors.tiles.pixels.cloud_rules import bright_and_white, potential_clouds
from domainclip.extractors.tiles.pixels.clouds import open_clouds
from domainclip.extractors.tiles.reading.scenes import open_scene
from tests.data.make_rasters import scene_values, write_scene

RNG = np.random.default_rng(5)
HEIGHT, WIDTH, SIZE = 24, 32, 8
COLUMNS = np.array([0, 4, 8, 24, 28])
PLACE: dict[str, Any] = {"crs": "EPSG:32633", "origin": (500000.0, 5500000.0)}


def _scene(folder: Path, values: np.ndarray | None = None, **options: Any) -> Any:
    values = scene_values(HEIGHT, WIDTH) if values is None else values
    path = folder / f"s{len(list(folder.iterdir()))}.tif"
    return open_scene(str(write_scene(path, values, pixel=10.0, **{**PLACE, **options})))


def _mask(folder: Path, name: str, values: np.ndarray, **options: Any) -> str:
    return str(write_scene(folder / name, values[None], **{**PLACE, "pixel": 10.0, **options}))


def _counted(cloudy: np.ndarray, known: np.ndarray, row: int) -> list[float]:
    shares = []
    for column in COLUMNS.tolist():
        window = (slice(row, row + SIZE), slice(column, column + SIZE))
        shares.append(cloudy[window][known[window]].mean() if known[window].any() else float("nan"))
    return shares


@pytest.mark.parametrize(
    ("name", "make", "cloudy", "known"),
    [
        (
            "T33_SCL_20m.tif",
            lambda rng: rng.integers(0, 12, (HEIGHT, WIDTH)).astype(np.uint8),
            lambda v: np.isin(v, [3, 8, 9, 10]),
            lambda v: v > 0,
        ),
        (
            "LC08_QA_PIXEL.TIF",
            lambda rng: rng.integers(0, 65536, (HEIGHT, WIDTH)).astype(np.uint16),
            lambda v: ((v >> 1) & 15) > 0,
            lambda v: v % 2 == 0,
        ),
        (
            "s2cloudless.tif",
            lambda rng: rng.random((HEIGHT, WIDTH)).astype(np.float32),
            lambda v: v >= 0.4,
            lambda v: np.ones(v.shape, bool),
        ),
        (
            "MSK_CLDPRB_20m.tif",
            lambda rng: rng.integers(0, 101, (HEIGHT, WIDTH)).astype(np.uint8),
            lambda v: v >= 40,
            lambda v: np.ones(v.shape, bool),
        ),
        (
            "mask.tif",
            lambda rng: rng.integers(0, 2, (HEIGHT, WIDTH)).astype(np.uint8),
            lambda v: v == 1,
            lambda v: np.ones(v.shape, bool),
        ),
    ],
)
def test_masks_are_read_by_what_they_are(
    tmp_path: Path, name: str, make: Any, cloudy: Any, known: Any
) -> None:
    values = make(np.random.default_rng(1))
    clouds = open_clouds(_mask(tmp_path, name, values))
    scene = _scene(tmp_path)
    for row in (0, 8, 20):  # the last ones stick out
        found = clouds.shares(scene, row, COLUMNS, SIZE)
        assert found == pytest.approx(_counted(cloudy(values), known(values), row), nan_ok=True)


def test_a_coarser_mask_of_another_crs_is_laid_over_the_scene(tmp_path: Path) -> None:
    coarse = np.zeros((HEIGHT // 2, WIDTH // 2), np.uint8)
    coarse[:, : WIDTH // 4] = 1
    found = open_clouds(_mask(tmp_path, "m.tif", coarse, pixel=20.0)).shares(
        _scene(tmp_path), 0, COLUMNS, SIZE
    )
    assert found == pytest.approx([1, 1, 1, 0, 0])
    wide = np.ones((80, 80), np.uint8)
    degrees = _mask(tmp_path, "d.tif", wide, crs="EPSG:4326", origin=(14.99, 49.66), pixel=0.001)
    found = open_clouds(degrees).shares(_scene(tmp_path), 0, COLUMNS, SIZE)
    assert found == pytest.approx(np.ones(5))


def test_what_a_mask_does_not_cover_is_not_known(tmp_path: Path) -> None:
    half = np.ones((HEIGHT, 12), np.uint8)
    found = open_clouds(_mask(tmp_path, "half.tif", half)).shares(
        _scene(tmp_path), 0, COLUMNS, SIZE
    )
    assert found[:3] == pytest.approx([1, 1, 1])
    assert np.isnan(found[3:]).all()


def test_a_band_of_the_scene_is_its_mask(tmp_path: Path) -> None:
    values = scene_values(HEIGHT, WIDTH, 2)
    values[1] = RNG.integers(0, 12, (HEIGHT, WIDTH))
    path = write_scene(tmp_path / "s.tif", values, pixel=10.0, **PLACE)
    with rasterio.open(path, "r+") as dataset:
        dataset.set_band_description(2, "SCL")
    scene = open_scene(str(path))
    expected = _counted(np.isin(values[1], [3, 8, 9, 10]), values[1] > 0, 8)
    for source in ("band:SCL", "band:2"):
        found = open_clouds(source).shares(scene, 8, COLUMNS, SIZE)
        assert found == pytest.approx(expected)


def test_each_scene_may_have_a_mask_of_its_own(tmp_path: Path) -> None:
    scene = _scene(tmp_path)
    stem = Path(scene.name).stem
    values = RNG.integers(0, 2, (HEIGHT, WIDTH)).astype(np.uint8)
    _mask(tmp_path, f"{stem}_clouds.tif", values)
    clouds = open_clouds(str(tmp_path / "{scene}_clouds.tif"))
    expected = _counted(values == 1, values < 2, 0)
    assert clouds.shares(scene, 0, COLUMNS, SIZE) == pytest.approx(expected)
    with pytest.raises(BadInput, match=r"_clouds\.tif"):
        clouds.shares(_scene(tmp_path), 0, COLUMNS, SIZE)


def test_a_png_is_a_mask(tmp_path: Path) -> None:
    values = RNG.integers(0, 2, (HEIGHT, WIDTH)).astype(np.uint8)
    Image.fromarray(values * 255).save(tmp_path / "m.png")
    scene = _scene(tmp_path, crs=None)
    found = open_clouds(str(tmp_path / "m.png")).shares(scene, 8, COLUMNS, SIZE)
    assert found == pytest.approx(_counted(values == 1, values < 2, 8))


def test_masks_that_do_not_fit_are_told(tmp_path: Path) -> None:
    mask = _mask(tmp_path, "m.tif", np.ones((5, 5), np.uint8), crs=None)
    with pytest.raises(BadInput, match="5 x 5 pixels"):
        open_clouds(mask).shares(_scene(tmp_path), 0, COLUMNS, SIZE)
    with pytest.raises(BadInput, match="float32"):
        open_clouds(_mask(tmp_path, "f.tif", np.ones((5, 5), np.float32)), kind="scl")
    with pytest.raises(UsageError):
        open_clouds(mask, kind="fog")  # type: ignore[arg-type]
    with pytest.raises(BadInput):
        open_clouds("band:SCL").shares(_scene(tmp_path), 0, COLUMNS, SIZE)
    with pytest.raises(BadInput, match="needs reflectances"):
        named = _scene(tmp_path)
        open_clouds("potential_clouds").shares(named, 0, COLUMNS, SIZE)


def test_potential_clouds_are_fmasks(tmp_path: Path) -> None:
    names = ("blue", "green", "red", "nir", "swir16", "swir22")
    reflectances = (
        (0.45, 0.44, 0.46, 0.5, 0.4, 0.3),  # cloud
        (0.03, 0.06, 0.03, 0.45, 0.2, 0.1),  # vegetation
        (0.8, 0.82, 0.8, 0.7, 0.06, 0.04),  # snow
        (0.1, 0.15, 0.22, 0.3, 0.45, 0.4),  # soil
        (0.06, 0.05, 0.03, 0.02, 0.01, 0.01),  # water
    )
    whole = np.rint(np.array(reflectances).T * 1e4).astype(np.uint16)
    bands = {name: whole[at][None] for at, name in enumerate(names)}
    plain = dict.fromkeys(names, (1.0, 0.0))
    found = potential_clouds(bands, plain, np.dtype(np.uint16))
    assert found[0].tolist() == [True, False, False, False, False]
    shifted = {name: band + 1000 for name, band in bands.items()}
    scaled = dict.fromkeys(names, (1e-4, -0.1))
    again = potential_clouds(shifted, scaled, np.dtype(np.uint16))
    assert np.array_equal(found, again)
    values = np.repeat(whole[:, None, :1], HEIGHT, axis=1).repeat(WIDTH, axis=2)
    path = write_scene(tmp_path / "s.tif", values, pixel=10.0, **PLACE)
    with rasterio.open(path, "r+") as dataset:
        for at, name in enumerate(names, start=1):
            dataset.set_band_description(at, name)
    shares = open_clouds("potential_clouds").shares(open_scene(str(path)), 0, COLUMNS, SIZE)
    assert shares == pytest.approx(np.ones(5))


def test_bright_and_white_is_what_it_says(tmp_path: Path) -> None:
    pixels = np.array([[250, 250, 250], [210, 209, 212], [250, 220, 200], [180, 180, 180]])
    bands = {
        name: pixels[:, at].astype(np.uint8)[None]
        for at, name in enumerate(("red", "green", "blue"))
    }
    found = bright_and_white(bands, dict.fromkeys(bands, (1.0, 0.0)), np.dtype(np.uint8))
    assert found[0].tolist() == [True, True, False, False]
    white = np.full((3, HEIGHT, WIDTH), 240, np.uint8)
    white[:, :, :8] = 90
    shares = open_clouds("bright_and_white").shares(_scene(tmp_path, white), 0, COLUMNS, SIZE)
    assert shares == pytest.approx([0, 0.5, 1, 1, 1])
