"""Which file a picture's name means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainclip.extractors.papers.hrefs import FileNames, match_href


def match(href: str, *names: str) -> str | None:
    return match_href(href, dict.fromkeys(names, 1))


@pytest.mark.parametrize(
    ("href", "names", "expected"),
    [
        ("g1.jpg", ["g1.jpg", "g1.png"], "g1.jpg"),
        ("g1", ["g1.gif", "g1.jpg"], "g1.jpg"),
        ("g1", ["g1.tif", "g1.png"], "g1.png"),
        ("g1", ["g1.eps"], "g1.eps"),
        ("g1.eps", ["g1.jpg"], "g1.jpg"),
        ("g1.tif", ["g1.TIF"], "g1.TIF"),
        ("G1", ["g1.JPG"], "g1.JPG"),
        ("g1", ["images/g1.jpg"], "images/g1.jpg"),
        ("a/g1.png", ["b/g1.png", "a/g1.jpg"], "a/g1.jpg"),
        ("a/g1.png", ["x/b/g1.png", "x/a/g1.png"], "x/a/g1.png"),
        ("./media/a%20b.png", ["media/a b.png"], "media/a b.png"),
        ("info:doi/10.1371/journal.pone.0000217.g001", ["journal.pone.0000217.g001.tif"],
         "journal.pone.0000217.g001.tif"),
        ("https://host/x/g1.jpg?size=big", ["g1.jpg"], "g1.jpg"),
        ("journal.g001", ["journal.g002.jpg"], None),
        ("g1", ["g10.jpg", "xg1.jpg"], None),
        ("data.xlsx", ["data.csv"], None),
        ("data.xlsx", ["supp/Data.xlsx"], "supp/Data.xlsx"),
        ("v1.mp4", ["v1.jpg"], None),
        ("", ["g1.jpg"], None),
        ("../../etc/passwd", ["g1.jpg"], None),
    ],
)  # fmt: skip
def test_match(href: str, names: list[str], expected: str | None) -> None:
    assert match(href, *names) == expected


def test_a_gif_beside_a_larger_jpg_is_its_thumbnail() -> None:
    assert match_href("g1.gif", {"g1.gif": 3_000, "g1.jpg": 90_000}) == "g1.jpg"
    assert match_href("g1.gif", {"g1.gif": 90_000, "g1.jpg": 3_000}) == "g1.gif"


def test_of_two_that_differ_in_nothing_else_the_larger() -> None:
    assert match_href("g1", {"a/g1.jpg": 1, "b/g1.jpg": 2}) == "b/g1.jpg"


@given(st.lists(st.sampled_from(["a", "b", "a.jpg", "A.png", "x/a.gif", "b.tif"]), unique=True))
def test_an_answer_is_always_one_of_the_files(names: list[str]) -> None:
    files = FileNames({name: len(name) for name in names})
    for href in ("a", "b.jpg", "x/a", "c"):
        found = files.match(href)
        assert found is None or found in names
