"""Reading and decoding DICOM: every codec gives its uncompressed twin, every odd file what is in
it, and a hostile one a sentence."""

from __future__ import annotations

import io
import random
import struct
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import data_store
import numpy as np
import pydicom
import pytest
import zstandard
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from domainclip.errors import BadInput
from domainclip.extractors.dicom.pixels.decoding import Decoded, Undecodable, decode
from domainclip.extractors.dicom.pixels.reading import attribute, read_dataset
from tests.data.make_dicom import as_bytes, image, jpeg, jpeg_image, ramp

PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"
STORE = Path(data_store.__file__).parent / "data"
MAX = 1 << 24


def wide(**options: Any) -> np.ndarray:
    """As wide as pydicom's JPEG 2000 encoder wants it."""
    return ramp(48, 40, **options)


def again(dataset: Dataset, **how: Any) -> Dataset:
    """Written and read."""
    return read_dataset(as_bytes(dataset, **how))


def first(dataset: Dataset) -> np.ndarray:
    return decode(dataset, max_pixels=MAX).frame(0)


def repairs(decoded: Decoded) -> str:
    for _ in decoded.frames():
        pass
    return " / ".join(decoded.repairs)


def encoded_by(syntax: str, values: np.ndarray, **options: Any) -> Dataset:
    """``image`` of values, compressed by pydicom."""
    dataset = image(values, **options)
    dataset.compress(syntax)
    return dataset


# Reading


@pytest.mark.parametrize(
    "syntax",
    [
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        DeflatedExplicitVRLittleEndian,
        ExplicitVRBigEndian,
    ],
)
@pytest.mark.parametrize("how", [{}, {"preamble": False}, {"meta": False}])
def test_files_without_preamble_or_meta_are_read(syntax: str, how: dict[str, bool]) -> None:
    dataset = image(ramp(bits=8), syntax=syntax)
    if syntax == DeflatedExplicitVRLittleEndian and how == {"meta": False}:
        whole = as_bytes(dataset)
        data = whole[whole.index(b"PYDICOM") + 14 :]
    else:
        data = as_bytes(dataset, **how)
    read = read_dataset(data)
    assert read.Columns == 24
    assert (first(read) == ramp(bits=8)).all()
    assert ("TransferSyntaxUID" in read.file_meta) is (how != {"meta": False})


def test_a_missing_transfer_syntax_stays_missing_and_is_told() -> None:
    read = again(image(), meta=False)
    assert "transfer syntax is missing" in repairs(decode(read, max_pixels=MAX))
    assert decode(read, max_pixels=MAX).syntax == ""


def test_headers_are_read_without_the_pixels(tmp_path: Path) -> None:
    class Counting(io.BytesIO):
        given = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            Counting.given += len(data)
            return data

    data = as_bytes(image(np.zeros((2000, 2000), np.uint16)))
    header = read_dataset(Counting(data), pixels=False)
    assert header.Rows == 2000
    assert "PixelData" not in header
    assert Counting.given < 1 << 17


def test_the_header_of_a_long_sequence_is_read_from_a_stream() -> None:
    dataset = image()
    dataset.SourceImageSequence = [Dataset() for _ in range(3000)]
    for item in dataset.SourceImageSequence:
        item.ReferencedSOPInstanceUID = "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19"
    data = as_bytes(dataset)
    assert len(data) > 1 << 17
    read = read_dataset(io.BytesIO(data), pixels=False)
    assert len(read.SourceImageSequence) == 3000
    assert read.Columns == 24


def header_bytes() -> bytes:
    data = as_bytes(image())
    return data[: data.index(b"\x28\x00\x02\x00US")]


def nested(levels: int, defined: bool) -> bytes:
    if not defined:
        one = b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
        return one * levels
    inner = b""
    for _ in range(levels):
        item = b"\xfe\xff\x00\xe0" + struct.pack("<L", len(inner)) + inner
        inner = b"\x40\x00\x30\xa7SQ\0\0" + struct.pack("<L", len(item)) + item
    return inner


