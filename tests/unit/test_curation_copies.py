"""Copies are found whatever was done to them, and dull pictures that differ stay apart."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from domainclip.cli import main
from domainclip.curation.evaluation_duplicates import EvaluationDuplicates
from domainclip.curation.near_duplicates import NearDuplicates
from domainclip.errors import BadInput, UsageError
from domainclip.images.phash import phash
from domainclip.pairs import PAIR_SCHEMA, open_pairs
from tests.data.make_pairs import make_pair, write_pairs

TURNS = list(Image.Transpose)


@lru_cache(maxsize=64)
def scene(seed: int, *, contrast: float = 90.0, side: int = 160) -> Image.Image:
    """Cloudy noise over many scales, as land has it."""
    random = np.random.default_rng(seed)
    grey = np.zeros((side, side, 3))
    for cells in (3, 6, 12, 40):
        layer = random.normal(size=(cells, cells, 3)).astype(np.float32)
        bands = [
            Image.fromarray(layer[..., band]).resize((side, side), Image.Resampling.BICUBIC)
            for band in range(3)
        ]
        grey += np.stack([np.asarray(band) for band in bands], axis=-1) / cells**0.5
    grey = 120 + contrast * grey / grey.std()
    return Image.fromarray(grey.clip(0, 255).round().astype(np.uint8))


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def table_of(images: list[bytes]) -> pa.Table:
    hashes = [phash(Image.open(io.BytesIO(image))) for image in images]
    return pa.table(
        {
            "image": pa.array([{"bytes": image, "path": ""} for image in images],
                              PAIR_SCHEMA.field("image").type),
            "phash": pa.array(hashes, pa.uint64()),
        }
    )  # fmt: skip


def copies(image: Image.Image) -> list[bytes]:
    return [
        *(encoded(image, "JPEG", quality=quality) for quality in (60, 75, 95)),
        *(encoded(image.resize((side, side), Image.Resampling.BICUBIC)) for side in (80, 240)),
    ]


@pytest.mark.parametrize("verify", [False, True])
def test_reencoded_and_rescaled_copies_are_left_out(verify: bool) -> None:
    images = [encoded(scene(seed)) for seed in range(12)]
    table = table_of([*images, *(copy for seed in range(12) for copy in copies(scene(seed)))])
    keep = NearDuplicates(verify=verify).start()(table)
    assert keep[:12].all()
    assert not keep[12:].any()


@pytest.mark.parametrize("cut", [7, 500])
def test_turned_and_mirrored_copies_are_left_out_only_if_asked_for(cut: int) -> None:
    images = [encoded(scene(seed)) for seed in range(8)]
    turned = [
        encoded(scene(seed).transpose(turn), "JPEG", quality=80)
        for seed in range(8)
        for turn in TURNS
    ]
    table = table_of([*images, *turned])
    for chosen in (NearDuplicates(rotations=True), NearDuplicates(rotations=True, verify=True)):
        assert chosen.columns == ("image",)
        decide = chosen.start()
        keep = np.concatenate([decide(table.slice(at, cut)) for at in range(0, len(table), cut)])
        assert keep.tolist() == [True] * 8 + [False] * len(turned)
    assert NearDuplicates().start()(table).sum() > 8


def test_verified_dull_pictures_stay_apart_where_their_hashes_are_near() -> None:
    # two pictures whose signs agree and whose magnitudes do not
    random = np.random.default_rng(5)
    signs, x = random.choice([-1.0, 1.0], (8, 8)), (np.arange(64) + 0.5) / 64
    waves = np.cos(np.pi * np.arange(8)[:, None] * x)  # (8, 64)

    def picture(seed: int) -> bytes:
        sizes = np.random.default_rng(seed).exponential(size=(8, 8)) ** 2 + 0.3
        sizes[0, 0] = 0
        values = waves.T @ (signs * sizes) @ waves
        return encoded(Image.fromarray((128 + 10 * values / values.std()).astype(np.uint8)))

    table = table_of([picture(seed) for seed in range(20)])
    apart = NearDuplicates(distance=8, verify=True).start()(table).sum()
    assert apart == 20
    assert NearDuplicates(distance=8).start()(table).sum() < 20
    # and a copy of each is still one
    again = pa.concat_tables([table, table])
    assert NearDuplicates(distance=8, verify=True).start()(again).sum() == 20


def test_a_verified_copy_has_about_the_contrast_of_its_original() -> None:
    original = scene(3, contrast=40)
    grey = np.asarray(original, dtype=float)

    def faded(times: float) -> bytes:
        return encoded(Image.fromarray((120 + (grey - 120) * times).round().astype(np.uint8)))

    table = table_of([encoded(original), faded(0.85), faded(0.4)])
    assert NearDuplicates(distance=8).start()(table).tolist() == [True, False, False]
    verified = NearDuplicates(distance=8, verify=True).start()(table)
    assert verified.tolist() == [True, False, True]


def test_what_cannot_be_decoded_is_kept() -> None:
    whole = encoded(scene(1))
    table = pa.table(
        {"image": pa.array([{"bytes": data, "path": ""} for data in (b"", b"no", whole, whole)])}
    )
    for chosen in (NearDuplicates(verify=True), NearDuplicates(rotations=True)):
        assert chosen.start()(table).tolist() == [True, True, True, False]


@pytest.fixture
def training(tmp_path: Path) -> Path:
    """Ten scenes; 2 and 5 are in the evaluation set: one as another JPEG, one turned."""
    pairs = [
        make_pair(seed, image=encoded(scene(seed)), phash=phash(scene(seed))) for seed in range(10)
    ]
    # a flat one is known by its bytes alone
    flat = Image.new("RGB", (40, 40), (9, 9, 9))
    pairs.append(make_pair(10, image=encoded(flat), phash=phash(flat)))
    write_pairs(tmp_path / "training", pairs)
    return tmp_path / "training"


def held_out(tmp_path: Path, form: str) -> Path:
    images = [
        encoded(scene(2), "JPEG", quality=70),
        encoded(scene(5).transpose(Image.Transpose.ROTATE_90)),
        encoded(scene(77)),
    ]
    if form == "folder":
        (tmp_path / "eval" / "deep").mkdir(parents=True)
        for number, image in enumerate(images):
            (tmp_path / "eval" / "deep" / f"{number}.PNG").write_bytes(image)
        (tmp_path / "eval" / "broken.jpg").write_bytes(b"no image")
        (tmp_path / "eval" / "notes.txt").write_text("of no concern")
    else:
        pairs = [make_pair(at, image=image, split="test") for at, image in enumerate(images)]
        pairs.append(make_pair(9, image=encoded(scene(9)), split="train"))
        write_pairs(tmp_path / "eval", pairs)
    return tmp_path / "eval"


@pytest.mark.parametrize("form", ["folder", "pairs"])
def test_training_images_near_an_evaluation_image_are_left_out(
    training: Path, tmp_path: Path, form: str
) -> None:
    against = str(held_out(tmp_path, form))
    table = open_pairs(training).table(["phash", "sha256"])
    split = "" if form == "folder" else "test"
    found = EvaluationDuplicates(against=against, split=split).start()(table)
    assert np.flatnonzero(~found).tolist() == [2, 5]
    found = EvaluationDuplicates(against=against, split=split, rotations=False).start()(table)
    assert np.flatnonzero(~found).tolist() == [2]
    if form == "pairs":
        found = EvaluationDuplicates(against=against).start()(table)
        assert np.flatnonzero(~found).tolist() == [2, 5, 9]


def test_the_same_file_is_left_out_whatever_its_hash(training: Path, tmp_path: Path) -> None:
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval" / "flat.png").write_bytes(encoded(Image.new("RGB", (40, 40), (9, 9, 9))))
    (tmp_path / "eval" / "other_flat.png").write_bytes(
        encoded(Image.new("RGB", (40, 40), (200, 9, 9)))
    )
    table = open_pairs(training).table(["phash", "sha256"])
    found = EvaluationDuplicates(against=str(tmp_path / "eval")).start()(table)
    assert np.flatnonzero(~found).tolist() == [10]


def test_the_command_leaves_evaluation_images_out_and_counts_them(
    training: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    against = held_out(tmp_path, "folder")
    words = ["curate", str(training), "-o", str(tmp_path / "out")]
    assert main([*words, "--filter", f"evaluation_duplicates:against={against}"]) == 0
    assert "evaluation_duplicates  dropped 2 of 11" in capsys.readouterr().out
    words = ["curate", str(training), "-o", str(tmp_path / "turned")]
    assert main([*words, "--filter", "near_duplicates:distance=6,rotations=true,verify=true"]) == 0
    assert "dropped 0 of 11" in capsys.readouterr().out


def test_an_evaluation_set_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give against=PATH"):
        EvaluationDuplicates()
    with pytest.raises(UsageError, match="from 0 to 8 bits"):
        EvaluationDuplicates(against="x", distance=20)
    with pytest.raises(BadInput, match="no such directory"):
        EvaluationDuplicates(against=str(tmp_path / "none")).start()
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="holds no image that can be decoded"):
        EvaluationDuplicates(against=str(tmp_path / "empty")).start()
    with pytest.raises(UsageError, match="has no splits"):
        EvaluationDuplicates(against=str(tmp_path / "empty"), split="test").start()
