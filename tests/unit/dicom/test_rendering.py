"""Frames as pictures: the order of the transformations, windows by words, and broken headers."""

from __future__ import annotations

import io
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi, apply_windowing
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from domainclip.errors import BadInput
from domainclip.extractors.dicom.pixels.rendering import render, window_words
from domainclip.extractors.dicom.pixels.windows import parse_windows
from domainclip.extractors.dicom.quiet import quiet
from tests.data.make_dicom import as_bytes, image


def reread(dataset: Dataset) -> Dataset:
    """As it comes out of a file."""
    return pydicom.dcmread(io.BytesIO(as_bytes(dataset)), force=True)


def lut_item(first: int, bits: int, entries: Any, *, vr: str = "US", count: int = -1) -> Dataset:
    """An item of a Modality or VOI LUT Sequence."""
    item = Dataset()
    count = len(entries) if count < 0 else count
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [count & 0xFFFF, first, bits])
    data = np.asarray(entries)
    item.add_new("LUTData", vr, data.tolist() if vr == "US" else data.astype("<u2").tobytes())
    return item


def values_of(dataset: Dataset) -> np.ndarray:
    with quiet():
        frame: np.ndarray = dataset.pixel_array
    return frame


GREY = np.arange(-1000, 2000, dtype=np.int16).reshape(50, 60)


# The pipeline


def test_rescale_then_window_as_pydicom_computes_them() -> None:
    dataset = reread(image(GREY, slope=2, intercept=-1024, window=(40, 400)))
    peer = apply_windowing(apply_modality_lut(GREY, dataset), dataset)
    low, high = -32768 * 2 - 1024, 32767 * 2 - 1024  # pydicom's output range is the stored one
    shown = render(dataset, GREY)
    assert np.abs(shown.picture - (peer - low) / (high - low) * 255).max() <= 0.5 + 1e-9
    assert shown.facts == {
        "colour_space": "MONOCHROME2",
        "inverted": False,
        "modality": {"kind": "rescale", "slope": 2.0, "intercept": -1024.0, "unit": ""},
        "windows": [{"source": "file:0", "function": "LINEAR", "centre": 40.0, "width": 400.0}],
    }
    assert shown.notes == ()


def test_the_functions_of_the_file_are_used() -> None:
    for function in ("LINEAR_EXACT", "SIGMOID", "sigmoid "):
        dataset = image(GREY, window=(40, 400))
        dataset.add(pydicom.DataElement("VOILUTFunction", "CS", function, validation_mode=0))
        shown = render(dataset, GREY)
        assert shown.facts["windows"][0]["function"] == function.strip().upper()
        dataset.VOILUTFunction = function.strip().upper()
        peer = apply_windowing(GREY, dataset)
        assert np.abs(shown.picture - (peer + 32768) / 65535 * 255).max() <= 0.5 + 1e-9
    odd = render(image(GREY, window=(40, 400), extra={"VOILUTFunction": "CUBIC"}), GREY)
    assert odd.facts["windows"][0]["function"] == "LINEAR" and "VOI LUT function" in odd.notes[0]


@pytest.mark.parametrize("vr", ["US", "OW"])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, None])
def test_a_voi_table_is_preferred_to_the_window(vr: str, syntax: str | None) -> None:
    values = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    entries = (np.arange(1000) * 4 % 4096)[::-1]
    extra = {"VOILUTSequence": Items([lut_item(500, 12, entries, vr=vr)])}
    options = {"syntax": syntax} if syntax else {}
    dataset = image(values, window=(40, 400), extra=extra, **options)  # type: ignore[arg-type]
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = values.astype(">u2").tobytes()
        if vr == "OW":
            item = dataset.VOILUTSequence[0]
            item.LUTData = np.asarray(entries).astype(">u2").tobytes()
    dataset = reread(dataset)
    shown = render(dataset, values)
    exact = entries[np.clip(np.arange(4096) - 500, 0, 999)].reshape(64, 64) / 4095 * 255
    assert np.abs(shown.picture - exact).max() <= 0.5
    if syntax is None:
        assert np.abs(shown.picture - apply_voi(values, dataset) / 4095 * 255).max() <= 0.5
    assert shown.facts["windows"] == [{"source": "file:0", "function": "LUT"}]
    assert render(dataset, values, window="file:1").facts["windows"][0]["centre"] == 40


