"""Captions read as English, say what the tile is, and say the same again."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainclip.extractors.tiles.captions.classes import captions_of, read_templates, with_article


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        ("ice cap climate", "an ice cap climate"),
        ("university", "a university"),
        ("uninhabited island", "an uninhabited island"),
        ("urban area", "an urban area"),
        ("used car lot", "a used car lot"),
        ("one-way street", "a one-way street"),
        ("hour", "an hour"),
        ("the sea", "the sea"),
        ("parking lots", "parking lots"),
        ("campus", "a campus"),
        ("overpass", "an overpass"),
        ("open water", "open water"),
        ("grass", "grass"),
        ("ET zone", "an ET zone"),
        ("UTM zone", "a UTM zone"),
        ("", ""),
    ],
)
def test_articles(noun: str, expected: str) -> None:
    assert with_article(noun) == expected


def test_every_climate_reads_as_a_phrase() -> None:
    table = files("domainclip.extractors.tiles.labels") / "koppen_geiger.csv"
    lines = table.read_text(encoding="utf-8").splitlines()[1:]
    names = [line.split(",")[2] for line in lines]
    assert len(names) == len(set(names)) == 32
    for name in names:
        assert with_article(name).startswith(("a ", "an "))
        assert name == "ocean" or "climate" in name


def test_the_resolution_has_the_figures_it_deserves() -> None:
    template = ["{class} at {gsd} m to a pixel."]
    said = [captions_of(template, "ice", gsd, first=0, count=1)[0] for gsd in (7280.19, 10, 0.299)]
    assert said == [
        "Ice at 7,280 m to a pixel.", "Ice at 10 m to a pixel.", "Ice at 0.3 m to a pixel."
    ]  # fmt: skip


def test_without_a_resolution_nothing_is_said_of_it() -> None:
    templates = read_templates(None)
    made = captions_of(templates, "dune", None, first=0, count=9)
    assert made == ["A satellite image of a dune.", "A view from space of a dune."]
    assert captions_of(["{gsd} m, {class}"], "dune", None, first=3, count=2) == ["A dune"]


def test_a_users_templates_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("# of fields\n\nThe field is {a_class}.\n  {class}  \n", encoding="utf-8")
    assert list(read_templates(str(path))) == ["The field is {a_class}.", "{class}"]


@given(
    st.text(min_size=1, max_size=20),
    st.one_of(st.none(), st.floats(0.01, 1e5)),
    st.integers(0, 2**32),
    st.integers(0, 5),
)
def test_captions_differ_hold_the_class_and_no_slot(
    name: str, gsd_m: float | None, first: int, count: int
) -> None:
    templates = ["X {a_class} at {gsd} m", "Y {class}", "Z {a_class}"]
    made = captions_of(templates, name, gsd_m, first=first, count=count)
    assert len(made) == len(set(made)) == min(count, 2 if gsd_m is None else 3)
    assert all(name in text for text in made)
    assert not any("{" in text.replace(name, "") for text in made)
