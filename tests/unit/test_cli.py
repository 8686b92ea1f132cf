"""The command shell: fast help, near names, one sentence for an error, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domainclip import catalogue
from domainclip.cli import main
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
    import sys

    monkeypatch.setitem(sys.modules, "rasterio", None)  # as if it were not installed
    with pytest.raises(MissingExtra, match=r'pip install "domainclip\[tiles\]"'):
        catalogue.import_optional("rasterio")


def test_public_names_are_what_they_say_in_any_order() -> None:
    import subprocess
    import sys

    code = (
        "import domainclip as dc, domainclip.runs, domainclip.classifier\n"
        "assert all(callable(f) for f in (dc.few_shot, dc.run, dc.load_backbone, dc.open_pairs))\n"
        "assert dc.heads.GDA and dc.adapters.SVD and dc.objectives.InfoNCE"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