def test_a_modality_table_comes_first_and_its_sign_follows_the_pixels() -> None:
    entries = np.arange(2000)[::-1]
    extra = {"ModalityLUTSequence": Items([lut_item(-1000, 16, entries)])}
    extra["ModalityLUTSequence"][0].ModalityLUTType = "OD"
    dataset = reread(image(GREY, window=(1000, 2001), slope=7, intercept=7, extra=extra))
    shown = render(dataset, GREY)
    exact = np.clip((entries[np.clip(GREY + 1000, 0, 1999)] - 999.5) / 2000 + 0.5, 0, 1) * 255
    assert np.abs(shown.picture - exact).max() <= 0.5
    assert shown.facts["modality"] == {"kind": "lut", "unit": "OD"}
    # the same descriptor with the sign lost, as some writers do
    dataset.ModalityLUTSequence[0]["LUTDescriptor"].VR = "US"
    dataset.ModalityLUTSequence[0].LUTDescriptor = [2000, 64536, 16]
    assert np.array_equal(render(dataset, GREY).picture, shown.picture)


def test_a_table_of_a_rescaled_input_is_signed_where_the_input_may_be() -> None:
    values = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    extra = {"VOILUTSequence": Items([lut_item(64512, 16, np.arange(0, 65536, 16))])}
    dataset = reread(image(values, slope=1, intercept=-1024, extra=extra))
    shown = render(dataset, values)
    assert np.abs(shown.picture - values * 16 / 65535 * 255).max() <= 0.5
    assert shown.notes == ()


def test_inversion_is_last_and_once() -> None:
    for photometric, shape, white in [
        ("MONOCHROME1", None, True),
        ("MONOCHROME1", "INVERSE", True),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME1", "IDENTITY", True),
        ("MONOCHROME2", "IDENTITY", False),
    ]:
        extra = {"PresentationLUTShape": shape, "VOILUTFunction": "SIGMOID"}
        dataset = image(GREY, photometric=photometric, window=(40, 400), extra=extra)
        shown = render(dataset, GREY)
        plain = render(
            image(GREY, window=(40, 400), extra={"VOILUTFunction": "SIGMOID"}), GREY
        ).picture
        assert shown.facts["inverted"] is white
        assert np.abs(shown.picture - (255.0 - plain if white else plain)).max() <= 1
        assert bool(shown.notes) is (white and shape == "IDENTITY")


def test_angiograms_are_shown_without_their_way_back_to_intensity() -> None:
    xa = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.12.1", "Modality": "XA"}
    shown = render(image(GREY, slope=3, intercept=5, window=(40, 400), extra=xa), GREY)
    assert shown.facts["modality"] == {"kind": "none"}
    assert np.array_equal(shown.picture, render(image(GREY, window=(40, 400)), GREY).picture)


def test_functional_groups_of_the_frame_stand_before_the_shared_ones() -> None:
    def group(**values: float) -> Dataset:
        item, transform, voi = Dataset(), Dataset(), Dataset()
        transform.RescaleSlope, transform.RescaleIntercept = values["slope"], values["intercept"]
        voi.WindowCenter, voi.WindowWidth = values["centre"], values["width"]
        item.PixelValueTransformationSequence = Items([transform])
        item.FrameVOILUTSequence = Items([voi])
        return item

    frames = np.stack([GREY, GREY])
    extra = {
        "SharedFunctionalGroupsSequence": Items(
            [group(slope=1, intercept=-1024, centre=40, width=400)]
        ),
        "PerFrameFunctionalGroupsSequence": Items(
            [Dataset(), group(slope=2, intercept=0, centre=100, width=300)]
        ),
    }
    dataset = reread(image(frames, extra=extra))
    first, second = (render(dataset, GREY, frame_index=at) for at in (0, 1))
    assert first.facts["windows"][0]["centre"] == 40
    assert first.facts["modality"]["intercept"] == -1024
    assert second.facts["windows"][0]["width"] == 300
    assert second.facts["modality"]["slope"] == 2


