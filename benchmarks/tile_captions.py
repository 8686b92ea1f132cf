"""Captions of tiles: are they true, complete, different, short and quick?

    python benchmarks/tile_captions.py [--data FOLDER] [--tiles 500]

On made-up but likely facts of ``--tiles`` tiles, and on the boxes of real annotation files where
``--data`` (the folder of DeepForest's samples) is there: captions of objects are read back by a
reader that knows no template (tests/data/read_captions.py), the share of different captions, the
share that CLIP's 77 tokens hold (open_clip's tokenizer, where installed), and tiles per CPU second.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "data"))

from read_captions import Reader

from domainclip.extractors.tiles.captions import LANGUAGES, captions_of, read_templates
from domainclip.extractors.tiles.records import Facts, Place, Thing

__all__ = ["main"]

# DOTA's categories and how often a tile has them, roughly as they come in its training set
CATEGORIES = {
    "ship": 28, "small vehicle": 26, "large vehicle": 17, "airplane": 8, "storage tank": 5,
    "harbour": 6, "tennis court": 2, "swimming pool": 2, "bridge": 2, "football pitch": 1,
    "basketball court": 1, "roundabout": 1, "helicopter": 1, "athletics track": 1,
}  # fmt: skip
FORMS = {
    name: (name, {"bridge": "bridges"}.get(name, f"{name}s" if name[-1] != "h" else f"{name}es"))
    for name in CATEGORIES
} | {"tree": ("tree", "trees")}
SIZE = 512


def made_up(tiles: int) -> Iterator[Facts]:
    """Facts of objects: one to five categories, one to sixty of each, a few with time and place."""
    rng = random.Random(0)
    names, weights = list(CATEGORIES), list(CATEGORIES.values())
    for _ in range(tiles):
        objects = []
        for name in set(rng.choices(names, weights, k=rng.randint(1, 5))):
            for _ in range(min(60, int(rng.paretovariate(0.9)))):
                width, height = rng.randint(6, 60), rng.randint(6, 60)
                x, y = rng.uniform(0, SIZE - width), rng.uniform(0, SIZE - height)
                box = (x, y, x + width, y + height)
                objects.append(Thing(name, box, float(width * height)))
        place = Place(4.8, 45.8, "France", "FR", "", "Lyon", 9.0) if rng.random() < 0.5 else None
        acquired = f"20{rng.randint(10, 24)}-{rng.randint(1, 12):02d}-03"
        yield Facts(SIZE, 0.5, objects=tuple(objects), looked=True, place=place, acquired=acquired)


def annotated(folder: Path) -> Iterator[Facts]:
    """Facts of the boxes in DeepForest's CSV files, in windows of 128 pixels every 32."""
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get("xmin")]
        corners = ("xmin", "ymin", "xmax", "ymax")
        boxes = [tuple(float(row[name]) for name in corners) for row in rows]
        for x in range(0, int(max((box[2] for box in boxes), default=0)), 32):
            for y in range(0, int(max((box[3] for box in boxes), default=0)), 32):
                inside = [
                    Thing("tree", (x0 - x, y0 - y, x1 - x, y1 - y), (x1 - x0) * (y1 - y0))
                    for x0, y0, x1, y1 in boxes
                    if x <= (x0 + x1) / 2 < x + 128 and y <= (y0 + y1) / 2 < y + 128
                ]
                if inside:
                    yield Facts(128, 0.1, objects=tuple(inside), looked=True)


def classes(tiles: int) -> Iterator[Facts]:
    """Facts of one class a tile, of seven, with the resolution: what a folder of classes gives."""
    names = ("grassland", "field", "industrial area", "river or lake", "forest", "parking lot")
    for number in range(tiles):
        yield Facts(SIZE, 0.5 + number % 3, label=names[number % len(names)])


def cover(tiles: int) -> Iterator[Facts]:
    """Shares of four to seven classes of land cover, and where the tile lies."""
    rng = random.Random(1)
    names = ("tree cover", "grassland", "cropland", "built-up", "bare ground", "water", "shrubland")
    for _ in range(tiles):
        weights = {name: rng.random() ** 4 for name in rng.sample(names, rng.randint(4, 7))}
        total = sum(weights.values())
        shares = sorted(((name, one / total) for name, one in weights.items()), key=lambda s: -s[1])
        yield Facts(SIZE, 10.0, shares=tuple(shares), acquired="2021-05-02", season="spring")


