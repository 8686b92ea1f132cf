"""Out and back: every format gives the pairs back, as far as it can hold them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domainclip.pairs import Pair, Pairs, Skip, Text, open_pairs
from domainclip.pairs.formats import csv, folders, huggingface, import_pairs, webdataset
from tests.data.make_pairs import encoded_image, make_pair, write_pairs

# any text that UTF-8 can hold: quotes, tabs, line ends, NUL, right-to-left, emoji
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = texts.filter(bool)
objects = st.dictionaries(
    texts,
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts | st.lists(st.integers(), max_size=2),
    max_size=2,
)  # fmt: skip
IMAGES = [encoded_image(n, form=form) for n in range(2) for form in ("PNG", "JPEG")]

drawn = st.builds(
    lambda number, **fields: make_pair(0, image=IMAGES[number], **fields),
    number=st.integers(0, len(IMAGES) - 1),
    key=names,
    text=texts,
    texts=st.lists(st.builds(Text, texts, texts, texts), max_size=2).map(tuple),
    labels=st.lists(texts, max_size=2).map(tuple),
    document=texts,
    group=texts,
    split=st.sampled_from(["train", "val", "test", ""]),
    source=names,
    license=texts,
    phash=st.integers(0, (1 << 64) - 1),
    where=objects,
    meta=objects,
    image_path=texts,
)
batches = st.lists(drawn, min_size=1, max_size=5, unique_by=lambda pair: pair.key)

Way = tuple[Callable[..., Any], Callable[[Path], Iterator[Pair | Skip]]]
WHOLE: dict[str, Way] = {
    "webdataset": (webdataset.write, webdataset.read),
    "tsv": (csv.write, csv.read),
    "csv": (lambda pairs, out: csv.write(pairs, out, separator="comma"), csv.read),
    "huggingface": (huggingface.write, huggingface.read),
}


def carried(pairs: list[Pair], way: Way) -> list[Pair]:
    folder = Path(tempfile.mkdtemp())
    try:
        write, read = way
        report = write(write_pairs(folder / "pairs", pairs), folder / "out")
        assert report.pairs == len(pairs)
        came = import_pairs(read(folder / "out"), folder / "back")
        assert not came.skipped
        return list(open_pairs(folder / "back"))
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pairs=batches)
def test_a_format_that_holds_everything_gives_everything_back(name: str, pairs: list[Pair]) -> None:
    back = {pair.key: pair for pair in carried(pairs, WHOLE[name])}
    assert back == {pair.key: pair for pair in pairs}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pairs=batches)
def test_folders_give_image_label_and_split_back(pairs: list[Pair]) -> None:
    labelled = [
        replace(p, labels=(label, *p.labels)) for p in pairs for label in ("a/..", "Ä %2F.")
    ]
    labelled = [replace(p, key=f"{n}{p.key}") for n, p in enumerate(labelled)]
    back = carried(labelled, (folders.write, folders.read))
    assert sorted((p.image, p.labels, p.split) for p in back) == sorted(
        (p.image, p.labels[:1], p.split) for p in labelled
    )


def test_folders_say_what_they_leave_out(tmp_path: Path) -> None:
    pairs = write_pairs(
        tmp_path / "p", [make_pair(0, labels=()), make_pair(1), make_pair(2, labels=("a", "b"))]
    )
    report = folders.write(pairs, tmp_path / "out")
    assert report.pairs == 2
    assert "1 pairs have no label and were left out." in report.lost
    assert "1 pairs have more labels than the first one." in report.lost


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    splits = ["train"] * 12 + ["val"] * 5 + ["test"] * 3
    path = tmp_path_factory.mktemp("formats")
    forms = ("PNG", "JPEG")
    return write_pairs(
        path / "p",
        [
            make_pair(i, split=split, image=encoded_image(i, form=forms[i % 2]))
            for i, split in enumerate(splits)
        ],
    )


def test_the_webdataset_library_reads_our_tars(exported: Pairs, tmp_path: Path) -> None:
    wds = pytest.importorskip("webdataset")
    webdataset.write(exported, tmp_path / "w", shard_pairs=5)
    assert sorted(p.name for p in (tmp_path / "w").iterdir()) == [
        *(f"test-{n:06d}.tar" for n in range(1)),
        *(f"train-{n:06d}.tar" for n in range(3)),
        *(f"val-{n:06d}.tar" for n in range(1)),
    ]
    # as open_clip reads them: decode, then take jpg or png, and txt
    urls = str(tmp_path / "w" / "train-{000000..000002}.tar")
    samples = (
        wds.WebDataset(urls, shardshuffle=False)
        .decode("pilrgb")
        .rename(image="jpg;png;jpeg;webp", text="txt")
    )
    read = [(sample["text"], sample["image"].size, sample["json"]["key"]) for sample in samples]
    assert read == [(p.text, (8, 6), p.key) for p in exported.rows(split="train")]


def test_the_datasets_library_reads_parts_and_exports(
    exported: Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    cache = str(tmp_path / "cache")
    parts = datasets.load_dataset(
        "parquet", data_files=str(exported.path / "part-*.parquet"), cache_dir=cache
    )["train"]
    assert parts[0]["image"].size == (8, 6)
    assert parts["text"][:2] == [exported[0].text, exported[1].text]
    report = huggingface.write(exported, tmp_path / "hub")
    assert report.files == 3
    splits = datasets.load_dataset(str(tmp_path / "hub"), cache_dir=cache)
    assert {name: len(rows) for name, rows in splits.items()} == {
        "train": 12,
        "validation": 5,
        "test": 3,
    }
    assert type(splits["train"].features["image"]).__name__ == "Image"


def test_data_of_other_makers_comes_in_through_datasets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_dict(
        {
            "img": [{"bytes": encoded_image(i), "path": f"{i}.png"} for i in range(3)],
            "captions": [["a", "b"], ["c"], []],
            "label": [1, 0, 1],
            "extra": [1.5, float("nan"), 3.0],
        },
        features=datasets.Features(
            {
                "img": datasets.Image(),
                "captions": datasets.Sequence(datasets.Value("string")),
                "label": datasets.ClassLabel(names=["cat", "dog"]),
                "extra": datasets.Value("float64"),
            }
        ),
    )
    rows.to_parquet(tmp_path / "train-00000-of-00001.parquet")
    rows.save_to_disk(tmp_path / "disk")
    for source in (tmp_path / "train-00000-of-00001.parquet", tmp_path / "disk"):
        found = [pair for pair in huggingface.read(source) if isinstance(pair, Pair)]
        assert [pair.labels for pair in found] == [("dog",), ("cat",), ("dog",)]
        assert [pair.text for pair in found] == ["a", "c", ""]
        assert [t.text for t in found[0].texts] == ["a", "b"]
        assert found[0].meta == {"extra": 1.5}
        assert "extra" not in found[1].meta
        assert found[2].image_path == "2.png"
