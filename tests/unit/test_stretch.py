"""A stretch is the percentiles' straight line, whatever the type of the numbers."""

from __future__ import annotations

import numpy as np
import pytest

from domainclip.images.stretch import Stretch, percentile_limits


@pytest.mark.parametrize("kind", [np.uint16, np.int16, np.int32, np.float32, np.float64])
def test_every_type_gives_the_same_picture(kind: type) -> None:
    values = np.random.default_rng(0).integers(0, 30000, (3, 40, 50))
    limits = percentile_limits(values.astype(kind))
    shown = Stretch(limits)(values.astype(kind))
    assert shown.dtype == np.uint8
    for band in range(3):
        low, high = np.percentile(values[band], (2, 98))
        expected = ((values[band] - low) / (high - low) * 255).clip(0, 255).round()
        assert np.abs(shown[..., band] - expected).max() == 0


def test_negative_values_of_16_bits_keep_their_order() -> None:
    values = np.array([[[-30000, -5, 0, 5, 30000]]], np.int16)
    assert Stretch(((-10.0, 10.0),))(values)[0, :, 0].tolist() == [0, 64, 128, 191, 255]


def test_8_bit_values_stay_as_they_are_and_one_band_is_grey() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    shown = Stretch(None)(values)
    assert shown.shape == (16, 16, 3)
    assert (shown == values[0][..., None]).all()


def test_what_is_not_valid_or_finite_does_not_count() -> None:
    values = np.array([[[0.0, 10.0, np.nan, np.inf, 999.0]]])
    valid = np.array([[True, True, True, True, False]])
    assert percentile_limits(values, valid, (0, 100)) == ((0.0, 10.0),)
    shown = Stretch(((0.0, 10.0),))(values)[0, :, 0]
    assert shown.tolist() == [0, 255, 0, 255, 255]


def test_nothing_to_stretch_is_black() -> None:
    nothing = np.full((1, 2, 2), np.nan)
    assert percentile_limits(nothing) == ((0.0, 0.0),)
    assert not Stretch(((0.0, 0.0),))(nothing).any()
    assert not Stretch(((7.0, 7.0),))(np.full((1, 2, 2), 7, np.uint16)).any()


@pytest.mark.parametrize("kind", [np.bool_, np.uint8, np.int8, np.uint16, np.int16, np.float32])
@pytest.mark.parametrize("span", [1, 50, 30000])
def test_limits_are_numpys_percentiles(kind: type, span: int) -> None:
    rng = np.random.default_rng(span)
    most = 1 if kind is np.bool_ else span if np.dtype(kind).itemsize > 1 else min(span, 127)
    least = -most if np.dtype(kind).kind in "if" else 0
    for size in (1, 2, 3, 7, 1000):
        values = rng.integers(least, most, (2, size), endpoint=True).astype(kind)
        valid = rng.random(size) < 0.7
        for percentiles in ((2.0, 98.0), (0.0, 100.0), (33.3, 61.7)):
            found = percentile_limits(values, valid, percentiles)
            for pair, band in zip(found, values[:, valid], strict=True):
                if not band.size:
                    assert pair == (0.0, 0.0)
                    continue
                low, high = np.percentile(band.astype(float), percentiles)
                if low == high:
                    low, high = float(band.min()), float(band.max())
                assert pair == (pytest.approx(low, rel=1e-6), pytest.approx(high, rel=1e-6))


def test_one_call_gives_the_shades_of_many() -> None:
    for kind in (np.uint8, np.uint16, np.int16):
        values = np.random.default_rng(1).integers(0, 100, (3, 20, 20)).astype(kind)
        for gamma in (1.0, 2.2):
            limits = ((3.0, 80.5), (0.0, 99.0), (50.0, 50.0))
            once = Stretch(limits, gamma, once=True)(values).astype(int)
            many = Stretch(limits, gamma)(values)
            assert np.abs(once - many).max() <= 1
            assert (once != many).mean() < 0.01  # where two shades are equally near


def test_a_mask_that_is_nearly_empty_is_seen() -> None:
    values = np.zeros((1, 30, 30), np.uint16)
    values[0, 3, 4:6] = 7
    limits = percentile_limits(values)
    assert limits == ((0.0, 7.0),)
    assert Stretch(limits)(values).max() == 255
