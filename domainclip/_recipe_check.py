"""Plain values into typed dataclasses, noting every error at its line instead of stopping.

Values are parsed by jsonargparse, type by type. Before it sees them, text where a number is wanted
and null where nothing may be missing are refused: it would read ``"3"`` as 3 and pass null on.

What a type alone does not say stands behind it: ``Annotated[int, ">= 1"]`` is a number from 1 on,
``Annotated[tuple[...], "not all 0"]`` a list of numbers that are not all 0, ``Annotated[str,
"heads"]`` a name of that kind in the catalogue, ``Annotated[Mapping[str, Any],
"options of head"]`` the options of what the field ``head`` names, and ``Annotated[Mapping[str,
Any], "adapters"]`` a component, ``{name: ..., option: ...}``.
"""

from __future__ import annotations

import operator
import pathlib
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from jsonargparse import ArgumentError, ArgumentParser

from domainclip._recipe_options import REQUIRED, UNREADABLE, Option, options_of
from domainclip._recipe_yaml import Document, Path
from domainclip.catalogue import KINDS
from domainclip.errors import DomainclipError, nearest

__all__ = ["FLAT", "dataclass_in", "leaf", "section", "shown"]

FLAT = "flat"  # metadata of an ``options`` field whose options stand beside ``name``
_BAD: Any = object()


def section(kind: Any, values: Any, path: Path, document: Document, of: str = "") -> Any:
    """An instance of the dataclass ``kind``, or None after noting what is wrong.

    A dataclass may have ``problems()``: what no field can tell alone, as (path inside, message).
    of: the catalogue kind that the section's ``name`` belongs to, where its field does not say.
    """
    if not isinstance(values, Mapping):
        document.refuse(path, f"expected a section (key: value), got {shown(values)}.")
        return None
    hints = get_type_hints(kind, include_extras=True)
    known: dict[str, Field[Any]] = {each.name: each for each in fields(kind)}
    flat = "options" in known and bool(known["options"].metadata.get(FLAT))
    before = len(document.errors)
    given: dict[str, Any] = {}
    for name, each in known.items():
        if name == "options":
            continue
        if name in values:
            given[name] = _value(hints[name], values[name], (*path, name), document, each)
        elif each.default is MISSING and each.default_factory is MISSING:
            document.refuse((*path, name), f"missing; give {wanted(hints[name])}.")
        elif hasattr(
            each.default_factory, "__dataclass_fields__"
        ):  # whole, so that its component is complete too
            given[name] = section(each.default_factory, {}, (*path, name), document)
    # a component may have an option of its own that is called options (wise_ft)
    own_fields = known.keys() - {"options"} if flat else known.keys()
    rest = {name: value for name, value in values.items() if name not in own_fields}
    if "options" in known:
        of = known["options"].metadata.get("kind", of)
        options, at = (rest, path) if flat else (values.get("options"), (*path, "options"))
        name = values.get("name", known["name"].default)
        if isinstance(name, str):
            own = [each for each in known if each not in ("name", "options")] if flat else []
            given["options"] = _options(of, name, options, at, (*path, "name"), document, own)
    if not flat:
        for name in rest:
            document.refuse((*path, name), f"unknown key.{nearest(name, known)}")
    if len(document.errors) > before:
        return None
    made = kind(**given)
    for at, message in made.problems() if hasattr(made, "problems") else ():
        document.refuse((*path, *at), message)
    return made


def _options(
    kind: str,
    name: str,
    values: Any,
    path: Path,
    named: Path,
    document: Document,
    beside: list[str],
    complete: bool = True,
) -> dict[str, Any]:
    """The options of a component, complete with its plain defaults. named: where its name is.
    complete: false where its options stand elsewhere, so that none is missed."""
    if values is None:
        values = {}
    if not isinstance(values, Mapping):
        document.refuse(path, f"expected a section (key: value), got {shown(values)}.")
        return {}
    try:
        known = options_of(kind, name)
    except DomainclipError as error:
        document.refuse(named, str(error).rstrip(".") + ".")
        return {}
    found: dict[str, Any] = {}
    if not complete:
        return found
    for key in values:
        if key not in known:
            near = nearest(key, [*known, *beside])
            hint = _NAMED_SO.get((kind, key)) or near or _other_component(path, document)
            document.refuse((*path, key), f"unknown option of {name!r}.{hint}")
    for key, option in known.items():
        if key in values:
            found[key] = leaf(option.type, values[key], (*path, key), document)
            of = _rule(option.type).removeprefix(_OPTIONS_OF)
            if of != _rule(option.type) and isinstance(values[key], Mapping):
                inner, kind_of = values.get(of, known[of].default), _rule(known[of].type)
                if isinstance(inner, str):
                    at, named_at = (*path, key), (*path, of)
                    _options(kind_of, inner, values[key], at, named_at, document, [])
        elif option.default is REQUIRED:
            document.refuse((*path, key), f"missing; {name!r} needs {wanted(option.type)}.")
        elif option.default is not UNREADABLE:
            found[key] = _default(option)
    return found


