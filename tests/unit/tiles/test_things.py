"""Objects cut to tiles, against each object and tile looked at by itself."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from domainclip.errors import BadInput
from domainclip.extractors.tiles.labels import things
from domainclip.extractors.tiles.labels.things import Objects, Shown
from domainclip.extractors.tiles.records import Thing


def made(rng: np.random.Generator, count: int, side: float, *, polygons: bool) -> Objects:
    corners = rng.uniform(-side / 10, side, (count, 2))
    sizes = rng.choice([1.0, 7.5, 30.0, 400.0], (count, 2)) * rng.uniform(0.5, 2, (count, 2))
    boxes = np.concatenate([corners, corners + sizes], axis=1)
    shapes = None
    if polygons:
        shapes = np.full(count, None, object)
        for at in range(0, count, 2):  # the triangle above the diagonal
            x0, y0, x1, y1 = boxes[at]
            shapes[at] = shapely.Polygon([(x0, y0), (x1, y0), (x1, y1)])
    areas = np.prod(sizes, axis=1)
    if shapes is not None:
        areas[::2] /= 2
    return Objects(("ship", "plane"), rng.integers(0, 2, count), boxes, areas, shapes)


def looked_at(
    objects: Objects, column: int, row: int, size: int, width: int, height: int, least: float
) -> list[Thing]:
    """What a tile shows, by shapely, object by object."""
    window = shapely.box(column, row, min(column + size, width), min(row + size, height))
    found = []
    for number, box in enumerate(objects.boxes.tolist()):
        shape = None if objects.shapes is None else objects.shapes[number]
        whole = shapely.box(*box)
        part = (whole if shape is None else shape).intersection(window)
        if part.area == 0:
            continue
        area = part.area * (objects.areas[number] / whole.area if shape is None else 1)
        share = area / objects.areas[number]
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        x0, y0, x1, y1 = window.bounds
        centred = x0 <= x < x1 and y0 <= y < y1
        if share >= least or centred or area >= size**2 / 4:
            edges = (whole.intersection(window) if share > 1 - 1e-12 else part).bounds
            moved = tuple(np.subtract(edges, (column, row, column, row)).tolist())
            found.append(Thing(objects.names[objects.codes[number]], moved, area, share))
    return found


@pytest.mark.parametrize("polygons", [False, True])
@pytest.mark.parametrize(("size", "stride"), [(64, 64), (64, 24), (50, 70)])
def test_a_row_of_tiles_shows_what_each_tile_shows(size: int, stride: int, polygons: bool) -> None:
    width, height = 300, 210
    rng = np.random.default_rng(size * stride)
    objects = made(rng, 150, width, polygons=polygons)
    shown = Shown(objects, width=width, height=height, min_visible=0.3)
    columns = rng.permutation(np.arange(0, width, stride))
    for row in range(0, height, stride):
        for column, tile in zip(columns, shown.of_row(row, columns, size), strict=True):
            expected = looked_at(objects, int(column), row, size, width, height, 0.3)
            assert [thing.category for thing in tile] == [thing.category for thing in expected]
            for one, other in zip(tile, expected, strict=True):
                assert np.allclose(one.box, other.box, atol=1e-9)
                assert np.isclose(one.area_px, other.area_px)
                assert np.isclose(one.visible, other.visible)


def test_every_object_with_its_centre_in_the_scene_is_shown() -> None:
    rng = np.random.default_rng(5)
    objects = made(rng, 400, 256, polygons=False)
    middle = (objects.boxes[:, :2] + objects.boxes[:, 2:]) / 2
    inside = ((middle >= 0) & (middle < 256)).all(axis=1)
    kept = Objects(
        tuple(map(str, range(400))),
        np.flatnonzero(inside),
        objects.boxes[inside],
        objects.areas[inside],
    )
    shown = Shown(kept, width=256, height=256, min_visible=1.0)
    columns = np.arange(0, 256, 32)
    seen = {
        thing.category
        for row in range(0, 256, 32)
        for tile in shown.of_row(row, columns, 32)
        for thing in tile
    }
    assert seen == {str(number) for number in np.flatnonzero(inside)}


def test_an_object_on_a_corner_of_four_tiles_is_shown_once() -> None:
    objects = Objects(("ship",), np.zeros(1, int), np.array([[28.0, 28, 36, 36]]), np.array([64.0]))
    shown = Shown(objects, width=64, height=64, min_visible=0.3)
    tiles = [tile for row in (0, 32) for tile in shown.of_row(row, np.array([0, 32]), 32)]
    assert [len(tile) for tile in tiles] == [0, 0, 0, 1]
    assert tiles[3] == (Thing("ship", (0, 0, 4, 4), 16, 0.25),)


def test_a_lake_larger_than_the_tile_is_shown_where_it_fills_a_quarter() -> None:
    box = np.array([[0.0, 0, 1000, 1000]])
    objects = Objects(("lake",), np.zeros(1, int), box, np.array([1e6]))
    shown = Shown(objects, width=2000, height=2000, min_visible=0.3)
    counts = [len(tile) for tile in shown.of_row(0, np.array([0, 975, 976]), 32)]
    assert counts == [1, 1, 1]
    assert [len(tile) for tile in shown.of_row(0, np.array([992, 993]), 32)] == [1, 0]


def test_objects_that_all_cover_each_other_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(things, "MOST_PARTS", 10)
    objects = made(np.random.default_rng(0), 50, 30, polygons=False)
    shown = Shown(objects, width=30, height=30, min_visible=0.3)
    with pytest.raises(BadInput, match="parts of objects"):
        shown.of_row(0, np.array([0, 8, 16]), 16)
