"""A scene in, a classified map out: a GeoTIFF that any GIS opens, and its areas as GeoJSON.

    python classified_map.py SCENE.tif --model MODEL -o map.tif [--geojson map.geojson] ...

MODEL is a folder of ``Classifier.save`` (learn.py makes one) or the directory of a run. A pixel of
the map is the square of a stride in the middle of a tile. Band 1 is the class, with colours (255:
no tile); map.tif.aux.xml beside names them. Band 2 is the probability in per cent.
"""

from __future__ import annotations

import argparse
import colorsys
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyogrio.errors
import pyogrio.raw
import rasterio
import shapely
import torch
from rasterio.features import rasterize, shapes

import domainclip as dc
from domainclip.classifier import Classifier
from domainclip.commands._progress import progress_bar
from domainclip.data.transforms import views
from domainclip.errors import BadInput, DomainclipError
from domainclip.extractors.tiles import Tiles
from domainclip.recipe import load_recipe

NO_TILE = 255
AT_ONCE = 64  # tiles in memory
ONE_SCENE = "a map needs one scene with tiles and a place on the Earth."


@dataclass(frozen=True)
class Map:
    """classes, percent: uint8 (h, w), NO_TILE where there is none; truth: what a class raster
    says there, None where it says nothing. transform, crs: the place of the pixels."""

    names: list[str]
    classes: np.ndarray
    percent: np.ndarray
    truth: np.ndarray
    transform: rasterio.Affine
    crs: str


def main(args: argparse.Namespace) -> None:
    for path, endings in ((args.output, (".tif", ".tiff")), (args.geojson, (".geojson", ".json"))):
        if path:
            check_output(Path(path), endings)
    told: dict[str, Any] = {}
    if args.classes:  # to compare with: a tile needs no more than some class
        told = {"classes": args.classes, "class_table": args.class_table, "purity": 0}
        told["min_labelled"] = 0
    tiles = Tiles(
        size_px=args.size_px, stride_px=args.stride_px or args.size_px, aoi=args.aoi, captions=1,
        **told,
    )  # fmt: skip
    classifier = dc.load_classifier(args.model)
    if len(classifier.classnames) > NO_TILE:
        raise BadInput(f"{len(classifier.classnames)} classes: a map holds {NO_TILE} at most.")
    with progress_bar("classifying", "rows of tiles") as progress:
        found = classify(
            args.scene, tiles, classifier, args.views or views_of(args.model), progress
        )
    write_geotiff(args.output, found)
    print(f"{args.output}: {found.classes.shape[1]} x {found.classes.shape[0]} pixels")
    if args.geojson:
        print(f"{args.geojson}: {write_geojson(args.geojson, found)} areas")
    if args.classes:
        print(agreement(found))


def check_output(path: Path, endings: tuple[str, ...]) -> None:
    """Raises BadInput for a file that could not be written in the end."""
    if path.suffix.lower() not in endings:
        raise BadInput(f"{path}: the file's name must end in {endings[0]}.")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise BadInput(f"{path}: {'is a folder' if path.is_dir() else 'its folder is not there'}.")


def views_of(model: str) -> str:
    """What a run's recipe measures on, so that its model is asked in the same way."""
    recipe = Path(model) / "recipe.yaml"
    return load_recipe(recipe).data.views if recipe.is_file() else "plain"


