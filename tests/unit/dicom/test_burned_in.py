"""Lettering in pictures is found and blanked; anatomy, side markers and odd headers are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from domainclip.errors import BadInput
from domainclip.extractors.dicom.pixels.rendering import render
from domainclip.extractors.dicom.privacy.burned_in import blank, verdict
from domainclip.extractors.dicom.privacy.device_rules import outside
from domainclip.extractors.dicom.privacy.text_blobs import blobs_of, top_hat
from domainclip.extractors.dicom.privacy.text_regions import Box, text_regions
from domainclip.extractors.dicom.quiet import quiet
from tests.data.make_dicom import image


def tissue(height: int = 400, width: int = 512) -> np.ndarray:
    """Smooth noise between 0 and 127, without a letter."""
    noise = np.random.default_rng(3).integers(0, 128, (height // 16, width // 16), np.uint8)
    smooth = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
    return np.array(smooth)


def written(
    ground: np.ndarray, word: str, at: tuple[int, int], size: int, fill: int | tuple[int, ...] = 255
) -> np.ndarray:
    image = Image.fromarray(ground)
    ImageDraw.Draw(image).text(at, word, fill=fill, font=ImageFont.load_default(size))
    return np.array(image)


def covers(boxes: list[Box], left: int, top: int, right: int, bottom: int) -> float:
    """Share of a rectangle's width that boxes of its row cover."""
    cover = np.zeros(right - left, bool)
    for box in boxes:
        if min(box.bottom, bottom) - max(box.top, top) > (bottom - top) // 2:
            cover[max(0, box.left - left) : max(0, box.right - left)] = True
    return float(cover.mean())


@pytest.mark.parametrize("size", [10, 14, 20, 30, 40])
@pytest.mark.parametrize("fill", [200, 255])
def test_a_name_on_black_and_over_tissue_is_found(size: int, fill: int) -> None:
    for ground in (np.zeros((300, 512), np.uint8), tissue()):
        picture = written(ground, "OSTERMAN PHILLIP", (20, 100), size, fill)
        left, top, right, bottom = ImageFont.load_default(size).getbbox("OSTERMAN PHILLIP")
        boxes = text_regions(picture)
        assert (
            covers(boxes, 20 + int(left), 100 + int(top), 20 + int(right), 100 + int(bottom)) > 0.9
        )


def test_yellow_on_black_and_black_on_white_are_found() -> None:
    yellow = written(np.zeros((200, 400, 3), np.uint8), "MRN 1234567", (30, 30), 18, (255, 255, 0))
    black = written(np.full((200, 400), 255, np.uint8), "MRN 1234567", (30, 30), 18, 0)
    assert covers(text_regions(yellow), 32, 34, 120, 46) > 0.9
    assert covers(text_regions(black), 32, 34, 120, 46) > 0.9


def test_pictures_without_letters_have_no_boxes() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    for picture in (np.zeros((64, 64), np.uint8), tissue(), ramp, np.zeros((1, 1), np.uint8)):
        assert text_regions(picture) == []


@pytest.mark.parametrize("marker", ["R", "L", "AP", "CC"])
def test_side_and_projection_markers_are_let_be(marker: str) -> None:
    assert text_regions(written(np.zeros((400, 400), np.uint8), marker, (350, 20), 24)) == []


def test_a_blanked_picture_has_no_lettering_left() -> None:
    picture = written(tissue(), "Smith, John 12/03/2011", (40, 30), 22)
    boxes = text_regions(picture)
    clean = blank(picture, boxes)
    assert boxes and text_regions(clean) == []
    assert picture[30:60, 40:200].max() == 255  # the picture given is left as it was
    far = np.ones(picture.shape, bool)
    for box in boxes:
        far[box.top : box.bottom, box.left : box.right] = False
    assert np.array_equal(clean[far], picture[far])


def test_other_pictures_are_refused() -> None:
    for picture in (np.zeros((4, 4), np.uint16), np.zeros((0, 4), np.uint8), np.zeros(4, np.uint8)):
        with pytest.raises(BadInput):
            text_regions(picture)