# Windows by words


def test_a_view_of_the_file_is_chosen_by_its_index() -> None:
    extra = {
        "WindowCenter": [40, 400],
        "WindowWidth": [350, 1500],
        "WindowCenterWidthExplanation": ["SOFT TISSUE", "DOE^JANE"],
    }
    dataset = reread(image(GREY, slope=1, intercept=0, extra=extra))
    assert render(dataset, GREY).facts["windows"][0]["explanation"] == "soft tissue"
    second = render(dataset, GREY, window="file:1").facts["windows"][0]
    # free text of the file does not get out
    assert second == {"source": "file:1", "function": "LINEAR", "centre": 400.0, "width": 1500.0}
    with pytest.raises(BadInput, match=r"file:2.*2 can"):
        render(dataset, GREY, window="file:2")


def test_presets_numbers_and_three_windows() -> None:
    dataset = image(GREY, slope=1, intercept=0, window=(1, 2))
    bone = render(dataset, GREY, window="bone")
    assert bone.facts["windows"][0] | {"source": ""} == (
        render(dataset, GREY, window="400/1800").facts["windows"][0] | {"source": ""}
    )
    assert np.array_equal(bone.picture, render(dataset, GREY, window=" 400/1800 ").picture)
    three = render(dataset, GREY, window="three")
    assert three.picture.shape == (50, 60, 3)
    for channel, name in enumerate(("lung", "mediastinum", "bone")):
        alone = render(dataset, GREY, window=name).picture
        assert np.array_equal(three.picture[..., channel], alone)
    mixed = render(dataset, GREY, window="minmax+file:0+40/400/sigmoid")
    assert [each["source"] for each in mixed.facts["windows"]] == ["minmax", "file:0", "numbers"]
    narrow = render(dataset, GREY, window="0.5/0.2").facts["windows"][0]
    assert narrow["function"] == "LINEAR_EXACT"


@pytest.mark.parametrize(
    "words",
    ["", "lungs", "file:", "file:-1", "40", "40/0", "40/-4", "a/b", "nan/4", "1/inf", "lung+bone",
     "40/400/cubic", "auto+auto+auto+auto", "1/2/3/4", "file:٣٣٣٣٣٣٣"],
)  # fmt: skip
def test_words_that_name_no_window(words: str) -> None:
    with pytest.raises(BadInput, match="window"):
        parse_windows(words)
    with pytest.raises(BadInput, match="Did you mean 'lung'"):
        parse_windows("lungs")


@pytest.mark.parametrize(
    "options",
    [
        {"modality": "MR", "slope": 1, "intercept": 0},
        {"modality": "CT"},
        {"modality": "CT", "slope": 1, "intercept": 0, "extra": {"RescaleType": "US"}},
        {"modality": "CT", "slope": 1, "intercept": 0, "extra": {"RescaleType": "Doe^Jane"}},
    ],
)
def test_presets_are_for_hounsfield_units_only(options: dict[str, Any]) -> None:
    dataset = image(GREY, **options)
    for words in ("lung", "three"):
        with pytest.raises(BadInput, match=r"Hounsfield.*use auto"):
            render(dataset, GREY, window=words)
    assert "Doe" not in str(render(dataset, GREY).facts)