def features(tiles: int) -> Iterator[Facts]:
    """A focus feature and its surroundings, as maps have them."""
    rng = random.Random(2)
    kinds = ("school", "church", "lake", "sports field", "warehouse", "cemetery", "park", "farm")
    around = ("house", "road", "grass", "parking lot", "building", "tree", "railway", "river")
    for _ in range(tiles):
        things = [Thing(rng.choice(kinds), (200, 200, 300, 300), 10_000.0)]
        for name in rng.sample(around, rng.randint(1, 5)):
            length = 100.0 if name in ("road", "railway", "river") else 0.0
            things += [Thing(name, (0, 0, 20, 20), 400.0, length_px=length)] * rng.randint(1, 30)
        yield Facts(SIZE, 0.5, features=tuple(things), focus=True)


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    data = Path(__file__).parents[2] / "shared" / "data" / "tiles" / "deepforest"
    parser.add_argument("--data", type=Path, default=data)
    parser.add_argument("--tiles", type=int, default=500)
    options = parser.parse_args()
    makers = {"objects": made_up, "features": features, "land cover": cover, "classes": classes}
    sets = {name: list(maker(options.tiles)) for name, maker in makers.items()}
    if options.data.is_dir():
        sets["real boxes"] = list(annotated(options.data))[: options.tiles]
    for name in ("objects", "real boxes"):
        if name in sets:
            print(f"{name}: " + _read_back(sets[name]))
    fits = _tokens()
    print(f"\n{'facts':12s} {'tiles':>6s} {'captions a tile':>16s} {'different':>10s} "
          f"{'words':>6s} {'in 77 tokens':>13s} {'tiles/CPU s':>12s}")  # fmt: skip
    for name, facts in sets.items():
        for count in (1, 2, 5):
            print(f"{name:12s} {len(facts):6d} {count:16d} " + _measured(facts, count, fits))
    for code in LANGUAGES[1:]:
        made = _written(sets["objects"], 2, (code,))
        different = len({text for own in made for text in own}) / sum(map(len, made))
        print(f"{'objects':12s} {len(made):6d} {f'2 {code}':>16s} {different:10.3f}")


def _written(
    facts: list[Facts], count: int, languages: tuple[str, ...] = ("en",)
) -> list[list[str]]:
    templates = read_templates(None)
    return [
        [
            text.text
            for text in captions_of(
                one, key=str(number), seed=0, count=count, languages=languages, templates=templates
            )
        ]
        for number, one in enumerate(facts)
    ]


def _read_back(facts: list[Facts]) -> str:
    reader = Reader("en", FORMS)
    captions = wrong = complete = statements = 0
    for one, texts in zip(facts, _written(facts, 5), strict=True):
        counts = Counter(thing.category for thing in one.objects)
        whole = False
        for text in texts:
            stated: Counter[str] = Counter()
            for said in reader.read(text):
                statements += 1
                if said.count is None:
                    wrong += counts[said.category] <= 10
                else:
                    stated[said.category] += said.count
            wrong += sum(count > counts[name] for name, count in stated.items())
            whole |= stated == counts
            captions += 1
        complete += whole
    return (
        f"{statements} counts read back from {captions} captions of {len(facts)} tiles, "
        f"{wrong} wrong; {complete} tiles with a caption of every category and its exact count"
    )


def _measured(facts: list[Facts], count: int, fits: Callable[[str], bool] | None) -> str:
    _written(facts[:50], count)
    start = time.process_time()
    made = _written(facts, count)
    took = time.process_time() - start
    texts = [text for own in made for text in own]
    words = sum(len(text.split()) for text in texts) / len(texts)
    share = f"{sum(map(fits, texts)) / len(texts):13.3f}" if fits else f"{'-':>13s}"
    return f"{len(set(texts)) / len(texts):10.3f} {words:6.1f} {share} {len(facts) / took:12,.0f}"


def _tokens() -> Callable[[str], bool] | None:
    try:
        from open_clip.tokenizer import SimpleTokenizer
    except ImportError:
        return None
    tokenizer = SimpleTokenizer()
    return lambda text: len(tokenizer.encode(text)) + 2 <= 77


if __name__ == "__main__":
    main()
