"""The region that a caption on a PDF page gets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainclip.extractors.papers.pdf.page import Rect
from domainclip.extractors.papers.pdf.regions import find_regions
from domainclip.extractors.papers.records import Box

from .pdf_pages import LEFT, RIGHT, Sketch, filled

Region = tuple[float, float, float, float] | None


def regions(*sketches: Sketch) -> list[Region]:
    """Of all captions of a document: two pages of text, so that it has columns, and these."""
    number = max((sketch.number for sketch in sketches), default=0)
    pages = [*(s.page for s in sketches), filled(number + 1).page, filled(number + 2).page]
    captions = [caption for sketch in sketches for caption in sketch.captions]
    found = find_regions(pages, captions)
    return [None if box is None else (box.x0, box.y0, box.x1, box.y1) for box in found]


def close(region: Region, wanted: tuple[float, float, float, float], slack: float = 3.0) -> bool:
    return region is not None and bool(np.abs(np.subtract(region, wanted)).max() <= slack)


def test_a_figure_above_its_caption_between_text() -> None:
    page = Sketch()
    page.text(LEFT, 60, 200)
    image = page.image((60, 220, 280, 400))
    page.caption((50, 410, 290, 420))
    page.text(LEFT, 440, 740)
    page.text(RIGHT, 60, 740)
    assert close(regions(page)[0], image)


def test_a_figure_below_its_caption() -> None:
    page = Sketch()
    page.text(LEFT, 60, 200)
    page.caption((50, 215, 290, 225))
    image = page.image((60, 235, 280, 400))
    page.text(LEFT, 420, 740)
    page.text(RIGHT, 60, 740)
    assert close(regions(page)[0], image)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_figure_beside_its_caption(side: str) -> None:
    page = Sketch()
    image, caption = ((200, 60, 550, 380), (50, 62, 180, 110))
    if side == "left":
        image, caption = ((50, 60, 400, 380), (420, 330, 550, 378))
    page.image(image)
    page.caption(caption)
    page.text(LEFT, 400, 740)
    page.text(RIGHT, 400, 740)
    assert close(regions(page)[0], image)


def test_many_images_under_one_caption_are_one_region() -> None:
    page = Sketch()
    for x in (50, 225, 400):
        for y in (60, 190):
            page.image((x, y, x + 150, y + 110))
    page.caption((150, 315, 450, 325))
    page.text(LEFT, 350, 740)
    page.text(RIGHT, 350, 740)
    assert close(regions(page)[0], (50, 60, 550, 300))


def test_axis_labels_and_panel_letters_belong_to_the_figure() -> None:
    page = Sketch()
    page.path((100, 80, 260, 200))
    page.line("A", (60, 70, 68, 80))
    page.line("time (s)", (160, 204, 200, 212), 7)
    page.line("volts", (84, 120, 92, 150), 7, (0, -1))
    page.caption((50, 225, 290, 235))
    page.text(LEFT, 250, 740)
    page.text(RIGHT, 60, 740)
    assert close(regions(page)[0], (60, 70, 260, 212))


def test_figures_side_by_side_and_stacked_are_kept_apart() -> None:
    page = Sketch()
    boxes = []
    for x0, x1 in (LEFT, RIGHT):
        for y in (60, 300):
            boxes.append(page.image((x0, y, x1, y + 180)))
            page.caption((x0, y + 190, x1, y + 200))
    page.text(LEFT, 530, 740)
    page.text(RIGHT, 530, 740)
    found = regions(page)
    assert all(close(region, box) for region, box in zip(found, boxes, strict=True))


def test_a_document_whose_captions_stand_above_has_them_above_where_both_would_fit() -> None:
    plain = Sketch(0)
    plain.text(LEFT, 60, 200)
    plain.caption((50, 220, 290, 230))
    first = plain.image((50, 240, 290, 400))
    plain.text(LEFT, 420, 740)
    plain.text(RIGHT, 60, 740)
    full = Sketch(1)
    full.caption((50, 60, 550, 70))
    second = full.image((50, 80, 550, 380))
    full.caption((50, 392, 550, 402))
    third = full.image((50, 412, 550, 740))
    found = regions(plain, full)
    assert [close(a, b) for a, b in zip(found, (first, second, third), strict=True)] == [True] * 3


def test_a_table_of_words_and_a_figure_between_two_captions_are_divided() -> None:
    page = Sketch()
    page.caption((50, 60, 290, 70), "table")
    for row in range(5):
        for x in (60, 140, 220):
            page.line("12.5", (x, 80 + 12 * row, x + 20, 88 + 12 * row), 8)
    image = page.image((50, 170, 290, 330))
    page.caption((50, 340, 290, 350))
    page.text(LEFT, 370, 740)
    page.text(RIGHT, 60, 740)
    table, figure = regions(page)
    assert close(table, (60, 80, 240, 136)) and close(figure, image)


def test_paragraphs_between_the_rules_of_a_table_belong_to_it() -> None:
    page = Sketch()
    page.caption((50, 60, 290, 70), "table")
    page.path((50, 78, 290, 78.5))
    page.text(LEFT, 82, 200)
    page.path((50, 204, 290, 204.5))
    page.text(LEFT, 240, 740)
    page.text(RIGHT, 60, 740)
    assert close(regions(page)[0], (50, 78, 290, 204.5))


def test_running_heads_and_their_rules_are_left_out() -> None:
    sketches = []
    for number in range(4):
        page = Sketch(number)
        page.line(f"Journal of Tests, page {number}", (50, 30, 250, 40), 8)
        page.path((50, 44, 550, 44.5))
        page.image((500, 20, 550, 40))
        page.image((50, 60 + 10 * number, 550, 400))
        page.caption((50, 410, 550, 420))
        page.text(LEFT, 440, 740)
        page.text(RIGHT, 440, 740)
        sketches.append(page)
    found = regions(*sketches)
    assert [close(r, (50, 60 + 10 * n, 550, 400)) for n, r in enumerate(found)] == [True] * 4


def test_the_same_place_on_a_few_pages_makes_no_furniture_of_a_plot() -> None:
    sketches = []
    for number in range(3):
        page = Sketch(number)
        page.path((100, 120, 500, 400))
        page.caption((50, 410, 550, 420))
        page.text(LEFT, 440, 740)
        page.text(RIGHT, 440, 740)
        sketches.append(page)
    assert all(close(region, (100, 120, 500, 400)) for region in regions(*sketches))


def test_a_frame_around_figure_and_caption_and_a_page_background_are_no_figure() -> None:
    page = Sketch()
    page.image((0, 0, 600, 800))
    page.path((45, 55, 555, 430))
    image = page.image((60, 70, 540, 400))
    page.caption((60, 410, 540, 420))
    page.text(LEFT, 450, 740)
    page.text(RIGHT, 450, 740)
    assert close(regions(page)[0], image)


def test_a_turned_figure_with_a_turned_caption() -> None:
    page = Sketch()
    image = page.image((60, 60, 480, 740))
    page.caption((490, 200, 500, 740), direction=(0, -1))
    assert close(regions(page)[0], image)


def test_a_figure_on_the_facing_page() -> None:
    text = Sketch(0)
    text.text(LEFT, 60, 740)
    text.text(RIGHT, 60, 660)
    text.caption((310, 690, 550, 740))
    plate = Sketch(1)
    image = plate.image((50, 60, 550, 700))
    found = find_regions([text.page, plate.page, filled(2).page], text.captions)
    assert found[0] is not None and found[0].page == 1
    assert close((found[0].x0, found[0].y0, found[0].x1, found[0].y1), image)


def test_legends_listed_at_the_end_go_with_the_plates_in_order() -> None:
    legends = Sketch(2)
    for top in (60, 120, 180):
        legends.caption((50, top, 550, top + 40))
    plates = [Sketch(number) for number in (3, 4, 5)]
    for plate in plates:
        plate.image((50, 60, 550, 700))
    pages = [filled(0).page, filled(1).page, legends.page, *(plate.page for plate in plates)]
    found = find_regions(pages, legends.captions)
    assert [box.page if box else None for box in found] == [3, 4, 5]


def test_a_listing_of_full_lines_in_a_frame_is_the_figure_of_the_caption_below_it() -> None:
    page = Sketch()
    page.path((50, 60, 290, 210))
    page.text(LEFT, 64, 206)
    page.caption((50, 218, 290, 228))
    page.text(LEFT, 250, 740)
    page.text(RIGHT, 60, 740)
    assert close(regions(page)[0], (50, 60, 290, 210))


def test_on_a_scanned_page_the_space_between_text_and_caption_is_the_figure() -> None:
    page = Sketch()
    page.image((0, 0, 600, 800))
    page.text(LEFT, 60, 200)
    page.caption((50, 420, 290, 430))
    page.text(LEFT, 450, 740)
    page.text(RIGHT, 60, 740)
    assert close(regions(page)[0], (50, 196, 290, 420), slack=8)


def test_a_caption_with_nothing_around_it_has_no_region() -> None:
    page = Sketch()
    page.text(LEFT, 60, 400)
    page.caption((50, 414, 290, 424))
    page.text(LEFT, 438, 740)
    page.text(RIGHT, 60, 740)
    assert regions(page) == [None]


def test_no_pages_no_captions_no_regions() -> None:
    assert find_regions([], []) == ()
    assert find_regions([filled(0).page], []) == ()


_place = st.tuples(
    st.floats(-100, 700), st.floats(-100, 900), st.floats(0, 600), st.floats(0, 800)
).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
_direction = st.sampled_from([(1.0, 0.0), (0.0, -1.0), (0.0, 1.0), (-1.0, 0.0), (0.7, -0.7)])


@given(
    st.lists(_place, max_size=8),
    st.lists(_place, max_size=8),
    st.lists(st.tuples(_place, _direction), max_size=8),
    st.lists(st.tuples(_place, st.sampled_from(["figure", "table"]), _direction), max_size=4),
)
def test_whatever_a_page_holds_regions_lie_on_it(
    images: list[Rect],
    paths: list[Rect],
    lines: list[tuple[Rect, tuple[float, float]]],
    captions: list[tuple[Rect, Literal["figure", "table"], tuple[float, float]]],
) -> None:
    page = Sketch()
    for box in images:
        page.image(box)
    for box in paths:
        page.path(box)
    for box, direction in lines:
        page.line("A line that is long enough to be text", box, 10.0, direction)
    for box, kind, direction in captions:
        page.caption(box, kind, direction)
    found = find_regions([page.page], page.captions)
    assert len(found) == len(captions)
    for region in found:
        if region is not None:
            assert 0 <= region.x0 < region.x1 <= 600 and 0 <= region.y0 < region.y1 <= 800


def test_ten_thousand_paths_are_one_figure() -> None:
    page = Sketch()
    step = np.linspace(0, 1, 10_000)
    for x, y in zip(60 + 220 * step, 80 + 200 * np.sin(9 * step) ** 2, strict=True):
        page.path((x, y, x + 2, y + 2))
    page.caption((50, 300, 290, 310))
    page.text(LEFT, 330, 740)
    page.text(RIGHT, 60, 740)
    assert close(regions(page)[0], (60, 80, 282, 282), slack=8)


def _overlap(box: Box | None, gold: Sequence[float]) -> float:
    """Intersection over union of a region and a hand-drawn box."""
    if box is None:
        return 0.0
    wide = min(box.x1, gold[2]) - max(box.x0, gold[0])
    high = min(box.y1, gold[3]) - max(box.y0, gold[1])
    common = max(wide, 0) * max(high, 0)
    both = (box.x1 - box.x0) * (box.y1 - box.y0) + (gold[2] - gold[0]) * (gold[3] - gold[1])
    return common / (both - common)


def test_hand_drawn_boxes_of_conference_papers(shared_data: Path) -> None:
    """PDFFigures' own measure, IoU 0.8: figures 0.95 and 0.92, tables recall 0.90."""
    from domainclip.extractors.papers.pdf.article import read_document
    from domainclip.extractors.papers.pdf.opening import open_pdf

    folder = shared_data / "papers" / "icml_boxes"
    papers = json.loads((folder / "annotations.json").read_text())
    right = {"Figure": 0, "Table": 0}
    gold, emitted = dict(right), dict(right)
    for stem, paper in sorted(papers.items()):
        with open_pdf((folder / f"{stem}.pdf").read_bytes(), stem) as document:
            article = read_document(document, tables=True)
        found = {}
        for figure in article.figures:
            if figure.box and figure.box.page + 1 in paper["pages_annotated"]:
                kind = "Table" if figure.kind == "table" else "Figure"
                emitted[kind] += 1
                found[kind, figure.label.split()[-1]] = figure.box
        for box in paper["figures"]:
            kind = box["figure_type"]
            gold[kind] += 1
            region = found.get((kind, box["name"]))
            same = region is not None and region.page + 1 == box["page"]
            right[kind] += same and _overlap(region, box["region_bb"]) >= 0.8
    assert right["Figure"] / emitted["Figure"] >= 0.95
    assert right["Figure"] / gold["Figure"] >= 0.92
    assert right["Table"] / gold["Table"] >= 0.90
