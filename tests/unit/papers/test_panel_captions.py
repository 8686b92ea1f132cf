"""What a caption says of each panel: markers before, behind and inside their words."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainclip.extractors.papers.panels.captions import split_caption


def said(caption: str) -> dict[str, str]:
    return {part.label: part.text for part in split_caption(caption).parts}


@pytest.mark.parametrize(
    ("caption", "parts"),
    [
        ("Title. (A) One side. (B) Other side.", {"A": "One side.", "B": "Other side."}),
        ("Cells. a Red cells; b Blue cells", {"a": "Red cells", "b": "Blue cells"}),
        ("a, Red cells. b, Blue cells.", {"a": "Red cells.", "b": "Blue cells."}),
        ("A. Red cells. B. Blue cells.", {"A": "Red cells.", "B": "Blue cells."}),
        ("Cells. A) Red ones. B) Blue ones.", {"A": "Red ones.", "B": "Blue ones."}),
        ("Odds (A: age B: cost C: way).", {"A": "age", "B": "cost", "C": "way)."}),
        ("(i) Then. (ii) Now. (iii) Soon.", {"i": "Then.", "ii": "Now.", "iii": "Soon."}),
        ("(A–C) Views. (D) Graph.", {"A": "Views.", "B": "Views.", "C": "Views.", "D": "Graph."}),
        ("(a) and (b) Two views of one heart.", dict.fromkeys("ab", "Two views of one heart.")),
        ("(a, b) Two views. (c) A third.", {"a": "Two views.", "b": "Two views.", "c": "A third."}),
        ("Weight of larvae (A), pupae (B) and adults (C).",
         {"A": "Weight of larvae", "B": "pupae", "C": "adults"}),
        ("The mass in (a) front and (b) side view.", {"a": "front", "b": "side view."}),
        ("Scan (a) before surgery. The scan after it (b) is normal.",
         {"a": "Scan before surgery.", "b": "The scan after it is normal."}),
        ("(A) E. coli. (B) OR of death. (C) y axis: and",
         {"A": "E. coli.", "B": "OR of death.", "C": "y axis"}),
        ("Error (left) and time (right).", {"left": "Error", "right": "time"}),
        ("Results. Left: error. Right: time.", {"left": "error.", "right": "time."}),
        ("Verlauf. (a) Vor der Behandlung; (b) nach der Behandlung.",
         {"a": "Vor der Behandlung", "b": "nach der Behandlung."}),
        ("Évolution (a) avant et (b) après la cure.", {"a": "avant", "b": "après la cure."}),
    ],
)  # fmt: skip
def test_every_way_of_naming_panels(caption: str, parts: dict[str, str]) -> None:
    assert said(caption) == parts


def test_what_all_panels_share_is_in_none() -> None:
    parts = split_caption("Growth. (A) Young. (B) Old. Grey. Scale bars: 5 µm. n = 3.")
    assert parts.lead == "Growth."
    assert [part.text for part in parts.parts] == ["Young.", "Old. Grey."]
    assert parts.tail == "Scale bars: 5 µm. n = 3."


def test_a_reference_back_is_no_start() -> None:
    assert said("(A) A map. (B) Detail of (A). (C) Same as in (B).") == {
        "A": "A map.",
        "B": "Detail of (A).",
        "C": "Same as in (B).",
    }


def test_of_nested_letters_the_outer_count() -> None:
    caption = "Dose (A) without (a) or with drug (b–d); time (B) without (a) or with drug (b–d)."
    assert set(said(caption)) == {"A", "B"}


@pytest.mark.parametrize(
    "caption",
    [
        "A map of the area (black box).",
        "(A) alone is no sequence.",
        "Levels differ (P < 0.05); see (B) and (C).",
        "Radiograph of the left hand. A fracture is seen.",
        "",
        "(((((((",
        "Group a Patients and group B Controls.",
    ],
)
def test_a_caption_without_panels_gives_none(caption: str) -> None:
    parts = split_caption(caption)
    assert parts.parts == ()
    assert parts.lead == caption.strip()


words = st.lists(st.sampled_from(["cells", "of", "the", "kidney", "stained", "blue"]), min_size=2)


@given(st.lists(words, min_size=2, max_size=8), st.booleans())
def test_what_was_put_together_comes_apart(texts: list[list[str]], upper: bool) -> None:
    letters = "ABCDEFGH" if upper else "abcdefgh"
    sentences = {
        x: " ".join(text).capitalize() + "." for x, text in zip(letters, texts, strict=False)
    }
    caption = "Views. " + " ".join(f"({letter}) {text}" for letter, text in sentences.items())
    assert said(caption) == sentences


@given(st.text(alphabet="ABCabc()[]–-,.;: left and 12\n", max_size=200))
def test_no_character_is_invented_and_none_is_given_twice(caption: str) -> None:
    parts = split_caption(caption)
    for part in parts.parts:
        assert "".join(caption[start:end] for start, end in part.spans).split() == part.text.split()
        assert part.spans == tuple(sorted(part.spans))
        assert re.search(r"\w", part.text)
    spans = sorted({span for part in parts.parts for span in part.spans})
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_long_captions_take_no_long_time() -> None:
    assert split_caption("(a" * 20_000).parts == ()
    assert split_caption("a, " * 20_000).parts == ()
