"""Colour pixels as sRGB, against the standard's equations, pydicom and LittleCMS; overlays."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import data_store
import numpy as np
import pydicom
import pytest
from PIL import Image, ImageCms
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, convert_color_space
from pydicom.sequence import Sequence as Items

from domainclip.errors import BadInput
from domainclip.extractors.dicom.pixels.overlays import overlay_masks
from domainclip.extractors.dicom.pixels.palettes import expand_segments
from domainclip.extractors.dicom.pixels.rendering import render
from domainclip.extractors.dicom.quiet import quiet
from tests.data.make_dicom import as_bytes, image

TEST_FILES = Path(data_store.__file__).parent / "data"


def colours(shape: tuple[int, ...] = (30, 40, 3)) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)


def reread(dataset: Dataset) -> Dataset:
    return pydicom.dcmread(io.BytesIO(as_bytes(dataset)), force=True)


# Colour spaces


def test_rgb_stays_and_deeper_samples_keep_their_upper_bits() -> None:
    values = colours()
    assert np.array_equal(render(image(values), values).picture, values)
    for kind, shift in ((np.uint16, 8), (np.uint32, 24)):
        deep = (values.astype(kind) << shift) | 3
        assert np.array_equal(render(image(deep), deep).picture, values)
    twelve = values.astype(np.uint16) << 4
    assert np.array_equal(render(image(twelve, bits_stored=12), twelve).picture, values)
    planes = np.moveaxis(values, -1, 0)
    assert np.array_equal(render(image(values), planes).picture, values)


def test_ybr_full_is_the_inverse_of_the_standards_equations() -> None:
    rgb = colours()
    forward = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
    ybr = np.rint(rgb @ forward.T + [0, 128, 128]).clip(0, 255).astype(np.uint8)
    for photometric in ("YBR_FULL", "YBR_FULL_422"):
        shown = render(image(rgb), ybr, photometric=photometric).picture
        assert np.abs(shown.astype(int) - rgb).max() <= 2  # chroma was rounded to 8 bits
        peer = convert_color_space(ybr, "YBR_FULL", "RGB")
        assert np.abs(shown.astype(int) - peer).max() <= 1
        exact = (ybr - [0.0, 128, 128]) @ np.linalg.inv(forward).T
        assert np.abs(shown - exact.clip(0, 255)).max() <= 1


def test_ybr_partial_is_the_inverse_of_the_standards_equations() -> None:
    rgb = colours()
    forward = np.array(
        [[0.2568, 0.5041, 0.0979], [-0.1482, -0.2910, 0.4392], [0.4392, -0.3678, -0.0714]]
    )
    ybr = np.rint(rgb @ forward.T + [16, 128, 128]).clip(0, 255).astype(np.uint8)
    shown = render(image(rgb), ybr, photometric="YBR_PARTIAL_422").picture
    exact = (ybr - [16.0, 128, 128]) @ np.linalg.inv(forward).T
    assert np.abs(shown - exact.clip(0, 255)).max() <= 0.51


def test_jpeg_2000_spaces_come_undone_from_the_decoder() -> None:
    values = colours()
    for photometric in ("YBR_ICT", "YBR_RCT"):
        shown = render(image(values), values, photometric=photometric)
        assert np.array_equal(shown.picture, values)


@pytest.mark.parametrize("photometric", ["HSV", "ARGB", "CMYK", "", "Doe^Jane"])
def test_other_spaces_are_refused(photometric: str) -> None:
    with pytest.raises(BadInput) as caught:
        render(image(colours()), colours(), photometric=photometric or "?")
    assert "Doe" not in str(caught.value)
    with pytest.raises(BadInput, match="three integer samples"):
        render(image(colours()), colours((9, 9, 4)), photometric="RGB")


def test_windows_in_hounsfield_units_do_not_fit_colours() -> None:
    values = colours()
    with pytest.raises(BadInput, match="colour"):
        render(image(values), values, window="lung")
    assert "no window" in render(image(values), values, window="40/400").notes[0]


# Palettes


@pytest.mark.parametrize("factor", [256, 257])
def test_a_palette_gives_the_upper_bits_of_its_entries(factor: int) -> None:
    entries = colours((3, 200)).astype(np.uint16)
    indices = np.arange(240, dtype=np.uint8).reshape(12, 20)
    dataset = reread(image(indices, modality="OT", palette=entries * factor))
    shown = render(dataset, indices)
    assert np.array_equal(shown.picture, entries.T[np.minimum(indices, 199)])
    assert shown.facts == {"colour_space": "PALETTE COLOR", "icc": False}
    peer = apply_color_lut(indices, dataset)
    assert np.array_equal(shown.picture, (peer >> 8).astype(np.uint8))


def test_eight_bit_values_in_sixteen_bit_entries_are_not_black() -> None:
    entries = colours((3, 256)).astype(np.uint16)
    indices = np.arange(256, dtype=np.uint8).reshape(16, 16)
    shown = render(reread(image(indices, modality="OT", palette=entries)), indices)
    assert np.array_equal(shown.picture, entries.T[indices]) and "8-bit values" in shown.notes[0]


@pytest.mark.parametrize("little", [True, False])
def test_eight_bit_entries_lie_two_to_a_word(little: bool) -> None:
    entries = colours((3, 255))
    indices = np.arange(255, dtype=np.uint8).reshape(15, 17)
    dataset = image(indices, modality="OT", palette=entries)
    for colour, one in zip(("Red", "Green", "Blue"), entries, strict=True):
        data = np.frombuffer(one.tobytes() + b"\0", "<u2")
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [255, 0, 8])
        data = data.astype("<u2" if little else ">u2").tobytes()
        setattr(dataset, f"{colour}PaletteColorLookupTableData", data)
    if not little:
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRBigEndian
    assert np.array_equal(render(reread(dataset), indices).picture, entries.T[indices])


def test_signed_indices_and_a_first_mapped_value() -> None:
    entries = colours((3, 100)).astype(np.uint16) * 256
    indices = np.arange(-60, 60, dtype=np.int16).reshape(12, 10)
    dataset = image(indices, modality="OT", palette=entries)
    for colour in ("Red", "Green", "Blue"):
        tag = f"{colour}PaletteColorLookupTableDescriptor"
        dataset.add_new(tag, "SS", [100, -50, 16])
    shown = render(dataset, indices).picture
    assert np.array_equal(shown, (entries >> 8).T[np.clip(indices + 50, 0, 99)])
    assert np.array_equal(render(dataset, indices.astype(np.int32)).picture, shown)


def test_segments_expand_as_pydicom_expands_them() -> None:
    for name in ("gdcm-US-ALOKA-16.dcm", "gdcm-US-ALOKA-16_big.dcm"):
        with quiet():
            dataset = pydicom.dcmread(TEST_FILES / name)
            indices = dataset.pixel_array
            peer = apply_color_lut(indices, dataset)
        shown = render(dataset, indices).picture
        assert np.array_equal(shown, (peer >> 8).astype(np.uint8)), name


def test_segments_of_each_kind() -> None:
    words = [0, 2, 10, 20, 1, 4, 60, 2, 2, 0, 0]  # two values, a line, and both again
    assert expand_segments(words, False, 99) == [10, 20, 30, 40, 50, 60, 10, 20, 30, 40, 50, 60]
    assert expand_segments(words, False, 7) == [10, 20, 30, 40, 50, 60, 10]
    assert expand_segments([0, 1, 9, 2, 1, 0, 0, 0, 0], True, 9) == [9, 9]


@pytest.mark.parametrize(
    "words",
    [
        [1, 4, 60],  # a line from nowhere
        [7, 1, 1],  # no such kind
        [2, 1, 0, 0],  # itself
        [0, 1, 5, 2, 65535, 6, 0],  # itself, among others
        [0, 0] * 70_000,  # nothing, without end
        [0, 1, 5, 2],  # cut off
    ],
)
def test_hostile_segments_are_refused_or_end(words: list[int]) -> None:
    try:
        assert len(expand_segments(words, False, 1 << 16)) <= 1 << 16
    except BadInput as error:
        assert "segmented palette" in str(error)


def test_palettes_that_are_none_are_refused() -> None:
    indices = np.arange(16, dtype=np.uint8).reshape(4, 4)
    dataset = image(indices, modality="OT", palette=colours((3, 16)).astype(np.uint16))
    broken: list[dict[str, Any]] = [
        {"GreenPaletteColorLookupTableData": b""},
        {"GreenPaletteColorLookupTableData": None},
        {"BluePaletteColorLookupTableDescriptor": None},
    ]
    for change in broken:
        damaged = reread(dataset)
        for keyword, value in change.items():
            setattr(damaged, keyword, value)
        with pytest.raises(BadInput, match="palette"):
            render(damaged, indices)
    with pytest.raises(BadInput, match="palette"):
        render(dataset, indices.astype(np.float32))


# ICC profiles


def swapped_profile() -> bytes:
    """A profile that is not sRGB: Pillow can only make that one, so its green and blue primaries
    change places."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    green, blue = (data.index(tag) for tag in (b"gXYZ", b"bXYZ"))
    data[green : green + 4], data[blue : blue + 4] = b"bXYZ", b"gXYZ"
    return bytes(data).replace(b"s\0R\0G\0B", b"o\0d\0d\0!").replace(b"sRGB", b"odd!")