def test_boxes_beyond_the_picture_are_cut() -> None:
    picture = np.full((10, 10), 7, np.uint8)
    assert (blank(picture, [Box(-5, -5, 50, 50)]) == 0).all()
    assert (blank(picture, [Box(20, 20, 30, 30)]) == 7).all()


def test_the_rest_of_regions_covers_exactly_what_they_do_not() -> None:
    dice = np.random.default_rng(5)
    for _ in range(50):
        regions = []
        for _ in range(dice.integers(0, 5)):
            left, right = sorted(dice.integers(0, 41, 2))
            top, bottom = sorted(dice.integers(0, 31, 2))
            if left < right and top < bottom:
                regions.append(Box(int(left), int(top), int(right), int(bottom)))
        count = np.zeros((30, 40), int)
        for box in outside(regions, 40, 30):
            count[box.top : box.bottom, box.left : box.right] += 1
        inside = np.zeros((30, 40), bool)
        for box in regions:
            inside[box.top : box.bottom, box.left : box.right] = True
        assert np.array_equal(count, (~inside).astype(int))


def ultrasound(*corners: tuple[object, object, object, object]) -> Dataset:
    dataset = Dataset()
    dataset.Modality, dataset.Rows, dataset.Columns = "US", 300, 400
    items = []
    for corner in corners:
        item = Dataset()
        for name, value in zip(("MinX0", "MinY0", "MaxX1", "MaxY1"), corner, strict=True):
            setattr(item, f"RegionLocation{name}", value)
        items.append(item)
    if items:
        dataset.SequenceOfUltrasoundRegions = Sequence(items)
    return dataset


def test_outside_of_ultrasound_regions_is_blanked() -> None:
    picture = np.full((300, 400), 90, np.uint8)
    found = verdict(ultrasound((50, 40, 349, 259)), picture)
    assert found.risk == "possible"
    assert found.boxes == (
        Box(0, 0, 400, 40), Box(0, 40, 50, 260), Box(350, 40, 400, 260), Box(0, 260, 400, 300),
    )  # fmt: skip
    half = verdict(ultrasound((50, 40, 349, 259)), picture[::2, ::2])
    assert half.boxes[0] == Box(0, 0, 200, 20)


def test_regions_that_tell_nothing_leave_the_banner() -> None:
    picture = np.full((300, 400), 90, np.uint8)
    for dataset in (ultrasound(), ultrasound((0, 0, 399, 299)), ultrasound((90, 90, 10, 10))):
        assert verdict(dataset, picture).boxes == (Box(0, 0, 400, 39),)


def test_headers_decide_where_nothing_is_seen() -> None:
    picture = np.zeros((64, 64), np.uint8)
    declared, denied, screen, plain = Dataset(), Dataset(), Dataset(), Dataset()
    declared.BurnedInAnnotation = "YES"
    denied.BurnedInAnnotation = "NO"
    screen.ImageType = ["DERIVED", "SECONDARY", "SCREEN SAVE"]
    plain.Modality = "CT"
    capture = Dataset()
    capture.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7.4"
    risks = [verdict(each, picture).risk for each in (declared, denied, screen, capture, plain)]
    assert risks == ["certain", "none", "possible", "possible", "none"]


def test_no_is_not_believed_over_what_is_seen() -> None:
    dataset = Dataset()
    dataset.BurnedInAnnotation = "NO"
    picture = written(np.zeros((200, 400), np.uint8), "DOE, JANE 1961", (20, 20), 20)
    found = verdict(dataset, picture)
    assert found.risk == "certain" and found.boxes
    assert not any("DOE" in reason for reason in found.why)


def test_malformed_headers_tell_nothing() -> None:
    dataset = ultrasound((1, 2, 3, 4))
    dataset.SequenceOfUltrasoundRegions[0].RegionLocationMinX0 = None
    del dataset.SequenceOfUltrasoundRegions[0].RegionLocationMaxY1
    dataset.ImageType = None
    with quiet():
        dataset.Rows = None
    assert verdict(dataset, np.zeros((50, 60), np.uint8)).risk == "possible"


def test_the_top_hat_is_that_of_scipy() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    plane = np.random.default_rng(0).integers(0, 256, (60, 70), np.uint8)
    theirs = plane - ndimage.grey_opening(plane, size=(11, 11), mode="nearest")
    assert np.array_equal(top_hat(plane, 11)[11:-11, 11:-11], theirs[11:-11, 11:-11])


