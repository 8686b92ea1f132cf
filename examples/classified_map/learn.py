"""A classifier from the tiles of a scene whose classes a raster tells:

    python learn.py SCENE CLASSES -o FOLDER [--aoi W,S,E,N] [--size-px 64] [--shots 16] ...

Tiles that are nearly all of one class are drawn, so many of each class; see classified_map.py.
"""

from __future__ import annotations

import argparse
import sys

import domainclip as dc
from domainclip.errors import BadInput, DomainclipError
from domainclip.extractors.tiles import Tiles
from domainclip.pairs import Skip


def main(args: argparse.Namespace) -> None:
    tiles = Tiles(
        classes=args.classes, class_table=args.class_table, aoi=args.aoi, size_px=args.size_px,
        stride_px=max(1, args.size_px // 2), purity=args.purity, per_class=args.shots,
        seed=args.seed, captions=1,
    )  # fmt: skip
    found = [one for source in tiles.sources(args.scene) for one in tiles.pairs(source)]
    pairs = [one for one in found if isinstance(one, dc.Pair)]
    labels = [pair.labels[0] for pair in pairs]
    names = sorted(set(labels))
    if len(names) < 2:
        told = {f"{one.reason}: {one.detail}" for one in found if isinstance(one, Skip)}
        raise BadInput(f"{args.scene}: tiles of {len(names)} classes ({'; '.join(sorted(told))}).")
    clip = dc.load_backbone(args.backbone, args.pretrained)
    if args.image_px:
        clip.see(args.image_px)
    images = [pair.image for pair in pairs]
    classifier = dc.few_shot(clip, images, labels, names, method=args.method, seed=args.seed)
    classifier.save(args.output)
    print(f"{args.output}: {args.method}, learned from {len(pairs)} tiles of {len(names)} classes")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0].rstrip(":"))
    add = parser.add_argument
    add("scene", help="a raster that GDAL reads, or blue_marble")
    add("classes", help="a raster of classes, or koppen_geiger")
    add("-o", "--output", required=True, help="the classifier's folder")
    add("--class-table", help="CSV (value, name), or worldcover, corine, nlcd, dynamic_world")
    add("--aoi", default="", help="only W,S,E,N (degrees) or the polygons of a vector file")
    add("--size-px", type=int, default=64, help="side of a tile [default: 64]")
    add("--shots", type=int, default=16, help="tiles of each class, at most [default: 16]")
    add("--purity", type=float, default=0.9, help="least share of the one class [default: 0.9]")
    add("--method", default="gda", help="of `domainclip list heads` or adapters [default: gda]")
    add("--backbone", default="embedded", help="[default: embedded, which needs no download]")
    add("--pretrained", help="tag of the backbone's weights")
    add("--image-px", type=int, help="side at which the backbone sees a tile [default: its own]")
    add("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main(parsed())
    except DomainclipError as error:
        sys.exit(str(error))
