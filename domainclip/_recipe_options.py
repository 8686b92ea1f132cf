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
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Literal

from domainclip.catalogue import KINDS, entries
from domainclip.errors import BadInput, UnknownName, UsageError

__all__ = ["REQUIRED", "UNREADABLE", "Option", "learns_from_captions", "options_of"]

REQUIRED = object()  # no default: the recipe must give it
UNREADABLE = object()  # a default that is not a plain value: the class itself gives it


@dataclass(frozen=True)
class Option:
    """One field of a component. type: ``Any`` where it cannot be told; default: see above."""

    name: str
    type: Any
    default: Any


def options_of(kind: str, name: str) -> dict[str, Option]:
    """The options of a catalogue name, of ``./file.py`` or of ``package.module:Class``.

    Raises UnknownName, BadInput, UsageError.
    """
    if name.endswith(".py"):
        return _of_file(Path(name))
    module, _, class_name = name.partition(":")
    if not class_name:
        found = {entry.name: entry for entry in entries(kind)}
        if name not in found:
            known = ", ".join(found) or f"none in {KINDS[kind]}"
            error = UnknownName(kind.rstrip("s"), name, found)
            raise error if found else UnknownName(kind.rstrip("s"), name, [known])
        module, class_name = found[name].module, found[name].class_name
    options = _of_class(module, class_name)
    if options is None:
        raise UsageError(f"{name!r}: there is no class {class_name!r} in {module!r}")
    return options


def learns_from_captions(name: str) -> bool:
    """Whether the class of an adapter that ``options_of`` knows says ``learns_from = "captions"``;
    see ``adapters._protocol``."""
    module, _, class_name = name.partition(":")
    for entry in entries("adapters"):
        if entry.name == name:
            module, class_name = entry.module, entry.class_name
    path = Path(name)
    is_file = name.endswith(".py")
    source = (path, path.read_text(encoding="utf-8")) if is_file else _source(module)
    if source is None:
        return False
    parsed = _Module("" if is_file else module, *source)
    node = parsed.classes.get(class_name or parsed.exported()[0])
    return any(
        isinstance(item, ast.AnnAssign | ast.Assign)
        and ast.unparse(item).startswith("learns_from")
        and isinstance(item.value, ast.Constant)
        and item.value.value == "captions"
        for item in (node.body if node is not None else ())
    )


@lru_cache
def _of_class(module: str, class_name: str) -> dict[str, Option] | None:
    source = _source(module)
    return _fields(_Module(module, *source), class_name) if source else None


def _of_file(path: Path) -> dict[str, Option]:
    if not path.is_file():
        raise BadInput(f"there is no file {str(path)!r}")
    try:
        module = _Module("", path, path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise BadInput(f"{path}:{error.lineno}: {error.msg}") from error
    names = module.exported()
    options = _fields(module, names[0]) if len(names) == 1 else None
    if options is None:
        raise BadInput(f"{path}: __all__ must name exactly one class of the file")
    return options


class _Module:
    """A parsed source file: its classes, its plain assignments, where its imports come from."""

    def __init__(self, name: str, path: Path, text: str) -> None:
        self.name, self.is_package = name, path.name == "__init__.py"
        self.classes: dict[str, ast.ClassDef] = {}
        self.assigned: dict[str, ast.expr] = {}
        self.imported: dict[str, tuple[str, str]] = {}
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef):
                self.classes[node.name] = node
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self.assigned[node.targets[0].id] = node.value
            elif isinstance(node, ast.ImportFrom):
                origin = self._absolute(node)
                for alias in node.names:
                    self.imported[alias.asname or alias.name] = (origin, alias.name)

    def exported(self) -> Sequence[str]:
        names = self.assigned.get("__all__")
        return list(ast.literal_eval(names)) if names is not None else list(self.classes)

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
    source = _source(origin) if origin.startswith("domainclip") else None
    if source is None:
        return Any
    other = _Module(origin, *source)
    return _type(other, other.assigned[original]) if original in other.assigned else Any


def _source(module: str) -> tuple[Path, str] | None:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    path = Path(spec.origin)
    return path, path.read_text(encoding="utf-8")