def test_blobs_are_those_of_scipy() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    hat = np.random.default_rng(1).integers(0, 256, (80, 90), np.uint8)
    blobs = blobs_of(hat, hat, threshold=170, longest_run=90)
    labels, count = ndimage.label(hat >= 170, np.ones((3, 3)))
    boxes = sorted(
        (s[1].start, s[0].start, s[1].stop, s[0].stop) for s in ndimage.find_objects(labels)
    )
    assert len(blobs) == count
    mine = zip(blobs.left, blobs.top, blobs.right, blobs.bottom, strict=True)
    assert sorted(tuple(map(int, box)) for box in mine) == boxes
    assert blobs.area.sum() == (hat >= 170).sum()
    assert sorted(blobs.level) == sorted(ndimage.maximum(hat, labels, range(1, count + 1)))


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("GREYSCALE_IMAGE.dcm", [(8, 2, 220, 12), (385, 2, 675, 12), (805, 2, 1000, 12)]),
        ("RGB_IMAGE.dcm", [(5, 10, 220, 22), (5, 37, 130, 49), (500, 10, 690, 22)]),
    ],
)
def test_the_patient_in_real_ultrasound_images_is_blanked(
    shared_data: Path, name: str, lines: list[tuple[int, int, int, int]]
) -> None:
    """Where the name, the birth date and the numbers stand was read off the pictures."""
    with quiet():
        dataset = pydicom.dcmread(shared_data / "dicom/burned_in" / name)
        picture = dataset.pixel_array
    assert picture.dtype == np.uint8
    seen = text_regions(picture)
    found = verdict(dataset, picture)
    assert found.risk == "certain"
    clean = blank(picture, found.boxes)
    for left, top, right, bottom in lines:
        assert covers(seen, left, top, right, bottom) > 0.7
        assert clean[top:bottom, left:right].std() < 1


def test_real_slices_have_no_alarms(shared_data: Path) -> None:
    folder = shared_data / "dicom"
    for path in (
        folder / "series/IMG0001.dcm",
        folder / "reports/image13.dcm",
        folder / "codecs/RLE/CT1_RLE",
    ):
        with quiet():
            pixels = pydicom.dcmread(path, force=True).pixel_array.astype(float)
        low, high = np.percentile(pixels, (0.5, 99.5))
        grey = np.clip((pixels - low) / (high - low) * 255, 0, 255).astype(np.uint8)
        assert text_regions(grey) == []


def test_a_scanners_values_are_not_taken_for_letters_and_drawn_ones_are() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(900, 60, (256, 256)).astype(np.uint16)  # noise
    dataset = image(values, modality="MR", window=(900.0, 150.0))
    mask = Image.new("1", (256, 256), 0)
    ImageDraw.Draw(mask).text((20, 100), "QUACKENBUSH", 1, font=ImageFont.load_default(22))
    written = np.where(np.asarray(mask), 1600, values).astype(np.uint16)
    picture = render(dataset, written).picture
    boxes = verdict(dataset, picture, stored=written).boxes
    assert any(box.left < 60 and box.top < 120 < box.bottom + 8 for box in boxes)
    assert not verdict(dataset, render(dataset, values).picture, stored=values).boxes
    dataset.BurnedInAnnotation = "YES"
    assert verdict(dataset, picture, stored=values).risk == "certain", "declared is believed"


@pytest.mark.parametrize("turns", [1, 3])
def test_rows_that_run_up_or_down_are_found(turns: int) -> None:
    ground = tissue()
    word = written(ground, "QUACKENBUSH 1941", (60, 200), 24)
    boxes = text_regions(np.ascontiguousarray(np.rot90(word, turns)))
    blanked = np.rot90(blank(np.ascontiguousarray(np.rot90(word, turns)), boxes), -turns)
    bright = (word > 200) & (ground < 200)
    assert bright.any()
    assert (blanked[bright] > 200).mean() < 0.05
    assert not text_regions(np.ascontiguousarray(np.rot90(ground, turns)))
