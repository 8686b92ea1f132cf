"""The report of a finished run, gathered from its stages and its pairs."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from domainclip._recipe_options import options_of
from domainclip._run_environment import environment, homeless
from domainclip._run_names import method_name
from domainclip._run_stages import Work
from domainclip.evaluation._card import data_card
from domainclip.evaluation._pictures import Mistake, thumbnail
from domainclip.evaluation._results import Measured, against_baseline
from domainclip.evaluation._world import Place, mosaic, place_of
from domainclip.evaluation.metrics import confusion, reliability
from domainclip.evaluation.report import Predictions, Report
from domainclip.pairs import Pairs
from domainclip.recipe import Component, to_yaml

__all__ = ["component_text", "duration", "report_of"]

_MISTAKES = 24
_CHANGES = 16
_BACKGROUND_TILES = 6000  # read for the map's ground; evenly among all


def report_of(
    work: Work, values: Sequence[Measured], training: dict[str, Any], command: str
) -> Report:
    """Everything the report shows. Nothing in it names a path of the user's home."""
    recipe, pairs, classes = work.recipe, work.pairs, work.plain.classes
    found = work.predictions()
    extra: dict[str, Any] = {}
    if found is not None:
        last = np.asarray(found.before if found.after is None else found.after)
        said = last.argmax(1)
        after = reliability(last, found.labels) if found.after is not None else []
        extra = {
            "predictions": found,
            "bins": (reliability(found.before, found.labels), after),
            "confusion": confusion(said, found.labels, len(classes)),
            "mistakes": _mistakes(pairs, found, classes.names),
            "places": _places(pairs, found, said),
        }
        if extra["places"]:
            extra["background"] = _background(pairs)
    backbone = " ".join(x for x in (recipe.backbone.name, recipe.backbone.pretrained) if x)
    facts = [
        ("backbone", homeless(backbone)),
        *([("method", component_text(recipe.adapter, "adapters"))] if recipe.adapter else []),
        *([("head", component_text(recipe.head, "heads"))] if recipe.head else []),
        ("data", f"{len(pairs):,} pairs" + (f", {len(classes)} classes" if len(classes) else "")),
        ("seed", str(recipe.seed)),
        ("took", duration(sum(work.seconds.values()))),
    ]
    changes, directions = work.changes()
    return Report(
        title=recipe.name,
        note=recipe.note,
        facts=facts,
        method=method_name(recipe),
        values=values,
        card=data_card(pairs, classes),
        recipe=homeless(to_yaml(recipe)),
        command=homeless(command),
        environment=environment(work.backbone.device),
        notes=[*against_baseline(values), *_notes(work, training)],
        classnames=classes.names,
        changes=changes[:_CHANGES],
        directions=directions,
        history=[SimpleNamespace(**row) for row in training.get("history", ())],
        **extra,
    )


def component_text(component: Component, kind: str) -> str:
    """``lora (rank 8, towers image text)``: the name, and the options that are not the default."""
    known = options_of(kind, component.name)
    options = ", ".join(
        f"{name} {' '.join(map(str, value)) if isinstance(value, list | tuple) else value}"
        for name, value in component.options.items()
        if name not in known or value != known[name].default
    )
    return f"{component.name} ({options})" if options else component.name


def duration(seconds: float) -> str:
    """``3 min 52 s``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    shown = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(shown[:2]) or f"{seconds:.1f} s"


def _notes(work: Work, training: dict[str, Any]) -> list[str]:
    notes = []
    skipped = training.get("skipped", ())
    if skipped:
        example = f"{skipped[0][0]}: {skipped[0][1]}"
        notes.append(
            f"{len(skipped):,} training images could not be decoded and were left out ({example})."
        )
    if "wise_ft" in training:
        notes.append(
            f"The weights are {training['wise_ft']:g} of the way from the plain to the trained "
            "ones (WiSE-FT)."
        )
    broken = [pair for split in work.plain.features.skipped() for pair in split]
    if broken:
        notes.append(
            f"{len(broken):,} images of the evaluated splits could not be decoded and were left "
            f"out ({broken[0][0]}: {broken[0][1]})."
        )
    if work.recipe.adapter is not None and not work.pairs.count_splits().get("val"):
        notes.append("There was no validation split, so the last weights were kept.")
    return notes


def _mistakes(pairs: Pairs, found: Predictions, names: Sequence[str]) -> list[Mistake]:
    last = np.asarray(found.before if found.after is None else found.after)
    labels = np.asarray(found.labels)
    wrong = np.flatnonzero(last.argmax(1) != labels)
    worst = _one_a_group(
        pairs, found.keys, wrong[np.argsort(-last[wrong].max(1), kind="stable")].tolist()
    )[:_MISTAKES]
    wanted = {found.keys[row]: row for row in worst}
    pictures: dict[str, tuple[str, str]] = {}
    if wanted:
        chosen = _only(pairs, wanted)
        for pair in chosen.rows(("key", "image", "text"), split="chosen"):
            pictures[pair.key] = (thumbnail(pair.image), pair.text)
    return [
        Mistake(
            found.keys[row],
            pictures.get(found.keys[row], ("", ""))[0],
            names[int(labels[row])],
            names[int(last[row].argmax())],
            float(last[row].max()),
            pictures.get(found.keys[row], ("", ""))[1],
        )
        for row in worst
    ]


def _one_a_group(pairs: Pairs, keys: Sequence[str], rows: Sequence[int]) -> list[int]:
    """The first row of each group, then the others: one patient or place is not all mistakes."""
    table = pairs.table(["key", "group"])
    group = dict(
        zip(table.column("key").to_pylist(), table.column("group").to_pylist(), strict=True)
    )
    seen: set[str] = set()
    first: list[int] = []
    rest: list[int] = []
    for row in rows:
        name = group.get(keys[row]) or keys[row]
        (rest if name in seen else first).append(row)
        seen.add(name)
    return first + rest


def _only(pairs: Pairs, keys: dict[str, int]) -> Pairs:
    """The pairs with those keys in a split ``chosen``: reading it touches no other image."""
    table = pairs.table(["key", "split"])
    splits = [
        "chosen" if key in keys and split else ""
        for key, split in zip(
            table.column("key").to_pylist(), table.column("split").to_pylist(), strict=True
        )
    ]
    return pairs.with_splits(splits)


def _places(pairs: Pairs, found: Predictions, said: Any) -> list[Place]:
    where = {
        pair.key: place_of(dict(pair.where)) for pair in pairs.rows(("key", "where"), split="test")
    }
    places = []
    for key, label, guess in zip(found.keys, np.asarray(found.labels), said, strict=True):
        bounds = where.get(key)
        if bounds is not None:
            places.append(Place(bounds, int(label), int(guess)))
    return places


def _background(pairs: Pairs) -> bytes | None:
    """All tiles at their places, in small: what the world of this data looks like."""
    count = len(pairs)
    taken = set(np.linspace(0, count - 1, min(count, _BACKGROUND_TILES)).astype(int).tolist())
    chosen = pairs.with_splits(["chosen" if row in taken else "" for row in range(count)])

    def tiles() -> Any:
        for pair in chosen.rows(("where", "image"), split="chosen"):
            bounds = place_of(dict(pair.where))
            if bounds is not None:
                yield bounds, pair.image

    return mosaic(tiles())
