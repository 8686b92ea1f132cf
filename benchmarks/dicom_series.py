"""Series to volumes: slice order and affine, on a real series and on what may happen to one.

    python benchmarks/dicom_series.py [--data ../shared/data] [--seed 0] [--no-monai]

The real series of --data (dicom/series) is written again and again with its own pixels: shuffled
and renamed, without or with reversed instance numbers, turned to other planes, leaning, with holes,
copies, other series, a localizer, a second echo in the same folder, as one enhanced object; and
the series of several slices among pydicom's test files as they are. Of each the truth is known:
which slice lies where, from the headers of the single files by the standard's equation (PS3.3
C.7.6.2.1.1) written out here anew.

Prints, for each case and for domainclip and MONAI's PydicomReader in the same run: whether every
slice is there once and in the order of space, and the largest distance in mm between where the
affine puts a corner of a slice and where its header does (within 1e-3 is right). Then headers per
second from datasets to stacks.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as Items

from domainclip.errors import BadInput
from domainclip.extractors.dicom.quiet import quiet
from domainclip.extractors.dicom.series.geometry import Slice, slices_of
from domainclip.extractors.dicom.series.stack import Stack
from domainclip.extractors.dicom.series.stacking import stacks_of

__all__ = ["main"]

RIGHT_MM = 1e-3
_SIN, _COS = np.sin(np.radians(20)), np.cos(np.radians(20))


@dataclass(frozen=True)
class Case:
    """files: as they are given, in an order that says nothing. volumes: the files of each volume in
    the folder in their order in space; files in none of them are copies and localizers."""

    name: str
    files: Sequence[Dataset]
    volumes: Sequence[Sequence[Dataset]]


def corners(ds: Dataset) -> np.ndarray:
    """(4, 3) mm in RAS: the centres of the corner pixels of a single-frame image."""
    cosines = np.array([float(x) for x in ds.ImageOrientationPatient])
    between_rows, between_columns = (float(x) for x in ds.PixelSpacing)
    origin = np.array([float(x) for x in ds.ImagePositionPatient])
    along_row = (ds.Columns - 1) * between_columns * cosines[:3]
    along_column = (ds.Rows - 1) * between_rows * cosines[3:]
    found = [origin + i * along_row + j * along_column for i in (0, 1) for j in (0, 1)]
    return np.array(found) * [-1, -1, 1]


def by_affine(affine: np.ndarray, columns: int, rows: int, place: int) -> np.ndarray:
    """(4, 3): the same corners by an affine of (column, row, slice)."""
    voxels = [(i * (columns - 1), j * (rows - 1), place, 1) for i in (0, 1) for j in (0, 1)]
    found: np.ndarray = (np.array(voxels) @ affine.T)[:, :3]
    return found


def placed(series: Sequence[FileDataset], cosines: Sequence[float], step: Sequence[float] | None,
           origin: Sequence[float] = (-100.5, -120.25, 30.125)) -> list[FileDataset]:  # fmt: skip
    """The slices at other places, in this order along ``step``: by default 2 mm on the normal."""
    normal = np.cross(cosines[:3], cosines[3:])
    along = 2.0 * normal if step is None else np.asarray(step, float)
    found = [deepcopy(each) for each in series]
    for at, each in enumerate(found):
        each.ImageOrientationPatient = [f"{x:.10g}" for x in cosines]
        each.ImagePositionPatient = [f"{x:.8f}" for x in np.asarray(origin) + at * along]
    return found


def changed(series: Sequence[FileDataset], suffix: str, **values: object) -> list[FileDataset]:
    found = [deepcopy(each) for each in series]
    for each in found:
        each.SOPInstanceUID = f"{each.SOPInstanceUID}.{suffix}"
        for keyword, value in values.items():
            setattr(each, keyword, value)
    return found


def enhanced(series: Sequence[FileDataset], order: Sequence[int]) -> Dataset:
    """One enhanced object of the slices, its frames in ``order``."""
    ds = deepcopy(series[0])
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        del ds[keyword]
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = pydicom.uid.EnhancedCTImageStorage
    ds.NumberOfFrames = len(order)
    shared, orientation, measures = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = series[0].ImageOrientationPatient
    measures.PixelSpacing, measures.SliceThickness = series[0].PixelSpacing, 2
    shared.PlaneOrientationSequence = Items([orientation])
    shared.PixelMeasuresSequence = Items([measures])
    frames = []
    for at in order:
        frame, place = Dataset(), Dataset()
        place.ImagePositionPatient = series[at].ImagePositionPatient
        frame.PlanePositionSequence = Items([place])
        frames.append(frame)
    ds.SharedFunctionalGroupsSequence = Items([shared])
    ds.PerFrameFunctionalGroupsSequence = Items(frames)
    ds.PixelData = b"".join(series[at].PixelData for at in order)
    return ds


def cases(series: list[FileDataset], rng: random.Random) -> Iterator[Case]:
    """series: in the order of space."""

    def whole(name: str, slices: Sequence[FileDataset], *more: Dataset) -> Case:
        return Case(name, [*slices, *more], [slices])

    def numbered(numbers: Sequence[int | None]) -> list[FileDataset]:
        found = [deepcopy(each) for each in series]
        for each, number in zip(found, numbers, strict=True):
            del each.InstanceNumber
            if number is not None:
                each.InstanceNumber = number
        return found

    n = len(series)
    axial = (1, 0, 0, 0, 1, 0)
    yield whole("as it is, shuffled, renamed", series)
    yield whole("without instance numbers", numbered([None] * n))
    yield whole("instance numbers reversed", numbered(range(n, 0, -1)))
    yield whole("instance numbers at random", numbered(rng.sample(range(n), n)))
    yield whole("all with one instance number", numbered([1] * n))
    yield whole("head to feet (columns to the front)", placed(series, (1, 0, 0, 0, -1, 0), None))
    yield whole("sagittal", placed(series, (0, 1, 0, 0, 0, -1), None))
    yield whole("coronal", placed(series, (1, 0, 0, 0, 0, -1), None))
    yield whole("oblique", placed(series, (0.6, 0.8, 0, -0.48, 0.36, 0.8), None))
    yield whole("gantry tilted by 20°", placed(series, (1, 0, 0, 0, _COS, _SIN), (0, 0, 2)))
    kept = [each for at, each in enumerate(series) if at not in (4, 9, 10)]
    yield whole("three slices missing", kept)
    copies = [deepcopy(series[3]), *changed(series[7:9], "1", InstanceNumber=99)]
    yield whole("three copies of slices", series, *copies)
    scouts = changed(placed(series[:2], (0, 1, 0, 0, 0, -1), None), "2",
                     ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], InstanceNumber=0)  # fmt: skip
    yield whole("two localizers of the same series", series, *scouts)
    second = changed(placed(series, (0, 1, 0, 0, 0, -1), None), "3", SeriesInstanceUID="1.2.3")
    yield Case("two series in a folder", [*series, *second], [series, second])
    echoes = [changed(series, str(4 + at), EchoTime=echo) for at, echo in enumerate((10, 40))]
    yield Case("two echoes", [*echoes[0], *echoes[1]], echoes)
    phases = [changed(series, str(6 + at), AcquisitionNumber=at) for at in range(3)]
    yield Case("three acquisitions", [each for many in phases for each in many], phases)
    beside = changed(placed(series, axial, None, (200, 0, 0)), "9")
    here = placed(series, axial, None, (-200, 0, 0))
    yield Case("two stacks side by side", [*here, *beside], [here, beside])


def packaged() -> Iterator[Case]:
    """Series of several slices among pydicom's test files, in the order along their normal."""
    told: dict[str, list[FileDataset]] = {}
    root = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests"
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.name != "DICOMDIR" and not path.suffix:
            ds = pydicom.dcmread(path, force=True)
            if "ImagePositionPatient" in ds and "Rows" in ds:
                told.setdefault(ds.SeriesInstanceUID, []).append(ds)
    for number, members in enumerate(told.values()):
        planes = {tuple(each.ImageOrientationPatient) for each in members}
        if len(members) > 1 and len(planes) == 1:
            normal = np.cross(members[0].ImageOrientationPatient[:3],
                              members[0].ImageOrientationPatient[3:])  # fmt: skip
            members.sort(key=lambda each: float(np.dot(each.ImagePositionPatient, normal)))
            yield Case(f"packaged series {number}, {len(members)} slices", members, [members])


