"""The slices and frames that are shown: key images, even spreads, middles, trims, projections."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
from pydicom.dataset import Dataset

from domainclip.errors import BadInput, UsageError
from domainclip.extractors.dicom.series.choosing import choose, spaced
from domainclip.extractors.dicom.series.frames import choose_frames
from domainclip.extractors.dicom.series.geometry import slices_of
from domainclip.extractors.dicom.series.stack import Stack
from domainclip.extractors.dicom.series.stacking import stacks_of
from tests.data.make_dicom import image, uid
from tests.data.make_series import enhanced, nuclear, series


def stack_of(*datasets: Dataset) -> Stack:
    (stack,) = stacks_of([each for at, ds in enumerate(datasets) for each in slices_of(ds, at)])
    return stack


def loop(frames: int, **extra: object) -> Dataset:
    return image(np.zeros((frames, 6, 5), np.uint8), modality="US", extra=extra)


def test_spaced_slices_leave_the_ends_out() -> None:
    stack = stack_of(*series(21)[0])
    assert [each.index for each in choose(stack, how="spaced", count=3)] == [4, 10, 16]
    assert [each.index for each in choose(stack, how="spaced", count=1)] == [10]
    assert len(choose(stack, how="spaced", count=99)) == 17


def test_content_bounds_the_extent_and_is_asked_from_the_ends_only() -> None:
    stack = stack_of(*series(20)[0])
    asked = []

    def shows(each: object) -> bool:
        asked.append(each.index)  # type: ignore[attr-defined]
        return 5 <= each.index <= 9  # type: ignore[attr-defined]

    chosen = choose(stack, how="spaced", count=5, content=shows)
    assert [each.index for each in chosen] == [5, 6, 7, 8, 9]
    assert sorted(asked) == [*range(6), *range(9, 20)]
    assert len(choose(stack, how="spaced", count=4, content=lambda _: False)) == 4


def test_missing_slices_do_not_shift_the_spread() -> None:
    datasets, _ = series(21)
    stack = stack_of(*(datasets[each] for each in (0, *range(8, 21))))
    places = [stack.places[stack.slices.index(each)] for each in choose(stack, how="middle")]
    assert places == [10]


def test_middle_and_all() -> None:
    stack = stack_of(*series(7)[0])
    assert [each.index for each in choose(stack, how="middle", count=1)] == [3]
    assert [each.index for each in choose(stack, how="middle", count=3)] == [2, 3, 4]
    assert [each.index for each in choose(stack, how="all", count=1)] == list(range(7))
    with pytest.raises(UsageError):
        choose(stack, count=0)


def test_key_images_are_named_by_instance_and_frame() -> None:
    datasets, _ = series(7)
    keys = [(str(datasets[at].SOPInstanceUID), None) for at in (5, 1)]
    stack = stack_of(*datasets)
    assert [each.index for each in choose(stack, how="key", count=9, key_images=keys)] == [1, 5]
    assert choose(stack, how="key", count=9, key_images=[("1.2.3", None), ("", None)]) == []

    multi = stack_of(enhanced([(0, 0, 3.0 * at) for at in range(5)], instance=70))
    frames = {(uid(70), 2), (uid(70), 4)}  # counted from 1
    assert [each.frame for each in choose(multi, how="key", count=9, key_images=frames)] == [1, 3]


def test_a_key_image_among_the_duplicates_is_found() -> None:
    datasets, _ = series(5)
    again = deepcopy(datasets[2])
    again.SOPInstanceUID = "1.2.3"
    stack = stack_of(*datasets, again)
    keys = [("1.2.3", None), (str(datasets[3].SOPInstanceUID), None)]
    assert [each.index for each in choose(stack, how="key", count=2, key_images=keys)] == [5, 3]


@pytest.mark.parametrize("count", range(1, 12))
def test_spreads_grow_and_hold_each_once(count: int) -> None:
    for places in ([0.0, 1, 2, 9, 10], [0.0], [0.0, 100, 101, 102, 103, 104, 105]):
        found = spaced(places, count)
        assert found == sorted(set(found)) and len(found) == min(count, len(places))


def test_frames_of_a_loop_are_spread_between_its_trims() -> None:
    assert choose_frames(loop(30), 3) == [4, 14, 24]
    trimmed = choose_frames(loop(30, StartTrim=11, StopTrim=20), 2)
    assert len(trimmed) == 2 and 10 <= trimmed[0] < 15 <= trimmed[1] < 20
    assert choose_frames(loop(30, StartTrim=21, StopTrim=3), 30) == list(range(30))
    assert choose_frames(loop(4), 9) == [0, 1, 2, 3]
    assert choose_frames(image(), 3) == [0]


def test_frames_that_the_object_points_at_are_preferred() -> None:
    assert choose_frames(loop(30, RepresentativeFrameNumber=3), 1) == [2]
    with_interest = choose_frames(
        loop(30, RepresentativeFrameNumber=3, FrameNumbersOfInterest=[28, 29, 400]), 3
    )
    assert with_interest == [2, 27, 28]
    assert 2 in choose_frames(loop(30, RepresentativeFrameNumber=3), 4)


def test_projections_are_shared_out_between_detectors_and_windows() -> None:
    planar = nuclear(2, gap=1, detectors=[1, 2])
    assert choose_frames(planar, 2) == [0, 1] and choose_frames(planar, 1) == [0]
    windows = [1] * 20 + [2] * 20
    tomo = nuclear(
        40, gap=1, detectors=([1] * 10 + [2] * 10) * 2, extra={"EnergyWindowVector": windows}
    )
    chosen = choose_frames(tomo, 8)
    assert [sum(low <= each < low + 10 for each in chosen) for low in (0, 10, 20, 30)] == [2] * 4
    assert [each // 10 for each in choose_frames(tomo, 2)] == [0, 1]


def test_hostile_numbers_of_frames_are_refused_or_ignored() -> None:
    many = loop(3)
    many.NumberOfFrames = 2_000_000_000
    with pytest.raises(BadInput):
        choose_frames(many, 2)
    odd = loop(3)
    odd["NumberOfFrames"]._value = "many"
    assert choose_frames(odd, 2) == [0]
    with pytest.raises(UsageError):
        choose_frames(loop(3), 0)
