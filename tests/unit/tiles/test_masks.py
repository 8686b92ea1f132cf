"""Masks become the components that scipy finds in them, tile by tile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from rasterio.features import rasterize
from scipy import ndimage

from domainclip.errors import BadInput, UsageError
from domainclip.extractors.tiles.labels.masks import Masks, open_masks
from domainclip.extractors.tiles.labels.masks.components import components, instances
from domainclip.extractors.tiles.reading.scenes import Scene, open_scene
from domainclip.extractors.tiles.records import Facts, Thing
from tests.data.make_rasters import scene_values, write_scene

SIDE = 96


def blobs(seed: int, classes: int, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.random((height, width)), 1.5)
    values = np.digitize(smooth, np.quantile(smooth, [0.7, *np.linspace(0.75, 1, classes)[:-1]]))
    return values.astype(np.uint8)


def by_scipy(tile: np.ndarray) -> list[tuple[int, tuple[int, ...], int]]:
    """(value, box, area) of each component, ordered."""
    found = []
    for value in np.unique(tile[tile > 0]).tolist():
        labels, _ = ndimage.label(tile == value, np.ones((3, 3)))
        for number, (ys, xs) in enumerate(ndimage.find_objects(labels), start=1):
            box = (xs.start, ys.start, xs.stop, ys.stop)
            found.append((value, box, int((labels == number).sum())))
    return sorted(found)


@pytest.mark.parametrize("classes", [1, 4])
def test_components_are_those_of_scipy(classes: int) -> None:
    tiles = np.stack([blobs(seed, classes, 40, 56) for seed in range(6)])
    tiles[2] = 0
    tiles[3] = 1
    parts = components(tiles)
    for number, tile in enumerate(tiles):
        own = parts.tiles == number
        rows = zip(parts.values[own], parts.boxes[own], parts.areas[own], strict=True)
        assert sorted((int(v), tuple(b.tolist()), int(a)) for v, b, a in rows) == by_scipy(tile)


def test_instances_are_the_pixels_of_each_value() -> None:
    tiles = np.random.default_rng(0).choice([0, 0, 0, 7, 70_000, -3], (4, 20, 31)).astype(np.int32)
    tiles[1] = 0
    parts = instances(tiles)
    found = {
        (int(tile), int(value)): (tuple(box.tolist()), int(area))
        for tile, value, box, area in zip(
            parts.tiles, parts.values, parts.boxes, parts.areas, strict=True
        )
    }
    expected = {}
    for number, tile in enumerate(tiles):
        for value in np.unique(tile[tile != 0]).tolist():
            ys, xs = np.nonzero(tile == value)
            box = (int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)
            expected[number, value] = box, len(xs)
    assert found == expected


def make_scene(folder: Path, name: str = "P1.tif", **place: Any) -> Scene:
    folder.mkdir(parents=True, exist_ok=True)
    return open_scene(str(write_scene(folder / name, scene_values(SIDE, SIDE), **place)))


def shown(masks: Masks, scene: Scene, size: int = 32) -> dict[tuple[int, int], list[Thing]]:
    """Tile -> its objects, of tiles that show some."""
    found = {}
    columns = np.arange(0, scene.width, size)
    for row in range(0, scene.height, size):
        for column, fact in zip(columns, masks.of_row(scene, row, columns, size), strict=True):
            if isinstance(fact, Facts):
                assert fact.looked
                found[int(column), row] = list(fact.objects)
    return found


def expected_of(values: np.ndarray, names: dict[int, str], size: int = 32) -> dict[Any, Any]:
    found = {}
    for row in range(0, values.shape[0], size):
        for column in range(0, values.shape[1], size):
            parts = by_scipy(values[row : row + size, column : column + size])
            things = [(names[v], tuple(map(float, box)), float(a)) for v, box, a in parts]
            if things:
                found[column, row] = things
    return found


def plain(found: dict[tuple[int, int], list[Thing]]) -> dict[Any, Any]:
    return {
        tile: sorted((thing.category, thing.box, thing.area_px) for thing in things)
        for tile, things in found.items()
    }


def ordered(found: dict[Any, Any]) -> dict[Any, Any]:
    return {tile: sorted(things) for tile, things in found.items()}


NAMES = {1: "building", 2: "road"}
COLOURS = {0: (0, 0, 0), 1: (255, 0, 0), 2: (0, 0, 255)}


def table(folder: Path, columns: str = "value,name") -> Path:
    path = folder / "classes.csv"
    lines = {
        "value,name": ["0,background", "1,Buildings", "2,road"],
        "name,r,g,b": ["Background,0,0,0", "Buildings,255,0,0", "road,0,0,255"],
        "name,hex": ["Buildings,#ff0000", "road,#0000FF"],
    }[columns]
    path.write_text("\n".join([columns, *lines]))
    return path


def write_mask(path: Path, values: np.ndarray, form: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    driver = "PNG" if path.suffix == ".png" else "GTiff"
    if form == "colours":
        deep = np.moveaxis(np.array([COLOURS[v] for v in range(3)], np.uint8)[values], -1, 0)
    else:
        deep = values[None]
    shape = {"count": len(deep), "height": values.shape[0], "width": values.shape[1]}
    with rasterio.open(path, "w", driver=driver, dtype="uint8", **shape) as dataset:
        dataset.write(deep)
        if form == "palette":
            dataset.write_colormap(1, COLOURS)
    return path


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(
    ("form", "columns"),
    [
        ("values", "value,name"),
        ("palette", "value,name"),
        ("colours", "name,r,g,b"),
        ("colours", "name,hex"),
        ("palette", "name,r,g,b"),
    ],
)
@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_every_form_of_mask_shows_the_same(
    tmp_path: Path, form: str, columns: str, ending: str
) -> None:
    values = blobs(3, 2)
    write_mask(tmp_path / "masks" / f"P1_mask{ending}", values, form)
    masks = open_masks(tmp_path / "masks", table=table(tmp_path, columns), min_area_px=1)
    found = shown(masks, make_scene(tmp_path / "scenes"))
    assert plain(found) == ordered(expected_of(values, NAMES))
    assert shown(masks, make_scene(tmp_path / "scenes", "P2.tif")) == {}


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_mask_of_one_category_and_masks_beside_the_scenes(tmp_path: Path) -> None:
    values = blobs(4, 1) * 255
    scene = make_scene(tmp_path)
    write_mask(tmp_path / "P1_mask.png", values, "values")
    found = shown(open_masks(tmp_path, category="building", min_area_px=1), scene)
    expected = expected_of(values, {255: "building"})
    assert plain(found) == ordered(expected)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_specks_are_left_out_and_counted(tmp_path: Path) -> None:
    values = blobs(5, 1)
    write_mask(tmp_path / "masks/P1.png", values, "values")
    masks = open_masks(tmp_path / "masks", category="building", min_area_px=30)
    scene = make_scene(tmp_path / "scenes")
    found = [thing for things in shown(masks, scene).values() for thing in things]
    areas = [
        area for things in expected_of(values, {1: "building"}).values() for *_, area in things
    ]
    assert sorted(thing.area_px for thing in found) == sorted(a for a in areas if a >= 30)
    assert masks.specks["P1.tif"] == sum(area < 30 for area in areas) > 0


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_instance_masks_have_an_object_for_each_value(tmp_path: Path) -> None:
    values = np.zeros((SIDE, SIDE), np.uint8)
    values[5:15, 5:15], values[5:15, 15:25], values[20:25, 5:9] = 1, 2, 1
    write_mask(tmp_path / "masks/P1.png", values, "values")
    masks = open_masks(tmp_path / "masks", category="car", by_instance=True)
    found = shown(masks, make_scene(tmp_path / "scenes"))
    assert found == {
        (0, 0): [Thing("car", (5, 5, 15, 25), 120), Thing("car", (15, 5, 25, 15), 100)]
    }


def test_a_mask_with_a_place_is_laid_over_scenes(tmp_path: Path) -> None:
    """Half as fine, and only over the left half of the scene."""
    values = blobs(6, 1, SIDE // 2, SIDE // 4)
    mask = write_scene(tmp_path / "mask.tif", values[None], pixel=0.02)
    masks = open_masks(mask, category="building", min_area_px=1)
    scene = make_scene(tmp_path / "scenes")
    whole = np.zeros((SIDE, SIDE), np.uint8)
    whole[:, : SIDE // 2] = values.repeat(2, axis=0).repeat(2, axis=1)
    assert plain(shown(masks, scene, 24)) == ordered(expected_of(whole, {1: "building"}, 24))
    columns = np.arange(0, SIDE, 24)
    reasons = masks.of_row(scene, 0, columns, 24)
    assert reasons[2:] == ["not_annotated"] * 2
    assert reasons[0] != "not_annotated"


def test_windows_may_stick_out_of_the_scene(tmp_path: Path) -> None:
    values = np.ones((1, SIDE, SIDE), np.uint8)
    masks = open_masks(write_scene(tmp_path / "m.tif", values), category="field")
    scene = make_scene(tmp_path / "scenes")
    (fact,) = masks.of_row(scene, 80, np.array([90]), 32)
    assert isinstance(fact, Facts)
    assert fact.objects == (Thing("field", (0, 0, 6, 16), 96),)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_masks_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "scenes")
    columns = np.array([0])
    write_mask(tmp_path / "a/P1.png", blobs(0, 1, 50, 50), "values")
    with pytest.raises(BadInput, match="50 x 50"):
        open_masks(tmp_path / "a", category="ship").of_row(scene, 0, columns, 32)
    for name in ("b/P1_mask.png", "b/P1_gt.png"):
        write_mask(tmp_path / name, blobs(0, 1), "values")
    with pytest.raises(BadInput, match="may be its mask"):
        open_masks(tmp_path / "b", category="ship").of_row(scene, 0, columns, 32)
    write_scene(tmp_path / "f.tif", np.zeros((1, SIDE, SIDE), np.float32))
    with pytest.raises(BadInput, match="float32"):
        open_masks(tmp_path / "f.tif", category="ship").of_row(scene, 0, columns, 32)
    write_scene(tmp_path / "g.tif", np.zeros((1, SIDE, SIDE), np.uint16))
    by_colour = open_masks(tmp_path / "g.tif", table=table(tmp_path, "name,hex"))
    with pytest.raises(BadInput, match="colour"):
        by_colour.of_row(scene, 0, columns, 32)


def test_a_damaged_block_costs_the_tiles_on_it_alone(tmp_path: Path) -> None:
    tiling = {"tiled": True, "blockxsize": 32, "blockysize": 32, "compress": "deflate"}
    values = np.random.default_rng(0).integers(1, 9, (1, SIDE, SIDE)).astype(np.uint8)
    path = write_scene(tmp_path / "m.tif", values, **tiling)
    whole = path.read_bytes()
    with rasterio.open(path) as dataset:
        offset = int(dataset.get_tag_item("BLOCK_OFFSET_1_0", "TIFF", bidx=1))
    path.write_bytes(whole[:offset] + b"\0" * 40 + whole[offset + 40 :])
    masks = open_masks(path, category="field")
    facts = masks.of_row(make_scene(tmp_path / "scenes"), 0, np.array([0, 32, 64]), 32)
    assert facts[1] == "unreadable_mask"
    assert all(isinstance(facts[at], Facts) for at in (0, 2))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name\nship\n", "needs the column name"),
        ("value,name\nx,ship\n", ":2: 'x'"),
        ("name,r,g,b\nship,1,2,300\n", ":2: '300'"),
        ("name,hex\nship,#zz\n", ":2: '#zz'"),
        ("value,name\n0,background\n", "0 classes"),
    ],
)
def test_a_damaged_table_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "classes.csv"
    path.write_text(text)
    write_scene(tmp_path / "m.tif", np.zeros((1, 9, 9), np.uint8))
    with pytest.raises(BadInput, match=says):
        open_masks(tmp_path / "m.tif", table=path)


def test_options_that_cannot_be_are_refused(tmp_path: Path) -> None:
    for wrong in ({}, {"category": "a", "keep_empty": 2.0}, {"category": "a", "min_area_px": 0}):
        with pytest.raises(UsageError):
            open_masks(tmp_path, **wrong)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="no masks"):
        open_masks(tmp_path, category="a")
    with pytest.raises(BadInput, match="no such mask"):
        open_masks(tmp_path / "none", category="a")


MASKS = [
    "sample_fp_mask", "sample_fp_mask_from_geojson", "sample_b_mask_inner", "sample_b_mask_outer",
    "sample_b_mask_outer_10",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("name", MASKS)
def test_real_masks_have_the_components_of_scipy(
    shared_data: Path, tmp_path: Path, name: str
) -> None:
    root = shared_data / "tiles/solaris"
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks/sample_geotiff.tif").write_bytes((root / f"{name}.tif").read_bytes())
    scene = open_scene(str(root / "sample_geotiff.tif"))
    with rasterio.open(root / f"{name}.tif") as dataset:
        values = dataset.read(1)
    masks = open_masks(tmp_path / "masks", category="building", min_area_px=1)
    for size in (225, 900):
        found = shown(masks, scene, size)
        names = {int(value): "building" for value in np.unique(values)}
        assert plain(found) == ordered(expected_of(values, names, size))


def test_footprints_come_back_out_of_their_mask(shared_data: Path, tmp_path: Path) -> None:
    """Outlines of buildings, burnt in as solaris does, and the components: as many as the outlines
    that do not touch."""
    root = shared_data / "tiles/solaris"
    scene = open_scene(str(root / "sample_geotiff.tif"))
    _, _, blob, _ = pyogrio.raw.read(root / "geotiff_labels.geojson", columns=[])
    shapes = shapely.from_wkb(blob)
    burnt = rasterize(
        [(shape, 255) for shape in shapes], (900, 900), transform=scene.place.transform
    ).astype(np.uint8)
    place = {"crs": "EPSG:32616", "transform": scene.place.transform}
    mask = write_scene(tmp_path / "m.tif", burnt[None], **place)
    masks = open_masks(mask, category="building", min_area_px=1)
    (things,) = shown(masks, scene, 900).values()
    boxes = np.array([thing.box for thing in things])
    edges = shapely.bounds(shapes)[:, [0, 3, 2, 1]]
    edges = (np.clip((edges - (733601, 3725139) * 2) * (2, -2, 2, -2), 0, 900)).tolist()
    nearest = [np.abs(boxes - edge).max(axis=1).argmin() for edge in edges]
    assert len(things) == len(set(nearest)) == len(shapes) == 43
    assert np.abs(boxes[nearest] - edges).max() <= 1
