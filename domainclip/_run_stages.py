"""The stages of one run: measure the plain model, adapt it, measure it again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from safetensors import SafetensorError
from torch import Tensor

from domainclip._run_data import pairs_of
from domainclip._run_directory import RunDirectory, Stages, digest
from domainclip._run_names import as_tree_of, evaluator_labels
from domainclip._run_texts import said_of_cut
from domainclip._run_training import Training, say_left_out
from domainclip.adapters.storage import load_adapter, save_adapter
from domainclip.backbones import Backbone, load_backbone
from domainclip.backbones.cache import cache_folder
from domainclip.catalogue import load
from domainclip.classifier import Classifier
from domainclip.data._roles import said_of_roles
from domainclip.errors import OutputError, UsageError
from domainclip.evaluation._bootstrap import Floats
from domainclip.evaluation._features import Features
from domainclip.evaluation._predict import head_probabilities, prompt_probabilities
from domainclip.evaluation._protocol import Context
from domainclip.evaluation._results import ADAPTED, Measured
from domainclip.evaluation.metrics import classification
from domainclip.evaluation.report import Predictions
from domainclip.evaluation.understanding import direction_changes, general_words, weight_changes
from domainclip.objectives._protocol import wants_of
from domainclip.pairs import Pairs
from domainclip.pairs._files import output_errors
from domainclip.recipe import Component, Recipe, as_tree
from domainclip.training.fit import FitResult
from domainclip.training.module import from_classes

__all__ = ["Bar", "Work", "backbone_of"]

# title -> a context that gives a function of (done, total)
Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]

# of the data section: what changes training only, and not what the plain model is measured on
_TRAINING_ONLY = (
    "batch_size",
    "workers",
    "memory_mb",
    "augment",
    "weights",
    "role_weights",
    "temperature",
    "second_view",
)


def no_bar(title: str) -> AbstractContextManager[Callable[[int, int], None]]:
    """Shows nothing."""
    return nullcontext(lambda done, total: None)


@dataclass(eq=False)
class Work:
    """One run on its way. shared: where measurements of the plain model are kept, for other runs
    of a sweep too. say: a line to the log and to whoever watches. bar: progress of one step."""

    recipe: Recipe
    directory: RunDirectory
    shared: Stages
    say: Callable[[str], None]
    bar: Bar = no_bar
    seconds: dict[str, float] = field(default_factory=dict)

    @cached_property
    def stages(self) -> Stages:
        """This run's own stages."""
        return Stages(self.directory.path / "stages")

    @cached_property
    def pairs(self) -> Pairs:
        """The pairs, as this recipe splits them."""
        return self._split_pairs[0]

    @property
    def split(self) -> str:
        """Whose splits count, in a line."""
        return self._split_pairs[1]

    @cached_property
    def _split_pairs(self) -> tuple[Pairs, str]:
        pairs, split = pairs_of(self.recipe.data, self.say)
        self.say(split)
        return pairs, split

    @cached_property
    def objective(self) -> Any:
        """What training minimises; None where the recipe trains nothing."""
        component = self.recipe.objective
        made = None if component is None else component.build("objectives")
        if component is not None and getattr(made, "needs", "") not in ("captions", "classes"):
            raise UsageError(
                f"objective {component.name}: its class must say what text is: needs = 'captions' "
                "(features (b, d), one an image) or needs = 'classes' ((c, d), one a class)."
            )
        return made

    @cached_property
    def backbone(self) -> Backbone:
        """The model; ``adapt`` changes it in place."""
        backbone = backbone_of(self.recipe)
        if self.recipe.data.image_px is not None:
            backbone.check_sees(self.recipe.data.image_px)
        return backbone

    @cached_property
    def plain(self) -> Context:
        """The plain model on the data. Use it before ``adapt`` only."""
        return self._context(cached=True)

    @cached_property
    def identity(self) -> str:
        """The hash of what measurements of the plain model depend on."""
        tree = as_tree(self.recipe)
        data = {name: value for name, value in tree["data"].items() if name not in _TRAINING_ONLY}
        text = {name: value for name, value in tree["text"].items() if name != "words"}
        whole = ["whole"] if self.recipe.data.augment.keep_whole else []
        return digest(
            [tree["backbone"], data, text, self.recipe.seed, str(self.pairs.path), *whole]
        )

    def before(self) -> list[Measured]:
        """What the evaluators say of the plain model."""
        if self.stages.path.is_dir():
            self.directory.say("goes on after an interruption")
        self._check()
        say_left_out(self.recipe, self.pairs, self.plain.classes, self.say)
        said = said_of_cut(self.pairs, self.backbone, self.recipe.data.text_roles)
        if said:
            self.say(said)
        values: list[Measured] = []
        for label, component in evaluator_labels(self.recipe.evaluate):
            name = f"before-{label}-{digest([self.identity, as_tree_of(component)])}"
            values += self._measured(self.shared, name, "before", label, component, self.plain)
        if self._classifies():
            self._plain_predictions()
        return values

    def adapt(self) -> dict[str, Any]:
        """Train and save the adapter, or load what an earlier attempt saved; the training's log."""
        component = self.recipe.adapter
        if component is None:
            return {}
        folder = self.directory.path / "adapter"
        found = self.stages.get("train")
        if found is not None and folder.is_dir():
            self._understood(load_adapter(folder, self.backbone, method=component.name))
            self.seconds["train"] = found["seconds"]
            return found
        adapter, result = self._trained(component)
        self.save_adapter(adapter, {})
        self._understood(adapter)
        made = {
            "history": [asdict(row) for row in result.history],
            "best_epoch": result.best_epoch, "seconds": round(result.seconds, 3),
            "skipped": [list(each) for each in result.skipped],
            **({} if result.alpha is None else {"wise_ft": result.alpha}),
        }  # fmt: skip
        self.stages.put("train", made)
        # the adapter holds the result; three times its size in optimiser state is of no more use
        shutil.rmtree(self.directory.path / "checkpoints", ignore_errors=True)
        self.seconds["train"] = round(result.seconds, 3)
        best = self.recipe.trainer.keep == "best" and result.best_epoch
        kept = f"best {result.best_epoch}" if best else "the last one kept"
        self.say(f"train: {len(result.history)} epochs, {kept}, {result.seconds:.0f} s"
                 + ("" if result.alpha is None else f", wise_ft at {result.alpha:g}"))  # fmt: skip
        return made

    def changes(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """What the adapter changed, by weight and by direction; empty before ``adapt``."""
        found = self.stages.get("changes") or {}
        return found.get("weights", []), found.get("directions", [])

    def train_along(self) -> None:
        """Another rank's part of a distributed training."""
        if self.recipe.adapter is not None:
            self._trained(self.recipe.adapter)

    def after(self) -> list[Measured]:
        """What the evaluators say of the adapted model, and how well what was made classifies."""
        if self.recipe.adapter is None and self.recipe.head is None:
            return []
        context = self.plain if self.recipe.adapter is None else self._context(cached=False)
        values: list[Measured] = []
        if self.recipe.adapter is not None:
            for label, component in evaluator_labels(self.recipe.evaluate):
                if load("evaluators", component.name).again:
                    stage = f"after-{label}"
                    values += self._measured(
                        self.stages, stage, "after", label, component, context
                    )  # fmt: skip
        if not self._classifies():
            return values
        found = self.stages.once("after-adapted", lambda: self._adapted(context))
        self.seconds[f"after {ADAPTED}"] = found["seconds"]
        return values + [Measured.from_json(row) for row in found["values"]]

    def predictions(self) -> Predictions | None:
        """Class probabilities on the labelled test rows, before and after."""
        before = self.shared.arrays(self._plain_name)
        if before is None:
            return None
        after = self.stages.arrays("predictions-after")
        return Predictions(
            before["chance"], None if after is None else after["chance"], before["labels"],
            tuple(before["keys"].tolist()),
        )  # fmt: skip

    def save_adapter(self, adapter: Any, metrics: dict[str, Any]) -> None:
        """Write ``adapter/``. Raises OutputError."""
        component = self.recipe.adapter
        assert component is not None
        with _saving(self.directory.path / "adapter") as folder:
            save_adapter(
                folder, adapter, component.name, self.backbone,
                classnames=self.plain.classes.names, templates=self.recipe.text.templates,
                metrics=metrics,
            )  # fmt: skip

    @cached_property
    def _training(self) -> Training:
        return Training(self.recipe, self.pairs, self.backbone, self.objective, self.say)

    def _trained(self, component: Component) -> tuple[Any, FitResult]:
        training = self._training
        del self._training  # with its images in memory
        return training.run(component, self.plain.classes, self.directory.path, self.directory.say)

    def _check(self) -> None:
        recipe, objective = self.recipe, self.objective
        wants_of(objective)
        if recipe.adapter is not None and objective is not None and not self.stages.get("train"):
            self._training.check()
            return
        said = said_of_roles(self.pairs, recipe.data.text_roles)
        if said:
            self.say(said)

    def _understood(self, adapter: Any) -> None:
        def make() -> dict[str, Any]:
            text = self.recipe.text
            words = [*self.plain.classes.names, *(text.words or general_words())]
            directions = direction_changes(adapter, self.backbone, words, text.templates)
            return {
                "weights": [asdict(row) for row in weight_changes(adapter)],
                "directions": [asdict(row) for row in directions],
            }

        self.stages.once("changes", make)

    def _measured(
        self, stages: Stages, name: str, stage: Literal["before", "after"], label: str,
        component: Component, context: Context,
    ) -> list[Measured]:  # fmt: skip
        title = f"{stage} {label}"

        def make() -> dict[str, Any]:
            with self.bar(title) as show:
                context.progress = context.features.progress = show
                evaluator = component.build("evaluators")
                rows = [Measured(stage, label, metric, value).as_json()
                        for metric, value in evaluator.run(context)]  # fmt: skip
            return {"values": rows}

        known = stages.get(name) is not None
        found = stages.once(name, make)
        self.seconds[title] = found["seconds"]
        values = [Measured.from_json(row) for row in found["values"]]
        if not known and values:
            first = values[0]
            self.say(f"{title}: {first.metric} {first.value.value:.3f} ({found['seconds']:.1f} s)")
        return values

    def _adapted(self, context: Context) -> dict[str, Any]:
        test = context.labelled(context.test, "the run's own measurement")
        if self.recipe.head is None:
            chance = prompt_probabilities(context, test.features)
        else:
            chance = self._headed(context, test.features)
        found = classification(
            chance, test.labels.numpy(), groups=test.groups, resamples=context.resamples,
            seed=context.seed,
        )  # fmt: skip
        self.stages.put_arrays("predictions-after", {"chance": chance.astype(np.float32)})
        rows = [Measured("after", ADAPTED, name, value).as_json() for name, value in found.items()]
        return {"values": rows}

    def _headed(self, context: Context, features: Tensor) -> Floats:
        """Fit the head on the training split, save it, and ask it."""
        component = self.recipe.head
        assert component is not None
        train = context.labelled("train", f"the head {component.name}")
        head = component.build("heads")
        head.fit(train.features, train.labels, context.class_text, context.validation())
        if self.recipe.data.image_px is not None:
            self.backbone.see(self.recipe.data.image_px)  # what whoever loads the head must see
        with _saving(self.directory.path / "head") as folder:
            names, templates = list(context.classes.names), list(context.templates)
            Classifier(self.backbone, component.name, head, names, templates, True).save(folder)
        return head_probabilities(head, features)

    @property
    def _plain_name(self) -> str:
        return f"before-predictions-{self.identity}"

    def _plain_predictions(self) -> None:
        if self.shared.arrays(self._plain_name) is not None:
            return
        test = self.plain.labelled(self.plain.test, "the report")
        chance = prompt_probabilities(self.plain, test.features)
        arrays = {
            "chance": chance.astype(np.float32), "labels": test.labels.numpy(),
            "keys": np.array(test.keys, dtype=np.str_),
        }  # fmt: skip
        self.shared.put_arrays(self._plain_name, arrays)

    def _classifies(self) -> bool:
        """Whether what was made is to tell classes apart; a recipe that measures captions alone,
        or trains on them and measures nothing, may have labels beside them (a figure's kind) and
        means no classifier."""
        asked = [load("evaluators", each.name) for each in self.recipe.evaluate]
        of_classes = any(getattr(each, "of_classes", True) for each in asked)
        if not asked and self.recipe.adapter is not None:
            objective = self.objective  # None of an adapter that learns class words from texts
            of_classes = (
                objective is None or objective.needs == "classes" or from_classes(objective)
            )
        if self.recipe.head is None and not of_classes:
            return False
        features = self.plain.features
        labelled = bool((features.labels(self.plain.test) >= 0).any())
        return len(self.plain.classes) > 1 and labelled

    def _context(self, *, cached: bool) -> Context:
        recipe = self.recipe
        features = Features(
            self.backbone, self.pairs, recipe.data.image_px,
            cache_folder() / "features" if cached else None,
            recipe.text.classnames, recipe.data.text_roles, views=recipe.data.views,
        )  # fmt: skip
        encode = self.backbone.encode_text
        return Context(features, recipe.text.templates, encode, seed=recipe.seed)


def backbone_of(recipe: Recipe, device: str | None = None) -> Backbone:
    """The plain backbone of a recipe, which reads long texts as its text section says, and shows
    all of a picture where training does (``augment.keep_whole``). device: instead of the
    recipe's."""
    settings = recipe.backbone
    backbone = load_backbone(
        settings.name, settings.pretrained, device=device or settings.device, dtype=settings.dtype
    )
    if recipe.data.augment.keep_whole:
        backbone.see_whole()
    return backbone.read_long(recipe.text.name, **recipe.text.options)


@contextmanager
def _saving(folder: Any) -> Iterator[Any]:
    with output_errors(folder):
        try:
            yield folder
        except SafetensorError as error:
            raise OutputError(f"{folder}: cannot be written ({error}).") from error