@pytest.mark.parametrize(
    ("bomb", "reason"),
    [
        (nested(10_000, defined=False), "too_deep"),
        (nested(10_000, defined=True), "too_deep"),
        (b"\x28\x00\x02\x00OB\0\0\xfe\xff\xff\xffabc", "truncated_header"),
        (b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0", "truncated_header"),
    ],
)
def test_nests_and_lengths_without_end_are_refused_at_once(bomb: bytes, reason: str) -> None:
    data = header_bytes() + bomb
    tracemalloc.start()
    begun = time.perf_counter()
    for source in (data, io.BytesIO(data)):
        with pytest.raises(Undecodable) as refused:
            read_dataset(source)
        assert refused.value.reason == reason
    assert time.perf_counter() - begun < 1
    assert tracemalloc.get_traced_memory()[1] < 20 * len(data) + (1 << 20)
    tracemalloc.stop()


def test_as_many_levels_as_allowed_are_read() -> None:
    levels = nested(20, defined=True)
    data = header_bytes()
    assert "ContentSequence" in read_dataset(data + levels)
    with pytest.raises(Undecodable):
        read_dataset(data + levels, max_depth=19)


def test_a_deflated_bomb_is_refused() -> None:
    data = as_bytes(image(syntax=DeflatedExplicitVRLittleEndian))
    meta = data[: data.index(b"PYDICOM") + 14]
    plain = as_bytes(image())
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = pack.compress(plain[plain.index(b"PYDICOM") + 14 :] + bytes(1 << 24)) + pack.flush()
    with pytest.raises(Undecodable) as refused:
        read_dataset(meta + packed, max_bytes=1 << 20)
    assert refused.value.reason == "too_large"


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 500, b"%PDF-1.7 " * 100, b"<html>" * 50, bytes(range(256)) * 8]
)
def test_other_files_are_not_dicom(data: bytes) -> None:
    with pytest.raises(Undecodable) as refused:
        read_dataset(data)
    assert refused.value.reason == "not_dicom"


def test_errors_hold_nothing_of_the_file() -> None:
    for broken in ({"Rows": None}, {"Rows": 4000}, {"PixelData": None}):
        dataset = image(name="Secret^Person", patient="SECRET7", extra=broken)
        with pytest.raises(BadInput) as refused:
            decode(again(dataset), max_pixels=MAX)
        assert "ecret" not in str(refused.value).lower()
        assert refused.value.__cause__ is None


def test_attributes_that_cannot_be_read_are_none() -> None:
    dataset = again(image(extra={"ImageComments": ""}))
    assert attribute(dataset, "ImageComments") is None
    assert attribute(dataset, "Rows") == 32
    assert attribute(dataset, "PatientWeight") is None


# Uncompressed pixels


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize(
    "values",
    [
        ramp(),
        ramp(bits=8),
        ramp(frames=3),
        ramp(15, 13, bits=8),
        (ramp().astype(np.int16) - 900),
        ramp(bits=8, samples=3),
        ramp(frames=2, bits=16, samples=3),
        ramp().astype(np.uint32) * 70_001,
        ramp().astype(np.float32) / 7,
        ramp().astype(np.float64) / 7,
        ramp(7, 5, frames=3) % 3 > 1,  # bits that do not fill bytes
    ],
    ids=lambda values: f"{values.dtype}-{'x'.join(map(str, values.shape))}",
)
def test_stored_values_come_back(values: np.ndarray, syntax: str) -> None:
    decoded = decode(again(image(values, syntax=syntax)), max_pixels=MAX)
    got = np.stack(list(decoded.frames()))
    assert (got.squeeze() == values).all()
    assert got.dtype == (np.uint8 if values.dtype == bool else values.dtype)
    assert decoded.repairs == ()


def test_colour_by_plane_and_frames_by_index() -> None:
    values = ramp(frames=4, bits=8, samples=3)
    decoded = decode(again(image(values, planar=1)), max_pixels=MAX, frames=(3, 1, 9))
    assert decoded.count == 4
    assert decoded.indices == (3, 1)
    assert (np.stack(list(decoded.frames())) == values[[3, 1]]).all()
    assert (decoded.frame(0) == values[0]).all()
    with pytest.raises(IndexError):
        decoded.frame(4)


