"""Slices come in the order of space, with the affine of the standard, whatever their numbers."""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from domainclip.errors import BadInput
from domainclip.extractors.dicom.series.geometry import slices_of
from domainclip.extractors.dicom.series.planes import directions_of, plane_of
from domainclip.extractors.dicom.series.stack import Stack
from domainclip.extractors.dicom.series.stacking import stacks_of
from tests.data.make_dicom import image
from tests.data.make_series import PLANES, affine_of, enhanced, normal_of, nuclear, series

TOLERANCE_MM = 1e-3


def stacked(datasets: Sequence[Dataset]) -> list[Stack]:
    return stacks_of([each for at, ds in enumerate(datasets) for each in slices_of(ds, at)])


def one(datasets: Sequence[Dataset]) -> Stack:
    (found,) = stacked(datasets)
    return found


def indices(stack: Stack) -> list[int]:
    return [each.index for each in stack.slices]


def assert_affine(stack: Stack, expected: np.ndarray) -> None:
    """Within 1e-3 mm at every corner of the volume."""
    assert stack.affine is not None
    first = stack.slices[0]
    far = np.array([first.columns - 1, first.rows - 1, stack.places[-1]])
    corners = np.array([[*np.multiply(at, far), 1] for at in np.ndindex(2, 2, 2)])
    apart = corners @ (stack.affine - expected).T
    assert np.abs(apart).max() < TOLERANCE_MM


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_files_gives_the_order_of_space(plane: str, seed: int) -> None:
    datasets, affine = series(9, orientation=PLANES[plane])
    order = random.Random(seed).sample(range(9), 9)
    stack = one([datasets[each] for each in order])
    assert [order[each] for each in indices(stack)] == list(range(9))
    assert stack.kind == "volume" and stack.uniform and not stack.warnings
    assert stack.spacing == pytest.approx(2.5, abs=1e-5)
    assert_affine(stack, affine)


@pytest.mark.parametrize("number", [None, 1, "of nothing"])
def test_instance_numbers_do_not_matter(number: object) -> None:
    datasets, affine = series(5)
    for each in datasets:
        if number is None:
            del each.InstanceNumber
        else:
            each["InstanceNumber"]._value = number
    stack = one(datasets[::-1])
    assert indices(stack) == [4, 3, 2, 1, 0] and stack.uniform
    assert_affine(stack, affine)


def test_affine_is_that_of_nibabel_and_highdicom() -> None:
    highdicom = pytest.importorskip("highdicom")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nibabel.nicom.dicomwrappers import wrapper_from_data

    for orientation in PLANES.values():
        datasets, _ = series(4, orientation=orientation)
        stack = one(datasets)
        assert stack.affine is not None
        # nibabel: one slice's, in LPS, of (row, column, slice)
        wrapper = wrapper_from_data(datasets[0]).affine
        ours = np.diag([-1.0, -1, 1, 1]) @ stack.affine
        assert np.allclose(ours[:, [1, 0, 3]], wrapper[:, [0, 1, 3]], atol=TOLERANCE_MM)
        spacing, places = highdicom.spatial.get_series_volume_positions(
            datasets[::-1], index_convention=("R", "D")
        )
        assert stack.spacing == pytest.approx(spacing, abs=TOLERANCE_MM)
        assert places == [3, 2, 1, 0] and indices(stack) == [0, 1, 2, 3]


def test_missing_slices_are_found_and_the_affine_holds() -> None:
    datasets, affine = series(10)
    kept = [0, 1, 2, 4, 5, 8, 9]
    stack = one([datasets[each] for each in kept])
    assert stack.places == tuple(kept) and stack.gaps == ((2, 1), (4, 2)) and not stack.uniform
    assert stack.spacing == pytest.approx(2.5)
    assert any("Missing slices: 3" in each for each in stack.warnings)
    assert_affine(stack, affine)