def classify(
    scene: str, tiles: Tiles, classifier: Classifier, kind: str, progress: Callable[..., None]
) -> Map:
    """The class of every tile, in its place. kind: of views, see ``chances_of``. Raises BadInput
    where there is no tile or place."""
    first: dict[str, Any] = {}
    corners: list[list[int]] = []  # of each tile: column, row
    said: list[np.ndarray] = []  # of each batch: (n, 2) class and per cent
    truth: list[str | None] = []
    for batch in batches(pairs_of(scene, tiles, progress), AT_ONCE):
        for pair in batch:
            first = first or dict(pair.where)
            if pair.where["scene"] != first["scene"] or "transform" not in first:
                raise BadInput(f"{scene}: {ONE_SCENE}")
            corners.append(pair.where["window"][:2])
            shares = pair.meta["facts"].get("shares", {})
            truth.append(max(shares, key=shares.get, default=None))
        chances = chances_of(classifier, [pair.image for pair in batch], kind)
        said.append(np.stack([chances.argmax(1), np.rint(100 * chances.max(1))], axis=1))
    if not corners:
        raise BadInput(f"{scene}: {ONE_SCENE}")
    size, stride = first["window"][2], tiles.stride_px
    places = np.array(corners)
    corner = places.min(axis=0)
    x, y = ((places - corner) // stride).T
    shape = y.max() + 1, x.max() + 1
    classes, percent = (np.full(shape, NO_TILE, np.uint8) for _ in range(2))
    classes[y, x], percent[y, x] = np.concatenate(said).T
    known = np.full(shape, None, object)
    known[y, x] = truth
    # from the pixels of a tile to the map's: strides, from the middle of the first tile on
    a, b, c, d, e, f = first["transform"]
    left, top = corner - places[0] + (size - stride) / 2
    transform = rasterio.Affine(
        a * stride, b * stride, c + a * left + b * top,
        d * stride, e * stride, f + d * left + e * top,
    )  # fmt: skip
    return Map(classifier.classnames, classes, percent, known, transform, first["crs"])


def chances_of(classifier: Classifier, images: list[bytes], kind: str) -> np.ndarray:
    """(n, classes), each row summing to 1. kind: ``plain``, or features are means over ``rot90``
    or ``dihedral`` views. All views of a batch go through the tower together. Components with
    logits of their own, not from pooled features, see the plain view."""
    if kind == "plain" or hasattr(classifier.component, "image_logits"):
        return classifier.predict_proba(images)
    clip = classifier.clip
    pixels = torch.stack([clip.preprocess(image) for image in images])
    turned = torch.cat(list(views(pixels, kind)))  # (views * n, 3, h, w)
    features = clip.encode_image(turned).view(-1, len(images), clip.embed_dim).mean(0)
    features = torch.nn.functional.normalize(features, dim=1)
    if classifier.is_head:
        return np.asarray(classifier.component.logits(features).softmax(1))
    logits = clip.classify(features, classifier.classnames, classifier.templates)
    return np.asarray(logits.softmax(1))


def batches(pairs: Iterator[dc.Pair], count: int) -> Iterator[list[dc.Pair]]:
    """So many at a time: no scene is held in memory."""
    while batch := list(islice(pairs, count)):
        yield batch


def pairs_of(scene: str, tiles: Tiles, progress: Callable[..., None]) -> Iterator[dc.Pair]:
    """The scene's tiles with their pictures; how many were left out, and why, goes to stderr."""
    left_out: Counter[str] = Counter()
    sources = list(tiles.sources(scene))
    for done, source in enumerate(sources):
        progress(done, len(sources))
        for one in tiles.pairs(source):
            if isinstance(one, dc.Pair):
                yield one
            else:
                left_out[f"{one.reason} {one.detail}".rstrip()] += 1
    for reason, count in left_out.most_common(5):
        print(f"{count} tiles left out: {reason}", file=sys.stderr)


def write_geotiff(path: str, found: Map) -> None:
    """Both bands, a colour for each class, and the names in the file beside that GDAL looks for."""
    height, width = found.classes.shape
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=2, dtype="uint8",
        nodata=NO_TILE, crs=found.crs, transform=found.transform, compress="deflate",
        photometric="palette", alpha="no",
    ) as file:  # fmt: skip
        file.write(np.stack([found.classes, found.percent]))
        file.write_colormap(1, {number: colour(number) for number in range(len(found.names))})
        file.descriptions, file.units = ("class", "probability"), ("", "%")
    notes = ElementTree.Element("PAMDataset")
    band = ElementTree.SubElement(notes, "PAMRasterBand", band="1")
    categories = ElementTree.SubElement(band, "CategoryNames")
    for name in found.names:
        ElementTree.SubElement(categories, "Category").text = name
    ElementTree.ElementTree(notes).write(f"{path}.aux.xml")


