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