def test_unused_bits_are_no_part_of_the_value() -> None:
    signed = (ramp(bits=12).astype(np.int16) - 2048) & 0x0FFF | 0x5000
    dataset = image(
        signed.astype(np.uint16), bits_stored=12, extra={"PixelRepresentation": 1, "HighBit": 11}
    )
    assert (first(again(dataset)) == ramp(bits=12).astype(np.int16) - 2048).all()
    shifted = image(ramp(bits=12) << 4 | 7, bits_stored=12, extra={"HighBit": 15})
    assert (first(again(shifted)) == ramp(bits=12)).all()


def test_subsampled_chroma_is_filled_up() -> None:
    data = bytes([10, 20, 100, 200] * 4)  # Y1 Y2 Cb Cr
    values = np.zeros((2, 4, 3), np.uint8)
    dataset = image(values, photometric="YBR_FULL_422")
    dataset.PixelData = data
    decoded = decode(again(dataset), max_pixels=MAX)
    assert decoded.photometric == "YBR_FULL"
    assert decoded.frame(0).tolist() == [[[10, 100, 200], [20, 100, 200]] * 2] * 2


# Codecs


TWINS = (
    [
        (STORE / f"{name}_J2KR.dcm", STORE / f"{name}_UNCR.dcm")
        for name in ("693", "MR2", "RG3", "US1")
    ]
    + [
        (PYDICOM_FILES / a, STORE / b if (STORE / b).is_file() else PYDICOM_FILES / b)
        for a, b in [
            ("MR_small_RLE.dcm", "MR_small.dcm"),
            ("MR_small_jp2klossless.dcm", "MR_small.dcm"),
            ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
            ("MR_small_bigendian.dcm", "MR_small.dcm"),
            ("MR_small_expb.dcm", "MR_small.dcm"),
            ("MR_small_implicit.dcm", "MR_small.dcm"),
            ("MR_small_padded.dcm", "MR_small.dcm"),
            ("SC_rgb_rle.dcm", "SC_rgb.dcm"),
            ("SC_rgb_rle_2frame.dcm", "SC_rgb_2frame.dcm"),
            ("SC_rgb_rle_16bit.dcm", "SC_rgb_16bit.dcm"),
            ("SC_rgb_rle_16bit_2frame.dcm", "SC_rgb_16bit_2frame.dcm"),
            ("SC_rgb_rle_32bit.dcm", "SC_rgb_32bit.dcm"),
            ("SC_rgb_rle_32bit_2frame.dcm", "SC_rgb_32bit_2frame.dcm"),
            ("rtdose_rle.dcm", "rtdose.dcm"),
            ("rtdose_expb.dcm", "rtdose.dcm"),
        ]
    ]
    + [
        (STORE / a, STORE / b)
        for a, b in [
            ("OBXXXX1A_rle.dcm", "OBXXXX1A.dcm"),
            ("OBXXXX1A_rle_2frame.dcm", "OBXXXX1A_2frame.dcm"),
            ("OBXXXX1A_expb.dcm", "OBXXXX1A.dcm"),
            ("emri_small_RLE.dcm", "emri_small.dcm"),
            ("emri_small_jpeg_2k_lossless.dcm", "emri_small.dcm"),
            ("emri_small_jpeg_ls_lossless.dcm", "emri_small.dcm"),
            ("emri_small_big_endian.dcm", "emri_small.dcm"),
            ("SC_rgb_expb.dcm", "SC_rgb.dcm"),
            ("SC_rgb_expb_16bit.dcm", "SC_rgb_16bit.dcm"),
            ("liver_expb.dcm", "liver.dcm"),
        ]
    ]
)


@pytest.mark.parametrize(("coded", "plain"), TWINS, ids=lambda path: path.stem)
def test_lossless_codecs_give_their_uncompressed_twin(coded: Path, plain: Path) -> None:
    a, b = (decode(read_dataset(p.read_bytes()), max_pixels=1 << 26) for p in (coded, plain))
    assert a.count == b.count
    for one, other in zip(a.frames(), b.frames(), strict=True):
        assert (one == other).all()


