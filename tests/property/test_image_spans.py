"""One image by its place in the file: the same bytes as Arrow gives, whatever wrote the part."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domainclip.errors import BadInput
from domainclip.pairs import PAIR_SCHEMA, Pairs, open_pairs
from domainclip.pairs._parts import OpenParts
from domainclip.pairs._spans import RawFile, image_spans
from domainclip.pairs.schema import to_row
from tests.data.make_pairs import make_pair, write_pairs


def images(pairs: Pairs) -> list[bytes]:
    column = pairs.dataset().to_table(columns=["image"]).column("image").to_pylist()
    return [row["bytes"] or b"" for row in column]


def by_place(pairs: Pairs) -> bool:
    """Whether every row group is read by place, not left to Arrow."""
    files = OpenParts(pairs.parts)
    return all(files.images(group, np.arange(group.rows)) is not None for group in pairs.groups)


def rewritten(folder: Path, table: pa.Table, **options: object) -> Pairs:
    folder.mkdir(exist_ok=True)
    pq.write_table(table, folder / "part-0.parquet", **options)
    return open_pairs(folder)


def table_of(sizes: list[int]) -> pa.Table:
    rows = [to_row(make_pair(i, image=os.urandom(size))) for i, size in enumerate(sizes)]
    return pa.Table.from_pylist(rows, schema=PAIR_SCHEMA)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    sizes=st.lists(st.sampled_from([1, 3, 100, 5000, 70_000, 1_200_000]), min_size=1, max_size=40),
    rows=st.integers(1, 40),
    page=st.sampled_from([1, 10_000, 1 << 20]),
)
def test_equals_arrow_for_any_sizes_groups_and_pages(
    tmp_path: Path, sizes: list[int], rows: int, page: int
) -> None:
    pairs = rewritten(
        tmp_path / "p",
        table_of(sizes),
        row_group_size=rows,
        data_page_size=page,
        write_batch_size=4,
        use_dictionary=False,
        compression="none",
    )
    assert by_place(pairs)
    assert [pair.image for pair in pairs] == images(pairs)
    assert [pairs[i].image for i in range(len(pairs))] == images(pairs)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "zstd"},
        {"compression": "none", "use_dictionary": True},
        {"compression": "none", "use_dictionary": False, "data_page_version": "2.0"},
    ],
)
def test_other_layouts_are_left_to_arrow(tmp_path: Path, options: dict[str, object]) -> None:
    pairs = rewritten(tmp_path / "p", table_of([10, 10, 5000]), **options)
    assert not by_place(pairs)
    assert [pair.image for pair in pairs] == images(pairs)
    assert sorted(p.image for p in pairs.stream(split=None)) == sorted(images(pairs))


def test_an_absent_image_is_empty_bytes(tmp_path: Path) -> None:
    rows = [to_row(make_pair(i)) for i in range(20)]
    rows[7]["image"] = None
    rows[9]["image"] = {"bytes": None, "path": "x"}
    pairs = rewritten(
        tmp_path / "p",
        pa.Table.from_pylist(rows, schema=PAIR_SCHEMA),
        use_dictionary=False,
        compression="none",
    )
    assert [len(pair.image) > 0 for pair in pairs] == [i not in (7, 9) for i in range(20)]
    assert pairs[9].image_path == "x"


def test_what_we_write_is_read_by_place(tmp_path: Path) -> None:
    assert by_place(write_pairs(tmp_path, (make_pair(i) for i in range(300))))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, 3000), byte=st.integers(0, 255))
@example(at=2032, byte=0)  # a page header that has lost its count
def test_damage_is_an_error_or_wrong_pixels_but_never_a_crash(
    tmp_path: Path, at: int, byte: int
) -> None:
    pairs = write_pairs(tmp_path / "p", [make_pair(i) for i in range(9)]) if not (
        (tmp_path / "p").exists()
    ) else open_pairs(tmp_path / "p")  # fmt: skip
    chunk = pq.read_metadata(pairs.parts[0].path).row_group(0).column(1)
    whole = bytearray(pairs.parts[0].path.read_bytes())
    place = chunk.data_page_offset + at % chunk.total_compressed_size
    whole[place] = byte
    damaged = tmp_path / "damaged"
    damaged.write_bytes(whole)
    file = RawFile(damaged)
    spans = image_spans(file, chunk)
    if spans is not None:
        assert len(spans) == 9
        assert (spans[:, 0] + spans[:, 1]).max() <= len(whole)


def test_a_file_cut_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path, (make_pair(i, image=bytes(10_000)) for i in range(200)))
    rows = iter(pairs)
    next(rows)
    os.truncate(pairs.parts[0].path, 100_000)
    with pytest.raises(BadInput, match=r"part-000000\.parquet: its data is damaged"):
        list(rows)


def test_files_stay_usable_after_a_fork_and_beyond_the_open_limit(tmp_path: Path) -> None:
    made = [make_pair(i) for i in range(120)]
    pairs = write_pairs(tmp_path, made, part_bytes=1_000)
    assert len(pairs.parts) > 20
    pairs._files = OpenParts(pairs.parts, limit=2)
    assert sorted(p.key for p in pairs.stream(split=None)) == [p.key for p in made]
    assert pairs[5] == made[5]
    child = os.fork()
    if child == 0:
        os._exit(0 if list(pairs) == made else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert list(pairs) == made
