"""The engine's promises where nothing goes wrong: counts, resume, determinism, refusals."""

from __future__ import annotations

import fcntl
import json
import os
import pickle
from pathlib import Path

import pytest

from domainclip.errors import BadInput, OutputError, OutputInUse, UsageError
from domainclip.extraction import Source, Summary, run_extraction
from domainclip.extraction._listing import Listing
from domainclip.extraction.task import Packed, Task, extract_chunk
from domainclip.pairs import open_pairs
from tests.data.fake_extractor import Folder, write_png


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Twelve images, one of them too small and one no image at all."""
    for number in range(10):
        write_png(tmp_path / "in" / f"img{number}.png", number)
    write_png(tmp_path / "in" / "tiny.png", size=2)
    (tmp_path / "in" / "broken.png").write_bytes(b"no image")
    return tmp_path / "in"


def extract(images: Path | str, out: Path, extractor: Folder | None = None, **options) -> Summary:
    return run_extraction(extractor or Folder(), [str(images)], out, workers=2, **options)


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("part-*.parquet")}


def assert_adds_up(summary: Summary, out: Path) -> None:
    pairs = open_pairs(out)
    assert summary.sources == summary.with_pairs + summary.without_pairs + summary.failed
    assert len(pairs) == summary.pairs == len({pair.key for pair in pairs})
    assert len(pairs.errors()) == summary.quarantined.total()


def test_every_input_ends_in_one_place(images: Path, tmp_path: Path) -> None:
    summary = extract(images, tmp_path / "out")
    assert (summary.sources, summary.pairs, summary.failed) == (12, 10, 1)
    assert summary.skipped == {"too_small": 1}
    assert summary.quarantined == {"corrupt_image": 1}
    assert_adds_up(summary, tmp_path / "out")
    assert "12 inputs = 10 gave pairs + 1 left out + 1 failed" in str(summary)
    assert json.loads(json.dumps(summary.as_json()))["pairs"] == 10
    assert open_pairs(tmp_path / "out").errors()["input"].to_pylist() == ["broken.png"]
    assert "Folder" in (tmp_path / "out" / "README.md").read_text()
    left = {path.name for path in (tmp_path / "out" / "_state").iterdir()}
    assert left == {"lock", "extraction.json", "chunks"}


def test_parts_do_not_depend_on_workers_or_listing_order(images: Path, tmp_path: Path) -> None:
    first = extract(images, tmp_path / "one", chunk_size=5)
    renamed = tmp_path / "elsewhere"
    for path in sorted(images.iterdir(), reverse=True):
        renamed.mkdir(exist_ok=True)
        (renamed / path.name).write_bytes(path.read_bytes())
    run_extraction(Folder(), [str(renamed)], tmp_path / "two", workers=1, chunk_size=5)
    assert first.pairs == 10
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert len(contents(tmp_path / "one")) == 3


def test_repeating_a_finished_run_changes_nothing(images: Path, tmp_path: Path) -> None:
    first = extract(images, tmp_path / "out")
    before = contents(tmp_path / "out")
    again = extract(images, tmp_path / "out")
    assert contents(tmp_path / "out") == before
    assert again.resumed == 12
    assert (again.pairs, again.skipped) == (first.pairs, first.skipped)


def test_added_inputs_are_taken_in_and_finished_ones_left(images: Path, tmp_path: Path) -> None:
    extract(images, tmp_path / "out", chunk_size=4)
    before = contents(tmp_path / "out")
    for number in range(5):
        write_png(images / "more" / f"new{number}.png", 100 + number)
    summary = extract(images, tmp_path / "out", chunk_size=4)
    assert (summary.sources, summary.pairs, summary.resumed) == (17, 15, 12)
    assert before.items() <= contents(tmp_path / "out").items()
    assert_adds_up(summary, tmp_path / "out")


def test_limit_takes_the_first_and_can_be_lifted(tmp_path: Path) -> None:
    assert extract("count:50", tmp_path / "out", limit=7).pairs == 7
    summary = extract("count:50", tmp_path / "out")
    assert (summary.pairs, summary.resumed) == (50, 7)
    keys = sorted(pair.key for pair in open_pairs(tmp_path / "out"))
    assert keys == [f"n{number:07d}" for number in range(50)]


def test_a_part_cut_short_is_made_again(images: Path, tmp_path: Path) -> None:
    extract(images, tmp_path / "out", chunk_size=4)
    before = contents(tmp_path / "out")
    damaged = min((tmp_path / "out").glob("part-*"))
    damaged.write_bytes(damaged.read_bytes()[:-100])
    summary = extract(images, tmp_path / "out", chunk_size=4)
    assert summary.remade == 1
    assert contents(tmp_path / "out") == before


def test_inputs_of_one_name_are_counted_not_lost(images: Path, tmp_path: Path) -> None:
    other = write_png(tmp_path / "other" / "img0.png", 99)
    roots = [str(images), str(images / ".." / "in"), str(other.parent)]
    summary = run_extraction(Folder(), [roots[0], roots[0], roots[2]], tmp_path / "out", workers=1)
    assert summary.sources == 25
    assert summary.skipped["listed_twice"] == 12
    assert summary.quarantined["name_clash"] == 1
    assert_adds_up(summary, tmp_path / "out")
    again = run_extraction(Folder(), [roots[0], roots[0], roots[2]], tmp_path / "out", workers=1)
    assert (again.sources, again.quarantined) == (25, summary.quarantined)


def test_other_options_are_refused_by_name(images: Path, tmp_path: Path) -> None:
    extract(images, tmp_path / "out")
    with pytest.raises(OutputInUse, match=r"smallest_px=4 \(now 3\)"):
        extract(images, tmp_path / "out", Folder(smallest_px=3))


def test_other_version_is_refused(images: Path, tmp_path: Path) -> None:
    extract(images, tmp_path / "out")
    newer = Folder()
    object.__setattr__(newer, "version", "2")
    with pytest.raises(OutputInUse, match="version '1', and this run has '2'"):
        extract(images, tmp_path / "out", newer)


def test_a_second_run_is_refused_while_the_first_lives(images: Path, tmp_path: Path) -> None:
    extract(images, tmp_path / "out")
    with (tmp_path / "out" / "_state" / "lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        with pytest.raises(OutputInUse, match="another run is writing it"):
            extract(images, tmp_path / "out")
    assert extract(images, tmp_path / "out").pairs == 10  # a lock file alone blocks nobody


def test_foreign_parts_are_never_mixed_in(images: Path, tmp_path: Path) -> None:
    extract(images, tmp_path / "out", chunk_size=6)
    part = min((tmp_path / "out").glob("part-*"))
    (tmp_path / "foreign").mkdir()
    part.rename(tmp_path / "foreign" / part.name)
    with pytest.raises(OutputInUse, match="no extraction made here"):
        extract(images, tmp_path / "foreign")
    (tmp_path / "foreign" / part.name).rename(tmp_path / "out" / "part-mine.parquet")
    with pytest.raises(OutputInUse, match=r"part-mine\.parquet was not made by this extraction"):
        extract(images, tmp_path / "out")


def test_unwritable_output_is_one_sentence(images: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a file stands where a directory is needed"):
        extract(images, tmp_path / "file" / "out")


def test_object_storage_is_refused_as_an_output(images: Path) -> None:
    with pytest.raises(UsageError, match=r"s3://bucket/pairs: pairs are made in a folder"):
        extract(images, "s3://bucket/pairs")


def test_a_folder_of_other_files_is_no_output(images: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputInUse, match="holds other files"):
        run_extraction(Folder(), [str(images)], images, workers=1)
    assert not (images / "_state").exists()
    out = tmp_path / "described"
    out.mkdir()
    (out / "README.md").write_text("my own words")
    assert run_extraction(Folder(), [str(images)], out, workers=1).pairs
    assert (out / "README.md").read_text() == "my own words"


def test_every_root_must_hold_something(images: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"No inputs found under '.*empty'"):
        roots = [str(images), str(tmp_path / "empty")]
        run_extraction(Folder(), roots, tmp_path / "out", workers=1)


def test_nothing_found_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No inputs found under"):
        extract(tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    "options, words",
    [
        ({"engine": "dask"}, "choose one of local, ray"),
        ({"limit": 0}, "limit=0: must be at least 1"),
        ({"timeout_s": 0.0}, "must be more than 0 seconds"),
        ({"memory_bytes": 1 << 20}, "less than an idle worker needs"),
    ],
)
def test_impossible_calls_are_refused(
    images: Path, tmp_path: Path, options: dict, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        extract(images, tmp_path / "out", **options)


def test_the_task_pickles_and_runs_anywhere(images: Path, tmp_path: Path) -> None:
    path = images / "img1.png"
    task = Task(
        name="00",
        sources=(Source("img1.png", str(path), (("box", [1, 2]),)),),
        extractor=Packed.of(Folder()),
        directory=tmp_path / "out",
        marker=tmp_path / "place",
        timeout_s=5,
    )
    function, same = pickle.loads(pickle.dumps((extract_chunk, task)))
    assert same == task
    piece = function(same)
    assert (piece.record.pairs, piece.record.names) == (1, ["img1.png"])
    assert piece.part == tmp_path / "out" / "part-00.parquet"
    assert open_pairs(tmp_path / "out")[0].image == path.read_bytes()


def test_an_extractor_that_does_not_pickle_is_refused(tmp_path: Path) -> None:
    class Local(Folder):
        pass

    with pytest.raises(UsageError, match="define it at the top of a module"):
        extract("count:1", tmp_path / "out", Local())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("buffer_bytes", [1 << 20, 2_000])
def test_listing_gives_each_unfinished_source_once(tmp_path: Path, buffer_bytes: int) -> None:
    def listed(numbers: list[int]) -> list[Source]:
        listing = Listing(tmp_path / str(numbers[0]), buffer_bytes=buffer_bytes)
        for number in range(0, 500, 5):
            listing.finished(f"s{number}")
        for number in numbers:
            listing.add(Source(f"s{number}", "p", (("k", number),)))
        found = list(listing)
        assert (listing.listed, listing.resumed) == (len(numbers), 100)
        return found

    forwards = listed(list(range(500)))
    assert forwards == listed(list(range(499, -1, -1)))
    assert {source.name for source in forwards} == {f"s{n}" for n in range(500) if n % 5}
    assert Source("s7", "p", (("k", 7),)) in forwards


def test_names_that_are_not_utf8_are_kept(tmp_path: Path) -> None:
    listing = Listing(tmp_path)
    name = os.fsdecode(b"caf\xe9.png")
    listing.add(Source(name, ""))
    assert [source.name for source in listing] == [name]
