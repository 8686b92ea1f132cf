"""Command-line options from a dataclass: one per field, typed by its annotation, documented by the
class's docstring (``name: what it is.``)."""

from __future__ import annotations

import argparse
import dataclasses
import re
import types
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from domainclip._recipe_options import REQUIRED, UNREADABLE, Option
from domainclip.errors import UsageError, nearest

__all__ = ["add_fields", "build", "convert", "described", "parse_checked"]


def described(cls: type[Any]) -> tuple[list[Option], str]:
    """The fields of a dataclass and its docstring. Raises UsageError where it is no dataclass."""
    hints = get_type_hints(cls)
    options = [Option(each.name, hints[each.name], _default(each)) for each in _fields(cls)]
    return options, cls.__doc__ or ""


def add_fields(parser: argparse._ActionsContainer, fields: Iterable[Option], doc: str) -> None:
    """Add ``--field-name`` for every field, with its words in ``doc``; only given ones are
    stored."""
    fields = list(fields)
    documented = _documented(doc, [field.name for field in fields])
    for field in fields:
        flag = "--" + field.name.replace("_", "-")
        shown = " ".join([documented.get(field.name, ""), _default_words(field.default)]).strip()
        # a percent sign in a docstring is not argparse's business
        words: dict[str, Any] = {
            "dest": _PREFIX + field.name,
            "default": argparse.SUPPRESS,
            "help": shown.replace("%", "%%"),
        }
        hint = get_args(field.type)[0] if get_origin(field.type) is Annotated else field.type
        if hint is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, **words)
            continue
        item = _item_type(hint)
        if item in (int, float):  # numbers hold no comma: one word may be several
            words |= {"action": "extend", "type": _numbers(item), "metavar": "N,..."}
        else:
            words |= {"action": "append"} if item is not None else {}
            words |= {"type": _converter(item or hint)}
            words |= {"metavar": _metavar(item or hint, field.name)}
        parser.add_argument(flag, **words)


def build(cls: type[Any], arguments: argparse.Namespace) -> Any:
    """The dataclass from parsed arguments. Raises UsageError for a value that it refuses."""
    hints = get_type_hints(cls)
    values = {}
    for field in _fields(cls):
        if not hasattr(arguments, _PREFIX + field.name):
            if _default(field) is REQUIRED:
                raise UsageError(f"--{field.name.replace('_', '-')} must be given.")
            continue
        value = getattr(arguments, _PREFIX + field.name)
        if _item_type(hints[field.name]) is not None:
            value = _gathered(hints[field.name], value)
        values[field.name] = value
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{cls.__name__}: {error}.") from error