def test_half_of_the_slices_may_be_missing() -> None:
    datasets, affine = series(12)
    kept = [0, 1, 3, 5, 6, 8, 10, 11]
    stack = one([datasets[each] for each in kept])
    assert stack.places == tuple(kept)
    assert_affine(stack, affine)


def test_uneven_distances_have_no_affine() -> None:
    datasets, _ = series(6)
    datasets[3].ImagePositionPatient[2] += 0.9
    stack = one(datasets)
    assert indices(stack) == list(range(6)) and not stack.places and stack.affine is None
    assert "The distances between the slices differ." in stack.warnings


def test_rounded_positions_are_still_even() -> None:
    datasets, _ = series(40, gap=1.25)
    for each in datasets:
        each.ImagePositionPatient = [round(float(x), 1) for x in each.ImagePositionPatient]
    assert one(datasets).uniform


def test_duplicates_are_kept_once_and_listed() -> None:
    datasets, affine = series(5)
    copy = deepcopy(datasets[2])
    resent = deepcopy(datasets[3])
    resent.SOPInstanceUID, resent.InstanceNumber = "1.2.3", 99
    stack = one([*datasets, copy, resent])
    assert len(stack.slices) == 5 and stack.uniform
    taken = {stack.slices[at].position for at in (2, 3)}
    assert {each.position for each in stack.duplicates} == taken and len(stack.duplicates) == 2
    assert_affine(stack, affine)


def test_a_series_copied_whole_is_one_volume() -> None:
    datasets, _ = series(5)
    stack = one([*datasets, *deepcopy(datasets)])
    assert len(stack.slices) == 5 and len(stack.duplicates) == 5


@pytest.mark.parametrize("tilt_deg", [-20, 5, 30])
def test_a_tilted_gantry_is_told_and_its_affine_leans(tilt_deg: float) -> None:
    angle = np.radians(tilt_deg)
    orientation = (1, 0, 0, 0, np.cos(angle), np.sin(angle))
    datasets, affine = series(7, orientation=orientation, step=(0, 0, 5))
    stack = one(datasets[::-1])
    assert stack.sheared and stack.uniform and stack.tilt_deg == pytest.approx(abs(tilt_deg))
    assert indices(stack) == [6, 5, 4, 3, 2, 1, 0]
    assert_affine(stack, affine)