def test_without_a_window_auto_takes_what_the_image_allows() -> None:
    def source(values: np.ndarray, **options: Any) -> str:
        shown = render(image(values, **options), values)
        assert shown.notes or shown.facts["windows"][0]["source"] == "identity"
        return str(shown.facts["windows"][0]["source"])

    ct = {"slope": 1, "intercept": 0}
    assert source(GREY, **ct) == "preset:soft_tissue"
    assert source(GREY, **ct, extra={"BodyPartExamined": "HEAD"}) == "preset:brain"
    assert source(GREY, **ct, extra={"BodyPartExamined": "LSPINE"}) == "preset:bone"
    assert source(GREY, **ct, extra={"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}) == (
        "percentiles"
    )
    assert source(GREY, slope=1, intercept=-1024, extra={"RescaleType": "US"}).startswith("preset")
    assert source(GREY, modality="MR") == "percentiles"
    eight = np.arange(200, dtype=np.uint8).reshape(10, 20)
    assert source(eight, modality="OT") == "identity"
    assert np.array_equal(render(image(eight, modality="OT"), eight).picture, eight)
    bits = eight > 100
    assert np.array_equal(render(image(bits, modality="OT"), bits).picture, bits * np.uint8(255))


def test_minmax_spans_the_values_that_are_no_padding() -> None:
    values = GREY.copy()
    values[:5] = -2000
    dataset = reread(image(values, modality="MR", extra={"PixelPaddingValue": -2000}))
    shown = render(dataset, values, window="minmax").picture
    kept = values[5:].astype(float)
    exact = (kept - kept.min()) / (kept.max() - kept.min()) * 255
    assert np.abs(shown[5:] - exact).max() <= 0.5
    assert not shown[:5].any()
    unpadded = render(dataset, values, window="minmax", padding=False).picture
    assert unpadded[10, 0] > 60


def test_padding_that_the_file_does_not_tell_of_makes_no_window() -> None:
    values = np.arange(2500, dtype=np.int16).reshape(50, 50)
    plain = render(image(values, modality="MR"), values).facts["windows"][0]
    for fill in (-32768, 32767):
        filled = np.vstack([np.full((10, 50), fill, np.int16), values])
        shown = render(image(filled, modality="MR"), filled)
        assert shown.facts["windows"][0] == plain
        assert any("padding" in note for note in shown.notes)
        assert (shown.picture[:10] == (0 if fill < 0 else 255)).all()


def test_a_mask_of_few_values_keeps_them_all() -> None:
    values = np.repeat(np.array([0, 1, 2, 4000], np.uint16), 100).reshape(20, 20)
    assert set(np.unique(render(image(values, modality="MR"), values).picture)) >= {0, 255}


def test_percentiles_hold_against_a_few_wild_values() -> None:
    for kind in (np.uint16, np.int32, np.float64):
        values = np.random.default_rng(0).normal(500, 50, (100, 100)).astype(kind)
        wild = values.copy()
        wild[0, :3] = 30000
        calm, shown = (render(image(each, modality="MR"), each).picture for each in (values, wild))
        assert np.abs(calm[1:].astype(int) - shown[1:]).max() < 12, kind


@pytest.mark.parametrize("window", ["auto", "minmax", "three", "file:0", "1e-5/3e20/sigmoid"])
def test_the_window_of_one_slice_shows_the_others(window: str) -> None:
    dataset = image(GREY, slope=1, intercept=0, window=(40, 400))
    shown = render(dataset, GREY, window=window)
    again = render(dataset, GREY, window=window_words(shown))
    assert np.array_equal(again.picture, shown.picture)
    extra = {"VOILUTSequence": Items([lut_item(0, 8, [1, 2, 3])])}
    assert window_words(render(image(GREY, extra=extra), GREY)) == "file:0"
    values = np.zeros((4, 4, 3), np.uint8)
    assert window_words(render(image(values), values)) == "auto"


# Padding and what lies beyond the stored bits


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_whatever_the_polarity(photometric: str) -> None:
    values = np.arange(1000, 3000, dtype=np.uint16).reshape(40, 50)
    values[:, :10], values[:, 10:12] = 0, 7
    extra = {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 9}
    dataset = reread(image(values, modality="DX", photometric=photometric, extra=extra))
    shown = render(dataset, values).picture
    assert not shown[:, :12].any() and shown[:, 12:].max() > 250


def test_padding_written_with_the_other_sign() -> None:
    values = GREY.copy()
    values[:5] = -2000
    dataset = image(values, window=(0, 4000), photometric="MONOCHROME1")
    dataset.add_new("PixelPaddingValue", "US", 63536)
    assert not render(dataset, values).picture[:5].any()


def test_an_image_of_nothing_but_padding_is_still_shown() -> None:
    values = np.full((20, 20), 3, np.uint16)
    dataset = image(values, modality="MR", window=(3, 4), extra={"PixelPaddingValue": 3})
    shown = render(dataset, values)
    assert shown.picture.min() > 0 and "padding" in shown.notes[0]


def test_values_beyond_the_stored_bits_are_kept_unless_overlays_lie_there() -> None:
    values = np.arange(0, 8192, 4, dtype=np.uint16).reshape(32, 64)
    dataset = image(values, modality="MR", bits_stored=12, window=(4096, 8192))
    shown = render(dataset, values)
    assert shown.picture.max() == 255 and "more bits" in shown.notes[0]
    for keyword, value in [(0x0010, 32), (0x0011, 64), (0x0100, 16), (0x0102, 12)]:
        dataset.add_new((0x6000, keyword), "US", value)
    masked = render(dataset, values)
    assert np.array_equal(masked.picture, render(dataset, values % 4096).picture)
    assert masked.notes == ()


def test_bits_that_a_decoder_found_stand_before_the_files() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    dataset = image(values, modality="OT", bits_stored=8)
    dataset.BitsStored = 4  # a header that the decoder repaired
    assert np.array_equal(render(dataset, values, bits=8).picture, values)
    colours = np.stack([values] * 3, axis=-1).astype(np.uint16) * 16
    assert np.array_equal(
        render(dataset, colours, bits=12, photometric="RGB").picture[..., 0], values
    )


# Broken headers


def test_windows_that_are_none_are_passed_over() -> None:
    def shown(centre: Any, width: Any, **extra: Any) -> Any:
        dataset = image(GREY, modality="MR", extra=extra)
        dataset = reread(dataset)
        for keyword, value in (("WindowCenter", centre), ("WindowWidth", width)):
            raw = str(value).encode()
            tag = pydicom.tag.Tag(keyword)
            dataset[tag] = pydicom.dataelem.RawDataElement(tag, "DS", len(raw), raw, 0, False, True)
        return render(dataset, GREY)

    zero = shown(40, 0)
    assert zero.facts["windows"][0]["source"] == "percentiles" and "no window" in zero.notes[0]
    later = shown("40\\50", "0\\100")
    assert later.facts["windows"][0] == {
        "source": "file:1", "function": "LINEAR", "centre": 50.0, "width": 100.0,
    }  # fmt: skip
    words = shown("Doe^Jane\\50", "300\\100")
    assert words.facts["windows"][0]["centre"] == 50 and "Doe" not in str(words.notes)
    assert shown("40\\50", "300").facts["windows"][0]["width"] == 300
    assert shown("40", "0.25").facts["windows"][0]["function"] == "LINEAR_EXACT"
    assert shown("40,5", "1e400\\80").facts["windows"][0]["source"] == "percentiles"
    assert shown("", "").facts["windows"][0]["source"] == "percentiles"


@pytest.mark.parametrize("slope, intercept", [("0", "5"), ("nan", "0"), ("x", "0"), ("1", "y")])
def test_a_rescale_that_is_none_is_left_out(slope: str, intercept: str) -> None:
    dataset = reread(image(GREY, window=(40, 400)))
    for keyword, value in (("RescaleSlope", slope), ("RescaleIntercept", intercept)):
        tag = pydicom.tag.Tag(keyword)
        dataset[tag] = pydicom.dataelem.RawDataElement(
            tag, "DS", len(value), value.encode(), 0, False, True
        )
    shown = render(dataset, GREY)
    assert shown.facts["modality"] == {"kind": "none"} and "rescale" in shown.notes[0]
    with pytest.raises(BadInput, match="Hounsfield"):
        render(dataset, GREY, window="lung")


def test_tables_with_wrong_counts_and_bits() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)

    def shown(item: Dataset) -> Any:
        return render(image(values, modality="OT", extra={"VOILUTSequence": Items([item])}), values)

    ramp = np.arange(256)
    short = shown(lut_item(0, 8, ramp[:200], count=256))
    assert short.picture.max() == 199 and "fewer entries" in short.notes[0]
    whole = shown(lut_item(0, 16, np.arange(65536), count=0))
    assert np.array_equal(whole.picture, np.rint(values / 257).astype(np.uint8))
    low_bits = shown(lut_item(0, 8, ramp * 16))
    assert np.array_equal(low_bits.picture, np.rint(values * 16.0 / 4095 * 255)) and low_bits.notes
    packed = lut_item(0, 8, ramp.astype(np.uint8).view("<u2"), vr="OW", count=256)
    assert np.array_equal(shown(packed).picture, values)
    for vr, entries in (("US", []), ("OW", [])):
        none = shown(lut_item(0, 8, entries, vr=vr, count=256))
        assert none.facts["windows"][0]["source"] == "identity" and none.notes


