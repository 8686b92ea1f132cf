"""Any values become the picture that the slow and obvious way gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image

from domainclip.errors import UsageError
from domainclip.extractors.tiles.pixels.bands import composite_of
from domainclip.extractors.tiles.pixels.composites import Channel, Composite
from domainclip.extractors.tiles.pixels.limits import scene_limits
from domainclip.extractors.tiles.pixels.rendering import Look, Renderer
from domainclip.extractors.tiles.reading.rows import Rows
from domainclip.extractors.tiles.reading.scenes import open_scene
from tests.data.make_rasters import write_scene

RNG = np.random.default_rng(3)
TRUE = np.ones((9, 11), bool)


def _composite(dtype: str, count: int = 3, **options: Any) -> Composite:
    channels = tuple(Channel("band", (at,)) for at in range(count))
    scales = options.pop("scales", ((1.0, 0.0),) * count)
    return Composite("", tuple(range(1, count + 1)), channels, dtype, scales, **options)


def _shown(values: Any, valid: Any = TRUE, **options: Any) -> np.ndarray:
    array = np.asarray(values)
    composite = options.pop("composite", None) or _composite(str(array.dtype), len(array))
    return Renderer(composite, Look(**options))(array, valid)


@pytest.mark.parametrize(
    "kind", ["int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]
)
def test_each_tiles_own_percentiles_are_numpys(kind: str) -> None:
    low, high = (-120, 120) if kind == "int8" else (0, 30000)
    values = RNG.integers(low, high, (3, 9, 11)).astype(kind)
    valid = RNG.random((9, 11)) < 0.8
    shown = _shown(values, valid, stretch="tile", percentiles=(5.0, 90.0))
    for band in range(3):
        ends = np.percentile(values[band][valid], (5, 90))
        expected = (values[band].astype(float) - ends[0]) * (255 / (ends[1] - ends[0]))
        expected = np.rint(expected.clip(0, 255))
        assert np.abs(shown[..., band][valid] - expected[valid]).max() <= (1 if "16" in kind else 0)
    assert not shown[~valid].any()


def test_8_bit_values_stay_unless_limits_are_fixed() -> None:
    values = RNG.integers(90, 110, (3, 9, 11)).astype(np.uint8)
    for options in ({}, {"stretch": "tile"}):
        assert np.array_equal(_shown(values, **options), np.moveaxis(values, 0, -1))
    fixed = _shown(values, stretch="fixed", fixed=(90.0, 110.0))
    assert fixed.max() > 230


def test_fixed_limits_are_physical_where_asked() -> None:
    composite = _composite("uint16", scales=((1e-4, -0.1),) * 3)  # Sentinel-2 from baseline 04.00
    values = np.full((3, 1, 1), 2500, np.uint16)  # 0.15
    valid = np.ones((1, 1), bool)
    limits = scene_limits(None, composite, Look(stretch="fixed", fixed=(0.0, 0.3), physical=True))  # type: ignore[arg-type]
    look = Look(stretch="fixed", fixed=(0.0, 0.3), physical=True)
    assert abs(int(Renderer(composite, look, limits)(values, valid)[0, 0, 0]) - 128) <= 1
    raw = Look(stretch="fixed", fixed=(0.0, 4000.0, 0.0, 2500.0, 2500.0, 3000.0))
    shown = Renderer(composite, raw, scene_limits(None, composite, raw))(values, valid)  # type: ignore[arg-type]
    assert shown[0, 0].tolist() == [159, 255, 0]


def test_gamma_brightens_what_is_dark() -> None:
    values = np.array([[[0, 64, 255]]], np.uint8)
    valid = np.ones((1, 3), bool)
    assert _shown(values, valid, gamma=2.0)[0, :, 0].tolist() == [0, 128, 255]
    deep = values.astype(np.uint16)
    look = Look(stretch="fixed", fixed=(0.0, 255.0), gamma=2.0)
    renderer = Renderer(_composite("uint16", 1), look, ((0.0, 255.0),))
    assert renderer(deep, valid)[0, :, 1].tolist() == [0, 128, 255]


def test_radar_is_shown_in_decibels_and_zero_is_no_data() -> None:
    amplitude = RNG.uniform(0.01, 5, (1, 9, 11)).astype(np.float32)
    amplitude[0, 0, 0] = 0
    turned = amplitude * np.exp(1j * RNG.uniform(0, 6.28, amplitude.shape)).astype(np.complex64)
    limits = ((-20.0, 10.0),)
    expected = (20 * np.log10(amplitude[0].astype(float) + 1e-30) + 20) / 30 * 255
    expected = np.rint(expected.clip(0, 255))
    for values, decibels in ((turned, ""), (amplitude, "amplitude"), (amplitude**2, "power")):
        look = Look(decibels=decibels)  # type: ignore[arg-type]
        shown = Renderer(_composite(str(values.dtype), 1), look, limits)(values, TRUE)
        assert np.abs(shown[..., 0][1:] - expected[1:]).max() <= 1
        assert shown[0, 0].tolist() == [0, 0, 0]


def test_dual_polarisation_shows_both_and_their_ratio(tmp_path: Path) -> None:
    power = RNG.uniform(0.01, 1, (2, 9, 11)).astype(np.float32)
    path = write_scene(tmp_path / "s1.tif", power)
    with rasterio.open(path, "r+") as dataset:
        dataset.set_band_description(1, "VV")
        dataset.set_band_description(2, "VH")
    composite = composite_of(open_scene(str(path)), ("dual_pol",))
    channels, valid = composite.channels_of(power, TRUE, "power")
    assert valid.all()
    expected = 10 * np.log10(np.stack([power[0], power[1], power[0] / power[1]]).astype(float))
    assert np.allclose(channels, expected, atol=1e-4)
    already, _ = composite.channels_of(expected[:2].astype(np.float32), TRUE)
    assert np.allclose(already, expected, atol=1e-4)


def test_an_index_is_that_of_physical_values(tmp_path: Path) -> None:
    values = RNG.integers(1000, 9000, (2, 9, 11)).astype(np.uint16)
    values[:, 0, 0] = 1000  # both bands are 0: no index
    path = write_scene(tmp_path / "s2.tif", values)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (1e-4, 1e-4), (-0.1, -0.1)
        dataset.set_band_description(1, "B04")
        dataset.set_band_description(2, "B08")
    scene = open_scene(str(path))
    composite = composite_of(scene, ("ndvi",))
    assert composite.bands == (2, 1)
    red, nir = (band.astype(float) * 1e-4 - 0.1 for band in values)
    with np.errstate(invalid="ignore"):
        index = ((nir - red) / (nir + red)).clip(-1, 1)
    limits = scene_limits(scene, composite, Look())
    assert limits == ((-1.0, 1.0),)
    shown = Renderer(composite, Look(), limits)(values[::-1], TRUE)
    assert np.abs(shown[1:, :, 0] - (index[1:] + 1) / 2 * 255).max() <= 1
    assert shown[0, 0].tolist() == [0, 0, 0]


def test_a_scenes_limits_are_the_percentiles_of_what_is_shown(tmp_path: Path) -> None:
    values = RNG.gamma(2, 500, (3, 90, 110)).astype(np.uint16)
    values[:, :40] = 0
    scene = open_scene(str(write_scene(tmp_path / "s.tif", values, nodata=0)))
    composite = composite_of(scene, ("3", "1", "3"))
    limits = scene_limits(scene, composite, Look(percentiles=(1.0, 95.0)))
    assert limits is not None
    for pair, band in zip(limits, (2, 0, 2), strict=True):
        assert pair == pytest.approx(np.percentile(values[band][values.any(axis=0)], (1, 95)))
    assert scene_limits(scene, composite, Look(stretch="tile")) is None
    looked = scene_limits(scene, composite, Look(decibels="amplitude", percentiles=(1.0, 95.0)))
    assert looked is not None
    assert looked[0] == pytest.approx(20 * np.log10(limits[0]), abs=0.02)


def test_bands_of_different_types_are_shown_together(tmp_path: Path) -> None:
    files = []
    for at, kind in enumerate(("uint8", "uint16", "float32"), start=1):
        values = RNG.integers(1, 200, (1, 9, 11)).astype(kind)
        files.append((write_scene(tmp_path / f"{kind}.tif", values), values[0]))
        assert at
    vrt = tmp_path / "mixed.vrt"
    kinds = ("Byte", "UInt16", "Float32")
    bands = "".join(
        f'<VRTRasterBand dataType="{kind}" band="{at}"><SimpleSource><SourceFilename '
        f'relativeToVRT="1">{file.name}</SourceFilename></SimpleSource></VRTRasterBand>'
        for at, (kind, (file, _)) in enumerate(zip(kinds, files, strict=True), start=1)
    )
    vrt.write_text(
        '<VRTDataset rasterXSize="11" rasterYSize="9"><SRS>EPSG:4326</SRS><GeoTransform>10,0.01,0,'
        f"50,0,-0.01</GeoTransform>{bands}</VRTDataset>"
    )
    scene = open_scene(str(vrt))
    composite = composite_of(scene, ("3", "1", "2"))
    assert composite.dtype == "float32"
    rows = Rows(scene.name, scene.dataset, composite.bands)
    values, valid = rows.at(0, 9)
    expected = [files[2][1], files[0][1], files[1][1]]
    assert np.array_equal(values, np.stack(expected).astype(np.float32))
    limits = scene_limits(scene, composite, Look())
    assert limits is not None
    assert Renderer(composite, Look(), limits)(values, valid).max() == 255


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    values = RNG.integers(0, 2, (1, 9, 11)).astype(np.uint8)
    scene = open_scene(str(write_scene(tmp_path / "bits.tif", values, nbits=1)))
    composite = composite_of(scene)
    limits = scene_limits(scene, composite, Look())
    read = Rows(scene.name, scene.dataset, composite.bands).at(0, 9)
    shown = Renderer(composite, Look(), limits)(*read)
    assert np.array_equal(shown[..., 1], values[0] * 255)
    few = _composite("uint8", 1, bits=2)
    limits = scene_limits(None, few, Look())  # type: ignore[arg-type]
    quarters = np.array([[[0, 1, 2, 3]]], np.uint8)
    shown = Renderer(few, Look(), limits)(quarters, np.ones((1, 4), bool))
    assert shown[0, :, 0].tolist() == [0, 85, 170, 255]


def test_looks_that_cannot_be_are_refused() -> None:
    for options in (
        {"percentiles": (98.0, 2.0)},
        {"stretch": "fixed"},
        {"stretch": "fixed", "fixed": (1.0, 0.0)},
        {"stretch": "fixed", "fixed": (1.0, 2.0, 3.0)},
        {"fixed": (0.0, 1.0)},
        {"gamma": 0.0},
        {"decibels": "volts"},
    ):
        with pytest.raises(UsageError):
            Look(**options)  # type: ignore[arg-type]


def test_every_real_raster_has_a_picture(shared_data: Path) -> None:
    shown = 0
    for path in sorted((shared_data / "tiles").rglob("*.tif")):
        if path.name == "corrupt.tif":
            continue
        scene = open_scene(str(path))
        for look in (Look(), Look(stretch="tile")):
            composite = composite_of(scene)
            limits = scene_limits(scene, composite, look)
            rows = Rows(scene.name, scene.dataset, composite.bands)
            values, valid = rows.at(0, min(scene.height, 64))
            picture = Renderer(composite, look, limits)(values, valid)
            assert picture.shape == (*valid.shape, 3)
            assert picture.dtype == np.uint8
            Image.fromarray(picture)
            if valid.mean() > 0.5 and path.name not in ("rotated.tif",):
                assert picture.max() > picture.min() or np.ptp(values[0]) == 0, path.name
        shown += 1
    assert shown > 35