def test_mixed_series_and_localizers_come_apart() -> None:
    head, head_affine = series(8)
    chest, chest_affine = series(5, orientation=PLANES["coronal"], series=6, uid_of="b")
    scout, _ = series(
        2,
        orientation=PLANES["sagittal"],
        uid_of="c",
        extra={"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
    )
    stray, _ = series(1, orientation=PLANES["oblique"], uid_of="d")
    mixed = [*head[::2], *chest, *scout, *head[1::2], *stray]
    random.Random(1).shuffle(mixed)
    found = stacked(mixed)
    assert [(each.role, len(each.slices)) for each in found] == [
        ("image", 8),
        ("localizer", 2),
        ("stray", 1),
        ("image", 5),
    ]
    assert_affine(found[0], head_affine)
    assert_affine(found[3], chest_affine)


def test_stacks_side_by_side_come_apart() -> None:
    left, left_affine = series(5, origin=(-60, 0, 0))
    right, _ = series(5, origin=(60, 0, 0), uid_of="b")
    both = stacked([*left, *right])
    assert [len(each.slices) for each in both] == [5, 5]
    assert_affine(both[0], left_affine)


@pytest.mark.parametrize(
    "keyword, values",
    [
        ("EchoTime", (10.0, 80.0)),
        ("EchoNumbers", (1, 2)),
        ("AcquisitionNumber", (3, 4)),
        ("TemporalPositionIdentifier", (1, 2)),
        ("DiffusionBValue", (0.0, 1000.0)),
        ("AcquisitionTime", ("101500.5", "101631")),
        ("ImageType", (["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"])),
        ("ContentTime", ("101500", "101631")),
    ],
)
def test_repeated_positions_are_split_by_what_differs(
    keyword: str, values: tuple[object, object]
) -> None:
    first, affine = series(6, extra={keyword: values[0]})
    second, _ = series(6, uid_of="b", extra={keyword: values[1]})
    mixed = [each for pair in zip(second, first, strict=True) for each in pair]
    found = stacked(mixed)
    assert [len(each.slices) for each in found] == [6, 6]
    assert {tuple(at % 2 for at in indices(each)) for each in found} == {(0,) * 6, (1,) * 6}
    for each in found:
        assert each.uniform and not each.duplicates
        assert_affine(each, affine)


def test_echoes_over_time_are_split_by_both_even_with_a_file_missing() -> None:
    files = []
    for echo in (10, 20):
        for time in (1, 2, 3):
            extra = {"EchoTime": echo, "TemporalPositionIdentifier": time}
            files += series(5, uid_of=f"{echo}{time}", extra=extra)[0]
    del files[7]
    found = stacked(files)
    assert sorted(len(each.slices) for each in found) == [4, 5, 5, 5, 5, 5]
    assert not any(each.duplicates for each in found)


def test_the_phases_of_a_heart_are_volumes_though_each_slice_has_its_own_times() -> None:
    files = []
    for phase in range(4):
        datasets, _ = series(6, uid_of=str(phase))
        for at, each in enumerate(datasets):
            each.TriggerTime = phase * (30 + at)
        files += datasets
    found = stacked(files)
    assert [len(each.slices) for each in found] == [6] * 4
    assert sorted({at // 6 for at in indices(each)} for each in found) == [{0}, {1}, {2}, {3}]


def test_numbers_that_count_slices_do_not_split_a_volume() -> None:
    datasets, _ = series(6)
    for at, each in enumerate(datasets):
        each.AcquisitionNumber, each.AcquisitionTime = at, f"1015{at:02}"
    again = deepcopy(datasets[4])
    again.SOPInstanceUID, again.AcquisitionNumber = "1.2.3", 9
    stack = one([*datasets, again])
    assert len(stack.slices) == 6 and len(stack.duplicates) == 1


def test_images_of_one_place_are_a_loop() -> None:
    files = [series(1, uid_of=str(time), extra={"TriggerTime": 40 * time})[0][0]
             for time in (2, 0, 3, 1)]  # fmt: skip
    stack = one(files)
    assert stack.kind == "loop" and indices(stack) == [1, 3, 0, 2]


def test_without_positions_numbers_order_and_the_stack_says_so() -> None:
    files = [image(modality="DX", number=number, instance=number) for number in (3, 1, 2)]
    stack = one(files)
    assert stack.kind == "unplaced" and indices(stack) == [1, 2, 0]
    assert stack.affine is None and stack.normal is None and stack.plane is None
    assert any("No positions" in each for each in stack.warnings)


@pytest.mark.parametrize("shared_plane", [True, False])
def test_enhanced_frames_are_ordered_by_their_groups(shared_plane: bool) -> None:
    orientation = PLANES["oblique"]
    normal, origin = normal_of(orientation), np.array([5.0, -7, 9])
    order = [3, 0, 4, 1, 2]
    ds = enhanced(
        [origin + normal * 2.5 * at for at in order],
        orientation=orientation,
        shared_plane=shared_plane,
    )
    stack = one([ds])
    assert [order[each.frame] for each in stack.slices] == list(range(5))
    assert_affine(stack, affine_of(orientation, origin, (0.75, 0.5), normal * 2.5))


def test_enhanced_echoes_and_times_are_volumes_of_their_own() -> None:
    positions = [(0, 0, 3.0 * at) for at in range(4) for _ in range(2)]
    by_echo = stacked([enhanced(positions, echo_times=[4.6, 9.2] * 4)])
    assert [[each.frame for each in stack.slices] for stack in by_echo] == [
        [0, 2, 4, 6],
        [1, 3, 5, 7],
    ]
    by_time = stacked([enhanced(positions, times=[2, 1] * 4)])
    assert [[each.frame for each in stack.slices] for stack in by_time] == [
        [1, 3, 5, 7],
        [0, 2, 4, 6],
    ]


def test_two_enhanced_objects_of_a_series_are_two_volumes() -> None:
    positions = [(0, 0, 3.0 * at) for at in range(4)]
    found = stacked([enhanced(positions, instance=at) for at in (70, 71)])
    assert [indices(each) for each in found] == [[0] * 4, [1] * 4]


@pytest.mark.parametrize("gap", [4.0, -4.0])
def test_reconstructed_nuclear_slices_lie_along_the_sign_of_their_spacing(gap: float) -> None:
    stack = one([nuclear(5, gap=gap)])
    assert [each.frame for each in stack.slices] == (
        [0, 1, 2, 3, 4] if gap > 0 else [4, 3, 2, 1, 0]
    )
    origin = (-10, -20, 30.0 if gap > 0 else 14.0)
    assert_affine(stack, affine_of(PLANES["axial"], origin, (4, 4), (0, 0, 4)))


def test_planes_of_a_dose_grid_lie_at_their_offsets() -> None:
    path = get_testdata_file("rtdose.dcm", download=False)
    assert path is not None
    stack = one([dcmread(path, stop_before_pixels=True)])
    assert len(stack.slices) == 15 and stack.spacing == pytest.approx(5) and stack.uniform


def test_malformed_geometry_is_absent_not_made_up() -> None:
    datasets, _ = series(6)
    datasets[0].ImageOrientationPatient = [0, 0, 0, 0, 0, 0]
    datasets[1].ImageOrientationPatient = [1, 0, 0, 1, 0, 0]
    datasets[2].ImagePositionPatient = [1, 2]
    datasets[3]["ImagePositionPatient"]._value = ["a", "b", "c"]
    datasets[4].ImagePositionPatient = [0, 0, 1e30]
    del datasets[5].PixelSpacing
    found = stacked(datasets)
    assert sorted(len(each.slices) for each in found) == [1, 5]
    assert all(each.affine is None for each in found)


def test_what_is_no_image_is_refused() -> None:
    slide = image()
    slide.SOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.6"
    many = image()
    many.NumberOfFrames = 2_000_000_000
    for each in (Dataset(), slide, many):
        with pytest.raises(BadInput):
            slices_of(each, 0)


def test_the_real_series_in_any_order(shared_data: Path) -> None:
    paths = sorted((shared_data / "dicom" / "series").iterdir())
    headers = [dcmread(each, stop_before_pixels=True) for each in paths]
    order = random.Random(3).sample(range(len(paths)), len(paths))
    for each in headers:
        del each.InstanceNumber
    stack = one([headers[each] for each in order])
    assert [order[each] for each in indices(stack)] == list(range(17))
    # rows run to the right, columns to the front: the normal points to the head
    expected = affine_of((-1, 0, 0, 0, -1, 0), (82.1807, 122.163, -24.707), (2, 2), (0, 0, 2))
    assert_affine(stack, expected)


def test_names_of_planes_and_directions() -> None:
    assert {name: plane_of(each) for name, each in PLANES.items()} == {
        "axial": "axial",
        "feet first": "axial",
        "sagittal": "sagittal",
        "coronal": "coronal",
        "tilted axial": "axial",
        "oblique": "oblique",
    }
    assert directions_of(PLANES["axial"]) == ("L", "P")
    assert directions_of(PLANES["sagittal"]) == ("P", "F")
    assert directions_of(PLANES["tilted axial"]) == ("L", "PF")


def test_pictures_side_by_side_in_one_plane_are_no_duplicates() -> None:
    tiles = [series(1, origin=(at * 40, at * at, 5), uid_of=str(at))[0][0] for at in range(9)]
    stack = one(tiles)
    assert len(stack.slices) == 9 and not stack.duplicates and stack.affine is None
