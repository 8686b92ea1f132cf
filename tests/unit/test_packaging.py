"""The wheel holds every module, recipe and data file of the tree, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"domainclip": "domainclip", "extractors": "domainclip/extractors",
           "recipes": "domainclip/recipes"}  # fmt: skip


def _files(suffixes: tuple[str, ...]) -> set[str]:
    found = set()
    for folder, installed in FOLDERS.items():
        for path in (ROOT / folder).rglob("*"):
            inside = path.relative_to(ROOT / folder)
            if folder == "domainclip" and inside.parts[0] in ("extractors", "recipes"):
                continue  # the two links
            if path.is_file() and path.suffix in suffixes and "__pycache__" not in path.parts:
                found.add(f"{installed}/{inside.as_posix()}")
    return found


def test_every_package_is_listed() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    present = {str(Path(name).parent).replace("/", ".") for name in _files((".py",))}
    assert present == set(listed)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source") / "domainclip"
    shutil.copytree(
        ROOT,
        source,
        symlinks=True,
        ignore=shutil.ignore_patterns(
            *(".venv", ".git", "*.egg-info", "build", "demo", "runs"),
            *(".*_cache", ".hypothesis", "__pycache__"),
        ),
    )
    out = source / "dist"
    out.mkdir()
    code = f"import setuptools.build_meta as b; b.build_wheel({str(out)!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


def test_wheel_holds_the_whole_tree(wheel: Path) -> None:
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    wanted = _files((".py", ".yaml", ".json", ".txt", ".csv", ".j2", ".typed"))
    assert inside == wanted


def test_wheel_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "import domainclip, domainclip.catalogue as c, domainclip.cli as cli; "
        f"assert domainclip.__file__.startswith({str(tmp_path)!r}), domainclip.__file__; "
        "assert 'quickstart' in c.recipes(); assert c.entries('extractors'); "
        "raise SystemExit(cli.main(['list', 'recipes']))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "quickstart" in done.stdout