Found = tuple[list[list[int]], float]  # slices of each volume in their order; worst distance, mm


def ours(files: Sequence[Dataset]) -> list[Stack]:
    slices: list[Slice] = []
    for at, each in enumerate(files):
        slices += slices_of(each, at)
    return stacks_of(slices)


def key(members: Sequence[Dataset]) -> tuple[object, ...]:
    """Which places, of which echo and acquisition, in which order."""
    return tuple(
        (corners(each).round(6).tobytes(), each.get("EchoTime"), each.get("AcquisitionNumber"))
        for each in members
    )


def judge_ours(case: Case, files: Sequence[Dataset]) -> tuple[bool, float]:
    stacks = [each for each in ours(files) if each.role == "image" and each.kind == "volume"]
    wanted = {key(volume) for volume in case.volumes}
    right, worst = len(stacks) == len(case.volumes), 0.0
    for stack in stacks:
        affine = stack.affine
        members = [files[each.index] for each in stack.slices]
        if key(members) not in wanted or affine is None:
            right, worst = False, float("inf")
            continue
        for place, each in zip(stack.places, members, strict=True):
            expected = corners(each)
            found = by_affine(affine, each.Columns, each.Rows, place)
            worst = max(worst, float(np.linalg.norm(found - expected, axis=1).max()))
    return right, worst


