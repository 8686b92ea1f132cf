"""8-bit grey levels against the standard's formulas, written out value by value."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domainclip.errors import BadInput
from domainclip.images.voi import (
    GreyParams,
    Lut,
    Rescale,
    Window,
    apply_table,
    grey_levels,
    grey_picture,
    grey_table,
    modality_values,
)


def written_out(stored: float, params: GreyParams) -> float:
    """PS3.3 C.11.1, C.11.2.1.2.1, C.11.2.1.3 and C.7.5.1.1.2 with ymin = 0, ymax = 255."""
    if params.padding is not None and params.padding[0] <= stored <= params.padding[1]:
        return 0.0
    x = one_look_up(stored, params.modality) if isinstance(params.modality, Lut) else (
        stored * params.modality.slope + params.modality.intercept
    )  # fmt: skip
    if isinstance(params.voi, Lut):
        y = one_look_up(x, params.voi) / (2**params.voi.bits - 1) * 255
    else:
        c, w = params.voi.centre, params.voi.width
        if params.voi.function == "SIGMOID":
            power = -4 * (x - c) / w
            y = 0.0 if power > 700 else 255 / (1 + math.exp(power))
        elif params.voi.function == "LINEAR":
            if x <= c - 0.5 - (w - 1) / 2:
                y = 0.0
            elif x > c - 0.5 + (w - 1) / 2:
                y = 255.0
            else:
                y = ((x - (c - 0.5)) / (w - 1) + 0.5) * 255
        else:
            y = 0.0 if x <= c - w / 2 else 255.0 if x > c + w / 2 else ((x - c) / w + 0.5) * 255
    return 255 - y if params.inverted else y


def one_look_up(value: float, lut: Lut) -> int:
    index = round(value) - lut.first
    entries = lut.words().tolist()
    return entries[min(max(index, 0), len(entries) - 1)]


finite = st.floats(-5000, 5000, allow_nan=False).map(lambda x: round(x, 3))
luts = st.builds(
    lambda first, bits, entries: Lut(
        first, bits, (np.array(entries) % (1 << bits)).astype("<u2").tobytes()
    ),
    st.integers(-3000, 3000),
    st.integers(8, 16),
    st.lists(st.integers(0, 65535), min_size=1, max_size=40),
)
windows = st.one_of(
    st.builds(Window, finite, st.floats(1, 9000).map(lambda x: round(x, 3)), st.just("LINEAR")),
    st.builds(Window, finite, st.floats(0.01, 9000), st.sampled_from(["LINEAR_EXACT", "SIGMOID"])),
)
rescales = st.builds(
    Rescale, st.floats(-4, 4).map(lambda x: round(x, 4)).filter(lambda x: x != 0), finite
)


@st.composite
def parameters(draw: st.DrawFn) -> tuple[GreyParams, list[int]]:
    bits, signed = draw(st.integers(1, 16)), draw(st.booleans())
    low = -(1 << (bits - 1)) if signed else 0
    value = st.integers(low, low + (1 << bits) - 1)
    padding = draw(st.none() | st.tuples(value, value).map(lambda ends: (min(ends), max(ends))))
    params = GreyParams(
        voi=draw(windows | luts),
        modality=draw(rescales | luts),
        bits=bits,
        signed=signed,
        inverted=draw(st.booleans()),
        padding=padding,
    )
    return params, draw(st.lists(value, min_size=1, max_size=30))


@settings(max_examples=150, deadline=None)
@given(parameters())
def test_the_table_is_within_one_grey_level_of_the_formulas(
    drawn: tuple[GreyParams, list[int]],
) -> None:
    params, values = drawn
    stored = np.array(values, np.int16 if params.signed else np.uint16)
    exact = np.array([written_out(value, params) for value in values])
    # the float functions are the formulas, up to rounding where the two limits fall on a value
    assert np.abs(grey_levels(stored, params) - exact).max() < 1e-6
    shown = apply_table(stored, grey_table(params))
    assert shown.dtype == np.uint8
    assert np.abs(shown - exact).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_every_word_has_the_level_of_its_nearest_stored_value(bits: int, signed: bool) -> None:
    params = GreyParams(Window(40, 400), Rescale(1, -1024), bits, signed)
    values = np.arange(-32768, 32768) if signed else np.arange(65536)
    low = -(1 << (bits - 1)) if signed else 0
    expected = grey_levels(np.clip(values, low, low + (1 << bits) - 1), params)
    stored = values.astype(np.int16 if signed else np.uint16)
    assert np.abs(apply_table(stored, grey_table(params)) - expected).max() <= 0.5


def test_types_and_orders_of_bytes_give_the_same_picture() -> None:
    params = GreyParams(Window(50, 100), bits=7)
    values = np.arange(120).reshape(10, 12)
    expected = grey_picture(values.astype(np.float64), params)
    for kind in ("u1", "i1", "<u2", ">u2", "<i2", ">i2", "<i4", "<u4", ">i8", "<f4", ">f8"):
        assert np.array_equal(grey_picture(values.astype(kind), params), expected), kind
    scattered = values.astype(np.uint16).T[::2]
    assert np.array_equal(grey_picture(scattered, params), expected.T[::2])
    negative = np.array([-128, -1, 0, 127], np.int8)
    signed = GreyParams(Window(0, 256), bits=8, signed=True)
    assert np.array_equal(
        grey_picture(negative, signed), grey_picture(negative.astype(np.float32), signed)
    )


def test_inversion_comes_last_and_leaves_padding_black() -> None:
    stored = np.array([0, 100, 1000, 4000], np.uint16)
    plain = GreyParams(Window(500, 1000, "SIGMOID"), bits=12)
    white = GreyParams(Window(500, 1000, "SIGMOID"), bits=12, inverted=True)
    assert np.allclose(grey_levels(stored, white), 255 - grey_levels(stored, plain))
    padded = GreyParams(Window(500, 1000), bits=12, inverted=True, padding=(0, 0))
    assert grey_picture(stored, padded)[0] == 0
    assert grey_picture(stored, padded)[1] > 200


def test_numbers_that_are_none_are_black_and_infinite_ones_are_cut() -> None:
    values = np.array([np.nan, -np.inf, np.inf, 0.0, 3e38], np.float32)
    shown = grey_picture(values, GreyParams(Window(0, 2, "LINEAR_EXACT"), bits=64))
    assert shown.tolist() == [0, 0, 255, 128, 255]
    white = grey_picture(values, GreyParams(Window(0, 2, "SIGMOID"), bits=64, inverted=True))
    assert white[0] == 0 and white[1] == 255 and white[2] == 0
    lut = Lut(0, 8, np.array([10, 20], "<u2").tobytes())
    assert grey_picture(values, GreyParams(lut, bits=64)).tolist() == [0, 10, 20, 10, 20]


def test_a_linear_window_of_width_one_is_a_step() -> None:
    levels = grey_levels(np.array([38, 39, 39.5, 40, 41]), GreyParams(Window(40, 1)))
    assert levels.tolist() == [0, 0, 0, 255, 255]


def test_a_modality_table_keeps_its_ends() -> None:
    lut = Lut(-2, 16, np.array([5, 6, 7], "<u2").tobytes())
    assert modality_values(np.array([-9, -2, -1, 0, 9]), lut).tolist() == [5, 5, 6, 7, 7]


@pytest.mark.parametrize(
    "centre, width, function",
    [(0, 0.5, "LINEAR"), (0, 0, "LINEAR_EXACT"), (0, -3, "SIGMOID"), (math.nan, 4, "LINEAR"),
     (0, math.inf, "SIGMOID")],
)  # fmt: skip
def test_windows_that_are_none_are_refused(centre: float, width: float, function: str) -> None:
    with pytest.raises(BadInput, match="width"):
        Window(centre, width, function)  # type: ignore[arg-type]


def test_tables_are_shared_and_cannot_be_changed() -> None:
    table = grey_table(GreyParams(Window(40, 400), bits=12))
    assert grey_table(GreyParams(Window(40, 400), bits=12)) is table
    with pytest.raises(ValueError):
        table[0] = 1
    with pytest.raises(BadInput, match="bits"):
        grey_table(GreyParams(Window(40, 400), bits=32))
    with pytest.raises(BadInput, match="8 or 16 bits"):
        apply_table(np.zeros(3, np.float32), table)
