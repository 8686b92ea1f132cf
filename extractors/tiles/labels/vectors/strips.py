"""What some rows of a scene hold: the features of all layers that mean something, in its pixels."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import inflect
import numpy as np
import shapely

from ...reading.scenes import Scene
from ..boxes.reading import text_of
from .reading import Layer, Raw
from .tags import PACKED, metres, tags_of
from .vocabulary import Meaning, Vocabulary

__all__ = ["Strip", "read_strip"]

LANE_M = 3.5  # of a road, the usual width of a lane
_NAMES = ("name:en", "int_name", "name")
_WIDTHS = ("width", "est_width")
_ENGLISH = inflect.engine()


@dataclass
class Strip:
    """Features in the order of their files. shapes (n,) in pixels; kinds (n,): 0 points, 1 lines, 2
    areas; whole (n,): pixels of area or length of all of each; cut (n,): is its shape but a part;
    widths_m (n,): of lines, the side of points, NaN where not known, infinite where they are
    visible on the user's word; pixels (n,): across that are needed."""

    shapes: np.ndarray
    kinds: np.ndarray
    whole: np.ndarray
    widths_m: np.ndarray
    meanings: list[Meaning]
    names: list[str]
    tags: list[tuple[tuple[str, str], ...]]

    @cached_property
    def tree(self) -> Any:
        return shapely.STRtree(self.shapes)

    @cached_property
    def bounds(self) -> np.ndarray:
        return np.asarray(shapely.bounds(self.shapes))

    @cached_property
    def pixels(self) -> np.ndarray:
        return np.array([each.pixels for each in self.meanings])

    @cached_property
    def cut(self) -> np.ndarray:
        here = np.where(self.kinds == 2, shapely.area(self.shapes), shapely.length(self.shapes))
        return np.asarray(self.whole > here * (1 + 1e-9))


def read_strip(
    layers: list[Layer],
    vocabulary: Vocabulary,
    scene: Scene,
    rows: tuple[int, int],
    *,
    category: str,
    most: int,
    dropped: Counter[str],
) -> Strip | None:
    """None where a layer has more than ``most`` features there. Raises BadInput."""
    keys = vocabulary.read_keys | {*_NAMES, *_WIDTHS, "lanes"}
    raws, meanings, tags, by_word = [], [], [], []
    for layer in layers:
        wanted = layer.columns(keys, (category,) if category else ())
        raw = layer.within(scene, rows, list(wanted), most)
        if raw is None:
            return None
        dropped.update(raw.dropped)
        columns = {wanted[each]: values for each, values in raw.columns.items() if each != category}
        found = tags_of(columns, len(raw.shapes))
        own = _meanings(layer, raw, found, vocabulary, category, set(wanted.values()))
        kept = [at for at, meaning in enumerate(own) if meaning is not None]
        dropped["no_visible_kind"] += len(own) - len(kept)
        raws.append((raw.shapes[kept], raw.whole[kept]))
        by_word += [bool(category) or not _has_tags(layer, vocabulary)] * len(kept)
        meanings += [own[at] for at in kept]
        tags += [found[at] for at in kept]
    told = [each for each in meanings if each is not None]
    shapes = np.concatenate([each[0] for each in raws])
    kinds = shapely.get_dimensions(shapes)
    strip = Strip(
        shapes=shapes,
        kinds=kinds,
        whole=np.where(kinds == 0, 1.0, np.concatenate([each[1] for each in raws])),
        widths_m=np.array(
            [
                _width(each, meaning, kind, word)
                for each, meaning, kind, word in zip(
                    tags, told, kinds.tolist(), by_word, strict=True
                )
            ],
            float,
        ),
        meanings=told,
        names=[next((each[key] for key in _NAMES if each.get(key)), "") for each in tags],
        tags=[
            tuple(sorted((key, value) for key, value in each.items() if key in vocabulary.kept))
            for each in tags
        ],
    )
    return _once(strip, dropped)


def _once(strip: Strip, dropped: Counter[str]) -> Strip:
    """Without points that stand for the area around them: a school is often mapped as both."""
    points = np.nonzero(strip.kinds == 0)[0]
    if len(points) in (0, len(strip.kinds)):
        return strip
    point, area = strip.tree.query(strip.shapes[points], predicate="within")
    same = [
        strip.meanings[points[p]].category == strip.meanings[a].category
        for p, a in zip(point.tolist(), area.tolist(), strict=True)
    ]
    doubled = points[point[(strip.kinds[area] == 2) & np.array(same, bool)]]
    if not len(doubled):
        return strip
    kept = np.setdiff1d(np.arange(len(strip.kinds)), doubled)
    dropped["point_in_its_area"] += len(strip.kinds) - len(kept)
    return Strip(
        strip.shapes[kept],
        strip.kinds[kept],
        strip.whole[kept],
        strip.widths_m[kept],
        [strip.meanings[at] for at in kept],
        [strip.names[at] for at in kept],
        [strip.tags[at] for at in kept],
    )


def _meanings(
    layer: Layer,
    raw: Raw,
    tags: list[dict[str, str]],
    vocabulary: Vocabulary,
    category: str,
    keys: set[str],
) -> list[Meaning | None]:
    if category:
        values = raw.columns.get(category)
        nouns = [""] * len(tags) if values is None else [_noun(each) for each in values.tolist()]
    elif _has_tags(layer, vocabulary):
        return [vocabulary.of(each) for each in tags]
    else:
        nouns = [_noun(layer.name, singular=True)] * len(tags)
    known = {noun: _of_noun(noun, vocabulary) for noun in set(nouns)}
    return [known[noun] for noun in nouns]


def _has_tags(layer: Layer, vocabulary: Vocabulary) -> bool:
    found = set(layer.columns(vocabulary.keys, ()).values())
    return bool(found & (vocabulary.keys | set(PACKED)))


def _of_noun(noun: str, vocabulary: Vocabulary) -> Meaning | None:
    if not noun:
        return None
    known = vocabulary.named(noun)
    return replace(known, category=noun) if known else Meaning(noun)


def _noun(value: Any, *, singular: bool = False) -> str:
    """``colorado-glaciers`` -> ``colorado glacier``; a value is taken as it is written."""
    text = re.sub(r"[\s_]+", " ", text_of(value)).strip()
    if not singular:
        return text
    *before, last = re.sub(r"[-.:]+", " ", text).split() or [""]
    return " ".join([*before, _ENGLISH.singular_noun(last) or last] if last else []).strip()


def _width(tags: dict[str, str], meaning: Meaning, kind: int, by_word: bool) -> float:
    """Metres across a line or point; NaN: not known; infinite: taken as visible."""
    if kind == 2:
        return np.nan
    if kind == 1:
        for key in _WIDTHS:
            if (width := metres(tags.get(key, ""))) is not None:
                return width
        if (lanes := tags.get("lanes", "")).isdigit() and 0 < int(lanes) < 30:
            return int(lanes) * LANE_M
    if meaning.size_m is not None:
        return meaning.size_m
    return np.inf if by_word else np.nan