def test_frames_without_pixels_or_numbers_are_refused() -> None:
    dataset = image(GREY)
    for frame in (np.zeros((0, 5), np.uint8), np.zeros(5), np.zeros((2, 2, 2, 2)),
                  np.zeros((2, 2), complex), np.zeros((3, 3), object)):  # fmt: skip
        with pytest.raises(BadInput):
            render(dataset, frame)


@pytest.mark.parametrize("window", ["auto", "minmax"])
def test_floats_constants_and_emptiness(window: str) -> None:
    dataset = image(GREY, modality="PT")
    constant = render(dataset, np.full((9, 9), 7, np.uint16), window=window)
    assert not constant.picture.any() and "one value" in constant.notes[-1]
    nothing = render(dataset, np.full((9, 9), np.nan), window=window)
    assert not nothing.picture.any() and "no pixel" in nothing.notes[-1]
    wild = np.array([[np.nan, np.inf, -np.inf], [-1e308, 1e308, 0]])
    assert render(dataset, wild, window=window).picture.tolist()[0] == [0, 255, 0]
    small = np.linspace(0, 1e-3, 100).reshape(10, 10).astype(np.float32)
    assert render(dataset, small, window="minmax").picture.max() == 255


def test_deep_values_go_by_the_formulas() -> None:
    values = (np.arange(900, dtype=np.uint32) * 4_000_000).reshape(30, 30)
    dataset = image(values, modality="RTDOSE", window=(1.8e9, 3.6e9))
    exact = np.clip((values - (1.8e9 - 0.5)) / (3.6e9 - 1) + 0.5, 0, 1) * 255
    assert np.abs(render(dataset, values).picture - exact).max() <= 0.5 + 1e-6


