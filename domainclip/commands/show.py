"""Show one thing: a recipe's text, or a component's description, options and papers."""

from __future__ import annotations

import argparse
import ast
import json
import re
import types
from importlib.resources import files
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from domainclip._recipe_options import REQUIRED, UNREADABLE, Option, options_of
from domainclip.catalogue import KINDS, Entry, entries, recipes
from domainclip.errors import UnknownName

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="a name that `domainclip list` shows, or KIND/NAME")
    parser.add_argument("--cite", action="store_true", help="print only the papers it implements")
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def run(arguments: argparse.Namespace) -> int:
    shipped = recipes()
    if arguments.name in shipped:
        text = shipped[arguments.name].read_text(encoding="utf-8")
        if arguments.json:
            print(json.dumps({"kind": "recipes", "name": arguments.name, "text": text}))
        else:
            print(text, end="")
        return 0
    found = _find(arguments.name)
    if not found:
        known = {entry.name for kind in KINDS for entry in entries(kind)} | set(shipped)
        raise UnknownName("name", arguments.name, known)
    shown = [_describe(kind, entry) for kind, entry in found]
    if arguments.json:
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return 0
    if arguments.cite:
        # a name may stand for two things, and one of them have no paper
        references = dict.fromkeys(each for item in shown for each in item["references"])
        print("\n".join(references) or f"{arguments.name}: no paper of its own.")
        return 0
    for number, item in enumerate(shown):
        if number:
            print()
        print(f"{item['kind']}/{item['name']}\n\n{item['description']}")
        if item["options"]:
            print("\nOptions:")
            for option in item["options"]:
                print(f"  {option}")
    return 0


def _find(name: str) -> list[tuple[str, Entry]]:
    wanted, _, stem = name.rpartition("/")
    return [
        (kind, entry)
        for kind in KINDS
        for entry in entries(kind)
        if entry.name == stem and wanted in ("", kind)
    ]


def _describe(kind: str, entry: Entry) -> dict[str, Any]:
    package, _, stem = entry.module.rpartition(".")
    source = files(package) / f"{stem}.py"
    if not source.is_file():
        source = files(package) / stem / "__init__.py"
    tree = ast.parse(source.read_text(encoding="utf-8"))
    module_text = ast.get_docstring(tree) or ""
    node = next(
        (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == entry.class_name), None
    )
    class_text = (ast.get_docstring(node) if node else None) or ""
    description = "\n\n".join(text for text in (module_text, class_text) if text)
    return {
        "kind": kind,
        "name": entry.name,
        "class": f"{entry.module}:{entry.class_name}",
        "description": description,
        "options": [_shown(option) for option in options_of(kind, entry.name).values()],
        "references": _references(description),
    }


def _shown(option: Option) -> str:
    """``rank: int (>= 1) = 2``."""
    if option.default is REQUIRED:
        return f"{option.name}: {_type(option.type)}, which must be given"
    default = "" if option.default is UNREADABLE else f" = {option.default!r}"
    return f"{option.name}: {_type(option.type)}{default}"


def _type(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return f"{_type(inner[0])} ({', '.join(map(str, inner[1:]))})"
    if origin is Literal:
        return " | ".join(map(repr, inner))
    if origin in (Union, types.UnionType):
        return " | ".join(map(_type, inner))
    if hint in (None, type(None)):
        return "None"
    if hint is ...:
        return "..."
    name = getattr(origin or hint, "__name__", str(hint)) if hint is not Any else "any"
    return f"{name}[{', '.join(map(_type, inner))}]" if inner else name


def _references(text: str) -> list[str]:
    """What stands behind each ``Reference:``, up to the next, a blank line or ``Differs``."""
    pattern = r"\bReferences?:\s+(.+?)(?=\n\s*(?:\n|Differs\b|References?:)|\Z)"
    return [" ".join(each.split()) for each in re.findall(pattern, text, flags=re.DOTALL)]