def parse_checked(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """Parse; an unknown option raises UsageError with the nearest known one."""
    arguments, unknown = parser.parse_known_intermixed_args(list(words))
    if unknown:
        known = [flag for action in parser._actions for flag in action.option_strings]
        name = unknown[0].partition("=")[0]
        raise UsageError(
            f"unknown option {name!r}.{nearest(name, known)} See {parser.prog} --help."
        )
    return arguments


def convert(hint: Any, text: str) -> Any:
    """The text as a value of the annotated type. Raises ValueError saying what is expected."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        kinds = get_args(hint)
        if type(None) in kinds and text.lower() in ("none", "null", ""):
            return None
        for kind in kinds:
            if kind is not type(None):
                try:
                    return convert(kind, text)
                except ValueError:
                    continue
        raise ValueError(f"{text!r} is not {_type_words(hint)}")
    if origin is Literal:
        for choice in get_args(hint):
            if str(choice) == text:
                return choice
        raise ValueError(f"{text!r} is not {_type_words(hint)}{_ending(text, get_args(hint))}")
    if hint is bool:
        if text.lower() in ("true", "yes", "1", "on"):
            return True
        if text.lower() in ("false", "no", "0", "off"):
            return False
        raise ValueError(f"{text!r} is neither true nor false")
    if hint in (int, float):
        try:
            return hint(text)
        except ValueError:
            raise ValueError(f"{text!r} is not {_type_words(hint)}") from None
    if hint is Path:
        return Path(text).expanduser()
    if _item_type(hint) is not None:
        return _gathered(hint, [convert(_item_type(hint), word) for word in text.split("|")])
    if hint in (str, Any):
        return text
    raise ValueError(f"an option of type {hint} can be set from Python only")


_PREFIX = "field_"  # an extractor may name a field like one of the command's own options


def _fields(cls: type[Any]) -> list[dataclasses.Field[Any]]:
    if not dataclasses.is_dataclass(cls):
        raise UsageError(f"{cls.__name__} is not a dataclass, so its options cannot be known.")
    return [field for field in dataclasses.fields(cls) if field.init]


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    return REQUIRED if field.default_factory is dataclasses.MISSING else field.default_factory()


def _default_words(default: Any) -> str:
    if default is REQUIRED:
        return "[required]"
    if default is UNREADABLE:
        return ""
    if isinstance(default, list | tuple | set | frozenset | dict):
        default = ", ".join(map(str, default))
    if default in ("", None):
        return ""
    words = str(default)
    return f"[default: {words if len(words) <= 80 else words[:77] + '...'}]"


def _item_type(hint: Any) -> Any:
    """What a list-like type holds, else None; ``X | None`` counts as X."""
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        return _item_type(kinds[0]) if len(kinds) == 1 else None
    if get_origin(hint) in (tuple, list, set, frozenset, Sequence):
        return get_args(hint)[0]
    if get_origin(hint) is dict:
        return types.GenericAlias(tuple, get_args(hint))  # written key=value
    return None


def _gathered(hint: Any, values: list[Any]) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(kind for kind in get_args(hint) if kind is not type(None))
    origin = get_origin(hint)
    if origin is Sequence:
        return tuple(values)
    return origin(values) if origin is not None else values


def _converter(hint: Any) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            if get_origin(hint) is tuple:  # an entry of a dict
                key_type, value_type = get_args(hint)
                key, equals, value = text.partition("=")
                if not equals:
                    raise ValueError(f"{text!r} is not written key=value")
                return convert(key_type, key), convert(value_type, value)
            return convert(hint, text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


def _numbers(item: Any) -> Callable[[str], list[Any]]:
    one = _converter(item)
    return lambda text: [one(word) for word in text.split(",")]


def _metavar(hint: Any, name: str) -> str:
    if get_origin(hint) is Literal:
        return "|".join(map(str, get_args(hint)))
    if get_origin(hint) is tuple:
        return "KEY=VALUE"
    if get_origin(hint) in (Union, types.UnionType):
        return _metavar(next(k for k in get_args(hint) if k is not type(None)), name)
    words = {int: "N", float: "X", Path: "PATH", str: "TEXT"}
    return words.get(hint, name.upper())


def _type_words(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(_type_words(kind) for kind in get_args(hint))
    words = {int: "a whole number", float: "a number", type(None): "none", str: "a text"}
    return words.get(hint, getattr(hint, "__name__", str(hint)))


def _ending(text: str, choices: Sequence[Any]) -> str:
    return ("." + nearest(text, map(str, choices))).rstrip(".?") if choices else ""


def _documented(doc: str, names: Sequence[str]) -> dict[str, str]:
    """``name: words`` of a docstring, each up to the next documented field or empty line."""
    any_name = "|".join(map(re.escape, names))
    heading = rf"(?:^|(?<=[.;)])\s|\n)\s*((?:{any_name})(?:,\s+(?:{any_name}))*):\s"
    found: dict[str, str] = {}
    for block in re.split(r"\n\s*\n", doc):
        pieces = re.split(heading, block)
        for heads, words in zip(pieces[1::2], pieces[2::2], strict=False):
            for name in re.split(r",\s+", heads):
                found[name] = " ".join(words.split())
    return found
