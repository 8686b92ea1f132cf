"""The arrows of the design, read from the syntax trees: none goes back, siblings stay strangers."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASE = {"errors", "catalogue"}
FEATURES = {"backbones", "text", "pairs", *BASE}
METHODS = {"adapters", "heads", "objectives", *FEATURES}
WORK = {"training", "evaluation", "data", "recipe", *METHODS}
# part -> the parts it may import (itself is always allowed)
ALLOWED = {
    "errors": set(),
    "catalogue": {"errors"},
    "component": BASE,
    "banks": BASE,
    "pairs": {"errors", "images"},
    "images": {"errors"},
    "extraction": {"pairs", *BASE},
    "extractors": {"extraction", "pairs", "images", *BASE},
    "recipes": set(),
    "curation": {"pairs", "images", "backbones", *BASE},  # backbones late, and only if asked for
    "backbones": {"images", "component", *BASE},
    "text": {"backbones", *BASE},
    "adapters": {"backbones", "banks", *BASE},
    "heads": BASE,
    "objectives": {"backbones", "text", "component", *BASE},  # its precision, its sentences
    "data": {"images", *FEATURES},
    "training": METHODS,
    "evaluation": METHODS | {"images", "data"},
    "recipe": {"training", "data", *BASE},  # their settings, which need no torch
    "classifier": WORK,
    "run": WORK | {"extraction", "classifier"},  # the _run_*.py files
    "runs": WORK | {"extraction", "classifier"},
    "benchmark": WORK | {"classifier"},  # the _benchmark*.py files
    "commands": WORK | {"runs", "classifier", "extraction", "curation", "images", "banks"},
    "cli": {"errors", "commands"},
}
TORCH_FREE = {
    "errors", "catalogue", "banks", "pairs", "extraction", "recipe", "cli", "commands",
    "extractors", "curation",
}  # fmt: skip


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / "domainclip").glob("*.py")):
        yield ("domainclip" if path.stem == "__init__" else path.stem.lstrip("_").split("_")[0]
               if path.stem.startswith("_") else path.stem), path  # fmt: skip
    for folder in sorted((ROOT / "domainclip").iterdir()):
        if folder.is_dir() and not folder.name.startswith("_"):
            for path in sorted(folder.rglob("*.py")):
                yield folder.name, path


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("part, path", list(_modules()), ids=lambda value: str(value)[-45:])
def test_imports_follow_the_design(part: str, path: Path) -> None:
    if part == "domainclip":
        return  # the lazy public names
    assert part in ALLOWED, f"{path}: say in this test what {part!r} may import"
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] == "domainclip" and len(parts) > 1 and not parts[1].startswith("_"):
            assert parts[1] in ALLOWED[part] | {part}, f"{path} imports {name}"
        if parts[0] in ("torch", "open_clip", "lightning") and part in TORCH_FREE:
            assert path.name == "doctor.py", f"{path} imports {name}"


@pytest.mark.parametrize("kind", ["adapters", "heads", "objectives", "evaluation", "text"])
def test_siblings_do_not_import_each_other(kind: str) -> None:
    for path in (ROOT / "domainclip" / kind).glob("[!_]*.py"):
        stems = {other.stem for other in path.parent.glob("[!_]*.py")} - {path.stem}
        # shared functions are not catalogue entries
        stems -= {"metrics", "report", "interpolation"}
        taken = {name.split(".")[2] for name in _imports(path)
                 if name.startswith(f"domainclip.{kind}.")}  # fmt: skip
        assert not taken & stems, f"{path} imports its siblings {taken & stems}"


@pytest.mark.parametrize(
    "code",
    [
        "import domainclip",
        "import domainclip.cli; domainclip.cli.main(['--help'])",
        "import domainclip.cli; domainclip.cli.main(['list'])",
        "import domainclip.pairs, domainclip.extraction, domainclip.recipe",
        "import domainclip.recipe as r, domainclip.catalogue as c\n"
        "for name in c.recipes():\n    r.load_recipe(name, ['data.pairs=x', 'data.extract=null'])",
        "import domainclip.cli, domainclip.catalogue as c\n"
        "for kind in c.KINDS:\n"
        "    for e in c.entries(kind): domainclip.cli.main(['show', f'{kind}/{e.name}'])",
    ],
)
def test_torch_stays_out(code: str) -> None:
    check = f"{code}\nimport sys\nassert not {{'torch', 'open_clip'}} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