@pytest.mark.parametrize(
    "name",
    ["CT1_J2KR", "CT1_JLSL", "CT1_JPLL", "CT1_RLE", "MR1_J2KR", "MR1_JLSL", "MR1_JPLL", "MR1_RLE",
     "US1_J2KR", "US1_RLE"],
)  # fmt: skip
def test_wg04_codecs_give_the_reference(shared_data: Path, name: str) -> None:
    subject, codec = name.split("_")
    folder = shared_data / "dicom" / "codecs"
    path = folder / codec / name
    packed = (folder / "REF" / f"{subject}_UNC.zst").read_bytes()
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    assert (first(read_dataset(path.read_bytes())) == first(read_dataset(plain))).all()


@pytest.mark.parametrize(
    "values",
    [wide(), wide(bits=8), wide().astype(np.int16) - 900, wide(bits=8, samples=3), wide(frames=3)],
    ids=["12bit", "8bit", "signed", "colour", "frames"],
)
@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless])
def test_what_pydicom_encodes_comes_back(values: np.ndarray, syntax: str) -> None:
    decoded = decode(again(encoded_by(syntax, values)), max_pixels=MAX)
    got = np.stack(list(decoded.frames())).squeeze()
    assert (got == values).all()
    assert got.dtype.kind == values.dtype.kind
    assert decoded.photometric == ("RGB" if values.shape[-1] == 3 else "MONOCHROME2")


def test_jpeg_2000_is_decoded_smaller_where_that_is_enough() -> None:
    y, x = np.mgrid[:333, :517]
    smooth = (x + 2 * y).astype(np.int16) - 500
    dataset = again(encoded_by(JPEG2000Lossless, smooth))
    decoded = decode(dataset, max_pixels=MAX, max_px=128)
    assert decoded.reduction == 4
    small = decoded.frame(0)
    assert small.shape == (84, 130)
    assert small.dtype == np.int16
    # the low-pass sample of a slope is the slope at its place
    assert np.abs(small[:80, :125] - smooth[::4, ::4][:80, :125].astype(int)).max() <= 3
    assert decode(dataset, max_pixels=MAX, max_px=518).reduction == 1
    assert decode(dataset, max_pixels=MAX).reduction == 1


def test_an_image_has_a_limit_before_and_inside_the_codec() -> None:
    bomb = image(ramp(), extra={"Rows": 60_000, "Columns": 60_000})
    bomb.PixelData = bytes(64)
    tall = encoded_by(JPEG2000Lossless, np.zeros((1024, 1024), np.uint8))
    tall.Rows = tall.Columns = 4
    cine = image(ramp(frames=20, bits=8))
    for dataset, limit in ((tall, 1 << 19), (cine, 32 * 24 * 19)):
        with pytest.raises(Undecodable, match="limit is") as refused:
            decode(again(dataset), max_pixels=limit)
        assert refused.value.reason == "too_many_pixels"
    with pytest.raises(Undecodable, match="100 % of the pixel data are missing"):
        decode(again(bomb), max_pixels=MAX)
    assert decode(again(cine), max_pixels=32 * 24 * 19, frames=()).count == 20
    assert decode(again(cine), max_pixels=32 * 24 * 19, frames=range(19)).indices[-1] == 18


# Repairs


def test_scan_headers_of_jpeg_extended_are_repaired(shared_data: Path) -> None:
    folder = shared_data / "dicom" / "codecs"
    packed = (folder / "REF" / "MR1_UNC.zst").read_bytes()
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    decoded = decode(read_dataset((folder / "JPLY" / "MR1_JPLY").read_bytes()), max_pixels=1 << 26)
    difference = decoded.frame(0).astype(int) - first(read_dataset(plain))
    assert np.abs(difference).mean() < 12
    assert "scan header" in repairs(decoded)


def told(dataset: Dataset, words: str, values: np.ndarray, **how: Any) -> Decoded:
    """Decodes, says ``words`` of the repair, and gives ``values``."""
    decoded = decode(again(dataset, **how), max_pixels=MAX)
    got = np.stack(list(decoded.frames()))
    assert (got.squeeze() == values).all()
    assert words in " / ".join(decoded.repairs)
    return decoded


