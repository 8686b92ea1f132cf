"""The options of a component, read from its source: names, types, defaults, without importing it.

Adapters and their like import torch, and a user's file may do anything, so a recipe is checked
against the syntax tree of the class: its annotated fields and those of its bases, followed through
``from ... import``. A type that is not plain (a class of the file's own) is left to the class.
"""

from __future__ import annotations

import ast
import importlib.util
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from importlib.machinery import ModuleSpec, PathFinder
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Literal

from domainclip.catalogue import KINDS, class_in_file, entries, file_of, syntax_sentence
from domainclip.errors import BadInput, DomainclipError, UnknownName, UsageError

__all__ = [
    "REQUIRED",
    "UNREADABLE",
    "Option",
    "description_of",
    "learns_from_captions",
    "options_of",
]

REQUIRED = object()  # no default: the recipe must give it
UNREADABLE = object()  # a default that is not a plain value: the class itself gives it


@dataclass(frozen=True)
class Option:
    """One field of a component. type: ``Any`` where it cannot be told; default: see above."""

    name: str
    type: Any
    default: Any


def options_of(kind: str, name: str) -> dict[str, Option]:
    """The options of a catalogue name, ``./file.py[:Class]`` or ``package.module:Class``.

    Raises UnknownName, BadInput, UsageError.
    """
    module, class_name = _module_of(kind, name)
    options = _fields(module, class_name)
    if options is None:
        raise UsageError(f"{module.path}: has no class {class_name!r}.")
    return options


def description_of(kind: str, name: str) -> str:
    """The docstring of the class, or where it has none that of its file. Raises as options_of."""
    module, class_name = _module_of(kind, name)
    node = module.classes.get(class_name)
    return (ast.get_docstring(node) if node is not None else None) or module.docstring


def learns_from_captions(name: str) -> bool:
    """Whether the class of an adapter that ``options_of`` knows says ``learns_from = "captions"``;
    see ``adapters._protocol``."""
    try:
        module, class_name = _module_of("adapters", name)
    except DomainclipError:
        return False
    node = module.classes.get(class_name)
    return any(
        isinstance(item, ast.AnnAssign | ast.Assign)
        and ast.unparse(item).startswith("learns_from")
        and isinstance(item.value, ast.Constant)
        and item.value.value == "captions"
        for item in (node.body if node is not None else ())
    )


def _module_of(kind: str, name: str) -> tuple[_Module, str]:
    """The parsed file of a component, and its class's name. Raises UnknownName and the like."""
    file = file_of(name)
    if file is not None:
        class_name, tree = class_in_file(*file)
        return _Module("", file[0], tree), class_name
    module, _, class_name = name.partition(":")
    if not class_name:
        found = {entry.name: entry for entry in entries(kind)}
        if name not in found:
            known = ", ".join(found) or f"none in {KINDS[kind]}"
            error = UnknownName(kind.rstrip("s"), name, found)
            raise error if found else UnknownName(kind.rstrip("s"), name, [known])
        module, class_name = found[name].module, found[name].class_name
    parsed = _parsed(module)
    if parsed is None:
        raise UsageError(f"{name!r}: there is no Python file of the module {module!r}.")
    return parsed, class_name


@lru_cache
def _of_class(module: str, class_name: str) -> dict[str, Option] | None:
    parsed = _parsed(module)
    return _fields(parsed, class_name) if parsed else None


