"""A recipe: one YAML file that says everything a run does, as typed, frozen dataclasses.

``load_recipe`` refuses unknown keys, wrong types and missing values all at once, each with its file
and line and the nearest known key. Components (``{name: lora, rank: 8}``) are checked against the
source of their class, so that a recipe is checked in a moment and without torch.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, Literal, get_type_hints

from domainclip._recipe_check import FLAT, dataclass_in, section, shown
from domainclip._recipe_options import learns_from_captions
from domainclip._recipe_yaml import Document, dump, parse
from domainclip.catalogue import load, recipes
from domainclip.data.settings import DataSettings, Problem, namesakes
from domainclip.errors import BadInput, RecipeError, UnknownName, nearest
from domainclip.training.settings import TrainerSettings

__all__ = [
    "BackboneSettings",
    "Component",
    "Recipe",
    "TextSettings",
    "as_tree",
    "expand",
    "load_recipe",
    "recipe_text",
    "to_yaml",
]


@dataclass(frozen=True)
class Component:
    """``{name: lora, rank: 8}``: a name of the catalogue, with the options of its class."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict, metadata={FLAT: True})

    def build(self, kind: str) -> Any:
        """An instance of the class (kind: ``adapters``, ``heads``, ``objectives``, ...)."""
        return load(kind, self.name)(**self.options)


@dataclass(frozen=True)
class BackboneSettings:
    """The arguments of ``load_backbone``. device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ..."""

    name: str
    pretrained: str | None = None
    device: str = "auto"
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"


@dataclass(frozen=True)
class TextSettings:
    """How classes and captions become text.

    name: what is done with captions longer than the context (the files of ``domainclip.text``).
    classnames: label -> the words for it in prompts; null for the labels as they are.
    templates: prompts with ``{}`` for the class name; a class is the mean of its prompts.
    words: what the report may call a changed direction beside the class names; empty for a general
    list.
    """

    name: str = "truncate"
    classnames: Mapping[str, str] | None = None
    templates: tuple[str, ...] = ("a photo of a {}.",)
    words: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict, metadata={FLAT: True, "kind": "text"})

    def problems(self) -> Iterator[Problem]:
        for number, template in enumerate(self.templates):
            if "{}" not in template:
                yield ("templates", number), f"{template!r} has no {{}} for the class."
        keep, length = (self.options.get(each) or 0 for each in ("keep", "length"))
        if self.name == "stretch" and not keep < length - 1:
            yield ("length",), f"{length} is no stretch where the first {keep} stay; give 248."
        names = self.classnames or {}
        for label, first in namesakes(names):
            yield ("classnames", label), f"{names[label]!r} is the name of {first!r} already."


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything a run does. note: a sentence that its report shows first. sweep: dotted key -> the
    values it takes; a run of their product."""

    name: str
    note: str = ""
    seed: int = 0
    backbone: BackboneSettings
    data: DataSettings
    text: TextSettings = field(default_factory=TextSettings)
    adapter: Component | None = field(default=None, metadata={"kind": "adapters"})
    head: Component | None = field(default=None, metadata={"kind": "heads"})
    objective: Component | None = field(default=None, metadata={"kind": "objectives"})
    trainer: TrainerSettings = field(default_factory=TrainerSettings)
    evaluate: tuple[Component, ...] = field(default=(), metadata={"kind": "evaluators"})
    sweep: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        if self.adapter is not None and learns_from_captions(self.adapter.name):
            yield from self._caption_problems(self.adapter.name)
        elif self.adapter is not None and self.objective is None:
            example = "{name: class_prompts} or {name: infonce}"
            yield ("objective",), f"missing; an adapter is trained with one, such as {example}."
        for key, values in self.sweep.items():
            if not values:
                yield ("sweep", key), "give a list with at least one value."

    def _caption_problems(self, name: str) -> Iterator[Problem]:
        """What would be of no effect beside an adapter that learns from captions alone."""
        if self.objective is not None:
            yield ("objective",), f"{name} learns from captions by its own loss; leave it out."
        if self.text.name != "truncate":
            yield ("text", "name"), f"{name} reads captions word by word; use truncate."
        for each in fields(TrainerSettings):
            if each.name in ("epochs", "lr", "weight_decay", "optimizer"):
                continue
            if getattr(self.trainer, each.name) != each.default:
                yield ("trainer", each.name), f"has no effect on {name}, which reads no image."


def load_recipe(
    path_or_name: str | Path, overrides: Sequence[str] = (), *, files: bool = False
) -> Recipe:
    """The recipe of a file or of a shipped name, after ``key.sub=value`` overrides.

    Another name of a component (``text.name=truncate``) drops the options of the one before;
    ``sweep=null``, or of one of its keys, switches the sweep off.
    files: also refuse pairs and weights that are not there, as before a run; a finished run's
    recipe may outlive them. Raises RecipeError with every error found, one a line; UnknownName for
    a name that is neither.
    """
    text, place = recipe_text(path_or_name)
    document = parse(text, place)
    if not isinstance(document.values, dict):
        raise RecipeError(f"{place}: {_no_sections(document.values)}")
    for assignment in overrides:
        document.override(assignment, _beside_options)
    _switch_off_sweep(document.values)
    recipe = _resolve(document, files)
    _expand(recipe, document, files)
    return recipe


def expand(recipe: Recipe) -> list[tuple[str, Recipe]]:
    """The runs of a sweep as (label, recipe without sweep); one with an empty label if none."""
    return _expand(recipe, Document(None))


def as_tree(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain dicts, lists and scalars, in the form of a recipe file, complete."""
    tree: dict[str, Any] = _tree(recipe)
    return tree


