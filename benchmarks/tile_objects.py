"""Boxes and masks to the objects of tiles: how fast, and whether every count is right.

    python benchmarks/tile_objects.py [--objects 1000000] [--tiles 200]

Objects of one scene cut to its tiles, against a loop that tests every object in every tile. Masks
of 224 pixels with about 20 components each, through numpy many tiles at a time, against
``scipy.ndimage.label`` and ``rasterio.features.shapes`` for each tile and class. A CSV and a COCO
file of the same objects, read and laid over their scene. Where the shared data are beside the
checkout, the objects found in each of its annotation files, against the count that a plain reader
of that format finds. Rates are per CPU second.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyogrio
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.features import shapes
from scipy import ndimage

from domainclip.extractors.tiles.labels.boxes import open_boxes
from domainclip.extractors.tiles.labels.masks import open_masks
from domainclip.extractors.tiles.labels.masks.components import components
from domainclip.extractors.tiles.labels.things import Objects, Shown
from domainclip.extractors.tiles.reading.scenes import open_scene
from domainclip.extractors.tiles.records import Facts

__all__ = ["main"]

SIZE = 224
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "tiles"


def cpu(work: Callable[[], Any]) -> tuple[Any, float]:
    """(result, CPU seconds)"""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def made_objects(count: int, side: int) -> Objects:
    rng = np.random.default_rng(0)
    corners, sizes = rng.uniform(0, side - 40, (count, 2)), rng.uniform(4, 40, (count, 2))
    boxes = np.concatenate([corners, corners + sizes], axis=1)
    return Objects(("car", "ship"), rng.integers(0, 2, count), boxes, np.prod(sizes, axis=1))


def report_cutting(count: int) -> None:
    side = int((count / 25) ** 0.5) * SIZE  # about 25 objects to a tile
    objects = made_objects(count, side)
    columns = np.arange(0, side, SIZE)
    shown, made = cpu(lambda: Shown(objects, width=side, height=side, min_visible=0.3))
    found, took = cpu(
        lambda: sum(
            len(tile) for row in range(0, side, SIZE) for tile in shown.of_row(row, columns, SIZE)
        )
    )
    tiles = len(columns) ** 2
    some = columns[:5]
    _, slow = cpu(lambda: [tested(objects, int(column), 0) for column in some])
    rate, naive = tiles / took, len(some) / slow
    print(f"cut      {count:,} objects, {tiles:,} tiles: {found:,} shown, sorted in {made:.2f} s")
    print(
        f"         {rate:,.0f} tiles/s; each object in each tile {naive:,.0f}; {rate / naive:,.0f}x"
    )


def tested(objects: Objects, column: int, row: int) -> int:
    """A tile against all objects, vectorised over them."""
    x0, y0, x1, y1 = objects.boxes.T
    wide = np.minimum(x1, column + SIZE) - np.maximum(x0, column)
    high = np.minimum(y1, row + SIZE) - np.maximum(y0, row)
    there = (wide > 0) & (high > 0)
    return int((there & (wide * high >= 0.3 * objects.areas)).sum())


def made_tiles(count: int, classes: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    tiles = np.zeros((count, SIZE, SIZE), np.uint8)
    for tile in tiles:
        for _ in range(24):
            (y, x), (h, w) = rng.integers(0, SIZE - 24, 2), rng.integers(5, 24, 2)
            tile[y : y + h, x : x + w] = rng.integers(1, classes + 1)
    return tiles


def report_components(count: int) -> None:
    for classes in (1, 5, 10):
        tiles = made_tiles(count, classes)
        rows = [tiles[at : at + 24] for at in range(0, count, 24)]
        found, took = cpu(lambda rows=rows: [components(row) for row in rows])
        theirs, slow = cpu(lambda tiles=tiles, k=classes: [by_scipy(tile, k) for tile in tiles])
        _, traced = cpu(lambda tiles=tiles: [sum(1 for _ in shapes_of(tile)) for tile in tiles])
        parts = sum(len(row.tiles) for row in found)
        assert parts == sum(theirs), "components differ from scipy's"
        print(
            f"masks    {classes} classes, {parts / count:.0f} components a tile: "
            f"{count / took:,.0f} tiles/s; scipy {count / slow:,.0f} ({slow / took:.1f}x), "
            f"rasterio.features.shapes {count / traced:,.0f} ({traced / took:.1f}x); same counts"
        )


def by_scipy(tile: np.ndarray, classes: int) -> int:
    found = 0
    for value in range(1, classes + 1):
        labels, number = ndimage.label(tile == value, np.ones((3, 3)))
        ndimage.find_objects(labels)
        found += number
    return found


def shapes_of(tile: np.ndarray) -> Iterator[Any]:
    return shapes(tile, mask=tile > 0, connectivity=8)


def report_reading(count: int, folder: Path) -> None:
    side = 20_000
    boxes = made_objects(count, side).boxes.round(2).tolist()
    with rasterio.open(
        folder / "P1.tif", "w", driver="GTiff", width=side, height=side, count=1, dtype="uint8",
        sparse_ok=True, tiled=True,
    ):  # fmt: skip
        pass
    with (folder / "P1.csv").open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["image_path", "xmin", "ymin", "xmax", "ymax", "label"])
        writer.writerows(["P1.tif", *box, "car"] for box in boxes)
    entries = [
        {"image_id": 1, "category_id": 1, "bbox": [x0, y0, x1 - x0, y1 - y0]}
        for x0, y0, x1, y1 in boxes
    ]
    document = {
        "images": [{"id": 1, "file_name": "P1.tif"}],
        "categories": [{"id": 1, "name": "car"}],
        "annotations": entries,
    }
    (folder / "coco.json").write_text(json.dumps(document))
    scene = open_scene(str(folder / "P1.tif"))
    for name in ("P1.csv", "coco.json"):
        found, took = cpu(lambda name=name: open_boxes(folder / name).objects(scene))
        assert found is not None
        assert len(found.codes) == count, "objects are missing"
        print(f"reading  {name}: {count:,} objects in {took:.2f} s, {count / took:,.0f} objects/s")


def report_real() -> None:
    """Objects of the real files, against plain readers."""
    forest, solaris = SHARED / "deepforest", SHARED / "solaris"
    crop = "2019_BLAN_3_751000_4330000_image_crop"
    cases: list[tuple[Path, Path, dict[str, Any], int]] = [
        (forest / image, forest / table, {}, lines_of(forest / table))
        for image, table in (
            ("OSBS_029.tif", "OSBS_029.csv"),
            (f"{crop}.jpg", f"{crop}_bbox.csv"),
            (f"{crop}.jpg", f"{crop}_polygon.csv"),
        )
    ]
    cases += [
        (forest / f"{stem}{ending}", forest / f"{stem}.xml", {}, objects_of(forest / f"{stem}.xml"))
        for stem, ending in (
            ("OSBS_029", ".tif"),
            ("SOAP_061", ".png"),
            ("2019_YELL_2_541000_4977000_image_crop", ".png"),
        )
    ]
    cases += [
        (
            solaris / "sample_geotiff.tif",
            solaris / name,
            {"all_are": "building"},
            len(pyogrio.raw.read(solaris / name, columns=[])[2]),
        )
        for name in ("geotiff_labels.geojson", "gdf_from_mask_2.geojson")
    ]
    for image, labels, options, expected in cases:
        scene = open_scene(str(image))
        boxes = open_boxes(labels, min_visible=0.0, **options)
        found = boxes.objects(scene)
        assert found is not None
        whole = boxes.of_row(scene, 0, np.array([0]), max(scene.width, scene.height))[0]
        count = len(whole.objects) if isinstance(whole, Facts) else 0
        verdict = "exact" if len(found.codes) == count == expected else "DIFFERS"
        print(f"real     {labels.name}: {expected} annotated, {count} in one tile, {verdict}")
    for name in ("sample_fp_mask", "sample_fp_mask_from_geojson", "sample_b_mask_outer"):
        report_real_mask(solaris / "sample_geotiff.tif", solaris / f"{name}.tif")


def report_real_mask(image: Path, mask: Path) -> None:
    with rasterio.open(mask) as dataset:
        values = dataset.read(1)
    expected = ndimage.label(values, np.ones((3, 3)))[1]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"{image.stem}_mask.tif").write_bytes(mask.read_bytes())
        masks = open_masks(folder, category="building", min_area_px=1)
        fact = masks.of_row(open_scene(str(image)), 0, np.array([0]), 900)[0]
    count = len(fact.objects) if isinstance(fact, Facts) else 0
    verdict = "exact" if count == expected else "DIFFERS"
    print(f"real     {mask.name}: {expected} components by scipy, {count} found, {verdict}")


def lines_of(path: Path) -> int:
    with path.open() as file:
        return sum(1 for _ in csv.DictReader(file))


def objects_of(path: Path) -> int:
    return len(ElementTree.parse(path).getroot().findall("object"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--tiles", type=int, default=192)
    options = parser.parse_args()
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    report_cutting(options.objects)
    report_components(options.tiles)
    with tempfile.TemporaryDirectory() as folder:
        report_reading(options.objects // 10, Path(folder))
    if SHARED.is_dir():
        report_real()


if __name__ == "__main__":
    main()
