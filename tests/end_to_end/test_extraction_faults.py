"""Whatever dies, fills up or is cut off: what was good is kept, and the next run goes on."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from domainclip.errors import install_command
from domainclip.extraction import run_extraction
from domainclip.pairs import open_pairs
from tests.data.fake_extractor import Folder, write_png

ROOT = Path(__file__).resolve().parents[2]
EXTRACTOR = ROOT / "tests" / "data" / "fake_extractor.py"


def command(source: Path | str, out: Path, *options: str) -> list[str]:
    program = [sys.executable, "-m", "domainclip.cli", "extract", str(EXTRACTOR), str(source)]
    return [*program, "-o", str(out), "--workers", "2", *options]


def run(source: Path | str, out: Path, *options: str, **more) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(source, out, *options), capture_output=True, text=True, timeout=180, **more
    )


def parts(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("part-*.parquet")}


def wait_for_parts(out: Path, count: int) -> None:
    for _ in range(600):
        if len(list(out.glob("part-*.parquet"))) >= count:
            return
        time.sleep(0.02)
    pytest.fail(f"{count} parts did not appear in {out}")


def test_bad_inputs_cost_themselves_only(tmp_path: Path) -> None:
    for number in range(30):
        write_png(tmp_path / "in" / f"good{number}.png", number)
    kinds = "segfault segfault2 exit hang sleep raise refuse late once"
    for kind in kinds.split():
        write_png(tmp_path / "in" / f"{kind}.png")
    (tmp_path / "in" / "corrupt.png").write_bytes(b"no image")
    summary = run_extraction(
        Folder(),
        [str(tmp_path / "in")],
        tmp_path / "out",
        workers=2,
        timeout_s=1,
        chunk_size=14,
    )
    pairs = open_pairs(tmp_path / "out")
    found = {pair.key for pair in pairs}
    # "once" crashes its process at the first try and is good when tried again alone
    assert found == {f"good{number}.png" for number in range(30)} | {"once.png"}
    errors = {row["input"]: row for row in pairs.errors().to_pylist()}
    assert {name: row["error"] for name, row in errors.items()} == {
        "segfault.png": "crashed",
        "segfault2.png": "crashed",
        "exit.png": "crashed",
        "hang.png": "timed_out",
        "sleep.png": "timed_out",
        "raise.png": "ValueError",
        "late.png": "ValueError",
        "refuse.png": "BadInput",
        "corrupt.png": "corrupt_image",
    }
    assert "SIGSEGV" in errors["segfault.png"]["message"]
    assert len(errors["raise.png"]["message"]) == 200  # others' words are cut: they quote data
    assert len(errors["refuse.png"]["message"]) > 500
    assert (summary.sources, summary.with_pairs, summary.failed) == (40, 31, 9)
    assert len(parts(tmp_path / "out")) == 3


def test_memory_over_its_limit_costs_one_input(tmp_path: Path) -> None:
    for name in ("swell", "good0", "good1"):
        write_png(tmp_path / "in" / f"{name}.png")
    summary = run_extraction(
        Folder(), [str(tmp_path / "in")], tmp_path / "out", workers=1, memory_bytes=350 << 20
    )
    assert (summary.pairs, summary.quarantined) == (2, {"out_of_memory": 1})
    [row] = open_pairs(tmp_path / "out").errors().to_pylist()
    assert (row["input"], row["message"]) == ("swell.png", "Needed more than 350 MB.")


@pytest.mark.parametrize("whole_group", [True, False])
def test_killed_run_goes_on_to_the_same_bytes(tmp_path: Path, whole_group: bool) -> None:
    source, options = "count:400", ("--delay-s", "0.015")
    undisturbed = run(source, tmp_path / "whole", *options)
    assert undisturbed.returncode == 0, undisturbed.stderr
    out = tmp_path / "out"
    for after in (3, 30):
        process = subprocess.Popen(command(source, out, *options), start_new_session=True)
        wait_for_parts(out, after)
        if whole_group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
    assert 30 <= len(parts(out)) < len(parts(tmp_path / "whole"))
    resumed = run(source, out, *options)
    assert resumed.returncode == 0, resumed.stderr
    assert "finished by earlier runs" in resumed.stdout
    assert parts(out) == parts(tmp_path / "whole")
    assert not list(out.glob(".*"))


def test_no_process_outlives_a_killed_run(tmp_path: Path) -> None:
    process = subprocess.Popen(command("count:400", tmp_path / "out", "--delay-s", "0.05"))
    wait_for_parts(tmp_path / "out", 1)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 3  # the server, two workers
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]


def test_interrupt_stops_cleanly_and_can_be_resumed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        command("count:300", out, "--delay-s", "0.05"),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell's background job ignores it, and would hand that on
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_for_parts(out, 5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: to all of them
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == "domainclip: interrupted; run the same command again to go on.\n"
    assert not list(out.glob(".*"))
    assert run("count:300", out, "--delay-s", "0.05").returncode == 0
    assert len(open_pairs(out)) == 300


def test_full_disk_is_one_sentence_and_can_be_resumed(tmp_path: Path) -> None:
    for number in range(40):
        write_png(tmp_path / "in" / f"small{number}.png", number)
    write_png(tmp_path / "in" / "large.png", 1, size=300)  # 270 kB
    out = tmp_path / "out"

    def small_files_only() -> None:
        # a file may not grow past this: the same refusal in the same place as a full disk's
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    stopped = run(tmp_path / "in", out, preexec_fn=small_files_only)
    assert stopped.returncode == 2
    assert stopped.stderr.count("\n") == 1
    assert "the disk is full; free some space and run the same command again" in stopped.stderr
    assert not list(out.glob(".*"))
    kept = parts(out)
    resumed = run(tmp_path / "in", out)
    assert resumed.returncode == 0, resumed.stderr
    assert len(open_pairs(out)) == 41
    assert kept.items() <= parts(out).items()


def test_two_runs_on_one_output_the_second_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(command("count:300", out, "--delay-s", "0.05")) as first:
        wait_for_parts(out, 1)
        second = run("count:300", out, "--delay-s", "0.05")
    assert second.returncode == 2
    assert f"another run is writing it (process {first.pid} on " in second.stderr
    assert first.returncode == 0
    assert len(open_pairs(out)) == 300


def test_a_missing_library_stops_the_run_and_quarantines_nothing(tmp_path: Path) -> None:
    write_png(tmp_path / "in" / "missing.png")
    stopped = run(tmp_path / "in", tmp_path / "out")
    assert stopped.returncode == 2
    assert install_command("papers") in stopped.stderr
    assert stopped.stderr.count("\n") == 1


def test_an_unguarded_script_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from domainclip.extraction import run_extraction\n"
        "from tests.data.fake_extractor import Folder\n"
        "run_extraction(Folder(), ['count:3'], 'out', workers=1)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=180,
    )
    assert done.returncode == 1
    assert '`if __name__ == "__main__":`' in done.stderr


def test_memory_is_flat_in_the_number_of_inputs(tmp_path: Path) -> None:
    # benchmarks/engine_memory.py does it with a million through the whole engine
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from domainclip.extraction._listing import Listing\n"
        "from domainclip.extraction._chunks import chunks\n"
        "from tests.data.fake_extractor import Folder\n"
        "listing = Listing(Path(sys.argv[2]), buffer_bytes=1 << 20)\n"
        "for source in Folder().sources(f'count:{sys.argv[1]}'): listing.add(source)\n"
        "print(sum(len(chunk.sources) for chunk in chunks(listing, 256)))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)\n"
    )
    peaks = {}
    for count in (2_000, 200_000):
        done = subprocess.run(
            [sys.executable, "-c", code, str(count), str(tmp_path / str(count))],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        listed, peaks[count] = map(int, done.stdout.split())
        assert listed == count
    assert peaks[200_000] - peaks[2_000] < 15  # MB; the list itself would be over 100