def to_yaml(recipe: Recipe) -> str:
    """The fully resolved recipe file: ``load_recipe`` of it gives the same recipe."""
    return dump(as_tree(recipe))


def recipe_text(path_or_name: str | Path) -> tuple[str, str]:
    """(its YAML text, what to call it in messages) of a recipe file or of a shipped name."""
    shipped = recipes()
    if str(path_or_name) in shipped and not Path(path_or_name).is_file():
        return shipped[str(path_or_name)].read_text("utf-8"), f"recipes/{path_or_name}.yaml"
    path = Path(path_or_name)
    if not path.is_file():
        if path.suffix in (".yaml", ".yml"):
            near = nearest(path.name, [f"{name}.yaml" for name in shipped])
            raise BadInput(f"{path}: no such recipe file.{near}")
        raise UnknownName("recipe", str(path_or_name), shipped)
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not a text file in UTF-8.") from error


def _beside_options(path: Sequence[str | int]) -> frozenset[str] | None:
    """What the recipe's section at a path holds beside the options of its component; None where
    it is of no component."""
    kind: Any = Recipe
    for step in path[1:] if path[:1] == ("sweep",) else path:
        if isinstance(step, int):
            continue
        known = {each.name: each for each in fields(kind)}
        if step not in known or step == "options":
            # an option; it may be a component itself, as the terms of weighted are
            return frozenset({"name"}) if "options" in known else None
        kind = dataclass_in(get_type_hints(kind)[step])
        if kind is None:
            return None
    names = frozenset(each.name for each in fields(kind))
    return names - {"options"} if "options" in names else None


def _switch_off_sweep(values: dict[str, Any]) -> None:
    if "sweep" in values and values["sweep"] is None:
        values["sweep"] = {}
    if isinstance(values.get("sweep"), dict):
        values["sweep"] = {key: each for key, each in values["sweep"].items() if each is not None}


def _no_sections(values: Any) -> str:
    found = {None: "the file is empty", list: "the file holds a list"}.get(
        None if values is None else type(values), f"the file holds only {shown(values)}"
    )
    return (
        f"{found}, and a recipe is sections (key: value) such as name, backbone and data; "
        "`domainclip copy quickstart mine.yaml` writes one to start from."
    )


def _resolve(document: Document, files: bool = False) -> Recipe:
    recipe = section(Recipe, document.values, (), document)
    _check_backbone(document)
    _check_teachers(document.values.get("objective"), ("objective",), document)
    if not document.values.get("sweep"):  # else each of its runs is, as the sweep may change them
        _check_image_px(document)
        if files:
            _check_files(document)
    if document.errors:
        raise RecipeError("\n".join(document.errors_by_line()))
    assert isinstance(recipe, Recipe)
    return recipe


def _check_backbone(document: Document) -> None:
    backbone = document.values.get("backbone")
    name = backbone.get("name") if isinstance(backbone, Mapping) else None
    _check_known(name, ("backbone", "name"), document)


def _check_teachers(objective: Any, path: tuple[str | int, ...], document: Document) -> None:
    """The backbones that an objective's ``teacher``, or that of one within it, names."""
    if not isinstance(objective, Mapping):
        return
    teacher, terms = objective.get("teacher"), objective.get("terms")
    if isinstance(teacher, list | tuple) and teacher:
        _check_known(teacher[0], (*path, "teacher"), document)
    _check_teachers(objective.get("of"), (*path, "of"), document)
    for number, term in enumerate(terms if isinstance(terms, list | tuple) else ()):
        _check_teachers(term, (*path, "terms", number), document)