def test_an_icc_profile_leads_to_srgb() -> None:
    values = colours()
    profile = swapped_profile()
    dataset = reread(image(values, extra={"ICCProfile": profile}))
    shown = render(dataset, values)
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    peer = ImageCms.profileToProfile(
        Image.fromarray(values), opened, ImageCms.createProfile("sRGB")
    )
    assert peer is not None
    assert shown.facts["icc"] is True
    assert np.abs(shown.picture.astype(int) - np.asarray(peer)).max() <= 1
    assert not np.array_equal(shown.picture, values)
    assert np.array_equal(render(dataset, values, icc=False).picture, values)
    path = Dataset()
    path.ICCProfile = profile
    slide = image(values, extra={"OpticalPathSequence": Items([path])})
    assert np.array_equal(render(slide, values).picture, shown.picture)


@pytest.mark.parametrize("profile", [b"Doe^Jane" * 4, swapped_profile()[:300], b"\0" * 200])
def test_a_broken_profile_is_noted(profile: bytes) -> None:
    values = colours()
    shown = render(image(values, extra={"ICCProfile": profile}), values)
    assert np.array_equal(shown.picture, values)
    assert shown.facts["icc"] is False and "ICC" in shown.notes[0] and "Doe" not in shown.notes[0]


def test_a_profile_of_srgb_changes_nothing() -> None:
    values = colours()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    shown = render(image(values, extra={"ICCProfile": profile}), values)
    assert np.array_equal(shown.picture, values) and not shown.notes