def colour(number: int) -> tuple[int, ...]:
    """Red, green and blue: hues a golden section apart, in three lightnesses."""
    found = colorsys.hls_to_rgb(number * 0.618 % 1, (0.5, 0.35, 0.65)[number % 3], 0.7)
    return tuple(round(255 * one) for one in found)


def write_geojson(path: str, found: Map) -> int:
    """Connected pixels of a class as one polygon with their mean probability; how many. Raises
    BadInput for a scene of another planet.

    GDAL brings them to longitude and latitude and cuts them at the antimeridian (RFC 7946).
    """
    mask = found.classes != NO_TILE
    areas = list(shapes(found.classes, mask, transform=found.transform))
    numbered = [(outline, number) for number, (outline, _) in enumerate(areas)]
    of = rasterize(numbered, mask.shape, transform=found.transform, dtype="int32")[mask]
    tiles = np.bincount(of, minlength=len(areas))
    percent = np.bincount(of, found.percent[mask], len(areas)) / tiles
    classes = np.array([found.names[int(value)] for _, value in areas], object)
    # a corner at every pixel, so that long edges bend with the CRS
    side = np.hypot(found.transform.a, found.transform.d)
    outlines = shapely.segmentize([shapely.geometry.shape(one) for one, _ in areas], side)
    try:
        pyogrio.raw.write(
            path, shapely.to_wkb(outlines), [classes, percent.round(1), tiles],
            ["class", "probability", "tiles"], driver="GeoJSON", geometry_type="Polygon",
            crs=found.crs, layer_options={"RFC7946": "YES"},
        )  # fmt: skip
    except pyogrio.errors.DataLayerError as error:
        raise BadInput(
            f"{path}: GeoJSON is in degrees of the Earth, to which the scene's CRS does not lead; "
            "leave --geojson out."
        ) from error
    return len(areas)


def agreement(found: Map) -> str:
    """How much of the map is what the class raster says, beside always saying one class."""
    both = (found.classes != NO_TILE) & (found.truth != None)  # noqa: E711
    said, truth = np.array(found.names, object)[found.classes[both]], found.truth[both]
    if not len(truth):
        return "the class raster says nothing of these pixels"
    counts = Counter(truth)
    commonest, count = counts.most_common(1)[0]
    known = [name for name in counts if name in found.names]
    recalls = np.array([np.mean(said[truth == name] == name) for name in known])
    tiles = np.array([counts[name] for name in known])
    return (
        f"{np.mean(said == truth):.3f} of {len(truth)} pixels agree with the class raster "
        f"({count / len(truth):.3f} would if all were {commonest!r}); of its {len(counts)} classes "
        f"the model knows {len(known)}: {recalls @ tiles / max(1, tiles.sum()):.3f} of their "
        f"{tiles.sum()} pixels, {recalls.mean() if known else 0:.3f} on average over the classes"
    )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("scene", help="a raster with a place that GDAL reads, or blue_marble")
    add("--model", required=True, help="a saved classifier or a run's directory")
    add("-o", "--output", default="map.tif", help="the GeoTIFF [default: map.tif]")
    add("--geojson", help="also write the areas")
    add("--size-px", type=int, default=64, help="side of a tile [default: 64]")
    add("--stride-px", type=int, help="from tile to tile, a pixel of the map [default: the side]")
    add("--views", choices=("plain", "rot90", "dihedral"),
        help="ask about each tile turned (rot90) and mirrored too (dihedral: 8 times the work) "
        "[default: as the run measured it, else plain]")  # fmt: skip
    add("--aoi", default="", help="only W,S,E,N (degrees) or the polygons of a vector file")
    add("--classes", help="a class raster, or koppen_geiger: say how far the map agrees with it, "
        "and leave out tiles of which it says nothing")  # fmt: skip
    add("--class-table", help="CSV (value, name), or worldcover, corine, nlcd, dynamic_world")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main(parsed())
    except DomainclipError as error:
        sys.exit(str(error))
