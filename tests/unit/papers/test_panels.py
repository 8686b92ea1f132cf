"""Panels are cut where picture and caption agree, exactly along their gutters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from domainclip.extractors.papers.panels.images import PlacedText, gray_of, split_image
from domainclip.extractors.papers.panels.split import split_figure

Box = tuple[int, int, int, int]
LETTERS = "ABCDEFGHIJKLMNOP"


@dataclass
class Mosaic:
    """A picture of noise tiles in rows, gutters between and around, a letter in each if asked."""

    image: Image.Image
    boxes: list[Box]
    words: list[PlacedText]


def mosaic(
    rows: list[int], *, gutter: int = 6, level: int = 255, seed: int = 0, letters: str = ""
) -> Mosaic:
    """Rows of that many tiles; heights and widths differ. Letters: black on a white square."""
    draw = np.random.default_rng(seed)
    width = 420
    heights = draw.integers(80, 140, len(rows))
    canvas = np.full((int(heights.sum()) + gutter * (len(rows) + 1), width), level, np.uint8)
    boxes: list[Box] = []
    top = gutter
    for count, height in zip(rows, heights, strict=True):
        shares = draw.uniform(0.8, 1.2, count)
        edges = np.cumsum(shares / shares.sum() * (width - gutter * (count + 1))).astype(int)
        for at, (start, end) in enumerate(zip([0, *edges[:-1]], edges, strict=True)):
            left, right = (at + 1) * gutter + start, (at + 1) * gutter + end
            tile = draw.integers(0, 256, (height, right - left), dtype=np.uint8)
            canvas[top : top + height, left:right] = tile
            boxes.append((int(left), top, int(right), int(top + height)))
        top += int(height) + gutter
    image = Image.fromarray(canvas).convert("RGB")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(18)
    words = []
    for letter, (left, box_top, _, _) in zip(letters, boxes, strict=False):
        pen.rectangle((left + 2, box_top + 2, left + 40, box_top + 44), "white")
        pen.text((left + 14, box_top + 12), letter, "black", font)
        words.append(PlacedText(f"({letter})", (left + 13, box_top + 13, left + 30, box_top + 33)))
    return Mosaic(image, boxes, words)


rows = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None)
@given(rows, st.integers(4, 14), st.integers(0, 255), st.integers(0, 999))
def test_a_mosaic_is_recovered_exactly(
    counts: list[int], gutter: int, level: int, seed: int
) -> None:
    made = mosaic(counts, gutter=gutter, level=level, seed=seed)
    assert [panel.box for panel in split_image(made.image)] == made.boxes


@settings(max_examples=25, deadline=None)
@given(rows, st.integers(4, 14), st.sampled_from([0, 90, 255]), st.integers(0, 999), st.booleans())
def test_letters_and_caption_give_each_panel_its_text(
    counts: list[int], gutter: int, level: int, seed: int, placed: bool
) -> None:
    letters = LETTERS[: sum(counts)]
    made = mosaic(counts, gutter=gutter, level=level, seed=seed, letters=letters)
    caption = "Views. " + " ".join(f"({x}) Tile number {n}." for n, x in enumerate(letters))
    panels = split_figure(caption, made.image, made.words if placed else ())
    if len(letters) < 2:
        assert panels == ()
    elif placed or panels:  # in pixels a letter may be missed: then the whole figure stands
        assert [panel.label for panel in panels] == list(letters)
        assert [panel.box for panel in panels] == made.boxes
        assert [panel.text for panel in panels] == [
            f"Tile number {n}." for n in range(len(letters))
        ]


def test_letters_are_read_from_pixels() -> None:
    made = mosaic([2, 2], letters="ABCD")
    panels = split_figure("(A) One. (B) Two. (C) Three. (D) Four.", made.image)
    assert [panel.box for panel in panels] == made.boxes


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 90), st.integers(1, 90))
def test_boxes_lie_in_the_picture_and_apart(seed: int, width: int, height: int) -> None:
    draw = np.random.default_rng(seed)
    coarse = draw.choice([0, 255], (height, width), p=[0.1, 0.9]).astype(np.uint8)
    image = Image.fromarray(coarse).resize((4 * width, 4 * height), Image.Resampling.NEAREST)
    boxes = [panel.box for panel in split_image(image)]
    assert boxes
    for at, (left, top, right, bottom) in enumerate(boxes):
        assert 0 <= left < right <= image.width
        assert 0 <= top < bottom <= image.height
        for other in boxes[:at]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


@pytest.mark.parametrize(
    "caption",
    [
        "One view.",
        "(A) One. (B) Two. (C) Three.",  # the picture has four
        "(A) One. (B) Two. (C) Three. (D) Four. (E) Five.",  # the picture has no fifth
    ],
)
def test_where_the_sides_disagree_the_whole_figure_stands(caption: str) -> None:
    made = mosaic([2, 2], letters="ABCD")
    assert split_figure(caption, made.image, made.words) == ()
    assert split_figure(caption, made.image) == ()


def test_places_name_panels_side_by_side_only() -> None:
    caption = "Error (left) and time (right)."
    beside, below = mosaic([2]), mosaic([1, 1])
    assert [(p.label, p.text) for p in split_figure(caption, beside.image)] == [
        ("left", "Error"),
        ("right", "time"),
    ]
    assert split_figure(caption, below.image) == ()


def test_letters_may_stand_below_their_panels_and_out_of_order() -> None:
    made = mosaic([2, 1])
    canvas = Image.new("RGB", (made.image.width, made.image.height + 40), "white")
    canvas.paste(made.image)
    boxes = [(box[0], box[1], box[2], box[3]) for box in made.boxes]
    words = [
        PlacedText(x, (box[0] + 2, box[1] + 2, box[0] + 12, box[1] + 14))
        for x, box in zip("BAC", boxes, strict=True)
    ]
    panels = split_figure("(A) One. (B) Two. (C) Three.", canvas, words)
    assert [panel.box for panel in panels] == [boxes[1], boxes[0], boxes[2]]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_pictures_of_any_mode_are_looked_at(mode: str) -> None:
    made = mosaic([2]).image.convert("L")
    image = made.convert("I") if mode == "I;16" else made
    image = image.convert(mode) if mode != "LA" else made.convert("LA")
    gray, scale = gray_of(image)
    assert gray.dtype == np.uint8
    assert scale == 1
    assert split_image(image)


def test_large_pictures_are_looked_at_smaller_and_cut_at_full_size() -> None:
    made = mosaic([2, 2])
    large = made.image.resize(
        (made.image.width * 8, made.image.height * 8), Image.Resampling.NEAREST
    )
    found = [panel.box for panel in split_image(large)]
    assert len(found) == 4
    for box, true in zip(found, made.boxes, strict=True):
        assert np.allclose(np.array(box), 8 * np.array(true), atol=16)