# Supplemental palettes and overlays


def test_a_supplemental_palette_is_passed_over_with_a_note() -> None:
    with quiet():
        dataset = pydicom.dcmread(TEST_FILES / "eCT_Supplemental.dcm")
        frame = dataset.pixel_array[1]
    shown = render(dataset, frame, frame_index=1)
    assert shown.picture.ndim == 2 and "supplemental palette" in shown.notes[0]
    assert shown.facts["windows"][0]["centre"] == 49
    assert shown.facts["modality"]["intercept"] == -1024


def overlay(dataset: Dataset, mask: np.ndarray, origin: tuple[int, int], **more: Any) -> Dataset:
    frames = mask if mask.ndim == 3 else mask[None]
    bits = np.packbits(frames.ravel(), bitorder="little").tobytes()
    elements = [
        (0x0010, "US", frames.shape[1]), (0x0011, "US", frames.shape[2]), (0x0040, "CS", "G"),
        (0x0050, "SS", list(origin)), (0x0100, "US", 1), (0x0102, "US", 0),
        (0x3000, "OW", bits + b"\0" * (len(bits) % 2)),
    ]  # fmt: skip
    if mask.ndim == 3:
        elements += [(0x0015, "IS", len(mask)), (0x0051, "US", more.get("first", 1))]
    for element, vr, value in elements:
        dataset.add_new((more.get("group", 0x6000), element), vr, value)
    return dataset


