"""Mammograms: laterality and view from the header, and a box that keeps the whole breast."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from domainclip.extractors.dicom.pixels.mammography import crop_breast, mammogram_view
from domainclip.extractors.dicom.pixels.rendering import render
from domainclip.extractors.dicom.quiet import quiet


def header(**values: object) -> Dataset:
    dataset = Dataset()
    with quiet():
        for keyword, value in values.items():
            if keyword == "code":
                item = Dataset()
                item.CodeValue = value
                dataset.ViewCodeSequence = Items([item])
            else:
                setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    "values, expected",
    [
        ({"ImageLaterality": "R", "ViewPosition": "MLO"}, ("right", "MLO")),
        ({"ImageLaterality": "L", "code": "R-10242"}, ("left", "CC")),
        ({"Laterality": "L", "code": "399368009"}, ("left", "MLO")),
        ({"ImageLaterality": "R", "code": "R-10226", "ViewPosition": "CC"}, ("right", "MLO")),
        ({"ImageLaterality": "B", "ViewPosition": "CC"}, ("", "CC")),
        ({"ImageLaterality": "l ", "ViewPosition": " cc"}, ("left", "CC")),
        ({"ImageLaterality": "R", "code": "999999", "ViewPosition": "XCCL"}, ("right", "XCCL")),
        ({"SeriesDescription": "R MLO"}, ("right", "MLO")),
        ({"SeriesDescription": "Mammo LCC (2D)"}, ("left", "CC")),
        ({"SeriesDescription": "MAMMOGRAM SCREENING ACCESS"}, ("", "")),
        ({"ProtocolName": "L-MLO", "ViewPosition": "MLO"}, ("left", "MLO")),
        ({"SeriesDescription": "L CC", "ImageLaterality": "R"}, ("right", "CC")),
        ({"SeriesDescription": "L CC", "ViewPosition": "MLO"}, ("", "MLO")),
        ({"ViewPosition": "PA"}, ("", "")),
        ({}, ("", "")),
    ],
)
def test_laterality_and_view(values: dict[str, object], expected: tuple[str, str]) -> None:
    assert mammogram_view(header(**values)) == expected


def test_laterality_of_the_frames_anatomy() -> None:
    anatomy, groups = Dataset(), Dataset()
    anatomy.FrameLaterality = "L"
    groups.FrameAnatomySequence = Items([anatomy])
    dataset = header(code="399162004", SharedFunctionalGroupsSequence=Items([groups]))
    assert mammogram_view(dataset) == ("left", "CC")


def breast(
    *,
    side: str = "left",
    view: str = "CC",
    reach: float = 0.55,
    noise: float = 2.0,
    ground: float = 4.0,
    padding: int = 0,
    padding_level: int = 0,
    marker: str = "",
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """A made-up mammogram (900, 700) uint8, and where its tissue is, bool. The left breast's chest
    wall is at the left edge. Tissue fades towards the skin to 6 levels above the ground."""
    height, width = 900, 700
    y, x = np.mgrid[:height, :width].astype(float)
    across, down = x / (reach * width), (y - 0.5 * height) / (0.42 * height)
    depth = 1 - np.hypot(across, down)
    tissue = depth > 0
    levels = 6 + 150 * np.sqrt(np.clip(depth, 0, 1))
    if view == "MLO":  # the pectoral muscle: a bright triangle in the upper corner by the wall
        muscle = x / (0.4 * width) + y / (0.55 * height) < 1
        levels = np.where(muscle, 190, levels)
        tissue |= muscle
    rng = np.random.default_rng(seed)
    picture = ground + np.where(tissue, levels, 0) + rng.normal(0, noise, tissue.shape)
    if marker:
        sign = Image.new("L", (width, height))
        corner = (width - 230, 30)
        ImageDraw.Draw(sign).text(corner, marker, fill=255, font=ImageFont.load_default(60))
        picture = np.maximum(picture, np.asarray(sign, float))
    if side == "right":
        picture, tissue = picture[:, ::-1], tissue[:, ::-1]
    picture = picture.clip(0, 255).round().astype(np.uint8)
    if padding:
        band = slice(0, padding) if side == "left" else slice(width - padding, width)
        picture, tissue = np.roll(picture, padding if side == "left" else -padding, 1), np.roll(
            tissue, padding if side == "left" else -padding, 1
        )  # fmt: skip
        picture[:, band], tissue[:, band] = padding_level, False
    return picture, tissue


CASES = [
    {"side": side, "view": view, "noise": noise, "marker": marker, "reach": reach}
    for side in ("left", "right")
    for view in ("CC", "MLO")
    for noise, marker, reach in [(0, "", 0.55), (2, "R MLO", 0.4), (6, "L CC", 0.6), (1, "", 0.85)]
]


@pytest.mark.parametrize("options", CASES, ids=str)
def test_all_tissue_is_kept_and_background_cut(options: dict[str, object]) -> None:
    picture, tissue = breast(**options)  # type: ignore[arg-type]
    left, top, right, bottom = crop_breast(picture)
    assert (top, bottom) == (0, 900)
    columns = np.flatnonzero(tissue.any(axis=0))
    assert left <= columns[0] and right > columns[-1]
    # what is kept beyond the tissue: the margin, and a little
    assert right - left <= columns[-1] - columns[0] + 1 + 0.06 * 700


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("level", [0, 255])
def test_padding_columns_at_the_chest_wall_are_cut(side: str, level: int) -> None:
    picture, tissue = breast(side=side, view="MLO", padding=80, padding_level=level, reach=0.4)
    left, _, right, _ = crop_breast(picture)
    columns = np.flatnonzero(tissue.any(axis=0))
    assert left <= columns[0] and right > columns[-1]
    wall = left if side == "left" else 700 - right
    assert 60 <= wall <= 80  # the margin of 2 % stays


def test_a_real_film_with_its_bright_rim(shared_data: Path) -> None:
    with quiet():
        dataset = pydicom.dcmread(shared_data / "dicom" / "codecs" / "J2KI" / "MG1_J2KI")
        frame = dataset.pixel_array
    assert mammogram_view(dataset) == ("left", "MLO")
    left, top, right, bottom = crop_breast(render(dataset, frame).picture)
    assert (left, top, bottom) == (0, 0, 4664)
    assert 2050 <= right <= 2200  # the nipple is at 2,040 of 3,064 columns; letters lie beyond


def test_without_a_breast_the_whole_picture_stays() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 6, (400, 300)).astype(np.uint8)
    letters = noise.copy()
    letters[10:40, 250:290] = 255
    narrow = noise.copy()
    narrow[:, :20] = 200
    for picture in (
        noise,
        letters,
        narrow,
        np.zeros((400, 300), np.uint8),
        np.full((400, 300), 255, np.uint8),
        np.zeros((4, 3), np.uint8),
        np.zeros((0, 3), np.uint8),
        np.zeros((1, 1), np.uint8),
    ):
        assert crop_breast(picture) == (0, 0, picture.shape[1], picture.shape[0])
    full = np.full((400, 300), 120, np.uint8) + rng.integers(0, 60, (400, 300)).astype(np.uint8)
    left, _, right, _ = crop_breast(full)
    assert right - left >= 280
