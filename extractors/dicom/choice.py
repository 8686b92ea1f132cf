"""Which images of a study become pairs: each radiograph; of series and loops, some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domainclip.pairs import Skip

from .series.choosing import How, choose
from .series.frames import choose_frames
from .series.geometry import Slice
from .series.stack import Stack
from .series.stacking import stacks_of
from .study import Instance, Study, header_of
from .texts import Told

if TYPE_CHECKING:
    from . import Dicom

__all__ = ["Chosen", "chosen_of"]

# A stack of fewer is a set of views, each of which is shown.
_FEW = 1


@dataclass(slots=True)
class Chosen:
    """Frames of one file, from 0. planes: frame -> plane in words. places: frame -> (place, of)."""

    instance: Instance
    frames: list[int]
    planes: dict[int, str] = field(default_factory=dict)
    places: dict[int, tuple[int, int]] = field(default_factory=dict)


def chosen_of(
    options: Dicom, study: Study, told: Sequence[Told], where: str
) -> tuple[list[Chosen], list[Skip]]:
    """The images to show, in the order of their files, and what was left out as a whole."""
    keys: set[tuple[str, int | None]]
    keys = {
        (uid, None)
        for each in told
        if each.form == "key_object" and not _rejects(each)
        for uid in each.images
    }
    keys |= {(uid, None) for each in told if each.how == "reference" for uid in each.images}
    rejected = {uid for each in told if _rejects(each) for uid in each.images}
    taken: dict[int, Chosen] = {}
    skips: list[Skip] = []
    for number, instance in enumerate(study.instances):
        if instance.web:
            taken[number] = Chosen(instance, [0])
    stacks = stacks_of(study.slices)
    images = [stack for stack in stacks if stack.role != "localizer"]
    for stack in stacks:
        if stack.role == "localizer" and images:
            skips += [Skip(where=where, reason="localizer", quarantine=False)] * len(stack.slices)
            continue
        _take(options, study, stack, keys, taken)
    chosen = [taken[number] for number in sorted(taken)]
    skips += [
        Skip(where=f"{where}/{each.instance.name}", reason="rejected_image", quarantine=False)
        for each in chosen
        if each.instance.sop_uid in rejected
    ]
    return [each for each in chosen if each.instance.sop_uid not in rejected], skips


def _rejects(told: Told) -> bool:
    """A key object selection that says of its images that they are of no use (CID 7011)."""
    return told.form == "key_object" and any("rejects" in each for each in told.warnings)


def _take(
    options: Dicom,
    study: Study,
    stack: Stack,
    keys: set[tuple[str, int | None]],
    taken: dict[int, Chosen],
) -> None:
    if len(stack.slices) <= _FEW or stack.kind == "unplaced":
        shown: Sequence[Slice] = stack.slices
    elif stack.kind == "loop" and _one_file(stack) and options.slices in ("auto", "spaced"):
        instance = study.instances[stack.slices[0].index]
        header = header_of(instance.place)
        assert header is not None  # a web image has no slices
        frames = set(choose_frames(header, options.per_series))
        shown = [each for each in stack.slices if each.frame in frames]
    else:
        shown = _of_stack(options, stack, keys)
    places = {id(each): at for at, each in enumerate(stack.slices)}
    for each in shown:
        chosen = taken.setdefault(each.index, Chosen(study.instances[each.index], []))
        chosen.frames.append(each.frame)
        if stack.plane is not None:
            chosen.planes[each.frame] = stack.plane
        if stack.kind == "volume" and id(each) in places:
            chosen.places[each.frame] = places[id(each)], len(stack.slices)
    for each in shown:
        taken[each.index].frames = sorted(set(taken[each.index].frames))


def _of_stack(options: Dicom, stack: Stack, keys: set[tuple[str, int | None]]) -> Sequence[Slice]:
    how: How = "spaced" if options.slices == "auto" else options.slices
    if options.slices in ("auto", "key"):
        marked = choose(stack, how="key", count=len(stack.slices), key_images=keys)
        if marked or options.slices == "key":
            return marked
    return choose(stack, how=how, count=options.per_series)


def _one_file(stack: Stack) -> bool:
    return len({each.index for each in stack.slices}) == 1
