"""The Ray engine gives what the local engine gives; what cannot work is refused in one sentence."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from domainclip.errors import MissingExtra, UsageError
from domainclip.extraction import Summary, run_extraction
from domainclip.extraction._chunks import Chunk
from domainclip.extraction._directory import Directory
from domainclip.extraction._ray_node import Site, run_chunk
from domainclip.extraction.protocol import Source
from domainclip.extraction.task import Packed
from domainclip.pairs import Pair, Skip, open_pairs
from tests.data.fake_extractor import Folder, write_png

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")


@dataclass(frozen=True)
class Meeting(Folder):
    """Three sources that wait for each other, as those under way at once can."""

    folder: str = ""

    def pairs(self, source: Source) -> Iterator[Pair | Skip]:
        (Path(self.folder) / source.name).touch()
        while len(list(Path(self.folder).glob("n*"))) < 3:
            time.sleep(0.05)
        yield from super().pairs(source)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Ray on this machine, as a script would have started it before."""
    ray.init(
        address="local",
        num_cpus=2,
        object_store_memory=80 << 20,
        include_dashboard=False,
        log_to_driver=False,
    )
    yield
    assert ray.is_initialized()  # a run leaves a connection that is not its own
    ray.shutdown()


def extract(roots: Path | str, out: Path, engine: str, **options: Any) -> Summary:
    return run_extraction(Folder(), [str(roots)], out, workers=2, engine=engine, **options)


def contents(out: Path) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    parts = {path.name: path.read_bytes() for path in out.glob("part-*.parquet")}
    errors = [row | {"time": None} for row in open_pairs(out).errors().to_pylist()]
    return parts, errors


@pytest.mark.usefixtures("cluster")
def test_both_engines_give_the_same_bytes_and_errors(tmp_path: Path) -> None:
    for number in range(20):
        write_png(tmp_path / "in" / f"good{number}.png", number)
    for kind in ("segfault", "raise", "late"):
        write_png(tmp_path / "in" / f"{kind}.png")
    write_png(tmp_path / "in" / "tiny.png", size=2)
    summaries = {
        engine: extract(tmp_path / "in", tmp_path / engine, engine, chunk_size=9)
        for engine in ("local", "ray")
    }
    local, on_ray = (contents(tmp_path / engine) for engine in ("local", "ray"))
    assert on_ray == local
    assert len(local[0]) == 3
    reasons = sorted(row["error"] for row in local[1])
    assert reasons == ["ValueError", "ValueError", "crashed"]
    assert summaries["ray"].quarantined == summaries["local"].quarantined
    left = {path.name for path in (tmp_path / "ray" / "_state").iterdir()}
    assert left == {"lock", "extraction.json", "chunks"}


@pytest.mark.usefixtures("cluster")
def test_one_engine_goes_on_where_the_other_ended(tmp_path: Path) -> None:
    extract("count:90", tmp_path / "whole", "local", chunk_size=10)
    extract("count:90", tmp_path / "out", "local", chunk_size=10)
    for part in sorted((tmp_path / "out").glob("part-*"))[:4]:
        part.unlink()
    summary = extract("count:90", tmp_path / "out", "ray", chunk_size=10)
    assert (summary.pairs, summary.resumed) == (90, 50)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.usefixtures("cluster")
def test_more_workers_than_cores_share_them(tmp_path: Path) -> None:
    extractor = Meeting(folder=str(tmp_path))
    summary = run_extraction(
        extractor, ["count:3"], tmp_path / "out", workers=3, engine="ray", chunk_size=1
    )
    assert summary.pairs == 3  # on two cores


@pytest.mark.usefixtures("cluster")
def test_what_must_end_the_run_ends_it_with_the_nodes_sentence(tmp_path: Path) -> None:
    write_png(tmp_path / "in" / "missing.png")
    with pytest.raises(Exception, match=r"On node .*'pymupdf' is not installed"):
        extract(tmp_path / "in", tmp_path / "out", "ray")


@pytest.mark.usefixtures("cluster")
def test_what_was_under_way_ends_with_the_run(tmp_path: Path) -> None:
    write_png(tmp_path / "in" / "missing.png")
    write_png(tmp_path / "in" / "sleep.png")  # ten minutes
    with pytest.raises(Exception, match=r"On node .*'pymupdf' is not installed"):
        extract(tmp_path / "in", tmp_path / "out", "ray", chunk_size=1)
    for _ in range(300):
        if ray.available_resources().get("CPU") == 2:
            return
        time.sleep(0.1)
    pytest.fail("a task of the ended run still holds a core")


@pytest.mark.usefixtures("cluster")
def test_more_memory_than_any_node_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no node of the Ray cluster has .* lower --memory-mb"):
        extract("count:1", tmp_path / "out", "ray", memory_bytes=1 << 50)


def test_without_ray_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "domainclip.extraction._ray_engine", raising=False)
    with pytest.raises(MissingExtra, match=r"'ray' is not installed.*\[ray\]"):
        extract("count:1", tmp_path / "out", "ray")


def site(work: Path) -> Site:
    return Site.of_this_process(
        Packed.of(Folder()), "tests", work=work, timeout_s=5, memory_bytes=0
    )


def test_a_node_without_the_shared_folder_says_so(tmp_path: Path) -> None:
    absent = tmp_path / "not-mounted" / "_state" / "work" / "run"
    stop = run_chunk(Chunk("00", (Source("n0", ""),)), site(absent))
    assert stop.kind == "usage"
    assert f"{tmp_path / 'not-mounted'} is not there" in stop.message
    assert not (tmp_path / "not-mounted").exists()


def test_who_outlives_a_run_cannot_touch_its_output(tmp_path: Path) -> None:
    extract("count:3", tmp_path / "out", "local")
    with Directory(tmp_path / "out", Folder()) as directory:
        old = site(directory.work)
    with Directory(tmp_path / "out", Folder()) as directory:
        before = sorted((tmp_path / "out").rglob("*"))
        stop = run_chunk(Chunk("00", (Source("n7", "", (("number", 7),)),)), old)
        assert stop.kind == "usage"
        assert directory.work != old.work
        assert sorted((tmp_path / "out").rglob("*")) == before