# Real files


def test_real_grey_files_are_within_one_level_of_pydicoms_floats(shared_data: Path) -> None:
    """Where a file has rescale and one window, pydicom computes the same formulas in float64."""
    found = sorted((Path(pydicom.__file__).parent / "data" / "test_files").glob("*"))
    found += sorted((shared_data / "dicom" / "series").rglob("*"))
    found += sorted((shared_data / "dicom" / "malformed").rglob("*"))
    compared = 0
    for path in found:
        with quiet():
            try:
                dataset = pydicom.dcmread(path, force=True)
                frame = dataset.pixel_array
                fits = "WindowWidth" in dataset and dataset.SamplesPerPixel == 1
            except Exception:  # not an image, or no decoder here
                continue
            if not fits or frame.ndim != 2 or "VOILUTSequence" in dataset:
                continue
            peer = apply_windowing(apply_modality_lut(frame, dataset), dataset)
            bits, signed = dataset.BitsStored, dataset.PixelRepresentation
        ends = np.array([-(1 << (bits - 1)), (1 << (bits - 1)) - 1] if signed else [0, 2**bits - 1])
        low, high = apply_modality_lut(ends, dataset)
        exact = (peer - low) / (high - low) * 255
        if dataset.PhotometricInterpretation == "MONOCHROME1":
            exact = 255 - exact
        shown = render(dataset, frame, padding=False)
        assert np.abs(shown.picture - exact).max() <= 1, path.name
        compared += 1
    assert compared >= 25