def test_the_codec_is_found_where_the_transfer_syntax_is_wrong() -> None:
    data = as_bytes(encoded_by(RLELossless, ramp())).replace(
        b"1.2.840.10008.1.2.5\0", b"1.2.840.10008.1.2.1\0"
    )
    decoded = decode(read_dataset(data), max_pixels=MAX)
    assert (decoded.frame(0) == ramp()).all()
    assert "one of uncompressed pixels" in repairs(decoded)
    for syntax in (JPEG2000Lossless, JPEGLSLossless):
        data = as_bytes(encoded_by(syntax, wide())).replace(
            str(syntax).encode(), b"1.2.840.10008.1.2.4.50"
        )
        assert (first(read_dataset(data)) == wide()).all()


def test_uncompressed_pixels_under_a_compressed_syntax_are_read() -> None:
    data = as_bytes(image()).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0")
    decoded = decode(read_dataset(data), max_pixels=MAX)
    assert (decoded.frame(0) == ramp()).all()
    assert "not compressed" in repairs(decoded)


def test_a_codestream_without_fragments_is_read() -> None:
    values = ramp(64, 48, bits=8)
    dataset = image(values)
    dataset.PixelData = jpeg(values) + b"\0"
    decoded = decode(again(dataset), max_pixels=MAX)
    assert np.abs(decoded.frame(0).astype(int) - values).max() < 12
    assert "not in fragments" in repairs(decoded)


def test_pixels_that_were_cut_are_padded_and_more_than_half_missing_is_refused() -> None:
    values = ramp()
    dataset = image(values, extra={"PixelPaddingValue": 9})
    dataset.PixelData = dataset.PixelData[: 24 * 24 * 2]
    decoded = decode(again(dataset), max_pixels=MAX)
    got = decoded.frame(0)
    assert (got[:24] == values[:24]).all()
    assert (got[24:] == 9).all()
    assert "25 % of the image are missing" in repairs(decoded)
    dataset.PixelData = dataset.PixelData[: 15 * 24 * 2]
    with pytest.raises(Undecodable) as refused:
        decode(again(dataset), max_pixels=MAX)
    assert refused.value.reason == "truncated_pixels"


def test_a_file_that_ends_in_its_pixels_is_read() -> None:
    data = as_bytes(image())
    decoded = decode(read_dataset(data[:-300]), max_pixels=MAX)
    assert (decoded.frame(0)[:25] == ramp()[:25]).all()
    frames = as_bytes(image(ramp(frames=5)))
    decoded = decode(read_dataset(frames[: -(2 * 32 * 24 * 2 + 1400)]), max_pixels=MAX)
    assert decoded.count == 2
    assert "2 of 5 frames" in repairs(decoded)


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGLSLossless])
def test_a_cut_jpeg_says_how_much_is_missing(syntax: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (160, 160)).astype(np.uint8)
    whole = jpeg_image(noise) if syntax == JPEGBaseline8Bit else encoded_by(syntax, noise)
    frame = next(pydicom.encaps.generate_frames(whole.PixelData, number_of_frames=1))
    for kept, there in ((0.75, True), (0.2, False)):
        whole.PixelData = encapsulate([frame[: int(len(frame) * kept)]])
        decoded = decode(again(whole), max_pixels=MAX)
        if there:
            assert "compressed image was cut" in repairs(decoded)
            kept_rows = (decoded.frame(0) != 0).any(axis=1)
            assert 0.65 < kept_rows.mean() < 0.85
            intact = decode(again(image(noise)), max_pixels=MAX).frame(0)
            error = np.abs(decoded.frame(0).astype(int) - intact)[kept_rows]
            assert error.max() <= (30 if syntax == JPEGBaseline8Bit else 0)
        else:
            with pytest.raises(Undecodable, match="missing"):
                decoded.frame(0)


def test_a_cut_rle_frame_loses_its_own_rows_only() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    dataset = encoded_by(RLELossless, noise)
    data = as_bytes(dataset)
    decoded = decode(read_dataset(data[:-1000]), max_pixels=MAX)
    assert (decoded.frame(0)[:45] == noise[:45]).all()
    assert "RLE data were cut" in repairs(decoded)


def test_surplus_bytes_are_left_out() -> None:
    dataset = image()
    dataset.PixelData += bytes(130)
    told(dataset, "130 bytes behind", ramp())