class _Module:
    """A parsed source file: its classes, its plain assignments, where its imports come from."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self.name, self.path, self.is_package = name, path, path.name == "__init__.py"
        self.docstring = ast.get_docstring(tree) or ""
        self.classes: dict[str, ast.ClassDef] = {}
        self.assigned: dict[str, ast.expr] = {}
        self.imported: dict[str, tuple[str, str]] = {}
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                self.classes[node.name] = node
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self.assigned[node.targets[0].id] = node.value
            elif isinstance(node, ast.ImportFrom):
                origin = self._absolute(node)
                for alias in node.names:
                    self.imported[alias.asname or alias.name] = (origin, alias.name)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parents = self.name.split(".")
        parents = parents[: len(parents) - node.level + self.is_package]
        return ".".join([*parents, *([node.module] if node.module else [])])


def _fields(module: _Module, class_name: str) -> dict[str, Option] | None:
    """Fields of a class by name, those of its bases first; None where it cannot be found."""
    node = module.classes.get(class_name)
    if node is None:
        origin, name = module.imported.get(class_name, ("", ""))
        return _of_class(origin, name) if origin.startswith("domainclip") else None
    found: dict[str, Option] = {}
    for base in reversed(node.bases):
        if isinstance(base, ast.Name):
            found |= _fields(module, base.id) or {}
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            name = item.target.id
            if name.startswith("_") or "ClassVar" in ast.unparse(item.annotation):
                continue
            default = _default(module, item.value)
            if default is not None:
                found[name] = Option(name, _type(module, item.annotation), default[0])
    return found


def _default(module: _Module, node: ast.expr | None) -> tuple[Any] | None:
    """The default in a tuple; None for a field that the constructor does not take."""
    if node is None:
        return (REQUIRED,)
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("field", "dataclasses.field"):
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        if "init" in given and ast.unparse(given["init"]) == "False":
            return None
        if "default" in given:
            return _default(module, given["default"])
        factory = ast.unparse(given["default_factory"]) if "default_factory" in given else ""
        empty: Mapping[str, Any] = {"dict": {}, "list": [], "tuple": ()}
        return (empty.get(factory, UNREADABLE) if factory else REQUIRED,)
    if isinstance(node, ast.Name) and node.id in module.assigned:
        return _default(module, module.assigned[node.id])
    try:
        return (ast.literal_eval(node),)
    except ValueError:
        return (UNREADABLE,)


_PLAIN: Mapping[str, Any] = {
    "int": int, "float": float, "str": str, "bool": bool, "Path": Path, "None": None,
    "Any": Any, "dict": dict, "list": list, "tuple": tuple,
}  # fmt: skip
_GENERIC: Mapping[str, Any] = {
    "tuple": tuple, "Sequence": tuple, "Collection": tuple, "Iterable": tuple, "list": list,
    "dict": dict, "Mapping": dict, "frozenset": tuple,
}  # fmt: skip


def _type(module: _Module, node: ast.expr) -> Any:
    """The annotation as a type of jsonargparse's, or Any where it is not plain."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):  # a quoted annotation
            return _type(module, ast.parse(node.value, mode="eval").body)
        return None if node.value is None else ... if node.value is ... else Any
    if isinstance(node, ast.Attribute):
        return _type(module, ast.Name(node.attr))
    if isinstance(node, ast.Name):
        if node.id in _PLAIN:
            return _PLAIN[node.id]
        if node.id in module.assigned:
            return _type(module, module.assigned[node.id])
        return _imported_type(module, node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union([_type(module, node.left), _type(module, node.right)])
    if isinstance(node, ast.Subscript):
        name = ast.unparse(node.value).rpartition(".")[2]
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return _generic(module, name, inner)
    return Any


def _generic(module: _Module, name: str, inner: Sequence[ast.expr]) -> Any:
    if name == "Literal":
        try:
            return Literal[tuple(ast.literal_eval(item) for item in inner)]
        except ValueError:
            return Any
    if name == "Annotated":
        kind = _type(module, inner[0])
        try:
            return Annotated[kind, ast.literal_eval(inner[1])]
        except ValueError:
            return kind
    kinds = tuple(_type(module, item) for item in inner)
    if name in ("Union", "Optional"):
        return _union([*kinds, *([None] if name == "Optional" else [])])
    if name not in _GENERIC:
        return Any
    if name in ("Sequence", "Collection", "Iterable", "frozenset"):
        return types.GenericAlias(tuple, (kinds[0], ...))
    return _GENERIC[name][kinds]


def _union(kinds: Sequence[Any]) -> Any:
    return Any if Any in kinds else reduce(or_, kinds[1:], kinds[0] or type(None))


def _imported_type(module: _Module, name: str) -> Any:
    origin, original = module.imported.get(name, ("", ""))
    other = _parsed(origin) if origin.startswith("domainclip") else None
    if other is None or original not in other.assigned:
        return Any
    return _type(other, other.assigned[original])


@lru_cache
def _parsed(module: str) -> _Module | None:
    """A module's source, parsed; None where it cannot be found. Raises BadInput."""
    try:
        spec = _spec(module)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    path = Path(spec.origin)
    try:
        return _Module(module, path, ast.parse(path.read_text(encoding="utf-8"), str(path)))
    except SyntaxError as error:
        raise BadInput(syntax_sentence(error, path)) from error


def _spec(module: str) -> ModuleSpec | None:
    """Where a module's source is, without running its package: that of ours may import torch."""
    parts = module.split(".")
    # the first two alone: an editable installation maps domainclip.extractors to another folder
    spec = importlib.util.find_spec(".".join(parts[:2]))
    for count in range(3, len(parts) + 1):
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(".".join(parts[:count]), spec.submodule_search_locations)
    return spec