def test_nothing_is_said_of_a_file_beside_the_result(caplog: pytest.LogCaptureFixture) -> None:
    dataset = reread(image(GREY, window=(40, 400)))
    tag = pydicom.tag.Tag("RescaleSlope")
    dataset[tag] = pydicom.dataelem.RawDataElement(tag, "DS", 8, b"Doe^Jane", 0, False, True)
    with warnings.catch_warnings(), caplog.at_level(logging.DEBUG):
        warnings.simplefilter("error")
        shown = render(dataset, GREY)
    assert not caplog.text and "Doe" not in repr((shown.facts, shown.notes))


HOSTILE = [
    b"", b"0", b"-1", b"1e999", b"nan", b"\\", b"1\\2", b"abc", b"\0\0", b"\xff" * 6, b"9" * 300,
    b"1\\" * 5000, b"MONOCHROME1", b"SIGMOID", b"\0\0\0\x80\x10\0", b"\1\0\0\0\x08\0",
]  # fmt: skip
KEYWORDS = [
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "WindowCenter",
    "WindowWidth",
    "ImageType",
    "Rows",
    "WindowCenterWidthExplanation",
    "VOILUTFunction",
    "PresentationLUTShape",
    "PixelPaddingValue",
    "BitsStored",
    "PixelPaddingRangeLimit",
    "BitsAllocated",
    "HighBit",
    "PixelRepresentation",
    "Modality",
    "BodyPartExamined",
    "SOPClassUID",
    "PhotometricInterpretation",
    "ICCProfile",
    "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableData",
    "SegmentedRedPaletteColorLookupTableData",
    "PixelPresentation",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "ModalityLUTSequence",
    "VOILUTSequence",
    "OpticalPathSequence",
]


def test_nothing_but_bad_input_comes_of_hostile_headers() -> None:
    """Elements of any VR with bytes that do not fit it, as a damaged or forged file holds them."""
    rng = np.random.default_rng(0)
    representations = ["DS", "IS", "US", "SS", "LO", "OW", "UN", "SQ", "UI", "FD", "PN"]
    shown = 0
    for _ in range(400):
        dataset = image(GREY, slope=1, intercept=-1024, window=(40, 400))
        if rng.random() < 0.3:
            dataset.VOILUTSequence = Items([lut_item(0, 16, [1, 2, 3])])
        for keyword in rng.choice(KEYWORDS, rng.integers(1, 5)).tolist():
            tag = pydicom.tag.Tag(keyword)
            value = HOSTILE[rng.integers(len(HOSTILE))]
            vr = representations[rng.integers(len(representations))]
            dataset._dict[tag] = pydicom.dataelem.RawDataElement(
                tag, vr, len(value), value, 0, False, bool(rng.random() < 0.8)
            )
        kind = [np.uint8, np.int8, np.uint16, np.int16, np.int32, np.float64, bool][rng.integers(7)]
        frame = rng.integers(0, 100, (5, 7, 3) if rng.random() < 0.2 else (5, 7)).astype(kind)
        try:
            picture = render(dataset, frame, overlays=True).picture
        except BadInput:
            continue
        assert picture.dtype == np.uint8 and picture.shape[:2] == (5, 7)
        shown += 1
    assert shown > 200