def judge_monai(case: Case, folder: Path) -> tuple[bool, float] | str:
    from monai.data import PydicomReader

    try:
        reader = PydicomReader()
        values, meta = reader.get_data(reader.read(folder))
    except Exception as error:  # the peer's failure is a result
        return type(error).__name__
    affine = np.asarray(meta["affine"], float)
    # which file each of its slices is: by the pixels, (column, row, slice) of rescaled values
    truth = [each for volume in case.volumes for each in volume]
    pixels = [each.pixel_array * float(each.get("RescaleSlope", 1))
              + float(each.get("RescaleIntercept", 0)) for each in truth]  # fmt: skip
    if values.ndim != 3:
        return f"{values.ndim} axes"
    order, worst = [], 0.0
    for place in range(values.shape[2]):
        same = [at for at, each in enumerate(pixels) if each.T.shape == values.shape[:2]
                and np.array_equal(each.T, values[:, :, place])]  # fmt: skip
        if not same:
            return "other pixels"
        each = truth[same[0]]
        order.append(same[0])
        found = by_affine(affine, each.Columns, each.Rows, place)
        worst = max(worst, float(np.linalg.norm(found - corners(each), axis=1).max()))
    full = list(range(len(truth)))
    return order in (full, full[::-1]) and len(case.volumes) == 1, worst


def write(files: Sequence[Dataset], folder: Path, rng: random.Random) -> list[Path]:
    """Under names that say nothing, in an order that says nothing."""
    names = rng.sample(range(10_000), len(files))
    paths = [folder / f"{name:04}.dcm" for name in names]
    for path, each in zip(paths, files, strict=True):
        each.save_as(path)
    return paths


def row(name: str, own: tuple[bool, float], peer: tuple[bool, float] | str | None) -> None:
    def told(result: tuple[bool, float] | str | None) -> str:
        if result is None or isinstance(result, str):
            return f"{result or '-':>22}"
        return f"{'right' if result[0] else 'WRONG':>10} {result[1]:>11.2e}"

    print(f"{name:40} {told(own)} {told(peer)}")


def is_right(result: tuple[bool, float] | str | None) -> bool:
    return isinstance(result, tuple) and result[0] and result[1] <= RIGHT_MM


def judge_enhanced(series: list[FileDataset], rng: random.Random) -> tuple[bool, float]:
    order = rng.sample(range(len(series)), len(series))
    (stack,) = ours([enhanced(series, order)])
    right = [order[each.frame] for each in stack.slices] == list(range(len(series)))
    if stack.affine is None:
        return False, float("inf")
    worst = [np.abs(by_affine(stack.affine, each.Columns, each.Rows, at) - corners(each)).max()
             for at, each in enumerate(series)]  # fmt: skip
    return right, float(max(worst))


def speed(series: list[FileDataset]) -> None:
    headers = []
    for at in range(100):
        for each in changed(series, str(at)):
            each.SeriesInstanceUID = f"{each.SeriesInstanceUID}.{at}"
            headers.append(each)

    def timed(work: Callable[[], object]) -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    slices: list[Slice] = []
    read = timed(lambda: slices.extend(each for at, ds in enumerate(headers)
                                       for each in slices_of(ds, at)))  # fmt: skip
    stacked = timed(lambda: stacks_of(slices))
    print(f"{len(headers)} headers: {len(headers) / read:.0f}/s to slices, "
          f"{len(headers) / stacked:.0f}/s to stacks, on one core")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-monai", action="store_true")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    paths = sorted((args.data / "dicom" / "series").iterdir())
    series = sorted((pydicom.dcmread(each) for each in paths),
                    key=lambda ds: float(ds.ImagePositionPatient[2]))  # fmt: skip
    if not series:
        raise BadInput("No series in the data folder.")
    print(f"{'case':40} {'domainclip':>22} {'MONAI PydicomReader':>22}\n"
          f"{'':40} {'order':>10} {'affine, mm':>11} {'order':>10} {'affine, mm':>11}")  # fmt: skip
    own_right = peer_right = total = 0
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        for case in (*cases(series, rng), *packaged()):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                written = write(case.files, folder, rng)
                own = judge_ours(case, [pydicom.dcmread(each) for each in sorted(written)])
                peer = None if args.no_monai else judge_monai(case, folder)
            row(case.name, own, peer)
            own_right, peer_right = own_right + is_right(own), peer_right + is_right(peer)
            total += 1
        own = judge_enhanced(series, rng)
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "enhanced.dcm"
            enhanced(series, range(len(series))).save_as(path)
            case = Case("", series, [series])
            peer = None if args.no_monai else judge_monai(case, path)
        row("one enhanced object", own, peer)
        own_right, peer_right = own_right + is_right(own), peer_right + is_right(peer)
        total += 1
        print(f"right in order and affine: domainclip {own_right} of {total}"
              + ("" if args.no_monai else f", MONAI {peer_right} of {total}, ratio "
                 f"{own_right / max(peer_right, 1):.1f}"))  # fmt: skip
        speed(series)


if __name__ == "__main__":
    main()
