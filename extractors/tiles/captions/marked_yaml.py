"""YAML as plain text values with the line of each: no tags, no aliases, no guessed types.

Every scalar is a str (``no`` and ``on`` are words here), so that what a language's file says is
what is read. Aliases are refused: a few lines of them can stand for gigabytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from domainclip.errors import BadInput

__all__ = ["Marked", "read_yaml"]

LIMIT_BYTES = 2_000_000
_DEEPEST = 8
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Marked:
    """A value and where it stands. value: str, list of Marked or dict of str to Marked."""

    value: str | list[Marked] | dict[str, Marked]
    file: str
    line: int
    field: str

    def wrong(self, what: str) -> BadInput:
        """An error that names the file, line and field of this value."""
        return BadInput(f"{self.file}:{self.line} {self.field or 'file'}: {what}")

    def mapping(self) -> dict[str, Marked]:
        """The fields. Raises BadInput where it is none."""
        if not isinstance(self.value, dict):
            raise self.wrong("must be a mapping of names to values.")
        return self.value

    def items(self, *, least: int = 1) -> list[Marked]:
        """The items of a list, at least so many; a text counts as a list of one. BadInput."""
        if isinstance(self.value, dict):
            raise self.wrong("must be a list.")
        if isinstance(self.value, list) and len(self.value) < least:
            raise self.wrong("must not be an empty list.")
        return self.value if isinstance(self.value, list) else [self]

    def text(self) -> str:
        """The text. Raises BadInput where it is none, or empty."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.wrong("must be a text that is not empty.")
        return self.value

    def texts(self, *, least: int = 1) -> tuple[str, ...]:
        """A list of texts, at least so many. Raises BadInput."""
        return tuple(item.text() for item in self.items(least=least))

    def whole(self, *, least: int) -> int:
        """A whole number of at least ``least``. Raises BadInput."""
        text = self.text().strip()
        if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < least:
            raise self.wrong(f"must be a whole number from {least} on, and {text!r} is not.")
        return int(text)

    def yes(self) -> bool:
        """true or false (yes, no, on, off as well). Raises BadInput."""
        known = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
        text = self.text().strip().lower()
        if text not in known:
            raise self.wrong(f"must be true or false, and {text!r} is neither.")
        return known[text]


def read_yaml(text: str, file: str) -> Marked:
    """One YAML document. Raises BadInput with file and line where it is damaged or has aliases."""
    if len(text) > LIMIT_BYTES:
        raise BadInput(f"{file}: more than {LIMIT_BYTES:,} characters; caption files are small.")
    try:
        _check(text, file)
        node = yaml.compose(text, Loader=_LOADER)
        if node is None:
            raise BadInput(f"{file}: nothing in it.")
        return _marked(node, file, "")
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadInput(f"{file}:{line}: not YAML ({error.problem}).") from error
    except yaml.YAMLError as error:
        raise BadInput(f"{file}: not YAML ({str(error).splitlines()[0]}).") from error


def read_text(path: Path) -> str:
    """A file's text. Raises BadInput where it cannot be read as UTF-8."""
    try:
        with path.open("rb") as file:
            data = file.read(4 * LIMIT_BYTES + 1)
        if len(data) > 4 * LIMIT_BYTES:
            raise BadInput(f"{path}: more than {4 * LIMIT_BYTES:,} bytes; caption files are small.")
        return data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: the caption templates cannot be read ({error}).") from error


def _check(text: str, file: str) -> None:
    """Raises BadInput for aliases and for nesting that no caption file has."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise BadInput(f"{file}:{line}: YAML aliases are not read.")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise BadInput(f"{file}:{line}: more than {_DEEPEST} levels in one another.")


def _marked(node: yaml.Node, file: str, field: str) -> Marked:
    line = node.start_mark.line + 1 if node.start_mark else 1
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Marked] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if not name or name in found:
                at = key.start_mark.line + 1
                what = f"the field {name!r} is there twice" if name else "a field needs a name"
                raise BadInput(f"{file}:{at} {field or 'file'}: {what}.")
            found[name] = _marked(value, file, f"{field}.{name}" if field else name)
        return Marked(found, file, line, field)
    if isinstance(node, yaml.SequenceNode):
        items = [_marked(one, file, f"{field}[{at}]") for at, one in enumerate(node.value)]
        return Marked(items, file, line, field)
    return Marked(str(node.value), file, line, field)
