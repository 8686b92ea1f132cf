"""The ``data`` section of a recipe: which pairs, which splits, how they are fed. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from domainclip.errors import nearest

__all__ = [
    "AugmentSettings",
    "DataSettings",
    "ExtractSettings",
    "SecondViewSettings",
    "SplitSettings",
    "namesakes",
]

Problem = tuple[tuple[str | int, ...], str]  # (path inside the section, what is wrong there)
Share = Annotated[float, ">= 0 <= 1"]


@dataclass(frozen=True)
class ExtractSettings:
    """Pairs made once from ``source`` by an extractor and kept in the cache for other runs."""

    name: str
    source: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict, metadata={"kind": "extractors"})


def _fractions() -> dict[str, float]:
    return {"train": 0.7, "val": 0.1, "test": 0.2}


@dataclass(frozen=True)
class SplitSettings:
    """Splits made anew. fractions: split -> share of the rows. by: what never crosses: a column,
    map cells (cell) or time (the oldest in the first split); null keeps the splits of pairs that
    have some (``pairs split`` writes them, with its buffer), and splits others by group.

    buffer: rows of a lower split (train < val < test) within this distance of another split's rows
    are left out, in units of the rows' CRS; 0 leaves out those that touch; null leaves out none.
    buffer_m: the same in metres on the ground, across CRSs. cell_m: side of the cells in metres;
    cell: in units of the rows' CRS.
    """

    fractions: Mapping[str, float] = field(default_factory=_fractions)
    seed: int = 0
    buffer: Annotated[float, ">= 0"] | None = None
    buffer_m: Annotated[float, ">= 0"] | None = None
    by: Literal["group", "document", "key", "cell", "time"] | None = "group"
    cell: Annotated[float, "> 0"] | None = None
    cell_m: Annotated[float, ">= 1"] | None = None

    def problems(self) -> Iterator[Problem]:
        known = ("train", "val", "test")
        for name in self.fractions:
            if name not in known:
                yield ("fractions", name), f"unknown split.{nearest(name, known)}"
        if (self.by == "cell") != (self.cell is not None or self.cell_m is not None):
            yield ("by",), "cells need their side, cell_m or cell, and nothing else has one."
        if self.cell is not None and self.cell_m is not None:
            yield ("cell_m",), "give the side in metres or in units of the CRS, not both."
        if self.buffer is not None and self.buffer_m is not None:
            yield ("buffer_m",), "give the buffer in metres or in units of the CRS, not both."
        shares = self.fractions.values()
        if min(shares, default=0) <= 0 or abs(sum(shares) - 1) > 1e-6:
            yield ("fractions",), "shares are above 0, and add up to 1."


@dataclass(frozen=True)
class AugmentSettings:
    """Random views of the training images.

    flip, vertical_flip: mirrored half of the time. rot90: by 0, 90, 180 or 270 degrees.
    crop_scale: share of the area that is kept, drawn between the two; [1, 1] crops nothing.
    crop_ratio: width to height of the crop, drawn between the two. colour: strength of changes in
    brightness, contrast and saturation (0: none; 0.2 is moderate).
    rotate: by any angle up to so many degrees, either way; 180 for scenes from above. scale: things
    look so many times as large, drawn between the two, such as [0.8, 1.25] where the ground
    resolution varies. What neither leaves filled is filled by reflection.
    keep_whole: nothing is cut off a figure: all of it is shown, as ``crop_scale`` of a square that
    is filled with the colour of its border. Validation, measurements before and after, and
    whoever loads the adapter see all of it too, where else they see the tower's own centre crop.
    gamma, noise, bias_field: for scanners. The exponent goes up to 1 + gamma, noise up to that
    share of white, and shading as of an MR coil up to that strength (0.3 is moderate; needs MONAI).
    """

    flip: bool = False
    vertical_flip: bool = False
    rot90: bool = False
    crop_scale: tuple[Share, Share] = (1.0, 1.0)
    crop_ratio: tuple[float, float] = (0.75, 4 / 3)
    colour: Share = 0.0
    rotate: Annotated[float, ">= 0 <= 180"] = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    keep_whole: bool = False
    gamma: Annotated[float, ">= 0 <= 10"] = 0.0
    noise: Share = 0.0
    bias_field: Share = 0.0

    def problems(self) -> Iterator[Problem]:
        for name in ("crop_scale", "crop_ratio"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                yield (name,), "give [smallest, largest], both above 0."
        if not 0.5 <= self.scale[0] <= self.scale[1] <= 2:
            yield ("scale",), "give [smallest, largest], both from 0.5 to 2."


@dataclass(frozen=True)
class SecondViewSettings:
    """Another image of the study as the second view, for objectives that ask for views.

    by: what a study is: pairs of one ``document`` (``extract dicom``: a study) or one ``group``
    (a patient). same: fields of meta in which the two agree, such as ImageLaterality for the same
    breast; a pair without such a field has no other. Where there are several, one is drawn each
    epoch; where there is none, and where it cannot be decoded, another random view of the image
    itself is taken.
    """

    by: Literal["document", "group"] = "document"
    same: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataSettings:
    """Which pairs, in which splits, and how they reach the towers.

    pairs: a pairs directory; or ``extract`` says how to make one. split: null for the splits that
    the pairs have. image_px: side of the square that the tower sees; null for the tower's own.
    workers: processes that decode; 0 for none. memory_mb: a split whose decoded images fit in this
    much memory is decoded once and not at every epoch. text_roles: which of a pair's texts are
    captions, one drawn at random per epoch; ``caption`` is the pair's default text too. A role that
    no training pair has is told, and refused where that leaves none.
    views: features that are measured are means over each image as it is (``plain``), and turned by
    quarters (``rot90``: 4 views), and mirrored too (``dihedral``: 8); for scenes from above.
    role_weights: how often a text of a role is drawn as the caption, against 1 for those that are
    absent; without any, every text of a pair is as likely as another, and so it is where all that a
    pair has are of weight 0. weights: mean number of copies of a sample per epoch, by source
    (absent: 1). temperature: above 1 draws from small sources more often and from large ones less,
    a source's share being count^(1/temperature); an epoch stays as long as it was. second_view:
    where the first of the further views comes from that an objective asks for; null for the image
    itself, at random as ``augment`` says. limit: about so
    many rows of each split and no more, evenly over labels and groups, for a trial; null for all.
    """

    pairs: str | None = None
    extract: ExtractSettings | None = None
    split: SplitSettings | None = None
    image_px: Annotated[int, ">= 8"] | None = None
    batch_size: Annotated[int, ">= 1"] = 32
    workers: Annotated[int, ">= 0"] = 0
    memory_mb: Annotated[int, ">= 0"] = 1024
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    text_roles: tuple[str, ...] = ("caption",)
    views: Literal["plain", "rot90", "dihedral"] = "plain"
    role_weights: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    temperature: Annotated[float, ">= 1"] = 1.0
    second_view: SecondViewSettings | None = None
    limit: Annotated[int, ">= 1"] | None = None

    def problems(self) -> Iterator[Problem]:
        if self.pairs is None and self.extract is None:
            yield (), "missing; give 'extract', or the directory of your pairs: data.pairs=PATH."
        elif self.pairs is not None and self.extract is not None:
            yield (), "give either 'pairs' or 'extract', and not both."
        for source, weight in self.weights.items():
            if not 0 <= weight < float("inf"):
                yield ("weights", source), "give a number from 0 up."
        for role, weight in self.role_weights.items():
            if not 0 <= weight < float("inf"):
                yield ("role_weights", role), "give a number from 0 up."
        unlisted = ", ".join(
            repr(role) for role in self.role_weights if role not in self.text_roles
        )
        if unlisted:
            listed = ", ".join(map(repr, self.text_roles)) or "none"
            yield (
                ("text_roles",),
                f"lists {listed} and not {unlisted}, which data.role_weights weighs; list the same "
                "roles in both, or give data.role_weights={}.",
            )
        if self.text_roles and not any(self.role_weights.get(r, 1.0) for r in self.text_roles):
            yield (
                ("role_weights",),
                "every role of data.text_roles has weight 0, so none is left to draw from; give "
                "one of them more.",
            )


def namesakes(classnames: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(label, an earlier label of the same name) of ``text.classnames``: no prompt tells them
    apart."""
    first: dict[str, str] = {}
    for label, name in classnames.items():
        earlier = first.setdefault(name, label)
        if earlier != label:
            yield label, earlier
