"""The training of a run: what it is given, what is told and refused before it, and itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from domainclip._run_captions import fit_captions
from domainclip._run_warnings import warnings_said
from domainclip.adapters._protocol import inject_for
from domainclip.backbones import Backbone
from domainclip.data._negatives import said_of_groups
from domainclip.data.classes import Classes, left_out
from domainclip.data.module import PairsDataModule
from domainclip.objectives._protocol import wants_of
from domainclip.pairs import Pairs
from domainclip.recipe import Component, Recipe
from domainclip.training.fit import FitResult, check_plan, fit

__all__ = ["Training", "say_left_out"]


@dataclass(eq=False)
class Training:
    """objective: what is minimised; None where the adapter learns from captions by its own rule.
    say: a line to the log and to whoever watches."""

    recipe: Recipe
    pairs: Pairs
    backbone: Backbone
    objective: Any
    say: Callable[[str], None]

    @cached_property
    def data(self) -> PairsDataModule:
        """The samples, with what the objective asks for."""
        objective = self.objective
        return PairsDataModule(
            self.pairs, self.recipe.data, self.backbone,
            seed=self.recipe.seed, classnames=self.recipe.text.classnames,
            views=getattr(objective, "views", 0), second="second" in wants_of(objective),
            regions="regions" in wants_of(objective),
            negative_images="negative_images" in wants_of(objective),
            given_negatives=getattr(objective, "given_negatives", False),
        )  # fmt: skip

    def check(self) -> None:
        """What is wrong with the training is told before the measuring, which takes longer."""
        settings, batch = self.recipe.trainer, self.recipe.data.batch_size
        self.data.source_weights()
        check_plan(self.backbone, self.objective, settings, self.data.classes.names, self._long)
        if settings.chunk is not None and settings.chunk >= batch:
            self.say(
                f"trainer.chunk: {settings.chunk} is no less than the {batch} of data.batch_size, "
                "so images are read at once, as without it"
            )

    def run(
        self, component: Component, classes: Classes, out: Path, log: Callable[[str], None]
    ) -> tuple[Any, FitResult]:
        """The adapter, injected and trained. log: a line to the log alone.

        One that learns from captions is measured afterwards by its class texts, not by its own
        ``image_logits``: evaluators read pooled features.
        """
        adapter = component.build("adapters")
        text, objective = self.recipe.text, self.objective
        inject_for(adapter, self.backbone, classes.names, text.templates)
        if getattr(adapter, "learns_from", "images") == "captions":
            return adapter, fit_captions(adapter, self.pairs, classes, self.recipe)
        assert objective is not None, "the recipe's check asks for one beside an adapter"
        for line in (*self.data.said(), *said_of_groups(self.pairs, objective)):
            self.say(line)
        with warnings_said(self.say):
            result = fit(
                self.backbone, adapter, objective, self.data, self.recipe.trainer,
                out=out, seed=self.recipe.seed,
                class_text=(self.data.classes.names, text.templates),
                long=self._long,
                say=log,  # whoever watches has a progress bar
            )  # fmt: skip
        return adapter, result

    @property
    def _long(self) -> Any:
        """How captions longer than the context are read; None cuts them."""
        return None if self.recipe.text.name == "truncate" else self.backbone.strategy


def say_left_out(
    recipe: Recipe, pairs: Pairs, classes: Classes, say: Callable[[str], None]
) -> None:
    """That ``text.classnames`` names some labels only, if rows are lost by that."""
    if recipe.text.classnames is None:
        return
    found = left_out(pairs, classes)
    if not found.labels:
        return
    shown = ", ".join(map(repr, found.labels[:10]))
    more = f" and {len(found.labels) - 10} more labels" if len(found.labels) > 10 else ""
    rows = ", ".join(
        f"{lost:,} of {found.labelled[split]:,} labelled rows in {split or 'no split'}"
        for split, lost in sorted(found.rows.items())
    )
    say(f"text.classnames leaves out {shown}{more}; of no class are {rows}")
