"""`domainclip extract`: options from the extractor's fields, one-screen summary, exit codes."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from domainclip._recipe_options import description_of, options_of
from domainclip.catalogue import entries, load
from domainclip.cli import main
from domainclip.commands._options import add_fields, build, convert, described
from domainclip.errors import UsageError, install_command
from domainclip.extraction import protocol
from domainclip.pairs import open_pairs
from tests.data.fake_extractor import write_png

EXTRACTOR = str(Path(__file__).resolve().parents[1] / "data" / "fake_extractor.py")


@dataclass(frozen=True)
class Options:
    """Everything a field can be.

    count, size: whole numbers; a colon: in words is no field. ratio: a share
    that goes on in a second line. mode: how (100 % safe).

    This block names no field: it is prose.
    """

    count: int
    size: int | None = 3
    ratio: float = 0.5
    mode: Literal["fast", "slow"] = "fast"
    strict: bool = True
    file: Path | None = None
    names: tuple[str, ...] = ("a",)
    numbers: list[int] = field(default_factory=list)
    table: dict[str, float] = field(default_factory=dict)


def parsed(*words: str) -> Any:
    parser = argparse.ArgumentParser()
    add_fields(parser, *described(Options))
    return build(Options, parser.parse_args(list(words)))


def test_every_field_is_an_option() -> None:
    assert parsed("--count", "2") == Options(2)
    line = "--count 1 --size none --ratio 1e-3 --mode slow --no-strict --file x.tif"
    more = "--names b --names c --numbers 4 --table low=0.5 --table high=2"
    assert parsed(*line.split(), *more.split()) == Options(
        1, None, 1e-3, "slow", False, Path("x.tif"), ("b", "c"), [4], {"low": 0.5, "high": 2.0}
    )


def test_help_comes_from_the_docstring() -> None:
    parser = argparse.ArgumentParser()
    add_fields(parser, *described(Options))
    text = " ".join(parser.format_help().split())
    assert "--size N whole numbers; a colon: in words is no field. [default: 3]" in text
    assert "--count N whole numbers; a colon: in words is no field. [required]" in text
    assert "--ratio X a share that goes on in a second line. [default: 0.5]" in text
    assert "--mode fast|slow how (100 % safe). [default: fast]" in text
    assert "prose" not in text


def test_a_missing_required_option_is_named() -> None:
    with pytest.raises(UsageError, match="--count must be given"):
        parsed()


@pytest.mark.parametrize(
    "hint, text, words",
    [
        (int, "2.5", "'2.5' is not a whole number"),
        (int | None, "x", "'x' is not a whole number or none"),
        (Literal["fast", "slow"], "slwo", "one of fast, slow. Did you mean 'slow'"),
        (bool, "maybe", "neither true nor false"),
    ],
)
def test_a_wrong_value_says_what_is_expected(hint: Any, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        convert(hint, text)


def test_extract_prints_one_screen_and_is_quiet_when_piped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_png(tmp_path / "in" / "cat.png")
    words = ["extract", EXTRACTOR, str(tmp_path / "in"), "-o", str(tmp_path / "out")]
    assert main([*words, "--caption", "a photo of", "--tags", "pet", "--workers", "1"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("fake_extractor: 1 pair in")
    assert "1 input = 1 gave pairs" in printed.out
    assert printed.err == ""
    pair = open_pairs(tmp_path / "out")[0]
    assert (pair.text, pair.labels) == ("a photo of cat", ("pet",))


def test_exit_code_follows_max_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        write_png(tmp_path / "in" / f"cat{number}.png", number)
    write_png(tmp_path / "in" / "raise.png")
    words = ["extract", "--workers", "1", "-o", str(tmp_path / "out"), EXTRACTOR]
    words += [str(tmp_path / "in"), "--json"]
    assert main(words) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["error_percent"] == 25
    assert "Exit code 1: 25.0 %" in printed.err and "5 % that --max-errors allows" in printed.err
    assert main([*words, "--max-errors", "25"]) == 0
    assert json.loads(capsys.readouterr().out)["resumed"] == 4


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "usage: domainclip extract NAME SOURCE... -o PAIRS"),
        (["nothing_like_it", "x", "-o", "y"], "Unknown extractor 'nothing_like_it'"),
        (["./gone.py", "x", "-o", "y"], "no such file"),
        ([EXTRACTOR, "x"], "-o names no directory"),
        ([EXTRACTOR, "x", "-o", "y", "--smallest", "3"], "Did you mean '--smallest-px'?"),
        ([EXTRACTOR, "x", "-o", "y", "--smallest-px", "few"], "'few' is not a whole number"),
        ([EXTRACTOR, "x", "-o", "y", "--engine", "dask"], "choose from"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = [str(tmp_path / word) if word == "y" else word for word in words]
    assert main(["extract", *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--help"], [EXTRACTOR, "--help"]])
def test_help_is_shown_with_and_without_a_name(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["extract", *words]) == 0
    printed = capsys.readouterr().out
    assert "SOURCE... -o PAIRS" in printed
    assert ("--smallest-px N" in printed) == (len(words) == 2)


def test_an_unknown_option_is_told_with_the_commands_name_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["extract", EXTRACTOR, "x", "-o", "y", "--smallest", "3"]) == 2
    assert capsys.readouterr().err.startswith("domainclip extract: unknown option '--smallest'.")


@pytest.mark.parametrize("name", [entry.name for entry in entries("extractors")])
def test_options_read_from_the_source_are_those_of_the_class(name: str) -> None:
    pytest.importorskip("rasterio")
    from_source, words = (
        list(options_of("extractors", name).values()),
        description_of("extractors", name),
    )
    of_class, doc = described(load("extractors", name))
    assert [(o.name, o.type) for o in from_source] == [(o.name, o.type) for o in of_class]
    helps = []
    for options, text in ((from_source, words), (of_class, doc)):
        parser = argparse.ArgumentParser(prog="x")
        add_fields(parser, options, text)
        helps.append(parser.format_help())
    assert helps[0] == helps[1]


def test_help_and_options_of_tiles_need_no_rasterio() -> None:
    code = (
        "import sys; sys.modules['rasterio'] = None\nfrom domainclip.cli import main\n"
        "main(['extract', 'tiles', 'x', '-o', 'y', '--sise-px', '3'])\n"
        "main(['extract', 'tiles', 'x', '-o', 'y', '--classes', 'z'])\n"
        "sys.exit(main(['extract', 'tiles', '--help']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--purity X" in done.stdout and "least share of that square" in done.stdout
    unknown, missing = done.stderr.strip().split("\n")
    assert "Did you mean '--size-px'?" in unknown
    assert f"Install it with: {install_command('tiles')}" in missing


def test_the_example_of_an_extractor_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_png(tmp_path / "in" / "cat.jpg")
    _, _, rest = (protocol.__doc__ or "").partition("::\n")
    mine = tmp_path / "mine.py"
    mine.write_text(textwrap.dedent(rest.partition("\n``sources``")[0]))
    for number, name in enumerate((str(mine), f"{mine}:Photos")):
        out = tmp_path / f"out{number}"
        words = ["extract", name, str(tmp_path / "in"), "-o", str(out), "--workers", "1"]
        assert main([*words, "--license", "CC0-1.0"]) == 0, capsys.readouterr().err
        assert (open_pairs(out)[0].text, open_pairs(out)[0].license) == ("cat", "CC0-1.0")
    capsys.readouterr()
    assert main(["extract", str(mine), "--help"]) == 0
    assert "--license TEXT of the photos." in " ".join(capsys.readouterr().out.split())


def test_the_bar_shows_rate_and_time_left() -> None:
    from domainclip.extraction._progress import Progress

    with Progress("tiles", shown=True) as bar:
        bar.listed(3)
        bar.at(10, 0, 0)
        bar._first = (bar._first[0] - 10, 0)  # ten seconds ago
        bar._drawn = 0
        bar.at(10, 5, 2)
        assert bar._bar.tasks[0].fields["words"] == "0.5/s, 0:10 left, 2 failed"
