"""A volume as NIfTI: the voxels and the affine, exactly, no words of the header; and resampled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
import pytest
from pydicom.dataset import Dataset

from domainclip.errors import BadInput, UsageError
from domainclip.extractors.dicom.series.geometry import slices_of
from domainclip.extractors.dicom.series.stack import Stack
from domainclip.extractors.dicom.series.stacking import stacks_of
from domainclip.extractors.dicom.series.volume import write_nifti
from tests.data.make_series import PLANES, series


def made(datasets: list[Dataset]) -> tuple[Stack, list[np.ndarray]]:
    (stack,) = stacks_of([each for at, ds in enumerate(datasets) for each in slices_of(ds, at)])
    return stack, [datasets[each.index].pixel_array for each in stack.slices]


@pytest.mark.parametrize("name", ["v.nii", "v.nii.gz"])
@pytest.mark.parametrize("plane", ["axial", "oblique", "sagittal"])
def test_voxels_lie_where_the_headers_say(tmp_path: Path, name: str, plane: str) -> None:
    datasets, affine = series(6, orientation=PLANES[plane])
    stack, frames = made(datasets[::-1])
    write_nifti(stack, iter(frames), tmp_path / name)
    image = nibabel.load(tmp_path / name)
    assert image.get_data_dtype() == np.int16 and image.shape == (8, 10, 6)
    for at, each in enumerate(datasets):
        assert np.array_equal(np.asarray(image.dataobj)[:, :, at], each.pixel_array.T)
    for form in (image.get_sform(coded=True), image.get_qform(coded=True)):
        assert form[1] == 1 and np.abs(form[0] - affine).max() < 1e-4
    assert image.header.get_xyzt_units()[0] == "mm"
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_nothing_of_the_headers_words_is_in_the_file(tmp_path: Path) -> None:
    datasets, _ = series(3)
    stack, frames = made(datasets)
    write_nifti(stack, iter(frames), tmp_path / "v.nii")
    header = nibabel.load(tmp_path / "v.nii").header
    assert all(
        not header[each].item() for each in ("descrip", "intent_name", "db_name", "aux_file")
    )
    assert b"Doe" not in (tmp_path / "v.nii").read_bytes()


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    stack, frames = made(series(4)[0])
    for name in ("a.nii.gz", "b.nii.gz"):
        write_nifti(stack, iter(frames), tmp_path / name)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_a_rescale_that_is_not_whole_makes_float32_of_all(tmp_path: Path) -> None:
    stack, frames = made(series(4)[0])
    slopes = [(1.0, -1024.0), (2.0, 0.0), (0.5, 0.25), (1.0, 0.0)]
    write_nifti(stack, iter(frames), tmp_path / "v.nii", slope_intercept=slopes)
    image = nibabel.load(tmp_path / "v.nii")
    assert image.get_data_dtype() == np.float32
    expected = [frame.T * slope + add for frame, (slope, add) in zip(frames, slopes, strict=True)]
    assert np.array_equal(image.get_fdata(), np.stack(expected, axis=-1))

    write_nifti(stack, iter(frames), tmp_path / "ct.nii", slope_intercept=(1, -1024))
    image = nibabel.load(tmp_path / "ct.nii")
    assert image.get_data_dtype() == np.int16
    assert np.array_equal(image.get_fdata(), np.stack([each.T - 1024.0 for each in frames], -1))


def test_widening_more_than_a_block_keeps_every_value(tmp_path: Path) -> None:
    datasets, _ = series(5, shape=(300, 500))
    stack, frames = made(datasets)
    frames = [np.random.default_rng(at).integers(0, 30000, (300, 500)) for at in range(5)]
    frames[4] = frames[4] + 40000
    write_nifti(stack, iter(frames), tmp_path / "v.nii")
    found = nibabel.load(tmp_path / "v.nii").get_fdata()
    assert np.array_equal(found, np.stack([each.T for each in frames], -1))


def test_a_leaning_stack_has_a_sform_alone(tmp_path: Path) -> None:
    datasets, affine = series(5, orientation=PLANES["tilted axial"], step=(0, 0, 4))
    stack, frames = made(datasets)
    assert stack.sheared
    write_nifti(stack, iter(frames), tmp_path / "v.nii")
    image = nibabel.load(tmp_path / "v.nii")
    assert image.get_qform(coded=True)[1] == 0
    assert np.abs(image.affine - affine).max() < 1e-4


def test_holes_are_refused_or_filled(tmp_path: Path) -> None:
    datasets, affine = series(6)
    stack, frames = made([datasets[each] for each in (0, 1, 4, 5)])
    with pytest.raises(BadInput, match="missing"):
        write_nifti(stack, iter(frames), tmp_path / "v.nii")
    assert not list(tmp_path.iterdir())
    write_nifti(stack, iter(frames), tmp_path / "v.nii", fill=-7)
    image = nibabel.load(tmp_path / "v.nii")
    assert np.abs(image.affine - affine).max() < 1e-4
    found = image.get_fdata()
    assert (found[:, :, 2:4] == -7).all() and np.array_equal(found[:, :, 5], frames[3].T)


def test_what_is_no_volume_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    datasets, _ = series(6)
    stack, frames = made(datasets)
    colour = np.zeros((10, 8, 3), np.uint8)
    for wrong in (frames[:5], [*frames, frames[0]], [*frames[:5], frames[5][:4]], [colour] * 6):
        with pytest.raises(BadInput):
            write_nifti(stack, iter(wrong), tmp_path / "v.nii.gz")
    with pytest.raises(BadInput):
        write_nifti(stack, iter(frames), tmp_path / "v.nii", slope_intercept=[(1, 0)] * 3)
    datasets[2].ImagePositionPatient[2] += 1
    with pytest.raises(BadInput):
        write_nifti(made(datasets)[0], iter(frames), tmp_path / "v.nii")
    far, _ = series(6)
    far[5].ImagePositionPatient[2] = 90000
    with pytest.raises(BadInput, match="Most"):
        write_nifti(made(far)[0], iter(frames), tmp_path / "v.nii", fill=0)
    assert not list(tmp_path.iterdir())


def test_an_iterator_that_fails_leaves_nothing(tmp_path: Path) -> None:
    stack, frames = made(series(3)[0])

    def broken() -> Iterator[np.ndarray]:
        yield frames[0]
        raise BadInput("The pixels cannot be decoded.")

    with pytest.raises(BadInput):
        write_nifti(stack, broken(), tmp_path / "v.nii.gz")
    assert not list(tmp_path.iterdir())


def world(affine: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    grid = np.stack(np.meshgrid(*(np.arange(each) for each in shape), indexing="ij"), -1)
    points: np.ndarray = grid @ affine[:3, :3].T + affine[:3, 3]
    return points


@pytest.mark.parametrize("spacing", [1.0, 3.0, (2.5, 1.0, 4.0)])
@pytest.mark.parametrize("lean", [0.0, 0.5])
def test_resampling_keeps_a_linear_ramp_in_the_world(
    spacing: float | tuple[float, float, float], lean: float
) -> None:
    """Linear interpolation of a function that is linear in mm is exact inside the volume."""
    pytest.importorskip("monai")
    from domainclip.images.volumes import resample

    affine = np.array([[-2, 0, 0, 50], [0, lean, 3, -20], [0, -1.5, 0, 7], [0, 0, 0, 1.0]])
    shape = (20, 24, 16)
    slope = np.array([1.0, 2, 3])
    values = (world(affine, shape) @ slope).astype(np.float32)
    found, grid = resample(values, affine, spacing_mm=spacing)
    assert nibabel.aff2axcodes(grid) == ("R", "A", "S")
    assert np.allclose(np.linalg.norm(grid[:3, :3], axis=0), spacing)
    points = world(grid, found.shape)
    inside = (points - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T
    within = ((inside >= 0) & (inside <= np.array(shape) - 1)).all(-1)
    assert within.mean() > 0.6
    assert np.abs(found - points @ slope)[within].max() < 1e-3


def test_resampling_reads_what_was_written(tmp_path: Path) -> None:
    pytest.importorskip("monai")
    from domainclip.images.volumes import resample

    datasets, affine = series(6, orientation=PLANES["coronal"])
    stack, frames = made(datasets)
    write_nifti(stack, iter(frames), tmp_path / "v.nii.gz")
    found, grid = resample(tmp_path / "v.nii.gz", spacing_mm=(0.5, 0.75, 2.5), orientation="LIA")
    # the same spacings along turned axes: the same voxels, in another order
    image = nibabel.load(tmp_path / "v.nii.gz")
    turn = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(affine), nibabel.orientations.axcodes2ornt("LIA")
    )
    turned = image.as_reoriented(turn)
    expected, by = np.asarray(turned.dataobj, np.float32), turned.affine
    assert np.abs(found - expected).max() < 1e-3 and np.abs(grid - by).max() < 1e-3


def test_resampling_refuses_nonsense(tmp_path: Path) -> None:
    pytest.importorskip("monai")
    from domainclip.images.volumes import resample

    values = np.zeros((4, 4, 4), np.float32)
    for spacing, orientation in ((0.0, "RAS"), (float("nan"), "RAS"), (1.0, "RLS"), (1.0, "RA")):
        with pytest.raises(UsageError):
            resample(values, np.eye(4), spacing_mm=spacing, orientation=orientation)
    with pytest.raises(BadInput):
        resample(values, np.zeros((4, 4)), spacing_mm=1.0)
    (tmp_path / "x.nii").write_bytes(b"no volume")
    with pytest.raises(BadInput) as told:
        resample(tmp_path / "x.nii", spacing_mm=1.0)
    assert str(tmp_path) not in str(told.value)