@pytest.mark.parametrize(
    ("values", "extra", "words"),
    [
        (ramp(frames=3), {"NumberOfFrames": 1}, "Number of Frames is 3"),
        (ramp(frames=3), {"NumberOfFrames": None}, "Number of Frames is 3"),
        (ramp(frames=3), {"NumberOfFrames": 7}, "Number of Frames is 3"),
        (ramp(), {"BitsAllocated": 8}, "Bits Allocated is 16"),
        (ramp(bits=8), {"BitsAllocated": 16}, "Bits Allocated is 8"),
        (ramp(), {"BitsAllocated": None}, "Bits Allocated is missing"),
        (ramp(), {"BitsStored": None}, "Bits Stored is taken as 16"),
        (ramp(), {"HighBit": 3}, "High Bit is taken as 11"),
        (ramp(), {"HighBit": None}, ""),
        (ramp(), {"PixelRepresentation": None}, "Pixel Representation is missing"),
        (ramp(), {"PhotometricInterpretation": None}, "Photometric Interpretation is missing"),
        (ramp(), {"PhotometricInterpretation": "RGB"}, "taken as MONOCHROME2"),
        (ramp(), {"SamplesPerPixel": 3}, "Samples per Pixel is 1"),
        (ramp(), {"SamplesPerPixel": None}, "Samples per Pixel is missing"),
        (ramp(bits=8, samples=3), {"SamplesPerPixel": 1}, "Samples per Pixel is 3"),
        (ramp(bits=8, samples=3), {"PlanarConfiguration": None}, ""),
        (ramp(bits=8, samples=3), {"PhotometricInterpretation": "MONOCHROME2"}, "taken as RGB"),
        (ramp(bits=8, samples=3), {"PhotometricInterpretation": "YBR_FULL_422"}, "not subsampled"),
    ],
)
def test_uncompressed_pixels_correct_their_header(
    values: np.ndarray, extra: dict[str, Any], words: str
) -> None:
    told(image(values, extra=extra), words, values)


