"""The command shell: fast help, near names, one sentence for an error, exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from domainclip import catalogue, errors
from domainclip._recipe_options import options_of
from domainclip.cli import main
from domainclip.commands import doctor, show
from domainclip.errors import BadInput, MissingExtra, UnknownName, UsageError


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for path in Path(catalogue.__file__).parent.glob("commands/[!_]*.py"):
        assert f"\n  {path.stem} " in shown


def test_every_verb_has_a_help_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    for path in Path(catalogue.__file__).parent.glob("commands/[!_]*.py"):
        assert main([path.stem, "--help"]) == 0
        assert f"usage: domainclip {path.stem}" in capsys.readouterr().out


def test_unknown_verb_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lst"]) == 2
    assert "Did you mean 'list'?" in capsys.readouterr().err


def test_an_error_is_one_sentence_and_debug_shows_the_rest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["show", "no-such-thing"]) == 2
    shown = capsys.readouterr().err
    assert "Unknown name 'no-such-thing'" in shown
    assert "Traceback" not in shown
    with pytest.raises(UnknownName):
        main(["show", "no-such-thing", "--debug"])


def test_list_json_holds_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"recipes", *catalogue.KINDS}


def test_show_gives_inherited_options_in_plain_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "bitfit"]) == 0
    shown = capsys.readouterr().out
    assert "  towers: tuple['image' | 'text', ...] = ('image',)" in shown
    for kind in catalogue.KINDS:
        for entry in catalogue.entries(kind):
            assert main(["show", f"{kind}/{entry.name}"]) == 0
            options = capsys.readouterr().out.partition("\nOptions:\n")[2]
            for word in ("Annotated", "typing", "<class", "object at"):
                assert word not in options, entry.name


def test_show_gives_a_shipped_recipe_word_for_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "quickstart"]) == 0
    assert capsys.readouterr().out == catalogue.recipes()["quickstart"].read_text("utf-8")


@pytest.mark.parametrize("kind", list(catalogue.KINDS))
def test_every_entry_has_a_summary_and_a_class(kind: str) -> None:
    for entry in catalogue.entries(kind):
        assert entry.summary.endswith("."), f"{entry.module}: a sentence as first docstring line"
        assert catalogue.load(kind, entry.name).__name__ == entry.class_name


def test_a_users_own_file_is_found_by_path(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("__all__ = ['Mine']\nclass Mine:\n    answer = 42\n")
    assert catalogue.load("heads", str(mine)).answer == 42  # type: ignore[attr-defined]
    assert catalogue.load("heads", "collections:OrderedDict").__name__ == "OrderedDict"


def test_a_users_file_needs_no_all_where_it_has_one_public_class(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("class _Part:\n    pass\nclass Mine:\n    rank: int = 4\n")
    for name in (str(mine), f"{mine}:Mine"):
        assert catalogue.load("heads", name).__name__ == "Mine"
        assert options_of("heads", name)["rank"].default == 4
    mine.write_text("__all__ = ['Mine', 'made']\nclass Other: ...\nclass Mine: ...\nmade = 1\n")
    assert catalogue.load("heads", str(mine)).__name__ == "Mine"
    mine.write_text("class A:\n    rank: int = 4\nclass B:\n    pass\n")
    for read in (catalogue.load, options_of):
        with pytest.raises(BadInput, match=r"has A, B, and exactly one class is used: .*mine.py:A"):
            read("heads", str(mine))
        with pytest.raises(BadInput, match="has no class 'a'"):
            read("heads", f"{mine}:a")
    assert "rank" in options_of("heads", f"{mine}:A")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\nclass Mine\n", ":2: not Python: expected ':'."),
        ("import no_such_library\nclass Mine: pass\n", ":1: 'no_such_library' is not installed"),
        ("\nimport rasterio.io\nclass Mine: pass\n", ":2: 'rasterio' is not installed. Install"),
        ("class Mine:\n    x = undefined\n", ":2: NameError: name 'undefined' is not defined."),
        ("\x00", "mine.py: not Python: source code string cannot contain null bytes."),
        ("__all__ = ['Mine']\n", "mine.py: has no class 'Mine'."),
    ],
)
def test_an_error_in_a_users_file_names_its_line(
    text: str,
    expected: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("rasterio", "rasterio.io"):
        monkeypatch.setitem(sys.modules, name, None)
    mine = tmp_path / "mine.py"
    mine.write_text(text)
    assert main(["extract", str(mine), "in", "-o", str(tmp_path / "out")]) == 2
    shown = capsys.readouterr().err
    assert expected in shown and str(mine) in shown and shown.count("\n") == 1
    assert "bug" not in shown


def test_wrong_names_are_answered_clearly(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        catalogue.load("heads", str(tmp_path / "absent.py"))
    empty = tmp_path / "empty.py"
    empty.write_text("x = 1\n")
    with pytest.raises(BadInput, match="exactly one class"):
        catalogue.load("heads", str(empty))
    with pytest.raises(UsageError, match="has no class 'Nope'"):
        catalogue.load("heads", "collections:Nope")
    with pytest.raises(UnknownName, match="Did you mean 'heads'"):
        catalogue.entries("head")


def test_a_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rasterio", None)  # as if it were not installed
    with pytest.raises(MissingExtra, match=r'pip install .*\[tiles\]"'):
        catalogue.import_optional("rasterio")


def test_an_extra_is_installed_from_the_checkout_or_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "domainclip"
    package.mkdir()
    monkeypatch.setattr(errors, "__file__", str(package / "errors.py"))
    assert errors.install_command("train") == 'pip install "domainclip[train]"'
    (tmp_path / "pyproject.toml").touch()
    assert errors.install_command("train") == f'pip install -e "{tmp_path}[train]"'
    monkeypatch.chdir(tmp_path)
    assert errors.install_command("train") == 'pip install -e ".[train]"'
    assert str(MissingExtra("train", "torch")).endswith(
        'Install it with: pip install -e ".[train]"'
    )


def test_doctor_names_a_missing_package_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def absent(package: str) -> str:
        raise doctor.PackageNotFoundError(package)

    monkeypatch.setattr(doctor, "version", absent)
    assert main(["doctor", "--json"]) == 0
    for missing in json.loads(capsys.readouterr().out)["missing_by_extra"].values():
        assert len(missing) == len(set(missing))
    assert main(["doctor"]) == 0
    assert errors.install_command("tiles") in capsys.readouterr().out


def test_public_names_are_what_they_say_in_any_order() -> None:
    code = (
        "import domainclip as dc, domainclip.runs, domainclip.classifier\n"
        "assert all(callable(f) for f in (dc.few_shot, dc.run, dc.load_backbone, dc.open_pairs))\n"
        "assert dc.heads.GDA and dc.adapters.SVD and dc.objectives.InfoNCE"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("verb", ["run", "check"])
def test_overrides_may_follow_an_option(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    option = ["-o", "out"] if verb == "run" else ["--json"]
    # refused for the override's value: it was read as one
    assert main([verb, "quickstart", *option, "seed=x", "trainer.epochs=0"]) == 2
    shown = "".join(capsys.readouterr())
    assert "override 'seed=x'" in shown and "override 'trainer.epochs=0'" in shown
    assert main([verb, "quickstart", *option, "--nope", "seed=1"]) == 2
    assert "unrecognized arguments: --nope" in capsys.readouterr().err


def test_only_what_must_be_given_is_called_required(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 2
    assert capsys.readouterr().err.endswith("required: recipe\n")
    assert main(["curate"]) == 2
    assert capsys.readouterr().err.endswith("required: pairs, -o/--output\n")


ENTRIES = [(kind, entry) for kind in catalogue.KINDS for entry in catalogue.entries(kind)]


@pytest.mark.parametrize(
    ("kind", "entry"), ENTRIES, ids=[f"{kind}/{entry.name}" for kind, entry in ENTRIES]
)
def test_cited_papers_are_whole(kind: str, entry: catalogue.Entry) -> None:
    shown = show._describe(kind, entry)
    references = shown["references"]
    for reference in references:
        assert re.search(r"(\.|\d{4}\.\d{5})$", reference), reference
        assert reference.count("(") == reference.count(")") and reference.count('"') % 2 == 0
        assert "Differs" not in reference and "Reference" not in reference
    if kind != "extractors" and "arxiv" in shown["description"].lower():
        assert re.search(r"arxiv", " ".join(references), flags=re.IGNORECASE)


def test_cite_gives_each_paper_once_and_says_when_there_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["show", "svd", "--cite"]) == 0
    assert capsys.readouterr().out == "CLIP-SVD, Koleilat et al. 2025, arXiv 2509.03740.\n"
    assert main(["show", "linear_probe", "--cite"]) == 0
    assert "no paper" not in capsys.readouterr().out
    assert main(["show", "min_size", "--cite"]) == 0
    assert capsys.readouterr().out == "min_size: no paper of its own.\n"


def test_a_terminal_without_our_letters_gets_question_marks() -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "domainclip.cli", "show", "svd"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "U diag(s + delta) V?" in done.stdout


def test_the_few_shot_example_says_how_it_is_used() -> None:
    example = Path(catalogue.__file__).parents[1] / "examples" / "few_shot.py"
    done = subprocess.run([sys.executable, str(example)], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "usage: python few_shot.py FOLDER [METHOD] [SHOTS]\n"