def _check_known(name: Any, path: tuple[str | int, ...], document: Document) -> None:
    known = _backbone_names()
    if not isinstance(name, str) or not known or "/" in name or ":" in name:
        return
    if name not in known and not Path(name).exists():
        document.refuse(path, f"unknown backbone {name!r}.{nearest(name, known)}")


def _check_image_px(document: Document) -> None:
    """open_clip's own towers learn positions for one size; timm's are asked when they are there."""
    name, image_px = document.at(("backbone", "name")), document.at(("data", "image_px"))
    if not isinstance(name, str) or not isinstance(image_px, int):
        return
    config = _backbone_configs().get(name.replace("/", "-"))
    vision = {} if config is None else json.loads(config.read_text("utf-8")).get("vision_cfg", {})
    if not vision or "timm_model_name" in vision:
        return
    size = vision.get("image_size", 224)  # open_clip's own default
    sides = set(size) if isinstance(size, list) else {size}
    if sides != {image_px}:
        document.refuse(
            ("data", "image_px"),
            f"{name!r} sees images of {' x '.join(map(str, sorted(sides)))} pixels and no other "
            f"size, got {image_px}; give data.image_px=null.",
        )


def _check_files(document: Document) -> None:
    pairs, weights = document.at(("data", "pairs")), document.at(("backbone", "pretrained"))
    if isinstance(pairs, str):
        if not Path(pairs).is_dir():
            document.refuse(("data", "pairs"), f"{pairs}: no such directory; give data.pairs=PATH.")
        elif not any(Path(pairs).glob("part-*.parquet")):
            document.refuse(
                ("data", "pairs"),
                f"{pairs}: holds no part-*.parquet; make pairs of it with `domainclip pairs "
                "import`.",
            )
    if not isinstance(weights, str) or Path(weights).is_file():
        return
    if "/" in weights or Path(weights).suffix in (".safetensors", ".pt", ".pth", ".bin"):
        document.refuse(
            ("backbone", "pretrained"),
            f"{weights}: no such file; give the path of one, or a tag such as openai.",
        )


def _backbone_names() -> set[str]:
    """Names that open_clip ships, and our own; empty without it."""
    configs = _backbone_configs()
    return {"embedded", *configs} if configs else set()


@lru_cache
def _backbone_configs() -> Mapping[str, Path]:
    """Name -> the JSON file with which open_clip ships it, found without importing it."""
    spec = importlib.util.find_spec("open_clip")
    if spec is None or spec.origin is None:
        return {}
    folder = Path(spec.origin).parent / "model_configs"
    return {path.stem: path for path in sorted(folder.glob("*.json"))}


def _expand(recipe: Recipe, document: Document, files: bool = False) -> list[tuple[str, Recipe]]:
    if not recipe.sweep:
        return [("", recipe)]
    base = as_tree(replace(recipe, sweep={}))
    found = []
    errors: list[str] = []
    names = {key: _labels(values) for key, values in recipe.sweep.items()}
    choices = [range(len(values)) for values in recipe.sweep.values()]
    for combination in product(*choices):
        one = Document(_copy(base), {(): document.place(("sweep",))})
        label = []
        for (key, values), at in zip(recipe.sweep.items(), combination, strict=True):
            place = f"{document.place(('sweep', key))} sweep"
            one.put(key, _copy(_tree(values[at])), place, _beside_options)
            word = key.removesuffix(".name").rpartition(".")[2]
            label.append(f"{word}={names[key][at]}")
        try:
            found.append((",".join(label), _resolve(one, files)))
        except RecipeError as error:
            errors += [line for line in str(error).split("\n") if line not in errors]
    if errors:
        raise RecipeError("\n".join(errors))
    return found


def _labels(values: Sequence[Any]) -> list[str]:
    """A short name for each value: a component's name, with its options where names repeat."""
    parts = [_label_parts(value) for value in values]
    heads = [part[0] for part in parts]
    return [part[0] if heads.count(part[0]) == 1 else "-".join(part) for part in parts]  # fmt: skip


def _label_parts(value: Any) -> list[str]:
    if not isinstance(value, Mapping):
        return ["null" if value is None else Path(str(value)).name]
    options = [f"{key}{inner}" for key, inner in value.items() if key != "name"]
    return [Path(value["name"]).stem, *options] if "name" in value else ["-".join(options) or "{}"]


def _tree(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        tree: dict[str, Any] = {}
        for each in fields(value):
            inner = _tree(getattr(value, each.name))
            if each.name == "options" and each.metadata.get(FLAT):
                tree.update(inner)
            else:
                tree[each.name] = inner
        return tree
    if isinstance(value, Mapping):
        return {str(key): _tree(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_tree(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _copy(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _copy(value) for key, value in tree.items()}
    return [_copy(item) for item in tree] if isinstance(tree, list) else tree