@pytest.mark.parametrize(
    ("values", "extra", "words"),
    [
        (wide(), {"Rows": 16}, "the compressed image has 40 x 48 pixels"),
        (wide(), {"BitsStored": 16, "HighBit": 15}, "12 bits a sample, not 16"),
        (wide(), {"BitsStored": 8, "HighBit": 7, "BitsAllocated": 8}, "need more bits"),
        (wide(), {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "1 samples a pixel"),
        (wide(bits=8, samples=3), {"SamplesPerPixel": 1}, "3 samples a pixel"),
        (wide(frames=3), {"NumberOfFrames": 1}, "Number of Frames is 3"),
        (wide(frames=3), {"NumberOfFrames": 8}, "Number of Frames is 3"),
    ],
)
def test_a_codestream_corrects_its_header(
    values: np.ndarray, extra: dict[str, Any], words: str
) -> None:
    dataset = encoded_by(JPEG2000Lossless, values)
    for keyword, value in extra.items():
        setattr(dataset, keyword, value)
    told(dataset, words, values)


@pytest.mark.parametrize("declared", [1, 2])
def test_frames_of_many_fragments_do_without_a_table(declared: int) -> None:
    values = ramp(48, 40, frames=2)
    one = encoded_by(JPEG2000Lossless, values)
    frames = list(pydicom.encaps.generate_frames(one.PixelData, number_of_frames=2))
    pieces = [f[i : i + 100] for f in frames for i in range(0, len(f), 100)]
    assert len(pieces) > 4
    for table in (b"", struct.pack("<LL", 0, 77), struct.pack("<L", 0)):
        items = [table, *pieces]
        one.PixelData = b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<L", len(i)) + i for i in items)
        one.NumberOfFrames = declared
        got = list(decode(again(one), max_pixels=MAX).frames())
        assert (np.stack(got) == values).all()


def test_colour_is_what_the_jpeg_says_itself() -> None:
    flat = np.full((32, 32, 3), (200, 40, 90), np.uint8)
    ybr = jpeg_image(flat, photometric="RGB")  # JFIF: YCbCr, whatever the header says
    decoded = decode(again(ybr), max_pixels=MAX)
    assert decoded.photometric == "YBR_FULL"
    assert "YBR_FULL, as it says itself" in repairs(decoded)
    y = 0.299 * 200 + 0.587 * 40 + 0.114 * 90
    assert abs(float(decoded.frame(0)[..., 0].mean()) - y) < 2


def test_films_and_unknown_syntaxes_have_their_reason() -> None:
    for syntax, reason in (
        ("1.2.840.10008.1.2.4.102", "missing_decoder"),
        ("1.2.3.4.5", "unknown_transfer_syntax"),
        (JPEGBaseline8Bit, "corrupt_pixels"),
    ):
        dataset = image()
        dataset.PixelData = b"\x01\x02" * 300
        dataset.file_meta.TransferSyntaxUID = syntax
        data = as_bytes(image()).replace(
            b"UI\x14\x001.2.840.10008.1.2.1\0",
            b"UI"
            + struct.pack("<H", len(syntax) + len(syntax) % 2)
            + syntax.encode()
            + b"\0" * (len(syntax) % 2),
        )
        read = read_dataset(data)
        read.PixelData = dataset.PixelData
        with pytest.raises(Undecodable) as refused:
            decode(read, max_pixels=MAX)
        assert refused.value.reason == reason


# Real odd files


@pytest.mark.parametrize(
    "name",
    [
        "1403-OB.dcm", "CR-MONO1-10-chest", "D_CLUNIE_CT1_RLE_FRAGS.dcm", "GH1301.dcm",
        "GH364.dcm", "OutOfBoundsOverlay.dcm", "TestPattern_Palette_16.dcm",
    ],
)  # fmt: skip
def test_malformed_real_files_decode(shared_data: Path, name: str) -> None:
    dataset = read_dataset((shared_data / "dicom" / "malformed" / name).read_bytes())
    if "PixelData" in dataset:
        decoded = decode(dataset, max_pixels=1 << 26)
        assert decoded.frame(0).shape[:2] == (dataset.Rows, dataset.Columns)


# Hostile files


def mutated(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    kind = rng.randrange(5)
    if kind == 0:
        return bytes(out[: rng.randrange(len(out))])
    if kind == 1:
        for _ in range(rng.randrange(1, 8)):
            out[rng.randrange(len(out))] = rng.randrange(256)
    elif kind == 2:
        for _ in range(rng.randrange(1, 4)):
            out[rng.randrange(min(len(out), 1500))] = rng.randrange(256)
    elif kind == 3:
        at = rng.randrange(len(out))
        del out[at : at + rng.randrange(1, 20)]
    else:  # a value of group 0028
        places = [i for i in range(len(out) - 10) if out[i : i + 2] == b"\x28\x00"][:30]
        if places:
            at = rng.choice(places) + 8
            out[at : at + 2] = rng.choice([b"\0\0", b"\x01\0", b"\x03\0", b"\xff\xff", b"\x10\0"])
    return bytes(out)


def test_nothing_but_bad_input_comes_out_of_damaged_files(
    capfd: pytest.CaptureFixture[str],
) -> None:
    seeds = [
        as_bytes(image()),
        as_bytes(image(ramp(frames=3, bits=8, samples=3), planar=1)),
        as_bytes(image(ramp().astype(np.float32))),
        as_bytes(image(ramp() > 99)),
        as_bytes(jpeg_image(ramp(bits=8, samples=3))),
        as_bytes(encoded_by(JPEG2000Lossless, wide(frames=2))),
        as_bytes(encoded_by(JPEGLSLossless, wide())),
        as_bytes(encoded_by(RLELossless, ramp(bits=8, samples=3))),
        as_bytes(image(syntax=ImplicitVRLittleEndian), meta=False),
        *(
            (PYDICOM_FILES / name).read_bytes()
            for name in ("MR_small_RLE.dcm", "JPGExtended.dcm", "SC_rgb_jpeg_gdcm.dcm")
        ),
    ]
    rng = random.Random(0)
    for i in range(240):
        data = mutated(seeds[i % len(seeds)], rng)
        try:
            for _ in decode(read_dataset(data), max_pixels=1 << 22).frames():
                pass
        except BadInput as refused:
            assert str(refused)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
