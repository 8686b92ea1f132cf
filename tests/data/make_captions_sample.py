"""Every pattern of every language, filled in: for a reader who knows the language to judge.

python tests/data/make_captions_sample.py > tests/data/captions_sample.txt
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from domainclip.extractors.tiles.captions import LANGUAGES, captions_of, read_templates
from domainclip.extractors.tiles.captions.language import KINDS, MAY_LACK
from domainclip.extractors.tiles.captions.templates import Templates
from domainclip.extractors.tiles.records import Facts, Place, Thing

__all__ = ["sample"]


def sample() -> Iterator[str]:
    """The lines of the sample."""
    templates = read_templates(None)
    for code in LANGUAGES:
        language = templates.language(code)
        yield f"# {code}"
        for kind in KINDS:
            yield f"## {kind}"
            for pattern in language.sentences.get(kind, ()):
                others = dict.fromkeys(MAY_LACK & language.sentences.keys(), ())
                alone = replace(language, sentences=others | {kind: (pattern,)})
                for number, facts in enumerate(_facts(kind)):
                    made = captions_of(
                        facts,
                        key=f"{pattern.pattern} {number}",
                        seed=0,
                        count=1,
                        languages=(code,),
                        templates=Templates({code: alone}),
                    )
                    yield from (text.text for text in made)
        yield ""


def things(category: str, count: int, *, at: int = 0, width: int = 8, **more: float) -> list[Thing]:
    """``count`` things in a row from the upper left corner, or from pixel ``at`` on."""
    boxes = [(at + 12 * one, at + 1, at + 12 * one + width, at + 5) for one in range(count)]
    return [Thing(category, box, width * 4.0, **more) for box in boxes]


def _facts(kind: str) -> list[Facts]:
    """Two or three sets of facts for a kind: a singular, a plural, awkward nouns."""
    base = Facts(256, gsd_m=0.5, acquired="2019-07-14", season="summer", sensor="Sentinel-2")
    if kind.endswith(".around"):
        around = [
            Thing(name, (x, y, x + 9.0, y + 9.0), 81.0)
            for name, x, y in (
                ("house", 20, 20), ("house", 220, 30), ("car", 210, 220), ("car", 30, 200),
                ("tree", 120, 10),
            )
        ]  # fmt: skip
        if kind.startswith("objects"):
            ship = Thing("ship", (120.0, 120.0, 130.0, 124.0), 40.0)
            return [replace(base, objects=(ship, *around))]
        school = Thing("school", (100.0, 100.0, 150.0, 150.0), 2500.0)
        return [replace(base, features=(school, *around), focus=True)]
    if kind.startswith("objects"):
        centre = things("harbour", 1, at=110, width=30)
        bridge = things("bridge", 1, at=5, width=20)
        return [
            replace(base, objects=(*things("ship", 1, at=100), *bridge)),
            replace(base, objects=(*things("car", 2), *things("tree", 15), *centre)),
            replace(base, objects=(*things("swimming pool", 1, at=120), *things("house", 7))),
        ]  # fmt: skip
    if kind.startswith("features"):
        roads = things("road", 2, length_px=60.0)
        return [
            replace(base, features=(*things("school", 1), *things("house", 30), *roads)),
            replace(base, features=(*things("lake", 1), *things("forest", 1)), focus=True),
            replace(base, features=(*things("church", 1), *things("grass", 1), *roads), focus=True),
        ]
    if kind.startswith("cover"):
        return [
            replace(base, shares=(("forest", 0.62), ("water", 0.28), ("bare ground", 0.1))),
            replace(base, shares=(("cropland", 0.97), ("built-up area", 0.03))),
            replace(base, shares=(("grassland", 0.4), ("shrubland", 0.35), ("trees", 0.25))),
        ]
    if kind == "place.sea":
        return [replace(base, place=Place(-30.0, 10.0, water=True))]
    if kind == "place":
        return [replace(base, place=Place(4.8, 45.8, "France", "FR", "", "Lyon", 9.0))]
    if kind == "plain":
        return [Facts(256)]
    if kind == "summary":
        sea = Place(-30.0, 10.0, water=True)
        return [
            replace(base, label="harbour"),
            replace(base, label="storage tanks", season="", place=Place(1.0, 1.0, "Gabon", "GA")),
            replace(base, objects=(*things("ship", 3),), place=sea),
            replace(base, shares=(("water", 0.7), ("snow and ice", 0.3)), sensor=""),
        ]
    names = ("airport", "storage tanks", "water", "island", "hot desert climate", "snow and ice")
    return [replace(base, label=name) for name in names]


if __name__ == "__main__":
    print("\n".join(sample()))
