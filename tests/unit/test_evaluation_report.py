"""The report: everything escaped, nothing requested, the numbers those that were measured."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from domainclip.evaluation._pictures import Mistake, thumbnail
from domainclip.evaluation._results import (
    ADAPTED,
    Measured,
    Stage,
    against_baseline,
    find,
    methods,
    with_interval,
)
from domainclip.evaluation._world import Place, class_colours, mosaic, place_of, world_map
from domainclip.evaluation.metrics import Value
from domainclip.evaluation.report import Report, class_rows, headline, html, markdown
from tests.data.made_report import made_report
from tests.data.make_pairs import encoded_image

EVIL = '<script>alert("x")</script><img src=x onerror=1>'


@pytest.fixture(scope="module")
def report() -> Report:
    return made_report(160)


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return html(report)


class _Tags(HTMLParser):
    """Every start tag, and whether the elements close as they opened."""

    VOID = ("meta", "img", "br", "path", "rect", "image", "use", "circle")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
            self.open.pop()


def _tags(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(page)
    assert parser.open == []
    return parser.found


def test_the_page_is_well_formed_and_requests_nothing(page: str) -> None:
    for tag, attributes in _tags(page):
        assert tag not in ("script", "link", "iframe", "object", "form")
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "xlink:href"):
                assert (value or "").startswith(("data:image/", "#")), value
    assert len(page.encode()) < 1_000_000


def test_what_comes_from_data_and_user_is_escaped(report: Report) -> None:
    names = (EVIL, *report.classnames[1:])
    evil = replace(
        report, title=EVIL, recipe=EVIL, command=EVIL, method=EVIL, classnames=names, notes=[EVIL],
        facts=[(EVIL, EVIL)], environment={"domainclip": EVIL, EVIL: EVIL},
        mistakes=[Mistake(EVIL, thumbnail(encoded_image(1)), EVIL, EVIL, 0.9, EVIL)],
        values=[replace(row, evaluator=EVIL) for row in report.values],
        card=replace(report.card, licenses=((EVIL, 1),), sources=((EVIL, 1),),
                     errors=((EVIL, 1),), classes=((EVIL, (1, 2, 3, 4)),), splits=("a", EVIL)),
    )  # fmt: skip
    page = html(evil)
    assert "<script" not in page and "<img src=x" not in page
    assert page.count("&lt;script&gt;") > 12
    _tags(page)


def test_the_headline_and_the_methods_are_the_values(report: Report, page: str) -> None:
    found = headline(report.values)
    assert found is not None and found[0] == "accuracy"
    before, after = found[1], found[2]
    assert before == find(report.values, "before", "zero_shot", "accuracy")
    assert after == find(report.values, "after", ADAPTED, "accuracy")
    assert f"{after.value:.3f}" in page and with_interval(before) in page
    for line in markdown(report).splitlines():
        if line.startswith("| full (this run)"):
            assert with_interval(after) in line
            break
    else:
        pytest.fail("the method is not in report.md")


def test_a_method_below_the_colour_baseline_is_named(report: Report) -> None:
    rows = [
        Measured("before", "zero_shot", "accuracy", Value(0.2, 0.1, 0.3, 50)),
        Measured("before", "colour_histogram", "accuracy", Value(0.7, 0.6, 0.8, 50)),
        Measured("after", ADAPTED, "accuracy", Value(0.65, 0.6, 0.7, 50)),
    ]
    assert [(m.label, m.below) for m in methods(rows, "lora")] == [
        ("zero shot", True), ("colour histogram (no network)", False), ("lora (this run)", True),
    ]  # fmt: skip
    page = html(replace(report, values=rows, method="lora"))
    assert re.search(r"Below the colour baseline \(0.700\).*lora \(this run\)", page)
    assert "below the colour baseline" in markdown(replace(report, values=rows, method="lora"))
    without = [row for row in rows if row.evaluator != "colour_histogram"]
    assert not any(m.below for m in methods(without, "lora"))


def test_a_lead_over_the_baseline_within_its_interval_or_in_one_metric_alone_is_said() -> None:
    def measured(stage: Stage, evaluator: str, **values: float) -> list[Measured]:
        return [
            Measured(stage, evaluator, metric, Value(value, value - 0.05, value + 0.05, 100, 10))
            for metric, value in values.items()
        ]

    colour = measured("before", "colour_histogram", accuracy=0.84, macro_f1=0.80, ece=0.07)
    near = measured("after", "adapted", accuracy=0.85, macro_f1=0.79, ece=0.03)
    (said,) = against_baseline([*colour, *near])
    assert "0.850" in said and "less than its own interval" in said
    assert (
        "worse than that baseline in macro_f1 (0.790 against 0.800)" in said and "ece" not in said
    )
    far = measured("after", "adapted", accuracy=0.95, macro_f1=0.9, ece=0.09)
    (said,) = against_baseline([*colour, *far])
    assert "interval" not in said and "worse than that baseline in ece" in said
    assert against_baseline(measured("after", "adapted", accuracy=0.9)) == []
    below = measured("after", "adapted", accuracy=0.5)
    assert against_baseline([*colour, *below]) == []


def test_the_table_by_class_is_counted_from_the_predictions(report: Report) -> None:
    found = report.predictions
    assert found is not None and found.after is not None
    said, labels = np.asarray(found.after).argmax(1), np.asarray(found.labels)
    rows = class_rows(report)
    assert sum(row.n for row in rows) == len(labels)
    for number, row in enumerate(rows):
        assert row.after == pytest.approx((said[labels == number] == number).mean())
        assert row.precision == pytest.approx((labels[said == number] == number).mean())


def test_a_bare_report_is_a_page_too() -> None:
    bare = Report(
        title="only retrieval", facts=[], method="",
        values=[Measured("before", "retrieval", "image_to_text_R@1", Value(0.5, n=4))],
        recipe="name: x", command="domainclip run x", environment={"domainclip": "0"},
    )  # fmt: skip
    page = html(bare)
    _tags(page)
    assert "0.500" in page and "Confusion" not in page and "Data card" not in page
    assert "0.500" in markdown(bare)


def test_values_survive_json_and_infinite_ones_become_null() -> None:
    row = Measured("after", "retrieval", "median_rank", Value(float("nan"), None, None, 3, 2))
    plain = row.as_json()
    assert plain["value"] is None
    back = Measured.from_json(plain)
    assert np.isnan(back.value.value) and back.value.groups == 2
    assert with_interval(back.value) == "–"


def test_thumbnails_are_small_and_carry_no_metadata() -> None:
    image = Image.new("RGB", (900, 300), (10, 200, 30))
    exif = Image.Exif()
    exif[0x010E] = "Jane Doe, born 1961"
    buffer = BytesIO()
    image.save(buffer, "JPEG", exif=exif)
    made = thumbnail(buffer.getvalue(), 90)
    data = base64.b64decode(made.partition("base64,")[2])
    small = Image.open(BytesIO(data))
    assert small.size == (90, 30) and b"Jane" not in data and not dict(small.getexif())
    assert thumbnail(b"no image") == ""


def test_places_are_read_only_where_the_crs_is_geographic() -> None:
    assert place_of({"crs": "EPSG:4326", "bounds": [170, -5, -170, 5]}) == (170, -5, 190, 5)
    assert place_of({"crs": "EPSG:32633", "bounds": [0, 0, 1, 1]}) is None
    assert place_of({"crs": "EPSG:4326"}) is None


def test_the_map_shows_the_region_and_marks_what_is_wrong() -> None:
    places = [Place((10.0, 40.0, 12.0, 42.0), 0, 0), Place((14.0, 44.0, 16.0, 46.0), 0, 1)]
    drawn = world_map(places, ("forest", "a <b>"), None)
    assert drawn.count("var(--wrong)") == 1 and "a &lt;b&gt;, is forest" in drawn
    width = float(re.findall(r'viewBox="0 0 ([\d.]+)', drawn)[0])
    assert 6 <= width < 12, "a region is shown as a region"
    world = [Place((x, y, x + 6.0, y + 6.0), 0, 0) for x in range(-180, 174, 6) for y in (-50, 50)]
    assert 'viewBox="0 0 360 ' in world_map(world, ("sea",), mosaic([]))
    many = world_map([*world] * 60, ("sea",), None)
    assert many.count("<rect") <= 4002


def test_the_background_is_the_tiles_at_their_places() -> None:
    red = BytesIO()
    Image.new("RGB", (8, 8), (250, 10, 10)).save(red, "PNG")
    made = mosaic([((0.0, 0.0, 90.0, 45.0), red.getvalue()), ((0, 0, 1, 1), b"broken")])
    assert made is not None
    canvas = Image.open(BytesIO(made)).convert("RGBA")
    assert canvas.size == (1080, 540)
    pixel = canvas.getpixel((600, 200))
    assert isinstance(pixel, tuple) and pixel[0] > 200 and pixel[3] == 255
    empty = canvas.getpixel((100, 400))
    assert isinstance(empty, tuple) and empty[3] == 0
    assert mosaic([]) is None


@pytest.mark.parametrize("count", [1, 13, 20, 64])
def test_class_colours_differ(count: int) -> None:
    colours = class_colours(count)
    assert len(set(colours)) == count and all(re.fullmatch("#[0-9a-f]{6}", c) for c in colours)
