"""From a path to sources: the scenes under it, each cut into bands of rows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from domainclip.errors import BadInput, MissingExtra, UsageError
from domainclip.extraction import Source

from .checks import check_options
from .labels.boxes.sources import ENDINGS
from .left_out import Named, source_of_rest
from .pixels.bands import composite_of
from .pixels.limits import decibels_already, scene_limits
from .reading.errors import Placeless
from .reading.finding import is_folder, scenes_of
from .reading.refusals import refusal
from .reading.rows import GDAL_ERRORS, rows_of_band, words_of
from .reading.scenes import Scene
from .records import Listed, SceneFacts
from .slicing import Corners, Slicing, slicing_of
from .stac.items import Refused, is_stac, scenes_of_stac
from .too_fine import sliced_too_finely
from .tools import Tools, tools_of, words_in
from .unused import Unused

if TYPE_CHECKING:
    from . import Tiles

__all__ = ["listed_of", "sources_of"]

ROWS_AROUND = 32  # tiles around features, one or few a row


def sources_of(tiles: Tiles, roots: Sequence[str]) -> Iterator[Source]:
    """See Tiles.all_sources."""
    check_options(tiles)
    for root in roots:
        _check_folders(tiles, root)
    tools = tools_of(tiles)
    named, unused = Named(tools), Unused(tools)
    for root in roots:
        for found in _found(tiles, root):
            named.add(found)
            for source in _of_found(tools, root, found, (named.look, unused.add)):
                named.failed |= "refused" in dict(source.part)
                yield source
    yield from source_of_rest(tools, named)
    for sentence in unused.sentences():
        print(sentence, file=sys.stderr)


def listed_of(source: Source) -> Listed:
    """The scene of a source."""
    part = dict(source.part)
    known = {name: _frozen(value) for name, value in dict(part["facts"]).items()}
    return Listed(part["scene"], source.path, SceneFacts(**known))


def _of_found(
    tools: Tools, root: str, found: Listed | Refused, seen_by: Iterable[Callable[[Scene], None]]
) -> Iterator[Source]:
    """seen_by: who wants to see a scene that can be opened."""
    if isinstance(found, Refused):
        yield _refused(found.name, root, found.reason, found.detail)
        return
    try:
        yield from _of_scene(tools, found, seen_by)
    except MissingExtra:
        raise
    except BadInput as error:
        yield _refused(found.name, found.path, "unreadable", str(error))
    except GDAL_ERRORS as error:
        detail = f"GDAL cannot make it out ({words_of(error)})."
        yield _refused(found.name, found.path, "unreadable", detail)


def _of_scene(
    tools: Tools, listed: Listed, seen_by: Iterable[Callable[[Scene], None]]
) -> Iterator[Source]:
    tiles = tools.tiles
    scene = tools.open(listed)
    for see in seen_by:
        see(scene)
    try:
        composite = composite_of(scene, words_in(tiles.bands), tiles.sensor)
    except BadInput as error:
        yield _refused(listed.name, listed.path, "no_such_band", str(error))
        return
    slicing = slicing_of(tiles, scene)
    refused = (
        refusal(scene, composite.bands[0])
        or sliced_too_finely(tiles, scene, slicing)
        or slicing.refused
        or _unlabelled(tools, scene)
        or _clouds_unknown(tools, scene)
        or decibels_already(scene, composite, tools.look)
    )
    if refused:
        yield _refused(listed.name, listed.path, *refused)
        return
    facts = {name: value for name, value in asdict(listed.facts).items() if value not in (None, "")}
    part: dict[str, Any] = {
        "scene": listed.name,
        "facts": facts,
        "composite": composite.to_part(),
        "limits": scene_limits(scene, composite, tools.look),
        "draws": tools.limits_of_draws(scene, slicing),
    }
    if tiles.around:
        yield from _around_features(tools, scene, listed, slicing, part)
        return
    taken = rows_of_band(scene.dataset, slicing.size, slicing.stride)
    rows = slicing.rows
    for at in range(0, len(rows), taken):
        own = (("first", at), ("rows", min(taken, len(rows) - at)))
        yield Source(f"{listed.name}#row{rows[at]:06d}", listed.path, (*own, *part.items()))


def _around_features(
    tools: Tools, scene: Scene, listed: Listed, slicing: Slicing, part: dict[str, Any]
) -> Iterator[Source]:
    """Sources of tiles around what the vectors can be about."""
    assert tools.vectors is not None, "checked: around needs vectors"
    corners = Corners.of(slicing.size, tools.vectors.centres(scene, slicing.size))
    if not corners.at:
        yield _refused(
            listed.name,
            listed.path,
            "nothing_to_be_about",
            "No feature that a tile can be about is visible in it; leave out --around, or give "
            "such features a higher rank with --tags.",
        )
    for at in range(0, len(corners.at), ROWS_AROUND):
        some = corners.at[at : at + ROWS_AROUND]
        own = (("first", at), ("corners", some), ("size", slicing.size))
        yield Source(f"{listed.name}#around{some[0][0]:06d}", listed.path, (*own, *part.items()))


def _unlabelled(tools: Tools, scene: Scene) -> tuple[str, str] | None:
    """Labels with coordinates say nothing of a scene without a place: told once, and not by each of
    its sources; nor do those that are in doubt."""
    if scene.georeference is not None:
        return None
    try:
        tools.facts_of_row(scene, 0, np.array([0]), 1)
    except Placeless as error:
        return "no_place", str(error)
    except BadInput as error:
        return "labels_unusable", str(error)
    return None


def _clouds_unknown(tools: Tools, scene: Scene) -> tuple[str, str] | None:
    """Without a mask of its own, or without the band: told once, as are labels."""
    if tools.clouds is not None:
        try:
            tools.clouds.check(scene)
        except BadInput as error:
            return "clouds_unknown", str(error)
    return None


def _found(tiles: Tiles, root: str) -> Iterator[Listed | Refused]:
    if is_stac(root):
        found = False
        for item in scenes_of_stac(root, assets=tiles.assets, trusted=tiles.trusted):
            found = True
            yield item
        if not found:
            raise BadInput(f"{root}: there is no STAC item in it.")
        return
    if tiles.assets:
        raise UsageError(f"--assets: are of STAC items, and {root} is none; leave it out.")
    yield from scenes_of(root, leave_out=_labels_below(tiles), subdatasets=tiles.subdatasets)


def _check_folders(tiles: Tiles, root: str) -> None:
    """Rasters that are no scenes must not lie among the scenes: nothing tells them apart. Raises
    UsageError."""
    if is_stac(root) or not is_folder(root):
        return
    for option, what in (("masks", "the masks"), ("geotiff", "the tiles")):
        for folder in _resolved(getattr(tiles, option)):
            if Path(root).resolve().is_relative_to(folder):
                raise UsageError(
                    f"--{option} {getattr(tiles, option)} holds the scenes of {root} too; put "
                    f"{what} in a folder of their own."
                )


def _labels_below(tiles: Tiles) -> Callable[[Path], bool]:
    """Is a file of the scenes' folder one of labels, or of what the tiles leave behind?

    Annotations may lie beside the images that they are of: a folder of them hides no image.
    """
    annotated = _resolved(tiles.boxes, tiles.labels, tiles.vectors)
    rasters = _resolved(tiles.classes, tiles.clouds, tiles.masks, tiles.geotiff)

    def leave_out(path: Path) -> bool:
        here = path.resolve()
        hidden = rasters if here.suffix.lower() not in ENDINGS else rasters + annotated
        return here in annotated or any(map(here.is_relative_to, hidden))

    return leave_out


def _resolved(*named: str | None) -> list[Path]:
    return [Path(one).resolve() for one in named if one]


def _refused(name: str, path: str, reason: str, detail: str) -> Source:
    return Source(name, path, (("refused", reason), ("detail", detail)))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