_OPTIONS_OF = "options of "
_NOT_ALL_0 = "not all 0"
# what a paper or another project calls the name of a component
_NAMED_SO = {("text", "long"): " How long texts are read is text.name, such as text.name=window."}


def _rule(kind: Any) -> str:
    """What stands behind a type; empty where nothing does."""
    return str(get_args(kind)[1]) if get_origin(kind) is Annotated else ""


def _component(kind: str, value: Any, path: Path, document: Document) -> Any:
    """A name of the catalogue, or a component, as it is, after noting what is wrong with it.

    Its defaults are left to what builds it, which may have others (a common seed).
    """
    if isinstance(value, str):
        _options(kind, value, {}, path, path, document, [], complete=False)
    elif isinstance(value, Mapping) and isinstance(value.get("name"), str):
        rest = {key: each for key, each in value.items() if key != "name"}
        _options(kind, value["name"], rest, path, (*path, "name"), document, ["name"])
    else:
        document.refuse(path, f"expected {{name: ..., option: ...}}, got {shown(value)}.")
    return value


def _default(option: Option) -> Any:
    # through the same door as a written value, so that 1 for a float is 1.0 either way
    aside = Document(None)
    value = leaf(option.type, option.default, (option.name,), aside)
    return option.default if aside.errors else value


def _other_component(path: Path, document: Document) -> str:
    at = document.where.get((*path, "name"), "")
    section = ".".join(map(str, path))
    if at.startswith("override"):
        return f" To replace the whole component, write {section}={{name: ...}}."
    return ""


def _value(kind: Any, value: Any, path: Path, document: Document, each: Field[Any]) -> Any:
    """One field of a section: a section itself, a list of sections, or a leaf."""
    inner = dataclass_in(kind)
    of = each.metadata.get("kind", "")
    if inner is None:
        return leaf(kind, value, path, document)
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            document.refuse(path, f"expected a list of sections, got {shown(value)}.")
            return ()
        return tuple(
            section(inner, item, (*path, number), document, of) for number, item in enumerate(value)
        )
    if value is None and type(None) in get_args(kind):
        return None
    if isinstance(value, str) and "options" in {f.name for f in fields(inner)}:
        value = {"name": value}  # ``adapter: lora`` is a component without options
    return section(inner, value, path, document, of)


def leaf(kind: Any, value: Any, path: Path, document: Document) -> Any:
    """The value as its type, or None after noting what is wrong, entry by entry."""
    if _rule(kind) in KINDS and isinstance(value, str) == (get_args(kind)[0] is str):
        return _component(_rule(kind), value, path, document)
    if _rule(kind) == _NOT_ALL_0:
        found = leaf(get_args(kind)[0], value, path, document)
        if found and all(each == 0 for each in found):
            document.refuse(path, "all of them are 0; give at least one above 0.")
        return found
    choices = _choices(kind)
    if value is None and (None in choices or type(None) in choices):
        return None
    if len(given := [each for each in choices if each not in (None, type(None))]) == 1:
        (only,) = given
        origin, arguments = get_origin(only), get_args(only)
        if origin in (dict, Mapping) and isinstance(value, Mapping):
            return {key: leaf(arguments[1], each, (*path, key), document)
                    for key, each in value.items()}  # fmt: skip
        if origin in (tuple, list) and isinstance(value, list | tuple):
            kinds = arguments if origin is tuple and ... not in arguments else None
            if kinds is None or len(kinds) == len(value):
                return origin(
                    leaf(kinds[at] if kinds else arguments[0], each, (*path, at), document)
                    for at, each in enumerate(value)
                )
    parsed = next((it for each in choices if (it := _parsed(each, value)) is not _BAD), _BAD)
    if parsed is _BAD:
        document.refuse(path, f"expected {wanted(kind)}, got {shown(value)}.")
        return None
    return parsed


