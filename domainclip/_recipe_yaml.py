"""YAML as recipes write it: plain values and the line that each of them stands on.

Safe tags only, no aliases, no duplicate keys, keys are text. Scalars follow YAML 1.2, so ``no`` and
``on`` are words and ``1e-3`` is a number; what is written quotes everything that YAML 1.1 or 1.2
would read as something else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from domainclip.errors import RecipeError

__all__ = ["Document", "dotted", "dump", "parse"]

Path = tuple[str | int, ...]
Beside = Callable[[Path], Collection[str] | None]


@dataclass
class Document:
    """A recipe as plain values, and where each of them was written."""

    values: Any
    where: dict[Path, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    given: set[Path] = field(default_factory=set)  # what ``put`` has set

    def place(self, path: Path) -> str:
        """``file:line`` or the override that gave the value at ``path`` (or the nearest above)."""
        while path and path not in self.where:
            path = path[:-1]
        return self.where.get(path, "recipe")

    def at(self, path: Path) -> Any:
        """The value at ``path``; None where there is none."""
        value = self.values
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        return value

    def refuse(self, path: Path, message: str) -> None:
        """Note one error; the same one is noted once."""
        line = f"{self.place(path)} {dotted(path)}: {message}"
        if line not in self.errors:
            self.errors.append(line)

    def errors_by_line(self) -> list[str]:
        """The errors as the file's lines follow each other, then those of overrides as given."""

        def line(error: str) -> tuple[bool, int]:
            numbered = re.match(re.escape(self.place(())) + r":(\d+) ", error)
            return error.startswith("override "), int(numbered[1]) if numbered else 0

        return sorted(self.errors, key=line)

    def override(self, assignment: str, beside: Beside | None = None) -> None:
        """Apply one ``key.sub=value``; the value is YAML. beside: as for ``put``."""
        key, equals, text = assignment.partition("=")
        place = f"override {assignment!r}"
        if not equals or not all(key.split(".")):
            self.errors.append(f"{place}: write it as key.sub=value.")
            return
        try:
            value = parse(text, place).values
        except RecipeError as error:
            self.errors.append(str(error))
            return
        self.put(key, value, place, beside)

    def put(self, key: str, value: Any, place: str, beside: Beside | None = None) -> None:
        """Set the value at a dotted key; sections on the way are made where they are absent.

        beside: what stands beside a component's options in the section at a path; None where there
        is no component. Another name then drops the options of the one before, but not what was
        ``put`` there.
        """
        target: Any = self.values
        path: Path = ()
        steps: list[str] = key.split(".")
        for number, word in enumerate(steps):
            step: str | int = int(word) if isinstance(target, list) and word.isdigit() else word
            here: Any = target
            if isinstance(target, list) and step not in range(len(target)):
                self.errors.append(f"{place}: {dotted(path)!r} has {len(target)} entries, from 0.")
                return
            if not isinstance(target, dict | list):
                self.errors.append(f"{place}: {dotted(path)!r} has no parts to set.")
                return
            path = (*path, step)
            if number == len(steps) - 1:
                if beside is not None and word == "name":
                    self._start_anew(path[:-1], here, value, beside(path[:-1]))
                here[step] = value
            elif isinstance(target, dict) and target.get(word) is None:
                target[word] = {}
                self.where.setdefault(path, place)
            target = here[step]
        self.where = {at: it for at, it in self.where.items() if at[: len(path)] != path}
        self.where[path] = place
        self.given.add(path)

    def _start_anew(self, path: Path, section: Any, name: Any, own: Collection[str] | None) -> None:
        if own is None or not isinstance(section, dict) or section.get("name", name) == name:
            return
        kept = self._as_given(section, path)
        for key in [key for key in section if key not in own and key not in kept]:
            del section[key]
        section.update({key: value for key, value in kept.items() if key not in own})

    def _as_given(self, value: Any, path: Path) -> Any:
        """As much of a value as was ``put``."""
        if not isinstance(value, dict) or any(path[: len(at)] == at for at in self.given):
            return value
        begun = {at[len(path)] for at in self.given if at[: len(path)] == path}
        return {key: self._as_given(value[key], (*path, key)) for key in value if key in begun}


def parse(text: str, name: str) -> Document:
    """The values of a YAML text; ``name`` stands before the line numbers.

    Raises RecipeError for what is not YAML, for duplicate keys and for aliases.
    """
    numbered = not name.startswith("override")
    document = Document(None, {(): name})
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
        document.values = _values(node, (), document, name, numbered) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark and numbered else ""
        raise RecipeError(f"{name}{line}: {error.problem or error.context}.") from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{name}: not YAML: {error}.") from error
    if document.errors:
        raise RecipeError("\n".join(document.errors))
    return document


def dump(values: Mapping[str, Any]) -> str:
    """YAML of plain values: sections as blocks, their innermost lists and options in one line."""
    return yaml.dump(
        values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100,
        default_flow_style=None,
    )  # fmt: skip


def dotted(path: Sequence[str | int]) -> str:
    """``('evaluate', 0, 'shots')`` as ``evaluate.0.shots``."""
    return ".".join(map(str, path))


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="recipes have no aliases (*name): write the value out", problem_mark=mark
            )
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {}  # YAML 1.2's below instead of YAML 1.1's


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|[-+]?\.inf$|\.nan$")
_RULES = [
    ("tag:yaml.org,2002:null", re.compile(r"(~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("tag:yaml.org,2002:int", re.compile(r"[-+]?[0-9]+$|0x[0-9a-fA-F]+$"), list("-+0123456789")),
    ("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789.")),
]
for _tag, _pattern, _first in _RULES:
    _Loader.add_implicit_resolver(_tag, _pattern, _first)
    _Dumper.add_implicit_resolver(_tag, _pattern, _first)
_SCALARS: Mapping[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:null": lambda text: None,
    "tag:yaml.org,2002:bool": lambda text: text.lower() == "true",
    "tag:yaml.org,2002:int": lambda text: int(text, 16 if text.startswith("0x") else 10),
    "tag:yaml.org,2002:float": lambda text: float(re.sub(r"\.(inf|nan)", r"\1", text)),
    "tag:yaml.org,2002:str": str,
}  # fmt: skip


def _values(node: yaml.Node, path: Path, document: Document, name: str, numbered: bool) -> Any:
    place = f"{name}:{node.start_mark.line + 1}" if numbered else name
    document.where.setdefault(path, place)
    if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(
                    problem="a key must be text", problem_mark=key_node.start_mark
                )
            key = str(key_node.value)
            inner = (*path, key)
            line = f"{name}:{key_node.start_mark.line + 1}" if numbered else name
            if key in found:
                first = document.where[inner]
                document.errors.append(f"{line} {dotted(inner)}: given twice, first at {first}.")
                continue
            document.where[inner] = line
            found[key] = _values(value_node, inner, document, name, numbered)
        return found
    if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
        return [
            _values(item, (*path, number), document, name, numbered)
            for number, item in enumerate(node.value)
        ]
    if node.tag not in _SCALARS or not isinstance(node, yaml.ScalarNode):
        raise yaml.MarkedYAMLError(
            problem=f"the tag {node.tag!r} is not allowed in a recipe", problem_mark=node.start_mark
        )
    return _SCALARS[node.tag](node.value)