def test_overlays_are_off_and_drawn_where_they_are_asked_for() -> None:
    values = np.zeros((20, 30), np.uint8)
    mask = np.random.default_rng(0).random((7, 9)) > 0.5
    for top, left in [(1, 1), (5, 9), (-3, -4), (17, 26), (100, 1), (-300, 1)]:
        dataset = reread(overlay(image(values, modality="OT"), mask, (top, left)))
        expected = np.zeros((20, 30), bool)
        for row, column in np.argwhere(mask):
            at = row + top - 1, column + left - 1
            if 0 <= at[0] < 20 and 0 <= at[1] < 30:
                expected[at] = True
        assert not render(dataset, values).picture.any()
        assert np.array_equal(render(dataset, values, overlays=True).picture == 255, expected)


def test_overlays_of_several_frames_begin_at_their_frame() -> None:
    masks = np.random.default_rng(0).random((2, 5, 7)) > 0.5  # 35 bits: frames begin inside bytes
    values = np.zeros((5, 7), np.uint8)
    dataset = overlay(image(values, modality="OT"), masks, (1, 1), first=2)
    drawn = [
        render(dataset, values, frame_index=at, overlays=True).picture == 255 for at in range(4)
    ]
    assert not drawn[0].any() and not drawn[3].any()
    assert np.array_equal(drawn[1], masks[0]) and np.array_equal(drawn[2], masks[1])


def test_overlays_in_the_pixel_words() -> None:
    values = np.arange(600, dtype=np.uint16).reshape(20, 30)
    mask = np.random.default_rng(0).random((20, 30)) > 0.5
    dataset = image(values, modality="MR", bits_stored=12, window=(300, 600))
    for element, value in ((0x0010, 20), (0x0011, 30), (0x0100, 16), (0x0102, 14)):
        dataset.add_new((0x6000, element), "US", value)
    words = values | (mask.astype(np.uint16) << 14)
    dataset.PixelData = words.tobytes()
    dataset = reread(dataset)
    plain = render(dataset, values).picture
    assert np.array_equal(render(dataset, words).picture, plain)  # bits masked out of raw words
    drawn = render(dataset, words, overlays=True).picture
    assert np.array_equal(drawn, np.where(mask, 255, plain))


def test_real_overlays(shared_data: Path) -> None:
    with quiet():
        path = next((shared_data / "dicom" / "malformed").rglob("OutOfBoundsOverlay.dcm"))
        dataset = pydicom.dcmread(path)
        peers = [dataset.overlay_array(group) for group in (0x6000, 0x6002)]
    masks = list(overlay_masks(dataset, 0, (dataset.Rows, dataset.Columns)))
    assert (
        [mask.sum() if mask is not None else -1 for mask in masks]
        == [
            peers[0][: 788 - 703].sum(),  # it begins in row 704 and the image has 788
            peers[1][26:, 26:].sum(),  # its origin lies 26 above and left of the image
        ]
    )
    colour = render(dataset, np.zeros((dataset.Rows, dataset.Columns), np.uint16), overlays=True)
    assert colour.facts["overlays"] is True


@pytest.mark.parametrize(
    "element, value",
    [(0x3000, b"\0\0"), (0x0010, 0), (0x0011, 0), (0x0050, [1]), (0x0050, [])],
)
def test_broken_overlays_are_left_out_with_a_note(element: int, value: Any) -> None:
    values = np.zeros((20, 30), np.uint8)
    dataset = overlay(image(values, modality="OT"), np.ones((20, 30), bool), (1, 1))
    dataset[0x6000, element].value = value
    shown = render(dataset, values, overlays=True)
    assert not shown.picture.any() or element == 0x0050
    assert shown.notes or value == []


def test_a_frame_of_lower_resolution_gets_smaller_overlays() -> None:
    mask = np.zeros((20, 30), bool)
    mask[7], mask[:, 11] = True, True
    dataset = overlay(image(np.zeros((20, 30), np.uint8), modality="OT"), mask, (1, 1))
    drawn = render(dataset, np.zeros((10, 15), np.uint8), overlays=True).picture
    assert np.array_equal(drawn > 0, mask.reshape(10, 2, 15, 2).any(axis=(1, 3)))