def _parsed(kind: Any, value: Any) -> Any:
    """The value as one type that is no union, or ``_BAD``."""
    if kind is Any:
        return value
    if get_origin(kind) is Annotated:
        found = _parsed(get_args(kind)[0], value)
        rule = _rule(kind)
        return (
            found if found is _BAD or rule[:1] not in ("<", ">") or _within(found, rule) else _BAD
        )
    if get_origin(kind) is Literal:
        same = (each for each in get_args(kind) if each == value and type(each) is type(value))
        return next(same, _BAD)
    if value is None or kind in (None, type(None)):
        return _BAD
    if isinstance(value, str):
        return value if kind is str else pathlib.Path(value) if _is_path(kind) else _BAD
    try:
        return _parser(kind).parse_object({"value": _plain(value)}).value
    except (ArgumentError, ValueError, TypeError):
        return _BAD


_SIGNS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


def _within(number: float, rule: str) -> bool:
    """Whether a number keeps to a rule such as ``>= 0 < 1``."""
    words = rule.split()
    limits = zip(words[::2], words[1::2], strict=True)
    return all(_SIGNS[sign](number, float(limit)) for sign, limit in limits)


@lru_cache(maxsize=256)
def _parser(kind: Any) -> ArgumentParser:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--value", type=kind)
    return parser


def _choices(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) in (Union, types.UnionType):
        return tuple(choice for each in get_args(kind) for choice in _choices(each))
    return (kind,)


def dataclass_in(kind: Any) -> type[Any] | None:
    """The dataclass of a section's type, of a list of sections too; None where there is none."""
    inner = get_args(kind) if get_origin(kind) in (Union, types.UnionType, tuple) else (kind,)
    return next((each for each in inner if isinstance(each, type) and is_dataclass(each)), None)


def _is_path(kind: Any) -> bool:
    return kind is pathlib.Path


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


_WORDS: Mapping[Any, str] = {
    int: "a whole number", float: "a number", str: "text", bool: "true or false", None: "null",
    type(None): "null", dict: "a section", list: "a list", tuple: "a list", Any: "a value",
}  # fmt: skip
_PLURAL: Mapping[Any, str] = {int: "whole numbers", float: "numbers", str: "texts"}


def wanted(kind: Any) -> str:
    """A type in words: ``a whole number (>= 1) or null``."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in _WORDS:
        return _WORDS[kind]
    if origin in (Union, types.UnionType):
        return " or ".join(wanted(each) for each in arguments)
    if origin is Annotated:
        if arguments[1] in KINDS:
            name = f"that `domainclip list {arguments[1]}` shows"
            return f"a name {name}" if arguments[0] is str else f"{{name: ...}} with a name {name}"
        return f"{wanted(arguments[0])} ({arguments[1]})"
    if origin is Literal:
        shown_choices = ", ".join(repr(each) for each in arguments)
        return shown_choices if len(arguments) == 1 else f"one of {shown_choices}"
    if origin is tuple and ... not in arguments:
        return f"a list of {len(arguments)} ({', '.join(wanted(each) for each in arguments)})"
    if origin in (tuple, list):
        base = arguments[0]
        if get_origin(base) is Annotated and get_args(base)[0] in _PLURAL:
            return f"a list of {_PLURAL[get_args(base)[0]]} ({_rule(base)})"
        return f"a list of {_PLURAL.get(base) or wanted(base)}"
    if origin is not None and arguments:
        return f"a section of {_PLURAL.get(arguments[-1]) or wanted(arguments[-1])} by name"
    if isinstance(kind, type) and is_dataclass(kind):
        return "a section"
    return "a path" if _is_path(kind) else str(kind)


def shown(value: Any) -> str:
    """A value as the recipe shows it, cut to a readable length."""
    names = {None: "null", True: "true", False: "false"}
    text = names[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
